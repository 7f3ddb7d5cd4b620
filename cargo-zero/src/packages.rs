//! Packages of registries: remembered while fresh, else resolved, fetched, verified and remembered.

use zero_format::{Artifact, PackageRef, PublicKey, RegistryName, Verified, VersionReq};
use zero_registry::{Client, ResolveOptions, Resolved};
use zrun::Resolution;

use crate::config::Registry;
use crate::host::Session;
use crate::registries;
use crate::report::{Class, Failure};

/// A package of a registry: what was asked for became this release, and here is its file.
pub(crate) struct Obtained {
    pub(crate) artifact: Verified<Artifact>,
    pub(crate) resolution: Resolution,
    /// Its publisher has withdrawn it since it was chosen.
    pub(crate) yanked: bool,
}

/// How the user wants a version to be chosen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    /// The one from before, and no other.
    pub(crate) locked: bool,
    /// The newest, whatever is remembered.
    pub(crate) update: bool,
}

/// A package as `run` takes it: by the remembered answer while that holds.
pub(crate) fn remembered(
    session: &Session,
    text: &str,
    package: &PackageRef,
    wish: Wish,
) -> Result<Obtained, Failure> {
    let (name, registry) = registries::choose(session, package.registry())?;
    let selector = selector(session, &name, text);
    let secret = session.home.secret().ok();
    let found = secret
        .as_ref()
        .and_then(|secret| session.home.recall(secret, &selector))
        .filter(|found| found.origin == registry.origin.as_str());
    if let Some(found) = &found
        && reusable(session, wish, found)
        && let Some(artifact) = stored(found)
    {
        return Ok(Obtained {
            artifact,
            resolution: found.clone(),
            yanked: false,
        });
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
        refresh: wish.update,
    };
    let obtained = obtain(session, (&name, &registry), package, &selector, &options)?;
    announce(session, &obtained);
    remember(session, &obtained.resolution);
    Ok(obtained)
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
    if obtained.yanked {
        session.output.warn(&format!(
            "{} {} was withdrawn by its publisher",
            found.name, found.version
        ));
    }
}
