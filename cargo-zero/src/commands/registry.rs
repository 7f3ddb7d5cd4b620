//! `registry`: the registries that the user knows, each with its pinned root keys.

use std::path::Path;

use serde_json::{Value, json};
use zero_format::{PublicKey, RegistryName, printable};
use zero_registry::{
    DirTransport, Fetched, GetOptions, HttpTransport, Location, Network, ObjectTransport, Origin,
    RegistryPath, Role, Root, Transport, TransportError, limits,
};

use crate::cli;
use crate::config::{Config, Registry, fresh_default};
use crate::host::Session;
use crate::keyring;
use crate::registries::{self, absolute};
use crate::report::{Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &cli::Registry) -> Result<Report, Failure> {
    match args {
        cli::Registry::Add(args) => add(session, args),
        cli::Registry::Remove { name } => remove(session, name),
        cli::Registry::List => list(session),
        cli::Registry::Show { name } => show(session, name.as_deref()),
    }
}

fn add(session: &Session, args: &cli::AddRegistry) -> Result<Report, Failure> {
    let name: RegistryName = args.name.parse().map_err(|error: zero_format::NameError| {
        Failure::usage(format!("`{}` cannot be the name of a registry", args.name))
            .because(&error)
            .hint(error.hint())
    })?;
    let mut config = Config::read(session)?;
    if config.registries.contains_key(&name) {
        return Err(
            Failure::failed(format!("there is a registry `{name}` already")).hint(format!(
                "choose another name, or forget the old one: cargo zero registry remove {name}"
            )),
        );
    }
    let locations = args
        .locations
        .iter()
        .map(|text| location(text))
        .collect::<Result<Vec<_>, _>>()?;
    let ca = args.ca.as_deref().map(absolute);
    let mut root_keys = args
        .root_key
        .iter()
        .map(|key| keyring::public(session, key))
        .collect::<Result<Vec<PublicKey>, _>>()?;
    let mut threshold = args.threshold;
    let origin = match (&args.origin, root_keys.is_empty()) {
        (Some(text), false) => text
            .parse::<Origin>()
            .map_err(|error| Failure::usage("this is no origin").because(&error))?,
        (_, pinned) => {
            let root = first_root(session, &locations, ca.as_deref())?;
            if pinned {
                (root_keys, threshold) = first_use(session, &name, &root)?;
            }
            root.origin().clone()
        }
    };
    Role::new(root_keys.clone(), threshold)
        .map_err(|error| Failure::usage("these root keys cannot be pinned").because(&error))?;
    let registry = Registry {
        origin,
        locations: locations.iter().map(|(text, _)| text.clone()).collect(),
        root_keys,
        threshold,
        fresh_seconds: fresh_default(),
        min_age_seconds: args.min_age.as_secs(),
        log_key: args
            .log_key
            .as_deref()
            .map(|key| key_place(session, key))
            .transpose()?,
        ca,
    };
    // Everything is verified before anything is remembered.
    let client = registries::client(session, &name, &registry)?;
    {
        let _step = session.output.step(&format!("asking {name}"));
        // Another name may have told of the same registry a moment ago: the place itself is asked.
        let now = registries::now(session);
        let asked = if session.offline {
            client.update(now)
        } else {
            client.refresh(now)
        };
        asked.map_err(|error| registries::failure("the registry", &error))?;
    }
    let default = args.default || config.default_registry.is_none();
    if default {
        config.default_registry = Some(name.clone());
    }
    config.registries.insert(name.clone(), registry.clone());
    config.write(session)?;
    forget_resolutions(session);
    let mut text = format!("added {name}, which is {}\n", registry.origin);
    for key in &registry.root_keys {
        text += &format!("  root key {key}\n");
    }
    if default {
        text += "it is asked when no registry is named\n";
    }
    Ok(Report::new(
        json!({ "registry": describe(&name, &registry, default) }),
        text,
    )
    .next("cargo zero run PACKAGE"))
}

