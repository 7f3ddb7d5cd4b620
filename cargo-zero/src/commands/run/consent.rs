//! What a run may use: flags, stored consent, or the answer to one screen (spec/capabilities.md, "Consent").

use std::ffi::OsString;

use zrun::{Answer, Asked, Consent, Decision, PROMPT, Question, decide};

use super::Subject;
use crate::cli::Run;
use crate::host::{self, Session};
use crate::report::{Class, Failure};

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
    let Some(signer) = subject.artifact.signers().first() else {
        return Err(Failure::new(Class::Untrusted, "nobody signed the program"));
    };
    let all = Asked {
        declared: true,
        ..asked
    };
    let package = &metadata.package;
    if session
        .home
        .has_consent(&subject.registry, &package.name, signer, declared)
    {
        return Ok(decide(declared, &all, &variable));
    }
    let before = session
        .home
        .previous_consent(&subject.registry, &package.name, signer);
    let question = Question {
        registry: &subject.registry,
        package: &package.name,
        version: &package.version,
        signer,
        signer_trusted: true,
        declared,
        outstanding: &decision.outstanding,
        before: before.as_ref().map(|consent| &consent.capabilities),
    };
    match answer(session, &question, arguments)? {
        Answer::No => Err(Failure::new(
            Class::Denied,
            format!("{} was not allowed to run", package.name),
        )),
        Answer::Once => Ok(decide(declared, &all, &variable)),
        Answer::Always => {
            let consent = Consent {
                registry: subject.registry.clone(),
                package: package.name.clone(),
                signer: signer.to_base64(),
                capabilities: declared.clone(),
                version: package.version.clone(),
                given: session.now,
            };
            session
                .home
                .store_consent(&consent)
                .map_err(|error| Failure::failed("cannot store the consent").because(&error))?;
            Ok(decide(declared, &all, &variable))
        }
    }
}

fn answer(
    session: &Session,
    question: &Question<'_>,
    arguments: &[OsString],
) -> Result<Answer, Failure> {
    if !session.interactive {
        let needs: Vec<String> = question.outstanding.describe();
        return Err(Failure::new(
            Class::Denied,
            format!("{} asks for what was not granted", question.package),
        )
        .details(
            needs
                .iter()
                .map(|need| format!("  - {need}"))
                .collect::<Vec<_>>()
                .join("\n"),
        )
        .hint(granting(arguments)));
    }
    session.output.question(&question.screen());
    session.output.question("\n");
    Ok(Answer::parse(&session.ask(PROMPT)?))
}

/// The same command line, with everything granted.
fn granting(arguments: &[OsString]) -> String {
    let command = |word: &OsString| word == "run" || word == "serve";
    let run = arguments.iter().position(command).unwrap_or(0);
    let words = arguments.iter().enumerate().skip(1).map(|(index, word)| {
        let word = quoted(&word.to_string_lossy());
        if index == run {
            format!("{word} --allow-declared")
        } else {
            word
        }
    });
    format!("cargo zero {}", words.collect::<Vec<_>>().join(" "))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_is_the_command_that_works() {
        let typed =
            ["cargo-zero", "-q", "run", "csv@1.2", "--", "it's.csv", ""].map(OsString::from);
        assert_eq!(
            granting(&typed),
            r"cargo zero -q run --allow-declared csv@1.2 -- 'it'\''s.csv' ''"
        );
    }
}
