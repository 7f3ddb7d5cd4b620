//! Recognises licences by what they say: the whole text, the notice at the top of a file, or their name.
//!
//! It is better to see one licence too many than one too few: all that are seen have to be allowed, unless the text
//! offers a choice.

use super::{PUBLIC_DOMAIN, joined};

/// The expression of the licences in a text, if there are any.
pub(super) fn recognise(text: &str) -> Option<String> {
    let text = plain(text);
    let mut found = Vec::new();
    found.extend(permission(&text));
    found.extend(redistribution(&text));
    found.extend(named(&text));
    found.extend(gnu(&text));
    found.sort_unstable();
    found.dedup();
    if found.is_empty() {
        return None;
    }
    let choice = CHOICES.iter().any(|choice| text.contains(choice));
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    Some(joined(&found, if choice { " OR " } else { " AND " }))
}

/// Words alone, in small letters, with one blank between them: comments and line breaks are gone.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut before = ' ';
    let mut marks = text.chars().peekable();
    while let Some(mark) = marks.next() {
        let digit_follows = marks.peek().is_some_and(char::is_ascii_digit);
        let kept = mark.is_alphanumeric()
            || mark == '+'
            || (mark == '.' && before.is_ascii_digit() && digit_follows);
        if kept {
            plain.extend(mark.to_lowercase());
        } else if !plain.ends_with(' ') {
            plain.push(' ');
        }
        before = mark;
    }
    plain.push(' ');
    plain
}

/// "You may choose", in the words of those who let one.
const CHOICES: [&str; 7] = [
    "alternatively this software may be",
    "at your option one of",
    "dual licensed",
    "either of the following licenses",
    "you can choose between",
    "you may choose",
    "you may select",
];

/// Licences that grant a permission: MIT, ISC and their kin.
fn permission(text: &str) -> Vec<String> {
    let has = |phrase: &str| text.contains(phrase);
    let mut found = Vec::new();
    if has(
        "permission is hereby granted free of charge to any person obtaining a copy of the unicode data files",
    ) {
        found.push("Unicode-DFS-2016");
    }
    if has(
        "permission is hereby granted free of charge to any person obtaining a copy of this software",
    ) || has(
        "permission is hereby granted free of charge to any person or organization obtaining a copy of the software",
    ) {
        found.push(if has("shall be used for good not evil") {
            "JSON"
        } else if has("boost software license") {
            "BSL-1.0"
        } else if has("this permission notice shall be included") || has("substantial portions") {
            "MIT"
        } else {
            "MIT-0"
        });
    }
    if has("without fee and without a written agreement is hereby granted") {
        found.push("PostgreSQL");
    } else if has("for any purpose with or without fee is hereby granted") {
        let granted = "this software for any purpose with or without fee is hereby granted";
        found.push(if !has(granted) {
            "HPND"
        } else if has("name of a copyright holder shall not be used in advertising") {
            "curl"
        } else if has("is hereby granted provided that") {
            "ISC"
        } else {
            "0BSD"
        });
    } else if has("and its documentation for any purpose is hereby granted without fee") {
        found.push(if has("and sell this software") {
            "HPND-sell-variant"
        } else {
            "HPND"
        });
    }
    found.into_iter().map(String::from).collect()
}

/// Licences with conditions of redistribution: the BSD family and zlib's.
fn redistribution(text: &str) -> Vec<String> {
    let has = |phrase: &str| text.contains(phrase);
    let mut found = Vec::new();
    if has("redistribution and use in source and binary forms with or without modification") {
        found.push(if has("all advertising materials mentioning features") {
            "BSD-4-Clause"
        } else if has("to endorse or promote products") {
            "BSD-3-Clause"
        } else if has("redistributions in binary form must reproduce") {
            "BSD-2-Clause"
        } else {
            "BSD-1-Clause"
        });
    }
    if has("altered source versions must be plainly marked") {
        found.push("Zlib");
    }
    found.into_iter().map(String::from).collect()
}

/// Phrases that name a licence. Those of one licence are next to each other.
const NAMES: [(&str, &str); 44] = [
    ("apache license version 2.0", "Apache-2.0"),
    ("apache license 2.0", "Apache-2.0"),
    ("apache 2.0 license", "Apache-2.0"),
    ("apache.org licenses license 2.0", "Apache-2.0"),
    ("apache org licenses license 2.0", "Apache-2.0"),
    ("apache license v2.0", "Apache-2.0"),
    ("artistic license", "LicenseRef-Artistic"),
    ("the beer ware license", "Beerware"),
    ("boost software license", "BSL-1.0"),
    ("bsd 2 clause", "BSD-2-Clause"),
    ("2 clause bsd", "BSD-2-Clause"),
    ("simplified bsd license", "BSD-2-Clause"),
    ("bsd 3 clause", "BSD-3-Clause"),
    ("3 clause bsd", "BSD-3-Clause"),
    ("modified bsd license", "BSD-3-Clause"),
    // Of the sources of Facebook, whose file has three clauses.
    (
        "bsd style license found in the license file",
        "BSD-3-Clause",
    ),
    ("common development and distribution license", "CDDL-1.0"),
    ("cc0 1.0", "CC0-1.0"),
    ("creative commons zero", "CC0-1.0"),
    ("publicdomain zero 1.0", "CC0-1.0"),
    ("common public license", "CPL-1.0"),
    ("creative commons attribution", "LicenseRef-CC-BY"),
    ("eclipse public license", "EPL-2.0"),
    ("isc license", "ISC"),
    ("mit license", "MIT"),
    ("mit licence", "MIT"),
    ("mozilla public license", "MPL-2.0"),
    ("university of illinois ncsa", "NCSA"),
    ("openssl license", "OpenSSL"),
    ("do what the fuck you want to public license", "WTFPL"),
    ("unicode license v3", "Unicode-3.0"),
    ("zlib license", "Zlib"),
    ("zlib libpng license", "Zlib"),
    (
        "free and unencumbered software released into the public domain",
        "Unlicense",
    ),
    ("disclaims copyright to this source code", "blessing"),
    ("dedicated to the public domain", PUBLIC_DOMAIN),
    ("placed in the public domain", PUBLIC_DOMAIN),
    ("placed into the public domain", PUBLIC_DOMAIN),
    ("placed this code in the public domain", PUBLIC_DOMAIN),
    ("released into the public domain", PUBLIC_DOMAIN),
    ("released to the public domain", PUBLIC_DOMAIN),
    ("code is in the public domain", PUBLIC_DOMAIN),
    ("file is in the public domain", PUBLIC_DOMAIN),
    ("software is in the public domain", PUBLIC_DOMAIN),
];

