//! What the catalogue knows of a package: the JSON beside its page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zero_format::{Artifact, Digest, Kind, Metadata, PackageName, PublicKey};

use crate::RegistryPath;
use crate::limits::MAX_BLOB_BYTES;
use crate::role::Role;
use crate::root::Root;
use crate::search::Short;
use crate::state::{PackageState, Release, Standing};
use crate::time::Timestamp;
use crate::writer::{CommitError, Storage};

/// Bytes of a record: metadata of at most 1 MiB, the places of 32,768 events, and releases.
const MAX_RECORD: usize = 16 << 20;
/// Bytes of the releases of a record, as JSON; their publisher alone decides how many there are, and
/// what they need.
const MAX_RELEASES: usize = 4 << 20;

/// A package, its newest version first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) r#type: String,
    pub(super) origin: String,
    pub(super) name: PackageName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) license: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) repository: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) readme: Option<String>,
    /// `module` or `component`; of the newest version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<Kind>,
    /// The newest version that may be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) newest: Option<String>,
    pub(super) exports: Vec<Call>,
    /// The newest ones, as many as have room, and the one that may be chosen.
    pub(super) releases: Vec<Version>,
    /// Older ones that had no room.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) older: usize,
    pub(super) owners: Vec<String>,
    /// Where the log has the events, by their place in the chain.
    pub(super) events: BTreeMap<u64, u64>,
    pub(super) log_key: String,
    /// How lists have had it so far.
    #[serde(skip)]
    pub(super) before: Option<Short>,
}

/// A function that can be called by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) doc: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names in the catalogue")]
pub(super) struct Version {
    pub(super) version: String,
    pub(super) standing: String,
    pub(super) sha256: Digest,
    pub(super) size: u64,
    pub(super) time: Timestamp,
    pub(super) signers: Vec<String>,
    pub(super) needs: Vec<Need>,
    /// Place of the release in the package's chain.
    pub(super) event: u64,
    /// Its leaf in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) leaf: Option<u64>,
}

/// A capability in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Need {
    pub(super) words: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

impl Record {
    /// What the last call wrote.
    pub(super) fn load(
        storage: &impl Storage,
        name: &PackageName,
    ) -> Result<Option<Self>, CommitError> {
        super::find_own(storage, &path_of(name, "json"), MAX_RECORD)
    }

