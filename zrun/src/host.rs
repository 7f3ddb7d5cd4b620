//! What a running program meets instead of the operating system. Nothing here is ambient: everything is built from
//! the grants of one run.

pub(crate) mod deadline;
pub(crate) mod denial;
pub(crate) mod fs;
#[cfg(feature = "http")]
pub(crate) mod http;
pub(crate) mod net;
pub(crate) mod p1;
pub(crate) mod p2;
pub(crate) mod quota;
pub(crate) mod stdio;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;

use wasmtime_wasi::runtime::{in_tokio, poll_noop};
use wasmtime_wasi::{HostWallClock, WasiCtxBuilder};
use zero_format::Access;

use crate::audit::{Recorder, Use};
use crate::limits::{Limits, Meter};
use crate::policy::Grants;
use deadline::Deadline;
use denial::Denials;
use fs::{OutputError, View};
use quota::Quota;
use stdio::Streams;

/// What both versions of WASI share in one run.
pub(crate) struct Shared {
    pub(crate) meter: Meter,
    pub(crate) quota: Quota,
    /// How long the run may take: no single step of it may take longer.
    #[cfg(feature = "http")]
    pub(crate) time: std::time::Duration,
    /// How many files, sockets and streams may be open.
    pub(crate) handles: u64,
    pub(crate) denials: Denials,
    pub(crate) recorder: Recorder,
    pub(crate) deadline: Deadline,
    pub(crate) streams: Streams,
    pub(crate) view: View,
    pub(crate) wall_clock: bool,
    pub(crate) monotonic_clock: bool,
    pub(crate) random: bool,
    /// The names of the variables that it sees; known only if somebody listens.
    env: Vec<String>,
    /// Guest paths of open directories: by file descriptor in preview 1, by resource number in preview 2.
    pub(crate) directories: BTreeMap<u32, String>,
}

impl Shared {
    pub(crate) fn new(
        grants: &Grants,
        limits: &Limits,
        denials: Denials,
        streams: Streams,
        view: View,
    ) -> Self {
        let recorder = denials.recorder().clone();
        let env = if recorder.is_on() {
            grants.env.iter().map(|(name, _)| name.clone()).collect()
        } else {
            Vec::new()
        };
        Self {
            meter: Meter::new(limits),
            quota: Quota::new(limits.write),
            #[cfg(feature = "http")]
            time: limits.time,
            handles: limits.handles,
            denials,
            recorder,
            deadline: Deadline::default(),
            env,
            streams,
            view,
            wall_clock: grants.wall_clock,
            monotonic_clock: grants.monotonic_clock,
            random: grants.random,
            directories: BTreeMap::new(),
        }
    }

    /// The program reads its environment.
    pub(crate) fn reads_environment(&self) -> wasmtime::Result<()> {
        self.recorder.used(|| Use::Env {
            names: self.env.clone(),
        })
    }

    /// The program lists an open directory. The root holds only what was named: looking around there uses nothing.
    pub(crate) fn lists(&self, directory: u32) -> wasmtime::Result<()> {
        match self.directories.get(&directory) {
            Some(path) if path != "/" => self.uses_path(path, ".", Access::Read),
            _ => Ok(()),
        }
    }

    /// The program used a path below an open directory. Its package's own files are nobody's right.
    pub(crate) fn uses_path(&self, base: &str, path: &str, access: Access) -> wasmtime::Result<()> {
        if !self.recorder.is_on() {
            return Ok(());
        }
        let (path, _) = fs::join(base, path);
        if self.view.is_bundled(&path) {
            return Ok(());
        }
        self.recorder.used(|| Use::Fs { path, access })
    }
}

impl Shared {
    /// Keeps the outputs of a program that ended with code 0; tells the user what is not kept.
    pub(crate) fn keep_outputs(&mut self, code: Option<i32>) -> Result<(), OutputError> {
        let (lost, why) = if code == Some(0) {
            let why = "only files named as arguments are".to_owned();
            (self.view.keep(self.quota.limit())?, why)
        } else {
            let code = code.map_or_else(String::new, |code| format!(" with code {code}"));
            (self.view.unkept(), format!("the program ended{code}"))
        };
        for what in lost {
            self.denials.tell(&format!("not kept: {what} — {why}"));
        }
        Ok(())
    }
}

/// Everything about a run that the program can see, except its network.
pub(crate) fn context(
    args: &[String],
    grants: &Grants,
    streams: &Streams,
    view: &View,
) -> wasmtime::Result<WasiCtxBuilder> {
    let mut builder = WasiCtxBuilder::new();
    builder
        .args(args)
        .envs(&grants.env)
        .stdin(streams.stdin())
        .stdout(streams.stdout())
        .stderr(streams.stderr())
        // The program runs on a thread of its own; handing each file operation to a pool would only add latency.
        .allow_blocking_current_thread(true);
    if !grants.wall_clock {
        // Nothing that WASI computes from the clock may leak it.
        builder.wall_clock(Stopped);
    }
    for opened in view.preopens() {
        builder.preopened_dir(&opened.host, &opened.guest, opened.perms)?;
    }
    Ok(builder)
}

/// Runs a future that does not wait, without a runtime; one that waits after all gets the shared runtime.
fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match poll_noop(future.as_mut()) {
        Some(output) => output,
        None => in_tokio(future),
    }
}

/// The wall clock of a program that may not tell the time.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> std::time::Duration {
        std::time::Duration::from_secs(1)
    }

    fn now(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }
}
