//! From paths to rules: a declared folder, the files named on the command line, or a new folder.

use std::collections::{BTreeMap, BTreeSet};

use zero_format::{Access, Capabilities, FsRule, FsScope, GuestPath};

use crate::audit::Use;

/// From so many paths in one folder on, the folder is what is needed.
const SIBLINGS: usize = 3;

/// The rules for the uses of files among `uses`. `granted` are the uses that were not denied.
pub(super) fn rules(
    granted: &BTreeSet<Use>,
    uses: &BTreeSet<Use>,
    declared: &Capabilities,
    notes: &mut Vec<String>,
) -> Vec<FsRule> {
    // What was granted and lies in no declared folder was named on the command line.
    let named: BTreeSet<&str> = paths(granted)
        .filter(|(path, _)| folder_of(path, declared).is_none())
        .map(|(path, _)| path)
        .collect();
    let mut arguments = None;
    let mut folders: BTreeMap<&GuestPath, Access> = BTreeMap::new();
    let mut others: BTreeMap<String, Access> = BTreeMap::new();
    for (path, access) in paths(uses) {
        if named.contains(path) {
            arguments = arguments.max(Some(access));
        } else if let Some(folder) = folder_of(path, declared) {
            widen(folders.entry(folder).or_insert(access), access);
        } else {
            let needed = match access {
                Access::Read => Some(path),
                // A single file cannot be granted for writing.
                Access::ReadWrite => parent(path),
            };
            match needed {
                Some(path) => widen(others.entry(path.to_owned()).or_insert(access), access),
                None => notes.push(at_the_root(path)),
            }
        }
    }
    let mut rules: Vec<FsRule> = arguments
        .into_iter()
        .map(|access| rule(FsScope::Args, access, declared))
        .collect();
    for (folder, access) in folders {
        rules.push(rule(FsScope::Guest(folder.clone()), access, declared));
    }
    for (path, access) in gathered(&others) {
        if let Ok(path) = path.parse() {
            rules.push(rule(FsScope::Guest(path), access, declared));
        }
    }
    rules
}

fn paths(uses: &BTreeSet<Use>) -> impl Iterator<Item = (&str, Access)> {
    uses.iter().filter_map(|one| match one {
        Use::Fs { path, access } => Some((path.as_str(), *access)),
        _ => None,
    })
}

/// The innermost declared folder that holds a path.
fn folder_of<'d>(path: &str, declared: &'d Capabilities) -> Option<&'d GuestPath> {
    let path: GuestPath = path.parse().ok()?;
    let folders = declared.fs.iter().filter_map(|rule| match &rule.scope {
        FsScope::Guest(folder) if folder.contains(&path) => Some(folder),
        _ => None,
    });
    folders.max_by_key(|folder| folder.as_str().len())
}

/// The folder of a path, unless that is the root.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/')
        .map(|(parent, _)| parent)
        .filter(|parent| !parent.is_empty())
}

fn at_the_root(path: &str) -> String {
    format!(
        "it writes {path}, at the root of all that it sees: let it write into a folder such as /out, or to a file that \
         is named on the command line"
    )
}

/// Many paths of one folder become the folder, and what lies in a folder that is needed anyway goes with it.
fn gathered(paths: &BTreeMap<String, Access>) -> BTreeMap<String, Access> {
    let mut siblings: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths.keys() {
        if let Some(parent) = parent(path) {
            *siblings.entry(parent).or_default() += 1;
        }
    }
    let mut gathered: BTreeMap<String, Access> = BTreeMap::new();
    for (path, access) in paths {
        let many =
            parent(path).filter(|parent| siblings.get(parent).is_some_and(|n| *n >= SIBLINGS));
        let path = many.unwrap_or(path);
        widen(gathered.entry(path.to_owned()).or_insert(*access), *access);
    }
    let inside = |path: &str, access: Access| {
        gathered.iter().any(|(other, wider)| {
            *wider >= access
                && path
                    .strip_prefix(other.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
        })
    };
    gathered
        .iter()
        .filter(|(path, access)| !inside(path, **access))
        .map(|(path, access)| (path.clone(), *access))
        .collect()
}

fn widen(access: &mut Access, to: Access) {
    *access = (*access).max(to);
}

fn rule(scope: FsScope, access: Access, declared: &Capabilities) -> FsRule {
    let known = declared.fs.iter().find(|rule| rule.scope == scope);
    FsRule {
        reason: known.and_then(|rule| rule.reason.clone()),
        scope,
        access,
    }
}
