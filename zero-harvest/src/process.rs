//! Child processes with limits: a compiler that is fed anything may run forever or take all memory.

use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Limits the address space of a child, and the files that it writes.
#[cfg(target_os = "linux")]
pub(crate) fn limit(child: &Child, memory: u64, file: u64) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    for (resource, bytes) in [(Resource::As, memory), (Resource::Fsize, file)] {
        let limit = Rlimit {
            current: Some(bytes),
            maximum: Some(bytes),
        };
        // A child that ended already needs no limit.
        let _ = prlimit(Some(Pid::from_child(child)), resource, limit);
    }
}

/// Other systems cannot limit a running process: there only time is limited.
#[cfg(not(target_os = "linux"))]
pub(crate) fn limit(_child: &Child, _memory: u64, _file: u64) {}

/// Whether a child ended because a file of it grew too large.
#[cfg(unix)]
pub(crate) fn wrote_too_much(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(rustix::process::Signal::XFSZ.as_raw())
}

/// Where files are not limited, nothing ends because of them.
#[cfg(not(unix))]
pub(crate) fn wrote_too_much(_status: ExitStatus) -> bool {
    false
}

/// Kills a child that takes too long, unless it is called off before.
#[derive(Debug)]
pub(crate) struct Watchdog(Option<(Sender<()>, JoinHandle<bool>)>);

impl Watchdog {
    /// Starts to watch. The child must not be waited for before [`Watchdog::call_off`]: until then its number is its
    /// own, whatever happens.
    #[cfg(unix)]
    pub(crate) fn new(child: &Child, limit: Duration) -> Self {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = Pid::from_child(child);
        let (sender, done) = mpsc::channel::<()>();
        let watcher = thread::spawn(move || {
            let late = done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if late {
                let _ = kill_process(pid, Signal::KILL);
            }
            late
        });
        Self(Some((sender, watcher)))
    }

    /// Without signals nothing can be watched from here.
    #[cfg(not(unix))]
    pub(crate) fn new(_child: &Child, _limit: Duration) -> Self {
        Self(None)
    }

    /// Stops watching; whether the child was killed.
    pub(crate) fn call_off(mut self) -> bool {
        let Some((sender, watcher)) = self.0.take() else {
            return false;
        };
        drop(sender);
        watcher.join().unwrap_or(false)
    }
}
