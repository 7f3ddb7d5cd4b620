//! From the leaves of the log to the files that follow from them.

use std::collections::BTreeMap;

use zero_format::{Digest, PackageName};

use super::error::{MirroringError, io};
use crate::RegistryPath;
use crate::client::MirrorError;
use crate::event::SignedEvent;
use crate::head::VerifiedHead;
use crate::limits::{MAX_BUNDLE_BYTES, MAX_COMMIT_EVENTS, MAX_SEGMENT_BYTES, SEGMENT_LINES};
use crate::log::{Bundle, Edge, Tree};
use crate::map::PackageEntry;
use crate::path;
use crate::root::{Root, Roots};
use crate::snapshot::{MapRoot, Snapshot};
use crate::state::{ChainContext, PackageState};
use crate::transport::{Fetched, GetOptions, Request, Transport};
use crate::watch::Watch;
use crate::writer::{CommitError, Files, Storage, change_map, extend_chain, find_packages};

/// Bundles that are asked for together.
const BUNDLES: u64 = 16;
/// Bytes of events that are worked on together, unless one commit has more.
const BATCH_BYTES: usize = 32 << 20;

/// Told of each package whose chain grew: its state, and how many events it had before.
pub(super) type Grown<'a> = dyn FnMut(&PackageState, u64) -> Result<(), MirroringError> + 'a;

/// The copy as far as it has come.
pub(super) struct Follower<'a, S> {
    storage: &'a S,
    roots: &'a Roots,
    edge: Edge,
    map: Option<MapRoot>,
    superseded: Vec<String>,
    /// Events of whole commits, and of the one that is open.
    closed: Vec<SignedEvent>,
    open: Vec<SignedEvent>,
    bytes: usize,
    /// The leaves that they are, with the snapshots between them.
    leaves: Vec<Vec<u8>>,
    last: Option<Snapshot>,
}

/// Reads the leaves that the copy lacks, and follows them.
pub(super) fn read_log<S: Storage>(
    upstream: &dyn Transport,
    tree: Tree,
    follower: &mut Follower<'_, S>,
    grown: &mut Grown<'_>,
    watch: &dyn Watch,
) -> Result<(), MirroringError> {
    let mut next = follower.tree().size;
    watch.phase("log", tree.size.div_ceil(256) - next / 256);
    while next < tree.size {
        let first = next / 256;
        let end = tree.size.div_ceil(256).min(first + BUNDLES);
        let width = |index: u64| u16::try_from((tree.size - index * 256).min(256)).unwrap_or(256);
        let wanted: Vec<(u64, u16)> = (first..end).map(|index| (index, width(index))).collect();
        for ((index, width), bundle) in wanted.iter().zip(bundles(upstream, &wanted)?) {
            let skip = usize::try_from(next - index * 256).unwrap_or(0);
            let leaves = bundle.entries().get(skip..usize::from(*width));
            let leaves = leaves.ok_or(MirroringError::Leaf {
                index: next,
                problem: "is not in the bundle that should have it",
            })?;
            for leaf in leaves {
                follower.leaf(next, leaf, grown)?;
                next += 1;
            }
            watch.advance();
        }
    }
    follower.finish(next, grown)
}

fn bundles(upstream: &dyn Transport, wanted: &[(u64, u16)]) -> Result<Vec<Bundle>, MirroringError> {
    let request = |path: String| {
        RegistryPath::parse(&path).map(|path| Request {
            path,
            options: GetOptions::up_to(MAX_BUNDLE_BYTES),
        })
    };
    let exact = wanted
        .iter()
        .map(|(index, width)| path::entries(*index, *width));
    let exact: Vec<_> = exact.filter_map(request).collect();
    let mut found = Vec::new();
    for (request_, answer) in exact.iter().zip(upstream.get_all(&exact)) {
        let place = found.len();
        let mut answer = answer.map_err(MirrorError::from)?;
        if answer == Fetched::NotFound
            && let Some((index, _)) = wanted.get(place)
            && let Some(full) = request(path::entries(*index, 256))
        {
            // A partial bundle may be gone once the full one exists.
            answer = upstream
                .get(&full.path, &full.options)
                .map_err(MirrorError::from)?;
        }
        let Fetched::Bytes { bytes, .. } = answer else {
            let path = request_.path.clone();
            return Err(MirrorError::Missing { path }.into());
        };
        let bundle = Bundle::decode(&bytes).map_err(|_| MirrorError::Content {
            path: request_.path.clone(),
        })?;
        found.push(bundle);
    }
    Ok(found)
}

