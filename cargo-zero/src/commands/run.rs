//! `run`: obtain, verify, ask, run (spec/capabilities.md, "Consent").

mod consent;
mod learn;

use std::ffi::OsString;
use std::path::Path;

use zero_format::{
    Artifact, Digest, Metadata, PackageRef, PublicKey, SecretKey, Verified, Version,
};
use zero_registry::{ResolveOptions, Resolved};
use zrun::{
    Audit, AuditRun, Cache, Decision, EngineOptions, FILE, Grants, Io, Limits, Program, Resolution,
    RunError, Runner,
};

use super::target::{self, Target};
use super::verify;
use crate::build::{self, Signing};
use crate::cli::Run;
use crate::host::Session;
use crate::project::Project;
use crate::registries;
use crate::report::{Class, Failure, Output, Report};
use learn::Lesson;

/// A verified program, and who vouches for it.
struct Subject {
    artifact: Verified<Artifact>,
    /// The registry's origin, or [`FILE`].
    registry: String,
}

/// A program that may run: what vouches for it, what it may do, and its own arguments.
pub(super) struct Allowed {
    subject: Subject,
    pub(super) decision: Decision,
    pub(super) limits: Limits,
    options: EngineOptions,
    lesson: Option<Lesson>,
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

/// Obtains what the command line names, verifies it, and asks for what is not granted yet.
pub(super) fn allow(
    session: &Session,
    run: &Run,
    arguments: &[OsString],
) -> Result<Allowed, Failure> {
    let (target, args) = split(&run.args, arguments)?;
    let mut lesson = None;
    let subject = match target {
        None => project(session, run, &mut lesson)?,
        Some(_) if run.args.learn.is_some() => {
            return Err(
                Failure::usage("`--learn` is for the project that you are in")
                    .hint("cargo zero run --learn -- ARGUMENTS, in the folder of its Zero.toml"),
            );
        }
        Some(text) => match Target::parse(&text)? {
            Target::File(path) => file(session, &path)?,
            Target::Package(package) => package_of(session, run, &text, &package)?,
        },
    };
    let metadata = subject.artifact.metadata();
    let decision = match &lesson {
        // A lesson asks nothing: what the flags do not grant is denied, and learned all the same.
        Some(_) => consent::by_flags(run, &subject),
        None => consent::decide_or_ask(session, run, &subject, arguments)?,
    };
    for what in &decision.beyond {
        session.output.warn(&format!(
            "the package does not declare {what}: that grant does nothing"
        ));
    }
    let (limits, options) = (
        run.args.limits(&metadata.limits),
        run.args.engine(&metadata.limits),
    );
    Ok(Allowed {
        subject,
        decision,
        limits,
        options,
        lesson,
        args,
    })
}

pub(crate) fn run(session: &Session, run: &Run, arguments: &[OsString]) -> Result<Report, Failure> {
    let run = &resolved(run)?;
    let allowed = allow(session, run, arguments)?;
    let program = allowed.load(session, false)?;
    let Allowed {
        subject,
        decision,
        limits,
        lesson,
        args,
        ..
    } = allowed;
    let output = session.output;
    let audit = audit(session, run, &decision.grants)?;
    let mut runner = Runner::new(&program)
        .grants(decision.grants)
        .limits(limits)
        .strict(run.args.grants.strict);
    runner = runner
        // What is denied in a lesson stands in its report.
        .quiet(session.output.quiet || lesson.is_some())
        .io(Io::inherit())
        .on_time_limit(at_time_limit(output, lesson.clone()));
    if let Some(lesson) = &lesson {
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
        if let Some(lesson) = &lesson {
            lesson.end()?;
        }
        let called = called.map_err(|error| ended(&error))?;
        let result = called.to_json();
        let text = match &result {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => format!("{text}\n"),
            other => format!("{other}\n"),
        };
        return Ok(Report::new(
            serde_json::json!({ "export": export, "result": result }),
            text,
        ));
    }
    let outcome = runner.args(args).run();
    if let Some(lesson) = &lesson {
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
fn audit(session: &Session, run: &Run, grants: &Grants) -> Result<Option<AuditRun>, Failure> {
    let Some(audit) = audit_file(run, grants)? else {
        return Ok(None);
    };
    let run = audit
        .run(session.now)
        .map_err(|error| Failure::failed("cannot name the run").because(&error))?;
    Ok(Some(run))
}

/// The file that the user wants an audit in.
pub(super) fn audit_file(run: &Run, grants: &Grants) -> Result<Option<Audit>, Failure> {
    let open = |path| {
        Audit::open(path, grants).map_err(|error| {
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
fn project(session: &Session, run: &Run, lesson: &mut Option<Lesson>) -> Result<Subject, Failure> {
    let mut project = Project::load(session)?;
    *lesson = Lesson::begin(session, &run.args, &project);
    if let Some(lesson) = &lesson {
        project = project.assuming(lesson.assumed().clone());
    }
    let built = build::build(session, &project, false)?;
    let secret = session.home.secret().map_err(|error| {
        Failure::failed("cannot use the home")
            .because(&error)
            .hint_if(error.hint())
    })?;
    let key = local_key(secret.as_bytes());
    let bytes = built.sign(Signing::With(&key))?;
    let artifact = target::decode(Path::new(&built.file_name()), bytes)?;
    Ok(Subject {
        artifact: verify::check(&built.file_name(), artifact, &[key.public_key()])?,
        registry: FILE.to_owned(),
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
    })
}

/// A package of a registry: remembered while fresh, else resolved, fetched and remembered.
fn package_of(
    session: &Session,
    run: &Run,
    text: &str,
    package: &PackageRef,
) -> Result<Subject, Failure> {
    let (name, registry) = registries::choose(session, package.registry())?;
    let selector = selector(session, &name, text);
    let secret = session.home.secret().ok();
    let remembered = secret
        .as_ref()
        .and_then(|secret| session.home.recall(secret, &selector));
    let remembered = remembered.filter(|found| found.origin == registry.origin.as_str());
    if let Some(found) = remembered
        .as_ref()
        .filter(|found| reusable(session, run, found))
        && let Some(artifact) = stored(found)
    {
        return Ok(Subject {
            artifact,
            registry: found.origin.clone(),
        });
    }
    if run.args.locked && remembered.is_none() {
        return Err(Failure::new(
            Class::NotFound,
            format!("`--locked`: {text} was never run here"),
        )
        .hint(format!(
            "run it once without `--locked`: cargo zero run {text}"
        )));
    }
    let client = registries::client(session, &name, &registry)?;
    let lock: Option<Version> = remembered
        .filter(|_| run.args.locked)
        .map(|found| found.version);
    let options = ResolveOptions {
        lock,
        refresh: run.args.update,
    };
    let resolved = registries::resolve(session, &client, package, &options)?;
    let artifact = registries::fetch(session, &client, &resolved)?;
    announce(session, &resolved, &artifact);
    let fresh_until = resolved.checked_at.plus(registry.fresh_seconds).seconds();
    let resolution = Resolution {
        selector,
        origin: resolved.origin.to_string(),
        name: resolved.name.clone(),
        version: resolved.version.clone(),
        digest: resolved.digest,
        size: resolved.size,
        signers: resolved.signers.iter().map(PublicKey::to_base64).collect(),
        capabilities: resolved.capabilities_digest,
        head_expires: resolved.head_expires.seconds(),
        checked_at: resolved.checked_at.seconds(),
        fresh_until,
        blob: client.blob_path(&resolved),
    };
    // Without it the next run is slower, no more.
    if let Err(error) = session.home.remember(&resolution) {
        session.output.detail(&format!("not remembered: {error}"));
    }
    Ok(Subject {
        artifact,
        registry: resolved.origin.to_string(),
    })
}

/// The name under which an answer is remembered: as typed, unless `--registry` changed its meaning.
fn selector(session: &Session, name: &zero_format::RegistryName, text: &str) -> String {
    if session.registry.is_some() && !text.contains(':') {
        format!("{name}:{text}")
    } else {
        text.to_owned()
    }
}

fn reusable(session: &Session, run: &Run, found: &Resolution) -> bool {
    if run.args.update {
        return false;
    }
    // A lock holds as long as the registry's signature on the state does; offline likewise.
    let vouched = session.now < found.head_expires;
    found.is_fresh(session.now) || (vouched && (run.args.locked || session.offline))
}

/// The remembered file, verified again: the fast path that skips this is zrun's.
fn stored(found: &Resolution) -> Option<Verified<Artifact>> {
    let bytes = std::fs::read(&found.blob).ok()?;
    let artifact = Artifact::decode(bytes).ok()?;
    if artifact.digest() != found.digest {
        return None;
    }
    zero_format::verify(artifact, &found.keys()?).ok()
}

fn announce(session: &Session, resolved: &Resolved, artifact: &Verified<Artifact>) {
    let signers: Vec<String> = artifact
        .signers()
        .iter()
        .map(PublicKey::key_id_hex)
        .collect();
    session.output.note(&format!(
        "{} {} from {} ({}…, signed by {})",
        resolved.name,
        resolved.version,
        resolved.origin,
        resolved.digest.to_hex().get(..12).unwrap_or_default(),
        signers.join(", ")
    ));
    if resolved.yanked {
        session.output.warn(&format!(
            "{} {} was withdrawn by its publisher",
            resolved.name, resolved.version
        ));
    }
}

fn load(
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
