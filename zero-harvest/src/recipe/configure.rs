//! Headers that a build would make: written in a recipe, copied, or configured from a template as autoconf, cmake and
//! meson do it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Recipe;
use crate::source::Checkout;

/// A header that is made of a template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Template {
    /// The template's path.
    pub from: String,
    /// What is known: `true` and `false`, a number, or a text.
    #[serde(default)]
    pub values: BTreeMap<String, Value>,
    /// What every other `@NAME@` stands for; nothing, unless it is given.
    #[serde(default)]
    pub default: Option<Value>,
}

/// What a template's name stands for.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Value {
    /// Whether there is something.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A text, as it is to stand in the header.
    Text(String),
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Flag(set) => i64::from(*set).to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    fn is_set(&self) -> bool {
        !matches!(self, Self::Flag(false) | Self::Number(0))
    }
}

impl Template {
    /// The header.
    fn configure(&self, text: &str) -> String {
        let mut header = String::with_capacity(text.len());
        for line in text.lines() {
            header += &self.line(line);
            header.push('\n');
        }
        header
    }

    /// `#undef NAME` of autoconf, `#cmakedefine NAME …` and `#cmakedefine01 NAME` of cmake, `#mesondefine NAME`; and
    /// `@NAME@` and `${NAME}` anywhere. A name that nobody gave a value is not set, and an empty text.
    fn line(&self, line: &str) -> String {
        let mut words = line
            .trim_start()
            .strip_prefix('#')
            .unwrap_or_default()
            .trim_start()
            .splitn(3, char::is_whitespace);
        let (command, name) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let name = name.trim();
        let value = self.values.get(name);
        match (command, value.filter(|value| value.is_set())) {
            ("undef", Some(value)) if value.text() != "" => {
                format!("#define {name} {}", value.text())
            }
            ("cmakedefine", Some(value)) => match words.next() {
                Some(rest) => format!("#define {name} {}", self.replaced(rest)),
                None => format!("#define {name} {}", value.text()),
            },
            ("cmakedefine01", value) => format!("#define {name} {}", i64::from(value.is_some())),
            ("mesondefine", Some(value)) => format!("#define {name} {}", value.text()),
            // A header that undefines what its template does not know would undefine what the compiler knows.
            ("undef" | "cmakedefine" | "mesondefine", _) => format!("/* #undef {name} */"),
            _ => self.replaced(line),
        }
    }

    fn replaced(&self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(['@', '$']) {
            let (before, from) = rest.split_at(start);
            done += before;
            let found = name_in(from, "@", "@").or_else(|| name_in(from, "${", "}"));
            let Some((name, length)) = found else {
                // A lone mark is one byte.
                done += &from[..1];
                rest = &from[1..];
                continue;
            };
            let value = self.values.get(name).or(self.default.as_ref());
            done += &value.map(Value::text).unwrap_or_default();
            rest = &from[length..];
        }
        done + rest
    }
}

/// The name between two marks at the start of a text, and how long all three are.
fn name_in<'t>(text: &'t str, open: &str, close: &str) -> Option<(&'t str, usize)> {
    let inside = text.strip_prefix(open)?;
    let name = &inside[..inside.find(close)?];
    let is_name = |mark: char| mark.is_ascii_alphanumeric() || mark == '_';
    (!name.is_empty() && name.chars().all(is_name))
        .then(|| (name, open.len() + name.len() + close.len()))
}

/// Makes a recipe's headers in a folder that is looked in first. An original that is missing is as good as no header: the
/// sources that need it say so.
pub(crate) fn overlay(
    recipe: Option<&Recipe>,
    checkout: &Checkout,
    folder: PathBuf,
) -> std::io::Result<Option<PathBuf>> {
    let Some(recipe) = recipe.filter(|recipe| recipe.makes_headers()) else {
        return Ok(None);
    };
    std::fs::create_dir(&folder)?;
    for (path, text) in recipe.made(&checkout.root, &checkout.files) {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(Some(folder))
}

impl Recipe {
    fn makes_headers(&self) -> bool {
        !(self.headers.is_empty() && self.copied.is_empty() && self.configured.is_empty())
    }

    fn made(&self, root: &Path, files: &[String]) -> BTreeMap<String, Vec<u8>> {
        // A link in a hostile repository must not bring in a file of this machine.
        let read = |path: &str| {
            let path = std::fs::canonicalize(root.join(path)).ok()?;
            path.starts_with(root).then(|| std::fs::read(path).ok())?
        };
        let mut made = BTreeMap::new();
        for (path, text) in &self.headers {
            made.insert(path.clone(), text.clone().into_bytes());
        }
        for (path, from) in &self.copied {
            let from = files.iter().filter(|file| from.matches(file));
            made.extend(from.filter_map(|file| Some((below(path, file), read(file)?))));
        }
        for (path, template) in &self.configured {
            if let Some(text) = read(&template.from) {
                let text = template.configure(&String::from_utf8_lossy(&text));
                made.insert(path.clone(), text.into_bytes());
            }
        }
        made
    }
}

/// Where a copy goes: to a path, or into a folder, which ends in a slash.
fn below(path: &str, original: &str) -> String {
    if path.ends_with('/') {
        let name = original.rsplit('/').next().unwrap_or(original);
        format!("{path}{name}")
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = r#"#undef HAVE_STDINT_H
#undef HAVE_FORK
# undef SIZE
#cmakedefine WITH_IT
#cmakedefine WITHOUT_IT
#cmakedefine NAME "@NAME@"
#cmakedefine01 BIG_ENDIAN
#mesondefine DEPTH
#define VERSION "${MAJOR}.@MINOR@" // a@b $ 1
#ifdef X
"#;

    #[test]
    fn templates_of_every_build_system_are_configured() {
        let text = r#"from = "config.h.in"
[values]
HAVE_STDINT_H = true
HAVE_FORK = false
SIZE = 4
WITH_IT = ""
NAME = "x"
DEPTH = 3
MAJOR = 1
MINOR = 2
"#;
        let template: Template = toml::from_str(text).unwrap();
        let expected = r#"#define HAVE_STDINT_H 1
/* #undef HAVE_FORK */
#define SIZE 4
#define WITH_IT 
/* #undef WITHOUT_IT */
#define NAME "x"
#define BIG_ENDIAN 0
#define DEPTH 3
#define VERSION "1.2" // a@b $ 1
#ifdef X
"#;
        assert_eq!(template.configure(TEMPLATE), expected);
    }

    #[cfg(unix)]
    #[test]
    fn an_original_is_never_a_file_of_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(folder.path()).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.join("link.h")).unwrap();
        std::fs::write(root.join("real.h"), "int x;").unwrap();
        let text =
            "name = \"x\"\nrepositories = []\n[copied]\n\"a.h\" = \"link.h\"\n\"in/\" = \"*.h\"";
        let recipe = Recipe::parse(text).unwrap();
        let made = recipe.made(&root, &[String::from("link.h"), String::from("real.h")]);
        assert_eq!(made.len(), 1, "{made:?}");
        assert_eq!(made["in/real.h"], b"int x;");
    }
}
