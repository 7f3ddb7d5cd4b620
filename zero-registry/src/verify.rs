//! Rebuilding a registry from its log and comparing every file (spec/registry.md, "Verification").
//!
//! Memory grows with the number of packages, not with the number of events: the log is read bundle
//! by bundle, chains and package files one at a time on each thread.

mod anchors;
mod error;
mod model;
mod packages;

pub use error::Difference;

use std::collections::BTreeMap;

use zero_format::Digest;

use crate::RegistryPath;
use crate::event::SignedEvent;
use crate::head::Head;
use crate::limits::{
    MAX_BUNDLE_BYTES, MAX_COMMIT_EVENTS, MAX_EVENT_AGE, MAX_EVENT_AHEAD, MAX_HEAD_BYTES,
    MAX_PAGE_BYTES, MAX_TILE_BYTES,
};
use crate::log::{Bundle, Checkpoint, Consistency, Edge, Tree};
use crate::path;
use crate::root::{Root, Roots};
use crate::snapshot::Snapshot;
use crate::watch::{Unwatched, Watch};
use crate::writer::{Storage, read_roots};
use model::Model;

/// What a verification found, when it found no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Leaves of the log.
    pub leaves: u64,
    /// Commits, the first one included.
    pub commits: u64,
    /// Packages.
    pub packages: u64,
    /// Releases.
    pub releases: u64,
    /// Package files compared.
    pub blobs: u64,
}

/// What a verification looks at, and whom it tells how far it has come.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    /// Whether package files are read too.
    pub blobs: bool,
    /// Told of the phases: `log` in bundles, `map` in pages, `packages`.
    pub watch: &'a dyn Watch,
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        Self {
            blobs: true,
            watch: &Unwatched,
        }
    }
}

/// Rebuilds everything that follows from the log and compares it with the files.
///
/// # Errors
/// The first difference, with its path.
pub fn verify_registry(
    storage: &impl Storage,
    options: VerifyOptions<'_>,
) -> Result<Report, Difference> {
    let roots = read_roots(storage).map_err(Difference::Roots)?;
    let files = Files { storage };
    let path = RegistryPath::head();
    let head = Head::decode(&files.read(path.as_str(), MAX_HEAD_BYTES)?)?;
    let trusted = head.verify_content(roots.current())?;
    head.check_witnesses(roots.current())?;
    check_copy(&files, &head, trusted.tree(), roots.current())?;
    let mut replay = Replay::new(&roots);
    read_log(&files, trusted.tree(), &mut replay, options.watch)?;
    let model = replay.model;
    options.watch.phase("map", model.page_count());
    for (path, page) in model.pages() {
        let found = files.read(&path, MAX_PAGE_BYTES)?;
        if found != page {
            return Err(Difference::Content(path));
        }
        options.watch.advance();
    }
    let counts = packages::check(&files, &model, &roots, options)?;
    Ok(Report {
        packages: counts.packages,
        releases: counts.releases,
        blobs: counts.blobs,
        ..replay.report
    })
}

/// Compares the copy of the checkpoint. While a commit is being finished it is one commit ahead of
/// `head`, and must then continue the same log.
fn check_copy<S: Storage>(
    files: &Files<'_, S>,
    head: &Head,
    tree: Tree,
    root: &Root,
) -> Result<(), Difference> {
    let bytes = files.read(path::CHECKPOINT, MAX_HEAD_BYTES)?;
    if bytes == head.checkpoint().encode() {
        return Ok(());
    }
    let wrong = || Difference::Content(path::CHECKPOINT.to_owned());
    let copy = Checkpoint::decode(&bytes).map_err(|_| wrong())?;
    let newer = copy
        .verify(root.origin(), root.log_key())
        .map_err(|_| wrong())?;
    let question = Consistency::between(tree, newer).map_err(|_| wrong())?;
    let mut tiles = BTreeMap::new();
    for id in question.tiles() {
        tiles.insert(id, files.read(&id.path(), MAX_TILE_BYTES)?);
    }
    question.check(&tiles).map_err(|_| wrong())
}

/// The files of the registry, as its readers see them.
struct Files<'a, S> {
    storage: &'a S,
}

