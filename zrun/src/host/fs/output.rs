//! Files that the program writes because an argument names them. It writes copies of its own; when it has ended well,
//! they take the places of the files that were named, each in one step.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::copy;
use super::directory::{Directory, Stamp};
use super::judge::contains;
use super::staging::Staging;
use crate::limits::LimitReached;

/// A place for an output: a directory that was opened before the program started, and a name in it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    directory: Arc<Directory>,
    name: OsString,
    path: PathBuf,
}

/// A file, or a directory that is not there yet, which an argument names and the program may write.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) guest: String,
    pub(super) staged: PathBuf,
    pub(super) target: Target,
    /// What was there before the program started.
    pub(super) before: Option<Stamp>,
    /// Whether the program may have changed it.
    pub(super) touched: bool,
}

/// All outputs of one run.
#[derive(Debug, Default)]
pub(super) struct Outputs(Vec<Output>);

/// Why what a program wrote was not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// Two arguments name one place, and the program wrote different content for each.
    #[error("keep {}: two arguments name it and the program wrote both", .path.display())]
    Conflict {
        /// The place.
        path: PathBuf,
    },
    /// More than the program may write, most of it holes.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// The place cannot be written.
    #[error("keep the output {}", .path.display())]
    Place {
        /// The place.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl OutputError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Conflict { .. } => Some("name the file once".to_owned()),
            Self::Limit(limit) => limit.hint(),
            Self::Place { .. } => Some(
                "the program itself ended well; run it again when the place can be written"
                    .to_owned(),
            ),
        }
    }
}

impl Target {
    /// The place that a path names. Its directory has to be there.
    pub(super) fn of(
        path: &Path,
        directories: &mut BTreeMap<PathBuf, Arc<Directory>>,
    ) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new(".")))?;
        let directory = match directories.get(&parent) {
            Some(directory) => Arc::clone(directory),
            None => Arc::new(Directory::open(&parent)?),
        };
        let target = Self {
            directory: Arc::clone(&directory),
            name: name.to_owned(),
            path: parent.join(name),
        };
        directories.insert(parent, directory);
        Ok(target)
    }

    /// The path of the place when the run began: for people, and to tell places apart.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A name beside this one that nobody else uses.
    fn beside(&self, at: usize) -> OsString {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(format!(".zrun-{}-{at}", std::process::id()));
        name
    }
}

impl Outputs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, output: Output) {
        self.0.push(output);
    }

    /// The private copy of a place that another argument named before.
    pub(super) fn staged_for(&self, target: &Target) -> Option<&Path> {
        let mut same = self
            .0
            .iter()
            .filter(|output| output.target.path == target.path);
        same.find(|output| output.before.is_some())
            .map(|output| output.staged.as_path())
    }

    /// The guest directories that outputs lie in.
    pub(super) fn parents(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .map(|output| match output.guest.rsplit_once('/') {
                Some((parent, _)) if !parent.is_empty() => parent.to_owned(),
                _ => "/".to_owned(),
            })
    }

    /// The program may have changed what is at a guest path or below it.
    pub(super) fn wrote(&mut self, path: &str) {
        for output in &mut self.0 {
            output.touched |= contains(&output.guest, path);
        }
    }

    /// The program gave something another name: from now on paths alone do not tell what it changes.
    pub(super) fn renamed(&mut self) {
        for output in &mut self.0 {
            output.touched = true;
        }
    }

    /// The guest paths of the outputs that the program wrote.
    pub(super) fn written(&self) -> impl Iterator<Item = &str> {
        let written = self
            .0
            .iter()
            .filter(|output| output.is_changed().unwrap_or(true));
        written.map(|output| output.guest.as_str())
    }

    /// The guest paths of the files that were there and that the program removed.
    pub(super) fn removed(&self) -> impl Iterator<Item = &str> {
        let removed = self.0.iter().filter(|output| {
            output.touched && output.before.is_some() && output.staged.symlink_metadata().is_err()
        });
        removed.map(|output| output.guest.as_str())
    }

    /// Puts what was written into its places: all of it is made ready beside them first, so that a place that cannot
    /// be written or a full disk leaves everything as it was.
    ///
    /// `most` is how much files may grow: a program can make a file long by writing far behind its end, and that is
    /// not counted as written.
    pub(super) fn keep(&self, staging: &Staging, most: u64) -> Result<(), OutputError> {
        let mut ready: Vec<Ready<'_>> = Vec::new();
        let mut left = most;
        for (at, output) in self.0.iter().enumerate() {
            let failed = |source| output.failed(source);
            if !output.is_changed().map_err(failed)? {
                continue;
            }
            let before = output.before.map_or(0, |before| before.len);
            let growth = size(&output.staged).map_err(failed)?.saturating_sub(before);
            left = left
                .checked_sub(growth)
                .ok_or(LimitReached::Write { limit: most })?;
            let twin = ready
                .iter()
                .find(|other| other.output.target.path == output.target.path);
            if let Some(twin) = twin {
                if twin.holds(&output.staged).map_err(failed)? {
                    continue;
                }
                return Err(OutputError::Conflict {
                    path: output.target.path.clone(),
                });
            }
            ready.push(output.make_ready(at, staging).map_err(failed)?);
        }
        for one in ready {
            one.put()?;
        }
        Ok(())
    }
}

