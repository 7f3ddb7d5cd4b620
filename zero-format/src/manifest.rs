//! `Zero.toml`: what an author writes about a package.
//!
//! Specification: `spec/manifest.md`. The parser reads a text and no file: it reports every fault it can find, each
//! with its line, its column and what to type instead, and it never panics.

use std::collections::BTreeSet;
use std::ops::Range;

use semver::Version;
use toml::de::DeTable;

use crate::capability::Capabilities;
use crate::limits::MAX_MANIFEST;
use crate::metadata::{Hints, Kind, Limits, Metadata, Package};
use crate::package::PackageName;

mod build;
mod capabilities;
mod error;
mod exports;
mod hints;
mod inherit;
mod limits;
mod package;
mod reader;
#[cfg(test)]
mod tests;

pub use build::{Build, BuildKind, Target};
pub use error::{ManifestError, Problem};
pub use exports::{ExportSpec, ParamSpec, ResultSpec, TypeMismatch};
pub use inherit::{CargoPackage, InheritError};

use reader::Reader;

/// The sections of a manifest.
const SECTIONS: [&str; 6] = [
    "package",
    "build",
    "capabilities",
    "limits",
    "exports",
    "hints",
];

/// A parsed `Zero.toml`.
///
/// ```
/// use zero_format::Manifest;
///
/// let manifest = Manifest::parse(r#"
/// [package]
/// name = "csvstat"
/// version = "1.2.0"
/// [capabilities]
/// fs = [{ from = "args", access = "read", reason = "reads the tables you name" }]
/// "#)?;
/// assert_eq!(manifest.capabilities.describe().len(), 1);
///
/// let error = Manifest::parse("[package]\nverison = \"1.2.0\"\n").unwrap_err();
/// assert_eq!(error.first().hint.as_deref(), Some("did you mean `version`?"));
/// # Ok::<(), zero_format::ManifestError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// `[package]`.
    pub package: ManifestPackage,
    /// `[build]`.
    pub build: Build,
    /// `[capabilities]`.
    pub capabilities: Capabilities,
    /// `[limits]`.
    pub limits: Limits,
    /// `[exports.NAME]`, in the order of the file.
    pub exports: Vec<ExportSpec>,
    /// `[hints]`.
    pub hints: Hints,
}

/// `[package]`: every field may be left to `Cargo.toml`, see [`Manifest::inherit`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestPackage {
    /// The name of the package.
    pub name: Option<PackageName>,
    /// Its version.
    pub version: Option<Version>,
    /// One line on what it does.
    pub description: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// Where its source is.
    pub repository: Option<String>,
    /// Who wrote it.
    pub authors: Option<Vec<String>>,
    /// The path of a README to put into the artifact, relative to `Zero.toml`.
    pub readme: Option<String>,
    /// The fields that say `{ workspace = true }`: they must come from Cargo.
    pub inherited: BTreeSet<&'static str>,
}

/// A manifest that does not say what an artifact must.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read Zero.toml: the package has no `{field}`")]
pub struct Incomplete {
    /// The field of `[package]`.
    pub field: &'static str,
}

impl Incomplete {
    /// What the author can do.
    pub fn hint(&self) -> &'static str {
        match self.field {
            "name" => "add `name = \"…\"` under [package] in Zero.toml",
            "version" => "add `version = \"0.1.0\"` under [package] in Zero.toml",
            _ => {
                "write it under [package] in Zero.toml: there is no Cargo.toml to inherit it from, or it lacks it"
            }
        }
    }
}

impl Manifest {
    /// Reads the text of a `Zero.toml`.
    ///
    /// # Errors
    /// Every fault that was found, in the order of the file.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > MAX_MANIFEST {
            let problem = Problem::new(
                text,
                0..0,
                format!("the file has more than {MAX_MANIFEST} bytes"),
            );
            return Err(ManifestError::from_problems(vec![problem]));
        }
        let (document, faults) = DeTable::parse_recoverable(text);
        let faults: Vec<Problem> = faults
            .iter()
            .map(|fault| Problem::syntax(text, fault))
            .collect();
        if !faults.is_empty() {
            return Err(ManifestError::from_problems(faults));
        }
        let mut reader = Reader::new(text);
        let manifest = Self::read(&mut reader, document.get_ref());
        match reader.into_problems() {
            problems if problems.is_empty() => Ok(manifest),
            problems => Err(ManifestError::from_problems(problems)),
        }
    }

    fn read(reader: &mut Reader<'_>, document: &DeTable<'_>) -> Self {
        reader.known_keys(document, "Zero.toml", &SECTIONS);
        Self {
            package: reader.section(document, "package", package::read),
            build: reader.section(document, "build", build::read),
            capabilities: reader.section(document, "capabilities", capabilities::read),
            limits: reader.section(document, "limits", limits::read),
            exports: reader.section(document, "exports", exports::read),
            hints: reader.section(document, "hints", hints::read),
        }
    }

    /// The metadata of an artifact, as far as a manifest tells it: its exports need types, which come from the
    /// compiled program ([`ExportSpec::typed`]), and the README its text.
    ///
    /// # Errors
    /// [`Incomplete`] when name or version are missing, or a field that must be inherited was not.
    pub fn metadata(&self, kind: Kind) -> Result<Metadata, Incomplete> {
        let package = &self.package;
        let name = package.name.clone().ok_or(Incomplete { field: "name" })?;
        let version = package
            .version
            .clone()
            .ok_or(Incomplete { field: "version" })?;
        if let Some(field) = package.inherited.first() {
            return Err(Incomplete { field });
        }
        let package = Package {
            description: package.description.clone(),
            license: package.license.clone(),
            repository: package.repository.clone(),
            authors: package.authors.clone().unwrap_or_default(),
            ..Package::new(name, version)
        };
        let mut metadata = Metadata::new(kind, package);
        metadata.capabilities = self.capabilities.clone();
        metadata.limits = self.limits;
        metadata.hints = self.hints.clone();
        Ok(metadata)
    }
}

/// A place in the text of a manifest.
type Span = Range<usize>;
