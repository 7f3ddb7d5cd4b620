//! `list`: the installed packages, and what is known of newer versions. It asks nobody.

use serde_json::json;
use zero_format::{PackageRef, Version, printable};
use zero_registry::{PackageState, Release, Standing};
use zrun::Installed;

use super::install;
use crate::host::Session;
use crate::packages::Wish;
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

/// All installed packages.
pub(super) fn installed(session: &Session) -> Result<Vec<Installed>, Failure> {
    session
        .home
        .all_installed(&session.secret()?)
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
        let now = registries::now(session);
        let trusted = client.update(now).ok()?;
        let package = client.package(&trusted, &found.name).ok()?;
        let asked: PackageRef = found.selector.parse().ok()?;
        // The registry may have another name here than when it was asked first.
        let asked = PackageRef::new(None, asked.name().clone(), asked.req().clone());
        let update = client
            .resolve_with(&asked, &Wish::default().options(&registry), now)
            .ok()
            .map(|resolved| resolved.version);
        let higher = |version: &Version| version.cmp_precedence(&found.version).is_gt();
        Some(Self {
            update: update.filter(higher),
            newest: newest(&package).filter(higher),
        })
    }
}

fn newest(package: &PackageState) -> Option<Version> {
    package
        .releases()
        .iter()
        .filter(|release| release.standing() == Standing::Good)
        .map(Release::version)
        .filter(|version| version.pre.is_empty())
        .max_by(|a, b| a.cmp_precedence(b))
        .cloned()
}
