//! How much a program may write to files, all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use wasmtime_wasi::p2::{DynOutputStream, OutputStream, Pollable, StreamError, StreamResult};

use crate::limits::LimitReached;

/// What is left of the write limit. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    left: Arc<AtomicU64>,
    limit: u64,
}

impl Quota {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            left: Arc::new(AtomicU64::new(limit)),
            limit,
        }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes what is about to be written.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), LimitReached> {
        let less = |left: u64| left.checked_sub(bytes);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .map(drop)
            .map_err(|_| LimitReached::Write { limit: self.limit })
    }

    /// Gives back what was taken and not written after all.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The same stream, counted.
    pub(crate) fn meter(&self, stream: DynOutputStream) -> DynOutputStream {
        Box::new(Metered {
            stream,
            quota: self.clone(),
        })
    }
}

/// An output stream of a file.
struct Metered {
    stream: DynOutputStream,
    quota: Quota,
}

impl Metered {
    fn take(&self, bytes: &Bytes) -> StreamResult<()> {
        self.quota
            .take(bytes.len() as u64)
            .map_err(|limit| StreamError::Trap(wasmtime::Error::new(limit)))
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Metered {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.stream.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.stream.check_write()
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes)?;
        self.stream.blocking_write_and_flush(bytes).await
    }

    async fn cancel(&mut self) {
        self.stream.cancel().await;
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Metered {
    async fn ready(&mut self) {
        self.stream.ready().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_pass_the_limit_is_not_taken_at_all() {
        let quota = Quota::new(10);
        assert!(quota.take(6).is_ok());
        assert_eq!(
            quota.clone().take(5),
            Err(LimitReached::Write { limit: 10 })
        );
        quota.give_back(1);
        assert!(quota.take(5).is_ok());
        assert!(quota.take(1).is_err() && quota.take(0).is_ok());
    }
}
