//! The client: where the pure steps of the format meet files and servers (spec/registry.md, "Client").
//!
//! In order: newer roots, `head`, consistency with what was trusted before, map pages, the package's
//! chain, resolution, the package file. Each step accepts only what the step before proved, so the
//! places that serve the files are not trusted with anything but availability. A mirror that is
//! broken, hostile or merely older than what was seen before is left for the next one.

use std::{sync::Arc, time::Duration};

use zero_format::{
    Artifact, Digest, PackageName, PackageRef, PublicKey, RegistryName, Verified, Version,
};

use crate::{
    Bucket, ChainContext, Location, MapNode, MapStep, MapWalk, Network, Origin, PackageEntry,
    PackageState, PageRef, RegistryPath, Release, Role, Store, Timestamp, Traffic, Transport,
    TransportError,
};

mod age;
mod artifact;
mod choose;
mod error;
mod find;
mod mirrors;
mod roots;
mod stored;
mod trust;

pub use error::{ErrorClass, FetchError, MirrorError, MirrorFailure, MirrorFailures};
pub use find::Listed;
pub(crate) use roots::KnownRoots;
pub use trust::Trusted;

use mirrors::{Mirrors, Wanted};

/// A registry as its user added it.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    /// The name that the user gave it.
    pub name: RegistryName,
    /// Its identity, which every root, head and event repeats.
    pub origin: Origin,
    /// The root keys that were pinned when it was added, and how many of them must have signed.
    pub pinned: Role,
    /// Where copies are, in the order in which they are asked.
    pub mirrors: Vec<Location>,
    /// How long a confirmed state is used without asking again.
    pub fresh: Duration,
}

/// Reads one registry.
///
/// ```no_run
/// # #[cfg(not(feature = "http"))]
/// # fn main() {}
/// # #[cfg(feature = "http")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use zero_registry::{Client, Network, RegistryConfig, Role, Store, Timestamp};
///
/// # let root_key = zero_format::PublicKey::parse("RW…")?;
/// let config = RegistryConfig {
///     name: "team".parse()?,
///     origin: "packages.example.org/team".parse()?,
///     pinned: Role::new(vec![root_key], 1)?,
///     mirrors: vec!["https://packages.example.org/team/".parse()?],
///     fresh: std::time::Duration::from_secs(3600),
/// };
/// let network = Network::default();
/// let client = Client::new(config, Store::new("cache"), Some(&network))?;
/// let now = Timestamp::from_seconds(1_800_000_000);
/// let resolved = client.resolve(&"csvstat@1.2".parse()?, now)?;
/// let artifact = client.fetch(&resolved)?;
/// println!("{} {} by {}", resolved.name, resolved.version, artifact.signers()[0].to_base64());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    config: RegistryConfig,
    store: Store,
    mirrors: Mirrors,
}

/// How to choose a release.
#[derive(Clone, Debug, Default)]
pub struct ResolveOptions {
    /// The version of a lock file: kept while it matches, even when it was yanked since.
    pub lock: Option<Version>,
    /// Ask a mirror even within the time in which the stored state is fresh (`--update`).
    pub refresh: bool,
    /// How long a release must have been in the log to be chosen newly. A locked one was chosen before.
    pub min_age: Duration,
}

/// A release that answers a request, and everything that its file is checked against.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The registry's identity.
    pub origin: Origin,
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// SHA-256 of the package file.
    pub digest: Digest,
    /// Bytes of the package file.
    pub size: u64,
    /// The keys that signed the release and count; one of them must have signed the file.
    pub signers: Vec<PublicKey>,
    /// The digest of the capabilities in the signed release.
    pub capabilities_digest: Digest,
    /// The oldest version of Zero that runs it.
    pub runtime: Version,
    /// Until when the registry vouches for this state.
    pub head_expires: Timestamp,
    /// When a mirror last confirmed this state.
    pub checked_at: Timestamp,
    /// It is not chosen newly any more, and was chosen because a lock names it.
    pub yanked: bool,
    /// Leaves of the log that this state was taken from.
    pub log: u64,
    /// A higher release that matches and was too young, with the time of its commit.
    pub passed_over: Option<(Version, Timestamp)>,
    /// What the file is checked against; the fields above tell callers about it.
    release: Release,
    /// The mirror that had the newest state.
    mirror: usize,
}

