//! Why a commit fails.

use std::io;

use thiserror::Error;
use zero_format::{MinisigError, PackageName, Version};

use super::cosign::CosignError;
use super::journal::SlotError;
use crate::head::HeadError;
use crate::limits::MAX_COMMIT_EVENTS;
use crate::log::{CheckpointError, EdgeError};
use crate::map::MapError;
use crate::root::RootError;
use crate::snapshot::SnapshotError;
use crate::state::StateError;
use crate::time::Timestamp;

/// Why something could not be added to a registry.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommitError {
    /// No commit of the log ends where an anchor says, or it is another one.
    #[error("read the log: no commit ends at leaf {0}, or not the one that is anchored there")]
    Anchor(u64),
    /// The file of a release is not what the release says.
    #[error("publish event {index}")]
    Blob {
        /// Place of the event among those submitted.
        index: usize,
        /// What is wrong.
        source: BlobError,
    },
    /// Other writers were faster again and again.
    #[error("commit: other writers were faster {0} times in a row")]
    Busy(u32),
    /// A checkpoint has a line that is not what it says.
    #[error("cosign the head")]
    Checkpoint(#[from] CheckpointError),
    /// Too few witnesses signed. What was to be published waits: the next commit finishes it.
    #[error(transparent)]
    Cosign(CosignError),
    /// A file of the log is not part of the signed tree.
    #[error("read the log")]
    Edge(#[from] EdgeError),
    /// An event cannot follow those before it.
    #[error("publish event {index}")]
    Event {
        /// Place of the event among those submitted.
        index: usize,
        /// What is wrong.
        source: StateError,
    },
    /// `head` does not hold.
    #[error("read the registry's own head")]
    Head(#[from] HeadError),
    /// The file system failed.
    #[error("{action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Path below the registry's folder.
        path: String,
        /// What happened.
        source: io::Error,
    },
    /// The registry's root names another log key.
    #[error("open the registry: its log key is {expected}, this is {found}")]
    LogKey {
        /// Key id of the log key.
        expected: String,
        /// Key id of this key.
        found: String,
    },
    /// A page of the map is damaged.
    #[error("read {path}")]
    Map {
        /// Its path.
        path: String,
        /// What is wrong with it.
        source: MapError,
    },
    /// A file that must be there is not.
    #[error("read {0}: no such file")]
    Missing(String),
    /// A page of the map would become too long.
    #[error("commit: a page of the map is full")]
    PageFull,
    /// A package of the registry is damaged.
    #[error("read the chain of {name}")]
    Package {
        /// The package.
        name: PackageName,
        /// What is wrong with it.
        source: StateError,
    },
    /// There is no registry here.
    #[error("open the registry: there is no root/1.json")]
    NoRegistry,
    /// A root is not sound.
    #[error("read root {version}")]
    Root {
        /// Its version.
        version: u64,
        /// What is wrong with it.
        source: RootError,
    },
    /// A signature beside a root is malformed.
    #[error("read {path}")]
    RootSignature {
        /// Its path.
        path: String,
        /// What is wrong with it.
        source: MinisigError,
    },
    /// A journal slot is damaged.
    #[error("read {path}")]
    Slot {
        /// Its path.
        path: String,
        /// What is wrong with it.
        source: SlotError,
    },
    /// A journal slot does not lead to the state that its snapshot states.
    #[error("finish {0}: what follows from it is not what it states")]
    SlotDiverges(String),
    /// A snapshot is malformed.
    #[error("read the registry's own snapshot")]
    Snapshot(#[from] SnapshotError),
    /// The event states a time too far from the registry's.
    #[error("publish event {index}: it is dated {time}, now is {now}")]
    Time {
        /// Place of the event among those submitted.
        index: usize,
        /// Time of the event.
        time: Timestamp,
        /// Time of the commit.
        now: Timestamp,
    },
    /// There are more events than one commit takes.
    #[error("commit {0} events: {MAX_COMMIT_EVENTS} fit into one commit")]
    TooMany(usize),
}

impl CommitError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Event { source, .. } => source.hint(),
            Self::Time { .. } => Some("check the clock, and sign the event again".into()),
            Self::LogKey { .. } => {
                Some("give the key that `zero-registry init` made or was given as log key".into())
            }
            Self::NoRegistry => Some("make one: `zero-registry init DIR --origin NAME`".into()),
            Self::Busy(_) => Some("try again".into()),
            Self::Cosign(_) => Some(
                "nothing is lost: try again when enough witnesses answer, or change the policy with `zero-registry root propose --witnesses FILE`"
                    .into(),
            ),
            Self::Edge(_)
            | Self::Map { .. }
            | Self::Missing(_)
            | Self::Slot { .. }
            | Self::SlotDiverges(_) => Some(
                "the directory is damaged: `zero-registry verify DIR` names the first file".into(),
            ),
            _ => None,
        }
    }
}

/// Why a package file does not belong to its release.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The event is no release, but a file came with it.
    #[error("take the file: the event releases nothing")]
    Alone,
    /// It is not a `.zero` file, or a member differs from the event.
    #[error(transparent)]
    Artifact(#[from] crate::artifact::ArtifactMismatch),
    /// There is no file, and none was sent.
    #[error("find the file of version {0}: it was not sent, and is not in the registry")]
    Missing(Version),
    /// The sidecar signature is malformed or wrong.
    #[error("verify the signature beside the file")]
    Sidecar(#[source] MinisigError),
}
