//! Putting a new root in force.

use thiserror::Error;
use zero_format::{Minisig, MinisigError, PublicKey};

use super::anchor::{anchor_at, signed};
use super::base::{io, read_roots};
use super::{CommitError, Scope, Storage};
use crate::RegistryPath;
use crate::limits::{MAX_ROOT_BYTES, MAX_SIGNATURE_BYTES};
use crate::root::{Anchor, Proposal, RootError, Roots};

/// Why a root could not be put in force.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RotateError {
    /// The registry could not be read or written.
    #[error("put the root in force")]
    Commit(#[from] CommitError),
    /// The log has grown since the proposal was made, and its new log key would not know of that.
    #[error("put the root in force: the log has {log} leaves, the root vouches for {anchor}")]
    Grown {
        /// Leaves of the log.
        log: u64,
        /// Leaves that the root's anchor covers.
        anchor: u64,
    },
    /// The registry has another root in force than the one that it was made for.
    #[error("put the root in force: it was made for root {made_for}, in force is root {in_force}")]
    Outdated {
        /// Version of the root that it was made for.
        made_for: u64,
        /// Version of the root in force.
        in_force: u64,
    },
    /// Too few keys signed.
    #[error("put the root in force")]
    Root(#[from] RootError),
    /// A signature is malformed.
    #[error("put the root in force")]
    Signature(#[from] MinisigError),
}

impl RotateError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Commit(error) => error.hint(),
            Self::Grown { .. } => Some(
                "propose it again while nobody publishes, or drop what came after with --discard"
                    .into(),
            ),
            Self::Outdated { .. } => Some("propose it again: zero-registry root propose".into()),
            Self::Root(RootError::Threshold { .. }) => {
                Some("let more of its keys sign: zero-registry root sign FILE --key KEY".into())
            }
            Self::Root(_) | Self::Signature(_) => None,
        }
    }
}

/// The root in force as its file, with its signatures.
#[derive(Clone, Debug)]
pub struct RootFile {
    /// The file.
    pub bytes: Vec<u8>,
    /// The texts of its `.minisig` files.
    pub signatures: Vec<String>,
}

/// The root in force at this place, to propose a successor of.
///
/// # Errors
/// When there is no registry, or a root is not sound.
pub fn current_root(storage: &impl Storage) -> Result<RootFile, CommitError> {
    let roots = read_roots(storage)?;
    let root = roots.current();
    let path = RegistryPath::root(root.version());
    let bytes = read(storage, &path, MAX_ROOT_BYTES)?;
    let bytes = bytes.ok_or_else(|| CommitError::Missing(path.to_string()))?;
    let max = u64::try_from(MAX_SIGNATURE_BYTES).unwrap_or(u64::MAX);
    let mut signatures = Vec::new();
    for id in root.role().keys().iter().map(PublicKey::key_id_hex) {
        let path = RegistryPath::root_signature(root.version(), &id);
        let text = path.map(|path| read(storage, &path, max)).transpose()?;
        signatures.extend(text.flatten().and_then(|text| String::from_utf8(text).ok()));
    }
    Ok(RootFile { bytes, signatures })
}

/// The anchor for the first `size` leaves of the log at this place, or for all of them.
///
/// # Errors
/// When no commit ends there, or the registry is damaged.
pub fn anchor(storage: &impl Storage, size: Option<u64>) -> Result<Anchor, CommitError> {
    let roots = read_roots(storage)?;
    let head = signed(storage, &roots)?.ok_or(CommitError::NoRegistry)?;
    let size = size.unwrap_or(head.tree().size);
    anchor_at(storage, head.tree(), size)
}

/// Puts a proposed root in force: its signatures first, then the root itself. The next commit makes
/// a `head` under it. With `discard`, leaves beyond the anchor of a new log key are dropped.
///
/// # Errors
/// When it does not follow the root in force, too few keys signed, or its anchor is not a commit of
/// this log. Doing it twice is no error.
pub fn rotate(
    storage: &impl Storage,
    proposal: &Proposal,
    discard: bool,
) -> Result<(), RotateError> {
    let lock = storage.lock(Scope::Commit);
    let _lock = lock.map_err(|source| io("lock", "journal", source))?;
    let mut roots = read_roots(storage)?;
    if !is_done(storage, proposal)? {
        if roots.newest_digest() != proposal.previous_digest() {
            return Err(RotateError::Outdated {
                made_for: proposal.previous().version(),
                in_force: roots.current().version(),
            });
        }
        check_anchor(storage, proposal, &roots, discard)?;
        let signatures = proposal.signatures().map(|(_, text)| Minisig::parse(text));
        let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
        roots.extend(proposal.root_bytes(), &signatures)?;
    }
    if put(storage, proposal)? || is_done(storage, proposal)? {
        return Ok(());
    }
    Err(RotateError::Outdated {
        made_for: proposal.previous().version(),
        in_force: proposal.root().version(),
    })
}

fn is_done(storage: &impl Storage, proposal: &Proposal) -> Result<bool, CommitError> {
    let path = RegistryPath::root(proposal.root().version());
    let present = read(storage, &path, MAX_ROOT_BYTES)?;
    Ok(present.is_some_and(|bytes| bytes == proposal.root_bytes()))
}

fn check_anchor(
    storage: &impl Storage,
    proposal: &Proposal,
    roots: &Roots,
    discard: bool,
) -> Result<(), RotateError> {
    let Some(anchored) = &proposal.root().fields().anchor else {
        return Ok(());
    };
    let head = signed(storage, roots)?.ok_or(CommitError::NoRegistry)?;
    let log = head.tree();
    let found = anchor_at(storage, log, anchored.size)?;
    if found != *anchored {
        return Err(CommitError::Anchor(anchored.size).into());
    }
    let before = roots.current();
    if before
        .anchored_tree()
        .is_some_and(|tree| tree.size > anchored.size)
    {
        return Err(CommitError::Anchor(anchored.size).into());
    }
    let same_key = before.log_key() == proposal.root().log_key();
    if same_key || discard || anchored.size == log.size {
        return Ok(());
    }
    Err(RotateError::Grown {
        log: log.size,
        anchor: anchored.size,
    })
}

/// Whoever finds the root finds its signatures: they are durable first. Tells whether the root was
/// created: where locks do not keep others away, another root of this version may be there since. Its
/// signatures by the same keys are then these; finishing that one again writes them anew.
fn put(storage: &impl Storage, proposal: &Proposal) -> Result<bool, CommitError> {
    let version = proposal.root().version();
    for (id, text) in proposal.signatures() {
        if let Some(path) = RegistryPath::root_signature(version, &id) {
            let put = storage.put(path.as_str(), text.as_bytes());
            put.map_err(|source| io("write", path.as_str(), source))?;
        }
    }
    let barrier = storage.barrier();
    barrier.map_err(|source| io("sync", "root", source))?;
    let path = RegistryPath::root(version);
    let created = storage.create(path.as_str(), proposal.root_bytes());
    created.map_err(|source| io("create", path.as_str(), source))
}

fn read(
    storage: &impl Storage,
    path: &RegistryPath,
    max: u64,
) -> Result<Option<Vec<u8>>, CommitError> {
    let read = storage.read(path.as_str(), max);
    read.map_err(|source| io("read", path.as_str(), source))
}
