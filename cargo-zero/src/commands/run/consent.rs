//! What a run may use: flags, stored consent, or the answer to one screen (spec/capabilities.md, "Consent").

mod ask;
mod command;

use std::ffi::OsString;

use zrun::{Answers, Consent, Decision, FILE, Folder, Question, Trust, decide};

use super::Subject;
use crate::cli::Run;
use crate::host::{self, Session};
use crate::report::{Class, Failure};

/// What the user said to one screen.
#[derive(Debug, Default)]
struct Said {
    answers: Answers,
    folders: Vec<Folder>,
    remember: bool,
}

/// What the run may use: what the flags say, what was consented to before, or what the user says now.
pub(super) fn decide_or_ask(
    session: &Session,
    run: &Run,
    subject: &Subject,
    arguments: &[OsString],
) -> Result<Decision, Failure> {
    let metadata = subject.artifact.metadata();
    let declared = &metadata.capabilities;
    let asked = run.args.grants.asked();
    let variable = |name: &str| host::variable(name).and_then(|value| value.into_string().ok());
    let decision = decide(declared, &asked, &variable);
    if decision.outstanding.is_empty() {
        return Ok(decision);
    }
    let signer = *subject
        .artifact
        .signers()
        .first()
        .ok_or_else(|| Failure::new(Class::Untrusted, "nobody signed the program"))?;
    let package = &metadata.package;
    let stored = session
        .home
        .consent_for(&subject.registry, &package.name, &signer, declared);
    let asked = match &stored {
        Some(stored) => stored.add_to(asked),
        None => asked,
    };
    let decision = decide(declared, &asked, &variable);
    if decision.outstanding.is_empty() {
        return Ok(decision);
    }
    if !session.interactive {
        return Err(command::denied(&package.name, &decision, arguments));
    }
    let before = session
        .home
        .previous_consent(&subject.registry, &package.name, &signer);
    let name = signer_name(session, subject, &signer);
    let question = Question {
        registry: &subject.registry,
        package: &package.name,
        version: &package.version,
        signer: &signer,
        signer_name: name.as_deref(),
        declared,
        outstanding: &decision.outstanding,
        before: before.as_ref(),
        resources: metadata.hints.resources.as_ref(),
    };
    let said = ask::ask(session, &question)?;
    let consent = with(&question, stored, &said, session.now);
    if said.remember {
        session
            .home
            .store_consent(&consent)
            .map_err(|error| Failure::failed("cannot store the consent").because(&error))?;
    }
    Ok(decide(
        declared,
        &consent.add_to(run.args.grants.asked()),
        &variable,
    ))
}

/// What the run may use by the flags alone.
pub(super) fn by_flags(run: &Run, subject: &Subject) -> Decision {
    let variable = |name: &str| host::variable(name).and_then(|value| value.into_string().ok());
    let declared = &subject.artifact.metadata().capabilities;
    decide(declared, &run.args.grants.asked(), &variable)
}

/// What was answered before, and what was answered now.
fn with(question: &Question<'_>, stored: Option<Consent>, said: &Said, now: u64) -> Consent {
    let mut consent = stored.unwrap_or_else(|| Consent {
        registry: question.registry.to_owned(),
        package: question.package.clone(),
        signer: question.signer.to_base64(),
        capabilities: question.declared.clone(),
        answers: Answers::default(),
        folders: Vec::new(),
        version: question.version.clone(),
        given: now,
    });
    consent.answers.allowed.extend(said.answers.allowed.clone());
    consent.answers.refused.extend(said.answers.refused.clone());
    consent.folders.extend(said.folders.iter().cloned());
    consent.version.clone_from(question.version);
    consent.given = now;
    consent
}

/// What the user calls the key that signed a file; a registry's packages are known by the registry.
fn signer_name(
    session: &Session,
    subject: &Subject,
    signer: &zero_format::PublicKey,
) -> Option<String> {
    if subject.registry != FILE {
        return None;
    }
    let trust = Trust::load(&session.home).ok()?;
    let entry = trust.entries().iter().find(|entry| entry.key == *signer)?;
    let name = zero_format::printable(&entry.comment);
    Some(if entry.own {
        format!("your own key {name}")
    } else {
        name
    })
    .filter(|name| !name.trim().is_empty())
}
