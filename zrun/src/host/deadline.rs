//! The time limit inside calls that wait, for runs that share their process with others.
//!
//! A process that ends with its program needs none of this: its time limit ends the process, wherever it is.

use std::time::{Duration, Instant};

use wasmtime_wasi::runtime::{in_tokio, poll_noop};

use crate::limits::LimitReached;

/// Until when a call may wait; the default is for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline(Option<(Instant, Duration)>);

impl Deadline {
    /// From now on for so long. What no clock can express is for ever.
    pub(crate) fn after(limit: Duration) -> Self {
        Self(Instant::now().checked_add(limit).map(|end| (end, limit)))
    }

    /// Lets a wait of so long begin. One that would pass the deadline is waited for until then, and ends the program.
    pub(crate) fn allow(self, wait: Duration) -> wasmtime::Result<()> {
        let Some((end, limit)) = self.0 else {
            return Ok(());
        };
        let left = end.saturating_duration_since(Instant::now());
        if wait < left {
            return Ok(());
        }
        std::thread::sleep(left);
        Err(wasmtime::Error::new(LimitReached::Time { limit }))
    }

    /// Runs a future to its end, without a runtime if it does not wait, and at most until the deadline. It must need
    /// none to begin, as timers do.
    pub(crate) fn drive<F: Future>(self, future: F) -> wasmtime::Result<F::Output> {
        let mut future = std::pin::pin!(future);
        match poll_noop(future.as_mut()) {
            Some(output) => Ok(output),
            None => self.wait(future),
        }
    }

    /// Runs a future in the shared runtime, at most until the deadline.
    pub(crate) fn wait<F: Future>(self, future: F) -> wasmtime::Result<F::Output> {
        let Some((end, limit)) = self.0 else {
            return Ok(in_tokio(future));
        };
        // The timer belongs to the runtime from the moment it is made, so it is made inside.
        in_tokio(async move { tokio::time::timeout_at(end.into(), future).await })
            .map_err(|_| wasmtime::Error::new(LimitReached::Time { limit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_never_ends_is_left_at_the_deadline() {
        let limit = Duration::from_millis(10);
        let error = Deadline::after(limit)
            .drive(std::future::pending::<()>())
            .unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&LimitReached::Time { limit }));
        assert_eq!(Deadline::default().drive(async { 5 }).unwrap(), 5);
    }
}