impl Client {
    /// A client of this registry. Without `network` only directories and the store are read.
    ///
    /// # Errors
    /// When a mirror's address cannot be understood.
    pub fn new(
        config: RegistryConfig,
        store: Store,
        network: Option<&Network>,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            mirrors: Mirrors::connect(&config.mirrors, network)?,
            config,
            store,
        })
    }

    /// A client that reads through these transports instead of those that the configuration names.
    pub fn with_transports(
        config: RegistryConfig,
        store: Store,
        transports: Vec<Arc<dyn Transport>>,
    ) -> Self {
        Self {
            config,
            store,
            mirrors: Mirrors::new(transports),
        }
    }

    /// The registry.
    pub fn config(&self) -> &RegistryConfig {
        &self.config
    }

    /// What reading has cost so far.
    pub fn traffic(&self) -> Traffic {
        self.mirrors.traffic()
    }

    /// The state of the registry: the stored one while it is fresh, else the newest that a mirror has.
    ///
    /// # Errors
    /// When no trustworthy state can be had.
    pub fn update(&self, now: Timestamp) -> Result<Trusted, FetchError> {
        trust::update(self, now, false)
    }

    /// The newest state that a mirror has, however fresh the stored one is.
    ///
    /// # Errors
    /// When no trustworthy state can be had.
    pub fn refresh(&self, now: Timestamp) -> Result<Trusted, FetchError> {
        trust::update(self, now, true)
    }

    /// A package with all its releases, as the trusted state has it.
    ///
    /// # Errors
    /// When there is no such package, or its files cannot be had or do not hold together.
    pub fn package(
        &self,
        trusted: &Trusted,
        name: &PackageName,
    ) -> Result<PackageState, FetchError> {
        self.chain(trusted, name).map(|(state, _)| state)
    }

    /// A package, and the files of its chain.
    fn chain(
        &self,
        trusted: &Trusted,
        name: &PackageName,
    ) -> Result<(PackageState, Vec<Vec<u8>>), FetchError> {
        let (entry, anchored) = self.look_up(trusted, name)?;
        let anchor_broken = || FetchError::Anchor { name: name.clone() };
        let Some(entry) = entry else {
            return Err(match anchored {
                Some(_) => anchor_broken(),
                None => FetchError::NoPackage {
                    registry: self.config.name.clone(),
                    name: name.clone(),
                },
            });
        };
        let wanted: Vec<_> = entry
            .segments
            .iter()
            .map(|segment| Wanted {
                path: RegistryPath::package(&segment.sha256),
                digest: segment.sha256,
                size: segment.size,
            })
            .collect();
        let files = self.pages(trusted.mirror(), &wanted)?;
        if anchored.is_some_and(|anchored| !anchored.begins(&files)) {
            return Err(anchor_broken());
        }
        let context = ChainContext::reader(trusted.roots());
        let state =
            PackageState::replay(&entry, &files, &context).map_err(|source| FetchError::Chain {
                name: name.clone(),
                source: Box::new(source),
            })?;
        Ok((state, files))
    }

    /// All packages, in the order of the map. This reads the whole map: a registry of many thousands
    /// has many thousand pages.
    ///
    /// # Errors
    /// When a page cannot be had or does not hold.
    pub fn packages(&self, trusted: &Trusted) -> Result<Vec<PackageEntry>, FetchError> {
        let map = trusted.head().snapshot().map;
        let start = PageRef {
            sha256: map.sha256,
            size: map.size,
        };
        let mut level = vec![(Vec::new(), start)];
        let mut packages = Vec::new();
        for depth in 0..=map.depth {
            let wanted: Vec<_> = level.iter().map(|(_, page)| page_wanted(page)).collect();
            let pages = self.pages(trusted.mirror(), &wanted)?;
            let mut next = Vec::new();
            for ((prefix, page), bytes) in level.iter().zip(&pages) {
                page.check(bytes).map_err(FetchError::map_page)?;
                if depth == map.depth {
                    let bucket = Bucket::decode(prefix, bytes).map_err(FetchError::map_page)?;
                    packages.extend(bucket.packages().cloned());
                    continue;
                }
                let node = MapNode::decode(prefix, bytes).map_err(FetchError::map_page)?;
                next.extend(node.children().map(|(byte, child)| {
                    let mut prefix = prefix.clone();
                    prefix.push(byte);
                    (prefix, child)
                }));
            }
            level = next;
        }
        Ok(packages)
    }

    /// The package as the newest map lists it, and as the map did for which the root keys vouch.
    /// Pages of both are asked for together.
    fn look_up(
        &self,
        trusted: &Trusted,
        name: &PackageName,
    ) -> Result<(Option<PackageEntry>, Option<PackageEntry>), FetchError> {
        let newest = MapWalk::new(&trusted.head().snapshot().map, name);
        let anchor = trusted.root().fields().anchor.as_ref();
        let anchored = anchor.map(|anchor| MapWalk::anchored(anchor.map, name));
        let mut steps = [
            MapStep::Fetch(newest),
            anchored.map_or(MapStep::Absent, MapStep::Fetch),
        ];
        loop {
            let wanted: Vec<_> = steps.iter().filter_map(next_page).collect();
            if wanted.is_empty() {
                break;
            }
            let mut pages = self.pages(trusted.mirror(), &wanted)?.into_iter();
            for step in &mut steps {
                if let MapStep::Fetch(walk) = step {
                    let page = pages.next().unwrap_or_default();
                    *step = walk.clone().step(&page).map_err(|source| FetchError::Map {
                        name: name.clone(),
                        source: Box::new(source),
                    })?;
                }
            }
        }
        let [newest, anchored] = steps.map(|step| match step {
            MapStep::Found(entry) => Some(entry),
            MapStep::Absent | MapStep::Fetch(_) => None,
        });
        Ok((newest, anchored))
    }

    /// The release that answers a request.
    ///
    /// # Errors
    /// As [`Client::update`] and [`Client::package`], or when no version answers.
    pub fn resolve(&self, request: &PackageRef, now: Timestamp) -> Result<Resolved, FetchError> {
        self.resolve_with(request, &ResolveOptions::default(), now)
    }

    /// The release that answers a request, given a lock or a demand for the newest state.
    ///
    /// # Errors
    /// As [`Client::resolve`].
    pub fn resolve_with(
        &self,
        request: &PackageRef,
        options: &ResolveOptions,
        now: Timestamp,
    ) -> Result<Resolved, FetchError> {
        if let Some(asked) = request
            .registry()
            .filter(|asked| **asked != self.config.name)
        {
            return Err(FetchError::OtherRegistry {
                registry: self.config.name.clone(),
                asked: asked.clone(),
            });
        }
        let trusted = trust::update(self, now, options.refresh)?;
        match choose::choose(self, &trusted, request, options, now) {
            // What the remembered state lacks may have been published since.
            Err(error)
                if error.class() == ErrorClass::NotFound
                    && trusted.is_remembered()
                    && !self.mirrors.is_empty() =>
            {
                choose::choose(
                    self,
                    &trust::update(self, now, true)?,
                    request,
                    options,
                    now,
                )
            }
            answer => answer,
        }
    }

    /// The package file, from the store or from a mirror, checked against everything that the signed
    /// release says. What is returned was built from the very bytes that were checked.
    ///
    /// The detached `.minisig` beside the file is not fetched: it serves other tools. Its one
    /// advantage, that it covers the first eight bytes of the file, is made up for twice: the digest
    /// in the signed release covers them, and the signed metadata names the kind that they announce.
    ///
    /// # Errors
    /// When the file cannot be had, or is not the one that was released.
    pub fn fetch(&self, resolved: &Resolved) -> Result<Verified<Artifact>, FetchError> {
        artifact::fetch(self, resolved)
    }

    /// Where [`Client::fetch`] keeps the package file.
    pub fn blob_path(&self, resolved: &Resolved) -> std::path::PathBuf {
        self.store.blob_path(&resolved.release.sha256())
    }

    /// Map pages or chain segments: those that are stored, and the others from the mirrors.
    fn pages(&self, mirror: usize, wanted: &[Wanted]) -> Result<Vec<Vec<u8>>, FetchError> {
        let mut pages = Vec::with_capacity(wanted.len());
        let mut missing = Vec::new();
        for wanted in wanted {
            let stored = self.store.page(&wanted.digest, wanted.size)?;
            if stored.is_none() {
                missing.push(wanted.clone());
            }
            pages.push(stored);
        }
        let fetched = self.mirrors.content(&self.config.name, mirror, &missing)?;
        for (wanted, bytes) in missing.iter().zip(&fetched) {
            self.store.keep_page(&wanted.digest, bytes)?;
        }
        let mut fetched = fetched.into_iter();
        Ok(pages
            .into_iter()
            .filter_map(|stored| stored.or_else(|| fetched.next()))
            .collect())
    }
}

/// The page that a lookup needs next.
fn next_page(step: &MapStep) -> Option<Wanted> {
    let MapStep::Fetch(walk) = step else {
        return None;
    };
    Some(page_wanted(&walk.page()))
}

fn page_wanted(page: &PageRef) -> Wanted {
    Wanted {
        path: RegistryPath::map_page(&page.sha256),
        digest: page.sha256,
        size: page.size,
    }
}
