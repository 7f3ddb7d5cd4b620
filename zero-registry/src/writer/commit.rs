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
use crate::limits::{
    MAX_BLOB_BYTES, MAX_COMMIT_EVENTS, MAX_EVENT_AGE, MAX_EVENT_AHEAD, SEGMENT_LINES,
};
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

/// What became of one of several groups of submissions.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It is in this commit.
    Committed(Commit),
    /// Each of its events was in the registry already, byte for byte.
    Present,
    /// It cannot be added. The other groups are not affected.
    Refused(CommitError),
}

/// What becomes of events that are in the registry already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeats {
    /// They are told apart from events that cannot follow.
    Told,
    /// They cannot follow.
    Refused,
}

/// One group, all or nothing.
pub(super) fn commit<S: Storage>(
    writer: &Writer<S>,
    submissions: &[Submission],
    now: Timestamp,
) -> Result<Commit, CommitError> {
    match run(writer, &[submissions], now, Repeats::Refused)?.pop() {
        Some(Outcome::Committed(commit)) => Ok(commit),
        Some(Outcome::Refused(error)) => Err(error),
        Some(Outcome::Present) | None => Err(CommitError::Busy(0)),
    }
}

/// Several groups in one commit; each is added or refused by itself.
pub(super) fn commit_each<S: Storage>(
    writer: &Writer<S>,
    groups: &[&[Submission]],
    now: Timestamp,
) -> Result<Vec<Outcome>, CommitError> {
    run(writer, groups, now, Repeats::Told)
}

fn run<S: Storage>(
    writer: &Writer<S>,
    groups: &[&[Submission]],
    now: Timestamp,
    repeats: Repeats,
) -> Result<Vec<Outcome>, CommitError> {
    let all = || groups.iter().copied().flatten();
    let count = all().count();
    if count > MAX_COMMIT_EVENTS {
        return Err(CommitError::TooMany(count));
    }
    let lock = writer.storage.lock(Scope::Commit);
    let _lock = lock.map_err(|source| io("lock", "journal", source))?;
    for _ in 0..ATTEMPTS {
        let base = base::load(writer)?;
        // The clock of this machine may lag behind that of the writer before.
        let time = base.snapshot().map_or(now, |last| now.max(last.time));
        let names = all().map(|s| s.event.body().name.clone());
        let packages = base::packages(writer, &base, names.collect(), true)?;
        let mut review = Review::new(writer, &base, &packages, time, repeats);
        let verdicts: Vec<_> = groups.iter().map(|group| review.group(group)).collect();
        let added = |verdict: &Verdict| matches!(verdict, Verdict::Added);
        if !verdicts.iter().any(added) {
            return Ok(outcomes(verdicts, None));
        }
        let accepted = groups.iter().zip(&verdicts);
        let accepted = accepted.filter(|(_, verdict)| added(verdict));
        let accepted: Vec<_> = accepted.flat_map(|(group, _)| group.iter()).collect();
        put_blobs(writer, &accepted)?;
        let lines = accepted
            .iter()
            .map(|s| (&s.event.body().name, s.event.line()));
        let (files, map) = base::derive(writer, &base, packages.clone(), lines)?;
        let root = base.roots().current();
        let slot = Slot {
            size: base.tree().size,
            events: accepted.iter().map(|s| s.event.clone()).collect(),
            snapshot: Snapshot {
                origin: root.origin().clone(),
                time,
                expires: time.plus(root.head_lifetime()),
                root: root.version(),
                map,
            },
        };
        if take_slot(writer, &base, &slot)? {
            let commit = base::finish(writer, &base, &slot, &files)?;
            return Ok(outcomes(verdicts, Some(&commit)));
        }
    }
    Err(CommitError::Busy(ATTEMPTS))
}

/// What a review says of a group.
enum Verdict {
    Added,
    Present,
    Refused(CommitError),
}

