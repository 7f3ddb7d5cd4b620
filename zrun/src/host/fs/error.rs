//! Why a file system cannot be built.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Why a file system cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// An argument is not UTF-8, and WASI knows nothing else.
    #[error("pass the argument {argument:?}: it is not UTF-8")]
    Argument {
        /// The argument.
        argument: OsString,
    },
    /// A granted path cannot be used.
    #[error("grant {}", .path.display())]
    Grant {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A directory that holds the runtime's own state cannot be granted for writing.
    #[error("grant {} for writing: it holds the state of Zero itself", .path.display())]
    HoldsState {
        /// The path.
        path: PathBuf,
    },
    /// A single file can only be granted for reading.
    #[error("grant {} for writing: it is not a directory", .path.display())]
    WritableFile {
        /// The path.
        path: PathBuf,
    },
    /// The private directory of the run cannot be used.
    #[error("prepare the directory {}", .path.display())]
    Staging {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl ViewError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Grant { source, .. } if source.kind() == io::ErrorKind::NotFound => Some(
                "grant a path that is there; an answer that was kept goes with `cargo zero grants revoke PACKAGE`"
                    .to_owned(),
            ),
            Self::HoldsState { .. } => Some(
                "grant a directory inside it, or keep Zero's state elsewhere with ZERO_HOME"
                    .to_owned(),
            ),
            Self::WritableFile { path } => {
                let parent = path
                    .parent()
                    .filter(|parent| !parent.as_os_str().is_empty())
                    .unwrap_or(Path::new("."));
                Some(format!(
                    "grant its directory: --allow-fs {}:rw=…",
                    parent.display()
                ))
            }
            _ => None,
        }
    }
}
