//! The slot of a commit: all its leaves, fixed before anything is derived from them.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::event::{EventError, SignedEvent};
use crate::json::{self, JsonError};
use crate::limits::{MAX_COMMIT_EVENTS, MAX_LEAF_BYTES};
use crate::snapshot::{Snapshot, SnapshotError};

const TAG: &str = "zero-journal/1";

/// The leaves of a commit: events in order, then the snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) size: u64,
    pub(crate) events: Vec<SignedEvent>,
    pub(crate) snapshot: Snapshot,
}

/// Why a journal slot is not usable.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SlotError {
    /// A leaf is not an event.
    #[error("read leaf {index} of the journal slot")]
    Event {
        /// Its place in the commit, from 0.
        index: usize,
        /// What is wrong with it.
        source: EventError,
    },
    /// It is not JSON of the expected form.
    #[error("read the journal slot")]
    Json(#[from] JsonError),
    /// It is the slot of another size, or has no leaves or too many.
    #[error("read the journal slot: it is of another size, or has no leaves or too many")]
    Size,
    /// The last leaf is not a snapshot.
    #[error("read the last leaf of the journal slot")]
    Snapshot(#[from] SnapshotError),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    r#type: String,
    size: u64,
    /// Leaves without their line feeds.
    leaves: Vec<String>,
}

impl Slot {
    /// All leaves, in order.
    pub(crate) fn leaves(&self) -> Vec<Vec<u8>> {
        let events = self.events.iter().map(|event| event.line().to_vec());
        events.chain([self.snapshot.encode()]).collect()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let leaves = self.leaves();
        let text = |leaf: &Vec<u8>| {
            let text = std::str::from_utf8(leaf).expect("leaves are JSON text");
            text.trim_end_matches('\n').to_owned()
        };
        let wire = Wire {
            r#type: TAG.to_owned(),
            size: self.size,
            leaves: leaves.iter().map(text).collect(),
        };
        json::encode_line(&wire)
    }

    pub(crate) fn decode(size: u64, bytes: &[u8]) -> Result<Self, SlotError> {
        let wire: Wire = json::decode_raw(TAG, bytes)?;
        let long = |leaf: &String| leaf.len() >= MAX_LEAF_BYTES;
        let (snapshot, events) = wire.leaves.split_last().ok_or(SlotError::Size)?;
        if wire.size != size || events.len() > MAX_COMMIT_EVENTS || wire.leaves.iter().any(long) {
            return Err(SlotError::Size);
        }
        let line = |leaf: &String| format!("{leaf}\n").into_bytes();
        let events = events.iter().enumerate().map(|(index, leaf)| {
            SignedEvent::parse(&line(leaf)).map_err(|source| SlotError::Event { index, source })
        });
        Ok(Self {
            size,
            events: events.collect::<Result<_, _>>()?,
            snapshot: Snapshot::decode(&line(snapshot))?,
        })
    }
}
