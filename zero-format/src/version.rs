//! Version requirements (spec/artifact.md, "Names and versions").
//!
//! Versions are SemVer 2. A requirement differs from Cargo's in one point: a bare version means itself. `1.2.3` is
//! that one release, `1.2` is the highest `1.2.z`, and the caret must be typed.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::limits::MAX_VERSION_REQ;

/// Which releases of a package will do.
///
/// ```
/// use zero_format::{Version, VersionReq};
/// let req: VersionReq = "1.2".parse()?;
/// assert!(req.matches(&Version::new(1, 2, 9)));
/// assert!(!req.matches(&Version::new(1, 3, 0)));
/// # Ok::<(), zero_format::VersionReqError>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionReq {
    /// The one spelling, which also decides equality and order.
    text: String,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Any,
    Exact(Version),
    Range(semver::VersionReq),
}

/// Why a text is not a version requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionReqError {
    /// `+build` beside an operator, where it could not mean anything.
    #[error("build metadata is allowed only in an exact version")]
    Build,
    /// A text that is too long to be meant.
    #[error("a version requirement has at most {MAX_VERSION_REQ} characters, this has {length}")]
    Length {
        /// How many bytes the text has.
        length: usize,
    },
    /// Neither a version nor comparisons.
    #[error("{reason}")]
    Syntax {
        /// What the SemVer grammar misses.
        reason: String,
    },
}

impl VersionReq {
    /// Any release that is not a pre-release.
    pub fn any() -> Self {
        Self {
            text: "*".to_owned(),
            rule: Rule::Any,
        }
    }

    /// Exactly `version`, its build metadata included.
    pub fn exact(version: Version) -> Self {
        Self {
            text: version.to_string(),
            rule: Rule::Exact(version),
        }
    }

    /// Whether `version` will do. A pre-release does only where the requirement names one of the same release.
    pub fn matches(&self, version: &Version) -> bool {
        match &self.rule {
            Rule::Any => version.pre.is_empty(),
            Rule::Exact(exact) => exact == version,
            Rule::Range(range) => range.matches(version),
        }
    }

    /// Whether a single version is asked for.
    pub fn is_exact(&self) -> bool {
        matches!(self.rule, Rule::Exact(_))
    }

    /// The single version that is asked for, if it is one.
    pub fn as_exact(&self) -> Option<&Version> {
        match &self.rule {
            Rule::Exact(version) => Some(version),
            Rule::Any | Rule::Range(_) => None,
        }
    }

    /// Whether nothing in particular is asked for.
    pub fn is_any(&self) -> bool {
        matches!(self.rule, Rule::Any)
    }
}

impl Default for VersionReq {
    fn default() -> Self {
        Self::any()
    }
}

impl FromStr for VersionReq {
    type Err = VersionReqError;

    fn from_str(text: &str) -> Result<Self, VersionReqError> {
        let text = text.trim_matches(' ');
        if text.len() > MAX_VERSION_REQ {
            return Err(VersionReqError::Length { length: text.len() });
        }
        if text.is_empty() || text == "*" {
            return Ok(Self::any());
        }
        if let Ok(version) = Version::parse(
            text.strip_prefix('=')
                .unwrap_or(text)
                .trim_start_matches(' '),
        ) {
            return Ok(Self::exact(version));
        }
        if text.contains('+') {
            return Err(VersionReqError::Build);
        }
        // The SemVer crate also reads `x` as a wildcard; one spelling is enough, and `tool@x` is a slip.
        let core = |part: &str| {
            part.split('-')
                .next()
                .is_some_and(|core| core.contains(['x', 'X']))
        };
        if text.split(',').any(core) {
            return Err(VersionReqError::Syntax {
                reason: "a wildcard is written `*`".to_owned(),
            });
        }
        let parts: Vec<String> = text
            .split(',')
            .map(|part| explicit(part.trim_matches(' ')))
            .collect();
        let range = semver::VersionReq::parse(&parts.join(", ")).map_err(|error| {
            VersionReqError::Syntax {
                reason: error.to_string(),
            }
        })?;
        let text = text
            .split(',')
            .map(|part| part.trim_matches(' '))
            .collect::<Vec<_>>()
            .join(", ");
        // The one spelling may be longer than what was typed, and must be readable too.
        if text.len() > MAX_VERSION_REQ {
            return Err(VersionReqError::Length { length: text.len() });
        }
        Ok(Self {
            text,
            rule: Rule::Range(range),
        })
    }
}

