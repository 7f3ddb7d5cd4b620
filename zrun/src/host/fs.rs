//! The program's file system: granted directories, the package's own files, and a private root that holds exactly the
//! files that were named on the command line (spec/capabilities.md, "Files").
//!
//! A named file is opened first, then that very inode is linked (or copied) into a directory of this run. Nothing that
//! happens to the path afterwards, and nothing beside the file, is visible to the program. What it may write it writes
//! there too, and that takes the place of what was named when the program has ended well.

mod arguments;
mod copy;
mod directory;
mod error;
mod judge;
mod output;
mod stage;
mod staging;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use wasmtime_wasi::FsPerms;
use zero_format::Access;

pub(crate) use arguments::named;
pub use error::ViewError;
pub(crate) use judge::{Failure, Intent, join};
pub use output::OutputError;
use output::Outputs;
use stage::Stage;
use staging::Staging;
pub(crate) use staging::discard;

use crate::disk;
use crate::policy::{FsGrant, Grants};

/// Where a program sees the files that its package brought along.
pub const BUNDLED: &str = "/app";

/// A directory that the program starts with.
#[derive(Clone, Debug)]
pub(crate) struct Preopen {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) perms: FsPerms,
    place: Place,
}

/// What a guest path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Bundled,
    Granted,
    Root,
}

/// The file system of one run.
#[derive(Debug, Default)]
pub(crate) struct View {
    preopens: Vec<Preopen>,
    staging: Option<Staging>,
    /// What was put into the root: guest path and origin.
    staged: BTreeMap<String, PathBuf>,
    /// What arguments name and the program may write.
    outputs: Outputs,
    /// Paths that arguments name and where nothing is.
    absent: BTreeSet<String>,
}

impl View {
    /// Builds the file system of a run. The arguments come back as the program is to see them.
    pub(crate) fn build(
        cache: &Path,
        grants: &Grants,
        bundled: Option<&Path>,
        args: &[OsString],
    ) -> Result<(Self, Vec<String>), ViewError> {
        let mut args = strings(args)?;
        let mut view = Self::default();
        let files = view.open_directories(cache, grants)?;
        if let Some(host) = bundled {
            view.preopens.push(Preopen {
                host: host.to_owned(),
                guest: BUNDLED.to_owned(),
                perms: FsPerms::ReadOnly,
                place: Place::Bundled,
            });
        }
        let mut stage = Stage::new(cache, view, grants.args.unwrap_or(Access::Read));
        for grant in files {
            stage.granted_file(grant)?;
        }
        if grants.args.is_some() {
            stage.arguments(&mut args)?;
        }
        Ok((stage.finish()?, args))
    }

    /// Takes granted directories as they are; returns the grants that are single files.
    fn open_directories<'g>(
        &mut self,
        cache: &Path,
        grants: &'g Grants,
    ) -> Result<Vec<&'g FsGrant>, ViewError> {
        let mut files = Vec::new();
        for grant in &grants.fs {
            let path = || grant.host.clone();
            let unusable = |source| ViewError::Grant {
                path: path(),
                source,
            };
            let writes = grant.access == Access::ReadWrite;
            match fs::metadata(&grant.host).map_err(unusable)?.is_dir() {
                true if writes && holds(&grant.host, cache) => {
                    return Err(ViewError::HoldsState { path: path() });
                }
                true => self.preopens.push(Preopen::granted(grant)),
                false if writes => return Err(ViewError::WritableFile { path: path() }),
                false => files.push(grant),
            }
        }
        Ok(files)
    }

    /// No file system at all, for programs that have no way to name a file.
    pub(crate) fn none(args: &[OsString]) -> Result<(Self, Vec<String>), ViewError> {
        Ok((Self::default(), strings(args)?))
    }

    pub(crate) fn preopens(&self) -> &[Preopen] {
        &self.preopens
    }

    /// What is to be removed when the process ends without unwinding.
    pub(crate) fn staging(&self) -> Option<PathBuf> {
        self.staging
            .as_ref()
            .map(|staging| staging.path().to_owned())
    }

    /// The program has changed what is at a guest path, or below it.
    pub(crate) fn changed(&mut self, base: &str, path: &str, intent: Intent) {
        match intent {
            _ if self.outputs.is_empty() => {}
            Intent::Read => {}
            Intent::Write => self.outputs.wrote(&join(base, path).0),
            Intent::Rename => self.outputs.renamed(),
        }
    }

    /// Keeps the outputs of a program that ended well. Returns what it left behind that is not kept, in words.
    pub(crate) fn keep(&self, most: u64) -> Result<Vec<String>, OutputError> {
        let Some(staging) = self.staging.as_ref().filter(|_| !self.outputs.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut lost: Vec<String> = self
            .outputs
            .removed()
            .map(|path| format!("the removal of {path}"))
            .collect();
        self.outputs.keep(staging, most)?;
        lost.extend(staging.strays(&self.staged));
        Ok(lost)
    }

    /// The outputs of a program that did not end well.
    pub(crate) fn unkept(&self) -> Vec<String> {
        self.outputs.written().map(ToOwned::to_owned).collect()
    }
}

impl Preopen {
    fn granted(grant: &FsGrant) -> Self {
        let perms = match grant.access {
            Access::Read => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        Self {
            host: grant.host.clone(),
            guest: grant.guest.to_string(),
            perms,
            place: Place::Granted,
        }
    }
}

fn strings(args: &[OsString]) -> Result<Vec<String>, ViewError> {
    let string = |argument: &OsString| {
        argument
            .clone()
            .into_string()
            .map_err(|argument| ViewError::Argument { argument })
    };
    args.iter().map(string).collect()
}

/// Whether a directory holds the runtime's own state: whoever writes there is no longer bound by it.
fn holds(directory: &Path, cache: &Path) -> bool {
    // It may be about to be made in there.
    let _ = disk::private_dir(cache);
    match (fs::canonicalize(directory), fs::canonicalize(cache)) {
        (Ok(directory), Ok(cache)) => cache.starts_with(directory),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
