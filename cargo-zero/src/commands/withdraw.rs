//! `yank`, `unyank` and `revoke`: signed events about a version that exists.

use serde_json::json;
use zero_format::{PackageName, Version};
use zero_registry::Action;

use crate::cli::{Revoke, Writer, Yank};
use crate::host::Session;
use crate::publisher::Publisher;
use crate::registries;
use crate::report::{Class, Failure, Report};

pub(crate) fn yank(session: &Session, args: &Yank) -> Result<Report, Failure> {
    let reason = args.reason.clone();
    withdraw(session, &args.package, &args.writer, "yanked", &|version| {
        Action::Yank {
            version,
            reason: reason.clone(),
        }
    })
}

pub(crate) fn unyank(session: &Session, args: &Yank) -> Result<Report, Failure> {
    withdraw(
        session,
        &args.package,
        &args.writer,
        "unyanked",
        &|version| Action::Unyank { version },
    )
}

pub(crate) fn revoke(session: &Session, args: &Revoke) -> Result<Report, Failure> {
    let reason = Some(args.reason.clone());
    withdraw(
        session,
        &args.package,
        &args.writer,
        "revoked",
        &|version| Action::Revoke {
            version,
            reason: reason.clone(),
        },
    )
}

fn withdraw(
    session: &Session,
    package: &str,
    writer: &Writer,
    done: &str,
    action: &dyn Fn(Version) -> Action,
) -> Result<Report, Failure> {
    let (name, version) = exact(package)?;
    let publisher = Publisher::open(session, writer)?;
    let added = publisher.add(session, &name, false, &|state| {
        if state.release(&version).is_none() {
            let known: Vec<String> = state
                .releases()
                .iter()
                .map(|release| release.version().to_string())
                .collect();
            let failure = Failure::new(
                Class::NotFound,
                format!("{name} {version} is not published"),
            );
            return Err(if known.is_empty() {
                failure.hint(format!(
                    "the registry in {} has no package {name}",
                    publisher.place()
                ))
            } else {
                failure.hint(format!("there are {}", known.join(", ")))
            });
        }
        Ok(vec![(action(version.clone()), None)])
    })?;
    let fields =
        json!({ "package": name, "version": version, "state": done, "log_size": added.log_size });
    Ok(Report::new(fields, format!("{done} {name} {version}\n")))
}

/// A package with an exact version: nothing else can be withdrawn.
fn exact(text: &str) -> Result<(PackageName, Version), Failure> {
    let package = registries::reference(text)?;
    let version = package.req().as_exact().cloned().ok_or_else(|| {
        Failure::usage(format!("`{text}` does not name one version"))
            .hint(format!("write it in full: {}@1.2.3", package.name()))
    })?;
    Ok((package.name().clone(), version))
}
