//! Which release a request means (spec/registry.md, "Resolution").

use std::collections::BTreeMap;

use thiserror::Error;
use zero_format::{PackageName, Version, VersionReq};

use crate::state::{PackageState, Release, Standing};
use crate::time::Timestamp;

/// The places of a chain whose events are too young for whoever asks, with the time of their commits.
///
/// Only the choice of a new release looks at it: what a young event takes back or changes holds at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Young(BTreeMap<u64, Timestamp>);

impl Young {
    /// When a release was committed, if it is too young.
    pub fn since(&self, release: &Release) -> Option<Timestamp> {
        self.0.get(&release.seq()).copied()
    }
}

impl FromIterator<(u64, Timestamp)> for Young {
    fn from_iter<I: IntoIterator<Item = (u64, Timestamp)>>(places: I) -> Self {
        Self(places.into_iter().collect())
    }
}

/// Why no release answers a request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolveError {
    /// No version matches.
    #[error("resolve {name}@{req}: no version matches")]
    NoMatch {
        /// The package.
        name: PackageName,
        /// The request.
        req: VersionReq,
        /// The highest version that could be chosen instead.
        newest: Option<Version>,
    },
    /// The chosen version, or every version that matches, must never run.
    #[error("resolve {name}@{version}: the version was revoked")]
    Revoked {
        /// The package.
        name: PackageName,
        /// The version, the highest of several.
        version: Version,
    },
    /// Every version that could be chosen was published too short a time ago.
    #[error("resolve {name}@{version}: it was published at {since}, which is too short a time ago")]
    TooYoung {
        /// The package.
        name: PackageName,
        /// The version, the highest of several.
        version: Version,
        /// When the registry committed it.
        since: Timestamp,
    },
    /// Every version that matches is yanked.
    #[error("resolve {name}@{version}: the version was yanked")]
    Yanked {
        /// The package.
        name: PackageName,
        /// The version, the highest of several.
        version: Version,
    },
}

impl ResolveError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoMatch {
                name,
                newest: Some(version),
                ..
            } => Some(format!("the newest version is {name}@{version}")),
            Self::NoMatch { .. } => None,
            Self::Revoked { name, .. } => Some(format!(
                "choose another version: `cargo zero info {name}` lists them"
            )),
            Self::TooYoung { .. } => {
                Some("wait, or take it all the same with `--min-age 0`".to_owned())
            }
            Self::Yanked { name, .. } => Some(format!(
                "a yanked version runs only where it was locked before; `cargo zero info {name}` lists others"
            )),
        }
    }
}

/// Chooses a release: the locked one when it matches and was not revoked, else the highest that
/// matches and is neither yanked nor revoked nor too young.
///
/// # Errors
/// When there is none; a locked version that was revoked is never silently replaced.
pub fn resolve<'a>(
    package: &'a PackageState,
    req: &VersionReq,
    lock: Option<&Version>,
    young: &Young,
) -> Result<&'a Release, ResolveError> {
    let locked = lock
        .filter(|version| req.matches(version))
        .and_then(|version| package.release(version));
    if let Some(release) = locked {
        return match release.standing() {
            Standing::Revoked => Err(ResolveError::Revoked {
                name: package.name().clone(),
                version: release.version().clone(),
            }),
            Standing::Good | Standing::Yanked => Ok(release),
        };
    }
    let highest = |wanted: &dyn Fn(&Release) -> bool| {
        let releases = package.releases().iter();
        let fits = releases.filter(|r| wanted(r) && req.matches(r.version()));
        fits.max_by(|a, b| a.version().cmp_precedence(b.version()))
    };
    let matching = |standing| highest(&|release| release.standing() == standing);
    let is_old = |r: &Release| r.standing() == Standing::Good && young.since(r).is_none();
    if let Some(release) = highest(&is_old) {
        return Ok(release);
    }
    let name = package.name().clone();
    let good = matching(Standing::Good);
    if let Some((release, since)) = good.and_then(|release| Some((release, young.since(release)?)))
    {
        let version = release.version().clone();
        return Err(ResolveError::TooYoung {
            name,
            version,
            since,
        });
    }
    if let Some(release) = matching(Standing::Yanked) {
        let version = release.version().clone();
        return Err(ResolveError::Yanked { name, version });
    }
    if let Some(release) = matching(Standing::Revoked) {
        let version = release.version().clone();
        return Err(ResolveError::Revoked { name, version });
    }
    let good = package.releases().iter();
    let newest = good
        .filter(|release| release.standing() == Standing::Good)
        .max_by(|a, b| {
            // An ordinary release is a better suggestion than any pre-release.
            let rank = |v: &Version| v.pre.is_empty();
            let (a, b) = (a.version(), b.version());
            rank(a).cmp(&rank(b)).then(a.cmp_precedence(b))
        });
    Err(ResolveError::NoMatch {
        name,
        req: req.clone(),
        newest: newest.map(|release| release.version().clone()),
    })
}

#[cfg(test)]
mod tests;
