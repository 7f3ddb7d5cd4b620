//! Where events go: the folder of a registry, or a service.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zero_format::{PackageName, PublicKey, SecretKey, printable};
use zero_registry::{
    Client, CommitError, DirWriter, FetchError, HttpWitnesses, Location, PackageState,
    PublishError, PublishService, Published, Root, StateError, Submission, Timestamp,
};

use crate::config::{Config, Registry};
use crate::host::Session;
use crate::keyring;
use crate::registries;
use crate::report::{Class, Failure};

/// A registry that takes events.
pub(super) enum Place {
    /// Its folder is on this machine, and its log key at hand.
    Folder {
        writer: Box<DirWriter>,
        folder: PathBuf,
    },
    /// A service holds the log key; what it says is checked by a client of the registry.
    Service {
        service: PublishService,
        client: Box<Client>,
        url: String,
    },
}

/// What became of events.
pub(super) enum Committed {
    /// They are in the log.
    Yes {
        /// The size of the log, where it is told.
        size: Option<u64>,
    },
    /// Others changed the package in between: sign anew.
    Conflict(Failure),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { folder, .. } => folder.display().fmt(f),
            Self::Service { url, .. } => f.write_str(&printable(url)),
        }
    }
}

impl Place {
    pub(super) fn open(session: &Session, log_key: Option<&str>) -> Result<Self, Failure> {
        match find(session)? {
            Found::Folder(folder, registry) => {
                let log = log_key_of(&folder)?;
                let wanted = log_key.map(str::to_owned).or_else(|| {
                    registry
                        .as_ref()
                        .and_then(|registry| registry.log_key.clone())
                });
                let key = find_log_key(session, wanted.as_deref(), &log)?;
                let writer = DirWriter::open(&folder, key)
                    .map_err(|error| failure("cannot write to the registry", &error))?;
                // The root may demand witnesses, who are asked over the network.
                let ca = registry
                    .as_ref()
                    .and_then(|registry| registry.ca.as_deref());
                let writer = match registries::network(session, ca)? {
                    Some(network) => writer.with_witnesses(Arc::new(HttpWitnesses::new(network))),
                    None => writer,
                };
                Ok(Self::Folder {
                    writer: Box::new(writer),
                    folder,
                })
            }
            Found::Service(name, registry, url) => {
                let ca = registry.ca.as_deref();
                let Some(network) = registries::network(session, ca)? else {
                    return Err(Failure::new(
                        Class::Unreachable,
                        format!("the registry `{name}` is reached over the network"),
                    )
                    .hint("run the command without --offline"));
                };
                let client = registries::client(session, &name, &registry)?;
                let service = PublishService::new(&url, network)
                    .map_err(|error| refused(name.as_ref(), &error))?;
                Ok(Self::Service {
                    service,
                    client: Box::new(client),
                    url,
                })
            }
        }
    }

    pub(super) fn state(
        &self,
        name: &PackageName,
        now: Timestamp,
    ) -> Result<(Root, PackageState), Failure> {
        match self {
            Self::Folder { writer, .. } => {
                let unread = |error| failure("cannot read the registry", &error);
                let roots = writer.roots().map_err(unread)?;
                let state = writer.package(name).map_err(unread)?;
                Ok((roots.current().clone(), state))
            }
            Self::Service { client, .. } => {
                let trusted = client
                    .refresh(now)
                    .map_err(|error| registries::failure("the registry", &error))?;
                let state = match client.package(&trusted, name) {
                    Err(FetchError::NoPackage { .. }) => PackageState::empty(name),
                    state => state.map_err(|error| registries::failure(name.as_str(), &error))?,
                };
                Ok((trusted.root().clone(), state))
            }
        }
    }

    pub(super) fn commit(
        &self,
        submissions: &[Submission],
        now: Timestamp,
    ) -> Result<Committed, Failure> {
        let name = submissions
            .first()
            .map(|submission| submission.event.body().name.to_string())
            .unwrap_or_default();
        match self {
            Self::Folder { writer, .. } => match writer.commit(submissions, now) {
                Ok(commit) => Ok(Committed::Yes {
                    size: Some(commit.tree.size),
                }),
                Err(
                    error @ CommitError::Event {
                        source:
                            StateError::Seq { .. } | StateError::Prev(_) | StateError::Claimed(_),
                        ..
                    },
                ) => Ok(Committed::Conflict(
                    failure(&format!("cannot publish {name}"), &error)
                        .hint("others changed the package in between: try again"),
                )),
                Err(error) => Err(failure(&format!("cannot publish {name}"), &error)),
            },
            Self::Service { service, .. } => match service.publish(submissions) {
                Ok(Published::Committed { size }) => Ok(Committed::Yes { size: Some(size) }),
                Ok(_) => Ok(Committed::Yes { size: None }),
                Err(error) if error.is_conflict() => {
                    Ok(Committed::Conflict(refused(&name, &error)))
                }
                Err(error) => Err(refused(&name, &error)),
            },
        }
    }

