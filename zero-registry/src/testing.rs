//! Fixtures for tests: keys, a root, packages, and a storage in memory that dies on demand.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zero_format::{
    Capabilities, Kind, Metadata, Minisig, Package, PackageName, RandomRule, SecretKey, Version,
    assemble,
};

use crate::{
    Action, Blob, ChainContext, ClaimPolicy, Commit, CommitError, DirStorage, Guard, Init, Origin,
    PackageState, ReleaseInfo, Role, Root, RootFields, Scope, SignedEvent, Storage, Submission,
    Timestamp, Writer, init_at,
};

/// The present, for tests.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_379_400);
/// A week, the lifetime of `head` in tests.
pub(crate) const WEEK: u64 = 7 * 24 * 3600;

pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::generate([seed; 40])
}

/// The log key of test registries.
pub(crate) fn log_key() -> SecretKey {
    key(200)
}

/// The only root key of test registries.
pub(crate) fn root_key() -> SecretKey {
    key(100)
}

pub(crate) fn role(keys: &[&SecretKey], threshold: u32) -> Role {
    Role::new(keys.iter().map(|key| key.public_key()).collect(), threshold).unwrap()
}

pub(crate) fn origin() -> Origin {
    "registry.example/test".parse().unwrap()
}

pub(crate) fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    text.parse().unwrap()
}

pub(crate) fn root_fields() -> RootFields {
    RootFields {
        origin: origin(),
        version: 1,
        prev: None,
        expires: NOW.plus(365 * 24 * 3600),
        role: role(&[&root_key()], 1),
        log: log_key().public_key(),
        head_lifetime: WEEK,
        claims: ClaimPolicy::Open,
        mirrors: Vec::new(),
        witness: None,
        anchor: None,
    }
}

pub(crate) fn root() -> Root {
    Root::new(root_fields()).unwrap()
}

/// An event signed by these keys, as the next one of a package.
pub(crate) fn event(state: &PackageState, action: Action, keys: &[&SecretKey]) -> SignedEvent {
    SignedEvent::sign(&state.next(&origin(), NOW, action), keys).unwrap()
}

/// A claim with the same role for publishing and for changing keys.
pub(crate) fn claim(keys: &[&SecretKey], threshold: u32) -> Action {
    Action::Claim {
        release: role(keys, threshold),
        admin: role(keys, threshold),
    }
}

pub(crate) fn wants_random() -> Capabilities {
    Capabilities {
        random: Some(RandomRule::default()),
        ..Capabilities::default()
    }
}

/// A signed `.zero` file.
pub(crate) fn artifact(
    name: &PackageName,
    version: &Version,
    capabilities: &Capabilities,
    keys: &[&SecretKey],
) -> Vec<u8> {
    let package = Package::new(name.clone(), version.clone());
    let mut metadata = Metadata::new(Kind::Module, package);
    metadata.capabilities = capabilities.clone();
    let unsigned = assemble(b"\0asm\x01\0\0\0", &metadata, None).unwrap();
    zero_format::sign(&unsigned, keys).unwrap()
}

/// The release action of a file.
pub(crate) fn release_of(file: &[u8], version: &Version, capabilities: &Capabilities) -> Action {
    Action::Release(Box::new(ReleaseInfo {
        version: version.clone(),
        sha256: zero_format::Digest::of(file),
        size: file.len() as u64,
        runtime: Version::new(0, 1, 0),
        capabilities: capabilities.clone(),
    }))
}

/// A release of a version with no capabilities, and its file.
pub(crate) fn release(state: &PackageState, text: &str, key: &SecretKey) -> Submission {
    let (version, nothing) = (version(text), Capabilities::default());
    let file = artifact(state.name(), &version, &nothing, &[key]);
    Submission {
        event: event(state, release_of(&file, &version, &nothing), &[key]),
        blob: Some(Blob {
            minisig: Minisig::sign(key, &file, "test"),
            bytes: file,
        }),
    }
}

/// The state after an event that must be accepted.
pub(crate) fn then(state: PackageState, event: &SignedEvent) -> PackageState {
    state.apply(event, &ChainContext::writer(&root())).unwrap()
}

/// A claim of a name and its first release.
pub(crate) fn debut(name: &PackageName, version: &str, key: &SecretKey) -> Vec<Submission> {
    let state = PackageState::empty(name);
    let claim = event(&state, claim(&[key], 1), &[key]);
    let release = release(&then(state, &claim), version, key);
    let claim = Submission {
        event: claim,
        blob: None,
    };
    vec![claim, release]
}

