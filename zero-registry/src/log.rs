//! The transparency log: an RFC 6962 Merkle tree over all events and snapshots, stored as C2SP
//! tlog-tiles (spec/registry.md, "Log").
//!
//! Everything here is pure. Subtrees are named by their height and index; where their hashes come
//! from (tiles that a client fetched, tiles that a writer holds) is the caller's business.

mod append;
mod checkpoint;
mod consistency;
mod proof;
mod suffix;
mod tile;

pub use append::EdgeError;
pub use checkpoint::{Checkpoint, CheckpointError};
pub use consistency::Consistency;
pub use proof::{ProofError, verify_consistency, verify_inclusion};
pub use tile::{Bundle, BundleError, TileId};

pub(crate) use append::Edge;
pub(crate) use checkpoint::{decimal, hash_line};
pub(crate) use proof::{consistency_nodes, inclusion_nodes, resolve as resolve_nodes};
pub(crate) use suffix::Suffix;

use sha2::{Digest as _, Sha256};
use zero_format::Digest;

/// How many leaves a log has, and the root hash over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tree {
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root hash.
    pub hash: Digest,
}

impl Tree {
    /// The tree without leaves.
    pub fn empty() -> Self {
        Self {
            size: 0,
            hash: Digest::of(b""),
        }
    }
}

/// The hash of a leaf with these bytes: SHA-256 of a zero byte and the bytes.
pub fn leaf_hash(leaf: &[u8]) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(leaf);
    Digest::from_bytes(hasher.finalize().into())
}

/// The hash of a node with these children: SHA-256 of a one byte and both.
pub(crate) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update([1]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    Digest::from_bytes(hasher.finalize().into())
}

/// A complete subtree: `2^height` leaves from leaf `index * 2^height` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    pub(crate) height: u8,
    pub(crate) index: u64,
}

/// The complete subtrees that make up the leaves `from..to`, left to right, largest first on the
/// right side. `from` must be a multiple of the size of the first one, as RFC 6962 guarantees.
pub(crate) fn cover(from: u64, to: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut start = from;
    while start < to {
        let fits = u64::BITS - 1 - (to - start).leading_zeros();
        let height = fits.min(start.trailing_zeros());
        nodes.push(Node {
            height: u8::try_from(height).unwrap_or(63),
            index: start >> height,
        });
        start += 1 << height;
    }
    nodes
}

/// The root over adjacent subtrees whose sizes shrink to the right, as [`cover`] returns them.
pub(crate) fn fold(hashes: &[Digest]) -> Option<Digest> {
    let mut hashes = hashes.iter().rev();
    let last = *hashes.next()?;
    Some(hashes.fold(last, |right, left| node_hash(left, &right)))
}

#[cfg(test)]
mod tests;
