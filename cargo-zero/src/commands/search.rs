//! `search`: packages by their words. The catalogue finds them, and what is said of each comes from what
//! was signed.

use serde_json::{Value, json};
use zero_registry::{
    Client, FetchError, Listed, PackageState, Release, Standing, Trusted, search_rank,
};

use crate::cli::Search;
use crate::host::Session;
use crate::registries;
use crate::report::{Failure, Report};

/// Names that a search looks at anyway, so that the best come first.
const ENOUGH: usize = 100;

pub(crate) fn run(session: &Session, args: &Search) -> Result<Report, Failure> {
    let (registry, config) = registries::choose(session, None)?;
    let client = registries::client(session, &registry, &config)?;
    let step = session.output.step(&format!("asking {registry}"));
    let failed = |error| registries::failure("the registry", &error);
    let trusted = client.update(registries::now(session)).map_err(failed)?;
    let listed = listed(&client, &trusted, args).map_err(failed)?;
    let mut text = String::new();
    let mut packages = Vec::new();
    let mut unknown = 0;
    for name in &listed.names {
        if packages.len() == args.limit {
            break;
        }
        // What a catalogue lists and the signed map has not is none of the registry's packages.
        match client.package(&trusted, name) {
            Ok(state) => packages.push(shown(&state, &mut text)),
            Err(FetchError::NoPackage { .. }) => unknown += 1,
            Err(error) => return Err(failed(error)),
        }
    }
    drop(step);
    let found = listed.names.len() - unknown;
    if found == 0 {
        text += &format!("no package of {registry} has `{}`\n", args.text);
    } else if found > packages.len() {
        let least = if listed.more { "at least " } else { "" };
        let rest = found - packages.len();
        text += &format!("and {least}{rest} more: --limit {found}\n");
    } else if listed.more {
        text += "there may be more: add a word, or a letter\n";
    }
    let fields = json!({ "registry": registry, "found": found, "more": listed.more, "packages": Value::from(packages) });
    Ok(Report::new(fields, text))
}

/// The packages by their words, as the registry's catalogue has them; without one, or for less than a
/// word, by what their names contain, from the whole of the signed map.
fn listed(client: &Client, trusted: &Trusted, args: &Search) -> Result<Listed, FetchError> {
    let mut words = args.text.split(|c: char| !c.is_alphanumeric());
    let has_word = words.any(|word| word.chars().count() > 1);
    if has_word && let Some(listed) = client.find(trusted, &args.text, args.limit.max(ENOUGH)) {
        return Ok(listed);
    }
    let entries = client.packages(trusted)?.into_iter();
    let mut names: Vec<_> = entries
        .map(|entry| entry.name)
        .filter(|name| name.as_str().contains(&args.text))
        .collect();
    names.sort_by(|a, b| {
        search_rank(a.as_str(), &args.text).cmp(&search_rank(b.as_str(), &args.text))
    });
    Ok(Listed { names, more: false })
}

/// A package for people, behind `text`, and for machines.
fn shown(state: &PackageState, text: &mut String) -> Value {
    let good = state
        .releases()
        .iter()
        .filter(|r| r.standing() == Standing::Good);
    let newest = good.max_by(|a, b| a.version().cmp_precedence(b.version()));
    let needs = newest.map(|release| release.capabilities().describe());
    let (version, words) = match (newest, &needs) {
        (Some(release), Some(needs)) if needs.is_empty() => {
            (release.version().to_string(), "computes only".to_owned())
        }
        (Some(release), Some(needs)) => (release.version().to_string(), needs.join("; ")),
        _ => ("-".to_owned(), "no version may be newly chosen".to_owned()),
    };
    *text += &format!("{:<32} {version:<12} {words}\n", state.name().to_string());
    json!({
        "package": state.name(),
        "newest": newest.map(Release::version),
        "needs": needs,
    })
}
