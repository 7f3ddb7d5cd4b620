//! Why a package could not be had, and what each reason means to a caller.

use std::fmt;

use zero_format::{PackageName, RegistryName, Version};

use crate::{
    ArtifactMismatch, HeadError, MapError, Origin, RegistryPath, ResolveError, RootError,
    StateError, StoreError, Timestamp, TransportError,
};

/// What sort of failure it is: the exit code of a command follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// This machine is at fault: its disk, its permissions.
    Failed,
    /// There is no such package or version.
    NotFound,
    /// No place that could answer was reached.
    Unreachable,
    /// Something answered, and it must not be trusted.
    Untrusted,
}

impl ErrorClass {
    /// The exit code of a command that fails for this reason.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::NotFound => 127,
            Self::Unreachable => 69,
            Self::Untrusted => 125,
        }
    }

    /// A short name that stays the same, for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotFound => "not-found",
            Self::Unreachable => "unreachable",
            Self::Untrusted => "not-trusted",
        }
    }
}

/// Why a registry, a package or a file of it could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The package's history is not a continuation of the one that the root keys vouch for: whoever
    /// holds the log key rewrote it.
    #[error(
        "read the history of {name}: it does not continue the one that the root keys vouch for"
    )]
    Anchor {
        /// The package.
        name: PackageName,
    },
    /// The package file is not what its signed event says.
    #[error("accept {name}@{version}")]
    Artifact {
        /// The package.
        name: PackageName,
        /// The version.
        version: Version,
        /// What differs.
        #[source]
        source: Box<ArtifactMismatch>,
    },
    /// The package's signed history does not hold together.
    #[error("read the history of {name}")]
    Chain {
        /// The package.
        name: PackageName,
        /// What is wrong.
        #[source]
        source: Box<StateError>,
    },
    /// This machine's clock is behind a time that the registry signed.
    #[error(
        "trust the registry {registry}: it was seen at {seen}, but this machine's clock says {now}"
    )]
    Clock {
        /// The registry.
        registry: RegistryName,
        /// The latest time known.
        seen: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// A page of the map is malformed, in a reading of the whole map.
    #[error("read the map")]
    MapPage(#[source] Box<MapError>),
    /// A page that the trusted head leads to is malformed: the registry itself is at fault.
    #[error("look {name} up")]
    Map {
        /// The package.
        name: PackageName,
        /// What is wrong.
        #[source]
        source: Box<MapError>,
    },
    /// No mirror gave what was asked for.
    #[error("read {what} of the registry {registry}")]
    Mirrors {
        /// The registry.
        registry: RegistryName,
        /// What was asked for.
        what: String,
        /// What each mirror did, in the order in which they were asked.
        #[source]
        failures: MirrorFailures,
    },
    /// The registry has no such package.
    #[error("find {name}: the registry {registry} has no such package")]
    NoPackage {
        /// The registry.
        registry: RegistryName,
        /// The package.
        name: PackageName,
    },
    /// The network would be needed and is not allowed.
    #[error("read {what} of the registry {registry} without the network: it is not stored")]
    Offline {
        /// The registry.
        registry: RegistryName,
        /// What is missing.
        what: String,
    },
    /// What is stored is too old, and the network is not allowed.
    #[error("use what is stored of the registry {registry} without the network")]
    OfflineStale {
        /// The registry.
        registry: RegistryName,
        /// Why it cannot be used.
        #[source]
        source: Box<HeadError>,
    },
    /// The request names another registry than the one that this client reads.
    #[error("ask the registry {registry} for a package of {asked}")]
    OtherRegistry {
        /// The registry of this client.
        registry: RegistryName,
        /// The registry that was asked for.
        asked: RegistryName,
    },
    /// No version answers the request.
    #[error(transparent)]
    Resolve(Box<ResolveError>),
    /// What this machine remembers of the registry was changed by something else.
    #[error("use what is stored of the registry {registry} in {}", .path.display())]
    State {
        /// The registry.
        registry: RegistryName,
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The local store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What one mirror did.
#[derive(Debug)]
pub struct MirrorFailure {
    /// The mirror.
    pub location: String,
    /// Why it was left.
    pub error: MirrorError,
}

/// What each of several mirrors did.
#[derive(Debug)]
pub struct MirrorFailures(pub(super) Vec<MirrorFailure>);

/// Why a mirror was left for the next one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// A file is not the one that its name promises.
    #[error("accept {path}: its content is not what the registry signed")]
    Content {
        /// The file.
        path: RegistryPath,
    },
    /// The head does not hold, or is older than one seen before.
    #[error(transparent)]
    Head(Box<HeadError>),
    /// The entries of the log are not those of the signed tree.
    #[error("accept the log: its entries are not those of the tree that the registry signed")]
    Log,
    /// A file is missing that must be there.
    #[error("find {path}")]
    Missing {
        /// The file.
        path: RegistryPath,
    },
    /// The registry there is another one.
    #[error("accept the registry: it is {found}, not {expected}")]
    Origin {
        /// The origin that was added.
        expected: Origin,
        /// The origin found.
        found: Origin,
    },
    /// A root does not hold.
    #[error(transparent)]
    Root(Box<RootError>),
    /// It was not reached, or did not behave.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl From<HeadError> for MirrorError {
    fn from(error: HeadError) -> Self {
        Self::Head(Box::new(error))
    }
}

impl From<RootError> for MirrorError {
    fn from(error: RootError) -> Self {
        Self::Root(Box::new(error))
    }
}

impl From<ResolveError> for FetchError {
    fn from(error: ResolveError) -> Self {
        Self::Resolve(Box::new(error))
    }
}

impl MirrorError {
    /// What sort of failure it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Missing { .. } => ErrorClass::Unreachable,
            Self::Transport(error) if !error.is_hostile() => ErrorClass::Unreachable,
            _ => ErrorClass::Untrusted,
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Content { .. } | Self::Log => Some("this mirror is broken or hostile: use another one".to_owned()),
            Self::Head(error) => error.hint().map(str::to_owned),
            Self::Missing { path } if *path == RegistryPath::head() => {
                Some("check the address: there is no registry at that place".to_owned())
            }
            Self::Missing { .. } => Some(
                "the mirror may be in the middle of an update: try again in a minute".to_owned(),
            ),
            Self::Origin { found, .. } => Some(format!(
                "if {found} is the registry that you want, add it under its own name: cargo zero registry add"
            )),
            Self::Root(_) => Some(
                "compare the root key with the one that the registry's operator publishes: cargo zero registry show".to_owned(),
            ),
            Self::Transport(error) => error.hint(),
        }
    }
}

