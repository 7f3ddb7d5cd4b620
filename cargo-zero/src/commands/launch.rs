//! `launch`: what a launcher becomes when it cannot start its program by itself, because something has to be asked,
//! fetched or compiled first.

use zero_registry::{ErrorClass, ResolveOptions, Timestamp};
use zrun::{Installed, Resolution};

use super::install::{self, ASK_AGAIN};
use super::run::{self, Subject};
use super::uninstall;
use crate::cli::{Launch, Run};
use crate::host::Session;
use crate::packages::{self, Obtained};
use crate::registries;
use crate::report::{Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &Launch) -> Result<Report, Failure> {
    let installed = uninstall::find(session, &args.launcher)?;
    let subject = Subject::from(standing(session, installed.clone())?);
    // What would grant it for good is to install it again.
    let again = install::again(session, &installed);
    let arguments = args.arguments.clone();
    run::start(session, &Run::default(), subject, arguments, &again)
}

/// The installed version, if it still stands. From time to time the registry is asked, and nothing starts that it
/// revoked. One that cannot be asked keeps the program from running only once its last word has expired: until then
/// the program may start, so that a revocation cannot be held back for longer than that.
fn standing(session: &Session, installed: Installed) -> Result<Obtained, Failure> {
    let found = &installed.resolution;
    if found.is_fresh(session.now) {
        return kept(session, &installed);
    }
    match ask(session, found) {
        Ok(obtained) => {
            renew(session, installed, &obtained);
            Ok(obtained)
        }
        Err(failure) if failure.class() == Class::Unreachable => {
            vouched(session, found, &failure)?;
            session.output.warn(&format!(
                "nobody could be asked whether {} {} still stands: {}",
                found.name,
                found.version,
                failure.message()
            ));
            kept(session, &installed)
        }
        Err(failure) => Err(failure),
    }
}

/// It stands: nobody has to be asked again for a while.
fn renew(session: &Session, installed: Installed, obtained: &Obtained) {
    let renewed = Installed {
        resolution: Resolution {
            fresh_until: session.now.saturating_add(ASK_AGAIN),
            ..obtained.resolution.clone()
        },
        ..installed
    };
    if let Err(error) = session.home.keep_installed(&renewed) {
        session.output.detail(&format!("not remembered: {error}"));
    }
}

/// Whether a version may start although its registry cannot be asked: for as long as the registry vouches for what it
/// said last, and unless it said then that the version is revoked.
fn vouched(session: &Session, found: &Resolution, unreachable: &Failure) -> Result<(), Failure> {
    if !found.is_vouched(session.now) {
        return Err(Failure::new(
            Class::Unreachable,
            format!(
                "nobody could be asked whether {} {} still stands, and what {} said last holds no longer",
                found.name, found.version, found.origin
            ),
        )
        .cause(unreachable.message())
        .hint(format!(
            "start it again once the registry can be reached; it vouched until {}",
            Timestamp::from_seconds(found.head_expires)
        )));
    }
    let (name, registry) = registries::of_origin(session, &found.origin)?;
    let client = registries::stored(session, &name, &registry)?;
    let known = client.resolve_with(
        &packages::exactly(found),
        &lock(found),
        registries::now(session),
    );
    match known {
        Err(error) if error.class() == ErrorClass::Untrusted => {
            Err(registries::failure(found.name.as_str(), &error))
        }
        // What is not stored says nothing.
        _ => Ok(()),
    }
}

/// The installed version and no other.
fn lock(found: &Resolution) -> ResolveOptions {
    ResolveOptions {
        lock: Some(found.version.clone()),
        ..ResolveOptions::default()
    }
}

/// What the registry says of the installed version now.
fn ask(session: &Session, found: &Resolution) -> Result<Obtained, Failure> {
    let (name, registry) = registries::of_origin(session, &found.origin)?;
    let options = ResolveOptions {
        refresh: !session.offline,
        ..lock(found)
    };
    let obtained = packages::obtain(
        session,
        (&name, &registry),
        &packages::exactly(found),
        &found.selector,
        &options,
    )?;
    if obtained.resolution.digest == found.digest {
        return Ok(obtained);
    }
    Err(Failure::new(
        Class::Untrusted,
        format!(
            "{} {} is not what was installed: the registry names another file for it",
            found.name, found.version
        ),
    )
    .hint(format!(
        "look at both, then: cargo zero install {}",
        found.selector
    )))
}

/// The file that was installed; fetched again if the cache was cleaned.
fn kept(session: &Session, installed: &Installed) -> Result<Obtained, Failure> {
    let found = &installed.resolution;
    Obtained::kept(found.clone()).map_or_else(|| ask(session, found), Ok)
}
