//! `info`: what a registry holds of a package.

use serde_json::{Value, json};
use zero_format::PublicKey;
use zero_registry::{PackageState, Release, Role, Standing};

use super::owner;
use crate::cli::Info;
use crate::host::Session;
use crate::registries;
use crate::report::{Failure, Report, human_size};

pub(crate) fn run(session: &Session, args: &Info) -> Result<Report, Failure> {
    let (registry, checked, state) = registries::package(session, &args.package)?;
    let name = state.name();
    let mut releases: Vec<&Release> = state.releases().iter().collect();
    releases.sort_by(|a, b| b.version().cmp_precedence(a.version()));
    let mut text = format!("{name} in {registry}, checked {checked}\n");
    let newest = releases
        .iter()
        .find(|release| release.standing() == Standing::Good);
    if let Some(newest) = newest {
        text += &newest_text(newest);
    } else {
        text += "  no version of it may be newly chosen\n";
    }
    for release in &releases {
        text += &release_line(release);
    }
    let fields = json!({
        "package": name,
        "registry": registry,
        "checked_at": checked,
        "newest": newest.map(|release| release.version()),
        "releases": releases.iter().map(|release| release_json(release)).collect::<Vec<_>>(),
        "owners": owners(&state),
    });
    let report = Report::new(fields, text);
    Ok(match newest {
        Some(release) => report.next(format!("cargo zero run {name}@{}", release.version())),
        None => report,
    })
}

fn newest_text(release: &Release) -> String {
    let mut text = format!("  newest    {}, of {}\n", release.version(), release.time());
    for key in release.signers() {
        text += &format!("  signed by {key}\n");
    }
    text += &format!("  digest    {}\n", release.sha256());
    let words = release.capabilities().describe();
    if words.is_empty() {
        text += "  may       nothing but compute\n";
    }
    for word in words {
        text += &format!("  may       {word}\n");
    }
    text
}

fn release_line(release: &Release) -> String {
    let mark = match release.standing() {
        Standing::Good => "",
        Standing::Yanked => "  yanked",
        Standing::Revoked => "  revoked: it never runs",
    };
    format!(
        "  version   {:<12} {:>10}  {}{mark}\n",
        release.version().to_string(),
        human_size(release.size()),
        release.time()
    )
}

fn release_json(release: &Release) -> Value {
    let standing = match release.standing() {
        Standing::Good => "good",
        Standing::Yanked => "yanked",
        Standing::Revoked => "revoked",
    };
    json!({
        "version": release.version(),
        "standing": standing,
        "sha256": release.sha256(),
        "size": release.size(),
        "time": release.time(),
        "signers": release.signers().iter().map(PublicKey::to_base64).collect::<Vec<_>>(),
        "capabilities": release.capabilities(),
        "needs": release.capabilities().describe(),
        "event": release.seq(),
    })
}

fn owners(state: &PackageState) -> Value {
    let of = |role: Option<&Role>| role.map(owner::role_json);
    json!({ "release": of(state.release_role()), "admin": of(state.admin_role()) })
}
