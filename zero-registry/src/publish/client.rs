//! The side that publishes: sends signed events, and the files that the service then asks for.

use std::{collections::BTreeMap, io::Read as _, time::Duration};

use reqwest::{
    StatusCode, Url,
    blocking::{RequestBuilder, Response},
    header,
};
use thiserror::Error;
use zero_format::{Digest, printable};

use super::{PublishAnswer, PublishRequest, Refusal, UPLOAD_OFFSET, Upload};
use crate::event::Action;
use crate::transport::{Network, TransportError, redact};
use crate::writer::Submission;

/// Bytes of one part of a file: small enough that a slow line sends it within the patience of the
/// network, large enough that its headers do not matter.
const PART: usize = 1 << 20;
/// Longest answer that is read.
const MAX_ANSWER: u64 = 64 * 1024;
/// How often a service that is busy, or a line that breaks, is tried again.
const ATTEMPTS: u32 = 6;
/// Longest pause that a busy service can ask for.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A registry that takes events over HTTP.
#[derive(Debug)]
pub struct PublishService {
    base: Url,
    network: Network,
}

/// What became of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Published {
    /// They are in the log, which has this many leaves now.
    Committed {
        /// Leaves of the log.
        size: u64,
    },
    /// They were in the log already.
    Present,
}

/// Why events could not be published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// What answered is no publishing service.
    #[error("publish at {url}: its answer is not that of a publishing service ({status})")]
    Answer {
        /// What was asked.
        url: String,
        /// The status code.
        status: u16,
    },
    /// The service was busy each time.
    #[error("publish at {url}: the service is busy")]
    Busy {
        /// What was asked.
        url: String,
    },
    /// The service does not take the events.
    #[error("publish: {message}")]
    Refused {
        /// Which sort of refusal, for machines (spec/publishing.md).
        code: String,
        /// What is wrong.
        message: String,
        /// What to do about it, as the service says.
        hint: Option<String>,
    },
    /// The service was not reached.
    #[error("publish")]
    Transport(#[from] TransportError),
}

impl PublishError {
    /// Whether others have changed the package in between, so that the event must be signed anew.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "conflict")
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Answer { .. } => Some(
                "check the address: it must be one that `zero-registry serve --publish` answers"
                    .to_owned(),
            ),
            Self::Busy { .. } => Some("try again in a minute".to_owned()),
            Self::Refused { hint, .. } => hint.clone(),
            Self::Transport(error) => error.hint(),
        }
    }
}

/// An answer, read whole.
struct Answer {
    url: String,
    status: StatusCode,
    offset: Option<u64>,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl PublishService {
    /// The service at `base`, an address that ends with a slash; nothing is connected yet.
    ///
    /// # Errors
    /// When the text is no address.
    pub fn new(base: &str, network: Network) -> Result<Self, PublishError> {
        let base = Url::parse(base).map_err(|source| TransportError::Connect {
            url: redact(base),
            source: Box::new(source),
        })?;
        Ok(Self { base, network })
    }

    /// Adds events, and the files of releases, in one commit. Doing it again after a failure does
    /// no harm: what was committed is told, and what was sent of a file is not sent again.
    ///
    /// # Errors
    /// When the service refuses them, or cannot be reached.
    pub fn publish(&self, submissions: &[Submission]) -> Result<Published, PublishError> {
        let mut files = BTreeMap::new();
        let mut signatures = BTreeMap::new();
        for submission in submissions {
            if let (Action::Release(info), Some(blob)) =
                (&submission.event.body().action, &submission.blob)
            {
                files.insert(info.sha256, blob.bytes.as_slice());
                signatures.insert(info.sha256, blob.minisig.clone());
            }
        }
        let request = PublishRequest {
            events: submissions.iter().map(|s| s.event.clone()).collect(),
            signatures,
        };
        let body = request.encode();
        // Each round sends what is missing; a file that turns out to be broken is sent once more.
        for _ in 0..3 {
            match self.post(&body)? {
                PublishAnswer::Committed { size } => return Ok(Published::Committed { size }),
                PublishAnswer::Present => return Ok(Published::Present),
                PublishAnswer::Upload { files: wanted } => self.send_all(&wanted, &files)?,
            }
        }
        Err(PublishError::Busy {
            url: redact(self.base.as_str()),
        })
    }

    fn post(&self, body: &[u8]) -> Result<PublishAnswer, PublishError> {
        let url = self.url("publish");
        let answer = self.patiently(&url, |client| {
            client
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_vec())
        })?;
        if answer.status.is_success() {
            return serde_json::from_slice(&answer.body).map_err(|_| answer.strange());
        }
        Err(answer.refusal())
    }