impl<'a, S: Storage> Follower<'a, S> {
    /// Goes on from the state of the copy.
    pub(super) fn new(
        storage: &'a S,
        roots: &'a Roots,
        before: Option<&VerifiedHead>,
    ) -> Result<Self, MirroringError> {
        let tree = before.map_or_else(Tree::empty, VerifiedHead::tree);
        let edge = Edge::load(tree, |path| {
            let read = storage.read(path, MAX_BUNDLE_BYTES);
            read.map_err(|source| CommitError::Io {
                action: "read",
                path: path.to_owned(),
                source,
            })
        });
        Ok(Self {
            storage,
            roots,
            edge: edge?,
            map: before.map(|before| before.snapshot().map),
            superseded: Vec::new(),
            closed: Vec::new(),
            open: Vec::new(),
            bytes: 0,
            leaves: Vec::new(),
            last: before.map(|before| before.snapshot().clone()),
        })
    }

    /// The tree that was followed so far.
    pub(super) fn tree(&self) -> Tree {
        self.edge.tree()
    }

    /// Folders of partial files that nobody needs once the new head is there.
    pub(super) fn superseded(&self) -> &[String] {
        &self.superseded
    }

    fn leaf(
        &mut self,
        index: u64,
        leaf: &[u8],
        grown: &mut Grown<'_>,
    ) -> Result<(), MirroringError> {
        let wrong = |problem| Err(MirroringError::Leaf { index, problem });
        self.leaves.push(leaf.to_vec());
        self.bytes += leaf.len();
        if Snapshot::is_tagged(leaf) {
            let Ok(snapshot) = Snapshot::decode(leaf) else {
                return wrong("is no sound snapshot");
            };
            let root = self.roots.version(snapshot.root);
            if root.is_none_or(|root| *root.origin() != snapshot.origin) {
                return wrong("is a snapshot of another registry or root");
            }
            let last = self.last.as_ref();
            if last.is_some_and(|last| last.time > snapshot.time || last.root > snapshot.root) {
                return wrong("is a snapshot with a time or a root before the last one");
            }
            self.closed.append(&mut self.open);
            self.last = Some(snapshot);
            if self.bytes > BATCH_BYTES || self.is_anchored(index + 1) {
                self.apply(index, grown)?;
            }
            return Ok(());
        }
        let Ok(event) = SignedEvent::parse(leaf) else {
            return wrong("is neither an event nor a snapshot");
        };
        self.open.push(event);
        if self.open.len() > MAX_COMMIT_EVENTS {
            return wrong("makes a commit too long");
        }
        Ok(())
    }

    fn finish(&mut self, size: u64, grown: &mut Grown<'_>) -> Result<(), MirroringError> {
        let index = size.saturating_sub(1);
        if !self.open.is_empty() {
            let problem = "is the last one and no snapshot";
            return Err(MirroringError::Leaf { index, problem });
        }
        if self.leaves.is_empty() {
            return Ok(());
        }
        self.apply(index, grown)
    }

    fn is_anchored(&self, size: u64) -> bool {
        let mut anchored = self.roots.iter().filter_map(Root::anchored_tree);
        anchored.any(|anchor| anchor.size == size)
    }

