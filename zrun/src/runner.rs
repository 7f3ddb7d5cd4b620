//! One run of a program: grants and limits in, an exit code out.

mod call;

pub use call::Called;
pub(crate) use call::Given;

use std::ffi::OsString;
use std::path::PathBuf;

use wasmtime::component::ResourceTableError;
use wasmtime::{Instance, Module, Store, Trap, UpdateDeadline, Val, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use zero_format::Export;

use crate::exit;
use crate::host::denial::{Denials, DeniedTrap};
use crate::host::fs::{OutputError, View, ViewError};
use crate::host::stdio::{Io, Streams};
use crate::host::{self, Shared, p1, p2};
use crate::limits::{LimitReached, Limits};
use crate::policy::Grants;
use crate::program::{Code, Program};
use crate::value::{Value, ValueError};
use crate::watch::{OnTime, Watch};

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
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The program's exit code.
    pub code: i32,
    /// Units of work, if they were counted.
    pub fuel: Option<u64>,
}

/// Why a run did not end by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The number of arguments of an export is another.
    #[error("call {export}: it takes {expected} arguments, {given} were given")]
    Arguments {
        /// The export.
        export: String,
        /// How many it takes.
        expected: usize,
        /// How many there are.
        given: usize,
        /// How it is to be called.
        usage: String,
    },
    /// An argument of an export is of another type.
    #[error("call {export}")]
    Argument {
        /// The export.
        export: String,
        /// What is wrong with it.
        source: ValueError,
        /// How it is to be called.
        usage: String,
    },
    /// A use that was denied, with `--strict` or in a function that cannot fail.
    #[error("run the program: it used what it may not use")]
    Denied {
        /// What it tried.
        source: DeniedTrap,
    },
    /// The runtime itself failed.
    #[error("run the program: {reason}")]
    Engine {
        /// What wasmtime says.
        reason: String,
    },
    /// A fuel limit needs a program that was compiled to count.
    #[error("limit the fuel: the program was not compiled to count it")]
    FuelUncounted,
    /// An import that no version of WASI has.
    #[error("run the program: it imports `{module}` `{name}`, which nothing provides")]
    Import {
        /// The module of the import.
        module: String,
        /// Its name.
        name: String,
    },
    /// What the program wrote cannot be put where it belongs.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A limit was reached.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// There is no such export.
    #[error("find the export `{export}`")]
    NoExport {
        /// The export.
        export: String,
        /// Those that there are.
        exports: Vec<String>,
    },
    /// The program is a library: nothing in it is to be started.
    #[error("start the program: it is a library")]
    NotACommand {
        /// What can be called.
        exports: Vec<String>,
    },
    /// Exports of components cannot be called from the command line.
    #[error("call {export}: exports can be called in modules only, and this is a component")]
    ComponentExport {
        /// The export.
        export: String,
    },
    /// The program trapped.
    #[error("run the program: {reason}")]
    Trap {
        /// Which trap.
        reason: String,
        /// The calls that led there, innermost first, one a line.
        backtrace: String,
    },
    /// Nothing would stop the program at its time limit.
    #[error("limit the time: the program was not compiled to be interrupted")]
    Uninterruptible,
    /// Its file system cannot be built.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A program with files needs a directory of its own.
    #[error("run the program: it may use files, and no directory for private copies was given")]
    NoScratch,
}