    /// The package now. `places` are those of its events that `before` does not have.
    pub(super) fn of(
        storage: &impl Storage,
        root: &Root,
        chain: &PackageState,
        places: BTreeMap<u64, u64>,
        before: Option<Self>,
    ) -> Result<Self, CommitError> {
        let listed = before.as_ref().map(Self::short);
        let mut events = before.map(|record| record.events).unwrap_or_default();
        events.extend(places);
        let mut releases: Vec<&Release> = chain.releases().iter().collect();
        releases.sort_by(|a, b| b.version().cmp_precedence(a.version()));
        let newest = releases
            .iter()
            .find(|release| release.standing() == Standing::Good);
        let version = |release: &&Release| Version::of(release, &events);
        let shown = shown(releases.iter().map(version), newest.map(version));
        let metadata = newest
            .map(|release| metadata(storage, release))
            .transpose()?
            .flatten();
        let owners = chain.admin_role().into_iter().flat_map(Role::keys);
        let package = metadata.as_ref().map(|metadata| &metadata.package);
        let exports = metadata.iter().flat_map(|metadata| &metadata.exports);
        Ok(Self {
            r#type: "zero-catalogue/1".to_owned(),
            origin: root.origin().to_string(),
            name: chain.name().clone(),
            description: package.and_then(|package| package.description.clone()),
            license: package.and_then(|package| package.license.clone()),
            repository: package.and_then(|package| package.repository.clone()),
            readme: package.and_then(|package| package.readme.clone()),
            kind: metadata.as_ref().map(|metadata| metadata.kind),
            newest: newest.map(|release| release.version().to_string()),
            exports: exports
                .map(|export| Call {
                    name: export.name.clone(),
                    doc: export.doc.clone(),
                })
                .collect(),
            older: chain.releases().len() - shown.len(),
            releases: shown,
            owners: owners.map(PublicKey::to_base64).collect(),
            events,
            log_key: root.log_key().to_base64(),
            before: listed,
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Where the record lies.
    pub(super) fn path(&self) -> String {
        path_of(&self.name, "json")
    }

    /// Where the page lies.
    pub(super) fn page(&self) -> String {
        path_of(&self.name, "html")
    }

    pub(super) fn short(&self) -> Short {
        Short {
            name: self.name.to_string(),
            version: self.newest.clone().unwrap_or_default(),
            description: self.description.clone().unwrap_or_default(),
            time: self
                .releases
                .iter()
                .map(|release| release.time)
                .max()
                .unwrap_or_else(|| Timestamp::from_seconds(0)),
            page: self.page(),
        }
    }
}

/// As many releases as have room, and the one that may be chosen in any case.
fn shown(releases: impl Iterator<Item = Version>, newest: Option<Version>) -> Vec<Version> {
    let mut fits = super::fitting(MAX_RELEASES);
    let mut shown: Vec<_> = releases.take_while(|release| fits(release)).collect();
    let missing = newest.filter(|newest| shown.iter().all(|other| other.event != newest.event));
    shown.extend(missing);
    shown
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Version {
    fn of(release: &Release, events: &BTreeMap<u64, u64>) -> Self {
        let standing = match release.standing() {
            Standing::Good => "good",
            Standing::Yanked => "yanked",
            Standing::Revoked => "revoked",
        };
        let needs = release.capabilities().needs();
        Self {
            version: release.version().to_string(),
            standing: standing.to_owned(),
            sha256: release.sha256(),
            size: release.size(),
            time: release.time(),
            signers: release.signers().iter().map(PublicKey::to_base64).collect(),
            needs: needs
                .into_iter()
                .map(|need| Need {
                    words: need.words,
                    reason: need.reason.map(str::to_owned),
                })
                .collect(),
            event: release.seq(),
            leaf: events.get(&release.seq()).copied(),
        }
    }
}

/// What the file of a release says about itself; nothing where the file is kept elsewhere.
fn metadata(storage: &impl Storage, release: &Release) -> Result<Option<Metadata>, CommitError> {
    let path = RegistryPath::blob(&release.sha256());
    let bytes = super::find(storage, path.as_str(), MAX_BLOB_BYTES)?;
    let artifact = bytes.and_then(|bytes| Artifact::decode(bytes).ok());
    Ok(artifact.map(|artifact| artifact.metadata().clone()))
}

/// Names never become paths: their digests do.
fn path_of(name: &PackageName, extension: &str) -> String {
    let digest = Digest::of(name.as_str().as_bytes()).to_hex();
    let fan = digest.get(..2).unwrap_or_default();
    format!("site/p/{fan}/{digest}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_EVENTS;

    fn version(event: u64, needs: usize) -> Version {
        let need = Need {
            words: "read files below /".repeat(8),
            reason: Some("\"".repeat(1024)),
        };
        Version {
            version: format!("1.0.{event}"),
            standing: "good".to_owned(),
            sha256: Digest::of(b""),
            size: 1,
            time: Timestamp::from_seconds(0),
            signers: vec!["x".repeat(56)],
            needs: vec![need; needs],
            event,
            leaf: Some(event),
        }
    }

    #[test]
    fn releases_without_number_do_not_outgrow_the_record() {
        for needs in [0, 100] {
            let all = (1..MAX_EVENTS).rev().map(|event| version(event, needs));
            let shown = shown(all, Some(version(7, needs)));
            assert!(shown.len() > 10);
            let json = serde_json::to_vec(&shown).unwrap();
            assert!(json.len() < MAX_RELEASES + (1 << 20), "{}", json.len());
            assert_eq!(shown[0].event, MAX_EVENTS - 1);
            assert!(shown.iter().any(|release| release.event == 7));
        }
    }
}
