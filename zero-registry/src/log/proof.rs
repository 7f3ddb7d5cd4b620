//! Inclusion and consistency proofs: which subtrees they consist of, and how they are checked
//! (RFC 6962, 2.1; the checks are those of RFC 9162, 2.1.3.2 and 2.1.4.2).

use thiserror::Error;
use zero_format::Digest;

use super::{Node, Tree, cover, fold, node_hash};
use crate::limits::MAX_PROOF_HASHES;

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// The proof leads to another root hash.
    #[error("check the proof: it leads to another tree")]
    Hash,
    /// The leaf lies outside the tree.
    #[error("check the proof: leaf {index} is outside a tree of {size} leaves")]
    Index {
        /// Index of the leaf.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// The proof has too few or too many hashes.
    #[error("check the proof: it has the wrong number of hashes")]
    Length,
    /// The newer tree is smaller than the older.
    #[error("check the proof: {new} leaves now, {old} before")]
    Smaller {
        /// Leaves of the older tree.
        old: u64,
        /// Leaves of the newer tree.
        new: u64,
    },
}

/// Checks that the leaf with this hash stands at `index` in the tree.
///
/// # Errors
/// When it does not, or the proof is malformed.
pub fn verify_inclusion(
    leaf: Digest,
    index: u64,
    tree: Tree,
    proof: &[Digest],
) -> Result<(), ProofError> {
    if index >= tree.size {
        return Err(ProofError::Index {
            index,
            size: tree.size,
        });
    }
    if proof.len() > MAX_PROOF_HASHES {
        return Err(ProofError::Length);
    }
    let (mut node, mut last, mut hash) = (index, tree.size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // On the right edge, levels without a sibling are skipped.
            while node % 2 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == tree.hash {
        Ok(())
    } else {
        Err(ProofError::Hash)
    }
}

/// Checks that the first `old.size` leaves of `new` are the leaves of `old`.
///
/// # Errors
/// When they are not, or the proof is malformed.
pub fn verify_consistency(old: Tree, new: Tree, proof: &[Digest]) -> Result<(), ProofError> {
    if old.size > new.size {
        return Err(ProofError::Smaller {
            old: old.size,
            new: new.size,
        });
    }
    if old.size == new.size || old.size == 0 {
        let same = if old.size == 0 {
            old == Tree::empty()
        } else {
            old == new
        };
        return match (proof.is_empty(), same) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Hash),
            (true, true) => Ok(()),
        };
    }
    if proof.len() > MAX_PROOF_HASHES {
        return Err(ProofError::Length);
    }
    let mut rest = proof.iter();
    // A complete old tree is its own first hash; the proof leaves it out.
    let first = if old.size.is_power_of_two() {
        old.hash
    } else {
        *rest.next().ok_or(ProofError::Length)?
    };
    let (mut node, mut last) = (old.size - 1, new.size - 1);
    while node % 2 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (first, first);
    for hash in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node % 2 == 1 || node == last {
            old_hash = node_hash(hash, &old_hash);
            new_hash = node_hash(hash, &new_hash);
            while node % 2 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if old_hash == old.hash && new_hash == new.hash {
        Ok(())
    } else {
        Err(ProofError::Hash)
    }
}

/// The subtrees of an inclusion proof, from the leaf's sibling up. Each entry is a list of
/// complete subtrees to be folded into one hash.
pub(crate) fn inclusion_nodes(index: u64, size: u64) -> Vec<Vec<Node>> {
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(cover(middle, to));
            to = middle;
        } else {
            path.push(cover(from, middle));
            from = middle;
        }
    }
    path.reverse();
    path
}

/// The subtrees of a consistency proof from `old` to `new` leaves, `0 < old < new`, in the order
/// of the proof.
pub(crate) fn consistency_nodes(old: u64, new: u64) -> Vec<Vec<Node>> {
    let (mut from, mut to) = (0, new);
    let mut path = Vec::new();
    // The old tree's edge lies at `old`; descend until a subtree ends exactly there.
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(cover(middle, to));
            to = middle;
        } else {
            path.push(cover(from, middle));
            from = middle;
        }
    }
    if from != 0 {
        path.push(cover(from, to));
    }
    path.reverse();
    path
}

/// Hashes of the listed subtrees, each list folded into one; nothing when one is unknown.
pub(crate) fn resolve(
    lists: &[Vec<Node>],
    mut hash: impl FnMut(Node) -> Option<Digest>,
) -> Option<Vec<Digest>> {
    let mut resolved = Vec::with_capacity(lists.len());
    for list in lists {
        let hashes: Option<Vec<_>> = list.iter().map(|node| hash(*node)).collect();
        resolved.push(fold(&hashes?)?);
    }
    Some(resolved)
}

/// The largest power of two below `size`, for `size` above one: where RFC 6962 splits a tree.
fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}
