//! Why a copy could not be brought up to date.

use thiserror::Error;
use zero_format::PackageName;

use crate::artifact::ArtifactMismatch;
use crate::client::{ErrorClass, MirrorError};
use crate::state::StateError;
use crate::writer::CommitError;

/// Why a copy could not be brought up to date.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MirroringError {
    /// A package file is not what its release says.
    #[error("copy a file of {name}")]
    Artifact {
        /// The package.
        name: PackageName,
        /// The difference.
        source: Box<ArtifactMismatch>,
    },
    /// The log has an event that cannot follow those before it.
    #[error("follow the log: the chain of {name} does not hold")]
    Chain {
        /// The package.
        name: PackageName,
        /// What is wrong with it.
        source: Box<StateError>,
    },
    /// A leaf is neither an event nor a snapshot, or a commit is not what its snapshot says.
    #[error("follow the log: leaf {index} {problem}")]
    Leaf {
        /// Index of the leaf.
        index: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// The copy itself is damaged, or cannot be written.
    #[error("write the copy")]
    Local(#[source] Box<CommitError>),
    /// The registry's log was replaced before the end of the copy's.
    #[error("follow the log: the root keys discarded a part of it that this copy has")]
    Rewound,
    /// The `.minisig` of a package file is by none of the release's signers.
    #[error("copy a file of {0}: the signature beside it is not by a signer of the release")]
    Sidecar(PackageName),
    /// The leaves make another tree than the signed one.
    #[error("follow the log: its leaves make another tree than the signed one")]
    Tree,
    /// There is no copy yet, and no key to judge the registry by.
    #[error("make a copy: no root key is given")]
    Unpinned,
    /// The upstream was not reached, or serves what the registry did not sign.
    #[error("read the upstream")]
    Upstream(#[source] Box<MirrorError>),
}

impl From<CommitError> for MirroringError {
    fn from(error: CommitError) -> Self {
        Self::Local(Box::new(error))
    }
}

impl From<MirrorError> for MirroringError {
    fn from(error: MirrorError) -> Self {
        Self::Upstream(Box::new(error))
    }
}

impl MirroringError {
    /// What sort of failure it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Local(error) if matches!(**error, CommitError::Io { .. }) => ErrorClass::Failed,
            Self::Unpinned => ErrorClass::Failed,
            Self::Upstream(error) => error.class(),
            _ => ErrorClass::Untrusted,
        }
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        let elsewhere = || {
            "the upstream is broken or hostile: this copy keeps its older state; use another upstream"
                .to_owned()
        };
        match self {
            Self::Unpinned => Some(
                "ask the registry's operator for the root key, then add --root-key RW…".to_owned(),
            ),
            Self::Rewound => Some("make a new copy in an empty directory".to_owned()),
            Self::Upstream(error) => error.hint().or_else(|| Some(elsewhere())),
            Self::Local(error) => error.hint(),
            _ => Some(elsewhere()),
        }
    }
}

pub(super) fn io(
    action: &'static str,
    path: impl Into<String>,
    source: std::io::Error,
) -> MirroringError {
    CommitError::Io {
        action,
        path: path.into(),
        source,
    }
    .into()
}
