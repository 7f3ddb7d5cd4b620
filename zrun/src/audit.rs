//! What a run does with its rights, told to whoever listens: the audit file, `--learn`, an embedder
//! (spec/capabilities.md, "Audit").
//!
//! One recorder is handed to everything that judges a use. Without a listener it is an empty option, and nothing is
//! put together that nobody would hear.

mod file;

pub use file::{Audit, AuditError, AuditRun};

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use zero_format::{Access, CapabilityKind, Clock, Digest, Package, PublicKey};

use crate::limits::{LimitReached, Limits};
use crate::policy::Grants;

/// Distinct uses and denials of one run at most: a record that could not grow with the program would be incomplete,
/// and one that grows without end fills a disk.
pub const MAX_RECORDED: usize = 100_000;

/// How long the end of a process waits for a listener that is busy.
const PATIENCE: Duration = Duration::from_millis(500);

/// Hears what happens in a run.
///
/// A listener that fails ends the run: nothing goes on unrecorded.
pub trait Listener: Send {
    /// Something happened.
    ///
    /// # Errors
    /// When it cannot be kept; the program ends at that use.
    fn hear(&mut self, event: &Event<'_>) -> io::Result<()>;
}

/// Something that happened, and how long after the start of the run.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Time since the start, of a clock that never jumps.
    pub at: Duration,
    /// What.
    pub what: What<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum What<'a> {
    /// A use that was denied.
    Denied(&'a Use, Reason),
    /// The run is over.
    Ended(&'a Ended),
    /// A limit was reached.
    Reached(LimitReached),
    /// The run begins.
    Started(&'a Started<'a>),
    /// A right was used: each distinct use is told once.
    Used(&'a Use),
}

/// What runs, and with which rights.
#[derive(Clone, Copy, Debug)]
pub struct Started<'a> {
    /// The package.
    pub package: &'a Package,
    /// The digest of its artifact.
    pub digest: &'a Digest,
    /// The trusted keys that signed it.
    pub signers: &'a [PublicKey],
    /// The registry's origin, if it is known.
    pub registry: Option<&'a str>,
    /// What it may use.
    pub grants: &'a Grants,
    /// What it may use up.
    pub limits: &'a Limits,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// A word: `exit`, or the code of the error that ended it.
    pub outcome: &'static str,
    /// The exit code: the program's own, or the one that stands for the error.
    pub code: i32,
    /// Units of work, if they were counted.
    pub fuel: Option<u64>,
    /// How many distinct uses were told.
    pub uses: usize,
    /// How many distinct denials were told.
    pub denials: usize,
}

/// One use of a right, or an attempt at one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Use {
    /// A clock was read.
    Clock(Clock),
    /// A connection was made, or a datagram sent.
    Connect {
        /// Where to.
        address: SocketAddr,
        /// The names that resolved to the address in this run.
        names: Vec<String>,
    },
    /// The environment was read, as a whole: which variable mattered cannot be seen from outside.
    Env {
        /// The variables that were there.
        names: Vec<String>,
    },
    /// A file or folder was used.
    Fs {
        /// Where the program sees it.
        path: String,
        /// What for.
        access: Access,
    },
    /// A web request was sent.
    Http {
        /// Its method.
        method: String,
        /// Its URL, without a query.
        url: String,
    },
    /// A service was to be offered.
    Listen,
    /// A name was looked up.
    Lookup {
        /// The name.
        name: String,
    },
    /// A socket was to be made while no host is granted at all.
    Network,
    /// Random numbers were drawn.
    Random,
}

/// Why a use was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// The package declares it, and the user has not granted it.
    NotGranted,
    /// The path leads out of what was granted.
    Outside,
    /// The package's own files are read-only.
    PackageFiles,
    /// The user refused it.
    Refused,
    /// The package does not declare it.
    Undeclared,
    /// No program may do this.
    Unsupported,
}

impl Use {
    /// The kind of capability that it belongs to.
    pub fn kind(&self) -> CapabilityKind {
        match self {
            Self::Clock(_) => CapabilityKind::Clock,
            Self::Connect { .. } | Self::Listen | Self::Lookup { .. } | Self::Network => {
                CapabilityKind::Net
            }
            Self::Env { .. } => CapabilityKind::Env,
            Self::Fs { .. } => CapabilityKind::Fs,
            Self::Http { .. } => CapabilityKind::Http,
            Self::Random => CapabilityKind::Random,
        }
    }
}

impl Reason {
    /// A word for records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotGranted => "not-granted",
            Self::Outside => "outside",
            Self::PackageFiles => "package-files",
            Self::Refused => "refused",
            Self::Undeclared => "undeclared",
            Self::Unsupported => "unsupported",
        }
    }
}

