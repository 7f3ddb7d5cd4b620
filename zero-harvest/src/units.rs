//! Translation units: which sources to compile, and with which flags.

mod database;
mod headers;

pub(crate) use headers::{Headers, shared};

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::recipe::Recipe;
use crate::source::Checkout;

/// Where a unit's flags come from.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HeaderMode {
    /// From `compile_commands.json`.
    Database,
    /// From a recipe.
    Recipe,
    /// Found in the repository, header by header.
    Search,
}

impl HeaderMode {
    /// Its name in records.
    pub fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Recipe => "recipe",
            Self::Search => "search",
        }
    }
}

/// One source to compile.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    /// Its path from the root.
    pub(crate) path: String,
    /// Its own flags, with `ROOT` for the repository's folder.
    pub(crate) flags: Vec<String>,
    /// Where they come from.
    pub(crate) mode: HeaderMode,
}

/// In flags, what stands for the repository's folder: the flags of a record must not name a machine's.
pub(crate) const ROOT: &str = "{root}";

/// The units of a repository, sorted by path.
pub(crate) fn find(checkout: &Checkout, recipe: Option<&Recipe>) -> Vec<Unit> {
    let database = database::read(checkout);
    let sources = checkout
        .files
        .iter()
        .filter(|path| Path::new(path).extension().is_some_and(|end| end == "c"));
    match recipe {
        Some(recipe) => {
            let flags = recipe_flags(recipe);
            sources
                .filter(|path| recipe.takes(path))
                .map(|path| Unit {
                    path: path.clone(),
                    flags: flags.clone(),
                    mode: HeaderMode::Recipe,
                })
                .collect()
        }
        None => sources
            .map(|path| match database.get(path) {
                Some(flags) => Unit {
                    path: path.clone(),
                    flags: flags.clone(),
                    mode: HeaderMode::Database,
                },
                None => Unit {
                    path: path.clone(),
                    flags: Vec::new(),
                    mode: HeaderMode::Search,
                },
            })
            .collect(),
    }
}

fn recipe_flags(recipe: &Recipe) -> Vec<String> {
    let include = recipe.include.iter().map(|folder| include(folder));
    let defines = recipe.defines.iter().map(|define| format!("-D{define}"));
    include.chain(defines).collect()
}

/// The flag that looks for headers in a folder of the repository.
pub(crate) fn include(folder: &str) -> String {
    match folder {
        "" | "." => format!("-I{ROOT}"),
        folder => format!("-I{ROOT}/{folder}"),
    }
}

/// Flags for one machine.
pub(crate) fn localised(flags: &[String], root: &Path) -> Vec<String> {
    let root = root.to_string_lossy();
    flags.iter().map(|flag| flag.replace(ROOT, &root)).collect()
}
