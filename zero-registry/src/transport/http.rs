//! A registry behind an ordinary web server, nginx or an object store.
//!
//! Everything is bounded: compressed and decompressed bytes, the pause between two reads, the
//! whole answer, redirects, repetitions. The server is a stranger: an answer that nobody asked
//! for is refused and not interpreted.

use std::{io::Read, time::Instant};

use reqwest::{StatusCode, Url, blocking::Response, header};

use super::{
    Fetched, GetOptions, Meter, Request, Traffic, Transport, TransportError, location::redact,
};
use crate::RegistryPath;

mod body;
mod network;

pub use network::{Network, NetworkOptions};

/// Redirects that one read may follow.
const MAX_REDIRECTS: usize = 3;

/// Reads at once; further ones wait.
const MAX_PARALLEL: usize = 8;

/// Reads files below one address.
#[derive(Debug)]
pub struct HttpTransport {
    base: Url,
    network: Network,
    meter: Meter,
}

impl HttpTransport {
    /// Reads below `base`, an address that ends with a slash; nothing is connected yet.
    ///
    /// # Errors
    /// When the text is no address.
    pub fn new(base: &str, network: Network) -> Result<Self, TransportError> {
        let base = Url::parse(base).map_err(|source| TransportError::Connect {
            url: redact(base),
            source: Box::new(source),
        })?;
        Ok(Self {
            base,
            network,
            meter: Meter::default(),
        })
    }

    /// Reads at once; the first on this thread. One connection carries all where the server speaks
    /// HTTP/2.
    fn get_batch(&self, requests: &[Request]) -> Vec<Result<Fetched, TransportError>> {
        let [first, rest @ ..] = requests else {
            return Vec::new();
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = rest
                .iter()
                .map(|request| scope.spawn(|| self.get(&request.path, &request.options)))
                .collect();
            let mut answers = vec![self.get(&first.path, &first.options)];
            answers.extend(threads.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }));
            answers
        })
    }

    fn url(&self, path: &RegistryPath) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}{path}", self.base.path());
        url.set_path(&path);
        url
    }

    /// One read without repetition, redirects followed.
    fn attempt(&self, url: &Url, options: &GetOptions) -> Result<Fetched, TransportError> {
        let started = Instant::now();
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&url, options)?;
            if is_redirect(response.status()) {
                url = target(&url, &response)?;
                continue;
            }
            return self.judge(&url, response, options, started);
        }
        Err(TransportError::Redirect {
            url: redact(self.base.as_str()),
            target: redact(url.as_str()),
            reason: "too many redirects",
        })
    }

    fn send(&self, url: &Url, options: &GetOptions) -> Result<Response, TransportError> {
        self.meter.request();
        let mut request = self
            .network
            .client()?
            .get(url.clone())
            .header(header::ACCEPT_ENCODING, "gzip");
        if let Some(etag) = &options.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        request.send().map_err(|error| {
            if let Some(reason) = certificate_fault(&error) {
                TransportError::Certificate {
                    url: redact(url.as_str()),
                    reason,
                }
            } else if error.is_timeout() {
                TransportError::Timeout {
                    url: redact(url.as_str()),
                    limit: self.network.options().idle,
                }
            } else {
                TransportError::Connect {
                    url: redact(url.as_str()),
                    // The library's message repeats the address, password included.
                    source: Box::new(error.without_url()),
                }
            }
        })
    }

    fn judge(
        &self,
        url: &Url,
        response: Response,
        options: &GetOptions,
        started: Instant,
    ) -> Result<Fetched, TransportError> {
        let name = redact(url.as_str());
        let status = response.status();
        match status {
            StatusCode::OK if response.headers().contains_key(header::CONTENT_RANGE) => {
                Err(TransportError::Unasked {
                    url: name,
                    status: status.as_u16(),
                })
            }
            StatusCode::OK => {
                let etag = etag(&response);
                let bytes = self.body(name, response, options.max_bytes, started)?;
                Ok(Fetched::Bytes { bytes, etag })
            }
            StatusCode::NOT_MODIFIED if options.etag.is_some() => Ok(Fetched::NotModified),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Fetched::NotFound),
            status if status.is_success() || status == StatusCode::NOT_MODIFIED => {
                Err(TransportError::Unasked {
                    url: name,
                    status: status.as_u16(),
                })
            }
            status => Err(TransportError::Status {
                url: name,
                status: status.as_u16(),
            }),
        }
    }

    fn body(
        &self,
        url: String,
        response: Response,
        max_bytes: u64,
        started: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        let gzip = match response.headers().get(header::CONTENT_ENCODING) {
            None => false,
            Some(value) if value == "identity" => false,
            Some(value) if value == "gzip" || value == "x-gzip" => true,
            Some(_) => {
                return Err(TransportError::Encoding {
                    url,
                    reason: "it is in an encoding that nobody asked for",
                });
            }
        };
        let limits = body::Limits {
            max_bytes,
            idle: self.network.options().idle,
            overall: self.network.options().overall(max_bytes),
            started,
        };
        let declared = response.content_length();
        let paced = Paced {
            inner: response,
            network: &self.network,
        };
        let mut counted = body::Counted::new(paced);
        let bytes = body::read(&mut counted, gzip, declared, &limits, url);
        self.meter.bytes(counted.count());
        bytes
    }
}

