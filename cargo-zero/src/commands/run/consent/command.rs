//! Without a terminal: the one command that grants what is missing, as it is to be typed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use zero_format::{FsScope, GuestPath, PackageName};
use zrun::exports::quoted;
use zrun::{Asked, Decision};

use crate::report::{Class, Failure};

/// The refusal, with what is missing and the command that grants it.
pub(super) fn denied(name: &PackageName, decision: &Decision, arguments: &[OsString]) -> Failure {
    let needs: Vec<String> = decision
        .outstanding
        .describe()
        .iter()
        .map(|need| format!("  - {need}"))
        .collect();
    let is_folder = |path: &Path| path.is_dir();
    Failure::new(
        Class::Denied,
        format!("{name} asks for what was not granted"),
    )
    .details(needs.join("\n"))
    .hint(granting(name, decision, arguments, &is_folder))
}

/// The same command line, with everything granted. Only the user knows which folder a program is meant to see: one
/// that is named like it, or else a new and empty one.
fn granting(
    name: &PackageName,
    decision: &Decision,
    arguments: &[OsString],
    is_folder: &dyn Fn(&Path) -> bool,
) -> String {
    let named = |guest: &GuestPath| folder(name, guest, is_folder);
    let flags = Asked::flags_for(&decision.outstanding, &named);
    let flags: Vec<String> = flags.iter().map(|flag| quoted(flag)).collect();
    let guests = decision
        .outstanding
        .fs
        .iter()
        .filter_map(|rule| match &rule.scope {
            FsScope::Guest(guest) => Some(named(guest)),
            FsScope::Args => None,
        });
    let missing: BTreeSet<String> = guests
        .filter(|folder| !is_folder(Path::new(folder)))
        .map(|folder| quoted(&folder))
        .collect();
    let command = |word: &OsString| {
        ["run", "serve", "install", "allow"]
            .iter()
            .any(|one| word == one)
    };
    let run = arguments.iter().position(command).unwrap_or(0);
    let words = arguments.iter().enumerate().skip(1).map(|(index, word)| {
        let word = quoted(&word.to_string_lossy());
        if index == run {
            format!("{word} {}", flags.join(" "))
        } else {
            word
        }
    });
    let command = format!("cargo zero {}", words.collect::<Vec<_>>().join(" "));
    if missing.is_empty() {
        return command;
    }
    let missing: Vec<String> = missing.into_iter().collect();
    format!("mkdir {} && {command}", missing.join(" "))
}

fn folder(name: &PackageName, guest: &GuestPath, is_folder: &dyn Fn(&Path) -> bool) -> String {
    let last = guest.as_str().rsplit('/').next().unwrap_or_default();
    let last = if last.is_empty() {
        // Not the whole machine because a program calls its folder `/`.
        name.as_str()
            .rsplit('/')
            .next()
            .unwrap_or("data")
            .to_owned()
    } else {
        last.to_owned()
    };
    let same = guest.as_str();
    if !is_folder(Path::new(&last)) && same.len() > 1 && is_folder(Path::new(same)) {
        return same.to_owned();
    }
    last
}

#[cfg(test)]
mod tests {
    use zero_format::{Access, Capabilities, FsRule, RandomRule};

    use super::*;

    fn outstanding(guests: &[&str]) -> Decision {
        let mut capabilities = Capabilities::from(RandomRule::default());
        capabilities.fs = guests
            .iter()
            .map(|guest| FsRule {
                scope: FsScope::Guest(guest.parse().unwrap()),
                access: Access::Read,
                reason: None,
            })
            .collect();
        Decision {
            outstanding: capabilities,
            ..Decision::default()
        }
    }

    fn hint(guests: &[&str], folders: &[&str]) -> String {
        let typed =
            ["cargo-zero", "-q", "run", "csv@1.2", "--", "it's.csv", ""].map(OsString::from);
        let there = |path: &Path| folders.iter().any(|folder| Path::new(folder) == path);
        let name = "csv".parse().unwrap();
        granting(&name, &outstanding(guests), &typed, &there)
    }

    const REST: &str = r"csv@1.2 -- 'it'\''s.csv' ''";

    #[test]
    fn the_hint_is_the_command_that_works() {
        assert_eq!(
            hint(&[], &[]),
            format!("cargo zero -q run --allow-declared {REST}")
        );
    }

    #[test]
    fn a_folder_is_one_that_is_there_or_a_new_one() {
        let with = |folder: &str, guest: &str| {
            format!("cargo zero -q run --allow-declared --allow-fs {folder}:ro={guest} {REST}")
        };
        assert_eq!(hint(&["/data"], &["data", "/data"]), with("data", "/data"));
        assert_eq!(hint(&["/data"], &["/data"]), with("/data", "/data"));
        assert_eq!(
            hint(&["/data"], &[]),
            format!("mkdir data && {}", with("data", "/data"))
        );
        assert_eq!(
            hint(&["/"], &["/"]),
            format!("mkdir csv && {}", with("csv", "/")),
            "never the root of the machine"
        );
    }
}
