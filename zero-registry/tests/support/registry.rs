//! A small registry made by the real writer, with keys and times that never change.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use zero_format::{
    Capabilities, Digest, Kind, Metadata, Minisig, Package, PackageName, SecretKey, assemble, sign,
};
use zero_registry::{
    Action, AskWitness, Blob, ChainContext, ClaimPolicy, Client, CommitError, DirStorage,
    DirWriter, Init, Location, Origin, PackageState, RegistryConfig, ReleaseInfo, Role, Root,
    RootFields, SignedEvent, Storage, Store, Submission, Timestamp, WitnessPolicy, Writer, init,
    init_with,
};

use super::hostile::{self, Answer, Seen};

/// When the registry is made.
pub const T0: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub const HOUR: u64 = 3600;
pub const DAY: u64 = 24 * HOUR;
pub const ORIGIN: &str = "registry.example/test";

pub const ROOT: u8 = 1;
pub const LOG: u8 = 2;
pub const PUBLISHER: u8 = 3;

/// Keys of the tests: not secret, the same in every run.
pub fn key(number: u8) -> SecretKey {
    SecretKey::generate([number; 40])
}

pub fn role(numbers: &[u8], threshold: u32) -> Role {
    let keys = numbers.iter().map(|n| key(*n).public_key()).collect();
    Role::new(keys, threshold).expect("a role")
}

/// A registry directory.
pub struct Registry {
    dir: TempDir,
    origin: Origin,
}

impl Registry {
    /// An empty registry of [`ORIGIN`], made at [`T0`].
    pub fn new() -> Self {
        Self::of(ORIGIN)
    }

    pub fn of(origin: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let origin: Origin = origin.parse().expect("an origin");
        let start = Init::signed(root(&origin, 1, None, &[ROOT]), &[&key(ROOT)]).expect("a root");
        init(dir.path(), &start, key(LOG), T0).expect("a registry");
        Self { dir, origin }
    }

    /// An empty registry whose root demands witnesses, who are asked through `ask`.
    pub fn witnessed(policy: &WitnessPolicy, ask: Arc<dyn AskWitness>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let origin: Origin = ORIGIN.parse().expect("an origin");
        let storage = DirStorage::new(dir.path());
        let start = witnessed(&origin, policy);
        init_with(storage, &start, key(LOG), Some(ask), T0).expect("a registry");
        Self { dir, origin }
    }

    /// Puts a first root that demands witnesses in the place of the one that is there, as only the
    /// holders of the root keys could.
    pub fn demand(&self, policy: &WitnessPolicy) {
        let root = witnessed_root(&self.origin, policy);
        let folder = self.path().join("root");
        let id = key(ROOT).public_key().key_id_hex();
        fs::write(folder.join("1.json"), root.encode()).expect("a file");
        let signature = folder.join(format!("1.json.{id}.minisig"));
        fs::write(signature, root.sign(&key(ROOT))).expect("a file");
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The same files in another directory: a mirror as of now.
    pub fn copy(&self) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        copy(self.dir.path(), dir.path());
        Self {
            dir,
            origin: self.origin.clone(),
        }
    }

    pub fn writer(&self) -> DirWriter {
        DirWriter::open(self.path(), key(LOG)).expect("a writer")
    }

    pub fn refresh(&self, now: Timestamp) {
        self.writer().refresh(now).expect("a commit");
    }

    pub fn act(&self, name: &str, action: Action, blob: Option<Blob>, now: Timestamp) {
        self.act_all(name, vec![(action, blob)], now);
    }

    /// Adds events of one package in one commit.
    pub fn act_all(&self, name: &str, actions: Vec<(Action, Option<Blob>)>, now: Timestamp) {
        self.act_dated(name, actions, now, now);
    }

    /// The same with events whose signer says that they are of another time.
    fn act_dated(
        &self,
        name: &str,
        actions: Vec<(Action, Option<Blob>)>,
        signed: Timestamp,
        now: Timestamp,
    ) {
        let mut writer = self.writer();
        let roots = writer.roots().expect("roots");
        let context = ChainContext::writer(roots.current());
        let mut state = writer.package(&package(name)).expect("a state");
        let mut submissions = Vec::new();
        for (action, blob) in actions {
            if matches!((&action, &blob), (Action::Release(_), None)) {
                writer = writer.without_blobs();
            }
            let body = state.next(&self.origin, signed, action);
            let event = SignedEvent::sign(&body, &[&key(PUBLISHER)]).expect("an event");
            state = state.apply(&event, &context).expect("a state");
            submissions.push(Submission { event, blob });
        }
        writer.commit(&submissions, now).expect("a commit");
    }

    /// Adds `count` events to `tool` that change nothing in the end, if it is even.
    pub fn toggle(&self, count: usize, version: &str, now: Timestamp) {
        let version: zero_format::Version = version.parse().expect("a version");
        let actions = (0..count).map(|step| {
            let version = version.clone();
            let action = if step % 2 == 0 {
                Action::Yank {
                    version,
                    reason: None,
                }
            } else {
                Action::Unyank { version }
            };
            (action, None)
        });
        self.act_all("tool", actions.collect(), now);
    }