/// A place as it is stored: folders from the root, so that they mean the same everywhere.
fn location(text: &str) -> Result<(String, Location), Failure> {
    let parsed: Location = text
        .parse()
        .map_err(|error: zero_registry::LocationError| {
            Failure::usage(format!("`{text}` is no place for a registry"))
                .because(&error)
                .hint(error.hint())
        })?;
    Ok(match parsed {
        Location::Dir(path) => {
            let path = absolute(&path);
            (path.display().to_string(), Location::Dir(path))
        }
        Location::Url(url) => (url.clone(), Location::Url(url)),
        Location::Bucket(url) => (url.clone(), Location::Bucket(url)),
    })
}

/// A key's name stays; a file is remembered from the root.
fn key_place(session: &Session, key: &str) -> Result<String, Failure> {
    let path = keyring::find(session, Some(key))?;
    let stored = session.home.keys_dir();
    Ok(match path {
        Some(path) if !path.starts_with(stored) => absolute(&path).display().to_string(),
        _ => key.to_owned(),
    })
}

/// The first root as the first place that has one tells it. Nothing of it is trusted: the pinned keys decide.
fn first_root(
    session: &Session,
    locations: &[(String, Location)],
    ca: Option<&Path>,
) -> Result<Root, Failure> {
    let network = registries::network(session, ca)?;
    let mut last = None;
    for (text, location) in locations {
        match read_root(session, location, network.as_ref()) {
            Ok(Some(bytes)) => {
                return Root::decode(&bytes).map_err(|error| {
                    Failure::new(
                        Class::Untrusted,
                        format!("the registry at {text} has a malformed root"),
                    )
                    .because(&error)
                });
            }
            Ok(None) => last = None,
            Err(error) => last = Some(error),
        }
    }
    let places: Vec<&str> = locations.iter().map(|(text, _)| text.as_str()).collect();
    let failure = Failure::new(
        Class::Unreachable,
        format!("there is no registry at {}", places.join(" or ")),
    );
    Err(match last {
        Some(error) => failure.because(&error).hint_if(error.hint()),
        None => failure.hint("check the address; `zero-registry init DIR` makes a new registry"),
    })
}

fn read_root(
    session: &Session,
    location: &Location,
    network: Option<&Network>,
) -> Result<Option<Vec<u8>>, TransportError> {
    let transport: Box<dyn Transport> = match (location, network) {
        (Location::Dir(path), _) => Box::new(DirTransport::new(path)),
        (Location::Url(url), Some(network)) => Box::new(HttpTransport::new(url, network.clone())?),
        (Location::Bucket(url), Some(_)) => {
            Box::new(ObjectTransport::new(url, session.env.stores.clone())?)
        }
        (Location::Url(_) | Location::Bucket(_), None) => return Ok(None),
    };
    let read = transport.get(
        &RegistryPath::root(1),
        &GetOptions::up_to(limits::MAX_ROOT_BYTES),
    )?;
    Ok(match read {
        Fetched::Bytes { bytes, .. } => Some(bytes),
        Fetched::NotFound | Fetched::NotModified => None,
    })
}

/// Trust on first use: only a person can take that risk, and only knowingly.
fn first_use(
    session: &Session,
    name: &RegistryName,
    root: &Root,
) -> Result<(Vec<PublicKey>, u32), Failure> {
    let keys = root.role().keys().to_vec();
    if !session.interactive {
        return Err(Failure::new(
            Class::Untrusted,
            format!("no root key is given for `{name}`"),
        )
        .hint("ask its operator for the root key, then add `--root-key RW…`"));
    }
    session.output.note(&format!(
        "The registry says that it is {} and shows these root keys:",
        root.origin()
    ));
    for key in &keys {
        session.output.note(&format!("  {key}"));
    }
    session.output.note(
        "Compare them with what its operator publishes: from now on they decide what you run.",
    );
    if !session.confirm("Are they right?")? {
        return Err(Failure::new(
            Class::Untrusted,
            format!("`{name}` was not added"),
        ));
    }
    Ok((keys, root.role().threshold()))
}

fn remove(session: &Session, name: &str) -> Result<Report, Failure> {
    let mut config = Config::read(session)?;
    let (name, _) = named(&config, name)?;
    config.registries.remove(&name);
    if config.default_registry.as_ref() == Some(&name) {
        config.default_registry = config.registries.keys().next().cloned();
    }
    config.write(session)?;
    forget_resolutions(session);
    Ok(Report::new(
        json!({ "removed": name }),
        format!("forgot {name}\n"),
    ))
}

