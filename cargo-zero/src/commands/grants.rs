//! `grants`: the consent that was given and stored.

use std::ffi::OsString;

use serde_json::{Value, json};
use zero_format::{Capabilities, Digest, Need, printable};
use zrun::{Consent, ConsentError, GrantArgs, RunArgs};

use super::run::{self, consent};
use crate::cli::{Grants, Run};
use crate::host::Session;
use crate::report::{Class, Failure, Report};

pub(crate) fn run(
    session: &Session,
    args: &Grants,
    arguments: &[OsString],
) -> Result<Report, Failure> {
    match args {
        Grants::Allow {
            target,
            allow_declared,
            allow_fs,
        } => {
            let grants = GrantArgs {
                allow_declared: *allow_declared,
                allow_fs: allow_fs.clone(),
                ..GrantArgs::default()
            };
            allow(session, target, grants, arguments)
        }
        Grants::List => list(session),
        Grants::Show { package } => show(session, package),
        Grants::Revoke { package, .. } => revoke(session, package.as_deref()),
    }
}

/// Asks what a first run would ask, and keeps what the flags say.
fn allow(
    session: &Session,
    target: &str,
    grants: GrantArgs,
    arguments: &[OsString],
) -> Result<Report, Failure> {
    let flags = Run {
        args: RunArgs {
            grants,
            ..RunArgs::default()
        },
    };
    let subject = run::subject(session, &flags, Some(target))?;
    let decision = consent::decide_or_ask(session, &flags, &subject, arguments)?;
    run::warn_beyond(session, &decision);
    let metadata = subject.artifact.metadata();
    let grants = &flags.args.grants;
    if (grants.allow_declared || !grants.allow_fs.is_empty()) && !metadata.capabilities.is_empty() {
        consent::keep(session, &flags, &subject)?;
    }
    let open = consent::unanswered(session, &subject);
    if !open.is_empty() {
        return Err(Failure::new(
            Class::Denied,
            format!(
                "nothing is kept for {}: it still asks to {}",
                metadata.package.name,
                open.join(", ")
            ),
        )
        .hint("answer that this is to be remembered, or give --allow-declared"));
    }
    let package = &metadata.package;
    let words = metadata.capabilities.describe();
    let text = if words.is_empty() {
        format!(
            "{} {} declares nothing to allow\n",
            package.name, package.version
        )
    } else {
        format!(
            "{} {} declares: {}\n",
            package.name,
            package.version,
            words.join(", ")
        )
    };
    let fields = json!({ "package": package.name, "version": package.version, "words": words });
    Ok(Report::new(fields, text).next(format!("cargo zero grants show {}", package.name)))
}

fn failed(error: &ConsentError) -> Failure {
    Failure::failed("cannot use the stored consent").because(error)
}

/// Those of one package, or all.
fn stored(session: &Session, package: Option<&str>) -> Result<Vec<(Digest, Consent)>, Failure> {
    let mut all = session.home.consents().map_err(|error| failed(&error))?;
    if let Some(package) = package {
        all.retain(|(_, consent)| consent.package.as_str() == package);
        if all.is_empty() {
            return Err(Failure::new(
                Class::NotFound,
                format!("no consent is stored for `{package}`"),
            )
            .hint("`cargo zero grants list` shows all there is"));
        }
    }
    Ok(all)
}

fn describe(id: &Digest, consent: &Consent) -> Value {
    json!({
        "id": id.to_hex(),
        "package": consent.package,
        "version": consent.version,
        "registry": consent.registry,
        "signer": consent.signer,
        "given": consent.given,
        "capabilities": consent.capabilities,
        "allowed": consent.answers.allowed,
        "refused": consent.answers.refused,
        "folders": consent.folders,
        "words": consent.answers.allowed.describe(),
    })
}

fn list(session: &Session) -> Result<Report, Failure> {
    let all = stored(session, None)?;
    let mut text = String::new();
    for (_, consent) in &all {
        text += &format!(
            "{:<24} {:<24} {}\n",
            format!("{} {}", consent.package, consent.version),
            printable(&consent.registry),
            consent.answers.allowed.describe().join(", "),
        );
    }
    let grants: Vec<Value> = all
        .iter()
        .map(|(id, consent)| describe(id, consent))
        .collect();
    Ok(Report::new(json!({ "grants": grants }), text))
}

fn show(session: &Session, package: &str) -> Result<Report, Failure> {
    let all = stored(session, Some(package))?;
    let mut text = String::new();
    for (_, consent) in &all {
        text += &format!("{} {}\n", consent.package, consent.version);
        text += &format!(
            "  registry  {}\n  signer    {}\n",
            printable(&consent.registry),
            consent.signer
        );
        text += &answers("may", &consent.answers.allowed);
        text += &answers("may not", &consent.answers.refused);
        for folder in &consent.folders {
            let host = printable(&folder.host.to_string_lossy());
            text += &format!("  {} is {host}\n", folder.guest);
        }
    }
    let grants: Vec<Value> = all
        .iter()
        .map(|(id, consent)| describe(id, consent))
        .collect();
    Ok(Report::new(json!({ "grants": grants }), text))
}

fn answers(verb: &str, capabilities: &Capabilities) -> String {
    let line = |need: Need<'_>| match need.reason {
        Some(reason) => format!("  {verb} {}: “{}”\n", need.words, printable(reason)),
        None => format!("  {verb} {}\n", need.words),
    };
    capabilities.needs().into_iter().map(line).collect()
}

fn revoke(session: &Session, package: Option<&str>) -> Result<Report, Failure> {
    let mut revoked = 0;
    for (id, _) in stored(session, package)? {
        revoked += u64::from(
            session
                .home
                .revoke_consent(&id)
                .map_err(|error| failed(&error))?,
        );
    }
    let text = format!("{revoked} taken back; the next run asks again\n");
    Ok(Report::new(json!({ "revoked": revoked }), text))
}
