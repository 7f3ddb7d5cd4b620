//! A new registry: its first root, and an empty first commit.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use zero_format::{Minisig, MinisigError, PublicKey, SecretKey};

use super::base::io;
use super::{Commit, CommitError, DirStorage, Scope, Storage, Writer};
use crate::RegistryPath;
use crate::limits::{MAX_HEAD_BYTES, MAX_JOURNAL_BYTES, MAX_ROOT_BYTES};
use crate::path;
use crate::root::{Root, RootError, Roots};
use crate::time::Timestamp;
use crate::witness::AskWitness;

/// What a registry starts from.
#[derive(Clone, Debug)]
pub struct Init {
    root: Root,
    signatures: Vec<(PublicKey, String)>,
}

/// Why a registry could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InitError {
    /// The first commit failed.
    #[error("make the first commit")]
    Commit(#[from] CommitError),
    /// There is a registry here already.
    #[error("make a registry: there is one here already")]
    Exists,
    /// The root is not a first root, or too few of its keys signed.
    #[error("make a registry with this root")]
    Root(#[from] RootError),
    /// A signature is malformed.
    #[error("read a signature of the root")]
    Signature(#[from] MinisigError),
}

impl InitError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists => Some("choose an empty folder".into()),
            Self::Commit(error) => error.hint(),
            Self::Root(_) | Self::Signature(_) => None,
        }
    }
}

impl Init {
    /// Starts from a root that was signed elsewhere, each signature with the key that made it.
    ///
    /// # Errors
    /// When the root is not version 1, or too few of its keys signed.
    pub fn new(root: Root, signatures: Vec<(PublicKey, String)>) -> Result<Self, InitError> {
        let parsed = signatures.iter().map(|(_, text)| Minisig::parse(text));
        let parsed: Vec<_> = parsed.collect::<Result<_, _>>()?;
        if root.version() != 1 {
            return Err(InitError::Root(RootError::Version {
                expected: 1,
                found: root.version(),
            }));
        }
        Roots::pin(root.role(), &root.encode(), &parsed)?;
        Ok(Self { root, signatures })
    }

    /// Starts from a root that these keys sign now.
    ///
    /// # Errors
    /// When the root is not version 1, or the keys do not meet its threshold.
    pub fn signed(root: Root, keys: &[&SecretKey]) -> Result<Self, InitError> {
        let signatures = keys.iter().map(|key| (key.public_key(), root.sign(key)));
        let signatures = signatures.collect();
        Self::new(root, signatures)
    }
}

/// Makes a registry in a folder that has none, and its first, empty commit.
///
/// # Errors
/// When there is one already, `log_key` is not the log key of the root, or storage fails.
pub fn init(
    folder: impl Into<PathBuf>,
    init: &Init,
    log_key: SecretKey,
    now: Timestamp,
) -> Result<Commit, InitError> {
    init_at(DirStorage::new(folder), init, log_key, now)
}

/// Makes a registry at a place that has none, and its first, empty commit. What a call that died
/// left behind is replaced or finished.
///
/// # Errors
/// As [`init`].
pub fn init_at<S: Storage>(
    storage: S,
    init: &Init,
    log_key: SecretKey,
    now: Timestamp,
) -> Result<Commit, InitError> {
    init_with(storage, init, log_key, None, now)
}

/// The same, with a way to reach the witnesses that the root demands.
///
/// # Errors
/// As [`init`].
pub fn init_with<S: Storage>(
    storage: S,
    init: &Init,
    log_key: SecretKey,
    witnesses: Option<Arc<dyn AskWitness>>,
    now: Timestamp,
) -> Result<Commit, InitError> {
    let head = RegistryPath::head();
    let exists = |path: &str, max| {
        let read = storage.read(path, max);
        let found = read.map_err(|source| InitError::Commit(io("read", path, source)))?;
        Ok::<_, InitError>(found.is_some())
    };
    if exists(head.as_str(), MAX_HEAD_BYTES)? {
        return Err(InitError::Exists);
    }
    // The first slot fixes the root too: before it exists, no reader can have seen anything.
    if !exists(&path::journal(1, 0), MAX_JOURNAL_BYTES)? {
        put_root(&storage, init)?;
    }
    let mut writer = Writer::with_storage(storage, log_key)?;
    writer.witnesses = witnesses;
    let found = writer.read(RegistryPath::root(1).as_str(), MAX_ROOT_BYTES)?;
    let base = writer.base()?;
    match base.snapshot() {
        // A call that died had taken the first slot, and `base` has finished it.
        Some(snapshot) if found == init.root.encode() => Ok(Commit {
            tree: base.tree(),
            snapshot: snapshot.clone(),
            first: 0,
        }),
        Some(_) => Err(InitError::Exists),
        None => Ok(writer.commit(&[], now)?),
    }
}

fn put_root(storage: &impl Storage, init: &Init) -> Result<(), CommitError> {
    let failed = |path: &str| {
        let path = path.to_owned();
        move |source| io("write", path, source)
    };
    let _lock = storage.lock(Scope::Commit).map_err(failed("journal"))?;
    for (key, text) in &init.signatures {
        let path = RegistryPath::root_signature(1, &key.key_id_hex());
        if let Some(path) = path {
            let put = storage.put(path.as_str(), text.as_bytes());
            put.map_err(failed(path.as_str()))?;
        }
    }
    let path = RegistryPath::root(1);
    let put = storage.put(path.as_str(), &init.root.encode());
    put.map_err(failed(path.as_str()))?;
    storage.barrier().map_err(failed("root"))
}
