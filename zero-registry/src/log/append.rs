//! Adding leaves at the right edge of the log, and the files that this yields.
//!
//! The cost does not depend on the size of the log: only the partial tile of each level and the
//! partial entry bundle are read, and only what changes is written.

use thiserror::Error;
use zero_format::Digest;

use super::tile::{Bundle, BundleError, hashes};
use super::{Node, TileId, Tree, cover, fold, leaf_hash};
use crate::path;

/// The right edge of a log: what must be known to add leaves.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    size: u64,
    /// Hashes of the partial tile of each level, level 0 first.
    levels: Vec<Vec<Digest>>,
    bundle: Bundle,
}

/// Why stored tiles are not the right edge of the log.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeError {
    /// An entry bundle is malformed.
    #[error("read {path}")]
    Bundle {
        /// Its path.
        path: String,
        /// What is wrong with it.
        source: BundleError,
    },
    /// A file is not there.
    #[error("read {0}: no such file")]
    Missing(String),
    /// A file does not agree with the signed tree.
    #[error("read {0}: it is not part of the signed tree")]
    Wrong(String),
}

/// A file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFile {
    /// Path below the registry's folder.
    pub(crate) path: String,
    /// Content.
    pub(crate) bytes: Vec<u8>,
}

/// What appending leaves yields.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    /// The tree after it.
    pub(crate) tree: Tree,
    /// Inclusion proof of the last leaf in that tree.
    pub(crate) proof: Vec<Digest>,
    /// New tiles and entry bundles.
    pub(crate) files: Vec<LogFile>,
    /// Folders of partial tiles and bundles that full ones replace.
    pub(crate) superseded: Vec<String>,
}

impl Edge {
    /// The edge of the empty log.
    pub(crate) fn empty() -> Self {
        Self {
            size: 0,
            levels: Vec::new(),
            bundle: Bundle::default(),
        }
    }