impl<S: Storage> Files<'_, S> {
    fn read(&self, path: &str, max: u64) -> Result<Vec<u8>, Difference> {
        match self.storage.read(path, max) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Difference::Missing(path.to_owned())),
            Err(source) => Err(Difference::Io {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn compare(&self, path: &str, expected: &[u8]) -> Result<(), Difference> {
        let length = u64::try_from(expected.len()).unwrap_or(u64::MAX);
        let found = self.read(path, length.max(MAX_TILE_BYTES))?;
        if found == expected {
            Ok(())
        } else {
            Err(Difference::Content(path.to_owned()))
        }
    }
}

/// Reads the log, compares its tiles, and hands each leaf on.
fn read_log<S: Storage>(
    files: &Files<'_, S>,
    tree: Tree,
    replay: &mut Replay<'_>,
    watch: &dyn Watch,
) -> Result<(), Difference> {
    let mut edge = Edge::empty();
    let bundles = tree.size.div_ceil(256);
    watch.phase("log", bundles);
    for index in 0..bundles {
        let first = index * 256;
        let width = u16::try_from((tree.size - first).min(256)).unwrap_or(256);
        let path = path::entries(index, width);
        let bundle = Bundle::decode(&files.read(&path, MAX_BUNDLE_BYTES)?).map_err(|source| {
            Difference::Bundle {
                path: path.clone(),
                source,
            }
        })?;
        if bundle.entries().len() != usize::from(width) {
            return Err(Difference::Content(path));
        }
        for portion in anchors::portions(replay.roots, first, bundle.entries()) {
            for leaf in portion {
                replay.leaf(leaf)?;
            }
            let appended = edge.append(portion);
            let last = appended.tree.size == tree.size;
            // Partial tiles count at the end only; those of older states may be gone.
            let tiles = appended.files.iter().filter(|file| {
                let partial = file.path.contains(".p/");
                !file.path.starts_with("tile/entries/") && (last || !partial)
            });
            for tile in tiles {
                files.compare(&tile.path, &tile.bytes)?;
            }
            if last && appended.tree != tree {
                return Err(Difference::Tree);
            }
            anchors::check(replay.roots, appended.tree, replay.map_if_closed())?;
        }
        watch.advance();
    }
    anchors::check_reached(replay.roots, tree)?;
    replay.finish()
}

/// The leaves so far.
struct Replay<'a> {
    roots: &'a Roots,
    model: Model,
    report: Report,
    last: Option<Snapshot>,
    /// Events since the last snapshot.
    open: Vec<SignedEvent>,
}

impl<'a> Replay<'a> {
    fn new(roots: &'a Roots) -> Self {
        Self {
            roots,
            model: Model::default(),
            report: Report::default(),
            last: None,
            open: Vec::new(),
        }
    }

    fn leaf(&mut self, leaf: &[u8]) -> Result<(), Difference> {
        let index = self.report.leaves;
        self.report.leaves += 1;
        if Snapshot::is_tagged(leaf) {
            let snapshot =
                Snapshot::decode(leaf).map_err(|source| Difference::Snapshot { index, source })?;
            return self.snapshot(index, snapshot);
        }
        let event =
            SignedEvent::parse(leaf).map_err(|source| Difference::Event { index, source })?;
        self.open.push(event);
        if self.open.len() > MAX_COMMIT_EVENTS {
            return Err(Difference::Commit(index, "too many events"));
        }
        Ok(())
    }

    fn snapshot(&mut self, index: u64, snapshot: Snapshot) -> Result<(), Difference> {
        let wrong = |what| Err(Difference::Commit(index, what));
        let Some(root) = self.roots.version(snapshot.root) else {
            return wrong("an unknown root");
        };
        if snapshot.origin != *root.origin() {
            return wrong("another origin");
        }
        if let Some(last) = &self.last
            && (snapshot.time < last.time || snapshot.root < last.root)
        {
            return wrong("a time or a root before the last one");
        }
        if snapshot.expires.since(snapshot.time) > root.head_lifetime() {
            return wrong("a longer lifetime than its root allows");
        }
        for event in std::mem::take(&mut self.open) {
            let time = event.body().time;
            if time > snapshot.time.plus(MAX_EVENT_AHEAD)
                || time < snapshot.time.minus(MAX_EVENT_AGE)
            {
                return wrong("an event dated too far from it");
            }
            self.model.add(&event, root.version());
        }
        if self.model.root() != snapshot.map {
            return wrong("a map that does not follow from the events");
        }
        self.report.commits += 1;
        self.last = Some(snapshot);
        Ok(())
    }

    /// The map, when the leaves so far are whole commits.
    fn map_if_closed(&self) -> Option<Digest> {
        let closed = self.last.as_ref().filter(|_| self.open.is_empty());
        closed.map(|snapshot| snapshot.map.sha256)
    }

    fn finish(&self) -> Result<(), Difference> {
        if self.open.is_empty() {
            Ok(())
        } else {
            let last = self.report.leaves.saturating_sub(1);
            Err(Difference::Commit(last, "no snapshot at the end"))
        }
    }
}

#[cfg(test)]
mod tests;