impl RunError {
    /// The exit code that stands for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Limit(_) => exit::LIMIT,
            Self::Denied { .. } | Self::Trap { .. } => exit::TRAPPED,
            Self::Argument { .. } | Self::Arguments { .. } => exit::USAGE,
            Self::NoExport { .. } => exit::NOT_FOUND,
            Self::View(ViewError::Grant { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                exit::NOT_FOUND
            }
            _ => exit::FAILED,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Argument { usage, .. } | Self::Arguments { usage, .. } => Some(usage.clone()),
            Self::Limit(limit) => limit.hint(),
            Self::NoExport { exports, .. } | Self::NotACommand { exports }
                if !exports.is_empty() =>
            {
                Some(format!(
                    "call one of its exports with --invoke: {}",
                    exports.join(", ")
                ))
            }
            Self::Output(output) => output.hint(),
            Self::View(view) => view.hint(),
            _ => None,
        }
    }

    /// A name for programs to match on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Argument { .. } | Self::Arguments { .. } => "usage",
            Self::Denied { .. } => "denied",
            Self::Limit(_) => "limit",
            Self::NoExport { .. } => "not-found",
            Self::Trap { .. } => "trapped",
            _ => "failed",
        }
    }
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

    /// Runs the program to its end.
    ///
    /// # Errors
    /// When the program traps, reaches a limit, or cannot be started.
    pub fn run(self) -> Result<Outcome, RunError> {
        self.check()?;
        match self.program.code() {
            Code::Component(component) => self.run_component(component),
            Code::Module(module) => self.run_module(module),
        }
    }

    fn check(&self) -> Result<(), RunError> {
        let options = self.program.options();
        if self.limits.fuel.is_some() && !options.fuel {
            return Err(RunError::FuelUncounted);
        }
        if !options.interruptible && self.on_time.is_none() {
            return Err(RunError::Uninterruptible);
        }
        Ok(())
    }

    /// Reads the arguments of an export by its own type; those with documented names may be `NAME=VALUE`.
    fn values(&self, module: &Module, export: &str, args: &[String]) -> Result<Vec<Val>, RunError> {
        let Some(ty) = module.get_export(export).and_then(|ty| ty.func().cloned()) else {
            let exports = functions(module);
            return Err(RunError::NoExport {
                export: export.to_owned(),
                exports,
            });
        };
        let documented = self.program.metadata().export(export);
        let usage = usage(export, documented, &ty);
        let expected = ty.params().len();
        if args.len() != expected {
            let (export, given) = (export.to_owned(), args.len());
            return Err(RunError::Arguments {
                export,
                expected,
                given,
                usage,
            });
        }
        let ordered = in_order(documented, args);
        let parse = |(ty, text): (_, &&str)| Value::parse(text, &ty).map(Value::to_val);
        let values: Result<_, _> = ty.params().zip(&ordered).map(parse).collect();
        values.map_err(|source| RunError::Argument {
            export: export.to_owned(),
            source,
            usage,
        })
    }

    fn run_module(self, module: &Module) -> Result<Outcome, RunError> {
        if module.get_export("_start").is_none() {
            return Err(RunError::NotACommand {
                exports: functions(module),
            });
        }
        let (mut run, watch) = self.store_p1(module)?;
        let limits = run.limits;
        let ended_with = instantiate(&mut run.store, module).and_then(|instance| {
            instance
                .get_typed_func::<(), ()>(&mut run.store, "_start")?
                .call(&mut run.store, ())
        });
        let left = run.store.get_fuel().ok();
        let outcome = outcome(ended_with.map(|()| 0), &limits, left);
        put_away(run.store, |host| &mut host.shared, watch, &outcome)?;
        outcome
    }

    fn run_component(
        mut self,
        component: &wasmtime::component::Component,
    ) -> Result<Outcome, RunError> {
        let (mut store, watch) = self.store_p2(component)?;
        let ended_with = p2::linker(self.program.engine(), component)
            .and_then(|linker| {
                wasmtime_wasi::p2::bindings::sync::Command::instantiate(
                    &mut store, component, &linker,
                )
            })
            .and_then(|command| command.wasi_cli_run().call_run(&mut store));
        let left = store.get_fuel().ok();
        let code = ended_with.map(|result| i32::from(result.is_err()));
        let outcome = outcome(code, &self.limits, left);
        put_away(store, |host| &mut host.shared, watch, &outcome)?;
        outcome
    }

    fn store_p2(
        &mut self,
        component: &wasmtime::component::Component,
    ) -> Result<(Store<p2::Host>, Option<Watch>), RunError> {
        let engine = self.program.engine();
        let (view, args) = self.view(p2::needs_files(engine, component))?;
        let watch = self.watch(&view)?;
        let (shared, net) = {
            let io = std::mem::take(&mut self.io);
            let streams = Streams::new(io, self.limits.output);
            let denials = self.denials(&streams);
            let net = host::net::Net::new(self.grants.net.clone(), denials.clone());
            (
                Shared::new(&self.grants, &self.limits, denials, streams, view),
                net,
            )
        };
        let mut builder = host::context(&args, &self.grants, &shared.streams, &shared.view)
            .map_err(|error| engine_error(&error))?;
        net.apply(&mut builder);
        let mut store = Store::new(engine, p2::Host::new(builder.build(), shared, net));
        store.limiter(|host| &mut host.shared.meter);
        arm(&mut store, &self.limits, watch.as_ref());
        Ok((store, watch))
    }

    fn store_p1(mut self, module: &Module) -> Result<(RunP1, Option<Watch>), RunError> {
        let needs_files = module
            .imports()
            .any(|import| import.module() == p1::MODULE && p1::needs_files(import.name()));
        let (view, args) = self.view(needs_files)?;
        let watch = self.watch(&view)?;
        let streams = Streams::new(std::mem::take(&mut self.io), self.limits.output);
        let denials = self.denials(&streams);
        let shared = Shared::new(&self.grants, &self.limits, denials, streams, view);
        let mut builder = host::context(&args, &self.grants, &shared.streams, &shared.view)
            .map_err(|error| engine_error(&error))?;
        let mut store = Store::new(
            self.program.engine(),
            p1::Host::new(builder.build_p1(), shared),
        );
        store.limiter(|host| &mut host.shared.meter);
        arm(&mut store, &self.limits, watch.as_ref());
        Ok((
            RunP1 {
                store,
                limits: self.limits,
            },
            watch,
        ))
    }

    /// The file system and the arguments, the program's name first.
    fn view(&self, needs_files: bool) -> Result<(View, Vec<String>), RunError> {
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| self.program.metadata().package.name.to_string());
        let (view, args) = if needs_files {
            let scratch = self
                .scratch
                .as_deref()
                .or(self.program.scratch())
                .ok_or(RunError::NoScratch)?;
            View::build(scratch, &self.grants, self.program.bundled(), &self.args)?
        } else {
            View::none(&self.args)?
        };
        Ok((view, std::iter::once(name).chain(args).collect()))
    }

    fn denials(&self, streams: &Streams) -> Denials {
        let declared = self.program.metadata().capabilities.clone();
        Denials::new(
            declared,
            self.grants.refused.clone(),
            streams.stderr(),
            self.quiet,
            self.strict,
        )
    }

    fn watch(&mut self, view: &View) -> Result<Option<Watch>, RunError> {
        let interruptible = self
            .program
            .options()
            .interruptible
            .then(|| self.program.engine().clone());
        Watch::start(
            self.limits.time,
            interruptible,
            self.on_time.take(),
            view.staging(),
        )
        .map_err(|error| RunError::Engine {
            reason: format!("the time limit cannot be kept: {error}"),
        })
    }
}

