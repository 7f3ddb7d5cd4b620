//! Publishing over HTTP: what client and service say to each other (spec/publishing.md).
//!
//! There are no accounts and no tokens: a signed event is its own authorisation, for its bytes in
//! the log and for the upload of the file that it releases.

#[cfg(feature = "http")]
mod client;

#[cfg(feature = "http")]
pub use client::{PublishError, PublishService, Published};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
#[cfg(any(feature = "server", test))]
use thiserror::Error;
use zero_format::Digest;

#[cfg(any(feature = "server", test))]
use crate::event::EventError;
use crate::event::SignedEvent;
use crate::json;
#[cfg(any(feature = "server", test))]
use crate::json::JsonError;
#[cfg(any(feature = "server", test))]
use crate::limits::{MAX_PUBLISH_EVENTS, MAX_SIGNATURE_BYTES};

const TAG: &str = "zero-publish/1";

/// Events that are to be added together, or not at all.
#[derive(Clone, Debug)]
pub(crate) struct PublishRequest {
    /// The events, in order.
    pub(crate) events: Vec<SignedEvent>,
    /// The `.minisig` of each package file that the events release.
    pub(crate) signatures: BTreeMap<Digest, String>,
}

/// Why a request is not one.
#[cfg(any(feature = "server", test))]
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum RequestError {
    /// There are no events, or too many; or a signature is too long.
    #[error("read the request: it has no events, too many, or too long a signature")]
    Count,
    /// An event is malformed.
    #[error("read event {index} of the request")]
    Event {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        source: EventError,
    },
    /// It is not JSON of the expected form.
    #[error("read the request")]
    Json(#[from] JsonError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    r#type: String,
    /// Event lines without their line feeds.
    events: Vec<String>,
    #[serde(default)]
    signatures: BTreeMap<Digest, String>,
}

impl PublishRequest {
    #[cfg(any(feature = "server", test))]
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RequestError> {
        let wire: Wire = json::decode_raw(TAG, bytes)?;
        let long = |text: &String| text.len() > MAX_SIGNATURE_BYTES;
        if !(1..=MAX_PUBLISH_EVENTS).contains(&wire.events.len())
            || wire.signatures.len() > MAX_PUBLISH_EVENTS
            || wire.signatures.values().any(long)
        {
            return Err(RequestError::Count);
        }
        let events = wire.events.iter().enumerate().map(|(index, line)| {
            SignedEvent::parse(format!("{line}\n").as_bytes())
                .map_err(|source| RequestError::Event { index, source })
        });
        Ok(Self {
            events: events.collect::<Result<_, _>>()?,
            signatures: wire.signatures,
        })
    }

    #[cfg(any(feature = "http", test))]
    pub(crate) fn encode(&self) -> Vec<u8> {
        let line = |event: &SignedEvent| {
            let text = String::from_utf8_lossy(event.line());
            text.trim_end_matches('\n').to_owned()
        };
        json::encode_line(&Wire {
            r#type: TAG.to_owned(),
            events: self.events.iter().map(line).collect(),
            signatures: self.signatures.clone(),
        })
    }
}

/// What the service says to a request that it did not refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub(crate) enum PublishAnswer {
    /// The events are in the log.
    Committed {
        /// Leaves of the log after the commit.
        size: u64,
    },
    /// They were in the log before.
    Present,
    /// They are sound; these package files are needed first.
    Upload {
        /// The files.
        files: Vec<Upload>,
    },
}

/// A package file that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// SHA-256 of the file.
    pub(crate) sha256: Digest,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// Bytes that are there already.
    pub(crate) offset: u64,
}

/// What the service says to a request that it refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// Which sort of refusal, for machines.
    pub(crate) code: String,
    /// What is wrong, with its causes.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// The header that says how much of a file is there.
pub(crate) const UPLOAD_OFFSET: &str = "upload-offset";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PackageState;
    use crate::testing::{claim, event, key, name};

    fn request() -> PublishRequest {
        let state = PackageState::empty(&name("tool"));
        PublishRequest {
            events: vec![event(&state, claim(&[&key(1)], 1), &[&key(1)])],
            signatures: BTreeMap::from([(Digest::of(b"x"), "text\n".to_owned())]),
        }
    }

    #[test]
    fn a_request_survives_its_encoding() {
        let request = request();
        let read = PublishRequest::decode(&request.encode()).unwrap();
        assert_eq!(read.events[0].line(), request.events[0].line());
        assert_eq!(read.signatures, request.signatures);
    }

    #[test]
    fn doubtful_requests_are_refused() {
        let good = String::from_utf8(request().encode()).unwrap();
        for (from, to) in [
            ("zero-publish/1", "zero-publish/2"),
            ("\"events\"", "\"lines\""),
            ("{\"type\"", "{\"x\":1,\"type\""),
            ("claim", "clam"),
        ] {
            assert!(good.contains(from), "{from} in {good}");
            let changed = good.replacen(from, to, 1);
            assert!(PublishRequest::decode(changed.as_bytes()).is_err(), "{to}");
        }
        let none = r#"{"type":"zero-publish/1","events":[]}"#;
        let refused = PublishRequest::decode(none.as_bytes());
        assert!(matches!(refused, Err(RequestError::Count)));
    }
}