fn named(text: &str) -> Vec<String> {
    let mut found: Vec<&str> = NAMES
        .iter()
        .filter(|(phrase, _)| text.contains(phrase))
        .map(|(_, id)| *id)
        .collect();
    // Its text speaks of the public domain, too.
    if found.contains(&"Unlicense") {
        found.retain(|id| *id != PUBLIC_DOMAIN);
    }
    found.into_iter().map(String::from).collect()
}

/// The GNU licences: family and version. Mozilla's licence mentions them without being one.
fn gnu(text: &str) -> Option<String> {
    if text.contains("secondary license") && text.contains("mozilla public license") {
        return None;
    }
    let any = |phrases: &[&str]| phrases.iter().any(|phrase| text.contains(phrase));
    let (family, versions): (_, &[(&str, &str)]) = if any(&["affero general public license"]) {
        ("AGPL", &[("3", "3.0")])
    } else if any(&[
        "lesser general public license",
        "library general public license",
        " lgpl",
    ]) {
        ("LGPL", &[("2.1", "2.1"), ("3", "3.0"), ("2", "2.0")])
    } else if any(&["gnu general public license", "gnu public license", " gpl"]) {
        ("GPL", &[("3", "3.0"), ("2", "2.0")])
    } else {
        return None;
    };
    let version = versions.iter().find(|(short, long)| {
        [" version ", " v", "gplv", "gpl ", " license "]
            .iter()
            .any(|before| {
                text.contains(&format!("{before}{short} "))
                    || text.contains(&format!("{before}{long} "))
                    || text.contains(&format!("{before}{short}+"))
            })
    });
    // Without a number, the licence itself says: any.
    let oldest = if family == "AGPL" {
        "3.0"
    } else if family == "LGPL" {
        "2.0"
    } else {
        "1.0"
    };
    let later = any(&["any later version", "or later", "2+", "2.1+", "3+"]) || version.is_none();
    let version = version.map_or(oldest, |(_, long)| long);
    Some(format!(
        "{family}-{version}-{}",
        if later { "or-later" } else { "only" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn of(text: &str, expected: &str) {
        assert_eq!(recognise(text).unwrap_or_default(), expected, "{text}");
    }

    #[test]
    fn notices_are_recognised_through_comments() {
        of(
            "/* Permission is hereby granted, free of charge, to any person\n * obtaining a copy of this software …\n * The above copyright notice and this permission notice shall be included */",
            "MIT",
        );
        of(
            "// Permission to use, copy, modify, and/or distribute this software for any\n// purpose with or without fee is hereby granted, provided that the above",
            "ISC",
        );
        of(
            "Redistribution and use in source and binary forms, with or without\n   modification, are permitted\n * Redistributions in binary form must reproduce",
            "BSD-2-Clause",
        );
        of(
            "3. Altered source versions must be plainly marked as such",
            "Zlib",
        );
        of(
            " * Licensed under the Apache License, Version 2.0 (the \"License\");",
            "Apache-2.0",
        );
    }

    #[test]
    fn copyleft_is_recognised_with_its_version() {
        of(
            "under the terms of the GNU General Public License as published by the FSF; either version 2 of the License, or\n(at your option) any later version.",
            "GPL-2.0-or-later",
        );
        of(
            "GNU Lesser General Public License version 2.1 as published",
            "LGPL-2.1-only",
        );
        of("GNU General Public License v3.0 only", "GPL-3.0-only");
        of(
            "see the GNU General Public License for details",
            "GPL-1.0-or-later",
        );
    }

    #[test]
    fn all_licences_of_a_text_are_meant_unless_one_may_choose() {
        of(
            "lib uses a BSD 2-Clause license, the rest GPL-2.0-or-later",
            "BSD-2-Clause AND GPL-2.0-or-later",
        );
        of(
            "under both the BSD 3-Clause license and the GPLv2. You may select, at your option, one of them",
            "BSD-3-Clause OR GPL-2.0-only",
        );
        of(
            "/* This source code is licensed under both the BSD-style license (found in the\n * LICENSE file in the root directory of this source tree) and the GPLv2 (found\n * in the COPYING file in the root directory of this source tree).\n * You may select, at your option, one of the above-listed licenses. */",
            "BSD-3-Clause OR GPL-2.0-only",
        );
    }

    #[test]
    fn other_texts_are_no_licence() {
        of(
            "int add(int a, int b); /* Copyright 2020 me. All rights reserved. */",
            "",
        );
        of("", "");
    }
}
