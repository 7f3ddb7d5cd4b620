//! The map as it follows from the log, kept in memory and extended event by event.
//!
//! It shares the page formats with the writer, and nothing else: the writer edits pages that lie in
//! files, this computes them from all packages.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use zero_format::Digest;

use crate::RegistryPath;
use crate::event::SignedEvent;
use crate::limits::SEGMENT_LINES;
use crate::map::{self, Bucket, MapNode, PackageEntry, PageRef, Segment};
use crate::snapshot::MapRoot;

/// All packages, and the pages over them.
#[derive(Default)]
pub(super) struct Model {
    /// Each in a box: a node of the tree is a third empty.
    chains: BTreeMap<[u8; 32], Box<Chain>>,
    /// Pages whose content is known to be current, by their place.
    pages: BTreeMap<Vec<u8>, PageRef>,
    depth: u8,
}

/// A package of the model.
pub(super) struct Chain {
    entry: PackageEntry,
    /// Hash and size of the last segment, while it is not full.
    open: Option<(Sha256, u64)>,
    /// Version of the root under which it began.
    root: u64,
    /// Later ones, each with the place of the first event under it.
    later_roots: Vec<(u64, u64)>,
}

impl Chain {
    /// The package as its bucket lists it.
    pub(super) fn entry(&self) -> PackageEntry {
        let mut entry = self.entry.clone();
        entry
            .segments
            .extend(self.open.as_ref().map(|(hash, size)| Segment {
                sha256: Digest::from_bytes(hash.clone().finalize().into()),
                size: *size,
            }));
        entry
    }

    /// Version of the root under which an event was committed.
    pub(super) fn root_at(&self, seq: u64) -> u64 {
        let mut later = self.later_roots.iter().rev();
        let before = later.find(|(from, _)| *from <= seq);
        before.map_or(self.root, |(_, version)| *version)
    }

    fn add(&mut self, line: &[u8], root: u64) {
        if self.later_roots.last().map_or(self.root, |(_, last)| *last) != root {
            self.later_roots.push((self.entry.events, root));
        }
        let (mut hash, size) = self.open.take().unwrap_or_default();
        hash.update(line);
        let size = size + u64::try_from(line.len()).unwrap_or(0);
        self.open = Some((hash, size));
        self.entry.events += 1;
        if self.entry.events.is_multiple_of(SEGMENT_LINES) {
            self.entry = self.entry();
            self.open = None;
        }
    }
}

impl Model {
    /// Adds an event that was committed under this version of the root.
    pub(super) fn add(&mut self, event: &SignedEvent, root: u64) {
        let name = &event.body().name;
        let key = map::key(name);
        let chain = self.chains.entry(key).or_insert_with(|| {
            Box::new(Chain {
                entry: PackageEntry {
                    name: name.clone(),
                    events: 0,
                    segments: Vec::new(),
                },
                open: None,
                root,
                later_roots: Vec::new(),
            })
        });
        chain.add(event.line(), root);
        for level in 0..=usize::from(self.depth) {
            self.pages.remove(key.get(..level).unwrap_or_default());
        }
    }

    /// The map over all events so far.
    pub(super) fn root(&mut self) -> MapRoot {
        let packages = u64::try_from(self.chains.len()).unwrap_or(u64::MAX);
        let depth = map::depth(packages);
        if depth != self.depth {
            self.depth = depth;
            self.pages.clear();
        }
        let page = self.page(&[]);
        MapRoot {
            packages,
            depth,
            sha256: page.sha256,
            size: page.size,
        }
    }

    /// All packages, in the order of the map.
    pub(super) fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.chains.values().map(AsRef::as_ref)
    }

    /// How many pages the map has.
    pub(super) fn page_count(&self) -> u64 {
        u64::try_from(self.pages.len()).unwrap_or(u64::MAX)
    }

    /// All pages of the map with their paths.
    pub(super) fn pages(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        self.pages.iter().map(|(prefix, page)| {
            let path = RegistryPath::map_page(&page.sha256).to_string();
            (path, self.encode(prefix))
        })
    }

    fn page(&mut self, prefix: &[u8]) -> PageRef {
        if let Some(page) = self.pages.get(prefix) {
            return *page;
        }
        if prefix.len() < usize::from(self.depth) {
            for byte in self.children(prefix) {
                self.page(&[prefix, &[byte]].concat());
            }
        }
        let page = PageRef::of(&self.encode(prefix));
        self.pages.insert(prefix.to_vec(), page);
        page
    }

    /// A page, when those below it are current.
    fn encode(&self, prefix: &[u8]) -> Vec<u8> {
        if prefix.len() == usize::from(self.depth) {
            let mut bucket = Bucket::new(prefix);
            for (_, chain) in self.below(prefix) {
                bucket.insert(chain.entry());
            }
            return bucket.encode();
        }
        let mut node = MapNode::new(prefix);
        for byte in self.children(prefix) {
            let child = [prefix, &[byte]].concat();
            if let Some(page) = self.pages.get(&child) {
                node.insert(byte, *page);
            }
        }
        node.encode()
    }

    fn below(&self, prefix: &[u8]) -> impl Iterator<Item = (&[u8; 32], &Chain)> {
        let mut first = [0; 32];
        first.iter_mut().zip(prefix).for_each(|(a, b)| *a = *b);
        let prefix = prefix.to_vec();
        let rest = self.chains.range(first..);
        let below = rest.take_while(move |(key, _)| key.starts_with(&prefix));
        below.map(|(key, chain)| (key, chain.as_ref()))
    }

    /// The bytes that follow a prefix in some package's key.
    fn children(&self, prefix: &[u8]) -> BTreeSet<u8> {
        let mut children = BTreeSet::new();
        for byte in 0..=u8::MAX {
            let child = [prefix, &[byte]].concat();
            if self.below(&child).next().is_some() {
                children.insert(byte);
            }
        }
        children
    }
}
