//! The dialogue: the screen, yes or no to each, and which folder stands where.

use std::path::{Path, PathBuf};

use zero_format::{Access, Capabilities, FsRule, FsScope, GuestPath};
use zrun::{Answer, Folder, PROMPT, Question};

use super::Said;
use crate::host::Session;
use crate::report::{Class, Failure};

/// How often a folder that is not there is asked for again.
const TRIES: usize = 3;

/// Shows the screen and hears the answer. Anything but a clear yes is a no.
pub(super) fn ask(session: &Session, question: &Question<'_>) -> Result<Said, Failure> {
    session.output.question(&question.screen());
    session.output.question("\n");
    let mut said = match Answer::parse(&session.ask(PROMPT)?) {
        Answer::No => return Err(refused(question)),
        Answer::Always => everything(session, question, true)?,
        Answer::Once => everything(session, question, false)?,
        Answer::Choose => one_by_one(session, question)?,
    };
    if said.answers.allowed.is_empty() {
        return Err(refused(question));
    }
    said.answers.allowed.fs.retain(is_folder);
    Ok(said)
}

fn refused(question: &Question<'_>) -> Failure {
    Failure::new(
        Class::Denied,
        format!("{} was not allowed to run", question.package),
    )
}

/// Files named as arguments are granted by naming them, never by an answer.
fn is_folder(rule: &FsRule) -> bool {
    matches!(rule.scope, FsScope::Guest(_))
}

fn everything(session: &Session, question: &Question<'_>, remember: bool) -> Result<Said, Failure> {
    let mut said = Said {
        remember,
        ..Said::default()
    };
    for rule in question.outstanding.rules() {
        allow(session, rule, &mut said)?;
    }
    Ok(said)
}

fn one_by_one(session: &Session, question: &Question<'_>) -> Result<Said, Failure> {
    let mut said = Said::default();
    for rule in question.outstanding.rules() {
        let words = rule.describe().concat();
        if session.confirm(&format!("May it {words}?"))? {
            allow(session, rule, &mut said)?;
        } else {
            said.answers.refused.extend(rule);
        }
    }
    if !said.answers.allowed.is_empty() {
        said.remember = session.confirm("Remember these answers for the next run?")?;
    }
    Ok(said)
}

/// A yes. For a folder it counts only once the user has said which one.
fn allow(session: &Session, rule: Capabilities, said: &mut Said) -> Result<(), Failure> {
    if let [
        FsRule {
            scope: FsScope::Guest(guest),
            access,
            ..
        },
    ] = rule.fs.as_slice()
    {
        let Some(host) = folder(session, guest, *access)? else {
            said.answers.refused.extend(rule);
            return Ok(());
        };
        said.folders.push(Folder {
            guest: guest.clone(),
            host,
            access: *access,
        });
    }
    said.answers.allowed.extend(rule);
    Ok(())
}

/// Which folder of the user the program sees at a guest path; none if the user names none.
fn folder(
    session: &Session,
    guest: &GuestPath,
    access: Access,
) -> Result<Option<PathBuf>, Failure> {
    let verb = match access {
        Access::Read => "read",
        Access::ReadWrite => "read and write",
    };
    let prompt = format!("Which folder of yours may it {verb} as {guest}? (none): ");
    for _ in 0..TRIES {
        let line = session.ask(&prompt)?;
        if line.is_empty() {
            return Ok(None);
        }
        match absolute(Path::new(&line)) {
            Ok(path) => return Ok(Some(path)),
            Err(why) => session.output.question(&format!("{why}\n")),
        }
    }
    Ok(None)
}

/// The path that a later run finds, whatever its own folder is.
fn absolute(path: &Path) -> Result<PathBuf, String> {
    let found = path
        .canonicalize()
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if found.is_dir() {
        Ok(found)
    } else {
        Err(format!("{} is not a folder", path.display()))
    }
}