/// What a name resolved to may differ now. Only speed is lost.
fn forget_resolutions(session: &Session) {
    let _ = std::fs::remove_dir_all(session.home.resolutions_dir());
}

fn named(config: &Config, name: &str) -> Result<(RegistryName, Registry), Failure> {
    registries::find(config, name).ok_or_else(|| {
        Failure::new(
            Class::NotFound,
            format!("no registry `{name}` is configured"),
        )
        .hint("cargo zero registry list")
    })
}

fn list(session: &Session) -> Result<Report, Failure> {
    let config = Config::read(session)?;
    let is_default = |name: &RegistryName| config.default_registry.as_ref() == Some(name);
    let mut text = String::new();
    for (name, registry) in &config.registries {
        let mark = if is_default(name) { "*" } else { " " };
        text += &format!(
            "{mark} {:<16} {}  {}\n",
            name.to_string(),
            registry.origin,
            printable(&places(registry))
        );
    }
    let all: Vec<Value> = config
        .registries
        .iter()
        .map(|(name, registry)| describe(name, registry, is_default(name)))
        .collect();
    let report = Report::new(json!({ "registries": all }), text);
    Ok(if all_empty(&config) {
        report.next("cargo zero registry add NAME URL --root-key RW…")
    } else {
        report
    })
}

fn all_empty(config: &Config) -> bool {
    config.registries.is_empty()
}

/// Addresses fit to print: without passwords.
fn places(registry: &Registry) -> String {
    let shown = |text: &String| {
        text.parse::<Location>()
            .map_or_else(|_| text.clone(), |place| place.to_string())
    };
    registry
        .locations
        .iter()
        .map(shown)
        .collect::<Vec<_>>()
        .join(", ")
}

fn describe(name: &RegistryName, registry: &Registry, default: bool) -> Value {
    let shown = |text: &String| {
        text.parse::<Location>()
            .map_or_else(|_| text.clone(), |place| place.to_string())
    };
    json!({
        "name": name,
        "origin": registry.origin,
        "locations": registry.locations.iter().map(shown).collect::<Vec<_>>(),
        "root_keys": registry.root_keys,
        "threshold": registry.threshold,
        "min_age_seconds": registry.min_age_seconds,
        "default": default,
    })
}

fn show(session: &Session, name: Option<&str>) -> Result<Report, Failure> {
    let config = Config::read(session)?;
    let (name, registry) = match name {
        Some(name) => named(&config, name)?,
        None => registries::choose(session, None)?,
    };
    let default = config.default_registry.as_ref() == Some(&name);
    let client = registries::client(session, &name, &registry)?;
    let trusted = {
        let _step = session.output.step(&format!("asking {name}"));
        client
            .update(registries::now(session))
            .map_err(|error| registries::failure("the registry", &error))?
    };
    let (root, head) = (trusted.root(), trusted.head().snapshot());
    let mut text = format!(
        "{name}: {}\n  places     {}\n",
        registry.origin,
        printable(&places(&registry))
    );
    for key in &registry.root_keys {
        text += &format!("  pinned     {key}\n");
    }
    text += &format!(
        "  threshold  {}\n  root       version {}, expires {}\n",
        registry.threshold,
        root.version(),
        root.expires()
    );
    text += &format!(
        "  log key    {}\n  state      of {}, expires {}\n",
        root.log_key(),
        head.time,
        head.expires
    );
    text += &format!("  checked    {}\n", trusted.checked_at());
    let mut fields = describe(&name, &registry, default);
    if let Value::Object(fields) = &mut fields {
        fields.insert(String::from("root_version"), json!(root.version()));
        fields.insert(String::from("root_expires"), json!(root.expires()));
        fields.insert(String::from("log_key"), json!(root.log_key()));
        fields.insert(String::from("time"), json!(head.time));
        fields.insert(String::from("expires"), json!(head.expires));
        fields.insert(String::from("checked_at"), json!(trusted.checked_at()));
    }
    Ok(Report::new(json!({ "registry": fields }), text))
}
