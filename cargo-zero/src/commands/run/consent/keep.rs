//! Consent by flags: what `install` was told is true of every later start.

use zero_format::{Capabilities, FsScope};
use zrun::{Answers, Folder};

use super::{by_flags, store, stored};
use crate::cli::Run;
use crate::commands::run::Subject;
use crate::host::Session;
use crate::report::{Class, Failure};

/// Keeps what the flags grant as if it had been answered. It stands before earlier answers; what the flags say nothing
/// about stays as it was.
pub(in crate::commands) fn keep(
    session: &Session,
    run: &Run,
    subject: &Subject,
) -> Result<(), Failure> {
    let declared = &subject.artifact.metadata().capabilities;
    let Some(signer) = subject.artifact.signers().first() else {
        return Ok(());
    };
    let decision = by_flags(run, subject);
    let mut consent = stored(session, subject, signer);
    consent.answers = answers(declared, &decision.outstanding, &consent.answers);
    for grant in decision.grants.fs {
        // A later start is in another folder.
        let host = grant.host.canonicalize().map_err(|error| {
            let path = grant.host.display();
            Failure::new(Class::NotFound, format!("cannot grant {path}")).because(&error)
        })?;
        consent.folders.retain(|before| before.guest != grant.guest);
        consent.folders.push(Folder {
            guest: grant.guest,
            host,
            access: grant.access,
        });
    }
    store(session, &consent)
}

/// An answer to each rule that has one, now or from before. Files named as arguments are granted by naming them.
fn answers(declared: &Capabilities, outstanding: &Capabilities, before: &Answers) -> Answers {
    let covers = |all: &Capabilities, rule: &Capabilities| all.widened_by(rule).is_empty();
    let asked = |rule: &Capabilities| !rule.fs.iter().any(|rule| rule.scope == FsScope::Args);
    let mut all = Answers::default();
    for rule in declared.rules().into_iter().filter(asked) {
        if !covers(outstanding, &rule) || covers(&before.allowed, &rule) {
            all.allowed.extend(rule);
        } else if covers(&before.refused, &rule) {
            all.refused.extend(rule);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::run::tests::capabilities;

    #[test]
    fn what_the_flags_grant_is_allowed_and_the_rest_stays_as_it_was() {
        let declared = capabilities(
            "fs = [\"args\", { guest = \"/a\", access = \"read\" }]\nclock = [\"wall\", \"monotonic\"]\nrandom = true",
        );
        let outstanding = capabilities("clock = [\"wall\", \"monotonic\"]\nrandom = true");
        let before = Answers {
            allowed: capabilities("random = true"),
            refused: capabilities(
                "fs = [{ guest = \"/a\", access = \"read\" }]\nclock = [\"monotonic\"]",
            ),
        };
        let expected = Answers {
            allowed: capabilities("fs = [{ guest = \"/a\", access = \"read\" }]\nrandom = true"),
            refused: capabilities("clock = [\"monotonic\"]"),
        };
        assert_eq!(answers(&declared, &outstanding, &before), expected);
    }
}