impl Transport for HttpTransport {
    fn get(&self, path: &RegistryPath, options: &GetOptions) -> Result<Fetched, TransportError> {
        let url = self.url(path);
        let mut pauses = self.network.options().pauses();
        loop {
            match (self.attempt(&url, options), pauses.next()) {
                (Err(error), Some(pause)) if error.is_transient() => {
                    self.network.options().wait(pause);
                }
                (result, _) => return result,
            }
        }
    }

    fn get_all(&self, requests: &[Request]) -> Vec<Result<Fetched, TransportError>> {
        let mut answers = Vec::with_capacity(requests.len());
        for batch in requests.chunks(MAX_PARALLEL) {
            answers.extend(self.get_batch(batch));
        }
        answers
    }

    fn location(&self) -> String {
        redact(self.base.as_str())
    }

    fn traffic(&self) -> Traffic {
        self.meter.read()
    }
}

/// What was wrong with the server's certificate, if that was it.
fn certificate_fault(error: &reqwest::Error) -> Option<String> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(fault)) = error.downcast_ref() {
            return Some(fault.to_string());
        }
        // An I/O error's source is that of the error within, which itself would be passed over.
        let within = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        next = match within {
            Some(within) => Some(within),
            None => error.source(),
        };
    }
    None
}

/// An answer that takes no more of the line than it may.
struct Paced<'a> {
    inner: Response,
    network: &'a Network,
}

impl Read for Paced<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.network.pace(read);
        Ok(read)
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a redirect points, if it may be followed: the same scheme, or from http to https.
fn target(from: &Url, response: &Response) -> Result<Url, TransportError> {
    let refuse = |target: &str, reason| TransportError::Redirect {
        url: redact(from.as_str()),
        target: redact(target),
        reason,
    };
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| refuse("nowhere", "it names no address"))?;
    let to = from
        .join(location)
        .map_err(|_| refuse("nowhere", "its address cannot be read"))?;
    let upgrade = from.scheme() == "http" && to.scheme() == "https";
    if to.scheme() == from.scheme() || upgrade {
        Ok(to)
    } else {
        Err(refuse(to.as_str(), "it leads to another scheme"))
    }
}

/// The tag as the server wrote it, when it is one that can be sent back.
fn etag(response: &Response) -> Option<String> {
    let tag = response.headers().get(header::ETAG)?.to_str().ok()?;
    let fits = tag.len() <= 256 && tag.bytes().all(|b| b.is_ascii_graphic());
    fits.then(|| tag.to_owned())
}

/// Reads `source` to its end, as `body` and the tests need it.
fn read_all(source: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match source.read(into) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
