//! The state that a commit starts from, and how a commit is finished.

use std::collections::{BTreeMap, BTreeSet};

use zero_format::{Digest, Minisig, PackageName, PublicKey};

use super::anchor::newest;
use super::cosign::cosign;
use super::derive::{self, Files};
use super::journal::Slot;
use super::{Commit, CommitError, Scope, Storage, Writer};
use crate::RegistryPath;
use crate::event::SignedEvent;
use crate::head::Head;
use crate::limits::{
    MAX_BUNDLE_BYTES, MAX_HEAD_BYTES, MAX_JOURNAL_BYTES, MAX_ROOT_BYTES, MAX_ROOT_VERSION,
    MAX_SEGMENT_BYTES, MAX_SIGNATURE_BYTES,
};
use crate::log::{Checkpoint, Edge, Tree};
use crate::map::PackageEntry;
use crate::path;
use crate::role::Role;
use crate::root::{Root, Roots};
use crate::snapshot::Snapshot;
use crate::state::{ChainContext, PackageState};

/// The newest state of a registry.
#[derive(Clone, Debug)]
pub struct Base {
    roots: Roots,
    tree: Tree,
    snapshot: Option<Snapshot>,
}

impl Base {
    /// The roots, the last of which is in force.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The log.
    pub fn tree(&self) -> Tree {
        self.tree
    }

    /// The newest snapshot; none before the first commit.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }
}

/// A package that a commit touches.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) entry: Option<PackageEntry>,
    pub(super) files: Vec<Vec<u8>>,
    pub(super) state: PackageState,
}

impl<S: Storage> Writer<S> {
    /// Reads a file that may be missing.
    pub(super) fn find(&self, path: &str, max: u64) -> Result<Option<Vec<u8>>, CommitError> {
        let read = self.storage.read(path, max);
        read.map_err(|source| io("read", path, source))
    }

    /// Reads a file that must be there.
    pub(super) fn read(&self, path: &str, max: u64) -> Result<Vec<u8>, CommitError> {
        let found = self.find(path, max)?;
        found.ok_or_else(|| CommitError::Missing(path.to_owned()))
    }

    pub(super) fn put(&self, path: &str, bytes: &[u8]) -> Result<(), CommitError> {
        let put = self.storage.put(path, bytes);
        put.map_err(|source| io("write", path, source))
    }

    pub(super) fn barrier(&self) -> Result<(), CommitError> {
        let barrier = self.storage.barrier();
        barrier.map_err(|source| io("sync", ".", source))
    }
}

pub(crate) fn io(
    action: &'static str,
    path: impl Into<String>,
    source: std::io::Error,
) -> CommitError {
    CommitError::Io {
        action,
        path: path.into(),
        source,
    }
}

/// Reads all roots, the last of which must name the writer's key as log key.
pub(super) fn roots<S: Storage>(writer: &Writer<S>) -> Result<Roots, CommitError> {
    let roots = read_roots(&writer.storage)?;
    let (expected, found) = (roots.current().log_key(), writer.key.public_key());
    if *expected == found {
        return Ok(roots);
    }
    Err(CommitError::LogKey {
        expected: expected.key_id_hex(),
        found: found.key_id_hex(),
    })
}

/// Reads all roots. The first one is trusted as it lies there; readers elsewhere have it pinned.
pub(crate) fn read_roots(storage: &impl Storage) -> Result<Roots, CommitError> {
    let find = |path: &RegistryPath, max| {
        let read = storage.read(path.as_str(), max);
        read.map_err(|source| io("read", path.as_str(), source))
    };
    let bytes = find(&RegistryPath::root(1), MAX_ROOT_BYTES)?.ok_or(CommitError::NoRegistry)?;
    let refused = |version| move |source| CommitError::Root { version, source };
    let first = Root::decode(&bytes).map_err(refused(1))?;
    let signatures = read_signatures(1, &[first.role()], &find)?;
    let mut roots = Roots::pin(first.role(), &bytes, &signatures).map_err(refused(1))?;
    for version in 2..=MAX_ROOT_VERSION {
        let Some(bytes) = find(&RegistryPath::root(version), MAX_ROOT_BYTES)? else {
            break;
        };
        let new = Root::decode(&bytes).map_err(refused(version))?;
        let both = [roots.current().role(), new.role()];
        let signatures = read_signatures(version, &both, &find)?;
        roots
            .extend(&bytes, &signatures)
            .map_err(refused(version))?;
    }
    Ok(roots)
}