    pub fn claim(&self, name: &str, now: Timestamp) {
        let role = role(&[PUBLISHER], 1);
        let action = Action::Claim {
            release: role.clone(),
            admin: role,
        };
        self.act(name, action, None, now);
    }

    /// Publishes a version; returns the package file.
    pub fn release(&self, name: &str, version: &str, now: Timestamp) -> Vec<u8> {
        self.release_dated(name, version, now, now)
    }

    /// Publishes a version that its publisher dates otherwise.
    pub fn release_dated(
        &self,
        name: &str,
        version: &str,
        signed: Timestamp,
        now: Timestamp,
    ) -> Vec<u8> {
        let bytes = artifact(name, version);
        let blob = Blob {
            minisig: Minisig::sign(&key(PUBLISHER), &bytes, "zero"),
            bytes: bytes.clone(),
        };
        let action = announce(version, &bytes);
        self.act_dated(name, vec![(action, Some(blob))], signed, now);
        bytes
    }

    /// Claims a name and publishes this file as its version 1.0.0.
    pub fn publish_file(&self, name: &str, bytes: &[u8], now: Timestamp) {
        self.claim(name, now);
        let blob = Blob {
            minisig: Minisig::sign(&key(PUBLISHER), bytes, "zero"),
            bytes: bytes.to_vec(),
        };
        self.act(name, announce("1.0.0", bytes), Some(blob), now);
    }

    /// Publishes a version with whatever bytes, as only a registry without scruples would.
    pub fn release_unchecked(&self, name: &str, version: &str, bytes: &[u8], now: Timestamp) {
        self.act(name, announce(version, bytes), None, now);
        let path = self.blob(bytes);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    }

    /// Where a package file lies.
    pub fn blob(&self, bytes: &[u8]) -> PathBuf {
        let hex = Digest::of(bytes).to_hex();
        self.path()
            .join("blob")
            .join(&hex[..2])
            .join(format!("{hex}.zero"))
    }

    /// Adds a root with these keys, signed by those.
    pub fn rotate(&self, version: u64, keys: &[u8], signers: &[u8]) {
        let folder = self.path().join("root");
        let old = fs::read(folder.join(format!("{}.json", version - 1))).expect("a root");
        let root = root(&self.origin, version, Some(Digest::of(&old)), keys);
        for signer in signers {
            let name = format!(
                "{version}.json.{}.minisig",
                key(*signer).public_key().key_id_hex()
            );
            fs::write(folder.join(name), root.sign(&key(*signer))).expect("a file");
        }
        fs::write(folder.join(format!("{version}.json")), root.encode()).expect("a file");
    }

    /// All files below a folder of the registry.
    pub fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.path().join(folder), &mut found);
        found.sort();
        found
    }
}

fn witnessed_root(origin: &Origin, policy: &WitnessPolicy) -> Root {
    Root::new(RootFields {
        witness: Some(policy.clone()),
        ..root(origin, 1, None, &[ROOT]).fields().clone()
    })
    .expect("a root")
}

fn witnessed(origin: &Origin, policy: &WitnessPolicy) -> Init {
    Init::signed(witnessed_root(origin, policy), &[&key(ROOT)]).expect("a root")
}

fn announce(version: &str, bytes: &[u8]) -> Action {
    Action::Release(Box::new(ReleaseInfo {
        version: version.parse().expect("a version"),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        runtime: "0.1.0".parse().expect("a version"),
        capabilities: Capabilities::default(),
    }))
}

/// The first root of [`ORIGIN`].
pub fn test_root() -> Root {
    root(&ORIGIN.parse().expect("an origin"), 1, None, &[ROOT])
}

fn root(origin: &Origin, version: u64, prev: Option<Digest>, keys: &[u8]) -> Root {
    Root::new(RootFields {
        origin: origin.clone(),
        version,
        prev,
        expires: T0.plus(365 * DAY),
        role: role(keys, 1),
        log: key(LOG).public_key(),
        head_lifetime: 7 * DAY,
        claims: ClaimPolicy::Open,
        mirrors: Vec::new(),
        witness: None,
        anchor: None,
    })
    .expect("a root")
}

/// A signed package file that does nothing.
pub fn artifact(name: &str, version: &str) -> Vec<u8> {
    let metadata = Metadata::new(
        Kind::Module,
        Package {
            name: package(name),
            version: version.parse().expect("a version"),
            description: None,
            license: None,
            repository: None,
            authors: Vec::new(),
            readme: None,
        },
    );
    let unsigned = assemble(b"\0asm\x01\0\0\0", &metadata, None).expect("an artifact");
    sign(&unsigned, &[&key(PUBLISHER)]).expect("a signature")
}

