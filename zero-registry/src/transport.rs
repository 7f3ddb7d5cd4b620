//! How bytes of a registry reach this machine: one small trait, three implementations.
//!
//! A transport is never trusted. It only promises bounds: no more bytes and no more time than
//! asked, no redirect to a place of another nature, no answer that is not the whole file.
//! What the bytes mean is judged elsewhere (`spec/registry.md`, "Client").

use std::{
    fmt, io,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::RegistryPath;

mod dir;
#[cfg(feature = "http")]
mod http;
mod location;
#[cfg(feature = "object")]
mod object;

pub use dir::DirTransport;
#[cfg(feature = "http")]
pub use http::{HttpTransport, Network, NetworkOptions};
#[cfg(feature = "http")]
pub(crate) use location::redact;
pub use location::{Location, LocationError};
#[cfg(feature = "object")]
pub use object::ObjectTransport;

/// The right to use the network: offline is having no value to pass.
///
/// Without the `http` feature no value of this type exists.
#[cfg(not(feature = "http"))]
#[derive(Clone, Debug)]
pub enum Network {}

/// Where files of a registry are read from.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Reads one file.
    ///
    /// # Errors
    /// When the place cannot be reached, or answers in a way that no honest place does.
    fn get(&self, path: &RegistryPath, options: &GetOptions) -> Result<Fetched, TransportError>;

    /// Reads several files that do not depend on each other; answers come in the order asked.
    fn get_all(&self, requests: &[Request]) -> Vec<Result<Fetched, TransportError>> {
        requests
            .iter()
            .map(|request| self.get(&request.path, &request.options))
            .collect()
    }

    /// The place, fit to print: it holds no password.
    fn location(&self) -> String;

    /// What this transport has cost so far.
    fn traffic(&self) -> Traffic;
}

/// One file to read.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which file.
    pub path: RegistryPath,
    /// Under which bounds.
    pub options: GetOptions,
}

/// The bounds of one read.
#[derive(Clone, Debug)]
pub struct GetOptions {
    /// More bytes than this are refused, compressed or not, before they are kept.
    pub max_bytes: u64,
    /// The tag of the copy that the caller has; the same tag is answered by `NotModified`.
    pub etag: Option<String>,
}

impl GetOptions {
    /// A read of at most `max_bytes`.
    pub fn up_to(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            etag: None,
        }
    }
}

/// What a read found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The whole file.
    Bytes {
        /// Its content, decompressed.
        bytes: Vec<u8>,
        /// Its tag, when the place gives one.
        etag: Option<String>,
    },
    /// No such file.
    NotFound,
    /// The caller's copy is current.
    NotModified,
}

/// What reading has cost: the promise "one conditional GET when warm" is measured here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Files asked for, repetitions and redirects included.
    pub requests: u64,
    /// Bytes of content received, as transferred.
    pub bytes: u64,
}

impl std::ops::Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// Counts from several threads.
#[derive(Debug, Default)]
struct Meter {
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Meter {
    fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn bytes(&self, count: u64) {
        self.bytes.fetch_add(count, Ordering::Relaxed);
    }

    fn read(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The server's certificate does not prove that it is the server of that name.
    #[error("trust the certificate of {url}: {reason}")]
    Certificate {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection could not be made, or broke.
    #[error("reach {url}")]
    Connect {
        /// What was asked for.
        url: String,
        /// What the network said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The body is not what its `Content-Encoding` says.
    #[error("decompress {url}: {reason}")]
    Encoding {
        /// What was asked for.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The file exists but cannot be read.
    #[error("read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Not a regular file: a directory, a device, a pipe.
    #[error("read {path}: not a regular file")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The place answers with a part of the file, or with "not modified", though nobody asked.
    #[error("read {url}: the server answered {status}, which nothing had asked for")]
    Unasked {
        /// What was asked for.
        url: String,
        /// The status code.
        status: u16,
    },
    /// A redirect that is not followed.
    #[error("follow the redirect from {url} to {target}: {reason}")]
    Redirect {
        /// What was asked for.
        url: String,
        /// Where the server pointed.
        target: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// The server answered with an error.
    #[error("read {url}: the server answered {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status code.
        status: u16,
    },
    /// The object store did not give the file.
    #[error("read {url}")]
    Store {
        /// What was asked for.
        url: String,
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server did not finish in time.
    #[error("read {url}: no complete answer within {} s", .limit.as_secs_f32())]
    Timeout {
        /// What was asked for.
        url: String,
        /// The limit that was reached.
        limit: Duration,
    },
    /// More bytes than the caller allows.
    #[error("read {place}: more than the {limit} bytes that it may have")]
    TooLarge {
        /// What was asked for.
        place: String,
        /// The limit.
        limit: u64,
    },
    /// The connection ended before the file did.
    #[error("read {url}: the answer ends before its declared length")]
    Truncated {
        /// What was asked for.
        url: String,
    },
    /// The network client could not be started.
    #[error("start the network client")]
    Client {
        /// What the library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl TransportError {
    /// Whether the place behaved as no honest place does, rather than being out of reach.
    pub fn is_hostile(&self) -> bool {
        matches!(
            self,
            Self::Encoding { .. }
                | Self::NotAFile { .. }
                | Self::Redirect { .. }
                | Self::TooLarge { .. }
                | Self::Unasked { .. }
        )
    }

    /// Whether asking again may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Truncated { .. } => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Certificate { .. } => {
                "check the address; if the registry has an authority of its own, name its certificate: cargo zero registry add … --ca FILE".to_owned()
            }
            Self::Connect { .. } | Self::Client { .. } | Self::Timeout { .. } => {
                "check the address and the connection, or work from what is stored: --offline"
                    .to_owned()
            }
            Self::Io { path, .. } => format!("check the permissions: ls -l {}", path.display()),
            Self::Status {
                status: 401 | 403, ..
            } => "the server wants a login: check the address that was given to `cargo zero registry add`".to_owned(),
            Self::Store { .. } => "check the address and the store's own variables, such as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT".to_owned(),
            Self::Status { .. } | Self::Truncated { .. } => {
                "try again later, or add a mirror of this registry".to_owned()
            }
            Self::Redirect { target, .. } => format!(
                "if {target} is the registry's new address, add it by name: cargo zero registry add"
            ),
            Self::Encoding { .. }
            | Self::NotAFile { .. }
            | Self::TooLarge { .. }
            | Self::Unasked { .. } => {
                "this mirror serves something else than a registry: use another one".to_owned()
            }
        })
    }
}
