//! Writing to a registry whose folder and log key are at hand: signing events, and committing them.

use std::path::{Path, PathBuf};

use zero_format::{PackageName, PublicKey, SecretKey};
use zero_registry::{
    Action, Blob, ChainContext, CommitError, DirWriter, Location, PackageState, Root, SignedEvent,
    StateError, Submission, Timestamp,
};

use crate::cli::Writer as Args;
use crate::config::{Config, Registry};
use crate::host::Session;
use crate::keyring;
use crate::registries;
use crate::report::{Class, Failure};

/// How often a publication starts again because somebody else published the same package in between.
const ATTEMPTS: u32 = 8;

/// What is to be added to a package's chain: it depends on what is there already.
pub(crate) type Plan<'a> =
    dyn Fn(&PackageState) -> Result<Vec<(Action, Option<Blob>)>, Failure> + 'a;

/// A registry that can be written to, and the key that signs.
pub(crate) struct Publisher {
    writer: DirWriter,
    key: SecretKey,
    now: Timestamp,
    folder: PathBuf,
}

/// What was, or would be, added.
pub(crate) struct Added {
    /// The events, as they were signed.
    pub(crate) events: Vec<SignedEvent>,
    /// The size of the log after them; none for a dry run.
    pub(crate) log_size: Option<u64>,
}

impl Publisher {
    /// Opens the registry and both keys.
    pub(crate) fn open(session: &Session, args: &Args) -> Result<Self, Failure> {
        let (folder, registry) = folder(session)?;
        let log = log_key_of(&folder)?;
        let wanted = args
            .log_key
            .clone()
            .or_else(|| registry.and_then(|registry| registry.log_key));
        let log_key = find_log_key(session, wanted.as_deref(), &log)?;
        let key = keyring::require(session, args.key.as_deref())?;
        let writer = DirWriter::open(&folder, log_key)
            .map_err(|error| failure("cannot write to the registry", &error))?;
        Ok(Self {
            writer,
            key,
            now: registries::now(session),
            folder,
        })
    }

    /// The registry's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The key that signs the events.
    pub(crate) fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Signs what `plan` wants on top of the package's newest state, checks it by the registry's own rules, and
    /// commits it unless this is a rehearsal.
    pub(crate) fn add(
        &self,
        session: &Session,
        name: &PackageName,
        rehearse: bool,
        plan: &Plan<'_>,
    ) -> Result<Added, Failure> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let roots = self
                .writer
                .roots()
                .map_err(|error| failure("cannot read the registry", &error))?;
            let root = roots.current();
            let state = self
                .writer
                .package(name)
                .map_err(|error| failure("cannot read the registry", &error))?;
            let submissions = self.sign(root, state, plan)?;
            let events = submissions
                .iter()
                .map(|submission| submission.event.clone())
                .collect();
            if rehearse {
                return Ok(Added {
                    events,
                    log_size: None,
                });
            }
            match self.writer.commit(&submissions, self.now) {
                Ok(commit) => {
                    registries::refresh(session, &self.folder.display().to_string());
                    return Ok(Added {
                        events,
                        log_size: Some(commit.tree.size),
                    });
                }
                // Somebody else was faster: what we signed no longer follows.
                Err(
                    error @ CommitError::Event {
                        source:
                            StateError::Seq { .. } | StateError::Prev(_) | StateError::Claimed(_),
                        ..
                    },
                ) => {
                    last = Some(error);
                }
                Err(error) => return Err(failure(&format!("cannot publish {name}"), &error)),
            }
        }
        let failed = Failure::failed(format!(
            "cannot publish {name}: others publish it all the time"
        ));
        Err(match last {
            Some(error) => failed.because(&error).hint("try again"),
            None => failed,
        })
    }

    fn sign(
        &self,
        root: &Root,
        mut state: PackageState,
        plan: &Plan<'_>,
    ) -> Result<Vec<Submission>, Failure> {
        let context = ChainContext::writer(root);
        let mut submissions = Vec::new();
        for (action, blob) in plan(&state)? {
            let body = state.next(root.origin(), self.now, action);
            let event = SignedEvent::sign(&body, &[&self.key])
                .map_err(|error| Failure::failed("cannot sign the event").because(&error))?;
            let name = state.name().clone();
            state = state
                .apply(&event, &context)
                .map_err(|error| self.refused(&name, &error))?;
            submissions.push(Submission { event, blob });
        }
        Ok(submissions)
    }

    /// The registry's rules say no, in the words of whoever typed the command.
    fn refused(&self, name: &PackageName, error: &StateError) -> Failure {
        match error {
            StateError::Widened {
                version,
                previous,
                widenings,
            } => {
                let added: Vec<String> = widenings.iter().map(|one| format!("  + {one}")).collect();
                Failure::new(
                    Class::Denied,
                    format!("{name} {version} wants more than {previous} did"),
                )
                .details(added.join("\n"))
                .hint_if(error.hint())
            }
            StateError::Signatures { .. } | StateError::Surplus => Failure::new(
                Class::Denied,
                format!("{name} belongs to other keys"),
            )
            .cause(format!("this is {}", self.key.public_key()))
            .hint("sign with a key of the package (`--key NAME`), or publish under another name"),
            _ => Failure::failed(format!("the registry does not take this for {name}"))
                .because(error)
                .hint_if(error.hint()),
        }
    }
}

/// The folder to write to, and what is configured about it.
fn folder(session: &Session) -> Result<(PathBuf, Option<Registry>), Failure> {
    let config = Config::read(session)?;
    let wanted = session
        .registry
        .clone()
        .or_else(|| config.default_registry.as_ref().map(ToString::to_string));
    let Some(wanted) = wanted else {
        return Err(
            Failure::usage("no registry is named").hint("cargo zero publish --registry DIR")
        );
    };
    if let Some((_, registry)) = registries::find(&config, &wanted) {
        for place in &registry.locations {
            if let Ok(Location::Dir(path)) = place.parse() {
                return Ok((path, Some(registry)));
            }
        }
        return Err(remote(&wanted));
    }
    match wanted.parse() {
        Ok(Location::Dir(path)) if path.is_dir() => Ok((registries::absolute(&path), None)),
        Ok(Location::Url(_)) => Err(remote(&wanted)),
        _ => Err(Failure::new(Class::NotFound, format!("no registry `{wanted}`"))
            .hint("`cargo zero registry list` shows those you know; `zero-registry init DIR --origin NAME` makes one")),
    }
}

fn remote(wanted: &str) -> Failure {
    Failure::failed(format!(
        "the registry {wanted} is not a folder of this machine, and only those can be written to"
    ))
    .hint("publish where the registry's folder is: cargo zero publish --registry DIR")
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
