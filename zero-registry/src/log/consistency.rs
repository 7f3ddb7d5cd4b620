//! Whether a newer tree extends an older one, decided from tiles.

use std::collections::{BTreeMap, BTreeSet};

use super::proof::{ProofError, consistency_nodes, resolve, verify_consistency};
use super::{Node, TileId, Tree};

/// A question about two trees and the tiles that answer it.
///
/// A client asks which [`tiles`](Consistency::tiles) it needs, fetches them in any order from
/// anywhere, and lets [`check`](Consistency::check) judge. Wrong tiles cannot make it succeed: they
/// only yield a proof, and the proof is checked against both root hashes.
#[derive(Clone, Debug)]
pub struct Consistency {
    old: Tree,
    new: Tree,
    nodes: Vec<Vec<Node>>,
}

impl Consistency {
    /// Asks whether `new` extends `old`.
    ///
    /// # Errors
    /// When the sizes alone say no: `new` is smaller, or as large with another hash.
    pub fn between(old: Tree, new: Tree) -> Result<Self, ProofError> {
        let nodes = if old.size == 0 || old.size >= new.size {
            verify_consistency(old, new, &[])?;
            Vec::new()
        } else {
            consistency_nodes(old.size, new.size)
        };
        Ok(Self { old, new, nodes })
    }

    /// The tiles that are needed, each once; none when the answer needs none.
    pub fn tiles(&self) -> Vec<TileId> {
        let all = self.nodes.iter().flatten();
        let tiles: BTreeSet<_> = all.map(|node| TileId::of(*node, self.new.size)).collect();
        tiles.into_iter().collect()
    }

    /// Decides with the bytes of those tiles. Bytes beyond a tile's width are ignored, so that a
    /// full tile serves where a partial one was asked for.
    ///
    /// # Errors
    /// When the newer tree does not extend the older one, or a tile is missing or malformed.
    pub fn check(&self, tiles: &BTreeMap<TileId, Vec<u8>>) -> Result<(), ProofError> {
        let proof = resolve(&self.nodes, |node| {
            let tile = TileId::of(node, self.new.size);
            let width = usize::try_from(tile.size()).ok()?;
            TileId::node(tiles.get(&tile)?.get(..width)?, node)
        });
        verify_consistency(self.old, self.new, &proof.ok_or(ProofError::Length)?)
    }
}