    /// Lets this machine see what it has just published.
    pub(super) fn refresh(&self, session: &Session) {
        registries::refresh(session, &self.to_string());
    }
}

/// Where a registry lies.
enum Found {
    Folder(PathBuf, Option<Registry>),
    Service(zero_format::RegistryName, Registry, String),
}

/// The place to write to: a folder where there is one, else the first address.
fn find(session: &Session) -> Result<Found, Failure> {
    let config = Config::read(session)?;
    let wanted = session
        .registry
        .clone()
        .or_else(|| config.default_registry.as_ref().map(ToString::to_string));
    let Some(wanted) = wanted else {
        return Err(
            Failure::usage("no registry is named").hint("cargo zero publish --registry NAME")
        );
    };
    if let Some((name, registry)) = registries::find(&config, &wanted) {
        let places: Vec<Location> = registry
            .locations
            .iter()
            .filter_map(|place| place.parse().ok())
            .collect();
        for place in &places {
            if let Location::Dir(path) = place {
                return Ok(Found::Folder(path.clone(), Some(registry)));
            }
        }
        for place in places {
            if let Location::Url(url) = place {
                return Ok(Found::Service(name, registry, url));
            }
        }
    }
    match wanted.parse() {
        Ok(Location::Dir(path)) if path.is_dir() => {
            Ok(Found::Folder(registries::absolute(&path), None))
        }
        Ok(Location::Url(url)) => Err(Failure::new(
            Class::Untrusted,
            format!("the registry at {wanted} is not trusted: its root key is not pinned"),
        )
        .hint(format!("cargo zero registry add NAME {url} --root-key RW…"))),
        _ => Err(
            Failure::new(Class::NotFound, format!("no registry `{wanted}`")).hint(
                "`cargo zero registry list` shows those you know; `zero-registry init DIR --origin NAME` makes one",
            ),
        ),
    }
}

/// The log key that the newest root in the folder names.
fn log_key_of(folder: &Path) -> Result<PublicKey, Failure> {
    let mut found = None;
    for version in 1.. {
        let path = folder.join(format!("root/{version}.json"));
        let Ok(bytes) = std::fs::read(&path) else {
            break;
        };
        let root = Root::decode(&bytes).map_err(|error| {
            Failure::new(Class::Untrusted, format!("{} is malformed", path.display()))
                .because(&error)
        })?;
        found = Some(*root.log_key());
    }
    found.ok_or_else(|| {
        Failure::new(
            Class::NotFound,
            format!("there is no registry in {}", folder.display()),
        )
        .hint(format!(
            "make one: zero-registry init {} --origin NAME",
            folder.display()
        ))
    })
}

/// The secret half of the log key: as told, or whichever of the user's keys it is.
fn find_log_key(
    session: &Session,
    wanted: Option<&str>,
    public: &PublicKey,
) -> Result<SecretKey, Failure> {
    let path = match wanted {
        Some(wanted) => keyring::find(session, Some(wanted))?,
        None => keyring::list(session)?
            .into_iter()
            .find(|entry| entry.public == *public)
            .and_then(|entry| entry.secret),
    };
    let path = path.ok_or_else(|| {
        Failure::new(Class::Denied, "you do not hold this registry's log key")
            .cause(format!("it is {public}"))
            .hint("name its file: --log-key FILE; who has none asks the registry's operator to publish")
    })?;
    keyring::open_file(session, &path)
}

fn failure(what: &str, error: &CommitError) -> Failure {
    Failure::failed(what).because(error).hint_if(error.hint())
}

/// A refusal of the service, in our words.
fn refused(name: &str, error: &PublishError) -> Failure {
    let class = match error {
        PublishError::Transport(error) if !error.is_hostile() => Class::Unreachable,
        PublishError::Busy { .. } => Class::Unreachable,
        PublishError::Refused { code, .. }
            if matches!(
                code.as_str(),
                "policy" | "signatures" | "similar" | "widened"
            ) =>
        {
            Class::Denied
        }
        _ => Class::Failed,
    };
    Failure::new(class, format!("cannot publish {name}"))
        .because(error)
        .hint_if(error.hint())
}
