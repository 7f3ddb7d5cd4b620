//! Tiles of hashes and bundles of entries, byte for byte as C2SP tlog-tiles has them.

use thiserror::Error;
use zero_format::Digest;

use super::{Node, fold, node_hash};
use crate::limits::MAX_LEAF_BYTES;
use crate::path;

/// A tile of a tree of a certain size: which one, and how wide it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// Level: a hash of the tile covers `256^level` leaves.
    pub level: u8,
    /// Index within the level.
    pub index: u64,
    /// Hashes in the tile, 1 to 256.
    pub width: u16,
}

impl TileId {
    /// Path of the tile. A server may replace a partial tile by the full one once that exists: when
    /// this is missing, [`TileId::full_path`] serves too, and its first `width` hashes count.
    pub fn path(&self) -> String {
        path::tile(self.level, self.index, self.width)
    }

    /// Path of the same tile when it is full.
    pub fn full_path(&self) -> String {
        path::tile(self.level, self.index, 256)
    }

    /// Bytes of the tile.
    pub fn size(&self) -> u64 {
        32 * u64::from(self.width)
    }

    /// The tile that holds what is needed to compute a subtree's hash in a tree of `size` leaves.
    pub(crate) fn of(node: Node, size: u64) -> Self {
        let level = node.height / 8;
        let first = node.index << (node.height % 8);
        let index = first >> 8;
        let hashes = size >> (8 * u32::from(level));
        Self {
            level,
            index,
            width: u16::try_from((hashes - (index << 8)).min(256)).unwrap_or(256),
        }
    }

    /// The hash of a subtree, computed from the bytes of its tile.
    pub(crate) fn node(bytes: &[u8], node: Node) -> Option<Digest> {
        let within = node.height % 8;
        let first = usize::try_from((node.index << within) & 255).ok()?;
        let hashes = hashes(bytes)?;
        let mut row: Vec<Digest> = hashes.get(first..first + (1 << within))?.to_vec();
        while row.len() > 1 {
            row = row
                .chunks_exact(2)
                .filter_map(|pair| Some(node_hash(pair.first()?, pair.last()?)))
                .collect();
        }
        fold(&row)
    }
}

/// The hashes of a tile.
pub(crate) fn hashes(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (rows, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && rows.len() <= 256)
        .then(|| rows.iter().map(|row| Digest::from_bytes(*row)).collect())
}

/// A bundle of up to 256 log entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    entries: Vec<Vec<u8>>,
}

/// Why bytes are not a bundle.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BundleError {
    /// There are more than 256 entries.
    #[error("read the entry bundle: it has more than 256 entries")]
    Count,
    /// An entry is longer than any entry.
    #[error("read the entry bundle: the entry at byte {0} is longer than {MAX_LEAF_BYTES} bytes")]
    Length(usize),
    /// It ends in the middle of an entry.
    #[error("read the entry bundle: it ends in the middle of the entry at byte {0}")]
    Truncated(usize),
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut entries = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = bytes.len() - rest.len();
            let (length, body) = rest
                .split_first_chunk::<2>()
                .ok_or(BundleError::Truncated(at))?;
            let length = usize::from(u16::from_be_bytes(*length));
            if length > MAX_LEAF_BYTES {
                return Err(BundleError::Length(at));
            }
            let (entry, tail) = body
                .split_at_checked(length)
                .ok_or(BundleError::Truncated(at))?;
            if entries.len() == 256 {
                return Err(BundleError::Count);
            }
            entries.push(entry.to_vec());
            rest = tail;
        }
        Ok(Self { entries })
    }

    /// The file of this bundle.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in &self.entries {
            // `push` and `decode` keep to MAX_LEAF_BYTES, which is below this bound.
            let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
            bytes.extend(length.to_be_bytes());
            bytes.extend(entry);
        }
        bytes
    }

    /// The entries.
    pub fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// Keeps the first entries.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.entries.truncate(count);
    }

    /// Adds an entry; the caller keeps to the limits.
    pub(crate) fn push(&mut self, entry: Vec<u8>) {
        debug_assert!(entry.len() <= MAX_LEAF_BYTES && self.entries.len() < 256);
        self.entries.push(entry);
    }
}
