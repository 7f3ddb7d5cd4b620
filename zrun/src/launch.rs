//! From the command line to the run. Every step that can be skipped is: flags are parsed only if there are some, an
//! artifact is verified and compiled only if no earlier run left a receipt and code.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use serde_json::{Value as Json, json};
use zero_format::{Artifact, Digest, PublicKey};
use zrun::{
    Audit, AuditRun, Cache, Decision, FILE, Home, Io, Program, Resolution, RunArgs, RunError,
    Runner, Trust, decide, exit,
};

use crate::failure::Failure;

/// Runs a .zero package with exactly what it declares and you grant
#[derive(Parser)]
#[command(name = "zrun", version, max_term_width = 100)]
#[command(
    after_help = "Examples:\n  zrun csvstat@1.2 data.csv\n  zrun --allow-fs ./data:ro=/data tool.zero\n  zrun serve echo@0.1\n\n\
    The program's own exit code passes through. What is not on this machine yet is fetched by `cargo zero run`."
)]
struct Cli {
    #[command(flatten)]
    run: RunArgs,
}

/// What to do when this program alone cannot run the package.
enum Stop {
    /// `cargo-zero` fetches, asks or explains.
    HandOver,
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

pub(crate) fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().skip(1).collect();
    // Starting a server is no warm path. A package of that name has a version behind it, or a registry before it.
    if let Some((first, rest)) = given.split_first()
        && first == "serve"
    {
        return hand_over("serve", rest).report(false);
    }
    let args = match parse(&given) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are "errors" of clap's, with code 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    let as_json = args.json;
    let stopped = match resolved(args).and_then(|args| launch(&args)) {
        Ok(code) => return code,
        Err(Stop::Failed(failure)) => failure,
        Err(Stop::HandOver) => hand_over("run", &given),
    };
    stopped.report(as_json)
}

/// Without a flag before the package there is nothing to parse.
fn parse(given: &[OsString]) -> Result<RunArgs, clap::Error> {
    let plain = given
        .first()
        .is_some_and(|first| !first.as_encoded_bytes().starts_with(b"-"));
    if plain {
        return Ok(RunArgs {
            command: given.to_vec(),
            ..RunArgs::default()
        });
    }
    let all = std::iter::once(OsString::from("zrun")).chain(given.iter().cloned());
    Cli::try_parse_from(all).map(|cli| cli.run)
}

/// The flags with what the policy file says.
fn resolved(args: RunArgs) -> Result<RunArgs, Stop> {
    args.resolved().map_err(|error| {
        let failure = Failure::of(error.exit_code(), &error).hint(error.hint());
        Stop::Failed(match error.details() {
            Some(details) => failure.details(details),
            None => failure,
        })
    })
}

fn launch(args: &RunArgs) -> Result<ExitCode, Stop> {
    if args.learn.is_some() {
        return Err(Stop::HandOver);
    }
    let (Some(target), rest) = args.split() else {
        let usage = Failure::new(exit::USAGE, "name a package or a .zero file");
        return Err(usage.hint(Some("zrun --help")).into());
    };
    // clap takes an unknown flag for the first word of the program's command line.
    if target.as_encoded_bytes().starts_with(b"-") {
        let usage = Failure::new(
            exit::USAGE,
            format!("zrun has no option `{}`", target.display()),
        );
        return Err(usage
            .hint(Some(
                "options of the program itself stand after its name; see zrun --help",
            ))
            .into());
    }
    let home = Home::locate(&environment)
        .and_then(|home| home.check().map(|()| home))
        .map_err(|error| Failure::of(error.exit_code(), &error).hint(error.hint()))?;
    let cache =
        Cache::open(&home).map_err(|error| Failure::of(exit::FAILED, &error).hint(error.hint()))?;
    let path = Path::new(target);
    if is_path(target) {
        let trust = Trust::load(&home).map_err(|error| Failure::of(exit::NOT_TRUSTED, &error))?;
        let subject = file(path, &trust.keys(), args, &cache)?;
        return start(args, rest, &cache, &subject);
    }
    let Some(selector) = target
        .to_str()
        .filter(|_| !args.update && args.registry.is_none())
    else {
        return Err(Stop::HandOver);
    };
    // Another default registry makes another package of the same name.
    if environment("ZERO_REGISTRY").is_some() {
        return Err(Stop::HandOver);
    }
    let resolution = cache
        .home()
        .recall(cache.secret(), selector)
        .ok_or(Stop::HandOver)?;
    if !holds(&resolution, args) {
        return Err(Stop::HandOver);
    }
    let subject = package(&resolution, args, &cache).ok_or(Stop::HandOver)?;
    start(args, rest, &cache, &subject)
}