    /// Writes what follows from whole commits. The map after the last of them must be the one that
    /// its snapshot states.
    fn apply(&mut self, index: u64, grown: &mut Grown<'_>) -> Result<(), MirroringError> {
        let appended = self.edge.append(&std::mem::take(&mut self.leaves));
        for file in &appended.files {
            self.put(&file.path, &file.bytes)?;
        }
        self.superseded.extend(appended.superseded);
        let events = std::mem::take(&mut self.closed);
        self.bytes = 0;
        let (files, changed) = self.derive(&events)?;
        for (path, bytes) in &files {
            self.put(path, bytes)?;
        }
        let problem = "is a snapshot with a map that does not follow from the events";
        if self.map != self.last.as_ref().map(|snapshot| snapshot.map) {
            return Err(MirroringError::Leaf { index, problem });
        }
        let mut anchors = self
            .roots
            .iter()
            .filter_map(|root| root.fields().anchor.as_ref());
        let here = anchors.find(|anchor| anchor.size == appended.tree.size);
        let map = self.map.map(|map| map.sha256);
        if here.is_some_and(|a| a.tree != appended.tree.hash || Some(a.map) != map) {
            let problem = "is not the commit that the root keys vouch for";
            return Err(MirroringError::Leaf { index, problem });
        }
        for (entry, before) in changed {
            let state = self.replay(&entry)?;
            grown(&state, before)?;
        }
        Ok(())
    }

    /// Segments and pages after these events, and the packages that changed, each with the number
    /// of events that it had before.
    fn derive(
        &mut self,
        events: &[SignedEvent],
    ) -> Result<(Files, Vec<(PackageEntry, u64)>), MirroringError> {
        let mut lines: BTreeMap<PackageName, Vec<&[u8]>> = BTreeMap::new();
        for event in events {
            let name = event.body().name.clone();
            lines.entry(name).or_default().push(event.line());
        }
        let storage = self.storage;
        let read = |path: &str, max: u64| -> Result<Vec<u8>, CommitError> {
            let found = storage.read(path, max).map_err(|source| CommitError::Io {
                action: "read",
                path: path.to_owned(),
                source,
            });
            found?.ok_or_else(|| CommitError::Missing(path.to_owned()))
        };
        let mut known = match &self.map {
            Some(map) => find_packages(map, &lines.keys().cloned().collect(), &read)?,
            None => BTreeMap::new(),
        };
        let mut files = Files::new();
        let mut changed = Vec::new();
        let mut added = 0;
        for (name, lines) in lines {
            let entry = known.remove(&name);
            added += u64::from(entry.is_none());
            let mut entry = entry.unwrap_or(PackageEntry {
                name,
                events: 0,
                segments: Vec::new(),
            });
            let before = entry.events;
            let open = entry
                .segments
                .last()
                .filter(|_| !before.is_multiple_of(SEGMENT_LINES));
            let last = open.map(|segment| segment.sha256);
            let last = last.map(|digest| self.segment(&digest)).transpose()?;
            extend_chain(&mut entry, last, &lines, &mut files);
            changed.push((entry, before));
        }
        let entries = changed.iter().map(|(entry, _)| entry.clone()).collect();
        let old = self.map;
        let map = change_map(old.as_ref(), entries, added, &read, &mut files)?;
        self.map = Some(map);
        Ok((files, changed))
    }

    fn replay(&self, entry: &PackageEntry) -> Result<PackageState, MirroringError> {
        let files = entry
            .segments
            .iter()
            .map(|segment| self.segment(&segment.sha256));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let context = ChainContext::reader(self.roots);
        PackageState::replay(entry, &files, &context).map_err(|source| MirroringError::Chain {
            name: entry.name.clone(),
            source: Box::new(source),
        })
    }

    fn segment(&self, digest: &Digest) -> Result<Vec<u8>, MirroringError> {
        let path = RegistryPath::package(digest).to_string();
        let read = self.storage.read(&path, MAX_SEGMENT_BYTES);
        let bytes = read.map_err(|source| io("read", path.as_str(), source))?;
        let bytes = bytes.filter(|bytes| Digest::of(bytes) == *digest);
        Ok(bytes.ok_or(CommitError::Missing(path))?)
    }

    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), MirroringError> {
        let put = self.storage.put(path, bytes);
        put.map_err(|source| io("write", path, source))
    }
}
