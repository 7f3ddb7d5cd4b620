//! The dataset's folder: one finished part for each repository, and the files that are made of all parts.
//!
//! A part appears with one rename, so a run that is killed leaves whole parts and nothing else that counts; what is made
//! of them is made anew each time. One run at a time writes to a folder.

mod assemble;
mod card;
mod files;
mod parquet;
mod style;

pub(crate) use assemble::Plan;
pub use files::Format;
pub use style::Style;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::TempDir;

use crate::record::Counts;
use crate::repository::Harvested;
use crate::source::Checkout;

/// Why a dataset cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// A part is damaged.
    #[error("read {path}")]
    Damaged {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// There is a dataset already.
    #[error("{0} holds a dataset")]
    Exists(PathBuf),
    /// There is something else.
    #[error("{0} is not empty, and has no parts of a dataset")]
    Foreign(PathBuf),
    /// A file cannot be read or written.
    #[error("write {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl OutputError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists(_) => Some("name another folder, or add to it with --resume"),
            Self::Foreign(_) => Some("name another folder"),
            Self::Damaged { .. } => Some("remove that folder and run again with --resume"),
            Self::Io { .. } => None,
        }
    }
}

/// Finished repositories.
#[derive(Debug)]
pub(crate) struct Parts {
    out: PathBuf,
    folder: PathBuf,
}

/// The folder name of a part: readable, and different for different repositories, commits and options.
pub(crate) fn key(name: &str, commit: &str, options: &str) -> String {
    let readable: String = name
        .chars()
        .map(|mark| {
            if mark.is_ascii_alphanumeric() || "._-".contains(mark) {
                mark
            } else {
                '-'
            }
        })
        .take(64)
        .collect();
    let digest = blake3::hash(format!("{name}\n{commit}\n{options}").as_bytes());
    format!(
        "{}-{}",
        readable.trim_start_matches('.'),
        &digest.to_hex()[..16]
    )
}

/// What an opened folder may hold already, and who else writes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Nothing.
    New,
    /// What an earlier run finished.
    Resumed,
    /// What other runs finish meanwhile.
    Shared,
}

/// What the name of a part that is being written begins with.
const UNFINISHED: &str = ".unfinished-";

impl Parts {
    /// Opens the dataset's folder.
    pub(crate) fn open(out: &Path, opening: Opening) -> Result<Self, OutputError> {
        let folder = out.join("parts");
        fs::create_dir_all(out).map_err(OutputError::at(out))?;
        let mut entries = fs::read_dir(out).map_err(OutputError::at(out))?;
        // What is there is replaced: it must be ours.
        if entries.next().is_some() {
            if !is_parts(&folder) {
                return Err(OutputError::Foreign(out.to_owned()));
            }
            if opening == Opening::New {
                return Err(OutputError::Exists(out.to_owned()));
            }
        }
        fs::create_dir_all(&folder).map_err(OutputError::at(&folder))?;
        Ok(Self {
            out: out.to_owned(),
            folder,
        })
    }

    /// Whether a repository is finished.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.folder.join(key).is_dir()
    }

    /// Writes a finished repository.
    pub(crate) fn write(
        &self,
        key: &str,
        checkout: &Checkout,
        harvested: &Harvested,
    ) -> Result<(), OutputError> {
        // Another run may be writing the same part: each has a folder of its own until it is complete.
        let fresh = self.unfinished()?;
        lines(&fresh.path().join("records.jsonl"), &harvested.records)?;
        lines(&fresh.path().join("rejects.jsonl"), &harvested.rejects)?;
        let part = Part {
            repo: checkout.name.clone(),
            commit: checkout.commit.clone(),
            counts: harvested.counts.clone(),
        };
        lines(&fresh.path().join(PART), &[part])?;
        let target = self.folder.join(key);
        match fs::rename(fresh.path(), &target) {
            Ok(()) => {
                // It has another name now: there is nothing to remove.
                let _ = fresh.keep();
                Ok(())
            }
            // Somebody else was faster, with the same bytes.
            Err(_) if self.has(key) => Ok(()),
            Err(error) => Err(OutputError::at(&target)(error)),
        }
    }

    /// A folder that goes with its value, or at the end of a later run.
    fn unfinished(&self) -> Result<TempDir, OutputError> {
        self.temporary().map_err(OutputError::at(&self.folder))
    }

    /// The same, for files of others.
    pub(crate) fn temporary(&self) -> io::Result<TempDir> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(UNFINISHED).tempdir_in(&self.folder)
    }

    /// Removes what runs that were killed left behind.
    fn tidy(&self) -> Result<(), OutputError> {
        for entry in fs::read_dir(&self.folder).map_err(OutputError::at(&self.folder))? {
            let entry = entry.map_err(OutputError::at(&self.folder))?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let path = entry.path();
                fs::remove_dir_all(&path).map_err(OutputError::at(&path))?;
            }
        }
        Ok(())
    }
}

/// Whether a folder is there and holds parts only.
fn is_parts(folder: &Path) -> bool {
    let is_part = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| {
            let unfinished = entry.file_name().to_string_lossy().starts_with(UNFINISHED);
            unfinished || entry.path().join(PART).is_file()
        })
    };
    fs::read_dir(folder).is_ok_and(|mut entries| entries.all(is_part))
}

/// The file of a part that says what it is.
const PART: &str = "part.json";

/// What is known of a part as a whole.
#[derive(Debug, serde::Deserialize, Serialize)]
struct Part {
    repo: String,
    commit: String,
    counts: Counts,
}

/// Writes values as JSON lines, and makes sure that they are on the disk.
fn lines<T: Serialize>(path: &Path, values: &[T]) -> Result<(), OutputError> {
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        for value in values {
            serde_json::to_writer(&mut out, value)?;
            out.write_all(b"\n")?;
        }
        synced(out)
    };
    write().map_err(OutputError::at(path))
}

/// Writes a file, and makes sure that it is on the disk.
fn write(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(OutputError::at(path))
}

fn synced(out: BufWriter<File>) -> io::Result<()> {
    out.into_inner()?.sync_all()
}
