//! The files that follow from a commit: chain segments and map pages. Only what the commit touches
//! is read or written.

use std::collections::{BTreeMap, BTreeSet};

use zero_format::{Digest, PackageName};

use super::CommitError;
use crate::RegistryPath;
use crate::limits::{MAX_PAGE_BYTES, SEGMENT_LINES};
use crate::map::{self, Bucket, MapNode, PackageEntry, PageRef, Segment};
use crate::snapshot::MapRoot;

/// Files to put, by path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// How files of the registry are read: path and size limit.
pub(crate) type Read<'a> = dyn Fn(&str, u64) -> Result<Vec<u8>, CommitError> + 'a;

/// The entry of a package after more lines, and the segments that change. `last` is the content of
/// the last segment so far.
pub(crate) fn extend_chain(
    entry: &mut PackageEntry,
    last: Option<Vec<u8>>,
    lines: &[&[u8]],
    files: &mut Files,
) {
    let mut open = last.filter(|_| !entry.events.is_multiple_of(SEGMENT_LINES));
    if open.is_some() {
        entry.segments.pop();
    }
    for line in lines {
        let segment = open.get_or_insert_default();
        segment.extend_from_slice(line);
        entry.events += 1;
        if entry.events.is_multiple_of(SEGMENT_LINES) {
            close(entry, open.take(), files);
        }
    }
    close(entry, open, files);
}

fn close(entry: &mut PackageEntry, segment: Option<Vec<u8>>, files: &mut Files) {
    if let Some(bytes) = segment {
        let segment = Segment::of(&bytes);
        let path = RegistryPath::package(&segment.sha256).to_string();
        files.insert(path, bytes);
        entry.segments.push(segment);
    }
}

/// Changes to packages, by their place in the map.
type Changes = BTreeMap<[u8; 32], PackageEntry>;

/// The map after changes, and its new pages. `added` is how many of the packages are new.
pub(crate) fn change_map(
    old: Option<&MapRoot>,
    changed: Vec<PackageEntry>,
    added: u64,
    read: &Read<'_>,
    files: &mut Files,
) -> Result<MapRoot, CommitError> {
    let packages = old.map_or(0, |map| map.packages) + added;
    let depth = map::depth(packages);
    let keyed = changed
        .into_iter()
        .map(|entry| (map::key(&entry.name), entry));
    let mut all: Changes = keyed.collect();
    let start = match old {
        Some(map) if map.depth == depth => Some(PageRef {
            sha256: map.sha256,
            size: map.size,
        }),
        // The map grows a level: build it anew, once in a registry's life for each level.
        Some(map) => {
            for entry in all_packages(map, read)? {
                all.entry(map::key(&entry.name)).or_insert(entry);
            }
            None
        }
        None => None,
    };
    let all: Vec<_> = all.iter().collect();
    let mut edit = Edit { depth, read, files };
    let page = edit.page(&mut Vec::new(), start, &all)?;
    Ok(MapRoot {
        packages,
        depth,
        sha256: page.sha256,
        size: page.size,
    })
}

struct Edit<'a> {
    depth: u8,
    read: &'a Read<'a>,
    files: &'a mut Files,
}

impl Edit<'_> {
    fn page(
        &mut self,
        prefix: &mut Vec<u8>,
        old: Option<PageRef>,
        changes: &[(&[u8; 32], &PackageEntry)],
    ) -> Result<PageRef, CommitError> {
        let level = prefix.len();
        if level == usize::from(self.depth) {
            let mut bucket = match old {
                Some(page) => read_bucket(page, prefix, self.read)?,
                None => Bucket::new(prefix),
            };
            for (_, entry) in changes {
                bucket.insert((*entry).clone());
            }
            return self.put(bucket.encode());
        }
        let mut node = match old {
            Some(page) => read_node(page, prefix, self.read)?,
            None => MapNode::new(prefix),
        };
        for group in changes.chunk_by(|(a, _), (b, _)| a.get(level) == b.get(level)) {
            let Some(byte) = group.first().and_then(|(key, _)| key.get(level)) else {
                continue;
            };
            prefix.push(*byte);
            let child = self.page(prefix, node.child(*byte), group)?;
            prefix.pop();
            node.insert(*byte, child);
        }
        self.put(node.encode())
    }

    fn put(&mut self, bytes: Vec<u8>) -> Result<PageRef, CommitError> {
        let page = PageRef::of(&bytes);
        if page.size > MAX_PAGE_BYTES {
            return Err(CommitError::PageFull);
        }
        let path = RegistryPath::map_page(&page.sha256).to_string();
        self.files.insert(path, bytes);
        Ok(page)
    }
}

