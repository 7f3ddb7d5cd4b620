//! `debian/copyright` and `.reuse/dep5`: licences by pattern of path, in Debian's words (DEP 5).

use glob::{MatchOptions, Pattern};

use super::{UNKNOWN, joined};

/// What such a file says.
#[derive(Debug)]
pub(super) struct Copyright(Vec<Stanza>);

#[derive(Debug)]
struct Stanza {
    files: Vec<Pattern>,
    expression: String,
}

impl Copyright {
    /// Reads one; `None` if it is not of this format.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.trim_start().starts_with("Format:") {
            return None;
        }
        let stanzas = text.replace("\r\n", "\n");
        Some(Self(stanzas.split("\n\n").filter_map(stanza).collect()))
    }

    /// The licence of a file: the last stanza that matches counts.
    pub(super) fn expression(&self, path: &str) -> Option<&str> {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: false,
            require_literal_leading_dot: false,
        };
        let stanza = self.0.iter().rev().find(|stanza| {
            let mut files = stanza.files.iter();
            files.any(|pattern| pattern.matches_with(path, options))
        })?;
        Some(&stanza.expression)
    }
}

fn stanza(text: &str) -> Option<Stanza> {
    let files = field(text, "Files:")?;
    // Only `*` and `?` mean something here.
    let patterns = files.split_whitespace().filter_map(|pattern| {
        let mut pattern = pattern.trim_start_matches("./").replace('[', "[[]");
        while pattern.contains("**") {
            pattern = pattern.replace("**", "*");
        }
        Pattern::new(&pattern).ok()
    });
    let license = field(text, "License:")?;
    Some(Stanza {
        files: patterns.collect(),
        expression: expression(license.lines().next().unwrap_or_default()),
    })
}

/// The value of a field, with the lines that go on with it.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().skip_while(|line| {
        let start = line.get(..name.len());
        !start.is_some_and(|start| start.eq_ignore_ascii_case(name))
    });
    let mut value = lines.next()?[name.len()..].trim().to_owned();
    for line in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        value.push('\n');
        value.push_str(line.trim());
    }
    Some(value)
}

