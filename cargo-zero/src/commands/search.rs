//! `search`: packages by a part of their names, from the map that the registry signed.

use serde_json::{Value, json};
use zero_registry::{Release, Standing};

use crate::cli::Search;
use crate::host::Session;
use crate::registries;
use crate::report::{Failure, Report};

pub(crate) fn run(session: &Session, args: &Search) -> Result<Report, Failure> {
    let (registry, config) = registries::choose(session, None)?;
    let client = registries::client(session, &registry, &config)?;
    let step = session.output.step(&format!("asking {registry}"));
    let failed = |error| registries::failure("the registry", &error);
    let trusted = client.update(registries::now(session)).map_err(failed)?;
    let mut entries = client.packages(&trusted).map_err(failed)?;
    entries.retain(|entry| entry.name.as_str().contains(&args.text));
    entries
        .sort_by(|a, b| rank(a.name.as_str(), &args.text).cmp(&rank(b.name.as_str(), &args.text)));
    let found = entries.len();
    let mut text = String::new();
    let mut packages = Vec::new();
    for entry in entries.iter().take(args.limit) {
        let state = client.package(&trusted, &entry.name).map_err(failed)?;
        let good = state
            .releases()
            .iter()
            .filter(|r| r.standing() == Standing::Good);
        let newest = good.max_by(|a, b| a.version().cmp_precedence(b.version()));
        let needs = newest.map(|release| release.capabilities().describe());
        let (version, needs) = match (newest, needs) {
            (Some(release), Some(needs)) if needs.is_empty() => (
                release.version().to_string(),
                vec!["computes only".to_owned()],
            ),
            (Some(release), Some(needs)) => (release.version().to_string(), needs),
            _ => (
                "-".to_owned(),
                vec!["no version may be newly chosen".to_owned()],
            ),
        };
        text += &format!(
            "{:<32} {:<12} {}\n",
            entry.name.to_string(),
            version,
            needs.join("; ")
        );
        packages.push(json!({
            "package": entry.name,
            "newest": newest.map(Release::version),
            "needs": newest.map(|release| release.capabilities().describe()),
        }));
    }
    drop(step);
    if found == 0 {
        text += &format!("no package of {registry} has `{}` in its name\n", args.text);
    } else if found > packages.len() {
        text += &format!("and {} more: --limit {found}\n", found - packages.len());
    }
    let fields = json!({ "registry": registry, "found": found, "packages": Value::from(packages) });
    Ok(Report::new(fields, text))
}

/// The name itself first, then names that begin with the text, then the others, each in order.
fn rank<'a>(name: &'a str, text: &str) -> (u8, &'a str) {
    let base = name.rsplit('/').next().unwrap_or(name);
    let place = match (name == text || base == text, base.starts_with(text)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    (place, name)
}