/// The packages of these names that the map has. Each page is read once.
pub(crate) fn find_packages(
    map: &MapRoot,
    names: &BTreeSet<PackageName>,
    read: &Read<'_>,
) -> Result<BTreeMap<PackageName, PackageEntry>, CommitError> {
    let keyed: BTreeMap<_, _> = names.iter().map(|name| (map::key(name), name)).collect();
    let keys: Vec<_> = keyed.into_iter().collect();
    let start = PageRef {
        sha256: map.sha256,
        size: map.size,
    };
    let mut todo = vec![(Vec::new(), start, keys.as_slice())];
    let mut found = BTreeMap::new();
    while let Some((prefix, page, keys)) = todo.pop() {
        let level = prefix.len();
        if level == usize::from(map.depth) {
            let bucket = read_bucket(page, &prefix, read)?;
            for (_, name) in keys {
                if let Some(entry) = bucket.package(name) {
                    found.insert((*name).clone(), entry.clone());
                }
            }
            continue;
        }
        let node = read_node(page, &prefix, read)?;
        for group in keys.chunk_by(|(a, _), (b, _)| a.get(level) == b.get(level)) {
            let byte = group.first().and_then(|(key, _)| key.get(level)).copied();
            let Some((byte, page)) = byte.and_then(|b| Some((b, node.child(b)?))) else {
                continue;
            };
            let mut prefix = prefix.clone();
            prefix.push(byte);
            todo.push((prefix, page, group));
        }
    }
    Ok(found)
}

/// Every package of a map.
pub(super) fn all_packages(
    map: &MapRoot,
    read: &Read<'_>,
) -> Result<Vec<PackageEntry>, CommitError> {
    let start = PageRef {
        sha256: map.sha256,
        size: map.size,
    };
    let mut todo = vec![(Vec::new(), start)];
    let mut packages = Vec::new();
    while let Some((prefix, page)) = todo.pop() {
        if prefix.len() == usize::from(map.depth) {
            let bucket = read_bucket(page, &prefix, read)?;
            packages.extend(bucket.packages().cloned());
            continue;
        }
        for (byte, child) in read_node(page, &prefix, read)?.children() {
            let mut prefix = prefix.clone();
            prefix.push(byte);
            todo.push((prefix, child));
        }
    }
    Ok(packages)
}

fn read_node(page: PageRef, prefix: &[u8], read: &Read<'_>) -> Result<MapNode, CommitError> {
    let bytes = read_page(page, read)?;
    MapNode::decode(prefix, &bytes).map_err(|source| damaged(&page.sha256, source))
}

fn read_bucket(page: PageRef, prefix: &[u8], read: &Read<'_>) -> Result<Bucket, CommitError> {
    let bytes = read_page(page, read)?;
    Bucket::decode(prefix, &bytes).map_err(|source| damaged(&page.sha256, source))
}

pub(super) fn read_page(page: PageRef, read: &Read<'_>) -> Result<Vec<u8>, CommitError> {
    let path = RegistryPath::map_page(&page.sha256);
    let bytes = read(path.as_str(), MAX_PAGE_BYTES)?;
    page.check(&bytes)
        .map_err(|source| damaged(&page.sha256, source))?;
    Ok(bytes)
}

pub(super) fn damaged(page: &Digest, source: map::MapError) -> CommitError {
    CommitError::Map {
        path: RegistryPath::map_page(page).to_string(),
        source,
    }
}