/// The error with which a program ends when its uses can no longer be recorded.
#[derive(Clone, Debug, thiserror::Error)]
#[error("record what the program does: {reason}")]
pub struct Unrecorded {
    reason: String,
}

/// Tells listeners what happens. Clones tell the same ones; the default tells nobody.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Option<Arc<Mutex<State>>>);

struct State {
    listeners: Vec<Box<dyn Listener>>,
    began: Instant,
    used: BTreeSet<Use>,
    denied: BTreeSet<(Use, Reason)>,
    /// Why the run has to end.
    stop: Option<Stop>,
    over: bool,
}

#[derive(Clone)]
enum Stop {
    Full,
    Unrecorded(Unrecorded),
}

impl Recorder {
    /// Adds a listener.
    pub(crate) fn add(&mut self, listener: Box<dyn Listener>) {
        let state = self.0.get_or_insert_with(|| {
            Arc::new(Mutex::new(State {
                listeners: Vec::new(),
                began: Instant::now(),
                used: BTreeSet::new(),
                denied: BTreeSet::new(),
                stop: None,
                over: false,
            }))
        });
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.listeners.push(listener);
    }

    /// Whether somebody listens.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The run begins.
    pub(crate) fn started(&self, started: &Started<'_>) -> Result<(), Unrecorded> {
        let Some(mut state) = self.lock() else {
            return Ok(());
        };
        state.tell(What::Started(started));
        match &state.stop {
            Some(Stop::Unrecorded(why)) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    /// A right is used. The use is put together only if somebody listens.
    pub(crate) fn used(&self, one: impl FnOnce() -> Use) -> wasmtime::Result<()> {
        let Some(mut state) = self.lock() else {
            return Ok(());
        };
        let one = one();
        if !state.used.contains(&one) && state.has_room() {
            state.tell(What::Used(&one));
            state.used.insert(one);
        }
        state.go_on()
    }

    /// A use was denied. Whether the run may go on is asked afterwards, with [`Recorder::go_on`].
    pub(crate) fn denied(&self, one: impl FnOnce() -> (Use, Reason)) {
        let Some(mut state) = self.lock() else {
            return;
        };
        let one = one();
        if !state.denied.contains(&one) && state.has_room() {
            state.tell(What::Denied(&one.0, one.1));
            state.denied.insert(one);
        }
    }

    /// Ends the program if something could not be recorded.
    pub(crate) fn go_on(&self) -> wasmtime::Result<()> {
        self.lock().map_or(Ok(()), |state| state.go_on())
    }

    /// The run is over. Only the first call tells.
    pub(crate) fn ended(
        &self,
        reached: Option<LimitReached>,
        outcome: &'static str,
        code: i32,
        fuel: Option<u64>,
    ) -> Result<(), Unrecorded> {
        // The time limit is told while the program's thread may be in the middle of telling.
        let Some(mut state) = self.lock_within(PATIENCE) else {
            return Ok(());
        };
        if std::mem::replace(&mut state.over, true) {
            return Ok(());
        }
        if let Some(limit) = reached {
            state.tell(What::Reached(limit));
        }
        let ended = Ended {
            outcome,
            code,
            fuel,
            uses: state.used.len(),
            denials: state.denied.len(),
        };
        state.tell(What::Ended(&ended));
        match &state.stop {
            Some(Stop::Unrecorded(why)) => Err(why.clone()),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> Option<MutexGuard<'_, State>> {
        let state = self.0.as_ref()?;
        Some(state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn lock_within(&self, patience: Duration) -> Option<MutexGuard<'_, State>> {
        let state = self.0.as_ref()?;
        let began = Instant::now();
        loop {
            match state.try_lock() {
                Ok(state) => return Some(state),
                Err(TryLockError::Poisoned(state)) => return Some(state.into_inner()),
                Err(TryLockError::WouldBlock) if began.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(TryLockError::WouldBlock) => return None,
            }
        }
    }
}

impl State {
    fn tell(&mut self, what: What<'_>) {
        let event = Event {
            at: self.began.elapsed(),
            what,
        };
        for listener in &mut self.listeners {
            if let Err(error) = listener.hear(&event) {
                let reason = error.to_string();
                self.stop = Some(Stop::Unrecorded(Unrecorded { reason }));
            }
        }
    }

    fn has_room(&mut self) -> bool {
        let room = self.used.len() + self.denied.len() < MAX_RECORDED;
        if !room {
            self.stop.get_or_insert(Stop::Full);
        }
        room
    }

    fn go_on(&self) -> wasmtime::Result<()> {
        match &self.stop {
            None => Ok(()),
            Some(Stop::Full) => Err(wasmtime::Error::new(LimitReached::Recorded)),
            Some(Stop::Unrecorded(why)) => Err(wasmtime::Error::new(why.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
