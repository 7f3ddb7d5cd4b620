//! Writing to a registry: signing events, and committing them, in a folder whose log key is at hand or through the
//! service at an address (spec/publishing.md).

mod place;

use zero_format::{PackageName, SecretKey};
use zero_registry::{
    Action, Blob, ChainContext, PackageState, Root, SignedEvent, StateError, Submission, Timestamp,
};

use crate::cli::Writer as Args;
use crate::host::Session;
use crate::keyring;
use crate::registries;
use crate::report::{Class, Failure};

use place::{Committed, Place};

/// How often a publication starts again because somebody else published the same package in between.
const ATTEMPTS: u32 = 8;

/// What is to be added to a package's chain: it depends on what is there already.
pub(crate) type Plan<'a> =
    dyn Fn(&PackageState) -> Result<Vec<(Action, Option<Blob>)>, Failure> + 'a;

/// A registry that can be written to, and the keys that sign.
pub(crate) struct Publisher {
    place: Place,
    /// At least one, unless others have signed; the first signs package files.
    keys: Vec<SecretKey>,
    now: Timestamp,
}

/// What was, or would be, added.
pub(crate) struct Added {
    /// The events, as they were signed.
    pub(crate) events: Vec<SignedEvent>,
    /// The size of the log after them; none for a dry run, or where the service had them already.
    pub(crate) log_size: Option<u64>,
}

impl Publisher {
    /// Opens the registry and the keys.
    pub(crate) fn open(session: &Session, args: &Args) -> Result<Self, Failure> {
        let place = Place::open(session, args.log_key.as_deref())?;
        let mut keys = Vec::new();
        for key in &args.key {
            keys.push(keyring::require(session, Some(key))?);
        }
        if keys.is_empty() {
            keys.push(keyring::require(session, None)?);
        }
        Ok(Self {
            place,
            keys,
            now: registries::now(session),
        })
    }

    /// Opens the registry for events that others have signed.
    pub(crate) fn without_keys(session: &Session, args: &Args) -> Result<Self, Failure> {
        Ok(Self {
            place: Place::open(session, args.log_key.as_deref())?,
            keys: Vec::new(),
            now: registries::now(session),
        })
    }

    /// The registry's folder or address, fit to print.
    pub(crate) fn place(&self) -> String {
        self.place.to_string()
    }

    /// The key that signs package files.
    pub(crate) fn key(&self) -> &SecretKey {
        self.keys.first().expect("a publisher is opened with a key")
    }

    /// The root in force, and the package as it stands.
    pub(crate) fn state(&self, name: &PackageName) -> Result<(Root, PackageState), Failure> {
        self.place.state(name, self.now)
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
            let (root, state) = self.state(name)?;
            let submissions = self.sign(&root, state, plan)?;
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
            match self.place.commit(&submissions, self.now)? {
                Committed::Yes { size } => {
                    self.place.refresh(session);
                    return Ok(Added {
                        events,
                        log_size: size,
                    });
                }
                // Somebody else was faster: what we signed no longer follows.
                Committed::Conflict(failure) => last = Some(failure),
            }
        }
        Err(last.unwrap_or_else(|| Failure::failed(format!("cannot publish {name}"))))
    }

    /// Commits an event that others have signed.
    pub(crate) fn submit(
        &self,
        session: &Session,
        event: SignedEvent,
    ) -> Result<Option<u64>, Failure> {
        let submission = Submission { event, blob: None };
        match self.place.commit(&[submission], self.now)? {
            Committed::Yes { size } => {
                self.place.refresh(session);
                Ok(size)
            }
            Committed::Conflict(failure) => Err(failure),
        }
    }

    /// Signs one event on top of a state, without judging it: more signatures may be to come.
    pub(crate) fn draft(
        &self,
        root: &Root,
        state: &PackageState,
        action: Action,
    ) -> Result<SignedEvent, Failure> {
        let body = state.next(root.origin(), self.now, action);
        let keys: Vec<&SecretKey> = self.keys.iter().collect();
        SignedEvent::sign(&body, &keys)
            .map_err(|error| Failure::failed("cannot sign the event").because(&error))
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
            let event = self.draft(root, &state, action)?;
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
            .cause(format!("this is {}", self.key().public_key()))
            .hint("sign with a key of the package (`--key NAME`), or publish under another name"),
            _ => Failure::failed(format!("the registry does not take this for {name}"))
                .because(error)
                .hint_if(error.hint()),
        }
    }
}