/// A writer of a new registry at this place.
pub(crate) fn start<S: Storage + Clone>(storage: S) -> Writer<S> {
    let init = Init::signed(root(), &[&root_key()]).unwrap();
    init_at(storage.clone(), &init, log_key(), NOW).unwrap();
    Writer::with_storage(storage, log_key()).unwrap()
}

/// Publishes one more version of a package, claiming it first if need be.
pub(crate) fn publish<S: Storage>(
    writer: &Writer<S>,
    name: &PackageName,
    version: &str,
    key: &SecretKey,
) -> Result<Commit, CommitError> {
    let state = writer.package(name)?;
    let submissions = if state.events() == 0 {
        debut(name, version, key)
    } else {
        vec![release(&state, version, key)]
    };
    writer.commit(&submissions, NOW)
}

/// Files in memory, shared by clones.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    locks: Arc<[Mutex<()>; 3]>,
    life: Arc<Mutex<Life>>,
    /// Without it, commits race for journal slots.
    pub(crate) no_commit_lock: bool,
}

#[derive(Default)]
struct Life {
    changes: u64,
    dies_at: Option<u64>,
    power_cut: bool,
    /// Files put since the last barrier.
    volatile: Vec<String>,
}

impl Memory {
    /// The same files for a writer that dies instead of making its `n`-th change. In a power cut,
    /// files that were not made durable lose their content.
    pub(crate) fn dying_at(&self, n: u64, power_cut: bool) -> Self {
        Self {
            life: Arc::new(Mutex::new(Life {
                dies_at: Some(n),
                power_cut,
                ..Life::default()
            })),
            ..self.alive()
        }
    }

    /// The same files for another writer, after whatever befell the first.
    pub(crate) fn alive(&self) -> Self {
        Self {
            files: Arc::clone(&self.files),
            locks: Arc::default(),
            life: Arc::default(),
            no_commit_lock: self.no_commit_lock,
        }
    }

    /// A copy of the files.
    pub(crate) fn copy(&self) -> Self {
        Self {
            files: Arc::new(Mutex::new(self.lock_files().clone())),
            ..self.alive()
        }
    }

    /// How many changes were made.
    pub(crate) fn changes(&self) -> u64 {
        lock(&self.life).changes
    }

    pub(crate) fn lock_files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        lock(&self.files)
    }

    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        self.lock_files().get(path).cloned().unwrap_or_default()
    }

    fn change(&self) -> io::Result<MutexGuard<'_, BTreeMap<String, Vec<u8>>>> {
        let mut life = lock(&self.life);
        let mut files = self.lock_files();
        life.changes += 1;
        match life.dies_at {
            Some(n) if life.changes >= n => {
                if life.changes == n && life.power_cut {
                    for path in &life.volatile {
                        files.insert(path.clone(), Vec::new());
                    }
                }
                Err(io::Error::other("dead"))
            }
            _ => Ok(files),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Held<'a> {
    _lock: Option<MutexGuard<'a, ()>>,
}

impl Guard for Held<'_> {}

impl Storage for Memory {
    fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        match self.lock_files().get(path) {
            Some(bytes) if bytes.len() as u64 > max => Err(io::Error::other("too long")),
            found => Ok(found.cloned()),
        }
    }

    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        let mut files = self.change()?;
        if files.contains_key(path) {
            return Ok(false);
        }
        files.insert(path.to_owned(), bytes.to_vec());
        Ok(true)
    }

    fn put(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change()?.insert(path.to_owned(), bytes.to_vec());
        lock(&self.life).volatile.push(path.to_owned());
        Ok(())
    }

    fn barrier(&self) -> io::Result<()> {
        drop(self.change()?);
        lock(&self.life).volatile.clear();
        Ok(())
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change()?.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        self.change()?
            .retain(|file, _| !file.starts_with(&format!("{path}/")));
        Ok(())
    }

    fn lock(&self, scope: Scope) -> io::Result<Box<dyn Guard + '_>> {
        let [commit, head, site] = &*self.locks;
        let guard = match scope {
            Scope::Commit if self.no_commit_lock => None,
            Scope::Commit => Some(lock(commit)),
            Scope::Head => Some(lock(head)),
            Scope::Site => Some(lock(site)),
        };
        Ok(Box::new(Held { _lock: guard }))
    }
}

/// A directory that lives as long as the value.
pub(crate) fn directory() -> (tempfile::TempDir, DirStorage) {
    let folder = tempfile::tempdir().unwrap();
    let storage = DirStorage::new(folder.path());
    (folder, storage)
}
