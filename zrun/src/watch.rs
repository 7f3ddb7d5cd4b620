//! The time limit. Beside a program with which its process ends waits a thread, which costs nothing while it waits;
//! programs that share a process share a [`Timekeeper`].

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::fs::discard;
use crate::limits::LimitReached;
use crate::timekeeper::{Appointment, Timekeeper};

/// What ends the process at the time limit.
pub(crate) type OnTime = Box<dyn FnOnce(LimitReached) + Send>;

/// A time limit that is being kept; dropping it ends the watch.
pub(crate) enum Watch {
    /// The process ends at the limit, by the action of a thread of its own.
    Action(Arc<State>),
    /// The program is interrupted at the limit.
    Interruption(Appointment),
}

#[derive(Default)]
pub(crate) struct State {
    over: Mutex<bool>,
    woken: Condvar,
}

impl Watch {
    /// Starts to wait. At the limit the action is taken if there is one, else the program is interrupted.
    /// `leftover` is a directory to remove first when the process is about to end.
    pub(crate) fn start(
        limit: Duration,
        keeper: &Arc<Timekeeper>,
        action: Option<OnTime>,
        leftover: Option<PathBuf>,
    ) -> io::Result<Option<Self>> {
        // A limit beyond what a clock can express is no limit.
        let Some(end) = Instant::now().checked_add(limit) else {
            return Ok(None);
        };
        let Some(action) = action else {
            return Ok(Some(Self::Interruption(keeper.appoint(end)?)));
        };
        let state = Arc::new(State::default());
        let watched = Arc::clone(&state);
        let wait = move || {
            // Held while the action is taken: nobody is told that the run is over in time any more.
            let Some(_late) = watched.wait_until(end) else {
                return;
            };
            if let Some(leftover) = leftover {
                let _ = discard(&leftover);
            }
            action(LimitReached::Time { limit });
        };
        thread::Builder::new()
            .name("zrun-time".to_owned())
            .stack_size(128 * 1024)
            .spawn(wait)?;
        Ok(Some(Self::Action(state)))
    }

    /// Ends the watch of a process that is about to end: the thread is left to wait.
    pub(crate) fn abandon(self) {
        if let Self::Action(state) = &self {
            *state.over() = true;
        }
        std::mem::forget(self);
    }

    /// What the program's interruption looks at, unless an action ends the process.
    pub(crate) fn expired(&self) -> Option<Arc<AtomicBool>> {
        match self {
            Self::Action(_) => None,
            Self::Interruption(appointment) => Some(appointment.expired()),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Self::Action(state) = self {
            *state.over() = true;
            state.woken.notify_one();
        }
    }
}

impl State {
    fn over(&self) -> MutexGuard<'_, bool> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end; `None` if the run was over before.
    fn wait_until(&self, end: Instant) -> Option<MutexGuard<'_, bool>> {
        let mut over = self.over();
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