/// What looks like a path is one; `cargo-zero` decides by the same rule.
fn is_path(target: &OsStr) -> bool {
    let path = Path::new(target);
    let named = path
        .extension()
        .is_some_and(|found| found == "zero" || found == "minisig" || found == "wasm");
    named || path.is_absolute() || target.as_encoded_bytes().starts_with(b".") || path.is_file()
}

/// A remembered answer holds while it is fresh; with `--locked` and `--offline` as long as the registry vouches.
fn holds(resolution: &Resolution, args: &RunArgs) -> bool {
    let now = now();
    resolution.is_fresh(now) || ((args.locked || args.offline) && now < resolution.head_expires)
}

/// A program, and who vouches for it.
struct Subject {
    program: Program,
    registry: String,
}

fn file(
    path: &Path,
    trusted: &[PublicKey],
    args: &RunArgs,
    cache: &Cache,
) -> Result<Subject, Failure> {
    let registry = FILE.to_owned();
    if let Some(digest) = recognised(path, cache)
        && let Some(program) = warm(&digest, trusted, args, cache)
    {
        return Ok(Subject { program, registry });
    }
    let bytes = read(path)?;
    let digest = Digest::of(&bytes);
    if let Some(program) = warm(&digest, trusted, args, cache) {
        // The next run is told what this one had to find out; without that it finds out again.
        let _ = cache.remember_file(&bytes, &digest);
        return Ok(Subject { program, registry });
    }
    let untrusted =
        |message: &str| Failure::new(exit::NOT_TRUSTED, format!("{} {message}", path.display()));
    let artifact = Artifact::decode(bytes).map_err(|error| {
        untrusted("is not a .zero file")
            .details(error.to_string())
            .hint(error.hint())
    })?;
    let artifact = zero_format::verify(artifact, trusted).map_err(|error| {
        untrusted("is not trusted")
            .details(error.to_string())
            .hint(Some(error.hint()))
    })?;
    let options = args.engine(&artifact.metadata().limits);
    let program = Program::load(&artifact, options, cache)
        .map_err(|error| Failure::of(exit::FAILED, &error))?;
    let _ = cache.remember_file(artifact.bytes(), &digest);
    Ok(Subject { program, registry })
}

/// What a file is if an earlier run left a note; whatever fails here fails again, with a message, when it is read.
fn recognised(path: &Path, cache: &Cache) -> Option<Digest> {
    let mut file = std::fs::File::open(path).ok()?;
    cache.recognise(&mut file).ok()?
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    use io::Read as _;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            exit::NOT_FOUND,
            format!("there is no file {}", path.display()),
        ),
        _ => Failure::new(exit::FAILED, format!("cannot read {}", path.display()))
            .details(error.to_string()),
    };
    let most = zero_format::limits::MAX_ARTIFACT;
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let size = usize::try_from(file.metadata().map_err(failed)?.len())
        .unwrap_or(usize::MAX)
        .min(most);
    // One system call for what is there, another that finds the end.
    let mut bytes = vec![0; size];
    file.read_exact(&mut bytes).map_err(failed)?;
    file.take((most - size) as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > most {
        return Err(Failure::new(
            exit::NOT_TRUSTED,
            format!("{} is larger than any artifact may be", path.display()),
        ));
    }
    Ok(bytes)
}

