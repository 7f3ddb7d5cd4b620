//! One run of a program: grants and limits in, an exit code out.

mod arguments;
mod backtrace;
mod call;
mod ended;
mod error;
mod start;
mod store;

pub use call::Called;
pub use error::RunError;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::audit::{Listener, Recorder, Started};
use crate::host::denial::Said;
use crate::host::stdio::Io;
use crate::limits::{LimitReached, Limits};
use crate::policy::Grants;
use crate::program::{Code, Program};
use crate::timekeeper::Cancel;
use crate::watch::OnTime;

/// A run that is being prepared. Without further ado it has no rights, no streams and the default limits.
///
/// ```
/// use zrun::{Capture, EngineOptions, Io, Program, Runner};
/// # let wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x0a\x01\x06_start\0\0\x0a\x04\x01\x02\0\x0b";
/// # let metadata = zero_format::Metadata::new(
/// #     zero_format::Kind::Module,
/// #     zero_format::Package::new("hello".parse()?, "1.0.0".parse()?),
/// # );
/// # let key = zero_format::SecretKey::generate([7; 40]);
/// # let bytes = zero_format::sign(&zero_format::assemble(wasm, &metadata, None)?, &[&key])?;
/// # let publisher = key.public_key();
/// let artifact = zero_format::Artifact::decode(bytes)?;
/// let verified = zero_format::verify(artifact, &[publisher])?;
/// let program = Program::compile(&verified, EngineOptions::default())?;
///
/// let stdout = Capture::default();
/// let outcome = Runner::new(&program)
///     .args(["--help"])
///     .io(Io { stdout: stdout.output(), ..Io::default() })
///     .run()?;
/// assert_eq!(outcome.code, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Runner<'a> {
    program: &'a Program,
    name: Option<String>,
    args: Vec<OsString>,
    grants: Grants,
    limits: Limits,
    io: Io,
    strict: bool,
    quiet: bool,
    scratch: Option<PathBuf>,
    on_time: Option<OnTime>,
    recorder: Recorder,
    registry: Option<String>,
    said: Said,
    cancel: Option<Cancel>,
    seed: Option<u64>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The program's exit code.
    pub code: i32,
    /// Units of work, if they were counted.
    pub fuel: Option<u64>,
}

impl<'a> Runner<'a> {
    /// Prepares a run.
    pub fn new(program: &'a Program) -> Self {
        Self {
            program,
            name: None,
            args: Vec::new(),
            grants: Grants::default(),
            limits: Limits::of(
                &program.metadata().limits,
                &crate::limits::Ceiling::default(),
            ),
            io: Io::default(),
            strict: false,
            quiet: false,
            scratch: None,
            on_time: None,
            recorder: Recorder::default(),
            registry: None,
            said: Said::default(),
            cancel: None,
            seed: None,
        }
    }

    /// The arguments, without the program's name.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// The name that the program sees as its own, instead of the package's.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What it may use; see [`crate::decide`].
    #[must_use]
    pub fn grants(mut self, grants: Grants) -> Self {
        self.grants = grants;
        self
    }

    /// What it may use up.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Says nothing that another run has said.
    #[cfg(feature = "http")]
    pub(crate) fn said(mut self, said: Said) -> Self {
        self.said = said;
        self
    }

    /// Its standard streams.
    #[must_use]
    pub fn io(mut self, io: Io) -> Self {
        self.io = io;
        self
    }

    /// Traps at the first denied use.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Says nothing about denied uses.
    #[must_use]
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// A private directory for the files that a run is given; a program that was loaded with a cache uses that.
    #[must_use]
    pub fn scratch(mut self, dir: impl Into<PathBuf>) -> Self {
        self.scratch = Some(dir.into());
        self
    }

    /// What is to happen at the time limit, instead of an error from [`Runner::run`]. It is called on another thread
    /// while the program still runs, perhaps in the middle of a call that waits: it has to end the process.
    #[must_use]
    pub fn on_time_limit(mut self, action: impl FnOnce(LimitReached) + Send + 'static) -> Self {
        self.on_time = Some(Box::new(action));
        self
    }

    /// Lets the run be stopped from another thread; it then ends with [`RunError::Cancelled`].
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// Tells somebody what the program does with its rights; may be called for several.
    #[must_use]
    pub fn listen(mut self, listener: impl Listener + 'static) -> Self {
        self.recorder.add(Box::new(listener));
        self
    }

    /// The registry that vouches for the program, for those who listen.
    #[must_use]
    pub fn registry(mut self, origin: impl Into<String>) -> Self {
        self.registry = Some(origin.into());
        self
    }

    /// Makes clocks and random numbers from a seed: two runs with the same input give the same bytes. The program has
    /// to be compiled for it, see [`crate::EngineOptions::deterministic`].
    #[must_use]
    pub fn deterministic(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// When the program traps, reaches a limit, or cannot be started.
    pub fn run(self) -> Result<Outcome, RunError> {
        let recorder = self.begin()?;
        let outcome = self.check().and_then(|()| match self.program.code() {
            Code::Component(component) => self.run_component(component),
            Code::Module(module) => self.run_module(module),
        });
        let end = outcome.as_ref().map(|outcome| (outcome.code, outcome.fuel));
        told(&recorder, end)?;
        outcome
    }

    /// Tells those who listen that the run begins, and at its time limit that it is over.
    fn begin(&self) -> Result<Recorder, RunError> {
        self.recorder.started(&Started {
            package: &self.program.metadata().package,
            digest: self.program.digest(),
            signers: self.program.signers(),
            registry: self.registry.as_deref(),
            grants: &self.grants,
            limits: &self.limits,
        })?;
        Ok(self.recorder.clone())
    }

    fn check(&self) -> Result<(), RunError> {
        let options = self.program.options();
        if self.limits.fuel.is_some() && !options.fuel {
            return Err(RunError::FuelUncounted);
        }
        if self.seed.is_some() && !options.deterministic {
            return Err(RunError::NotDeterministic);
        }
        let ends_process = self.on_time.is_some() && self.cancel.is_none();
        if !options.interruptible && !ends_process {
            return Err(RunError::Uninterruptible);
        }
        if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return Err(RunError::Cancelled);
        }
        Ok(())
    }
}

/// Tells those who listen how the run ended.
fn told(recorder: &Recorder, end: Result<(i32, Option<u64>), &RunError>) -> Result<(), RunError> {
    let told = match end {
        Ok((code, fuel)) => recorder.ended(None, "exit", code, fuel),
        Err(error) => {
            let reached = match error {
                RunError::Limit(limit) => Some(*limit),
                _ => None,
            };
            recorder.ended(reached, error.code(), error.exit_code().into(), None)
        }
    };
    Ok(told?)
}
