//! `run`: obtain, verify, ask, run (spec/capabilities.md, "Consent").

pub(super) mod consent;
mod learn;

use std::ffi::OsString;
use std::path::Path;

use serde_json::json;
use zero_format::{Artifact, Digest, Metadata, SecretKey, Verified};
use zrun::{
    Audit, AuditRun, Cache, Decision, EngineOptions, FILE, Grants, Io, Limits, Program, RunError,
    Runner, exports,
};

use super::target::{self, Target};
use super::verify;
use crate::build::{self, Signing};
use crate::cli::Run;
use crate::host::Session;
use crate::packages::{self, Obtained, Wish};
use crate::project::Project;
use crate::report::{Class, Failure, Output, Report};
use learn::Lesson;

/// A verified program, and who vouches for it.
pub(super) struct Subject {
    pub(super) artifact: Verified<Artifact>,
    /// The registry's origin, or [`FILE`].
    pub(super) registry: String,
    /// What the run is to teach; of one's own project only.
    lesson: Option<Lesson>,
}

impl From<Obtained> for Subject {
    fn from(obtained: Obtained) -> Self {
        Self {
            artifact: obtained.artifact,
            registry: obtained.resolution.origin,
            lesson: None,
        }
    }
}

/// A program that may run: what vouches for it, what it may do, and its own arguments.
pub(super) struct Allowed {
    subject: Subject,
    pub(super) decision: Decision,
    pub(super) limits: Limits,
    options: EngineOptions,
    args: Vec<OsString>,
}

impl Allowed {
    pub(super) fn metadata(&self) -> &Metadata {
        self.subject.artifact.metadata()
    }

    pub(super) fn registry(&self) -> &str {
        &self.subject.registry
    }

    /// Compiles it, or finds its code. The process of a program that is run ends with it, so nothing has to be able to
    /// interrupt that one; zrun uses the same code.
    pub(super) fn load(&self, session: &Session, interruptible: bool) -> Result<Program, Failure> {
        let _step = session.output.step("compiling");
        let options = EngineOptions {
            interruptible,
            ..self.options
        };
        load(session, &self.subject.artifact, options)
    }
}

/// Obtains and verifies what the command line names; without a target, this project.
pub(super) fn subject(
    session: &Session,
    run: &Run,
    target: Option<&str>,
) -> Result<Subject, Failure> {
    let Some(text) = target else {
        return project(session, run);
    };
    if run.args.learn.is_some() {
        return Err(
            Failure::usage("`--learn` is for the project that you are in")
                .hint("cargo zero run --learn -- ARGUMENTS, in the folder of its Zero.toml"),
        );
    }
    match Target::parse(text)? {
        Target::File(path) => file(session, &path),
        Target::Package(package) => {
            let wish = Wish {
                locked: run.args.locked,
                update: run.args.update,
                min_age: run.args.min_age,
            };
            packages::remembered(session, text, &package, wish).map(Subject::from)
        }
    }
}

/// Obtains what the command line names, verifies it, and asks for what is not granted yet.
pub(super) fn allow(
    session: &Session,
    run: &Run,
    arguments: &[OsString],
) -> Result<Allowed, Failure> {
    let (target, args) = split(&run.args, arguments)?;
    let subject = subject(session, run, target.as_deref())?;
    allow_subject(session, run, subject, args, arguments)
}

/// Asks for what is not granted yet. `arguments` is what the user typed.
fn allow_subject(
    session: &Session,
    run: &Run,
    subject: Subject,
    args: Vec<OsString>,
    arguments: &[OsString],
) -> Result<Allowed, Failure> {
    let metadata = subject.artifact.metadata();
    let decision = match &subject.lesson {
        // A lesson asks nothing: what the flags do not grant is denied, and learned all the same.
        Some(_) => consent::by_flags(run, &subject),
        None => consent::decide_or_ask(session, run, &subject, arguments)?,
    };
    warn_beyond(session, &decision);
    let (limits, options) = (
        run.args.limits(&metadata.limits),
        run.args.engine(&metadata.limits),
    );
    Ok(Allowed {
        subject,
        decision,
        limits,
        options,
        args,
    })
}

/// Says which grants do nothing.
pub(super) fn warn_beyond(session: &Session, decision: &Decision) {
    for what in &decision.beyond {
        session.output.warn(&format!(
            "the package does not declare {what}: that grant does nothing"
        ));
    }
}

pub(crate) fn run(session: &Session, run: &Run, arguments: &[OsString]) -> Result<Report, Failure> {
    let run = &resolved(run)?;
    let (target, args) = split(&run.args, arguments)?;
    let subject = subject(session, run, target.as_deref())?;
    if let Some(shown) = shown(session, run, &subject, target.as_deref(), &args)? {
        return Ok(shown);
    }
    start(session, run, subject, args, arguments)
}