    /// Reads the edge of `tree` through `read`, which returns a file's bytes or nothing when there
    /// is no such file. Everything read is checked against the tree's hash.
    ///
    /// # Errors
    /// `E` from `read`, or a file that is missing or not part of the tree.
    pub(crate) fn load<E: From<EdgeError>>(
        tree: Tree,
        mut read: impl FnMut(&str) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Self, E> {
        // A partial file may have been removed in favour of the full one, which begins with it.
        let mut fetch = |partial: &str, full: &str| -> Result<Vec<u8>, E> {
            if let Some(bytes) = read(partial)? {
                return Ok(bytes);
            }
            Ok(read(full)?.ok_or_else(|| EdgeError::Missing(partial.to_owned()))?)
        };
        let mut edge = Self {
            size: tree.size,
            ..Self::empty()
        };
        for (level, id) in partial_tiles(tree.size).into_iter().enumerate() {
            let row = match id {
                None => Vec::new(),
                Some(id) => {
                    let path = id.path();
                    let bytes = fetch(&path, &id.full_path())?;
                    let mut row = hashes(&bytes).unwrap_or_default();
                    row.truncate(usize::from(id.width));
                    if row.len() != usize::from(id.width) {
                        return Err(EdgeError::Wrong(path).into());
                    }
                    row
                }
            };
            debug_assert_eq!(edge.levels.len(), level);
            edge.levels.push(row);
        }
        if tree.size > 0 && edge.tree().hash != tree.hash {
            let path = format!("tile ({} leaves)", tree.size);
            return Err(EdgeError::Wrong(path).into());
        }
        edge.bundle = edge.load_bundle(&mut fetch)?;
        Ok(edge)
    }

    fn load_bundle<E: From<EdgeError>>(
        &self,
        fetch: &mut impl FnMut(&str, &str) -> Result<Vec<u8>, E>,
    ) -> Result<Bundle, E> {
        let width = u16::try_from(self.size % 256).unwrap_or(0);
        if width == 0 {
            return Ok(Bundle::default());
        }
        let path = path::entries(self.size / 256, width);
        let bytes = fetch(&path, &path::entries(self.size / 256, 256))?;
        let mut bundle = match Bundle::decode(&bytes) {
            Ok(bundle) => bundle,
            Err(source) => return Err(EdgeError::Bundle { path, source }.into()),
        };
        bundle.truncate(usize::from(width));
        let found = bundle.entries().iter().map(|entry| leaf_hash(entry));
        let expected = self.levels.first().map_or(&[][..], Vec::as_slice);
        if found.eq(expected.iter().copied()) {
            Ok(bundle)
        } else {
            Err(EdgeError::Wrong(path).into())
        }
    }

    /// The tree that ends at this edge.
    pub(crate) fn tree(&self) -> Tree {
        let nodes = cover(0, self.size);
        let hashes: Option<Vec<_>> = nodes.iter().map(|node| self.node(*node)).collect();
        match hashes.as_deref().and_then(fold) {
            Some(hash) => Tree {
                size: self.size,
                hash,
            },
            None => Tree::empty(),
        }
    }

    /// Adds leaves, of which there must be one at least; each keeps to
    /// [`MAX_LEAF_BYTES`](crate::limits::MAX_LEAF_BYTES).
    pub(crate) fn append(&mut self, leaves: &[Vec<u8>]) -> Appended {
        let mut files = Vec::new();
        let mut superseded = Vec::new();
        for leaf in leaves {
            self.push(leaf, &mut files, &mut superseded);
        }
        for (level, row) in (0_u8..).zip(&self.levels) {
            if row.is_empty() {
                continue;
            }
            let index = self.size >> (8 * (u32::from(level) + 1));
            let width = u16::try_from(row.len()).unwrap_or(255);
            files.push(LogFile {
                path: path::tile(level, index, width),
                bytes: concat(row),
            });
        }
        let width = u16::try_from(self.bundle.entries().len()).unwrap_or(255);
        if width > 0 {
            files.push(LogFile {
                path: path::entries(self.size / 256, width),
                bytes: self.bundle.encode(),
            });
        }
        let last = self.size.saturating_sub(1);
        // Every subtree left of the last leaf is complete and lies in a partial tile of the edge,
        // or is the whole of the tile that just became full.
        let proof = super::resolve_nodes(&super::inclusion_nodes(last, self.size), |node| {
            self.node(node).or_else(|| from_files(&files, node))
        });
        Appended {
            tree: self.tree(),
            proof: proof.unwrap_or_default(),
            files,
            superseded,
        }
    }

    fn push(&mut self, leaf: &[u8], files: &mut Vec<LogFile>, superseded: &mut Vec<String>) {
        self.bundle.push(leaf.to_vec());
        let index = self.size / 256;
        if self.bundle.entries().len() == 256 {
            let full = std::mem::take(&mut self.bundle);
            files.push(LogFile {
                path: path::entries(index, 256),
                bytes: full.encode(),
            });
            superseded.push(path::entries_partials(index));
        }
        let mut carry = Some(leaf_hash(leaf));
        let mut level = 0_u8;
        while let Some(hash) = carry.take() {
            let slot = usize::from(level);
            if self.levels.len() <= slot {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(slot) else {
                break;
            };
            row.push(hash);
            if row.len() == 256 {
                let full = std::mem::take(row);
                let index = self.size >> (8 * (u32::from(level) + 1));
                files.push(LogFile {
                    path: path::tile(level, index, 256),
                    bytes: concat(&full),
                });
                superseded.push(path::tile_partials(level, index));
                carry = full_hash(&full);
                level += 1;
            }
        }
        self.size += 1;
    }

    /// The hash of a subtree that lies in one of the edge's partial tiles.
    fn node(&self, node: Node) -> Option<Digest> {
        let tile = TileId::of(node, self.size);
        if tile.index != self.size >> (8 * (u32::from(tile.level) + 1)) {
            return None;
        }
        let row = self.levels.get(usize::from(tile.level))?;
        TileId::node(&concat(row), node)
    }
}

/// The partial tiles of a tree, level 0 first; none at a level whose tiles are all full.
fn partial_tiles(size: u64) -> Vec<Option<TileId>> {
    let mut tiles = Vec::new();
    let mut hashes = size;
    let mut level = 0_u8;
    while hashes > 0 {
        let width = u16::try_from(hashes % 256).unwrap_or(0);
        tiles.push((width > 0).then_some(TileId {
            level,
            index: hashes / 256,
            width,
        }));
        hashes /= 256;
        level += 1;
    }
    tiles
}

/// The root over the hashes of a full tile.
fn full_hash(full: &[Digest]) -> Option<Digest> {
    debug_assert_eq!(full.len(), 256);
    let mut row = full.to_vec();
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .filter_map(|pair| Some(super::node_hash(pair.first()?, pair.last()?)))
            .collect();
    }
    row.first().copied()
}

fn from_files(files: &[LogFile], node: Node) -> Option<Digest> {
    let level = node.height / 8;
    let index = (node.index << (node.height % 8)) >> 8;
    let path = path::tile(level, index, 256);
    let file = files.iter().find(|file| file.path == path)?;
    TileId::node(&file.bytes, node)
}

fn concat(row: &[Digest]) -> Vec<u8> {
    row.iter().flat_map(|hash| *hash.as_bytes()).collect()
}
