//! Packages of registries: remembered while fresh, else resolved, fetched, verified and remembered. In a project its
//! Zero.lock says which version a request stands for.

use std::time::Duration;

use zero_format::{Artifact, PackageRef, PublicKey, RegistryName, Verified, Version, VersionReq};
use zero_registry::{Client, ResolveOptions, Resolved, Timestamp};
use zrun::{LockFile, Locked, Resolution};

use crate::config::Registry;
use crate::host::Session;
use crate::lock;
use crate::registries;
use crate::report::{Class, Failure};

/// A package of a registry: what was asked for became this release, and here is its file.
pub(crate) struct Obtained {
    pub(crate) artifact: Verified<Artifact>,
    pub(crate) resolution: Resolution,
    /// Its publisher has withdrawn it since it was chosen.
    pub(crate) yanked: bool,
    /// A higher version that was published too short a time ago, and when.
    pub(crate) passed_over: Option<(Version, Timestamp)>,
}

/// How the user wants a version to be chosen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    /// The one from before, and no other.
    pub(crate) locked: bool,
    /// The newest, whatever is remembered.
    pub(crate) update: bool,
    /// What a release's age must be, instead of what is set for its registry.
    pub(crate) min_age: Option<Duration>,
}

impl Wish {
    /// What a registry is asked with.
    pub(crate) fn options(self, registry: &Registry) -> ResolveOptions {
        let set = Duration::from_secs(registry.min_age_seconds);
        ResolveOptions {
            lock: None,
            refresh: self.update,
            min_age: self.min_age.unwrap_or(set),
        }
    }
}

/// A package as `run` takes it: in a project what is locked, else the remembered answer while that holds.
pub(crate) fn remembered(
    session: &Session,
    text: &str,
    package: &PackageRef,
    wish: Wish,
) -> Result<Obtained, Failure> {
    let (name, registry) = registries::choose(session, package.registry())?;
    let asked = Asked {
        name,
        registry,
        package,
        wish,
    };
    let Some(lock) = lock::nearest(session)? else {
        return asked.answer(session, text);
    };
    let origin = asked.registry.origin.as_str();
    match lock.find(package, Some(origin)).next() {
        Some(entry) if !wish.update => asked.locked(session, entry),
        None if wish.locked => Err(not_locked(&lock, text)),
        _ => {
            let obtained = asked.answer(session, text)?;
            lock::record(session, &lock, Locked::new(package, &obtained.resolution));
            Ok(obtained)
        }
    }
}

fn not_locked(lock: &LockFile, text: &str) -> Failure {
    Failure::new(
        Class::NotFound,
        format!("`--locked`: {text} is not in {}", lock.path().display()),
    )
    .hint(format!(
        "run it once without `--locked`, which adds it: cargo zero run {text}"
    ))
}

/// A request, and the registry that it is for.
struct Asked<'a> {
    name: RegistryName,
    registry: Registry,
    package: &'a PackageRef,
    wish: Wish,
}

impl Asked<'_> {
    /// What was remembered of a selector under the present configuration.
    fn recall(&self, session: &Session, selector: &str) -> Option<Resolution> {
        let secret = session.home.secret().ok()?;
        let found = session.home.recall(&secret, selector)?;
        (found.origin == self.registry.origin.as_str()).then_some(found)
    }

    /// Exactly the version that the project locks.
    fn locked(&self, session: &Session, entry: &Locked) -> Result<Obtained, Failure> {
        let exactly = entry.exactly(self.package.registry());
        let selector = selector(session, &self.name, &exactly.to_string());
        let found = self
            .recall(session, &selector)
            .filter(|found| entry.is(found) && reusable(session, self.wish, found));
        if let Some(kept) = found.and_then(Obtained::kept) {
            return Ok(kept);
        }
        let options = ResolveOptions {
            lock: Some(entry.version.clone()),
            ..self.wish.options(&self.registry)
        };
        let obtained = obtain(
            session,
            (&self.name, &self.registry),
            &exactly,
            &selector,
            &options,
        )?;
        lock::check(entry, self.package, &obtained.resolution)?;
        announce(session, &obtained);
        remember(session, &obtained.resolution);
        Ok(obtained)
    }

    /// What the registry answers, or answered a short time ago.
    fn answer(&self, session: &Session, text: &str) -> Result<Obtained, Failure> {
        let wish = self.wish;
        let selector = selector(session, &self.name, text);
        let found = self.recall(session, &selector);
        // What was remembered may have been chosen under another age.
        let as_before = wish.min_age.is_none() || wish.locked;
        let good = found
            .clone()
            .filter(|found| as_before && reusable(session, wish, found));
        if let Some(kept) = good.and_then(Obtained::kept) {
            return Ok(kept);
        }
        if wish.locked && found.is_none() {
            return Err(Failure::new(
                Class::NotFound,
                format!("`--locked`: {text} was never run here"),
            )
            .hint(format!(
                "run it once without `--locked`: cargo zero run {text}"
            )));
        }
        let options = ResolveOptions {
            lock: found.filter(|_| wish.locked).map(|found| found.version),
            ..wish.options(&self.registry)
        };
        let obtained = obtain(
            session,
            (&self.name, &self.registry),
            self.package,
            &selector,
            &options,
        )?;
        announce(session, &obtained);
        if as_before {
            remember(session, &obtained.resolution);
        }
        Ok(obtained)
    }
}