/// With all causes: a list of failures has no single chain of them.
impl fmt::Display for MirrorFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: failed to {}", self.location, self.error)?;
        let mut source = std::error::Error::source(&self.error);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl fmt::Display for MirrorFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, failure) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(f, "{separator}{failure}")?;
        }
        Ok(())
    }
}

impl std::error::Error for MirrorFailures {}

impl FetchError {
    pub(super) fn map_page(error: MapError) -> Self {
        Self::MapPage(Box::new(error))
    }

    /// What sort of failure it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Anchor { .. }
            | Self::Artifact { .. }
            | Self::Chain { .. }
            | Self::Clock { .. }
            | Self::Map { .. }
            | Self::MapPage(_)
            | Self::OfflineStale { .. }
            | Self::State { .. } => ErrorClass::Untrusted,
            Self::Resolve(error) => match **error {
                ResolveError::Revoked { .. } => ErrorClass::Untrusted,
                _ => ErrorClass::NotFound,
            },
            Self::Mirrors { failures, .. } => decisive(&failures.0)
                .map_or(ErrorClass::Unreachable, |failure| failure.error.class()),
            Self::NoPackage { .. } | Self::OtherRegistry { .. } => ErrorClass::NotFound,
            Self::Offline { .. } => ErrorClass::Unreachable,
            Self::Store(_) => ErrorClass::Failed,
        }
    }

    /// What each mirror did, where mirrors are the reason.
    pub fn failures(&self) -> &[MirrorFailure] {
        match self {
            Self::Mirrors { failures, .. } => &failures.0,
            _ => &[],
        }
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Anchor { .. } => Some(
                "the registry's log key may be in wrong hands: ask its operator before you use it"
                    .to_owned(),
            ),
            Self::Artifact { .. } => Some(
                "do not run it; tell the publisher that the file differs from its release"
                    .to_owned(),
            ),
            Self::Chain { source, .. } => source.hint(),
            Self::Clock { .. } => Some("set this machine's clock, then try again: date".to_owned()),
            Self::Map { .. } | Self::MapPage(_) => Some(
                "the registry's operator finds the fault with: zero-registry verify DIR".to_owned(),
            ),
            Self::Mirrors { failures, .. } => {
                decisive(&failures.0).and_then(|failure| failure.error.hint())
            }
            Self::NoPackage { .. } => Some(
                "check the spelling, or ask another registry by name, NAME:PACKAGE; `cargo zero registry list` shows them"
                    .to_owned(),
            ),
            Self::Offline { .. } | Self::OfflineStale { .. } => {
                Some("run the command once without --offline".to_owned())
            }
            Self::OtherRegistry { asked, .. } => Some(format!(
                "see whether it is known: cargo zero registry show {asked}"
            )),
            Self::Resolve(error) => error.hint(),
            Self::State { path, .. } => Some(format!(
                "to start again from the pinned root keys, remove the file: rm {}",
                path.display()
            )),
            Self::Store(error) => Some(error.hint()),
        }
    }
}

/// The failure that decides what the whole means: a place that lies outweighs one out of reach.
fn decisive(failures: &[MirrorFailure]) -> Option<&MirrorFailure> {
    let lies = |failure: &&MirrorFailure| failure.error.class() == ErrorClass::Untrusted;
    failures.iter().find(lies).or_else(|| failures.first())
}
