//! What a run may use: flags, stored consent, or the answer to one screen (spec/capabilities.md, "Consent").

mod ask;
mod command;
mod keep;

pub(in crate::commands) use keep::keep;

use std::ffi::OsString;

use zero_format::PublicKey;
use zrun::{Answers, Consent, Decision, FILE, Folder, GrantArgs, Question, Trust, decide};

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
pub(in crate::commands) fn decide_or_ask(
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
    let mut consent = stored(session, subject, &signer);
    let decision = decide(declared, &consent.add_to(asked), &variable);
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
    consent.answers.allowed.extend(said.answers.allowed);
    consent.answers.refused.extend(said.answers.refused);
    consent.folders.extend(said.folders);
    if said.remember {
        store(session, &consent)?;
    }
    Ok(decide(
        declared,
        &consent.add_to(run.args.grants.asked()),
        &variable,
    ))
}

/// What a run without flags would have to ask about, now that everything was asked that can be.
pub(in crate::commands) fn unanswered(session: &Session, subject: &Subject) -> Vec<String> {
    let metadata = subject.artifact.metadata();
    let who = (
        subject.registry.as_str(),
        &metadata.package.name,
        subject.artifact.signers().first(),
    );
    let variable = |name: &str| host::variable(name).and_then(|value| value.into_string().ok());
    let decision = session.home.decide(
        who,
        &metadata.capabilities,
        GrantArgs::default().asked(),
        &variable,
    );
    decision.outstanding.describe()
}

/// What the run may use by the flags alone.
pub(super) fn by_flags(run: &Run, subject: &Subject) -> Decision {
    let variable = |name: &str| host::variable(name).and_then(|value| value.into_string().ok());
    let declared = &subject.artifact.metadata().capabilities;
    decide(declared, &run.args.grants.asked(), &variable)
}

/// What was answered before, without any answer if nothing was, as consent that is given now.
fn stored(session: &Session, subject: &Subject, signer: &PublicKey) -> Consent {
    let metadata = subject.artifact.metadata();
    let (package, declared) = (&metadata.package, &metadata.capabilities);
    let before = session
        .home
        .consent_for(&subject.registry, &package.name, signer, declared);
    let (answers, folders) =
        before.map_or_else(Default::default, |before| (before.answers, before.folders));
    Consent {
        registry: subject.registry.clone(),
        package: package.name.clone(),
        signer: signer.to_base64(),
        capabilities: declared.clone(),
        answers,
        folders,
        version: package.version.clone(),
        given: session.now,
    }
}

fn store(session: &Session, consent: &Consent) -> Result<(), Failure> {
    session
        .home
        .store_consent(consent)
        .map(drop)
        .map_err(|error| Failure::failed("cannot store the consent").because(&error))
}

/// What the user calls the key that signed a file; a registry's packages are known by the registry.
fn signer_name(session: &Session, subject: &Subject, signer: &PublicKey) -> Option<String> {
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