/// Help for `--invoke` asks for nothing: it comes from the signed metadata.
fn shown(
    session: &Session,
    run: &Run,
    subject: &Subject,
    target: Option<&str>,
    args: &[OsString],
) -> Result<Option<Report>, Failure> {
    let Some(invoke) = &run.args.invoke else {
        return Ok(None);
    };
    if !exports::is_asked(invoke, args) {
        return Ok(None);
    }
    let options = run.args.engine(&subject.artifact.metadata().limits);
    let functions = load(session, &subject.artifact, options)?.exports();
    let target = target.map_or_else(|| String::from("--"), exports::quoted);
    let command =
        |name: &str| format!("cargo zero run --invoke {} {target}", exports::quoted(name));
    let shown = exports::asked(&functions, invoke, args, &command);
    Ok(shown.map(|(functions, text)| Report::new(json!({ "exports": functions }), text)))
}

/// Asks what has to be asked, and runs the program with these arguments of its own. `arguments` is what the user typed.
pub(super) fn start(
    session: &Session,
    run: &Run,
    subject: Subject,
    args: Vec<OsString>,
    arguments: &[OsString],
) -> Result<Report, Failure> {
    let allowed = allow_subject(session, run, subject, args, arguments)?;
    let program = allowed.load(session, false)?;
    let Allowed {
        subject,
        decision,
        limits,
        args,
        ..
    } = allowed;
    let lesson = &subject.lesson;
    let output = session.output;
    let audit = audit(session, run, &decision.grants, &args)?;
    let mut runner = Runner::new(&program)
        .grants(decision.grants)
        .limits(limits)
        .strict(run.args.grants.strict);
    runner = runner
        // What is denied in a lesson stands in its report.
        .quiet(session.output.quiet || lesson.is_some())
        .io(Io::inherit())
        .on_time_limit(at_time_limit(output, lesson.clone()));
    if let Some(lesson) = lesson {
        runner = runner.listen(lesson.listener());
    }
    if let Some(seed) = run.args.deterministic {
        runner = runner.deterministic(seed);
    }
    if let Some(audit) = audit {
        runner = runner.registry(&subject.registry).listen(audit);
    }
    if let Some(export) = &run.args.invoke {
        let called = runner.call_text(export, &texts(&args)?);
        if let Some(lesson) = lesson {
            lesson.end()?;
        }
        let called = called.map_err(|error| ended(&error))?;
        return Ok(Report::new(
            json!({ "export": export, "result": called.to_json() }),
            called.to_text(),
        ));
    }
    let outcome = runner.args(args).run();
    if let Some(lesson) = lesson {
        lesson.end()?;
    }
    let outcome = outcome.map_err(|error| ended(&error))?;
    // A shell shows eight bits of it, as it does for every program.
    Ok(Report::exit(u8::try_from(outcome.code & 0xff).unwrap_or(1)))
}

/// The flags with what the policy file says.
pub(super) fn resolved(run: &Run) -> Result<Run, Failure> {
    let args = run.args.clone().resolved().map_err(|error| {
        let class = match error.exit_code() {
            zrun::exit::USAGE => Class::Usage,
            zrun::exit::NOT_FOUND => Class::NotFound,
            _ => Class::Failed,
        };
        let mut failure = Failure::new(class, format!("failed to {error}")).hint_if(error.hint());
        if let Some(source) = std::error::Error::source(&error) {
            failure = failure.because(source);
        }
        match error.details() {
            Some(details) => failure.details(details),
            None => failure,
        }
    })?;
    Ok(Run { args })
}

/// The audit of this run, if the user wants one.
fn audit(
    session: &Session,
    run: &Run,
    grants: &Grants,
    args: &[OsString],
) -> Result<Option<AuditRun>, Failure> {
    let Some(audit) = audit_file(run, grants, args)? else {
        return Ok(None);
    };
    let run = audit
        .run(session.now)
        .map_err(|error| Failure::failed("cannot name the run").because(&error))?;
    Ok(Some(run))
}

/// The file that the user wants an audit in.
pub(super) fn audit_file(
    run: &Run,
    grants: &Grants,
    args: &[OsString],
) -> Result<Option<Audit>, Failure> {
    let open = |path| {
        Audit::open(path, grants, args).map_err(|error| {
            Failure::failed("cannot keep the audit")
                .because(&error)
                .hint_if(error.hint())
        })
    };
    run.args.audit.as_deref().map(open).transpose()
}

/// What to run, and the program's own arguments. `run -- ARGS` runs this project.
fn split(
    args: &zrun::RunArgs,
    arguments: &[OsString],
) -> Result<(Option<String>, Vec<OsString>), Failure> {
    // clap swallows a `--` that stands before the first word; what is left tells whether there was one.
    let before = arguments
        .len()
        .checked_sub(args.command.len() + 1)
        .and_then(|index| arguments.get(index));
    if !args.command.is_empty() && before.is_some_and(|word| word == "--") {
        return Ok((None, args.command.clone()));
    }
    let (target, rest) = args.split();
    let Some(target) = target else {
        return Ok((None, Vec::new()));
    };
    let text = target
        .to_str()
        .ok_or_else(|| Failure::usage("the package's name is not UTF-8"))?;
    if text.starts_with('-') {
        return Err(Failure::usage(format!("`run` has no option `{text}`"))
            .hint("options of the program itself stand after its name; `cargo zero run --help` lists those of `run`"));
    }
    Ok((Some(text.to_owned()), rest.to_vec()))
}

