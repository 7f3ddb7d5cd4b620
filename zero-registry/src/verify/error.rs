//! The first thing that is not as the log says.

use std::io;

use thiserror::Error;

use crate::artifact::ArtifactMismatch;
use crate::event::EventError;
use crate::head::HeadError;
use crate::log::BundleError;
use crate::snapshot::SnapshotError;
use crate::state::StateError;
use crate::writer::CommitError;

/// A difference between a registry's files and what follows from its log.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Difference {
    /// A root vouches for a part of the log that the log does not have.
    #[error("compare the anchor of root {0}: the log has no such commit there")]
    Anchor(u64),
    /// A package file is not what its release says.
    #[error("compare {path}")]
    Blob {
        /// Path of the file.
        path: String,
        /// The difference.
        source: ArtifactMismatch,
    },
    /// An entry bundle is malformed.
    #[error("read {path}")]
    Bundle {
        /// Path of the bundle.
        path: String,
        /// What is wrong with it.
        source: BundleError,
    },
    /// An event cannot follow those before it.
    #[error("replay {path}")]
    Chain {
        /// Path of the segment.
        path: String,
        /// What is wrong.
        source: StateError,
    },
    /// A commit is not what its snapshot says.
    #[error("replay the commit that ends with leaf {0}: it has {1}")]
    Commit(u64, &'static str),
    /// A file has other content than what follows from the log.
    #[error("compare {0}: its content does not follow from the log")]
    Content(String),
    /// A leaf is neither a snapshot nor an event.
    #[error("read leaf {index} of the log")]
    Event {
        /// Its index.
        index: u64,
        /// What is wrong with it.
        source: EventError,
    },
    /// `head` does not hold.
    #[error("verify head")]
    Head(#[from] HeadError),
    /// A file cannot be read, or is longer than any such file.
    #[error("read {path}")]
    Io {
        /// Its path.
        path: String,
        /// What happened.
        source: io::Error,
    },
    /// A file is missing.
    #[error("read {0}: no such file")]
    Missing(String),
    /// The roots do not hold.
    #[error("verify the roots")]
    Roots(#[source] CommitError),
    /// A snapshot leaf is malformed.
    #[error("read leaf {index} of the log")]
    Snapshot {
        /// Its index.
        index: u64,
        /// What is wrong with it.
        source: SnapshotError,
    },
    /// The entries do not hash to the signed tree.
    #[error("compare the log's entries with head: they make another tree")]
    Tree,
}
