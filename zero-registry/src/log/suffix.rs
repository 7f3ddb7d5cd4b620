//! The last leaves of a log, checked against its root hash without the leaves before them.

use std::collections::{BTreeMap, BTreeSet};

use zero_format::Digest;

use super::proof::ProofError;
use super::{Node, TileId, Tree, cover, fold, node_hash};

/// A claim about the leaves of a tree from `start` on, and the tiles that judge it.
///
/// The whole tree is computed again, the leaves before `start` from hashes in tiles: a leaf that is wrong, missing or
/// too many makes another tree.
#[derive(Clone, Debug)]
pub(crate) struct Suffix {
    tree: Tree,
    before: Vec<Node>,
}

impl Suffix {
    /// The leaves of `tree` from `start` on.
    pub(crate) fn of(tree: Tree, start: u64) -> Self {
        let before = cover(0, start.min(tree.size));
        Self { tree, before }
    }

    /// The tiles that are needed, each once.
    pub(crate) fn tiles(&self) -> Vec<TileId> {
        let tiles: BTreeSet<_> = self
            .before
            .iter()
            .map(|node| TileId::of(*node, self.tree.size))
            .collect();
        tiles.into_iter().collect()
    }

    /// Decides with the bytes of those tiles whether these are the hashes of the leaves.
    ///
    /// # Errors
    /// When they are not, or a tile is missing or malformed.
    pub(crate) fn check(
        &self,
        tiles: &BTreeMap<TileId, Vec<u8>>,
        leaves: &[Digest],
    ) -> Result<(), ProofError> {
        let mut edge = Vec::new();
        for node in &self.before {
            let hash = self.hash(tiles, *node).ok_or(ProofError::Length)?;
            edge.push((node.height, hash));
        }
        for leaf in leaves {
            push(&mut edge, *leaf);
        }
        let hashes: Vec<_> = edge.into_iter().map(|(_, hash)| hash).collect();
        let root = fold(&hashes).unwrap_or_else(|| Tree::empty().hash);
        if root == self.tree.hash {
            Ok(())
        } else {
            Err(ProofError::Hash)
        }
    }

    fn hash(&self, tiles: &BTreeMap<TileId, Vec<u8>>, node: Node) -> Option<Digest> {
        let tile = TileId::of(node, self.tree.size);
        let width = usize::try_from(tile.size()).ok()?;
        TileId::node(tiles.get(&tile)?.get(..width)?, node)
    }
}

/// Adds a leaf to the complete subtrees at the right edge: two of one height become one.
fn push(edge: &mut Vec<(u8, Digest)>, leaf: Digest) {
    let (mut height, mut hash) = (0, leaf);
    while let Some((_, left)) = edge.pop_if(|(top, _)| *top == height) {
        hash = node_hash(&left, &hash);
        height += 1;
    }
    edge.push((height, hash));
}
