//! A copy of a registry that is kept up to date, and checked as it is made (spec/registry.md,
//! "Mirrors").
//!
//! Only roots, the head, the leaves of the log and the package files are fetched. Everything else
//! follows from the leaves and is computed here: what the upstream could lie about is not asked.
//! `head` comes last, so a mirror that is killed serves the older state, whole, and goes on from it.

mod error;
mod files;
mod follow;

pub use error::MirroringError;

use std::collections::BTreeSet;

use zero_format::PackageName;

use crate::client::{KnownRoots, RegistryConfig};
use crate::head::{Head, HeadCheck, HeadError, VerifiedHead};
use crate::limits::{MAX_HEAD_BYTES, MAX_ROOT_BYTES};
use crate::log::Tree;
use crate::origin::Origin;
use crate::path;
use crate::role::Role;
use crate::root::{Root, Roots};
use crate::state::PackageState;
use crate::time::Timestamp;
use crate::transport::{Fetched, GetOptions, Request, Transport};
use crate::watch::{Unwatched, Watch};
use crate::writer::{CommitError, Scope, Storage, read_roots};
use crate::{MirrorError, RegistryPath};
use error::io;

/// What a mirror holds.
#[derive(Clone, Debug)]
pub struct MirrorOptions<'a> {
    /// The keys that must have signed the first root. A mirror that exists already knows its
    /// roots.
    pub pinned: Option<Role>,
    /// The packages whose files are copied; all of them without it. Log, map and chains are always
    /// whole.
    pub packages: Option<BTreeSet<PackageName>>,
    /// Told of the phase `log`, in bundles; package files are fetched meanwhile.
    pub watch: &'a dyn Watch,
}

impl Default for MirrorOptions<'_> {
    fn default() -> Self {
        Self {
            pinned: None,
            packages: None,
            watch: &Unwatched,
        }
    }
}

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// Leaves of the log before.
    pub from: u64,
    /// Leaves of the log now.
    pub to: u64,
    /// Package files that were fetched.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Brings a copy up to date, or makes one.
///
/// # Errors
/// When the upstream cannot be reached or serves what the registry did not sign, or when the copy
/// cannot be written. The copy still holds its older state then.
pub fn mirror(
    upstream: &dyn Transport,
    storage: &impl Storage,
    options: &MirrorOptions<'_>,
    now: Timestamp,
) -> Result<Mirrored, MirroringError> {
    let lock = storage.lock(Scope::Commit);
    let _lock = lock.map_err(|source| io("lock", "journal", source))?;
    let local = match read_roots(storage) {
        Ok(roots) => Some(roots),
        Err(CommitError::NoRegistry) => None,
        Err(error) => return Err(error.into()),
    };
    let before = match &local {
        Some(roots) => local_state(storage, roots)?,
        None => None,
    };
    let (bytes, known) = newest(upstream, local.as_ref(), options)?;
    let mut known = known;
    let head = judge(upstream, &mut known, &bytes, now)?;
    if let Some((local, before)) = local.as_ref().zip(before.as_ref()) {
        check_growth(local, before.tree(), &known.roots, head.tree())?;
    }
    let mut follower = follow::Follower::new(storage, &known.roots, before.as_ref())?;
    let mut report = Mirrored {
        from: follower.tree().size,
        to: head.tree().size,
        ..Mirrored::default()
    };
    let mut fetched = files::Fetched::new(upstream, storage, options);
    let mut grown = |state: &PackageState, first| fetched.releases(state, first);
    follow::read_log(
        upstream,
        head.tree(),
        &mut follower,
        &mut grown,
        options.watch,
    )?;
    if follower.tree() != head.tree() {
        return Err(MirroringError::Tree);
    }
    (report.files, report.bytes) = fetched.finish();
    storage
        .barrier()
        .map_err(|source| io("sync", ".", source))?;
    put_roots(storage, &known)?;
    put_head(storage, &bytes)?;
    for folder in follower.superseded() {
        // A folder that stays behind only takes space.
        let _ = storage.remove_folder(folder);
    }
    Ok(report)
}

/// The state that the copy has.
fn local_state(
    storage: &impl Storage,
    roots: &Roots,
) -> Result<Option<VerifiedHead>, MirroringError> {
    let path = RegistryPath::head();
    let bytes = storage.read(path.as_str(), MAX_HEAD_BYTES);
    let bytes = bytes.map_err(|source| io("read", path.as_str(), source))?;
    let Some(bytes) = bytes else {
        return Ok(None);
    };
    let head = Head::decode(&bytes).map_err(CommitError::from)?;
    // Killed between the roots and the head: the head is of an older root still.
    let mut refusal = None;
    for root in roots.iter().rev() {
        match head.verify_content(root) {
            Ok(head) => return Ok(Some(head)),
            Err(error) => {
                refusal.get_or_insert(error);
            }
        }
    }
    Err(match refusal {
        Some(error) => CommitError::from(error).into(),
        None => CommitError::NoRegistry.into(),
    })
}