/// An SPDX expression of `GPL-2+ or Artistic, and Expat`: the comma binds what stands before it.
fn expression(words: &str) -> String {
    let mut left: Option<String> = None;
    for group in words
        .split(',')
        .map(str::trim)
        .filter(|group| !group.is_empty())
    {
        let (operator, group) = match group.split_once(' ') {
            Some((word, rest)) if word.eq_ignore_ascii_case("or") => (" OR ", rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("and") => (" AND ", rest),
            _ => (" AND ", group),
        };
        let right = alternatives(group);
        left = Some(match left {
            Some(left) => joined(&[&left, &right], operator),
            None => right,
        });
    }
    left.unwrap_or_else(|| UNKNOWN.to_owned())
}

/// `and` binds more closely than `or`.
fn alternatives(group: &str) -> String {
    let mut alternatives = vec![Vec::new()];
    let mut name = Vec::new();
    for word in group.split_whitespace().chain(["and"]) {
        let (or, and) = (
            word.eq_ignore_ascii_case("or"),
            word.eq_ignore_ascii_case("and"),
        );
        if !or && !and {
            name.push(word);
            continue;
        }
        if let Some(last) = alternatives.last_mut() {
            last.push(identifier(&name));
        }
        name.clear();
        if or {
            alternatives.push(Vec::new());
        }
    }
    let parts: Vec<String> = alternatives
        .iter()
        .map(|names| {
            joined(
                &names.iter().map(String::as_str).collect::<Vec<_>>(),
                " AND ",
            )
        })
        .collect();
    joined(
        &parts.iter().map(String::as_str).collect::<Vec<_>>(),
        " OR ",
    )
}

/// SPDX's name for a licence that Debian names.
fn identifier(words: &[&str]) -> String {
    let (name, exception) = match words {
        [] => return UNKNOWN.to_owned(),
        [name, rest @ ..] => (*name, !rest.is_empty()),
    };
    let lower = name.to_ascii_lowercase();
    let known = match lower.as_str() {
        "expat" => Some("MIT"),
        "public-domain" => Some(super::PUBLIC_DOMAIN),
        "cc0" => Some("CC0-1.0"),
        "apache-2" | "apache-2.0" => Some("Apache-2.0"),
        "boost-1.0" | "bsl-1" => Some("BSL-1.0"),
        "zlib/libpng" => Some("Zlib"),
        "bsd-2-clause" | "freebsd" => Some("BSD-2-Clause"),
        "bsd-3-clause" => Some("BSD-3-Clause"),
        _ => None,
    };
    if let Some(known) = known {
        return known.to_owned();
    }
    if let Some(gnu) = gnu(name) {
        return gnu;
    }
    match spdx::license_id(name).or_else(|| exact(&lower)) {
        Some(id) if !exception => id.name.to_owned(),
        _ => {
            let safe = |mark: char| {
                if mark.is_ascii_alphanumeric() || mark == '.' {
                    mark
                } else {
                    '-'
                }
            };
            format!("LicenseRef-{}", name.chars().map(safe).collect::<String>())
        }
    }
}

fn exact(lower: &str) -> Option<spdx::LicenseId> {
    let (id, length) = spdx::imprecise_license_id(lower)?;
    (length == lower.len()).then_some(id)
}

/// `GPL-2+`, `LGPL-2.1`: versions in Debian's way.
fn gnu(name: &str) -> Option<String> {
    let (family, version) = name.split_once('-')?;
    if !["GPL", "LGPL", "AGPL", "GFDL"].contains(&family) {
        return None;
    }
    let (version, ending) = match version.strip_suffix('+') {
        Some(version) => (version, "or-later"),
        None => (version, "only"),
    };
    let version = if version.contains('.') {
        version.to_owned()
    } else {
        format!("{version}.0")
    };
    let id = format!("{family}-{version}-{ending}");
    spdx::license_id(&id).map(|id| id.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: x\n\nFiles: *\nCopyright: 2020 A\nLicense: GPL-2+\n\nFiles: lib/*\n src/a?.c\nCopyright: 2020 A\nLicense: Expat\n Permission is\n\nFiles: lib/odd/*\nCopyright: B\nLicense: GPL-2+ or Artistic, and BSD-3-clause\n\nLicense: GPL-2+\n text\n";

    #[test]
    fn the_last_stanza_that_matches_counts() {
        let copyright = Copyright::parse(TEXT).unwrap();
        assert_eq!(copyright.expression("main.c"), Some("GPL-2.0-or-later"));
        assert_eq!(copyright.expression("lib/deep/x.c"), Some("MIT"));
        assert_eq!(copyright.expression("src/a1.c"), Some("MIT"));
        assert_eq!(copyright.expression("src/a11.c"), Some("GPL-2.0-or-later"));
        assert_eq!(
            copyright.expression("lib/odd/x.c"),
            Some("(GPL-2.0-or-later OR LicenseRef-Artistic) AND BSD-3-Clause")
        );
    }

    #[test]
    fn other_files_of_that_name_are_left_alone() {
        assert!(Copyright::parse("This package was debianized by").is_none());
    }

    #[test]
    fn names_become_identifiers() {
        for (debian, spdx) in [
            ("Zlib", "Zlib"),
            ("zlib", "Zlib"),
            ("ISC", "ISC"),
            ("LGPL-2.1", "LGPL-2.1-only"),
            ("GPL-3+ with autoconf exception", "GPL-3.0-or-later"),
            ("my own", "LicenseRef-my"),
            ("public-domain", "LicenseRef-public-domain"),
            ("", UNKNOWN),
        ] {
            assert_eq!(expression(debian), spdx, "{debian}");
        }
    }
}
