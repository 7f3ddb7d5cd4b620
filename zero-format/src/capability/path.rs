//! Paths and variable names as the guest sees them (spec/artifact.md, "Capabilities").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_ENV_NAME, MAX_GUEST_PATH};
use crate::text;

/// An absolute, normalised path in the guest's file system, such as `/` or `/data/in`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GuestPath(String);

/// The name of an environment variable: `[A-Za-z_][A-Za-z0-9_]*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EnvName(String);

/// Why a text is not a guest path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuestPathError {
    /// A character that could deceive, or a separator of another system.
    #[error("{character:?} cannot stand in a guest path")]
    Character {
        /// The character.
        character: char,
    },
    /// More bytes than a path may have.
    #[error("a guest path has at most {MAX_GUEST_PATH} bytes, this has {length}")]
    Length {
        /// How many bytes the path has.
        length: usize,
    },
    /// A part that is empty, `.` or `..`.
    #[error("a guest path is normalised: no `.`, `..`, doubled or trailing `/`")]
    NotNormalised,
    /// No `/` at the start.
    #[error("a guest path starts with `/`")]
    Relative,
}

/// Why a text does not name an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "an environment variable is named with letters, digits and `_`, at most {MAX_ENV_NAME}, no digit first"
)]
pub struct EnvNameError;

impl GuestPath {
    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `inner` is this path or lies below it.
    pub fn contains(&self, inner: &Self) -> bool {
        let base = self.0.trim_end_matches('/');
        inner
            .0
            .strip_prefix(base)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for GuestPath {
    type Err = GuestPathError;

    fn from_str(text: &str) -> Result<Self, GuestPathError> {
        if text.len() > MAX_GUEST_PATH {
            return Err(GuestPathError::Length { length: text.len() });
        }
        if let Some(character) = text.chars().find(|&c| c == '\\' || text::is_unsafe(c)) {
            return Err(GuestPathError::Character { character });
        }
        let rest = text.strip_prefix('/').ok_or(GuestPathError::Relative)?;
        if !rest.is_empty() && rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(GuestPathError::NotNormalised);
        }
        Ok(Self(text.to_owned()))
    }
}

impl EnvName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EnvName {
    type Err = EnvNameError;

    fn from_str(text: &str) -> Result<Self, EnvNameError> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let goes_well = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if starts_well && goes_well && text.len() <= MAX_ENV_NAME {
            Ok(Self(text.to_owned()))
        } else {
            Err(EnvNameError)
        }
    }
}

text::newtype!(GuestPath, GuestPathError);
text::newtype!(EnvName, EnvNameError);

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Result<GuestPath, GuestPathError> {
        text.parse()
    }

    #[test]
    fn guest_paths_are_absolute_and_normalised() {
        for good in ["/", "/data", "/data/in", "/with space", "/Ünïcode"] {
            assert_eq!(path(good).unwrap().as_str(), good);
        }
        assert_eq!(path("data"), Err(GuestPathError::Relative));
        assert_eq!(path(""), Err(GuestPathError::Relative));
        for bad in ["//", "/data/", "/./data", "/data/..", "/a//b"] {
            assert_eq!(path(bad), Err(GuestPathError::NotNormalised), "{bad}");
        }
        assert_eq!(
            path("/a\\b"),
            Err(GuestPathError::Character { character: '\\' })
        );
        assert_eq!(
            path("/a\u{202e}b"),
            Err(GuestPathError::Character {
                character: '\u{202e}'
            })
        );
        assert_eq!(
            path("/a\nb"),
            Err(GuestPathError::Character { character: '\n' })
        );
        assert_eq!(
            path(&format!("/{}", "a".repeat(1024))),
            Err(GuestPathError::Length { length: 1025 })
        );
    }

    #[test]
    fn containment_goes_by_whole_parts() {
        let contains =
            |outer: &str, inner: &str| path(outer).unwrap().contains(&path(inner).unwrap());
        assert!(contains("/", "/data") && contains("/", "/") && contains("/data", "/data/in"));
        assert!(
            !contains("/data", "/database")
                && !contains("/data/in", "/data")
                && !contains("/data", "/")
        );
    }

    #[test]
    fn variables_have_plain_names() {
        assert!("LANG".parse::<EnvName>().is_ok() && "_x1".parse::<EnvName>().is_ok());
        for bad in ["", "1A", "A=B", "A B", "Ä"] {
            assert_eq!(bad.parse::<EnvName>(), Err(EnvNameError), "{bad}");
        }
    }
}
