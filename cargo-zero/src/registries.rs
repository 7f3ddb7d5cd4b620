//! Which registry a command means, and reading from it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use zero_format::{Artifact, PackageRef, RegistryName, Verified};
use zero_registry::{
    Client, ErrorClass, FetchError, Location, Network, NetworkOptions, PackageState,
    RegistryConfig, ResolveOptions, Resolved, Role, Store, Timestamp,
};

use crate::config::{Config, Registry};
use crate::host::Session;
use crate::report::{Class, Failure};

/// A package as a command line names it.
pub(crate) fn reference(text: &str) -> Result<PackageRef, Failure> {
    text.parse().map_err(|error: zero_format::PackageRefError| {
        Failure::usage(format!("`{text}` is not a package"))
            .because(&error)
            .hint(error.hint())
    })
}

/// The registry that a command means: the package's own prefix, else `--registry`, else the default one.
pub(crate) fn choose(
    session: &Session,
    prefix: Option<&RegistryName>,
) -> Result<(RegistryName, Registry), Failure> {
    let config = Config::read(session)?;
    let wanted = match (prefix, &session.registry) {
        (Some(name), _) => name.to_string(),
        (None, Some(text)) => text.clone(),
        (None, None) => match &config.default_registry {
            Some(name) => name.to_string(),
            None => {
                return Err(Failure::new(Class::NotFound, "no registry is configured")
                    .hint("cargo zero registry add NAME URL --root-key RW…"));
            }
        },
    };
    find(&config, &wanted).ok_or_else(|| unknown(&config, &wanted))
}

/// A registry by its name, or by one of its places.
pub(crate) fn find(config: &Config, wanted: &str) -> Option<(RegistryName, Registry)> {
    let named = wanted
        .parse::<RegistryName>()
        .ok()
        .and_then(|name| config.registries.get_key_value(&name));
    let found = named.or_else(|| {
        let place = normal(wanted);
        config.registries.iter().find(|(_, registry)| {
            registry
                .locations
                .iter()
                .any(|known| normal(known) == place)
        })
    });
    found.map(|(name, registry)| (name.clone(), registry.clone()))
}

/// The registry that calls itself this.
pub(crate) fn of_origin(
    session: &Session,
    origin: &str,
) -> Result<(RegistryName, Registry), Failure> {
    let config = Config::read(session)?;
    let found = config
        .registries
        .into_iter()
        .find(|(_, registry)| registry.origin.as_str() == origin);
    found.ok_or_else(|| {
        Failure::new(
            Class::NotFound,
            format!("the registry {origin} is not configured any more"),
        )
        .hint("cargo zero registry add NAME URL --root-key RW…")
    })
}

/// A place in one spelling: folders from the root, addresses with their slash.
pub(crate) fn normal(text: &str) -> String {
    match text.parse::<Location>() {
        Ok(Location::Dir(path)) => absolute(&path).display().to_string(),
        Ok(Location::Url(url) | Location::Bucket(url)) => url,
        Err(_) => text.to_owned(),
    }
}

pub(crate) fn absolute(path: &Path) -> PathBuf {
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

fn unknown(config: &Config, wanted: &str) -> Failure {
    let place = wanted.contains(['/', '.']) || Path::new(wanted).is_dir();
    if place {
        // A place alone proves nothing: without a pinned root key anybody could have put it there.
        return Failure::new(
            Class::Untrusted,
            format!("the registry at {wanted} is not trusted: its root key is not pinned"),
        )
        .hint(format!(
            "cargo zero registry add NAME {wanted} --root-key RW…"
        ));
    }
    let names: Vec<String> = config.registries.keys().map(ToString::to_string).collect();
    let hint = if names.is_empty() {
        format!("cargo zero registry add {wanted} URL --root-key RW…")
    } else {
        format!(
            "there are: {}; `cargo zero registry add {wanted} URL --root-key RW…` adds it",
            names.join(", ")
        )
    };
    Failure::new(
        Class::NotFound,
        format!("no registry `{wanted}` is configured"),
    )
    .hint(hint)
}

/// The configuration that the client library takes.
pub(crate) fn library_config(
    name: &RegistryName,
    registry: &Registry,
) -> Result<RegistryConfig, Failure> {
    let broken = |error: &dyn std::error::Error| {
        Failure::failed(format!("the registry `{name}` in config.toml is not sound")).because(error)
    };
    let mirrors = registry
        .locations
        .iter()
        .map(|text| text.parse::<Location>());
    Ok(RegistryConfig {
        name: name.clone(),
        origin: registry.origin.clone(),
        pinned: Role::new(registry.root_keys.clone(), registry.threshold)
            .map_err(|error| broken(&error))?,
        mirrors: mirrors
            .collect::<Result<_, _>>()
            .map_err(|error| broken(&error))?,
        fresh: Duration::from_secs(registry.fresh_seconds),
    })
}

/// A client of this registry; without the network if the user said so.
pub(crate) fn client(
    session: &Session,
    name: &RegistryName,
    registry: &Registry,
) -> Result<Client, Failure> {
    let network = network(session, registry.ca.as_deref())?;
    let store = Store::new(session.home.cache_dir());
    Client::new(library_config(name, registry)?, store, network.as_ref()).map_err(|error| {
        Failure::failed(format!("cannot use the registry `{name}`"))
            .because(&error)
            .hint_if(error.hint())
    })
}

/// The network, unless the user said to stay off it. `ca` names the authorities to trust in place of the system's.
pub(crate) fn network(session: &Session, ca: Option<&Path>) -> Result<Option<Network>, Failure> {
    if session.offline {
        return Ok(None);
    }
    let authorities = ca
        .map(|file| {
            let pem = std::fs::read(file).map_err(|error| {
                Failure::failed(format!(
                    "cannot read the certificates in {}",
                    file.display()
                ))
                .because(&error)
            })?;
            // The library takes a file without any certificate for one that trusts nobody.
            if String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
                Ok(pem)
            } else {
                Err(
                    Failure::failed(format!("there is no certificate in {}", file.display()))
                        .hint("give a PEM file, with lines such as -----BEGIN CERTIFICATE-----"),
                )
            }
        })
        .transpose()?;
    Ok(Some(Network::new(NetworkOptions {
        authorities,
        stores: session.env.stores.clone(),
        ..NetworkOptions::default()
    })))
}