fn outcomes(verdicts: Vec<Verdict>, commit: Option<&Commit>) -> Vec<Outcome> {
    let outcome = |verdict| match (verdict, commit) {
        (Verdict::Refused(error), _) => Outcome::Refused(error),
        (Verdict::Added, Some(commit)) => Outcome::Committed(commit.clone()),
        (Verdict::Added | Verdict::Present, _) => Outcome::Present,
    };
    verdicts.into_iter().map(outcome).collect()
}

/// Creates the journal slot: the commit point.
fn take_slot<S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    slot: &Slot,
) -> Result<bool, CommitError> {
    let path = path::journal(base.roots().epoch(), slot.size);
    let bytes = slot.encode();
    // A slot that cannot be read back would stop the registry for good.
    Slot::decode(slot.size, &bytes).map_err(|source| CommitError::Slot {
        path: path.clone(),
        source,
    })?;
    let created = writer.storage.create(&path, &bytes);
    created.map_err(|source| io("write", path, source))
}

/// Judges groups one after the other, each on top of those that were accepted.
struct Review<'a, S> {
    writer: &'a Writer<S>,
    context: ChainContext<'a>,
    packages: &'a BTreeMap<PackageName, Loaded>,
    states: BTreeMap<&'a PackageName, PackageState>,
    now: Timestamp,
    repeats: Repeats,
}

impl<'a, S: Storage> Review<'a, S> {
    fn new(
        writer: &'a Writer<S>,
        base: &'a Base,
        packages: &'a BTreeMap<PackageName, Loaded>,
        now: Timestamp,
        repeats: Repeats,
    ) -> Self {
        let states = packages
            .iter()
            .map(|(name, package)| (name, package.state.clone()));
        Self {
            writer,
            context: ChainContext::writer(base.roots().current()),
            packages,
            states: states.collect(),
            now,
            repeats,
        }
    }

    fn group(&mut self, group: &'a [Submission]) -> Verdict {
        let told = self.repeats == Repeats::Told && !group.is_empty();
        if told && group.iter().all(|s| self.is_present(&s.event)) {
            return Verdict::Present;
        }
        match self.apply(group) {
            Ok(states) => {
                self.states.extend(states);
                Verdict::Added
            }
            Err(error) => Verdict::Refused(error),
        }
    }

    /// Whether the chain has this very line at the place that it names.
    fn is_present(&self, event: &SignedEvent) -> bool {
        let body = event.body();
        let (segment, line) = (body.seq / SEGMENT_LINES, body.seq % SEGMENT_LINES);
        let file = self.packages.get(&body.name).and_then(|package| {
            let segment = usize::try_from(segment).ok()?;
            package.files.get(segment)
        });
        let line = usize::try_from(line).ok();
        let found = file
            .zip(line)
            .and_then(|(file, line)| file.split_inclusive(|byte| *byte == b'\n').nth(line));
        found == Some(event.line())
    }

    fn apply(
        &self,
        group: &'a [Submission],
    ) -> Result<BTreeMap<&'a PackageName, PackageState>, CommitError> {
        let mut states: BTreeMap<&PackageName, PackageState> = BTreeMap::new();
        for (index, submission) in group.iter().enumerate() {
            let body = submission.event.body();
            let (time, now) = (body.time, self.now);
            if time > now.plus(MAX_EVENT_AHEAD) || time < now.minus(MAX_EVENT_AGE) {
                return Err(CommitError::Time { index, time, now });
            }
            let before = states
                .remove(&body.name)
                .or_else(|| self.states.get(&body.name).cloned())
                .unwrap_or_else(|| PackageState::empty(&body.name));
            let after = before
                .apply(&submission.event, &self.context)
                .map_err(|source| CommitError::Event { index, source })?;
            check_blob(self.writer, submission, body, &after)
                .map_err(|failure| failure.at(index))?;
            states.insert(&body.name, after);
        }
        Ok(states)
    }
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
    submissions: &[&Submission],
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
