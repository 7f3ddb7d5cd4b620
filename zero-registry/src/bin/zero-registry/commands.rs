//! From parsed arguments to the library's calls.

use std::{fmt::Write as _, path::Path};

use serde_json::json;
use zero_registry::{
    CommitError, Difference, ErrorClass, Head, SiteError, Storage as _, VerifyOptions,
    limits::MAX_HEAD_BYTES, site, verify_registry,
};

use crate::{
    bar::Bar,
    cli::{self, Cli, Command},
    host, init,
    keys::{self, Passwords},
    mirror, place,
    report::{Failure, Report},
    root, serve, witness,
};

pub(crate) fn run(cli: &Cli) -> Result<Report, Failure> {
    match &cli.command {
        Command::Init(args) => init::run(args, host::now()),
        Command::Key(args) => make_key(args),
        Command::Mirror(args) => mirror::run(cli.json, args),
        Command::Refresh(args) => refresh(args),
        Command::Root(args) => root::run(cli.json, args),
        Command::Serve(args) => serve::run(cli.json, args),
        Command::Site(args) => make_site(args),
        Command::Verify(args) => verify(cli.json, args),
        Command::Witness(args) => witness::run(cli.json, args),
    }
}

fn make_key(args: &cli::Key) -> Result<Report, Failure> {
    let mut passwords = Passwords::default();
    let key = keys::create(
        &args.file,
        "key of a registry",
        !args.no_password,
        &mut passwords,
    )?;
    let public = keys::public_path(&args.file);
    let line = key.public_key().to_base64();
    let mut report = Report {
        text: format!(
            "made the secret key {} and its public half {}\n  {line}\n",
            args.file.display(),
            public.display()
        ),
        ..Report::default()
    };
    report.members.insert("secret".into(), json!(args.file));
    report.members.insert("public".into(), json!(public));
    report.members.insert("key".into(), json!(line));
    Ok(report)
}

fn refresh(args: &cli::Refresh) -> Result<Report, Failure> {
    let key = keys::secret(&args.log_key, &mut Passwords::default())?;
    let fail = |error: CommitError| commit_failure(&error, &args.directory);
    let writer = place::writer(&args.directory, key)?;
    let commit = writer.refresh(host::now()).map_err(fail)?;
    let expires = commit.snapshot.expires;
    let mut report = Report {
        text: format!("signed the head again: it is valid until {expires}\n"),
        ..Report::default()
    };
    report
        .members
        .insert("size".into(), json!(commit.tree.size));
    report.members.insert("head_expires".into(), json!(expires));
    Ok(report)
}

fn make_site(args: &cli::Site) -> Result<Report, Failure> {
    let storage = place::open(&args.directory)?;
    let made = site(&storage, args.anew).map_err(|error| match &error {
        SiteError::Registry(error) => commit_failure(error, &args.directory),
        _ => Failure::of(ErrorClass::Untrusted, &error, None),
    })?;
    let mut report = Report {
        text: format!(
            "made the catalogue of {}: {} packages changed, {} files written\n",
            args.directory.display(),
            made.packages,
            made.files
        ),
        ..Report::default()
    };
    for (name, value) in [
        ("size", json!(made.size)),
        ("packages", json!(made.packages)),
        ("files", json!(made.files)),
    ] {
        report.members.insert(name.to_owned(), value);
    }
    Ok(report)
}

fn verify(json: bool, args: &cli::Verify) -> Result<Report, Failure> {
    let storage = place::open(&args.directory)?;
    let bar = Bar::new(json);
    let options = VerifyOptions {
        watch: &bar,
        ..VerifyOptions::default()
    };
    let found = verify_registry(&storage, options).map_err(|error| {
        let (class, hint) = match &error {
            Difference::Roots(error) => (class(error), no_registry(error, &args.directory)),
            Difference::Io { .. } => (ErrorClass::Failed, None),
            _ => (ErrorClass::Untrusted, None),
        };
        let restore = "copy the file again from a mirror or a backup that verifies".to_owned();
        Failure::of(class, &error, hint.or(Some(restore)))
    })?;
    drop(bar);
    let expires = storage
        .read("head", MAX_HEAD_BYTES)
        .ok()
        .flatten()
        .and_then(|bytes| Head::decode(&bytes).ok())
        .map(|head| head.claimed_expires());
    let stale = expires.is_some_and(|expires| expires <= host::now());
    let mut text = format!(
        "verified {}: {} packages, {} releases, {} commits, {} leaves; every file follows from the log\n",
        args.directory.display(),
        found.packages,
        found.releases,
        found.commits,
        found.leaves
    );
    if let Some(expires) = expires {
        let _ = writeln!(text, "  head  valid until {expires}");
    }
    if stale {
        let _ = writeln!(
            text,
            "\nreaders refuse the head, which has expired: zero-registry refresh {}",
            args.directory.display()
        );
    }
    let mut report = Report {
        text,
        ..Report::default()
    };
    for (name, value) in [
        ("packages", json!(found.packages)),
        ("releases", json!(found.releases)),
        ("blobs", json!(found.blobs)),
        ("commits", json!(found.commits)),
        ("leaves", json!(found.leaves)),
        ("head_expires", json!(expires)),
        ("expired", json!(stale)),
    ] {
        report.members.insert(name.to_owned(), value);
    }
    Ok(report)
}

/// A failure to read or write the registry in a directory.
pub(crate) fn commit_failure(error: &CommitError, directory: &Path) -> Failure {
    let hint = no_registry(error, directory).or_else(|| error.hint());
    Failure::of(class(error), error, hint)
}

/// What a failed commit means: a damaged registry is not to be trusted, the rest is this machine's.
fn class(error: &CommitError) -> ErrorClass {
    match error {
        CommitError::NoRegistry => ErrorClass::NotFound,
        CommitError::Cosign(_) => ErrorClass::Unreachable,
        CommitError::Busy(_) | CommitError::Io { .. } | CommitError::LogKey { .. } => {
            ErrorClass::Failed
        }
        _ => ErrorClass::Untrusted,
    }
}

fn no_registry(error: &CommitError, directory: &Path) -> Option<String> {
    matches!(error, CommitError::NoRegistry).then(|| {
        format!(
            "make one: zero-registry init {} --origin NAME",
            directory.display()
        )
    })
}