impl Output {
    fn failed(&self, source: io::Error) -> OutputError {
        OutputError::Place {
            path: self.target.path.clone(),
            source,
        }
    }

    /// Whether there is something to keep. Links that the program made are not kept.
    fn is_changed(&self) -> io::Result<bool> {
        if !self.touched {
            return Ok(false);
        }
        let now = match self.staged.symlink_metadata() {
            Ok(now) => now,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let Some(before) = &self.before else {
            return Ok(now.is_file() || now.is_dir());
        };
        if !now.is_file() {
            return Ok(false);
        }
        let original = match self.target.directory.read(&self.target.name) {
            Ok(original) if Stamp::of(&original)? == *before => original,
            // Somebody else changed it meanwhile: what the program wrote is the latest.
            _ => return Ok(true),
        };
        Ok(!copy::same(&original, &File::open(&self.staged)?)?)
    }

    /// Brings the output beside its place, complete and on disk.
    fn make_ready(&self, at: usize, staging: &Staging) -> io::Result<Ready<'_>> {
        let directory = &self.target.directory;
        directory.check_writable(&self.target.name)?;
        let name = self.target.beside(at);
        // Should this process be killed now, a later one finds the name and removes what stands there.
        staging.announce(&self.target.path.with_file_name(&name))?;
        if self.staged.symlink_metadata()?.is_dir() {
            drop_links(&self.staged)?;
        } else {
            if let Some(before) = &self.before {
                before.apply_mode(&self.staged)?;
            }
            File::open(&self.staged)?.sync_data()?;
        }
        match directory.bring(&self.staged, &name) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                transfer(&self.staged, directory, &name)?;
            }
            other => other?,
        }
        if let Some(before) = &self.before {
            directory.give(&name, before);
        }
        Ok(Ready { output: self, name })
    }
}

/// An output that waits beside its place.
struct Ready<'a> {
    output: &'a Output,
    name: OsString,
}

impl Ready<'_> {
    fn put(&self) -> Result<(), OutputError> {
        let target = &self.output.target;
        target
            .directory
            .rename(&self.name, &target.name)
            .map_err(|source| self.output.failed(source))
    }

    /// Whether the same was written for another argument of the same place.
    fn holds(&self, other: &Path) -> io::Result<bool> {
        let own = self.output.target.directory.read(&self.name)?;
        let other = File::open(other)?;
        Ok(own.metadata()?.is_file() && other.metadata()?.is_file() && copy::same(&own, &other)?)
    }
}

/// The length of a file, or of all files in a directory.
fn size(path: &Path) -> io::Result<u64> {
    let metadata = path.symlink_metadata()?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    fs::read_dir(path)?.try_fold(0, |sum: u64, entry| {
        Ok(sum.saturating_add(size(&entry?.path())?))
    })
}

/// Copies a file or a directory to another file system.
fn transfer(from: &Path, to: &Directory, name: &OsStr) -> io::Result<()> {
    let metadata = from.symlink_metadata()?;
    if metadata.is_dir() {
        let inner = to.make(name)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            transfer(&entry.path(), &inner, &entry.file_name())?;
        }
        return Ok(());
    }
    let copy = to.create(name)?;
    copy::fill(&File::open(from)?, &copy)?;
    copy.set_permissions(metadata.permissions())?;
    copy.sync_data()
}

/// Removes what is neither a file nor a directory.
fn drop_links(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            drop_links(&entry.path())?;
        } else if !kind.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