struct RunP1 {
    store: Store<p1::Host>,
    limits: Limits,
}

/// Keeps what a program that ended well has written, and releases what the run used. Of a process that ends with its
/// program only the files have to go.
fn put_away<T>(
    mut store: Store<T>,
    shared: impl FnOnce(&mut T) -> &mut Shared,
    watch: Option<Watch>,
    outcome: &Result<Outcome, RunError>,
) -> Result<(), RunError> {
    let ends_process = watch
        .as_ref()
        .is_some_and(|watch| watch.expired().is_none());
    match watch {
        Some(watch) if ends_process => watch.abandon(),
        // From here on no limit of time may interfere.
        other => drop(other),
    }
    let shared = shared(store.data_mut());
    let kept = shared.keep_outputs(outcome.as_ref().ok().map(|outcome| outcome.code));
    if ends_process {
        drop(std::mem::take(&mut shared.view));
        std::mem::forget(store);
    }
    kept.map_err(|error| match error {
        OutputError::Limit(limit) => limit.into(),
        error => error.into(),
    })
}

/// Sets the limits that are the store's to keep.
fn arm<T>(store: &mut Store<T>, limits: &Limits, watch: Option<&Watch>) {
    if let Some(fuel) = limits.fuel {
        // `check` has made sure that fuel is counted.
        let _ = store.set_fuel(fuel);
    }
    if let Some(expired) = watch.and_then(Watch::expired) {
        let limit = limits.time;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            // The engine may be shared with other runs, whose time has come before ours.
            if expired.load(std::sync::atomic::Ordering::Acquire) {
                return Err(wasmtime::Error::new(LimitReached::Time { limit }));
            }
            Ok(UpdateDeadline::Continue(1))
        });
    }
}

fn instantiate(store: &mut Store<p1::Host>, module: &Module) -> wasmtime::Result<Instance> {
    let mut imports = Vec::with_capacity(module.imports().len());
    for import in module.imports() {
        let function = if import.module() == p1::MODULE {
            p1::function(store, import.name())
        } else {
            None
        };
        let function = function.ok_or_else(|| wasmtime::Error::new(UnknownImport::of(&import)))?;
        imports.push(function.into());
    }
    Instance::new(store, module, &imports)
}

#[derive(Debug, thiserror::Error)]
#[error("unknown import")]
struct UnknownImport {
    module: String,
    name: String,
}

impl UnknownImport {
    fn of(import: &wasmtime::ImportType<'_>) -> Self {
        Self {
            module: import.module().to_owned(),
            name: import.name().to_owned(),
        }
    }
}