/// A program that an earlier run verified and compiled, if one of the trusted keys signed it.
fn warm(digest: &Digest, trusted: &[PublicKey], args: &RunArgs, cache: &Cache) -> Option<Program> {
    let receipt = cache.receipt(digest)?;
    if !receipt
        .signers
        .iter()
        .any(|signer| trusted.contains(signer))
    {
        return None;
    }
    let options = args.engine(&receipt.metadata.limits);
    Program::cached(&receipt, options, cache)
}

fn package(resolution: &Resolution, args: &RunArgs, cache: &Cache) -> Option<Subject> {
    let trusted = resolution.keys()?;
    let registry = resolution.origin.clone();
    if let Some(program) = warm(&resolution.digest, &trusted, args, cache) {
        return Some(Subject { program, registry });
    }
    // The artifact is still here, only its code is not.
    let artifact = Artifact::decode(read(&resolution.blob).ok()?).ok()?;
    if artifact.digest() != resolution.digest {
        return None;
    }
    let artifact = zero_format::verify(artifact, &trusted).ok()?;
    let options = args.engine(&artifact.metadata().limits);
    let program = Program::load(&artifact, options, cache).ok()?;
    Some(Subject { program, registry })
}

fn start(
    args: &RunArgs,
    rest: &[OsString],
    cache: &Cache,
    subject: &Subject,
) -> Result<ExitCode, Stop> {
    let program = &subject.program;
    // HTTP and TLS are no part of a program that has to start fast.
    if !zrun::HTTP && !program.metadata().capabilities.http.is_empty() {
        return Err(Stop::HandOver);
    }
    let decision = consented(args, cache.home(), subject).ok_or(Stop::HandOver)?;
    if !args.quiet {
        for what in &decision.beyond {
            eprint(&format!(
                "warning: the package does not declare {what}: that grant does nothing\n"
            ));
        }
    }
    let as_json = args.json;
    let audit = audit(args, &decision)?;
    let mut runner = Runner::new(program)
        .grants(decision.grants)
        .limits(args.limits(&program.metadata().limits))
        .strict(args.grants.strict)
        .quiet(args.quiet)
        .io(Io::inherit())
        .on_time_limit(move |limit| {
            let failure = Failure::new(exit::LIMIT, limit.to_string()).hint(limit.hint());
            failure.report(as_json);
            end(exit::LIMIT);
        });
    if let Some(seed) = args.deterministic {
        runner = runner.deterministic(seed);
    }
    if let Some(audit) = audit {
        runner = runner.registry(&subject.registry).listen(audit);
    }
    if let Some(export) = &args.invoke {
        return invoke(args, runner, export, rest).map_err(Stop::Failed);
    }
    let outcome = runner.args(rest).run().map_err(|error| ended(&error))?;
    // A shell shows eight bits of it, as it does for every program.
    // Nothing is left to flush; the system takes memory back faster than we could.
    end(u8::try_from(outcome.code & 0xff).unwrap_or(exit::FAILED))
}

/// The audit of this run, if the user wants one.
fn audit(args: &RunArgs, decision: &Decision) -> Result<Option<AuditRun>, Failure> {
    let Some(path) = &args.audit else {
        return Ok(None);
    };
    let audit = Audit::open(path, &decision.grants)
        .map_err(|error| Failure::of(exit::FAILED, &error).hint(error.hint()))?;
    let run = audit.run(now()).map_err(|error| {
        Failure::new(exit::FAILED, "cannot name the run").details(error.to_string())
    })?;
    Ok(Some(run))
}