/// Claims a package and publishes its first version in one commit; how long the log is then.
#[allow(
    clippy::result_large_err,
    reason = "errors carry their data, and none is made in a hot loop"
)]
pub fn publish<S: Storage>(writer: &Writer<S>, name: &str) -> Result<u64, CommitError> {
    let roots = writer.roots()?;
    let submissions = first_release(writer.package(&package(name))?, roots.current());
    Ok(writer.commit(&submissions, T0)?.tree.size)
}

/// The claim of a package and its first version, on top of a state.
pub fn first_release(mut state: PackageState, root: &Root) -> Vec<Submission> {
    let context = ChainContext::writer(root);
    let keys = role(&[PUBLISHER], 1);
    let bytes = artifact(state.name().as_str(), "1.0.0");
    let release = announce("1.0.0", &bytes);
    let blob = Blob {
        minisig: Minisig::sign(&key(PUBLISHER), &bytes, "zero"),
        bytes,
    };
    let claim = Action::Claim {
        release: keys.clone(),
        admin: keys,
    };
    let mut submissions = Vec::new();
    for (action, blob) in [(claim, None), (release, Some(blob))] {
        let body = state.next(root.origin(), T0, action);
        let event = SignedEvent::sign(&body, &[&key(PUBLISHER)]).expect("it is sound");
        state = state.apply(&event, &context).expect("it is sound");
        submissions.push(Submission { event, blob });
    }
    submissions
}

pub fn package(name: &str) -> PackageName {
    name.parse().expect("a name")
}

/// How a directory is read.
#[derive(Clone, Copy, Debug)]
pub enum Backend {
    Dir,
    #[cfg(feature = "http")]
    Http,
}

/// A place at which a directory can be read, as long as it is held.
pub struct Place {
    pub location: Location,
    /// Requests that changed nothing on the server are not seen over a directory.
    pub server: Option<hostile::Server>,
}

impl Backend {
    pub fn place(self, registry: &Registry) -> Place {
        match self {
            Self::Dir => Place {
                location: Location::Dir(registry.path().to_owned()),
                server: None,
            },
            #[cfg(feature = "http")]
            Self::Http => {
                let root = registry.path().to_owned();
                let server = hostile::Server::start(move |seen, _| file(&root, seen));
                Place {
                    location: server.url().parse().expect("an address"),
                    server: Some(server),
                }
            }
        }
    }
}

/// Serves a directory as any web server does.
pub fn file(root: &Path, seen: &Seen) -> Answer {
    let Ok(bytes) = fs::read(root.join(&seen.path)) else {
        return hostile::status("404 Not Found", "", b"");
    };
    let etag = format!("\"{}\"", Digest::of(&bytes));
    if seen.headers.get("if-none-match") == Some(&etag) {
        return hostile::status("304 Not Modified", "", b"");
    }
    hostile::ok(&format!("ETag: {etag}\r\n"), &bytes)
}

/// One user: a store and the registry as it was added.
pub struct User {
    store: TempDir,
    pub pinned: Role,
    pub places: Vec<Location>,
    pub origin: String,
}

impl User {
    pub fn of(places: &[&Place]) -> Self {
        Self {
            store: tempfile::tempdir().expect("a directory"),
            pinned: role(&[ROOT], 1),
            places: places.iter().map(|place| place.location.clone()).collect(),
            origin: ORIGIN.to_owned(),
        }
    }

    /// A new process of this user.
    pub fn client(&self) -> Client {
        #[cfg(feature = "http")]
        let network = zero_registry::Network::new(zero_registry::NetworkOptions {
            retries: 1,
            pause: |_| {},
            ..Default::default()
        });
        #[cfg(feature = "http")]
        let network = Some(&network);
        #[cfg(not(feature = "http"))]
        let network = None;
        Client::new(self.config(), Store::new(self.store.path()), network).expect("a client")
    }

    /// A process without the network, nor a directory to read.
    pub fn offline(&self) -> Client {
        Client::with_transports(self.config(), Store::new(self.store.path()), Vec::new())
    }

    pub fn with(&self, transports: Vec<Arc<dyn zero_registry::Transport>>) -> Client {
        Client::with_transports(self.config(), Store::new(self.store.path()), transports)
    }

    pub fn store_path(&self) -> &Path {
        self.store.path()
    }

    /// Files of the store below a folder.
    pub fn stored(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.store.path().join(folder), &mut found);
        found.sort();
        found
    }

    fn config(&self) -> RegistryConfig {
        RegistryConfig {
            name: "test".parse().expect("a name"),
            origin: self.origin.parse().expect("an origin"),
            pinned: self.pinned.clone(),
            mirrors: self.places.clone(),
            fresh: Duration::from_secs(HOUR),
        }
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let mut files = Vec::new();
    walk(from, &mut files);
    for file in files {
        let target = to.join(file.strip_prefix(from).expect("below it"));
        fs::create_dir_all(target.parent().expect("a parent")).expect("a directory");
        fs::copy(&file, target).expect("a copy");
    }
}

/// Changes one bit of a file.
pub fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("a file");
}