    fn send_all(
        &self,
        wanted: &[Upload],
        files: &BTreeMap<Digest, &[u8]>,
    ) -> Result<(), PublishError> {
        for upload in wanted {
            let Some(bytes) = files.get(&upload.sha256) else {
                return Err(PublishError::Refused {
                    code: "file".to_owned(),
                    message: format!("the registry does not have the file {}", upload.sha256),
                    hint: Some("publish the file together with its release".to_owned()),
                });
            };
            self.send(&upload.sha256, bytes, upload.offset)?;
        }
        Ok(())
    }

    /// Sends a file part by part, from where the service has it.
    fn send(&self, digest: &Digest, bytes: &[u8], from: u64) -> Result<(), PublishError> {
        let url = self.url(&format!("upload/{digest}"));
        let mut offset = usize::try_from(from).unwrap_or(usize::MAX);
        let mut stuck = 0;
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            let part = rest.get(..PART).unwrap_or(rest).to_vec();
            let answer = self.patiently(&url, |client| {
                client
                    .patch(url.clone())
                    .header(UPLOAD_OFFSET, offset)
                    .body(part.clone())
            })?;
            // After a line that broke, the service tells how much has arrived.
            let there = answer.offset.and_then(|there| usize::try_from(there).ok());
            match there {
                Some(there) if answer.status.is_success() && there > offset => stuck = 0,
                Some(_) if stuck < ATTEMPTS => stuck += 1,
                _ if answer.status.is_success() => return Err(answer.strange()),
                _ => return Err(answer.refusal()),
            }
            offset = there.unwrap_or(offset);
        }
        Ok(())
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path()));
        url
    }

    /// Asks again while the service is busy or the line breaks.
    fn patiently(
        &self,
        url: &Url,
        request: impl Fn(&reqwest::blocking::Client) -> RequestBuilder,
    ) -> Result<Answer, PublishError> {
        let client = self.network.client()?;
        let mut pause = self.network.options().backoff;
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let wait = match self.once(url, request(&client)) {
                Ok(answer) => match answer.retry_after {
                    Some(after) if left > 0 => after.min(MAX_PAUSE),
                    Some(_) => return Err(PublishError::Busy { url: answer.url }),
                    None => return Ok(answer),
                },
                Err(error) if left > 0 && error.is_transient() => pause,
                Err(error) => return Err(error.into()),
            };
            self.network.options().wait(wait);
            pause = pause.saturating_mul(2);
        }
    }

    fn once(&self, url: &Url, request: RequestBuilder) -> Result<Answer, TransportError> {
        let name = redact(url.as_str());
        let response = request.send().map_err(|error| {
            if error.is_timeout() {
                TransportError::Timeout {
                    url: name.clone(),
                    limit: self.network.options().idle,
                }
            } else {
                TransportError::Connect {
                    url: name.clone(),
                    source: Box::new(error.without_url()),
                }
            }
        })?;
        let status = response.status();
        let number = |name: &str| -> Option<u64> {
            response.headers().get(name)?.to_str().ok()?.parse().ok()
        };
        let (offset, after) = (number(UPLOAD_OFFSET), number("retry-after"));
        let busy = matches!(status.as_u16(), 429 | 503);
        Ok(Answer {
            offset,
            retry_after: busy.then(|| Duration::from_secs(after.unwrap_or(1))),
            body: read(response, &name)?,
            url: name,
            status,
        })
    }
}

impl Answer {
    fn refusal(&self) -> PublishError {
        #[derive(serde::Deserialize)]
        struct Wire {
            error: Refusal,
        }
        match serde_json::from_slice::<Wire>(&self.body) {
            Ok(Wire { error }) => PublishError::Refused {
                code: plain(&error.code),
                message: plain(&error.message),
                hint: error.hint.as_deref().map(plain),
            },
            Err(_) => self.strange(),
        }
    }

    fn strange(&self) -> PublishError {
        PublishError::Answer {
            url: self.url.clone(),
            status: self.status.as_u16(),
        }
    }
}

/// The service is a stranger: what it says must not move the cursor.
fn plain(text: &str) -> String {
    printable(text).chars().take(2000).collect()
}

fn read(response: Response, url: &str) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    let read = response.take(MAX_ANSWER).read_to_end(&mut body);
    read.map_err(|_| TransportError::Truncated {
        url: url.to_owned(),
    })?;
    Ok(body)
}
