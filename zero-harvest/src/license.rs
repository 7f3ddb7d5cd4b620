//! Which files may be used: what their licence is, how that is known, and whether it is allowed.
//!
//! A licence that nobody states is none: such files are left out unless every licence is allowed.

mod debian;
mod evidence;
mod text;

pub(crate) use evidence::Evidence;

use std::str::FromStr;

use spdx::{Expression, LicenseReq, Licensee, ParseMode};

/// What stands for a licence that is not known (SPDX).
pub(crate) const UNKNOWN: &str = "NOASSERTION";
/// What SPDX has no name for: everybody may do anything with it.
const PUBLIC_DOMAIN: &str = "LicenseRef-public-domain";

/// Licences that ask for a notice at most.
const PERMISSIVE: [&str; 32] = [
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-2-Clause-Patent",
    "BSD-3-Clause",
    "BSL-1.0",
    "Beerware",
    "CC0-1.0",
    "HPND",
    "HPND-sell-variant",
    "ICU",
    "ISC",
    "Libpng",
    PUBLIC_DOMAIN,
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "NCSA",
    "NTP",
    "PostgreSQL",
    "TCL",
    "Unicode-3.0",
    "Unicode-DFS-2015",
    "Unicode-DFS-2016",
    "Unlicense",
    "WTFPL",
    "X11",
    "Zlib",
    "blessing",
    "bzip2-1.0.6",
    "curl",
];

/// Licences that files may have.
#[derive(Clone, Debug)]
pub struct Licenses(Option<Vec<Licensee>>);

/// A word that is no licence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither `permissive`, nor `any`, nor an SPDX licence identifier")]
pub struct UnknownLicense(String);

impl Default for Licenses {
    fn default() -> Self {
        let permissive = PERMISSIVE.iter().filter_map(|id| Licensee::parse(id).ok());
        Self(Some(permissive.collect()))
    }
}

impl FromStr for Licenses {
    type Err = UnknownLicense;

    /// Reads `permissive`, `any`, or identifiers with commas between them, of which `permissive` may be one.
    fn from_str(text: &str) -> Result<Self, UnknownLicense> {
        if text == "any" {
            return Ok(Self(None));
        }
        let mut allowed = Vec::new();
        for word in text.split(',').map(str::trim) {
            if word == "permissive" {
                allowed.extend(Self::default().0.into_iter().flatten());
            } else {
                let unknown = |_| UnknownLicense(word.to_owned());
                allowed.push(Licensee::parse(word).map_err(unknown)?);
            }
        }
        Ok(Self(Some(allowed)))
    }
}

impl Licenses {
    /// Whether what an SPDX expression asks for is allowed. What is none is not.
    pub fn allow(&self, expression: &str) -> bool {
        let Some(allowed) = &self.0 else { return true };
        let satisfied = |wanted: &LicenseReq| allowed.iter().any(|one| one.satisfies(wanted));
        Expression::parse_mode(expression, ParseMode::LAX).is_ok_and(|expression| {
            expression.evaluate(|wanted| {
                // An exception only allows more.
                let plain = LicenseReq {
                    license: wanted.license.clone(),
                    addition: None,
                };
                satisfied(wanted) || satisfied(&plain)
            })
        })
    }
}

/// The licence of a file, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct License {
    /// An SPDX expression, or [`UNKNOWN`].
    pub(crate) expression: String,
    /// In words.
    pub(crate) evidence: String,
}

impl std::fmt::Display for License {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.expression, self.evidence)
    }
}

impl License {
    fn new(expression: impl Into<String>, evidence: impl Into<String>) -> Self {
        Self {
            expression: expression.into(),
            evidence: evidence.into(),
        }
    }

    /// The licence of something that is made of several files.
    pub(crate) fn of_all(licenses: &[Self]) -> Self {
        let evidence: Vec<&str> = distinct(licenses.iter().map(|one| one.evidence.as_str()));
        let expressions = licenses.iter().map(|one| one.expression.as_str());
        Self::new(all(expressions), evidence.join("; "))
    }
}

/// The expression for all of these at once.
fn all<'a>(expressions: impl Iterator<Item = &'a str>) -> String {
    let parts = expressions.flat_map(|expression| {
        // What has no alternatives is a list, and needs nothing twice.
        if expression.contains(['(', ')']) || expression.contains(" OR ") {
            vec![expression]
        } else {
            expression.split(" AND ").collect()
        }
    });
    joined(&distinct(parts), " AND ")
}

fn distinct<'a>(items: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}

fn joined(expressions: &[&str], operator: &str) -> String {
    if expressions.contains(&UNKNOWN) {
        return UNKNOWN.to_owned();
    }
    let alone = expressions.len() == 1;
    let parts: Vec<String> = expressions
        .iter()
        .map(|expression| {
            if expression.contains(" OR ") && !alone {
                format!("({expression})")
            } else {
                (*expression).to_owned()
            }
        })
        .collect();
    parts.join(operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_judged_by_its_parts() {
        let permissive = Licenses::default();
        for good in [
            "MIT",
            "MIT OR GPL-2.0-only",
            "Apache-2.0 WITH LLVM-exception",
            "BSD-3-Clause AND LicenseRef-public-domain",
            "Apache-2.0+",
        ] {
            assert!(permissive.allow(good), "{good}");
        }
        for bad in [
            "GPL-2.0-or-later",
            "MIT AND LGPL-2.1-only",
            UNKNOWN,
            "",
            "my own",
            "BSD-4-Clause",
            "JSON",
        ] {
            assert!(!permissive.allow(bad), "{bad}");
        }
        assert!("any".parse::<Licenses>().unwrap().allow(UNKNOWN));
    }

    #[test]
    fn lists_name_identifiers() {
        let listed: Licenses = "permissive,GPL-2.0-only".parse().unwrap();
        assert!(listed.allow("MIT") && listed.allow("GPL-2.0-only"));
        assert!(!listed.allow("GPL-3.0-only"));
        let error = "MIT,Nonsense".parse::<Licenses>().unwrap_err();
        assert_eq!(error, UnknownLicense(String::from("Nonsense")));
    }

    #[test]
    fn every_permissive_licence_has_an_identifier() {
        assert_eq!(Licenses::default().0.unwrap().len(), PERMISSIVE.len());
    }

    #[test]
    fn what_is_made_of_several_files_has_all_their_licences() {
        let one = License::new("MIT OR ISC", "a");
        let other = License::new("Zlib", "b");
        let both = License::of_all(&[one.clone(), other, one]);
        assert_eq!(both, License::new("(MIT OR ISC) AND Zlib", "a; b"));
        assert_eq!(all(["MIT", UNKNOWN].into_iter()), UNKNOWN);
        assert_eq!(all(["MIT AND ISC", "ISC"].into_iter()), "MIT AND ISC");
    }
}
