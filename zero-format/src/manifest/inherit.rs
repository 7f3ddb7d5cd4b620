//! What a manifest takes from the Cargo package beside it.

use semver::Version;

use super::Manifest;
use crate::limits::{MAX_AUTHORS, MAX_LINE};
use crate::package::{NameError, PackageName};
use crate::text;

/// The fields of a Cargo package that a manifest can inherit, as `cargo metadata` reports them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CargoPackage {
    /// `package.name`.
    pub name: String,
    /// `package.version`.
    pub version: Version,
    /// `package.description`.
    pub description: Option<String>,
    /// `package.license`.
    pub license: Option<String>,
    /// `package.repository`.
    pub repository: Option<String>,
    /// `package.authors`.
    pub authors: Vec<String>,
}

/// Why a Cargo package cannot be inherited from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InheritError {
    /// Cargo's name is no package name here.
    #[error("inherit the name `{}` from Cargo.toml", .name.escape_debug())]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        source: NameError,
    },
}

impl InheritError {
    /// What the author can do.
    pub fn hint(&self) -> String {
        let Self::Name { name, .. } = self;
        let likely = name.to_lowercase().replace('_', "-");
        match likely.parse::<PackageName>() {
            Ok(likely) => format!("add `name = \"{likely}\"` under [package] in Zero.toml"),
            Err(_) => "add `name = \"…\"` under [package] in Zero.toml".to_owned(),
        }
    }
}

impl Manifest {
    /// Fills in what the manifest leaves to Cargo: name, version, description, license, repository and authors. What
    /// the manifest says itself stands. Texts of several lines become one line.
    ///
    /// # Errors
    /// [`InheritError::Name`] when Cargo's name is needed and breaks the rules for names.
    pub fn inherit(mut self, cargo: &CargoPackage) -> Result<Self, InheritError> {
        let package = &mut self.package;
        if package.name.is_none() {
            let name = cargo.name.parse();
            package.name = Some(name.map_err(|source| InheritError::Name {
                name: cargo.name.clone(),
                source,
            })?);
        }
        package.version.get_or_insert_with(|| cargo.version.clone());
        fill(&mut package.description, cargo.description.as_deref());
        fill(&mut package.license, cargo.license.as_deref());
        fill(&mut package.repository, cargo.repository.as_deref());
        if package.authors.is_none() {
            let authors: Vec<String> = cargo
                .authors
                .iter()
                .filter_map(|author| one_line(author))
                .collect();
            package.authors =
                (!authors.is_empty()).then(|| authors.into_iter().take(MAX_AUTHORS).collect());
        }
        let absent = |field: &&'static str| match *field {
            "description" => package.description.is_none(),
            "license" => package.license.is_none(),
            "repository" => package.repository.is_none(),
            "authors" => package.authors.is_none(),
            _ => false,
        };
        package.inherited = package.inherited.iter().copied().filter(absent).collect();
        Ok(self)
    }
}

fn fill(field: &mut Option<String>, cargo: Option<&str>) {
    if field.is_none() {
        *field = cargo.and_then(one_line);
    }
}

/// Cargo lets a description run over lines; the metadata does not.
fn one_line(text: &str) -> Option<String> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || text::is_unsafe(c))
        .filter(|word| !word.is_empty())
        .collect();
    let mut line = words.join(" ");
    if line.len() > MAX_LINE {
        let cut = (0..=MAX_LINE)
            .rev()
            .find(|at| line.is_char_boundary(*at))
            .unwrap_or(0);
        line.truncate(cut);
    }
    (!line.is_empty()).then_some(line)
}
