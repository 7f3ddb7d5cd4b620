//! What a build was made from: a digest over the source files, and the commit they were at.
//!
//! The digest is the SHA-256 of the lines that `sha256sum` prints for the files, sorted by path, so anybody can
//! compute it without Zero (spec/artifact.md, "source_digest").

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use zero_format::{Digest, Hasher};

use super::tool;
use crate::host::Session;
use crate::report::Failure;

/// The files that a compiler says it read: a Makefile rule, as rustc and clang write it.
pub(super) fn dep_info(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::failed(format!("cannot read {}", path.display())).because(&error)
    })?;
    Ok(parse_rule(&text))
}

fn parse_rule(text: &str) -> Vec<PathBuf> {
    // Only the first rule lists the inputs; a path may hold escaped spaces, and the rule may span lines.
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let rule = joined.lines().next().unwrap_or_default();
    let Some((_, inputs)) = rule.split_once(": ") else {
        return Vec::new();
    };
    let mut files = Vec::new();
    let mut current = String::new();
    let mut characters = inputs.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => current.extend(characters.next()),
            ' ' if !current.is_empty() => files.push(PathBuf::from(std::mem::take(&mut current))),
            ' ' => {}
            other => current.push(other),
        }
    }
    if !current.is_empty() {
        files.push(PathBuf::from(current));
    }
    files
}

/// The digest over these files, with paths relative to `folder`; files that are not there are left out.
pub(super) fn digest(folder: &Path, files: &[PathBuf]) -> Result<Digest, Failure> {
    let mut lines = BTreeMap::new();
    for file in files {
        let path = folder.join(file);
        if !path.is_file() {
            continue;
        }
        lines.insert(relative(folder, &path), Digest::of(&super::read(&path)?));
    }
    let mut hasher = Hasher::new();
    for (path, digest) in lines {
        hasher.update(format!("{digest}  {path}\n").as_bytes());
    }
    Ok(hasher.finish())
}

/// `path` as seen from `folder`, with `/` between its parts on every system.
fn relative(folder: &Path, path: &Path) -> String {
    let folder: Vec<Component<'_>> = folder.components().collect();
    let path: Vec<Component<'_>> = path.components().collect();
    let shared = folder
        .iter()
        .zip(&path)
        .take_while(|(left, right)| left == right)
        .count();
    let up = std::iter::repeat_n(String::from(".."), folder.len() - shared);
    let down = path
        .iter()
        .skip(shared)
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

/// The commit that the folder is at, if it is in git and nothing in the folder differs from it.
pub(super) fn commit(session: &Session, folder: &Path) -> Option<String> {
    let git = tool::find(&session.env, &["git"])?;
    let ask = |args: &[&str]| {
        let output = tool::capture(Command::new(&git).current_dir(folder).args(args)).ok()?;
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    if !ask(&["status", "--porcelain", "--", "."])?.is_empty() {
        return None;
    }
    // A folder that git ignores, or knows nothing of, is at no commit.
    if ask(&["ls-files", "--", "."])?.is_empty() {
        return None;
    }
    ask(&["rev-parse", "HEAD"]).filter(|commit| commit.len() >= 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_may_span_lines_and_escape_spaces() {
        let text = "out.o: src/a.c \\\n  src/b\\ c.h\n\nsrc/a.c:\n";
        assert_eq!(
            parse_rule(text),
            [PathBuf::from("src/a.c"), PathBuf::from("src/b c.h")]
        );
        assert!(parse_rule("").is_empty());
    }

    #[test]
    fn the_digest_is_that_of_sha256sum_lines() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("d")).unwrap();
        std::fs::write(folder.path().join("d/b"), "two").unwrap();
        std::fs::write(folder.path().join("a"), "one").unwrap();
        let files = [
            PathBuf::from("d/b"),
            PathBuf::from("a"),
            PathBuf::from("missing"),
        ];
        let lines = format!("{}  a\n{}  d/b\n", Digest::of(b"one"), Digest::of(b"two"));
        assert_eq!(
            digest(folder.path(), &files).unwrap(),
            Digest::of(lines.as_bytes())
        );
    }

    #[test]
    fn a_path_outside_is_named_from_inside() {
        assert_eq!(relative(Path::new("/a/b"), Path::new("/a/c/d")), "../c/d");
    }
}