fn call_if_there(
    store: &mut Store<p1::Host>,
    instance: &Instance,
    name: &str,
) -> wasmtime::Result<()> {
    match instance.get_typed_func::<(), ()>(&mut *store, name) {
        Ok(function) => function.call(store, ()),
        Err(_) => Ok(()),
    }
}

fn gone(export: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the export {export} is gone"))
}

fn unprintable(export: &str) -> RunError {
    RunError::Engine {
        reason: format!("{export} returned something that is not a number"),
    }
}

fn engine_error(error: &wasmtime::Error) -> RunError {
    RunError::Engine {
        reason: format!("{error:#}"),
    }
}

fn outcome(
    code: wasmtime::Result<i32>,
    limits: &Limits,
    left: Option<u64>,
) -> Result<Outcome, RunError> {
    let fuel = used(limits, left);
    let code = match code {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => exit.0,
            None => return Err(ended(error, limits)),
        },
    };
    Ok(Outcome { code, fuel })
}

fn used(limits: &Limits, left: Option<u64>) -> Option<u64> {
    limits
        .fuel
        .zip(left)
        .map(|(limit, left)| limit.saturating_sub(left))
}

/// Names what ended a program.
fn ended(error: wasmtime::Error, limits: &Limits) -> RunError {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return RunError::Limit(*limit);
    }
    if let Some(import) = error.downcast_ref::<UnknownImport>() {
        return RunError::Import {
            module: import.module.clone(),
            name: import.name.clone(),
        };
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let limit = limits.handles;
        return LimitReached::Handles { limit }.into();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            return LimitReached::Fuel {
                fuel: limits.fuel.unwrap_or_default(),
            }
            .into();
        }
        Some(Trap::StackOverflow) => return LimitReached::Stack.into(),
        _ => {}
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(frames);
    if error.is::<DeniedTrap>() {
        return match error.downcast::<DeniedTrap>() {
            Ok(source) => RunError::Denied { source },
            Err(error) => engine_error(&error),
        };
    }
    let reason = error.root_cause().to_string();
    match backtrace {
        Some(backtrace) => RunError::Trap { reason, backtrace },
        None => engine_error(&error),
    }
}

fn frames(backtrace: &WasmBacktrace) -> String {
    let name = |frame: &wasmtime::FrameInfo| match frame.func_name() {
        Some(name) => wasmtime_demangled(name),
        None => format!("function {}", frame.func_index()),
    };
    let lines: Vec<String> = backtrace
        .frames()
        .iter()
        .map(|frame| format!("at {}", name(frame)))
        .collect();
    lines.join("\n")
}

/// Names come from the program: they must not move the cursor.
fn wasmtime_demangled(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn functions(module: &Module) -> Vec<String> {
    let functions = module
        .exports()
        .filter(|export| export.ty().func().is_some());
    functions.map(|export| export.name().to_owned()).collect()
}

fn usage(export: &str, documented: Option<&Export>, ty: &wasmtime::FuncType) -> String {
    let mut text = format!("{export} takes");
    for (at, ty) in ty.params().enumerate() {
        let name = documented
            .and_then(|export| export.params.get(at))
            .map(|param| param.name.as_str());
        text.push_str(&name.map_or_else(|| format!(" {ty}"), |name| format!(" {name}:{ty}")));
    }
    if ty.params().len() == 0 {
        text.push_str(" no arguments");
    }
    text
}

/// Arguments in the order of the parameters: `NAME=VALUE` goes to its name, the others fill the gaps.
fn in_order<'t>(documented: Option<&Export>, args: &'t [String]) -> Vec<&'t str> {
    let Some(export) = documented.filter(|export| export.params.len() == args.len()) else {
        return args.iter().map(String::as_str).collect();
    };
    let at = |name: &str| export.params.iter().position(|param| param.name == name);
    let named = |text: &'t str| {
        text.split_once('=')
            .and_then(|(name, value)| Some((at(name)?, value)))
    };
    let mut slots: Vec<Option<&str>> = vec![None; args.len()];
    let mut rest = Vec::new();
    for text in args {
        match named(text) {
            Some((at, value)) if slots.get(at) == Some(&None) => {
                if let Some(slot) = slots.get_mut(at) {
                    *slot = Some(value);
                }
            }
            _ => rest.push(text.as_str()),
        }
    }
    let mut rest = rest.into_iter();
    slots
        .into_iter()
        .filter_map(|slot| slot.or_else(|| rest.next()))
        .collect()
}
