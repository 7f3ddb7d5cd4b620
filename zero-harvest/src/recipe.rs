//! What a repository needs to be compiled, where that cannot be found out: a small TOML file (spec/dataset.md, "Recipes").

mod configure;
mod shipped;

pub(crate) use configure::overlay;
pub use configure::{Template, Value};
pub use shipped::shipped;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use glob::Pattern;
use serde::Deserialize;

/// A recipe.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Recipe {
    /// What records call it.
    pub name: String,
    /// Patterns of repository names that it is for.
    pub repositories: Vec<Glob>,
    /// Patterns of the sources to take; all of them if empty.
    #[serde(default)]
    pub sources: Vec<Glob>,
    /// Patterns of sources to leave out.
    #[serde(default)]
    pub exclude: Vec<Glob>,
    /// Folders to look for headers in.
    #[serde(default)]
    pub include: Vec<String>,
    /// Macros, as `NAME` or `NAME=VALUE`.
    #[serde(default)]
    pub defines: Vec<String>,
    /// Headers that a build would make, by path, with their text.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Headers that a build would copy: a path, or a folder that ends in `/`, with the pattern of the originals.
    #[serde(default)]
    pub copied: BTreeMap<String, Glob>,
    /// Headers that a build would make of templates, by path.
    #[serde(default)]
    pub configured: BTreeMap<String, Template>,
    /// Which comments are documentation.
    #[serde(default)]
    pub comments: Comments,
    /// The licence of files that do not state their own (an SPDX identifier).
    #[serde(default)]
    pub license: Option<String>,
    /// How that is known.
    #[serde(default)]
    pub license_evidence: Option<String>,
}

/// Which comments are documentation.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Comments {
    /// Every comment in front of a declaration.
    All,
    /// Those of doxygen: `/** … */`, `/*! … */`, `///`, `//!`.
    #[default]
    Doxygen,
}

/// A pattern: `*` within a name, `**` across folders.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Glob(Pattern);

impl TryFrom<String> for Glob {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Pattern::new(&text)
            .map(Self)
            .map_err(|error| format!("the pattern {text:?}: {error}"))
    }
}

impl Glob {
    /// Whether a path is meant.
    pub fn matches(&self, path: &str) -> bool {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        self.0.matches_with(path, options)
    }
}

/// Why recipes cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A file is no recipe.
    #[error("{path}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// A file cannot be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Recipe {
    /// Reads a recipe's text.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let recipe: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if let Some(license) = &recipe.license {
            spdx::Expression::parse(license)
                .map_err(|error| format!("the license is no SPDX expression: {error}"))?;
        }
        let outside = |path: &&String| {
            Path::new(path).components().any(|part| {
                !matches!(
                    part,
                    std::path::Component::Normal(_) | std::path::Component::CurDir
                )
            })
        };
        let paths = recipe
            .include
            .iter()
            .chain(recipe.headers.keys())
            .chain(recipe.copied.keys())
            .chain(recipe.configured.keys())
            .chain(recipe.configured.values().map(|template| &template.from));
        match paths.clone().find(outside) {
            Some(path) => Err(format!("{path} leads out of the repository")),
            None => Ok(recipe),
        }
    }

    /// Reads every `.toml` file of a folder.
    ///
    /// # Errors
    /// The first one that is no recipe.
    pub fn load(folder: &Path) -> Result<Vec<Self>, RecipeError> {
        let read = |path: &Path| {
            let path = path.to_owned();
            |source| RecipeError::Read { path, source }
        };
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .map_err(read(folder))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(read(folder))?;
        paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
        paths.sort();
        paths
            .iter()
            .map(|path| {
                let text = std::fs::read_to_string(path).map_err(read(path))?;
                Self::parse(&text).map_err(|message| RecipeError::Malformed {
                    path: path.clone(),
                    message,
                })
            })
            .collect()
    }

    /// The first recipe for a repository: the user's own come before those that are shipped.
    pub(crate) fn choose<'r>(recipes: &'r [Self], repository: &str) -> Option<&'r Self> {
        recipes.iter().find(|recipe| {
            let meant = |pattern: &Glob| pattern.matches(repository);
            recipe.repositories.iter().any(meant)
        })
    }

    /// Whether it takes a source.
    pub(crate) fn takes(&self, path: &str) -> bool {
        let any = |patterns: &[Glob]| patterns.iter().any(|pattern| pattern.matches(path));
        (self.sources.is_empty() || any(&self.sources)) && !any(&self.exclude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_sources() {
        let recipe = Recipe::parse(
            "name = \"x\"\nrepositories = [\"lib*\"]\nsources = [\"src/**/*.c\"]\nexclude = [\"src/test_*.c\"]",
        )
        .unwrap();
        assert!(recipe.takes("src/a.c") && recipe.takes("src/b/c.c"));
        assert!(!recipe.takes("a.c") && !recipe.takes("src/test_a.c"));
        assert!(Recipe::choose(std::slice::from_ref(&recipe), "libx").is_some());
        assert!(Recipe::choose(&[recipe], "x/libx").is_none());
    }

    #[test]
    fn licences_are_spdx_expressions() {
        let text = "name = \"x\"\nrepositories = []\nlicense = \"mine\"";
        assert!(Recipe::parse(text).unwrap_err().contains("SPDX"));
    }

    #[test]
    fn folders_stay_in_the_repository() {
        let text = "name = \"x\"\nrepositories = [\"*\"]\ninclude = [\"../secret\"]";
        assert!(Recipe::parse(text).unwrap_err().contains("leads out"));
    }
}