/// Writes out the `=` that a bare version means here; the SemVer crate would read a caret.
fn explicit(part: &str) -> String {
    if part.starts_with(|c: char| c.is_ascii_digit()) {
        format!("={part}")
    } else {
        part.to_owned()
    }
}

impl fmt::Display for VersionReq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl TryFrom<String> for VersionReq {
    type Error = VersionReqError;

    fn try_from(text: String) -> Result<Self, VersionReqError> {
        text.parse()
    }
}

impl From<VersionReq> for String {
    fn from(req: VersionReq) -> Self {
        req.text
    }
}

impl PartialEq for VersionReq {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for VersionReq {}

impl PartialOrd for VersionReq {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VersionReq {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Hash for VersionReq {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn req(text: &str) -> VersionReq {
        text.parse().unwrap()
    }

    fn matching<'a>(text: &str, versions: &[&'a str]) -> Vec<&'a str> {
        let req = req(text);
        versions
            .iter()
            .copied()
            .filter(|v| req.matches(&v.parse().unwrap()))
            .collect()
    }

    const ALL: [&str; 9] = [
        "0.9.0",
        "1.0.0",
        "1.2.0",
        "1.2.3",
        "1.2.3+b1",
        "1.2.4",
        "1.3.0-rc.1",
        "1.3.0",
        "2.0.0",
    ];

    #[test]
    fn bare_versions_mean_themselves() {
        assert_eq!(matching("1.2.3", &ALL), ["1.2.3"]);
        assert_eq!(matching("=1.2.3", &ALL), ["1.2.3"]);
        assert_eq!(matching("1.2.3+b1", &ALL), ["1.2.3+b1"]);
        assert_eq!(
            matching("1.2", &ALL),
            ["1.2.0", "1.2.3", "1.2.3+b1", "1.2.4"]
        );
        assert_eq!(
            matching("1.2.*", &ALL),
            ["1.2.0", "1.2.3", "1.2.3+b1", "1.2.4"]
        );
        assert_eq!(
            matching("1", &ALL),
            ["1.0.0", "1.2.0", "1.2.3", "1.2.3+b1", "1.2.4", "1.3.0"]
        );
        assert!(req("1.2.3").is_exact() && !req("1.2").is_exact());
    }

    #[test]
    fn nothing_means_any_release() {
        for text in ["", "*", " "] {
            assert_eq!(matching(text, &ALL).len(), ALL.len() - 1, "{text:?}");
            assert_eq!(req(text).to_string(), "*");
        }
    }

    #[test]
    fn operators_work_as_in_semver() {
        assert_eq!(
            matching("^1.2.3", &ALL),
            ["1.2.3", "1.2.3+b1", "1.2.4", "1.3.0"]
        );
        assert_eq!(matching("~1.2.3", &ALL), ["1.2.3", "1.2.3+b1", "1.2.4"]);
        assert_eq!(matching(">=1.2.4, <2", &ALL), ["1.2.4", "1.3.0"]);
        assert_eq!(matching("<1", &ALL), ["0.9.0"]);
        assert_eq!(matching(">1.3,<=2", &ALL), ["2.0.0"]);
    }

    #[test]
    fn pre_releases_must_be_named() {
        assert_eq!(matching("1.3.0-rc.1", &ALL), ["1.3.0-rc.1"]);
        assert_eq!(matching(">=1.3.0-alpha, <2", &ALL), ["1.3.0-rc.1", "1.3.0"]);
        assert_eq!(matching(">=1.2.4, <1.3.0", &ALL), ["1.2.4"]);
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        assert_eq!(
            "^1.2.3+b".parse::<VersionReq>(),
            Err(VersionReqError::Build)
        );
        assert!(matches!(
            "latest".parse::<VersionReq>(),
            Err(VersionReqError::Syntax { .. })
        ));
        assert!(matches!(
            "1.02".parse::<VersionReq>(),
            Err(VersionReqError::Syntax { .. })
        ));
        assert!(matches!(
            "1,".parse::<VersionReq>(),
            Err(VersionReqError::Syntax { .. })
        ));
        assert!(matches!(
            "1".repeat(300).parse::<VersionReq>(),
            Err(VersionReqError::Length { length: 300 })
        ));
        assert_eq!(
            ["1.2.345"; 30].join(",").parse::<VersionReq>(),
            Err(VersionReqError::Length { length: 268 })
        );
    }

    #[test]
    fn keeps_one_spelling() {
        for (text, shown) in [(">=1 ,<2", ">=1, <2"), (" ^1 ", "^1"), ("= 1.2.3", "1.2.3")] {
            assert_eq!(req(text).to_string(), shown);
            assert_eq!(req(shown), req(text));
        }
    }
}