/// A client that asks nobody: it knows what is stored.
pub(crate) fn stored(
    session: &Session,
    name: &RegistryName,
    registry: &Registry,
) -> Result<Client, Failure> {
    let store = Store::new(session.home.cache_dir());
    Ok(Client::with_transports(
        library_config(name, registry)?,
        store,
        Vec::new(),
    ))
}

/// The time, as the registry's rules take it.
pub(crate) fn now(session: &Session) -> Timestamp {
    Timestamp::from_seconds(session.now)
}

/// Resolves a package, fetches it and verifies everything about it.
pub(crate) fn obtain(
    session: &Session,
    package: &PackageRef,
) -> Result<(Resolved, Verified<Artifact>), Failure> {
    let (name, registry) = choose(session, package.registry())?;
    let client = client(session, &name, &registry)?;
    let resolved = resolve(session, &client, package, &ResolveOptions::default())?;
    let artifact = fetch(session, &client, &resolved)?;
    Ok((resolved, artifact))
}

/// A package with its whole history, as the newest state has it; the registry's name, and when that was checked.
pub(crate) fn package(
    session: &Session,
    text: &str,
) -> Result<(RegistryName, Timestamp, PackageState), Failure> {
    let request = reference(text)?;
    let (name, registry) = choose(session, request.registry())?;
    let client = client(session, &name, &registry)?;
    let _step = session.output.step(&format!("asking {name}"));
    let failed = |error| failure(request.name().as_str(), &error);
    let trusted = if session.offline {
        client.update(now(session))
    } else {
        client.refresh(now(session))
    };
    let trusted = trusted.map_err(failed)?;
    let state = client.package(&trusted, request.name()).map_err(failed)?;
    Ok((name, trusted.checked_at(), state))
}

/// The release that answers a request. What the stored state does not know may have been published since.
pub(crate) fn resolve(
    session: &Session,
    client: &Client,
    package: &PackageRef,
    options: &ResolveOptions,
) -> Result<Resolved, Failure> {
    let _step = session
        .output
        .step(&format!("asking {}", client.config().name));
    let mut found = client.resolve_with(package, options, now(session));
    let unknown = found
        .as_ref()
        .is_err_and(|error| error.class() == ErrorClass::NotFound);
    if unknown && !options.refresh && !session.offline {
        let options = ResolveOptions {
            refresh: true,
            ..options.clone()
        };
        found = client.resolve_with(package, &options, now(session));
    }
    found.map_err(|error| failure(&package.to_string(), &error))
}

/// Lets this machine see what it has just published.
pub(crate) fn refresh(session: &Session, wanted: &str) {
    let Ok(config) = Config::read(session) else {
        return;
    };
    let Some((name, registry)) = find(&config, wanted) else {
        return;
    };
    // What a name resolved to may differ now. If any of this fails, the next `--update` does it.
    let _ = std::fs::remove_dir_all(session.home.resolutions_dir());
    if let Ok(client) = client(session, &name, &registry) {
        let _ = client.refresh(now(session));
    }
}

/// The package file of a release.
pub(crate) fn fetch(
    session: &Session,
    client: &Client,
    resolved: &Resolved,
) -> Result<Verified<Artifact>, Failure> {
    let _step = session
        .output
        .step(&format!("fetching {} {}", resolved.name, resolved.version));
    client
        .fetch(resolved)
        .map_err(|error| failure(resolved.name.as_str(), &error))
}

/// A failure of the client, in our words.
pub(crate) fn failure(what: &str, error: &FetchError) -> Failure {
    let class = match error.class() {
        ErrorClass::Failed => Class::Failed,
        ErrorClass::NotFound => Class::NotFound,
        ErrorClass::Unreachable => Class::Unreachable,
        ErrorClass::Untrusted => Class::Untrusted,
    };
    Failure::new(class, format!("cannot get {what}"))
        .because(error)
        .hint_if(hint(error))
}

fn hint(error: &FetchError) -> Option<String> {
    match error {
        FetchError::NoPackage { registry, .. } => Some(format!(
            "check the name; only the registry {registry} was asked, `cargo zero registry list` shows all"
        )),
        _ => error.hint(),
    }
}
