//! `compile_commands.json`: the flags that the repository's own build uses, as far as they say what the source means.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::ROOT;
use crate::source::Checkout;

#[derive(Deserialize)]
struct Entry {
    directory: PathBuf,
    file: PathBuf,
    #[serde(default)]
    command: String,
    #[serde(default)]
    arguments: Vec<String>,
}

/// Options whose value may be the next word.
const WITH_VALUE: [&str; 6] = ["-I", "-D", "-U", "-include", "-isystem", "-iquote"];
/// Options that decide what the source means.
const ALONE: [&str; 4] = [
    "-std=",
    "-funsigned-char",
    "-fsigned-char",
    "-fno-strict-aliasing",
];

/// Stands for the repository's folder where the database does not say where that was.
const HERE: &str = "/{root}";

/// Flags by source. A database that cannot be read is as good as none.
pub(super) fn read(checkout: &Checkout) -> HashMap<String, Vec<String>> {
    let found = checkout
        .files
        .iter()
        .find(|path| path.rsplit('/').next() == Some("compile_commands.json"));
    let entries = found.and_then(|path| {
        let bytes = std::fs::read(checkout.root.join(path)).ok()?;
        let entries: Vec<Entry> = serde_json::from_slice(&bytes).ok()?;
        Some(by_source(entries, path, &checkout.files))
    });
    entries.unwrap_or_default()
}

fn by_source(
    mut entries: Vec<Entry>,
    database: &str,
    files: &[String],
) -> HashMap<String, Vec<String>> {
    let folder = Path::new(HERE).join(database);
    let folder = folder.parent().unwrap_or(&folder);
    for entry in &mut entries {
        entry.directory = folder.join(&entry.directory);
        entry.file = clean(&entry.directory.join(&entry.file));
    }
    let root = root(&entries, files);
    entries
        .iter()
        .filter_map(|entry| Some((inside(&root, &entry.file)?, flags(&root, entry))))
        .collect()
}

/// Where the repository was when the database was made, which is seldom where it is: the folder below which most of the
/// sources are that it names. Where it is now has no say, so that flags are the same everywhere.
fn root(entries: &[Entry], files: &[String]) -> PathBuf {
    let known: HashSet<&Path> = files.iter().map(Path::new).collect();
    let mut found: BTreeMap<&Path, usize> = BTreeMap::new();
    for entry in entries {
        for folder in entry.file.ancestors().skip(1) {
            if entry
                .file
                .strip_prefix(folder)
                .is_ok_and(|rest| known.contains(rest))
            {
                *found.entry(folder).or_default() += 1;
            }
        }
    }
    // The first of equals, which is the one with the shortest path.
    let best = found.iter().rev().max_by_key(|(_, count)| **count);
    best.map_or(PathBuf::from(HERE), |(folder, _)| (*folder).to_owned())
}

fn flags(root: &Path, entry: &Entry) -> Vec<String> {
    let split: Vec<String>;
    let words = if entry.arguments.is_empty() {
        split = words(&entry.command);
        &split
    } else {
        &entry.arguments
    };
    let mut flags = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if ALONE.iter().any(|known| word.starts_with(known)) {
            flags.push(word.clone());
        } else if let Some(option) = WITH_VALUE
            .iter()
            .rev()
            .find(|option| word.starts_with(**option))
        {
            let value = match &word[option.len()..] {
                "" => words.next().cloned().unwrap_or_default(),
                value => value.to_owned(),
            };
            flags.extend(flag(root, &entry.directory, option, &value));
        }
    }
    flags
}

/// A folder outside the repository is one of the machine that the database was made on.
fn flag(root: &Path, directory: &Path, option: &str, value: &str) -> Vec<String> {
    if option == "-D" || option == "-U" {
        // Nothing but a path may come to name a folder of this machine.
        let named = value.contains(ROOT);
        return if named {
            Vec::new()
        } else {
            vec![format!("{option}{value}")]
        };
    }
    match inside(root, &clean(&directory.join(value))) {
        Some(path) if option == "-I" => vec![super::include(&path)],
        Some(path) => vec![option.to_owned(), format!("{ROOT}/{path}")],
        None => Vec::new(),
    }
}

/// The words of a `command`, which is written for a shell: only blanks, quotes and backslashes are special.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut marks = command.chars();
    while let Some(mark) = marks.next() {
        match (quote, mark) {
            (None, mark) if mark.is_whitespace() => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(mark);
                word.get_or_insert_default();
            }
            (Some(open), mark) if open == mark => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(marks.next()),
            (_, mark) => word.get_or_insert_default().push(mark),
        }
    }
    words.extend(word);
    words
}

/// The path without detours.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            part => clean.push(part),
        }
    }
    clean
}

/// The path from the root, if it is below it.
fn inside(root: &Path, path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root).ok()?;
    Some(inside.to_str()?.replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 3] = ["a.c", "build/compile_commands.json", "src/a.c"];

    fn made(json: &str) -> HashMap<String, Vec<String>> {
        let entries = serde_json::from_str(json).unwrap();
        by_source(entries, FILES[1], &FILES.map(String::from))
    }

    #[test]
    fn only_flags_with_a_meaning_and_folders_of_the_repository_are_taken() {
        let made = made(
            r#"[{"directory": "/was/lib/build", "file": "../a.c", "command": "cc -O2 -I../include -I /usr/include -I/was/lib -DX=\\\"y\\\" -DZ='a  b' '-DQ=\"\\n\"' -DHOME={root} -isystem ../third -std=c99 -o a.o -c ../a.c"}]"#,
        );
        assert_eq!(
            made["a.c"],
            [
                "-I{root}/include",
                "-I{root}",
                "-DX=\"y\"",
                "-DZ=a  b",
                "-DQ=\"\\n\"",
                "-isystem",
                "{root}/third",
                "-std=c99"
            ]
        );
    }

    #[test]
    fn a_database_fits_wherever_it_was_made() {
        let entries = |directory: &str| {
            let entry = |file: &str| {
                serde_json::json!({
                    "directory": directory, "file": file, "arguments": ["cc", "-I../include"],
                })
            };
            serde_json::Value::from(vec![entry("../src/a.c"), entry("../a.c")]).to_string()
        };
        for directory in ["/was/lib/build", "/other/build", ".", "../build"] {
            let made = made(&entries(directory));
            assert_eq!(made.len(), 2, "{directory}");
            assert_eq!(made["src/a.c"], ["-I{root}/include"], "{directory}");
        }
    }
}
