//! Why a registry cannot be served, and what the operator can do.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::writer::CommitError;

/// Why a registry cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no registry at the place.
    #[error("serve {place}: there is no registry in it")]
    NoRegistry {
        /// The directory or bucket.
        place: String,
    },
    /// The registry cannot be written to.
    #[error("publish in {place}")]
    Publish {
        /// The directory or bucket.
        place: String,
        /// Why not.
        #[source]
        source: Box<CommitError>,
    },
    /// The place does not answer.
    #[error("read the registry in {place}")]
    Read {
        /// The directory or bucket.
        place: String,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The system refused threads or signals.
    #[error("start the server")]
    Start(#[source] io::Error),
    /// The files for TLS cannot be used.
    #[error("use the certificate and key in {}", .path.display())]
    Tls {
        /// The file that is at fault.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl ServeError {
    /// What the operator can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { address, source } => Some(match source.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "another program uses port {}; choose a free one: --listen {}:0",
                    address.port(),
                    address.ip()
                ),
                io::ErrorKind::PermissionDenied => format!(
                    "ports below 1024 need rights; choose another: --listen {}:8080",
                    address.ip()
                ),
                io::ErrorKind::AddrNotAvailable => {
                    "use an address of this machine: --listen 127.0.0.1:8080".to_owned()
                }
                _ => return None,
            }),
            Self::NoRegistry { place } => Some(format!(
                "make one: zero-registry init {place} --origin NAME"
            )),
            Self::Read { .. } => Some(
                "check the address, and the store's own variables such as AWS_ACCESS_KEY_ID and AWS_ENDPOINT"
                    .to_owned(),
            ),
            Self::Publish { source, .. } => source.hint(),
            Self::Tls { .. } => Some(
                "both are PEM files: --tls-cert FULLCHAIN.pem --tls-key PRIVATE.pem".to_owned(),
            ),
            Self::Start(_) => None,
        }
    }
}
