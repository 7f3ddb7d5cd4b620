//! `uninstall`: the launcher goes, then its record.

use serde_json::json;
use zero_format::{PackageName, printable};
use zrun::Installed;

use crate::cli::Uninstall;
use crate::host::Session;
use crate::launchers;
use crate::report::{Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &Uninstall) -> Result<Report, Failure> {
    // All or nothing of what was asked: names are checked before anything is removed.
    let all: Result<Vec<Installed>, Failure> = args
        .launchers
        .iter()
        .map(|launcher| find(session, launcher))
        .collect();
    let mut text = String::new();
    let mut removed = Vec::new();
    for installed in all? {
        if !launchers::remove(&installed.path)? && installed.path.symlink_metadata().is_ok() {
            session.output.warn(&format!(
                "{} is not our launcher any more; it stays",
                installed.path.display()
            ));
        }
        session
            .home
            .forget_installed(&installed.launcher)
            .map_err(|error| Failure::failed("cannot remove the record").because(&error))?;
        let found = &installed.resolution;
        text += &format!(
            "removed {} ({} {})\n",
            installed.launcher, found.name, found.version
        );
        removed.push(installed.launcher);
    }
    Ok(Report::new(json!({ "removed": removed }), text))
}

/// An installed package by its launcher's name; its launcher may be gone.
pub(super) fn find(session: &Session, launcher: &str) -> Result<Installed, Failure> {
    let secret = session.secret()?;
    launcher
        .parse::<PackageName>()
        .ok()
        .and_then(|name| session.home.installed(&secret, &name))
        .ok_or_else(|| {
            Failure::new(
                Class::NotFound,
                format!("no package is installed as `{}`", printable(launcher)),
            )
            .hint("`cargo zero list` shows what is installed")
        })
}
