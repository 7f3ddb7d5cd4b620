//! Where events go: the folder or bucket of a registry, or a service.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use zero_format::{PackageName, PublicKey, SecretKey, printable};
use zero_registry::{
    Client, CommitError, DirStorage, FetchError, HttpWitnesses, Location, ObjectStorage,
    PackageState, Place as Storage, PublishError, PublishService, Published, Root, StateError,
    Submission, Timestamp, Writer, current_root,
};

use crate::config::{Config, Registry};
use crate::host::Session;
use crate::keyring;
use crate::registries;
use crate::report::{Class, Failure};

/// A registry that takes events.
pub(super) enum Place {
    /// Its files can be written from here, and its log key is at hand.
    Files {
        writer: Box<Writer<Storage>>,
        /// The folder or bucket.
        shown: String,
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
            Self::Files { shown: place, .. } | Self::Service { url: place, .. } => {
                f.write_str(&printable(place))
            }
        }
    }
}

impl Place {
    pub(super) fn open(session: &Session, log_key: Option<&str>) -> Result<Self, Failure> {
        match find(session, log_key)? {
            Found::Folder(folder, registry) => {
                let shown = folder.display().to_string();
                let storage = Storage::Dir(DirStorage::new(folder));
                Self::files(session, storage, shown, registry.as_ref(), log_key)
            }
            Found::Bucket(url, registry) => {
                if session.offline {
                    return Err(unreachable(&url));
                }
                let storage = ObjectStorage::open(&url, session.env.stores.clone());
                let storage = storage.map_err(|error| {
                    Failure::failed(format!("cannot use {url}"))
                        .because(&error)
                        .hint_if(error.hint().map(str::to_owned))
                })?;
                let storage = Storage::Object(Box::new(storage));
                Self::files(session, storage, url, registry.as_ref(), log_key)
            }
            Found::Service(name, registry, url) => {
                let ca = registry.ca.as_deref();
                let Some(network) = registries::network(session, ca)? else {
                    return Err(unreachable(name.as_ref()));
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

    /// Files that the holder of the log key writes.
    fn files(
        session: &Session,
        storage: Storage,
        shown: String,
        registry: Option<&Registry>,
        log_key: Option<&str>,
    ) -> Result<Self, Failure> {
        let log = log_key_of(&storage, &shown)?;
        let known = registry.and_then(|registry| registry.log_key.as_deref());
        let key = find_log_key(session, log_key.or(known), &log)?;
        let writer = Writer::with_storage(storage, key)
            .map_err(|error| failure("cannot write to the registry", &error))?;
        // The root may demand witnesses, who are asked over the network.
        let ca = registry.and_then(|registry| registry.ca.as_deref());
        let writer = match registries::network(session, ca)? {
            Some(network) => writer.with_witnesses(Arc::new(HttpWitnesses::new(network))),
            None => writer,
        };
        Ok(Self::Files {
            writer: Box::new(writer),
            shown,
        })
    }

    pub(super) fn state(
        &self,
        name: &PackageName,
        now: Timestamp,
    ) -> Result<(Root, PackageState), Failure> {
        match self {
            Self::Files { writer, .. } => {
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
            Self::Files { writer, .. } => match writer.commit(submissions, now) {
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

fn unreachable(registry: &str) -> Failure {
    Failure::new(
        Class::Unreachable,
        format!("the registry `{registry}` is reached over the network"),
    )
    .hint("run the command without --offline")
}

/// Where a registry lies.
enum Found {
    Bucket(String, Option<Registry>),
    Folder(PathBuf, Option<Registry>),
    Service(zero_format::RegistryName, Registry, String),
}

/// The place to write to: a folder where there is one; a bucket, for those who hold the log key; else the first
/// address.
fn find(session: &Session, log_key: Option<&str>) -> Result<Found, Failure> {
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
        let holder = log_key.is_some() || registry.log_key.is_some();
        let places = registry.locations.iter();
        let places = places.filter_map(|place| place.parse::<Location>().ok());
        let best = places.min_by_key(|place| match place {
            Location::Dir(_) => 0,
            Location::Bucket(_) if holder => 1,
            Location::Url(_) => 2,
            Location::Bucket(_) => 3,
        });
        match best {
            Some(Location::Dir(path)) => return Ok(Found::Folder(path, Some(registry))),
            Some(Location::Bucket(url)) => return Ok(Found::Bucket(url, Some(registry))),
            Some(Location::Url(url)) => return Ok(Found::Service(name, registry, url)),
            None => {}
        }
    }
    match wanted.parse() {
        Ok(Location::Dir(path)) if path.is_dir() => {
            Ok(Found::Folder(registries::absolute(&path), None))
        }
        Ok(Location::Bucket(url)) => Ok(Found::Bucket(url, None)),
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

/// The log key that the newest root there names.
fn log_key_of(storage: &Storage, place: &str) -> Result<PublicKey, Failure> {
    let root = current_root(storage).map_err(|error| match error {
        CommitError::NoRegistry => {
            Failure::new(Class::NotFound, format!("there is no registry in {place}")).hint(format!(
                "make one: zero-registry init {place} --origin NAME"
            ))
        }
        error => failure(&format!("cannot read the registry in {place}"), &error),
    })?;
    let root = Root::decode(&root.bytes).map_err(|error| {
        Failure::new(
            Class::Untrusted,
            format!("the root in {place} is malformed"),
        )
        .because(&error)
    })?;
    Ok(*root.log_key())
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
