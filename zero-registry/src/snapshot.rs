//! The snapshot leaf that ends every commit (spec/registry.md, "Snapshot").

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zero_format::Digest;

use crate::json::{self, JsonError};
use crate::limits::{MAX_LEAF_BYTES, MAX_MAP_DEPTH, MAX_PAGE_BYTES};
use crate::origin::Origin;
use crate::time::Timestamp;

const TAG: &str = "zero-snapshot/1";

/// What the registry consists of after a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The registry's identity.
    pub origin: Origin,
    /// When the commit was made.
    pub time: Timestamp,
    /// Until when a `head` with this snapshot is fresh.
    pub expires: Timestamp,
    /// Version of the root in force.
    pub root: u64,
    /// The map of all packages.
    pub map: MapRoot,
}

/// Where the map starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapRoot {
    /// Packages in the map.
    pub packages: u64,
    /// Levels of nodes above the buckets: 0, 1 or 2.
    pub depth: u8,
    /// SHA-256 of the root page.
    pub sha256: Digest,
    /// Bytes of the root page.
    pub size: u64,
}

/// Why bytes are not a snapshot leaf.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is not written as the format prescribes.
    #[error("read the snapshot: it is not in the one form that a snapshot has")]
    Form,
    /// A field is out of its range.
    #[error("read the snapshot: its {0} is out of range")]
    Field(&'static str),
    /// It is not JSON of the expected form.
    #[error("read the snapshot")]
    Json(#[from] JsonError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    r#type: String,
    origin: Origin,
    time: Timestamp,
    expires: Timestamp,
    root: u64,
    map: MapRoot,
}

impl Snapshot {
    /// Whether a leaf of the log says of itself that it is a snapshot.
    pub(crate) fn is_tagged(leaf: &[u8]) -> bool {
        leaf.starts_with(format!("{{\"type\":\"{TAG}\"").as_bytes())
    }

    /// Reads a snapshot leaf, its line feed included. There is exactly one form for each snapshot.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(leaf: &[u8]) -> Result<Self, SnapshotError> {
        if leaf.len() > MAX_LEAF_BYTES {
            return Err(SnapshotError::Field("length"));
        }
        let wire: Wire = json::decode(TAG, leaf)?;
        let snapshot = Self {
            origin: wire.origin,
            time: wire.time,
            expires: wire.expires,
            root: wire.root,
            map: wire.map,
        };
        if snapshot.expires < snapshot.time {
            return Err(SnapshotError::Field("expiry"));
        }
        if snapshot.map.depth > MAX_MAP_DEPTH
            || snapshot.map.depth != crate::map::depth(snapshot.map.packages)
        {
            return Err(SnapshotError::Field("map depth"));
        }
        if snapshot.map.size > MAX_PAGE_BYTES {
            return Err(SnapshotError::Field("map size"));
        }
        if snapshot.encode() == leaf {
            Ok(snapshot)
        } else {
            Err(SnapshotError::Form)
        }
    }

    /// The leaf, its line feed included.
    pub fn encode(&self) -> Vec<u8> {
        let wire = Wire {
            r#type: TAG.to_owned(),
            origin: self.origin.clone(),
            time: self.time,
            expires: self.expires,
            root: self.root,
            map: self.map,
        };
        json::encode_line(&wire)
    }
}
