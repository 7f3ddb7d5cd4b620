//! Adding to a registry: validate, fix the leaves in a journal slot, derive everything else
//! (spec/registry.md, "Writers").
//!
//! The order is blob → `journal/<size>` → tiles, segments, pages → `checkpoint` → `head`. Creating
//! the slot is the commit point. All bytes after it follow from the slot, so whichever writer comes
//! next finishes what another left behind.

mod anchor;
mod base;
mod commit;
mod cosign;
mod derive;
mod error;
mod init;
mod journal;
mod rotate;
mod storage;

pub use base::Base;
#[cfg(feature = "server")]
pub(crate) use base::io;
pub(crate) use base::read_roots;
pub use commit::{Blob, Commit, Outcome, Submission};
pub use cosign::{CosignError, WitnessFailure};
pub(crate) use derive::{Files, change_map, extend_chain, find_packages};
pub use error::{BlobError, CommitError};
pub use init::{Init, InitError, init, init_at, init_with};
pub use journal::SlotError;
pub use rotate::{RootFile, RotateError, anchor, current_root, rotate};
pub use storage::{DirStorage, Guard, Scope, Step, Storage};
#[cfg(feature = "object")]
pub use storage::{ObjectStorage, Place};

use std::path::PathBuf;
use std::sync::Arc;

use zero_format::{PackageName, SecretKey};

use crate::root::Roots;
use crate::state::PackageState;
use crate::time::Timestamp;
use crate::witness::AskWitness;

/// Adds to a registry whose log key it holds.
pub struct Writer<S> {
    storage: S,
    key: SecretKey,
    blobs: Blobs,
    witnesses: Option<Arc<dyn AskWitness>>,
}

/// A writer for a local directory.
pub type DirWriter = Writer<DirStorage>;

/// What a commit demands of package files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blobs {
    /// Each release comes with its file, or the file is there already.
    Present,
    /// Files are kept elsewhere.
    Elsewhere,
}

impl DirWriter {
    /// A writer for the registry in this folder.
    ///
    /// # Errors
    /// When there is no registry, its root is not sound, or `key` is not its log key.
    pub fn open(folder: impl Into<PathBuf>, key: SecretKey) -> Result<Self, CommitError> {
        Self::with_storage(DirStorage::new(folder), key)
    }
}

impl<S: Storage> Writer<S> {
    /// A writer for the registry at this place.
    ///
    /// # Errors
    /// When there is no registry, its root is not sound, or `key` is not its log key.
    pub fn with_storage(storage: S, key: SecretKey) -> Result<Self, CommitError> {
        let writer = Self {
            storage,
            key,
            blobs: Blobs::Present,
            witnesses: None,
        };
        writer.roots()?;
        Ok(writer)
    }

    /// Takes releases without their files. For registries that keep package files elsewhere, and
    /// for generated ones.
    #[must_use]
    pub fn without_blobs(self) -> Self {
        Self {
            blobs: Blobs::Elsewhere,
            ..self
        }
    }

    /// Asks the witnesses that a root demands through `witnesses`. Without, no commit under such a
    /// root gets a `head`.
    #[must_use]
    pub fn with_witnesses(self, witnesses: Arc<dyn AskWitness>) -> Self {
        Self {
            witnesses: Some(witnesses),
            ..self
        }
    }

    /// Adds events, and the files of releases, in one commit. Either all are added or none.
    ///
    /// # Errors
    /// When an event cannot follow, a file is not what its event says, or storage fails. After a
    /// failure of storage the commit may have been made; the next one shows.
    pub fn commit(
        &self,
        submissions: &[Submission],
        now: Timestamp,
    ) -> Result<Commit, CommitError> {
        commit::commit(self, submissions, now)
    }

    /// Adds several groups of events in one commit. Each group is added or refused as a whole, and
    /// by itself; a group that is there already, byte for byte, is told from one that cannot follow.
    ///
    /// # Errors
    /// When storage fails or the registry is damaged; no group is known to be added or refused then.
    pub fn commit_each(
        &self,
        groups: &[&[Submission]],
        now: Timestamp,
    ) -> Result<Vec<Outcome>, CommitError> {
        commit::commit_each(self, groups, now)
    }

    /// Makes an empty commit, so that `head` stays fresh.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn refresh(&self, now: Timestamp) -> Result<Commit, CommitError> {
        self.commit(&[], now)
    }

    /// The newest state of the registry, after finishing what a writer that died left behind.
    ///
    /// # Errors
    /// When the registry is damaged, or storage fails.
    pub fn base(&self) -> Result<Base, CommitError> {
        base::load(self)
    }

    /// The state of a package, to build its next event on; empty when it is not claimed.
    ///
    /// # Errors
    /// When the registry is damaged, or storage fails.
    pub fn package(&self, name: &PackageName) -> Result<PackageState, CommitError> {
        let base = self.base()?;
        Ok(base::package(self, &base, name)?.state)
    }

    /// How many packages there are.
    ///
    /// # Errors
    /// When the registry is damaged, or storage fails.
    #[cfg(feature = "server")]
    pub(crate) fn package_count(&self) -> Result<u64, CommitError> {
        let base = self.base()?;
        Ok(base.snapshot().map_or(0, |snapshot| snapshot.map.packages))
    }

    /// The names of all packages.
    ///
    /// # Errors
    /// When the registry is damaged, or storage fails.
    #[cfg(feature = "server")]
    pub(crate) fn names(&self) -> Result<Vec<PackageName>, CommitError> {
        let base = self.base()?;
        let Some(snapshot) = base.snapshot() else {
            return Ok(Vec::new());
        };
        let read = |path: &str, max| self.read(path, max);
        let packages = derive::all_packages(&snapshot.map, &read)?;
        Ok(packages.into_iter().map(|package| package.name).collect())
    }

    /// The registry's roots, each verified against the one before.
    ///
    /// # Errors
    /// When there are none, one is not sound, or this writer's key is not the log key.
    pub fn roots(&self) -> Result<Roots, CommitError> {
        base::roots(self)
    }

    /// Where the registry lies.
    pub fn storage(&self) -> &S {
        &self.storage
    }
}

#[cfg(test)]
mod tests;