fn texts(args: &[OsString]) -> Result<Vec<String>, Failure> {
    let text = |argument: &OsString| {
        argument
            .to_str()
            .map(String::from)
            .ok_or_else(|| Failure::usage("an argument is not UTF-8"))
    };
    args.iter().map(text).collect()
}

/// What ends the process at the time limit; a lesson is told before.
fn at_time_limit(
    output: Output,
    lesson: Option<Lesson>,
) -> impl FnOnce(zrun::LimitReached) + Send + 'static {
    move |limit| {
        if let Some(Err(failure)) = lesson.as_ref().map(Lesson::end) {
            output.die(&failure);
        }
        output.die(&limit_failure(&limit));
    }
}

/// Builds the project and signs it with a key that only this user's runs know.
fn project(session: &Session, run: &Run) -> Result<Subject, Failure> {
    let mut project = Project::load(session)?;
    let lesson = Lesson::begin(session, &run.args, &project);
    if let Some(lesson) = &lesson {
        project = project.assuming(lesson.assumed().clone());
    }
    let built = build::build(session, &project, false)?;
    let secret = session.secret()?;
    let key = local_key(secret.as_bytes());
    let bytes = built.sign(Signing::With(&key))?;
    let artifact = target::decode(Path::new(&built.file_name()), bytes)?;
    Ok(Subject {
        artifact: verify::check(&built.file_name(), artifact, &[key.public_key()])?,
        registry: FILE.to_owned(),
        lesson,
    })
}

/// A key for one's own unpublished builds: the same for every build, so that consent given once is remembered.
fn local_key(secret: &[u8; 32]) -> SecretKey {
    let derive = |purpose: &[u8]| Digest::of(&[purpose, secret].concat());
    let (first, second) = (derive(b"zero local key 1\n"), derive(b"zero local key 2\n"));
    let mut entropy = [0; 40];
    for (to, from) in entropy
        .iter_mut()
        .zip(first.as_bytes().iter().chain(second.as_bytes()))
    {
        *to = *from;
    }
    SecretKey::generate(entropy)
}

/// A file given by path: one of the user's own keys, or of those that the user trusts, must have signed it.
fn file(session: &Session, path: &Path) -> Result<Subject, Failure> {
    let name = path.display().to_string();
    let artifact = target::decode(path, target::read(path)?)?;
    let artifact = verify::check(&name, artifact, &verify::trusted(session)?)?;
    Ok(Subject {
        artifact,
        registry: FILE.to_owned(),
        lesson: None,
    })
}

/// Makes a program ready, and its next start a fast one.
pub(super) fn load(
    session: &Session,
    artifact: &Verified<Artifact>,
    options: EngineOptions,
) -> Result<Program, Failure> {
    let cache = Cache::open(&session.home).map_err(|error| {
        Failure::failed("cannot use the cache")
            .because(&error)
            .hint_if(error.hint())
    })?;
    Program::load(artifact, options, &cache)
        .map_err(|error| Failure::failed("cannot run the program").because(&error))
}

fn limit_failure(limit: &zrun::LimitReached) -> Failure {
    Failure::new(Class::Limit, limit.to_string()).hint_if(limit.hint())
}

fn ended(error: &RunError) -> Failure {
    let class = match error.exit_code() {
        zrun::exit::LIMIT => Class::Limit,
        zrun::exit::TRAPPED => Class::Trapped,
        zrun::exit::USAGE => Class::Usage,
        zrun::exit::NOT_FOUND => Class::NotFound,
        _ => Class::Failed,
    };
    let message = match error {
        // These are whole sentences.
        RunError::Limit(limit) => limit.to_string(),
        error => format!("failed to {error}"),
    };
    let mut failure = Failure::new(class, message).hint_if(error.hint());
    if let Some(source) = std::error::Error::source(error) {
        failure = failure.because(source);
    }
    match error {
        RunError::Trap { backtrace, .. } => failure.details(backtrace.clone()),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The capabilities of a manifest with these lines.
    pub(super) fn capabilities(text: &str) -> zero_format::Capabilities {
        zero_format::Manifest::parse(&format!("[capabilities]\n{text}"))
            .unwrap()
            .capabilities
    }

    #[test]
    fn the_local_key_depends_on_the_secret_alone() {
        assert_eq!(
            local_key(&[1; 32]).public_key(),
            local_key(&[1; 32]).public_key()
        );
        assert_ne!(
            local_key(&[1; 32]).public_key(),
            local_key(&[2; 32]).public_key()
        );
    }
}
