//! One commit: validate, take the slot, finish.

use std::collections::BTreeMap;

use zero_format::{Minisig, PackageName};

use super::base::{self, Base, Loaded, io};
use super::error::{BlobError, CommitError};
use super::journal::Slot;
use super::{Blobs, Scope, Storage, Writer};
use crate::RegistryPath;
use crate::artifact::check_artifact;
use crate::event::{Action, EventBody, SignedEvent};
use crate::limits::{MAX_BLOB_BYTES, MAX_COMMIT_EVENTS, MAX_EVENT_AGE, MAX_EVENT_AHEAD};
use crate::log::Tree;
use crate::path;
use crate::snapshot::Snapshot;
use crate::state::{ChainContext, PackageState};
use crate::time::Timestamp;

/// How often a commit starts again because another writer took the slot.
const ATTEMPTS: u32 = 256;

/// An event to add, and the file that it releases.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The event.
    pub event: SignedEvent,
    /// The file of a release. It may be left out when the registry has it already.
    pub blob: Option<Blob>,
}

/// A package file and the signature that lies beside it.
#[derive(Clone, Debug)]
pub struct Blob {
    /// The `.zero` file.
    pub bytes: Vec<u8>,
    /// The `.zero.minisig` over the whole file, by a key that signed the release.
    pub minisig: String,
}

/// A commit that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The log after it.
    pub tree: Tree,
    /// The snapshot that ends it.
    pub snapshot: Snapshot,
    /// Index of its first leaf in the log.
    pub first: u64,
}

pub(super) fn commit<S: Storage>(
    writer: &Writer<S>,
    submissions: &[Submission],
    now: Timestamp,
) -> Result<Commit, CommitError> {
    if submissions.len() > MAX_COMMIT_EVENTS {
        return Err(CommitError::TooMany(submissions.len()));
    }
    let lock = writer.storage.lock(Scope::Commit);
    let _lock = lock.map_err(|source| io("lock", "journal", source))?;
    for attempt in 0..ATTEMPTS {
        let base = base::load(writer)?;
        // The clock of this machine may lag behind that of the writer before.
        let time = base.snapshot().map_or(now, |last| now.max(last.time));
        let names = submissions.iter().map(|s| s.event.body().name.clone());
        let packages = base::packages(writer, &base, names.collect(), true)?;
        validate(writer, &base, submissions, &packages, time)?;
        if attempt == 0 {
            put_blobs(writer, submissions)?;
        }
        let lines = submissions
            .iter()
            .map(|s| (&s.event.body().name, s.event.line()));
        let (files, map) = base::derive(writer, &base, packages, lines)?;
        let root = base.roots().current();
        let slot = Slot {
            size: base.tree().size,
            events: submissions.iter().map(|s| s.event.clone()).collect(),
            snapshot: Snapshot {
                origin: root.origin().clone(),
                time,
                expires: time.plus(root.head_lifetime()),
                root: root.version(),
                map,
            },
        };
        if take_slot(writer, &slot)? {
            return base::finish(writer, &base, &slot, &files);
        }
    }
    Err(CommitError::Busy(ATTEMPTS))
}

/// Creates the journal slot: the commit point.
fn take_slot<S: Storage>(writer: &Writer<S>, slot: &Slot) -> Result<bool, CommitError> {
    let path = path::journal(slot.size);
    let bytes = slot.encode();
    // A slot that cannot be read back would stop the registry for good.
    Slot::decode(slot.size, &bytes).map_err(|source| CommitError::Slot {
        path: path.clone(),
        source,
    })?;
    let created = writer.storage.create(&path, &bytes);
    created.map_err(|source| io("write", path, source))
}

fn validate<S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    submissions: &[Submission],
    packages: &BTreeMap<PackageName, Loaded>,
    now: Timestamp,
) -> Result<(), CommitError> {
    let context = ChainContext::writer(base.roots().current());
    let mut states: BTreeMap<&PackageName, PackageState> = packages
        .iter()
        .map(|(name, package)| (name, package.state.clone()))
        .collect();
    for (index, submission) in submissions.iter().enumerate() {
        let body = submission.event.body();
        let time = body.time;
        if time > now.plus(MAX_EVENT_AHEAD) || time < now.minus(MAX_EVENT_AGE) {
            return Err(CommitError::Time { index, time, now });
        }
        let before = states.remove(&body.name);
        let before = before.unwrap_or_else(|| PackageState::empty(&body.name));
        let after = before
            .apply(&submission.event, &context)
            .map_err(|source| CommitError::Event { index, source })?;
        check_blob(writer, submission, body, &after).map_err(|failure| failure.at(index))?;
        states.insert(&body.name, after);
    }
    Ok(())
}

/// Either the file is wrong, or it could not be looked at.
enum BlobFailure {
    Wrong(BlobError),
    Unread(CommitError),
}

impl BlobFailure {
    fn at(self, index: usize) -> CommitError {
        match self {
            Self::Wrong(source) => CommitError::Blob { index, source },
            Self::Unread(error) => error,
        }
    }
}

impl<E: Into<BlobError>> From<E> for BlobFailure {
    fn from(error: E) -> Self {
        Self::Wrong(error.into())
    }
}

fn check_blob<S: Storage>(
    writer: &Writer<S>,
    submission: &Submission,
    body: &EventBody,
    after: &PackageState,
) -> Result<(), BlobFailure> {
    let Action::Release(info) = &body.action else {
        return match submission.blob {
            Some(_) => Err(BlobError::Alone.into()),
            None => Ok(()),
        };
    };
    let Some(release) = after.release(&info.version) else {
        return Err(BlobError::Missing(info.version.clone()).into());
    };
    let Some(blob) = &submission.blob else {
        if writer.blobs == Blobs::Elsewhere {
            return Ok(());
        }
        let path = RegistryPath::blob(&info.sha256);
        let found = writer.find(path.as_str(), MAX_BLOB_BYTES);
        let bytes = found
            .map_err(BlobFailure::Unread)?
            .ok_or_else(|| BlobError::Missing(info.version.clone()))?;
        check_artifact(bytes, &body.name, release).map_err(BlobError::from)?;
        return Ok(());
    };
    check_artifact(blob.bytes.clone(), &body.name, release).map_err(BlobError::from)?;
    let sidecar = Minisig::parse(&blob.minisig).map_err(BlobError::Sidecar)?;
    let mut last = None;
    for key in release.signers() {
        match sidecar.verify(key, &blob.bytes) {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(BlobError::Sidecar(error).into()),
        None => Err(BlobError::Missing(info.version.clone()).into()),
    }
}

/// Files come first: a release that is in the log has its file.
fn put_blobs<S: Storage>(
    writer: &Writer<S>,
    submissions: &[Submission],
) -> Result<(), CommitError> {
    let mut any = false;
    for submission in submissions {
        let Action::Release(info) = &submission.event.body().action else {
            continue;
        };
        if let Some(blob) = &submission.blob {
            let signature = RegistryPath::blob_signature(&info.sha256);
            writer.put(RegistryPath::blob(&info.sha256).as_str(), &blob.bytes)?;
            writer.put(signature.as_str(), blob.minisig.as_bytes())?;
            any = true;
        }
    }
    if any { writer.barrier() } else { Ok(()) }
}