impl Obtained {
    /// What was chosen before, if its file is still here.
    pub(crate) fn kept(found: Resolution) -> Option<Self> {
        Some(Self {
            artifact: stored(&found)?,
            resolution: found,
            yanked: false,
            passed_over: None,
        })
    }
}

/// Resolves and fetches, whatever is remembered.
pub(crate) fn obtain(
    session: &Session,
    registry: (&RegistryName, &Registry),
    package: &PackageRef,
    selector: &str,
    options: &ResolveOptions,
) -> Result<Obtained, Failure> {
    let (name, registry) = registry;
    let client = registries::client(session, name, registry)?;
    let resolved = registries::resolve(session, &client, package, options)?;
    let artifact = registries::fetch(session, &client, &resolved)?;
    Ok(Obtained {
        artifact,
        resolution: resolution(selector, &client, registry, &resolved),
        yanked: resolved.yanked,
        passed_over: resolved.passed_over,
    })
}

/// What is kept of an answer.
pub(crate) fn resolution(
    selector: &str,
    client: &Client,
    registry: &Registry,
    resolved: &Resolved,
) -> Resolution {
    Resolution {
        selector: selector.to_owned(),
        origin: resolved.origin.to_string(),
        name: resolved.name.clone(),
        version: resolved.version.clone(),
        digest: resolved.digest,
        size: resolved.size,
        signers: resolved.signers.iter().map(PublicKey::to_base64).collect(),
        capabilities: resolved.capabilities_digest,
        head_expires: resolved.head_expires.seconds(),
        checked_at: resolved.checked_at.seconds(),
        fresh_until: resolved.checked_at.plus(registry.fresh_seconds).seconds(),
        log: resolved.log,
        blob: client.blob_path(resolved),
    }
}

/// Remembers an answer. Without it the next run is slower, no more.
pub(crate) fn remember(session: &Session, resolution: &Resolution) {
    if let Err(error) = session.home.remember(resolution) {
        session.output.detail(&format!("not remembered: {error}"));
    }
}

/// The name under which an answer is remembered: as typed, unless `--registry` changed its meaning.
pub(crate) fn selector(session: &Session, name: &RegistryName, text: &str) -> String {
    if session.registry.is_some() && !text.contains(':') {
        format!("{name}:{text}")
    } else {
        text.to_owned()
    }
}

fn reusable(session: &Session, wish: Wish, found: &Resolution) -> bool {
    if wish.update {
        return false;
    }
    // A lock holds as long as the registry's signature on the state does; offline likewise.
    let vouched = session.now < found.head_expires;
    found.is_fresh(session.now) || (vouched && (wish.locked || session.offline))
}

/// The remembered file, verified again: the fast path that skips this is zrun's.
pub(crate) fn stored(found: &Resolution) -> Option<Verified<Artifact>> {
    let bytes = std::fs::read(&found.blob).ok()?;
    let artifact = Artifact::decode(bytes).ok()?;
    if artifact.digest() != found.digest {
        return None;
    }
    zero_format::verify(artifact, &found.keys()?).ok()
}

/// The request for exactly the version that was found before.
pub(crate) fn exactly(found: &Resolution) -> PackageRef {
    PackageRef::new(
        None,
        found.name.clone(),
        VersionReq::exact(found.version.clone()),
    )
}

/// Says which release it became, and who vouches for it.
pub(crate) fn announce(session: &Session, obtained: &Obtained) {
    let found = &obtained.resolution;
    let signers: Vec<String> = obtained
        .artifact
        .signers()
        .iter()
        .map(PublicKey::key_id_hex)
        .collect();
    session.output.note(&format!(
        "{} {} from {} ({}…, signed by {})",
        found.name,
        found.version,
        found.origin,
        found.digest.to_hex().get(..12).unwrap_or_default(),
        signers.join(", ")
    ));
    note_passed_over(session, obtained);
    if obtained.yanked {
        session.output.warn(&format!(
            "{} {} was withdrawn by its publisher",
            found.name, found.version
        ));
    }
}

/// Says that there is a higher version, and why it was not chosen.
pub(crate) fn note_passed_over(session: &Session, obtained: &Obtained) {
    if let Some((version, since)) = &obtained.passed_over {
        session.output.note(&format!(
            "{} {version} was published at {since}, which is too short a time ago; `--min-age 0` takes it",
            obtained.resolution.name
        ));
    }
}
