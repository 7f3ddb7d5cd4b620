//! Time limits and cancellation of runs that share a process: one thread for all runs of a program, which is there while
//! some run waits for its limit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::{Engine, EngineWeak};

/// How long the thread stays when there is nothing to wait for: runs that follow each other do not start it again.
const LINGER: Duration = Duration::from_secs(1);

/// Keeps the time limits of the runs of one engine.
pub(crate) struct Timekeeper {
    engine: Engine,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    next: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    /// By end, then by run.
    ends: BTreeMap<(Instant, u64), Arc<AtomicBool>>,
    /// When the thread wakes next; `None` if there is none.
    wakes: Option<Instant>,
}

/// The time limit of one run; dropping it ends the wait.
pub(crate) struct Appointment {
    keeper: Arc<Timekeeper>,
    key: (Instant, u64),
    expired: Arc<AtomicBool>,
}

impl Timekeeper {
    pub(crate) fn new(engine: Engine) -> Arc<Self> {
        Arc::new(Self {
            engine,
            waiting: Mutex::default(),
            changed: Condvar::new(),
            next: AtomicU64::new(0),
        })
    }

    /// Interrupts the engine's programs at `end`, of which the one that finds its own flag set has to stop.
    pub(crate) fn appoint(self: &Arc<Self>, end: Instant) -> std::io::Result<Appointment> {
        let key = (end, self.next.fetch_add(1, Ordering::Relaxed));
        let expired = Arc::new(AtomicBool::new(false));
        let mut waiting = self.waiting();
        match waiting.wakes {
            None => {
                let keeper = Arc::clone(self);
                thread::Builder::new()
                    .name("zrun-time".to_owned())
                    .stack_size(128 * 1024)
                    .spawn(move || keeper.keep())?;
                waiting.wakes = Some(end);
            }
            Some(wakes) if end < wakes => self.changed.notify_one(),
            Some(_) => {}
        }
        waiting.ends.insert(key, Arc::clone(&expired));
        drop(waiting);
        Ok(Appointment {
            keeper: Arc::clone(self),
            key,
            expired,
        })
    }

    fn keep(&self) {
        let mut waiting = self.waiting();
        let mut idle_since = None;
        loop {
            let now = Instant::now();
            let mut due = false;
            while let Some(entry) = waiting.ends.first_entry()
                && entry.key().0 <= now
            {
                entry.remove().store(true, Ordering::Release);
                due = true;
            }
            if due {
                self.engine.increment_epoch();
            }
            let until = match waiting.ends.first_key_value() {
                Some(((end, _), _)) => {
                    idle_since = None;
                    *end
                }
                None => *idle_since.get_or_insert(now) + LINGER,
            };
            let Some(left) = until
                .checked_duration_since(now)
                .filter(|left| !left.is_zero())
            else {
                waiting.wakes = None;
                return;
            };
            waiting.wakes = Some(until);
            waiting = self
                .changed
                .wait_timeout(waiting, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Appointment {
    /// What the program's interruption looks at.
    pub(crate) fn expired(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.expired)
    }
}

impl Drop for Appointment {
    fn drop(&mut self) {
        self.keeper.waiting().ends.remove(&self.key);
    }
}

/// Stops runs from another thread, for good: a run that is given a used one ends at once. Clones are one and the same.
///
/// It interrupts WebAssembly; a call of the host that waits, for example for input, is interrupted when it returns.
///
/// ```
/// # use zrun::Cancel;
/// let cancel = Cancel::default();
/// let button = cancel.clone();
/// std::thread::spawn(move || button.cancel()).join().unwrap();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct Cancel(Arc<Cancelled>);

#[derive(Default)]
struct Cancelled {
    flag: AtomicBool,
    /// Where programs run that have to be interrupted.
    engines: Mutex<Vec<EngineWeak>>,
}

impl Cancel {
    /// Stops every run that was given this.
    pub fn cancel(&self) {
        self.0.flag.store(true, Ordering::Release);
        for engine in self.engines().iter().filter_map(EngineWeak::upgrade) {
            engine.increment_epoch();
        }
    }

    /// Whether [`Cancel::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.flag.load(Ordering::Acquire)
    }

    /// A run of this engine looks at it.
    pub(crate) fn covers(&self, engine: &Engine) {
        let mut engines = self.engines();
        engines.retain(|known| known.upgrade().is_some());
        let known = |known: &EngineWeak| {
            let known = known.upgrade();
            known.is_some_and(|known| Engine::same(&known, engine))
        };
        if !engines.iter().any(known) {
            engines.push(engine.weak());
        }
    }

    fn engines(&self) -> MutexGuard<'_, Vec<EngineWeak>> {
        self.0
            .engines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}