type Find<'a> = dyn Fn(&RegistryPath, u64) -> Result<Option<Vec<u8>>, CommitError> + 'a;

fn read_signatures(
    version: u64,
    roles: &[&Role],
    find: &Find<'_>,
) -> Result<Vec<Minisig>, CommitError> {
    let keys = roles.iter().flat_map(|role| role.keys());
    let keys: BTreeSet<String> = keys.map(PublicKey::key_id_hex).collect();
    let max = u64::try_from(MAX_SIGNATURE_BYTES).unwrap_or(u64::MAX);
    let mut signatures = Vec::new();
    for key in keys {
        let Some(path) = RegistryPath::root_signature(version, &key) else {
            continue;
        };
        let Some(bytes) = find(&path, max)? else {
            continue;
        };
        let signature = Minisig::parse(&String::from_utf8_lossy(&bytes));
        signatures.push(signature.map_err(|source| CommitError::RootSignature {
            path: path.to_string(),
            source,
        })?);
    }
    Ok(signatures)
}

/// Reads the newest state, after finishing what a writer that died left behind.
pub(super) fn load<S: Storage>(writer: &Writer<S>) -> Result<Base, CommitError> {
    let roots = roots(writer)?;
    let epoch = roots.epoch();
    let mut base = Base {
        roots,
        tree: Tree::empty(),
        snapshot: None,
    };
    loop {
        if let Some((tree, snapshot)) = newest(&writer.storage, &base.roots)? {
            base.tree = tree;
            base.snapshot = Some(snapshot);
        }
        let path = path::journal(epoch, base.tree.size);
        let Some(bytes) = writer.find(&path, MAX_JOURNAL_BYTES)? else {
            return Ok(base);
        };
        let slot = Slot::decode(base.tree.size, &bytes)
            .map_err(|source| CommitError::Slot { path, source })?;
        finish_slot(writer, &base, &slot)?;
    }
}

/// Derives everything that follows from a slot, and puts it in force.
fn finish_slot<S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    slot: &Slot,
) -> Result<Commit, CommitError> {
    let names = slot.events.iter().map(|event| event.body().name.clone());
    let packages = packages(writer, base, names.collect(), false)?;
    let events: Vec<&[u8]> = slot.events.iter().map(SignedEvent::line).collect();
    let names: Vec<_> = slot.events.iter().map(|event| &event.body().name).collect();
    let (files, map) = derive(writer, base, packages, names.into_iter().zip(events))?;
    if map != slot.snapshot.map {
        return Err(CommitError::SlotDiverges(path::journal(
            base.roots.epoch(),
            slot.size,
        )));
    }
    finish(writer, base, slot, &files)
}

/// The segments and pages that follow from event lines.
pub(super) fn derive<'a, S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    packages: BTreeMap<PackageName, Loaded>,
    lines: impl Iterator<Item = (&'a PackageName, &'a [u8])>,
) -> Result<(Files, crate::snapshot::MapRoot), CommitError> {
    let mut by_name: BTreeMap<&PackageName, Vec<&[u8]>> = BTreeMap::new();
    for (name, line) in lines {
        by_name.entry(name).or_default().push(line);
    }
    let mut files = Files::new();
    let mut changed = Vec::new();
    let mut added = 0;
    for (name, mut package) in packages {
        let Some(lines) = by_name.get(&name) else {
            continue;
        };
        added += u64::from(package.entry.is_none());
        let mut entry = package.entry.unwrap_or(PackageEntry {
            name,
            events: 0,
            segments: Vec::new(),
        });
        derive::extend_chain(&mut entry, package.files.pop(), lines, &mut files);
        changed.push(entry);
    }
    let old = base.snapshot.as_ref().map(|snapshot| &snapshot.map);
    let read = |path: &str, max| writer.read(path, max);
    let map = derive::change_map(old, changed, added, &read, &mut files)?;
    Ok((files, map))
}

