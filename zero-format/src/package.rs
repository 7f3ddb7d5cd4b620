//! Names of packages and registries, and the way a user asks for one (spec/artifact.md, "Names and versions").
//!
//! A name is lower-case ASCII with single hyphens, so two names that differ also differ on every file system, in
//! every font and in every URL.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_NAME_PART;
use crate::text::excerpt;
use crate::version::{VersionReq, VersionReqError};

/// Device names of Windows: a folder or file with such a name cannot be made there.
const WINDOWS_DEVICES: [&str; 4] = ["aux", "con", "nul", "prn"];

/// `[scope/]name`, such as `csvstat` or `acme/csvstat`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(String);

/// The name that the user gave a registry in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RegistryName(String);

/// What a user asks for: `[registry:][scope/]name[@requirement]`.
///
/// ```
/// use zero_format::PackageRef;
/// let asked: PackageRef = "public:acme/csvstat@1.2".parse()?;
/// assert_eq!(asked.name().scope(), Some("acme"));
/// assert_eq!(asked.to_string(), "public:acme/csvstat@1.2");
/// # Ok::<(), zero_format::PackageRefError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageRef {
    registry: Option<RegistryName>,
    name: PackageName,
    req: VersionReq,
}

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A character that names do not have.
    #[error("{character:?} cannot stand in a name")]
    Character {
        /// The character.
        character: char,
    },
    /// Nothing where a name should be.
    #[error("a name cannot be empty")]
    Empty,
    /// A hyphen at the start, at the end or beside another one.
    #[error("a hyphen stands alone between letters or digits")]
    Hyphen,
    /// More than 64 bytes in one part.
    #[error("a name has at most {MAX_NAME_PART} characters, this has {length}")]
    Length {
        /// How many bytes the part has.
        length: usize,
    },
    /// Too many `/`.
    #[error("a package name has at most one scope before its name")]
    Parts,
    /// A device name of Windows.
    #[error("`{name}` is a device name on Windows")]
    Reserved {
        /// The name.
        name: String,
    },
    /// A first character that is not a letter.
    #[error("a name starts with a letter")]
    Start,
}

/// Why a text does not ask for a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageRefError {
    /// The package's name.
    #[error("`{text}` is not a package name")]
    Name {
        /// The part of the text.
        text: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// The registry's name.
    #[error("`{text}` is not a registry name")]
    Registry {
        /// The part of the text.
        text: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// The requirement after `@`.
    #[error("`{text}` is not a version requirement")]
    Requirement {
        /// The part of the text.
        text: String,
        /// What is wrong with it.
        source: VersionReqError,
    },
}

impl NameError {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Character { .. } | Self::Hyphen | Self::Start => {
                "names are lower-case letters, digits and single hyphens, such as `csv-stat`"
            }
            Self::Empty | Self::Length { .. } => "give a name of 1 to 64 characters",
            Self::Parts => "write `name` or `scope/name`",
            Self::Reserved { .. } => "choose another name",
        }
    }
}

impl PackageRefError {
    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Name { source, .. } | Self::Registry { source, .. } => source.hint(),
            Self::Requirement { .. } => {
                "write a version after `@`, such as `@1.2.3`, `@1.2` or `@^1`"
            }
        }
    }
}

impl PackageName {
    /// The scope, if the name has one.
    pub fn scope(&self) -> Option<&str> {
        self.0.split_once('/').map(|(scope, _)| scope)
    }

    /// The name without its scope.
    pub fn base(&self) -> &str {
        self.0
            .split_once('/')
            .map_or(self.as_str(), |(_, base)| base)
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PackageName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((_, base)) if base.contains('/') => return Err(NameError::Parts),
            Some((scope, base)) => check_part(scope).and_then(|()| check_part(base))?,
            None => check_part(text)?,
        }
        Ok(Self(text.to_owned()))
    }
}

impl RegistryName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RegistryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_part(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl PackageRef {
    /// Asks `registry`, or the default one, for a release of `name` that `req` accepts.
    pub fn new(registry: Option<RegistryName>, name: PackageName, req: VersionReq) -> Self {
        Self {
            registry,
            name,
            req,
        }
    }

    /// The registry to ask; the default one if none is named.
    pub fn registry(&self) -> Option<&RegistryName> {
        self.registry.as_ref()
    }

    /// The package.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// Which releases will do.
    pub fn req(&self) -> &VersionReq {
        &self.req
    }
}

impl FromStr for PackageRef {
    type Err = PackageRefError;

    fn from_str(text: &str) -> Result<Self, PackageRefError> {
        let (place, req) = text.split_once('@').unwrap_or((text, ""));
        let (registry, name) = match place.split_once(':') {
            Some((registry, name)) => (Some(registry), name),
            None => (None, place),
        };
        let registry = registry
            .map(|text| {
                text.parse().map_err(|source| PackageRefError::Registry {
                    text: excerpt(text),
                    source,
                })
            })
            .transpose()?;
        let name = name.parse().map_err(|source| PackageRefError::Name {
            text: excerpt(name),
            source,
        })?;
        let req = req.parse().map_err(|source| PackageRefError::Requirement {
            text: excerpt(req),
            source,
        })?;
        Ok(Self {
            registry,
            name,
            req,
        })
    }
}

impl fmt::Display for PackageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}:")?;
        }
        write!(f, "{}", self.name)?;
        if self.req.is_any() {
            Ok(())
        } else {
            write!(f, "@{}", self.req)
        }
    }
}

