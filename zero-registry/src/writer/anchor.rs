//! Where a writer starts from: `head` or, right after a change of the log key, the anchor of the root
//! that made the change (spec/registry.md, "A new log key").

use std::collections::BTreeMap;

use zero_format::Digest;

use super::base::io;
use super::{CommitError, Storage};
use crate::RegistryPath;
use crate::head::{Head, HeadError, VerifiedHead};
use crate::limits::{MAX_BUNDLE_BYTES, MAX_HEAD_BYTES, MAX_TILE_BYTES};
use crate::log::{
    Bundle, CheckpointError, Consistency, TileId, Tree, cover, inclusion_nodes, leaf_hash,
    resolve_nodes, verify_inclusion,
};
use crate::path;
use crate::root::{Anchor, Roots};
use crate::snapshot::Snapshot;

/// The newest state; none before the first commit.
pub(super) fn newest(
    storage: &impl Storage,
    roots: &Roots,
) -> Result<Option<(Tree, Snapshot)>, CommitError> {
    let Some(head) = read_head(storage)? else {
        return Ok(None);
    };
    let error = match head.verify_content(roots.current()) {
        Ok(head) => return Ok(Some((head.tree(), head.snapshot().clone()))),
        Err(error) => error,
    };
    let changed = roots.version(roots.epoch());
    let anchor = changed.and_then(|root| root.fields().anchor.as_ref());
    match (&error, anchor) {
        // Not by this log key: all that counts of what the key before signed is the anchor.
        (HeadError::Checkpoint(CheckpointError::Signature), Some(anchor))
            if by_an_earlier_key(&head, roots).is_some() =>
        {
            state_at(storage, anchor).map(Some)
        }
        _ => Err(error.into()),
    }
}

/// The state in `head`, by whichever log key it was signed.
pub(super) fn signed(
    storage: &impl Storage,
    roots: &Roots,
) -> Result<Option<VerifiedHead>, CommitError> {
    let Some(head) = read_head(storage)? else {
        return Ok(None);
    };
    match head.verify_content(roots.current()) {
        Ok(head) => Ok(Some(head)),
        Err(error) => match by_an_earlier_key(&head, roots) {
            Some(head) => Ok(Some(head)),
            None => Err(error.into()),
        },
    }
}

fn by_an_earlier_key(head: &Head, roots: &Roots) -> Option<VerifiedHead> {
    let earlier = roots.iter().filter(|root| root.version() < roots.epoch());
    earlier
        .rev()
        .find_map(|root| head.verify_content(root).ok())
}

fn read_head(storage: &impl Storage) -> Result<Option<Head>, CommitError> {
    let path = RegistryPath::head();
    let bytes = read(storage, path.as_str(), MAX_HEAD_BYTES)?;
    Ok(bytes.map(|bytes| Head::decode(&bytes)).transpose()?)
}

/// The commit that an anchor names.
fn state_at(storage: &impl Storage, anchor: &Anchor) -> Result<(Tree, Snapshot), CommitError> {
    let tree = Tree {
        size: anchor.size,
        hash: anchor.tree,
    };
    let snapshot = snapshot_at(storage, tree)?;
    if snapshot.map.sha256 == anchor.map {
        Ok((tree, snapshot))
    } else {
        Err(CommitError::Anchor(anchor.size))
    }
}

/// The anchor for the first `size` leaves of a log, which must be whole commits.
pub(super) fn anchor_at(
    storage: &impl Storage,
    log: Tree,
    size: u64,
) -> Result<Anchor, CommitError> {
    let unfit = || CommitError::Anchor(size);
    if size == 0 || size > log.size {
        return Err(unfit());
    }
    let nodes = [cover(0, size)];
    let tiles = tiles(
        storage,
        nodes.iter().flatten().map(|n| TileId::of(*n, size)),
    )?;
    let hash = resolve_nodes(&nodes, |node| tiles.node(node, size));
    let hash = hash.and_then(|hashes| hashes.first().copied());
    let tree = Tree {
        size,
        hash: hash.ok_or_else(unfit)?,
    };
    check_prefix(storage, tree, log)?;
    Ok(Anchor {
        size,
        tree: tree.hash,
        map: snapshot_at(storage, tree)?.map.sha256,
    })
}

/// Whether a log begins with a tree, by its own tiles.
fn check_prefix(storage: &impl Storage, tree: Tree, log: Tree) -> Result<(), CommitError> {
    let unfit = |_| CommitError::Anchor(tree.size);
    let question = Consistency::between(tree, log).map_err(unfit)?;
    let tiles = tiles(storage, question.tiles().into_iter())?;
    question.check(&tiles.0).map_err(unfit)
}

/// The snapshot that is the last leaf of a tree.
fn snapshot_at(storage: &impl Storage, tree: Tree) -> Result<Snapshot, CommitError> {
    let unfit = || CommitError::Anchor(tree.size);
    let last = tree.size.checked_sub(1).ok_or_else(unfit)?;
    let width = u16::try_from(last % 256 + 1).unwrap_or(256);
    let partial = path::entries(last / 256, width);
    let bytes = match read(storage, &partial, MAX_BUNDLE_BYTES)? {
        Some(bytes) => bytes,
        None => read(storage, &path::entries(last / 256, 256), MAX_BUNDLE_BYTES)?
            .ok_or(CommitError::Missing(partial))?,
    };
    let bundle = Bundle::decode(&bytes).map_err(|_| unfit())?;
    let leaf = bundle.entries().get(usize::from(width) - 1);
    let leaf = leaf.ok_or_else(unfit)?;
    let nodes = inclusion_nodes(last, tree.size);
    let ids = nodes.iter().flatten().map(|n| TileId::of(*n, tree.size));
    let tiles = tiles(storage, ids)?;
    let proof = resolve_nodes(&nodes, |node| tiles.node(node, tree.size)).ok_or_else(unfit)?;
    verify_inclusion(leaf_hash(leaf), last, tree, &proof).map_err(|_| unfit())?;
    Ok(Snapshot::decode(leaf)?)
}

/// Tiles by their names, each at least as wide as its name says.
struct Tiles(BTreeMap<TileId, Vec<u8>>);

impl Tiles {
    fn node(&self, node: crate::log::Node, size: u64) -> Option<Digest> {
        let id = TileId::of(node, size);
        let width = usize::try_from(id.size()).ok()?;
        TileId::node(self.0.get(&id)?.get(..width)?, node)
    }
}

fn tiles(storage: &impl Storage, ids: impl Iterator<Item = TileId>) -> Result<Tiles, CommitError> {
    let mut tiles = BTreeMap::new();
    for id in ids {
        let found = match read(storage, &id.path(), MAX_TILE_BYTES)? {
            Some(bytes) => Some(bytes),
            None => read(storage, &id.full_path(), MAX_TILE_BYTES)?,
        };
        let bytes = found.ok_or_else(|| CommitError::Missing(id.path()))?;
        tiles.insert(id, bytes);
    }
    Ok(Tiles(tiles))
}

fn read(storage: &impl Storage, path: &str, max: u64) -> Result<Option<Vec<u8>>, CommitError> {
    let read = storage.read(path, max);
    read.map_err(|source| io("read", path, source))
}
