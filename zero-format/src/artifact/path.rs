//! Paths of bundled files (spec/artifact.md, "Bundled files"): safe to unpack on every system.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_FILE_DEPTH, MAX_FILE_PATH};
use crate::package::is_windows_device;
use crate::text;

/// What a ustar header holds in its two fields.
const USTAR_NAME: usize = 100;
const USTAR_PREFIX: usize = 155;

/// A relative path with `/` between its parts, in printable ASCII, which no file system reads differently.
///
/// ```
/// use zero_format::FilePath;
/// assert!("share/words.txt".parse::<FilePath>().is_ok());
/// assert!("../secret".parse::<FilePath>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

/// Why a text is not the path of a bundled file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilePathError {
    /// A character that some system gives a meaning.
    #[error("{character:?} cannot stand in the path of a bundled file")]
    Character {
        /// The character.
        character: char,
    },
    /// Too many parts.
    #[error("the path of a bundled file has at most {MAX_FILE_DEPTH} parts")]
    Depth,
    /// Too long for an archive.
    #[error(
        "the path of a bundled file has at most {MAX_FILE_PATH} bytes, and {USTAR_NAME} in its last part"
    )]
    Length,
    /// A part that is empty, `.`, `..`, a Windows device, or ends in a dot or a space.
    #[error("`{part}` cannot be a part of the path of a bundled file")]
    Part {
        /// The part.
        part: String,
    },
}

impl FilePath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = FilePathError;

    fn from_str(text: &str) -> Result<Self, FilePathError> {
        if let Some(character) = text.chars().find(|&c| !is_plain(c)) {
            return Err(FilePathError::Character { character });
        }
        if let Some(part) = text.split('/').find(|part| !is_portable(part)) {
            return Err(FilePathError::Part {
                part: text::excerpt(part),
            });
        }
        if text.split('/').count() > MAX_FILE_DEPTH {
            return Err(FilePathError::Depth);
        }
        if text.len() > MAX_FILE_PATH || !fits_ustar(text) {
            return Err(FilePathError::Length);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Printable ASCII without what Windows, shells of old or URLs reserve.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

fn is_portable(part: &str) -> bool {
    let stem = part
        .split('.')
        .next()
        .unwrap_or(part)
        .trim_end_matches(' ')
        .to_ascii_lowercase();
    !part.is_empty()
        && !part.starts_with(' ')
        && !part.ends_with(['.', ' '])
        && !is_windows_device(&stem)
}

/// Whether the path fits the fields of a ustar header, split at one `/` if it is long.
fn fits_ustar(path: &str) -> bool {
    path.len() <= USTAR_NAME
        || path.match_indices('/').any(|(at, _)| {
            at <= USTAR_PREFIX && path.len().saturating_sub(at.saturating_add(1)) <= USTAR_NAME
        })
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text::newtype!(FilePath, FilePathError);

/// The paths taken so far, as a file system without regard to case would hold them.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    /// By lower-case path.
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug, Clone)]
struct Node {
    spelling: String,
    is_folder: bool,
    /// Whether it was named itself, and not only as the parent of another path.
    named: bool,
}

impl Tree {
    /// Takes a path for a file or a folder; false if something that differs only in case, or of the other sort, has
    /// it or one of its parents.
    pub(super) fn take(&mut self, path: &FilePath, is_folder: bool) -> bool {
        let path = path.as_str();
        let parents = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        for parent in parents {
            let node = self.node(parent, true);
            if !node.is_folder || node.spelling != parent {
                return false;
            }
        }
        let is_new = !self.nodes.contains_key(&path.to_ascii_lowercase());
        let node = self.node(path, is_folder);
        let fits = is_new || (is_folder && node.is_folder && !node.named && node.spelling == path);
        node.named = true;
        fits
    }

    fn node(&mut self, path: &str, is_folder: bool) -> &mut Node {
        let node = || Node {
            spelling: path.to_owned(),
            is_folder,
            named: false,
        };
        self.nodes
            .entry(path.to_ascii_lowercase())
            .or_insert_with(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Result<FilePath, FilePathError> {
        text.parse()
    }

    #[test]
    fn accepts_plain_relative_paths() {
        let long = format!("{}/{}", "d".repeat(155), "f".repeat(99));
        for good in [
            "a",
            "a/b.txt",
            ".config",
            "a b",
            "x.tar.gz",
            "console.txt",
            long.as_str(),
        ] {
            assert_eq!(path(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn refuses_paths_that_lead_elsewhere() {
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "./a",
            "a/..",
            "nul",
            "NUL.txt",
            "a/Com1.log",
            "a.",
            "a ",
            " a",
        ] {
            assert!(
                matches!(path(bad), Err(FilePathError::Part { .. })),
                "{bad}"
            );
        }
        for bad in ["a\\b", "C:a", "a\0b", "a\nb", "é", "a*", "a\u{202e}"] {
            assert!(
                matches!(path(bad), Err(FilePathError::Character { .. })),
                "{bad}"
            );
        }
        assert_eq!(
            path("a/".repeat(32).trim_end_matches('/')).map(|_| ()),
            Ok(())
        );
        assert_eq!(
            path(&format!("{}a", "a/".repeat(32))),
            Err(FilePathError::Depth)
        );
        assert_eq!(path(&"a".repeat(101)), Err(FilePathError::Length));
        assert_eq!(
            path(&format!("{}/{}", "d".repeat(156), "f")),
            Err(FilePathError::Length)
        );
    }

    #[test]
    fn a_tree_holds_each_place_once() {
        let mut tree = Tree::default();
        let mut take = |text: &str, is_folder| tree.take(&path(text).unwrap(), is_folder);
        assert!(take("a/b", false) && take("a", true) && take("a/c", false));
        assert!(!take("a/b", false), "twice");
        assert!(!take("a", true), "a folder twice");
        assert!(!take("A/d", false), "a parent in another case");
        assert!(!take("a/B", false), "a file in another case");
        assert!(!take("a/b/c", false), "below a file");
        assert!(!take("a", false), "a file over a folder");
    }
}
