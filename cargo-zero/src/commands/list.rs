//! `list`: the installed packages, and what is known of newer versions. It asks nobody.

use serde_json::json;
use zero_format::{PackageRef, Version, printable};
use zero_registry::{PackageState, Release};
use zrun::{Installed, Secret};

use super::install;
use crate::host::Session;
use crate::registries;
use crate::report::{Failure, Report};

pub(crate) fn run(session: &Session) -> Result<Report, Failure> {
    let all = installed(session)?;
    let mut text = String::new();
    let mut rows = Vec::new();
    for one in &all {
        let newer = Newer::known(session, one).unwrap_or_default();
        text += &row(one, &newer);
        let mut fields = install::describe(one);
        fields["update"] = json!(newer.update);
        fields["newest"] = json!(newer.newest);
        rows.push(fields);
    }
    if all.is_empty() {
        text += "nothing is installed\n";
    }
    let report = Report::new(json!({ "installed": rows }), text);
    Ok(if rows.iter().any(|row| !row["update"].is_null()) {
        report.next("cargo zero update")
    } else {
        report
    })
}

/// The user's secret, which opens the records.
pub(super) fn secret(session: &Session) -> Result<Secret, Failure> {
    session.home.secret().map_err(|error| {
        Failure::failed("cannot use the home")
            .because(&error)
            .hint_if(error.hint())
    })
}

/// All installed packages.
pub(super) fn installed(session: &Session) -> Result<Vec<Installed>, Failure> {
    session
        .home
        .all_installed(&secret(session)?)
        .map_err(|error| Failure::failed("cannot read what is installed").because(&error))
}

fn row(one: &Installed, newer: &Newer) -> String {
    let found = &one.resolution;
    let mut text = format!(
        "{:<16} {} {}\n  from      {}\n  signed by {}\n",
        one.launcher,
        found.name,
        found.version,
        printable(&found.origin),
        install::signers(one),
    );
    let may = one.capabilities.describe();
    if !may.is_empty() {
        text += &format!("  may       {}\n", may.join(", "));
    }
    match (&newer.update, &newer.newest) {
        (Some(update), _) => text += &format!("  newer     {update}\n"),
        (None, Some(newest)) => {
            text += &format!(
                "  newer     {newest}, which `{}` leaves out\n",
                found.selector
            );
        }
        (None, None) => {}
    }
    text
}

/// What the stored state of the registry knows beyond the installed version.
#[derive(Default)]
struct Newer {
    /// The version that `update` would take.
    update: Option<Version>,
    /// The newest of all, if that is newer.
    newest: Option<Version>,
}

impl Newer {
    /// Nothing that cannot be known without asking is an error here.
    fn known(session: &Session, one: &Installed) -> Option<Self> {
        let found = &one.resolution;
        let (name, registry) = registries::of_origin(session, &found.origin).ok()?;
        let client = registries::stored(session, &name, &registry).ok()?;
        let trusted = client.update(registries::now(session)).ok()?;
        let package = client.package(&trusted, &found.name).ok()?;
        let asked: PackageRef = found.selector.parse().ok()?;
        Some(Self {
            update: newest(&package, &found.version, |release| {
                asked.req().matches(release.version())
            }),
            newest: newest(&package, &found.version, |release| {
                release.version().pre.is_empty()
            }),
        })
    }
}

fn newest(
    package: &PackageState,
    than: &Version,
    fits: impl Fn(&Release) -> bool,
) -> Option<Version> {
    package
        .releases()
        .iter()
        .filter(|release| !release.is_yanked() && !release.is_revoked() && fits(release))
        .map(Release::version)
        .max_by(|a, b| a.cmp_precedence(b))
        .filter(|version| version.cmp_precedence(than).is_gt())
        .cloned()
}
