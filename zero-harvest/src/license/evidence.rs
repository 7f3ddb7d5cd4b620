//! How the licence of a file is known: it says so itself, a recipe does, or its repository.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Mutex;

use spdx::{Expression, ParseMode};

use super::debian::Copyright;
use super::{License, UNKNOWN, all, text};
use crate::limits;
use crate::recipe::Recipe;
use crate::source::Checkout;

/// What is known of the licences of one repository.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    root: &'a Path,
    recipe: Option<&'a Recipe>,
    /// Files by pattern, and the file that says so.
    copyright: Option<(&'static str, Copyright)>,
    /// The licence files of a folder, read together.
    folders: HashMap<&'a str, License>,
    known: Mutex<HashMap<String, License>>,
}

const BY_PATTERN: [&str; 2] = ["debian/copyright", ".reuse/dep5"];
const TAG: &str = "SPDX-License-Identifier:";

impl<'a> Evidence<'a> {
    /// Reads what a repository says of its licences.
    pub(crate) fn new(checkout: &'a Checkout, recipe: Option<&'a Recipe>) -> Self {
        let copyright = BY_PATTERN.iter().find_map(|path| {
            let file = checkout.files.iter().find(|file| file == path)?;
            Some((*path, Copyright::parse(&read(&checkout.root.join(file)))?))
        });
        let mut named: HashMap<&str, Vec<&str>> = HashMap::new();
        for file in checkout.files.iter().filter(|file| is_license_file(file)) {
            named.entry(folder(file)).or_default().push(file);
        }
        let folders = named
            .into_iter()
            .filter_map(|(folder, files)| Some((folder, together(&checkout.root, &files)?)))
            .collect();
        Self {
            root: &checkout.root,
            recipe,
            copyright,
            folders,
            known: Mutex::default(),
        }
    }

    /// The licence of a file of the repository.
    pub(crate) fn of(&self, path: &str) -> License {
        if let Ok(known) = self.known.lock()
            && let Some(license) = known.get(path)
        {
            return license.clone();
        }
        let license = self
            .own(path)
            .or_else(|| self.stated(path))
            .or_else(|| self.folder(path))
            .unwrap_or_else(|| License::new(UNKNOWN, "no licence is stated"));
        if let Ok(mut known) = self.known.lock() {
            known.insert(path.to_owned(), license.clone());
        }
        license
    }

    /// What the file itself says, or the file that it refers to.
    fn own(&self, path: &str) -> Option<License> {
        let said = read(&self.root.join(path));
        if let Some(tagged) = tagged(&said) {
            return Some(License::new(
                tagged,
                format!("{TAG} {path}").replace(": ", " in "),
            ));
        }
        if let Some(expression) = text::recognise(&said) {
            return Some(License::new(expression, format!("notice in {path}")));
        }
        // zlib's way, and that of many after it.
        let (_, rest) = said.split_once("copyright notice in ")?;
        let name = rest.split_whitespace().next()?.trim_end_matches(['.', ',']);
        let other = match folder(path) {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        // The name comes from the file: it may only lead to a neighbour.
        let plain = !name.contains(['/', '\\']) && name != "..";
        let said = read(&plain.then(|| self.root.join(&other))?);
        let expression = text::recognise(&said)?;
        Some(License::new(
            expression,
            format!("notice in {other}, to which {path} refers"),
        ))
    }

    /// What a recipe or a list of licences by pattern says.
    fn stated(&self, path: &str) -> Option<License> {
        if let Some(recipe) = self.recipe
            && let Some(license) = &recipe.license
        {
            let why = recipe.license_evidence.as_deref();
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            return Some(License::new(
                license,
                format!("recipe {}{why}", recipe.name),
            ));
        }
        let (name, copyright) = self.copyright.as_ref()?;
        Some(License::new(copyright.expression(path)?, *name))
    }

    /// The licence file that is nearest above the file.
    fn folder(&self, path: &str) -> Option<License> {
        let mut at = path;
        while !at.is_empty() {
            at = folder(at);
            if let Some(license) = self.folders.get(at) {
                return Some(license.clone());
            }
        }
        None
    }
}

/// The licence files of one folder. One that is not known spoils the rest: it may ask for anything.
fn together(root: &Path, files: &[&str]) -> Option<License> {
    let mut found = Vec::new();
    let mut spoiled = None;
    for file in files {
        let said = read(&root.join(file));
        match tagged(&said).or_else(|| text::recognise(&said)) {
            Some(expression) => found.push(expression),
            // Often no more than a list of people.
            None if upper_name(file).starts_with("COPYRIGHT") => {}
            None => spoiled = Some(*file),
        }
    }
    if let Some(file) = spoiled {
        return Some(License::new(
            UNKNOWN,
            format!("{file} is no licence that is known"),
        ));
    }
    let expression = all(found.iter().map(String::as_str));
    (!found.is_empty()).then(|| License::new(expression, files.join(", ")))
}

/// The expression of all SPDX tags of a text.
fn tagged(text: &str) -> Option<String> {
    let tags: Vec<String> = text
        .split(TAG)
        .skip(1)
        .map(|rest| {
            let line = rest.lines().next().unwrap_or_default();
            let end = ["*/", "-->", "\"", "\\n"]
                .iter()
                .filter_map(|end| line.find(end))
                .min();
            let tag = line[..end.unwrap_or(line.len())].trim();
            match Expression::parse_mode(tag, ParseMode::LAX) {
                Ok(_) => tag.to_owned(),
                Err(_) => UNKNOWN.to_owned(),
            }
        })
        .collect();
    (!tags.is_empty()).then(|| all(tags.iter().map(String::as_str)))
}

fn is_license_file(path: &str) -> bool {
    let name = upper_name(path);
    let starts = [
        "LICENSE",
        "LICENCE",
        "COPYING",
        "COPYRIGHT",
        "UNLICENSE",
        "MIT-LICENSE",
    ];
    let source = [".C", ".H", ".PY", ".SH", ".IN"]
        .iter()
        .any(|end| name.ends_with(end));
    starts.iter().any(|start| name.starts_with(start)) && !source
}

fn upper_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_ascii_uppercase()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The beginning of a file; nothing if it cannot be read.
fn read(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        let _ = file.take(limits::LICENSE_BYTES).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn checkout(files: &[(&str, &str)]) -> (tempfile::TempDir, Checkout) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let checkout = Source::Folder(root.path().to_owned())
            .fetch(None, tempfile::tempdir)
            .unwrap();
        (root, checkout)
    }

