//! `compile_commands.json`: the flags that the repository's own build uses, as far as they say what the source means.

use std::collections::HashMap;
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

/// Flags by source. A database that cannot be read is as good as none.
pub(super) fn read(checkout: &Checkout) -> HashMap<String, Vec<String>> {
    let found = checkout
        .files
        .iter()
        .find(|path| path.rsplit('/').next() == Some("compile_commands.json"));
    let Some(entries) = found
        .and_then(|path| std::fs::read(checkout.root.join(path)).ok())
        .and_then(|bytes| serde_json::from_slice::<Vec<Entry>>(&bytes).ok())
    else {
        return HashMap::new();
    };
    entries
        .iter()
        .filter_map(|entry| {
            let path = inside(&checkout.root, &entry.directory.join(&entry.file))?;
            Some((path, flags(&checkout.root, entry)))
        })
        .collect()
}

fn flags(root: &Path, entry: &Entry) -> Vec<String> {
    let split: Vec<String>;
    let words = if entry.arguments.is_empty() {
        split = entry.command.split_whitespace().map(unquoted).collect();
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
        return vec![format!("{option}{value}")];
    }
    match inside(root, &directory.join(value)) {
        Some(path) if option == "-I" => vec![format!("-I{ROOT}/{path}")],
        Some(path) => vec![option.to_owned(), format!("{ROOT}/{path}")],
        None => Vec::new(),
    }
}

/// `command` is written for a shell; names and values hardly ever need more than this.
fn unquoted(word: &str) -> String {
    word.replace("\\\"", "\u{0}")
        .replace(['"', '\''], "")
        .replace('\u{0}', "\"")
}

/// The path from the root, if it is below it.
fn inside(root: &Path, path: &Path) -> Option<String> {
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
    let inside = clean.strip_prefix(root).ok()?;
    Some(inside.to_str()?.replace('\\', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flags_with_a_meaning_and_folders_of_the_repository_are_taken() {
        let entry = Entry {
            directory: PathBuf::from("/r/build"),
            file: PathBuf::from("../a.c"),
            command: String::from(
                "cc -O2 -I../include -I /usr/include -DX=\\\"y\\\" -isystem ../third -std=c99 -o a.o -c ../a.c",
            ),
            arguments: Vec::new(),
        };
        assert_eq!(
            flags(Path::new("/r"), &entry),
            [
                "-I{root}/include",
                "-DX=\"y\"",
                "-isystem",
                "{root}/third",
                "-std=c99"
            ]
        );
    }
}
