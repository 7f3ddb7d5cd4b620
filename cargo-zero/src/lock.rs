//! `Zero.lock`: kept beside the project's Zero.toml by runs within the project (spec/cli.md, "Zero.lock").

use std::fs::File;
use std::path::Path;

use zero_format::PackageRef;
use zrun::{LockError, LockFile, Locked, Resolution};

use crate::host::Session;
use crate::project;
use crate::report::{Class, Failure};
use crate::write;

/// The lock file of the project that the command is about; none outside of projects.
pub(crate) fn nearest(session: &Session) -> Result<Option<LockFile>, Failure> {
    let Some(manifest) = project::manifest(session) else {
        return Ok(None);
    };
    LockFile::beside(&manifest)
        .map(Some)
        .map_err(|error| unreadable(&error))
}

/// Writes what a request became, unless that stands there already. A run does not fail for it: whoever wants the lock to
/// be complete says `--locked`.
pub(crate) fn record(session: &Session, lock: &LockFile, entry: Locked) {
    if let Err(failure) = try_record(lock.path(), entry) {
        session.output.warn(&format!(
            "{} was not written: {}",
            lock.path().display(),
            failure.message()
        ));
    }
}

fn try_record(path: &Path, entry: Locked) -> Result<(), Failure> {
    let manifest = path.with_file_name(project::NAME);
    // Two runs at once must both be remembered. Where files cannot be locked the later one may have to ask again.
    let held = File::open(&manifest).ok();
    let _held = held.as_ref().map(File::lock);
    let mut lock = LockFile::beside(&manifest).map_err(|error| unreadable(&error))?;
    if lock.put(entry) {
        write::replace(path, lock.encode().as_bytes())?;
    }
    Ok(())
}

/// A registry must still name the file that was locked, in a log that goes at least as far.
pub(crate) fn check(
    entry: &Locked,
    package: &PackageRef,
    found: &Resolution,
) -> Result<(), Failure> {
    let what = format!("{} {}", entry.name, entry.version);
    let look = format!(
        "compare it with others who run it; `cargo zero run --update {package}` locks what is there now"
    );
    if found.log < entry.log {
        return Err(Failure::new(
            Class::Untrusted,
            format!(
                "the log of {} has {} entries, and had {} when {what} was locked",
                entry.registry, found.log, entry.log
            ),
        )
        .hint(look));
    }
    if entry.is(found) {
        return Ok(());
    }
    Err(Failure::new(
        Class::Untrusted,
        format!(
            "{what} is not what was locked: {} names another file for it",
            entry.registry
        ),
    )
    .hint(look))
}

fn unreadable(error: &LockError) -> Failure {
    let failure = Failure::failed(format!("failed to {error}")).hint_if(error.hint());
    match std::error::Error::source(error) {
        Some(source) => failure.because(source),
        None => failure,
    }
}
