//! The time limit. A thread waits beside the program, costs nothing while it waits, and goes when the run ends.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use wasmtime::Engine;

use crate::host::fs::discard;
use crate::limits::LimitReached;

/// What ends the process at the time limit.
pub(crate) type OnTime = Box<dyn FnOnce(LimitReached) + Send>;

/// A time limit that is being kept; dropping it ends the watch.
pub(crate) struct Watch {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
    interrupts: bool,
}

#[derive(Default)]
struct State {
    over: Mutex<bool>,
    woken: Condvar,
    expired: Arc<AtomicBool>,
}

impl Watch {
    /// Starts to wait. At the limit the action is taken if there is one, else the engine's programs are interrupted.
    /// `leftover` is a directory to remove first when the process is about to end.
    pub(crate) fn start(
        limit: Duration,
        interruptible: Option<Engine>,
        action: Option<OnTime>,
        leftover: Option<PathBuf>,
    ) -> io::Result<Option<Self>> {
        // A limit beyond what a clock can express is no limit.
        let Some(end) = Instant::now().checked_add(limit) else {
            return Ok(None);
        };
        let state = Arc::new(State::default());
        let watched = Arc::clone(&state);
        let interrupts = action.is_none();
        let wait = move || {
            // Held while the action is taken: nobody is told that the run is over in time any more.
            let Some(_late) = watched.wait_until(end) else {
                return;
            };
            if let Some(action) = action {
                if let Some(leftover) = leftover {
                    let _ = discard(&leftover);
                }
                action(LimitReached::Time { limit });
            } else if let Some(engine) = interruptible {
                watched.expired.store(true, Ordering::Release);
                engine.increment_epoch();
            }
        };
        let thread = thread::Builder::new()
            .name("zrun-time".to_owned())
            .stack_size(128 * 1024)
            .spawn(wait)?;
        Ok(Some(Self {
            state,
            thread: Some(thread),
            interrupts,
        }))
    }

    /// Ends the watch of a process that is about to end: the thread is left to wait.
    pub(crate) fn abandon(self) {
        *self
            .state
            .over
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        std::mem::forget(self);
    }

    /// What the program's interruption looks at, unless an action ends the process.
    pub(crate) fn expired(&self) -> Option<Arc<AtomicBool>> {
        self.interrupts.then(|| Arc::clone(&self.state.expired))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self
            .state
            .over
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.state.woken.notify_one();
        if self.interrupts
            && let Some(thread) = self.thread.take()
        {
            // Only a panic makes joining fail, and that thread does nothing that panics.
            let _ = thread.join();
        }
    }
}

impl State {
    /// Waits for the end; `None` if the run was over before.
    fn wait_until(&self, end: Instant) -> Option<MutexGuard<'_, bool>> {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if *over {
                return None;
            }
            let now = Instant::now();
            let Some(left) = end
                .checked_duration_since(now)
                .filter(|left| !left.is_zero())
            else {
                return Some(over);
            };
            over = self
                .woken
                .wait_timeout(over, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
