//! The `zero` section: what the signed artifact says about itself (spec/artifact.md, "Metadata").
//!
//! [`Metadata::decode`] is the only way in from bytes. Whatever it returns is safe to print: no text holds a
//! character that moves a cursor or reorders what is read.

use std::collections::BTreeMap;
use std::fmt;

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::capability::Capabilities;
use crate::digest::Digest;
use crate::json::JsonError;
use crate::package::PackageName;

mod check;
mod read;

/// The version of the metadata format that this crate reads and writes.
pub const METADATA_VERSION: u64 = 1;

/// What an artifact says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// The version of this format, always [`METADATA_VERSION`].
    pub zero: FormatVersion,
    /// What sort of WebAssembly the artifact is; the preamble must agree.
    pub kind: Kind,
    /// Name, version and who stands behind it.
    pub package: Package,
    /// What the program may ask for.
    pub capabilities: Capabilities,
    /// How much it needs at most.
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Functions that can be called by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<Export>,
    /// Measurements and advice; nothing here grants anything.
    #[serde(skip_serializing_if = "Hints::is_empty")]
    pub hints: Hints,
    /// How it was built.
    #[serde(skip_serializing_if = "BuildInfo::is_empty")]
    pub build: BuildInfo,
}

/// The version of the metadata format; there is only the one that this crate knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormatVersion;

impl Serialize for FormatVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(METADATA_VERSION)
    }
}

/// What sort of WebAssembly an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A component (`wasm32-wasip2`).
    Component,
    /// A core module (`wasm32-wasip1`, or plain WebAssembly).
    Module,
}

/// Who and what a package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// One line on what it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Where its source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
    /// The whole README; it may have several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
}

/// How much a program needs at most, as its author says; the user's own limits stand above.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of linear memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Milliseconds of wall time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// Bytes written to standard output and error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Bytes written to files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<u64>,
    /// Files, sockets and streams that are open at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handles: Option<u64>,
    /// Units of fuel: a deterministic bound on computation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
}

/// A function that can be called by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The name of the export.
    pub name: String,
    /// Its type: `(i32, i32) -> i32` in a module, WIT in a component.
    #[serde(rename = "type")]
    pub ty: String,
    /// What it does; may have several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// What it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Param>,
    /// What it returns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Returned>,
    /// Calls that were executed when the artifact was built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
    /// Whether the result depends on the arguments alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pure: bool,
}

/// A parameter of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// What it means; may have several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// What it is measured in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A result of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Returned {
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// What it means; may have several lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// What it is measured in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A call and what it returns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The arguments, in order.
    pub args: Vec<Value>,
    /// The result; `null` for none, an array for several.
    pub result: Value,
}

/// Measurements and advice. Fields that this version does not know are kept and ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// What the examples used when the artifact was built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
    /// How to compile the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compile: Option<Compile>,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What the examples used when the artifact was built: the highest of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Bytes of linear memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// Units of fuel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// How to compile the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compile {
    /// How hard the compiler should try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_level: Option<OptLevel>,
    /// WebAssembly features that the program uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Whether the quick compiler may serve the first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<bool>,
    /// Whatever else stands there.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// How hard a compiler should try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptLevel {
    /// Not at all.
    None,
    /// For speed.
    Speed,
    /// For speed and size.
    SpeedAndSize,
}

/// How an artifact was built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildInfo {
    /// The target triple.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The compiler and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<String>,
    /// Digest of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_digest: Option<Digest>,
    /// The commit of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcs_commit: Option<String>,
    /// The program that wrote the artifact, and its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<String>,
}

/// Why metadata is refused. Paths look like `exports[0].doc`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// A character that could deceive a reader.
    #[error("`{path}` holds the character U+{code:04X}, which is not allowed in text")]
    Character {
        /// Where.
        path: String,
        /// The code point.
        code: u32,
    },
    /// A member of the wrong type or with a wrong value, a missing or an unknown member.
    #[error("`{path}`: {reason}")]
    Field {
        /// Where.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Not strict JSON.
    #[error("the JSON is malformed")]
    Json(#[from] JsonError),
    /// More of something than the limits allow.
    #[error("`{path}` is larger than {max}")]
    Limit {
        /// Where.
        path: String,
        /// The limit.
        max: usize,
    },
    /// More bytes of text than the limits allow.
    #[error("the metadata has {size} bytes, more than the {max} that are allowed", max = crate::limits::MAX_METADATA)]
    Size {
        /// How many bytes it has.
        size: usize,
    },
    /// A capability that this version does not know, and so could not deny.
    #[error("the capability `{name}` is unknown")]
    UnknownCapability {
        /// Its name.
        name: String,
    },
    /// Another version of the format.
    #[error("the metadata has version {found}, this program knows version {METADATA_VERSION}")]
    Version {
        /// The version.
        found: String,
    },
}

impl MetadataError {
    /// The class of the error as spec/artifact.md names it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Character { .. } => "text",
            Self::Field { .. } => "metadata-field",
            Self::Json(_) => "json",
            Self::Limit { .. } | Self::Size { .. } => "metadata-limit",
            Self::UnknownCapability { .. } => "unknown-capability",
            Self::Version { .. } => "metadata-version",
        }
    }

    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::UnknownCapability { .. } | Self::Version { .. } => {
                Some("a newer version of Zero may know it: update")
            }
            Self::Character { .. } => Some(
                "remove invisible and control characters; only READMEs and docs have several lines",
            ),
            Self::Field { .. } | Self::Json(_) | Self::Limit { .. } | Self::Size { .. } => None,
        }
    }
}

impl Metadata {
    /// Metadata that says only what it must.
    pub fn new(kind: Kind, package: Package) -> Self {
        Self {
            zero: FormatVersion,
            kind,
            package,
            capabilities: Capabilities::default(),
            limits: Limits::default(),
            exports: Vec::new(),
            hints: Hints::default(),
            build: BuildInfo::default(),
        }
    }

    /// Reads the payload of a `zero` section.
    ///
    /// # Errors
    /// Anything but strict JSON of this version, in which every text is safe to print.
    pub fn decode(bytes: &[u8]) -> Result<Self, MetadataError> {
        read::metadata(bytes)
    }

    /// The JSON text, the same bytes for the same value.
    ///
    /// [`Metadata::check`] tells whether [`Metadata::decode`] accepts them.
    pub fn encode(&self) -> Vec<u8> {
        // Serializing maps with string keys and no floating-point keys cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether the text that [`Metadata::encode`] writes is read back as this very value.
    ///
    /// # Errors
    /// What [`Metadata::decode`] would refuse.
    pub fn check(&self) -> Result<(), MetadataError> {
        if Self::decode(&self.encode())? == *self {
            Ok(())
        } else {
            // Only values that JSON spells alike get here, such as a hint named like a known one.
            let reason = "it would be read back as another value".to_owned();
            Err(MetadataError::Field {
                path: "hints".to_owned(),
                reason,
            })
        }
    }

    /// The export with this name.
    pub fn export(&self, name: &str) -> Option<&Export> {
        self.exports.iter().find(|export| export.name == name)
    }
}

impl Package {
    /// A package of which only name and version are known.
    pub fn new(name: PackageName, version: Version) -> Self {
        Self {
            name,
            version,
            description: None,
            license: None,
            repository: None,
            authors: Vec::new(),
            readme: None,
        }
    }
}

impl Limits {
    /// Whether no limit is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Hints {
    /// Whether nothing is hinted at.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl BuildInfo {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Kind {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Module => "module",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests;