    const MIT: &str = "MIT License";

    #[test]
    fn what_a_file_says_itself_comes_first() {
        let (_root, checkout) = checkout(&[
            ("LICENSE", MIT),
            (
                "tag.c",
                "/* SPDX-License-Identifier: (GPL-2.0-only OR ISC) */",
            ),
            ("odd.c", "// SPDX-License-Identifier: What I say"),
            ("notice.c", "/* GNU General Public License, version 2 */"),
            ("plain.c", "int x;"),
            ("zlib.h", "Altered source versions must be plainly marked"),
            ("refers.c", "/* see copyright notice in zlib.h. */"),
            ("leads/out.c", "/* see copyright notice in ../zlib.h */"),
        ]);
        let evidence = Evidence::new(&checkout, None);
        let of = |path: &str| evidence.of(path);
        assert_eq!(
            of("tag.c"),
            License::new("(GPL-2.0-only OR ISC)", "SPDX-License-Identifier in tag.c")
        );
        assert_eq!(of("odd.c").expression, UNKNOWN);
        assert_eq!(
            of("notice.c"),
            License::new("GPL-2.0-only", "notice in notice.c")
        );
        assert_eq!(of("plain.c"), License::new("MIT", "LICENSE"));
        assert_eq!(
            of("refers.c"),
            License::new("Zlib", "notice in zlib.h, to which refers.c refers")
        );
        assert_eq!(of("leads/out.c"), License::new("MIT", "LICENSE"));
    }

    #[test]
    fn the_nearest_licence_file_counts_and_none_is_skipped() {
        let (_root, checkout) = checkout(&[
            ("LICENSE", MIT),
            ("gpl/COPYING", "GNU General Public License version 3"),
            ("gpl/deep/a.c", ""),
            ("secret/LICENSE.txt", "You may look at it on Sundays."),
            ("secret/a.c", ""),
            ("people/COPYRIGHT", "Copyright: everybody"),
            ("people/a.c", ""),
        ]);
        let evidence = Evidence::new(&checkout, None);
        assert_eq!(evidence.of("gpl/deep/a.c").expression, "GPL-3.0-only");
        assert_eq!(
            evidence.of("secret/a.c"),
            License::new(UNKNOWN, "secret/LICENSE.txt is no licence that is known")
        );
        assert_eq!(evidence.of("people/a.c").expression, "MIT");
    }

    #[test]
    fn recipes_and_patterns_come_before_licence_files() {
        let dep5 = "Format: x\n\nFiles: *\nLicense: ISC\n";
        let (_root, checkout) =
            checkout(&[("COPYING", MIT), ("debian/copyright", dep5), ("a.c", "")]);
        let evidence = Evidence::new(&checkout, None);
        assert_eq!(evidence.of("a.c"), License::new("ISC", "debian/copyright"));
        let recipe = Recipe::parse("name = \"r\"\nrepositories = []\nlicense = \"Zlib\"").unwrap();
        let evidence = Evidence::new(&checkout, Some(&recipe));
        assert_eq!(evidence.of("a.c"), License::new("Zlib", "recipe r"));
    }
}