/// What the run may use by flags and by stored consent; `None` if something is left to ask.
fn consented(args: &RunArgs, home: &Home, subject: &Subject) -> Option<Decision> {
    let metadata = subject.program.metadata();
    let declared = &metadata.capabilities;
    let variable = |name: &str| environment(name).and_then(|value| value.into_string().ok());
    let asked = args.grants.asked();
    let decision = decide(declared, &asked, &variable);
    if decision.outstanding.is_empty() {
        return Some(decision);
    }
    let signer = subject.program.signers().first()?;
    let name = &metadata.package.name;
    let consent = home.consent_for(&subject.registry, name, signer, declared)?;
    let decision = decide(declared, &consent.add_to(asked), &variable);
    decision.outstanding.is_empty().then_some(decision)
}

fn invoke(
    args: &RunArgs,
    runner: Runner<'_>,
    export: &str,
    rest: &[OsString],
) -> Result<ExitCode, Failure> {
    let text = |argument: &OsString| argument.to_str().map(str::to_owned);
    let texts: Option<Vec<String>> = rest.iter().map(text).collect();
    let texts = texts.ok_or_else(|| Failure::new(exit::USAGE, "an argument is not UTF-8"))?;
    let called = runner
        .call_text(export, &texts)
        .map_err(|error| ended(&error))?;
    let result = called.to_json();
    let printed = if args.json {
        format!(
            "{}\n",
            json!({ "ok": true, "export": export, "result": result })
        )
    } else {
        lines(&result)
    };
    let mut stdout = io::stdout().lock();
    let written = io::Write::write_all(&mut stdout, printed.as_bytes())
        .and_then(|()| io::Write::flush(&mut stdout));
    written.map_err(|error| {
        Failure::new(exit::FAILED, "cannot write the results").details(error.to_string())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// One result a line, text as it is.
fn lines(result: &Json) -> String {
    match result {
        Json::Null => String::new(),
        Json::Array(all) => all.iter().map(lines).collect(),
        Json::String(text) => format!("{text}\n"),
        other => format!("{other}\n"),
    }
}

fn ended(error: &RunError) -> Failure {
    let failure = match error {
        // These are whole sentences.
        RunError::Limit(limit) => Failure::new(exit::LIMIT, limit.to_string()),
        error => Failure::of(error.exit_code(), error),
    };
    let failure = failure.hint(error.hint());
    match error {
        RunError::Trap { backtrace, .. } => failure.details(backtrace.clone()),
        _ => failure,
    }
}

/// Becomes `cargo-zero` with the same arguments; comes back only if there is none.
fn hand_over(subcommand: &str, given: &[OsString]) -> Failure {
    let mut tried = None;
    for program in companions() {
        let mut command = std::process::Command::new(&program);
        command.arg(subcommand).args(given);
        match replace(&mut command) {
            error if error.kind() == io::ErrorKind::NotFound => {}
            error => tried = Some(format!("{}: {error}", program.display())),
        }
    }
    let failure = Failure::new(
        exit::NOT_FOUND,
        "the package has to be fetched or allowed first, and `cargo-zero`, which does that, is not here",
    );
    match tried {
        Some(why) => failure.details(why),
        None => failure.hint(Some("install it beside zrun: cargo install cargo-zero")),
    }
}

/// `cargo-zero` beside this program, then the one on PATH.
fn companions() -> Vec<PathBuf> {
    let name = format!("cargo-zero{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe()
        .ok()
        .and_then(|own| Some(own.parent()?.join(&name)));
    beside.into_iter().chain([PathBuf::from(name)]).collect()
}

#[cfg(unix)]
fn replace(command: &mut std::process::Command) -> io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

#[cfg(not(unix))]
fn replace(command: &mut std::process::Command) -> io::Error {
    match command.status() {
        Ok(status) => {
            let code = status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(exit::FAILED);
            end(code);
        }
        Err(error) => error,
    }
}

/// Ends the process at once.
#[expect(
    clippy::exit,
    reason = "the program is over, or in the middle of a call that nothing else interrupts"
)]
fn end(code: u8) -> ! {
    std::process::exit(code.into())
}

fn eprint(text: &str) {
    // A closed stderr is no reason to stop.
    let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge where the environment is read"
)]
fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge where the clock is read"
)]
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
