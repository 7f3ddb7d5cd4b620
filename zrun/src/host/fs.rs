//! The program's file system: granted directories, the package's own files, and a private root that holds exactly the
//! files that were named on the command line (spec/capabilities.md, "Files").
//!
//! A named file is opened first, then that very inode is linked (or copied) into a directory of this run. Nothing that
//! happens to the path afterwards, and nothing beside the file, is visible to the program.

mod error;
mod judge;
mod stage;
mod staging;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wasmtime_wasi::FsPerms;
use zero_format::Access;

pub use error::ViewError;
pub(crate) use judge::{Failure, Intent, join};

use crate::disk;
use crate::policy::{FsGrant, Grants};
use stage::{Stage, regular};
use staging::Staging;

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
        let mut files = Vec::new();
        for grant in &grants.fs {
            match fs::metadata(&grant.host) {
                Ok(metadata) if metadata.is_dir() => view.preopens.push(Preopen::granted(grant)),
                Ok(_) if grant.access == Access::ReadWrite => {
                    return Err(ViewError::WritableFile {
                        path: grant.host.clone(),
                    });
                }
                Ok(_) => files.push(grant),
                Err(source) => {
                    return Err(ViewError::Grant {
                        path: grant.host.clone(),
                        source,
                    });
                }
            }
        }
        if let Some(host) = bundled {
            view.preopens.push(Preopen {
                host: host.to_owned(),
                guest: BUNDLED.to_owned(),
                perms: FsPerms::ReadOnly,
                place: Place::Bundled,
            });
        }
        let mut stage = Stage {
            cache,
            view: &view,
            staging: None,
            taken: BTreeMap::new(),
            absent: BTreeSet::new(),
        };
        for grant in files {
            let failed = |source| ViewError::Grant {
                path: grant.host.clone(),
                source,
            };
            let file = regular(&grant.host)
                .map_err(failed)?
                .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
            stage.place(&file, grant.guest.as_str())?;
        }
        if grants.args {
            for (at, argument) in args.iter_mut().enumerate() {
                stage.argument(at, argument)?;
            }
        }
        let Stage {
            staging, absent, ..
        } = stage;
        let root = match &staging {
            Some(staging) => staging.path.clone(),
            None => empty_root(cache)?,
        };
        let root = Preopen {
            host: root,
            guest: "/".to_owned(),
            perms: FsPerms::ReadOnly,
            place: Place::Root,
        };
        view.preopens.insert(0, root);
        view.staging = staging;
        view.absent = absent;
        Ok((view, args))
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
        self.staging.as_ref().map(|staging| staging.path.clone())
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

/// An empty directory that every run without files shares.
fn empty_root(cache: &Path) -> Result<PathBuf, ViewError> {
    let path = cache.join("empty");
    disk::private_dir(&path).map_err(|source| ViewError::Staging {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests;