impl TryFrom<String> for PackageRef {
    type Error = PackageRefError;

    fn try_from(text: String) -> Result<Self, PackageRefError> {
        text.parse()
    }
}

impl From<PackageRef> for String {
    fn from(asked: PackageRef) -> Self {
        asked.to_string()
    }
}

/// One part of a name: `[a-z][a-z0-9]*(-[a-z0-9]+)*`.
fn check_part(part: &str) -> Result<(), NameError> {
    let Some(first) = part.chars().next() else {
        return Err(NameError::Empty);
    };
    if part.len() > MAX_NAME_PART {
        return Err(NameError::Length { length: part.len() });
    }
    if let Some(character) = part
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'))
    {
        return Err(NameError::Character { character });
    }
    if part.ends_with('-') || part.starts_with('-') || part.contains("--") {
        return Err(NameError::Hyphen);
    }
    if !first.is_ascii_lowercase() {
        return Err(NameError::Start);
    }
    if is_windows_device(part) {
        return Err(NameError::Reserved {
            name: part.to_owned(),
        });
    }
    Ok(())
}

/// Whether Windows keeps this lower-case name, without an extension, for a device.
pub(crate) fn is_windows_device(name: &str) -> bool {
    let numbered = |prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|rest: &str| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    WINDOWS_DEVICES.contains(&name) || numbered("com") || numbered("lpt")
}

macro_rules! text_newtype {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    )*};
}

text_newtype!(PackageName, RegistryName);

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<PackageName, NameError> {
        text.parse()
    }

    #[test]
    fn accepts_plain_and_scoped_names() {
        for text in [
            "a",
            "csvstat",
            "csv-stat2",
            "acme/csv-stat",
            &"a".repeat(64),
        ] {
            assert_eq!(name(text).unwrap().to_string(), text);
        }
        let scoped = name("acme/csvstat").unwrap();
        assert_eq!((scoped.scope(), scoped.base()), (Some("acme"), "csvstat"));
        assert_eq!(name("csvstat").unwrap().scope(), None);
    }

    #[test]
    fn refuses_names_that_some_system_confuses() {
        assert_eq!(name(""), Err(NameError::Empty));
        assert_eq!(name("acme/"), Err(NameError::Empty));
        assert_eq!(name("Foo"), Err(NameError::Character { character: 'F' }));
        assert_eq!(
            name("foo_bar"),
            Err(NameError::Character { character: '_' })
        );
        assert_eq!(name("ｆoo"), Err(NameError::Character { character: 'ｆ' }));
        assert_eq!(name(".."), Err(NameError::Character { character: '.' }));
        assert_eq!(name("a%2fb"), Err(NameError::Character { character: '%' }));
        assert_eq!(
            name("a\u{1b}[m"),
            Err(NameError::Character {
                character: '\u{1b}'
            })
        );
        assert_eq!(name("a/b/c"), Err(NameError::Parts));
        assert_eq!(name("a--b"), Err(NameError::Hyphen));
        assert_eq!(name("-a"), Err(NameError::Hyphen));
        assert_eq!(name("a-"), Err(NameError::Hyphen));
        assert_eq!(name("1a"), Err(NameError::Start));
        assert_eq!(name(&"a".repeat(65)), Err(NameError::Length { length: 65 }));
        for device in ["nul", "con", "com1", "lpt9", "acme/aux"] {
            assert!(
                matches!(name(device), Err(NameError::Reserved { .. })),
                "{device}"
            );
        }
        assert!(name("com10").is_ok());
    }

    #[test]
    fn reads_what_a_user_asks_for() {
        let asked: PackageRef = "mine:acme/tool@^1.2".parse().unwrap();
        assert_eq!(asked.registry().map(RegistryName::as_str), Some("mine"));
        assert_eq!(asked.name().as_str(), "acme/tool");
        assert_eq!(asked.req().to_string(), "^1.2");
        assert_eq!("tool".parse::<PackageRef>().unwrap().to_string(), "tool");
        assert_eq!("tool@*".parse::<PackageRef>().unwrap().to_string(), "tool");
        assert!(matches!(
            "Tool".parse::<PackageRef>(),
            Err(PackageRefError::Name { .. })
        ));
        assert!(matches!(
            "A:tool".parse::<PackageRef>(),
            Err(PackageRefError::Registry { .. })
        ));
        assert!(matches!(
            "tool@x".parse::<PackageRef>(),
            Err(PackageRefError::Requirement { .. })
        ));
        assert!(matches!(
            "tool@1@2".parse::<PackageRef>(),
            Err(PackageRefError::Requirement { .. })
        ));
    }
}