/// The upstream's head, and the roots that are known before it is judged.
fn newest(
    upstream: &dyn Transport,
    local: Option<&Roots>,
    options: &MirrorOptions<'_>,
) -> Result<(Vec<u8>, KnownRoots), MirroringError> {
    let pinned = match (local, &options.pinned) {
        (Some(roots), _) => roots.first().role().clone(),
        (None, Some(pinned)) => pinned.clone(),
        (None, None) => return Err(MirroringError::Unpinned),
    };
    let origin = match local {
        Some(roots) => roots.current().origin().clone(),
        None => claimed_origin(upstream)?,
    };
    let config = RegistryConfig {
        name: "upstream".parse().expect("a name"),
        origin,
        pinned,
        mirrors: Vec::new(),
        fresh: std::time::Duration::ZERO,
    };
    let request = Request {
        path: RegistryPath::head(),
        options: GetOptions::up_to(MAX_HEAD_BYTES),
    };
    let (known, answer) = KnownRoots::first(&config, upstream, request)?;
    match answer.map_err(MirrorError::from)? {
        Fetched::Bytes { bytes, .. } => Ok((bytes, known)),
        _ => Err(missing(RegistryPath::head())),
    }
}

/// What the first root says; the pinned keys decide whether that is worth anything.
fn claimed_origin(upstream: &dyn Transport) -> Result<Origin, MirroringError> {
    let path = RegistryPath::root(1);
    let answer = upstream.get(&path, &GetOptions::up_to(MAX_ROOT_BYTES));
    match answer.map_err(MirrorError::from)? {
        Fetched::Bytes { bytes, .. } => {
            let root = Root::decode(&bytes).map_err(MirrorError::from)?;
            Ok(root.origin().clone())
        }
        _ => Err(missing(path)),
    }
}

fn missing(path: RegistryPath) -> MirroringError {
    MirrorError::Missing { path }.into()
}

/// The head under the newest root of the upstream. All roots are followed: a mirror serves them.
fn judge(
    upstream: &dyn Transport,
    known: &mut KnownRoots,
    bytes: &[u8],
    now: Timestamp,
) -> Result<VerifiedHead, MirroringError> {
    while known.advance(upstream)? {}
    let head = Head::decode(bytes).map_err(MirrorError::from)?;
    let root = known.roots.current();
    // What grew is not proved by tiles but computed anew, leaf by leaf.
    match head.verify(root, None, now).map_err(MirrorError::from)? {
        HeadCheck::Verified(_) | HeadCheck::Grown(_) => {}
    }
    Ok(head.verify_content(root).map_err(MirrorError::from)?)
}

/// Whether the copy can go on from its state: to a larger log, and under a new log key only from
/// what the root keys vouch for.
fn check_growth(
    local: &Roots,
    before: Tree,
    roots: &Roots,
    now: Tree,
) -> Result<(), MirroringError> {
    if local.epoch() == roots.epoch() {
        if before.size <= now.size {
            return Ok(());
        }
        return Err(MirrorError::from(HeadError::Stale {
            found: now.size,
            trusted: before.size,
        })
        .into());
    }
    let anchor = roots.version(roots.epoch()).and_then(Root::anchored_tree);
    let kept = anchor.is_some_and(|anchor| before.size <= anchor.size);
    if kept && before.size <= now.size {
        Ok(())
    } else {
        Err(MirroringError::Rewound)
    }
}

/// Signatures before roots, so that whoever finds a root finds them.
fn put_roots(storage: &impl Storage, known: &KnownRoots) -> Result<(), MirroringError> {
    let put = |path: &RegistryPath, bytes: &[u8]| {
        let put = storage.put(path.as_str(), bytes);
        put.map_err(|source| io("write", path.as_str(), source))
    };
    let barrier = || {
        storage
            .barrier()
            .map_err(|source| io("sync", "root", source))
    };
    for (version, file) in (1..).zip(&known.files) {
        for (id, text) in file.named_signatures() {
            if let Some(path) = RegistryPath::root_signature(version, &id) {
                put(&path, text.as_bytes())?;
            }
        }
    }
    barrier()?;
    for (version, file) in (1..).zip(&known.files) {
        put(&RegistryPath::root(version), file.json.as_bytes())?;
    }
    barrier()
}

fn put_head(storage: &impl Storage, bytes: &[u8]) -> Result<(), MirroringError> {
    let head = Head::decode(bytes).map_err(MirrorError::from)?;
    let lock = storage.lock(Scope::Head);
    let _lock = lock.map_err(|source| io("lock", "head", source))?;
    let path = RegistryPath::head();
    for (path, bytes) in [
        (path::CHECKPOINT, head.checkpoint().encode().as_slice()),
        (path.as_str(), bytes),
    ] {
        let present = storage.read(path, MAX_HEAD_BYTES).ok().flatten();
        if present.as_deref() != Some(bytes) {
            let replaced = storage.replace(path, bytes);
            replaced.map_err(|source| io("write", path, source))?;
        }
    }
    Ok(())
}