/// Writes what follows from a slot, in the order that readers rely on, and swaps `head`.
pub(super) fn finish<S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    slot: &Slot,
    files: &Files,
) -> Result<Commit, CommitError> {
    let mut edge = Edge::load(base.tree, |path| writer.find(path, MAX_BUNDLE_BYTES))?;
    let leaves = slot.leaves();
    let appended = edge.append(&leaves);
    for file in &appended.files {
        writer.put(&file.path, &file.bytes)?;
    }
    for (path, bytes) in files {
        writer.put(path, bytes)?;
    }
    writer.barrier()?;
    let origin = base.roots.current().origin();
    let checkpoint = Checkpoint::sign(origin, appended.tree, &writer.key);
    let checkpoint = cosign(writer, base.roots.current(), base.tree.size, checkpoint)?;
    let note = checkpoint.encode();
    let last = leaves.last().cloned().unwrap_or_default();
    let head = Head::new(last, appended.proof, checkpoint)?.encode();
    swap_head(writer, base, appended.tree, &note, &head)?;
    for folder in &appended.superseded {
        // The commit stands; a folder that stays behind only takes space.
        let _ = writer.storage.remove_folder(folder);
    }
    Ok(Commit {
        tree: appended.tree,
        snapshot: slot.snapshot.clone(),
        first: slot.size,
    })
}

/// How often the swap starts again where locks do not keep other writers away.
const SWAPS: u32 = 64;

/// Puts a new `head` in force, unless another writer has put this or a newer one.
fn swap_head<S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    tree: Tree,
    checkpoint: &[u8],
    head: &[u8],
) -> Result<(), CommitError> {
    let path = RegistryPath::head();
    let lock = writer.storage.lock(Scope::Head);
    let _lock = lock.map_err(|source| io("lock", path.as_str(), source))?;
    for _ in 0..SWAPS {
        match try_swap(writer, base, tree, checkpoint, head) {
            Err(CommitError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::ResourceBusy => {}
            swapped => return swapped,
        }
    }
    Err(CommitError::Busy(SWAPS))
}

fn try_swap<S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    tree: Tree,
    checkpoint: &[u8],
    head: &[u8],
) -> Result<(), CommitError> {
    let path = RegistryPath::head();
    // Read before `head`, so that a storage without locks can tell whether it was replaced since.
    writer.find(path::CHECKPOINT, MAX_HEAD_BYTES)?;
    let present = writer.find(path.as_str(), MAX_HEAD_BYTES)?;
    if let Some(bytes) = present {
        let present = Head::decode(&bytes)?;
        if present.checkpoint().is_by(base.roots.current().log_key()) {
            if present.checkpoint().claimed_tree().size >= tree.size {
                return Ok(());
            }
        } else {
            // It is of the log key before this one, or of the one after: then this one is over.
            roots(writer)?;
        }
    }
    let replace = |path: &str, bytes: &[u8]| {
        let replaced = writer.storage.replace(path, bytes);
        replaced.map_err(|source| io("write", path, source))
    };
    replace(path::CHECKPOINT, checkpoint)?;
    replace(path.as_str(), head)
}

/// One package, with its state.
pub(super) fn package<S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    name: &PackageName,
) -> Result<Loaded, CommitError> {
    let mut loaded = packages(writer, base, BTreeSet::from([name.clone()]), true)?;
    Ok(loaded.remove(name).unwrap_or_else(|| Loaded {
        entry: None,
        files: Vec::new(),
        state: PackageState::empty(name),
    }))
}

/// The packages of these names; new ones are empty. With `replay`, their events are verified.
pub(super) fn packages<S: Storage>(
    writer: &Writer<S>,
    base: &Base,
    names: BTreeSet<PackageName>,
    replay: bool,
) -> Result<BTreeMap<PackageName, Loaded>, CommitError> {
    let read = |path: &str, max| writer.read(path, max);
    let mut entries = match &base.snapshot {
        Some(snapshot) => derive::find_packages(&snapshot.map, &names, &read)?,
        None => BTreeMap::new(),
    };
    let context = ChainContext::reader(&base.roots);
    let mut packages = BTreeMap::new();
    for name in names {
        let entry = entries.remove(&name);
        let mut files = Vec::new();
        for segment in entry.iter().flat_map(|entry| &entry.segments) {
            let path = RegistryPath::package(&segment.sha256);
            let bytes = writer.read(path.as_str(), MAX_SEGMENT_BYTES)?;
            if Digest::of(&bytes) != segment.sha256 {
                return Err(CommitError::Package {
                    source: crate::state::StateError::Chain(name.clone()),
                    name,
                });
            }
            files.push(bytes);
        }
        let state = match &entry {
            Some(entry) if replay => {
                PackageState::replay(entry, &files, &context).map_err(|source| {
                    CommitError::Package {
                        name: name.clone(),
                        source,
                    }
                })?
            }
            _ => PackageState::empty(&name),
        };
        let loaded = Loaded {
            entry,
            files,
            state,
        };
        packages.insert(name, loaded);
    }
    Ok(packages)
}
