//! From the command line to the run. Every step that can be skipped is: flags are parsed only if there are some, an
//! artifact is verified and compiled only if no earlier run left a receipt and code.

mod companion;
mod subject;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use serde_json::json;
use zero_format::{PackageName, PackageRef};
use zrun::{
    Audit, AuditRun, Cache, Decision, Home, Io, LockFile, Program, Resolution, RunArgs, RunError,
    Runner, Trust, called_as, exit, exports,
};

use crate::failure::Failure;
use companion::hand_over;
use subject::Subject;

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
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    let given: Vec<OsString> = words.collect();
    if let Some(name) = called_as(&program) {
        return as_launcher(&name, given);
    }
    // Starting a server is no warm path. A package of that name has a version behind it, or a registry before it.
    if given.first().is_some_and(|first| first == "serve") {
        return hand_over(given).report(false);
    }
    let (args, given) = match parse(&given) {
        Ok(args) => listing(args, given),
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
        Err(Stop::HandOver) => hand_over(std::iter::once("run".into()).chain(given)),
    };
    stopped.report(as_json)
}

/// What is called by the name of an installed package is that package.
fn as_launcher(name: &PackageName, given: Vec<OsString>) -> ExitCode {
    match installed(name, &given) {
        Ok(code) => code,
        Err(Stop::Failed(failure)) => failure.report(false),
        Err(Stop::HandOver) => {
            let words = ["launch".into(), name.as_str().into(), "--".into()];
            hand_over(words.into_iter().chain(given)).report(false)
        }
    }
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

/// `--invoke PACKAGE` without anything to call in it asks for what can be called. In `given` it is written as
/// `cargo-zero` takes it, for which a lone word is a function of the project it stands in.
fn listing(mut args: RunArgs, mut given: Vec<OsString>) -> (RunArgs, Vec<OsString>) {
    let target = args
        .invoke
        .take_if(|name| args.command.is_empty() && !name.is_empty());
    if let Some(target) = target {
        let joined = format!("--invoke={target}");
        // Its value is one word with the flag, or the word behind it.
        if let Some(at) = given.iter().position(|word| *word == *joined) {
            given.remove(at);
        } else if let Some(at) = given.iter().position(|word| word == "--invoke") {
            given.drain(at..given.len().min(at + 2));
        }
        given.extend(["--invoke=".into(), target.clone().into()]);
        args.invoke = Some(String::new());
        args.command = vec![target.into()];
    }
    (args, given)
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
    let cache = open_cache()?;
    let path = Path::new(target);
    if is_path(target) {
        let trust =
            Trust::load(cache.home()).map_err(|error| Failure::of(exit::NOT_TRUSTED, &error))?;
        let subject = subject::file(path, &trust.keys(), args, &cache)?;
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
    // What is old enough now may not have been then.
    if args.min_age.is_some() {
        return Err(Stop::HandOver);
    }
    let resolution = recall(&cache, selector)?;
    if !holds(&resolution, args) {
        return Err(Stop::HandOver);
    }
    let subject = subject::package(&resolution, args, &cache).ok_or(Stop::HandOver)?;
    start(args, rest, &cache, &subject)
}

/// The answer that was remembered for a selector; within a project that locks it, for the version that is locked.
fn recall(cache: &Cache, selector: &str) -> Result<Resolution, Stop> {
    let recall = |selector: &str| cache.home().recall(cache.secret(), selector);
    // Whatever fails here fails again in `cargo-zero`, with a message.
    let folder = std::env::current_dir().map_err(|_| Stop::HandOver)?;
    let Some(lock) = LockFile::nearest(&folder).map_err(|_| Stop::HandOver)? else {
        return recall(selector).ok_or(Stop::HandOver);
    };
    let request: PackageRef = selector.parse().map_err(|_| Stop::HandOver)?;
    // Only `cargo-zero` knows which registry a name stands for; the remembered answer says which one gave it.
    let found = lock.find(&request, None).find_map(|entry| {
        let selector = entry.exactly(request.registry()).to_string();
        recall(&selector).filter(|found| entry.is(found))
    });
    found.ok_or(Stop::HandOver)
}

/// Runs what a launcher stands for: everything on its command line belongs to the program.
fn installed(launcher: &PackageName, given: &[OsString]) -> Result<ExitCode, Stop> {
    let cache = open_cache()?;
    let installed = cache
        .home()
        .installed(cache.secret(), launcher)
        .ok_or_else(|| {
            let missing = Failure::new(
                exit::NOT_FOUND,
                format!("no package is installed as `{launcher}`"),
            );
            missing.hint(Some(
                "`cargo zero list` shows what is installed; ZERO_HOME must be what it was when it was installed",
            ))
        })?;
    // From time to time somebody has to ask whether the version still stands.
    if !installed.resolution.is_fresh(now()) {
        return Err(Stop::HandOver);
    }
    let args = RunArgs::default();
    let subject = subject::package(&installed.resolution, &args, &cache).ok_or(Stop::HandOver)?;
    start(&args, given, &cache, &subject)
}

fn open_cache() -> Result<Cache, Failure> {
    let home = Home::locate(&environment)
        .and_then(|home| home.check().map(|()| home))
        .map_err(|error| Failure::of(error.exit_code(), &error).hint(error.hint()))?;
    Cache::open(&home).map_err(|error| Failure::of(exit::FAILED, &error).hint(error.hint()))
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

fn start(
    args: &RunArgs,
    rest: &[OsString],
    cache: &Cache,
    subject: &Subject,
) -> Result<ExitCode, Stop> {
    let program = &subject.program;
    if let Some(shown) = shown(args, rest, program)? {
        return Ok(shown);
    }
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
    let audit = audit(args, &decision, rest)?;
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
fn audit(
    args: &RunArgs,
    decision: &Decision,
    rest: &[OsString],
) -> Result<Option<AuditRun>, Failure> {
    let Some(path) = &args.audit else {
        return Ok(None);
    };
    let audit = Audit::open(path, &decision.grants, rest)
        .map_err(|error| Failure::of(exit::FAILED, &error).hint(error.hint()))?;
    let run = audit.run(now()).map_err(|error| {
        Failure::new(exit::FAILED, "cannot name the run").details(error.to_string())
    })?;
    Ok(Some(run))
}

/// What the run may use by flags and by stored consent; `None` if something is left to ask.
fn consented(args: &RunArgs, home: &Home, subject: &Subject) -> Option<Decision> {
    let metadata = subject.program.metadata();
    let who = (
        subject.registry.as_str(),
        &metadata.package.name,
        subject.program.signers().first(),
    );
    let variable = |name: &str| environment(name).and_then(|value| value.into_string().ok());
    let asked = args.grants.asked();
    let decision = home.decide(who, &metadata.capabilities, asked, &variable);
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
    let printed = if args.json {
        let result = called.to_json();
        format!(
            "{}\n",
            json!({ "ok": true, "export": export, "result": result })
        )
    } else {
        called.to_text()
    };
    print(&printed)
}

/// Help for `--invoke` asks for nothing: it comes from the signed metadata.
fn shown(
    args: &RunArgs,
    rest: &[OsString],
    program: &Program,
) -> Result<Option<ExitCode>, Failure> {
    let (Some(invoke), (Some(target), _)) = (&args.invoke, args.split()) else {
        return Ok(None);
    };
    if !exports::is_asked(invoke, rest) {
        return Ok(None);
    }
    let target = exports::quoted(&target.to_string_lossy());
    let command = |name: &str| format!("zrun --invoke {} {target}", exports::quoted(name));
    let functions = program.exports();
    let Some((functions, text)) = exports::asked(&functions, invoke, rest, &command) else {
        return Ok(None);
    };
    let text = if args.json {
        format!("{}\n", json!({ "ok": true, "exports": functions }))
    } else {
        text
    };
    print(&text).map(Some)
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    let mut stdout = io::stdout().lock();
    let written = io::Write::write_all(&mut stdout, text.as_bytes())
        .and_then(|()| io::Write::flush(&mut stdout));
    match written {
        // A reader that went away (`| head`) is no error of ours.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(
            exit::FAILED,
            "cannot write to standard output",
        )
        .details(error.to_string())),
        _ => Ok(ExitCode::SUCCESS),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_package_is_asked_what_can_be_called_wherever_its_flag_stands() {
        for words in [
            &["--invoke", "pkg"][..],
            &["--invoke=pkg"],
            &["--invoke", "pkg", "--json"],
            &["--invoke=pkg", "--json"],
            &["--json", "--invoke", "pkg"],
        ] {
            let given: Vec<OsString> = words.iter().map(OsString::from).collect();
            let is_listing = |args: &RunArgs| {
                args.invoke.as_deref() == Some("") && args.command == [OsString::from("pkg")]
            };
            let (args, given) = listing(parse(&given).expect("a command line"), given);
            assert!(is_listing(&args), "{words:?}");
            // The program that may have to go on is given words that mean the same by themselves.
            let again = parse(&given).expect("a command line");
            assert!(is_listing(&again) && again.json == args.json, "{given:?}");
        }
    }
}
