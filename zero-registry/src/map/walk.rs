//! The way from a snapshot to a package, one page at a time, without doing the fetching.

use zero_format::{Digest, PackageName};

use super::key;
use super::page::{Bucket, MapError, MapNode, PackageEntry, PageRef};
use crate::limits::{MAX_MAP_DEPTH, MAX_PAGE_BYTES};
use crate::snapshot::MapRoot;

/// A lookup in progress.
#[derive(Clone, Debug)]
pub struct MapWalk {
    name: PackageName,
    key: [u8; 32],
    /// Levels of nodes; of an anchored map only its pages tell.
    depth: Option<u8>,
    level: u8,
    page: PageRef,
}

/// What a lookup needs or has found.
#[derive(Clone, Debug)]
pub enum MapStep {
    /// The package is not in the registry; the pages prove it.
    Absent,
    /// Fetch the page that [`MapWalk::page`] names, and go on with it.
    Fetch(MapWalk),
    /// The package.
    Found(PackageEntry),
}

impl MapWalk {
    /// Starts the lookup of a package. [`MapWalk::page`] names the first page.
    pub fn new(map: &MapRoot, name: &PackageName) -> Self {
        Self {
            name: name.clone(),
            key: key(name),
            depth: Some(map.depth),
            level: 0,
            page: PageRef {
                sha256: map.sha256,
                size: map.size,
            },
        }
    }

    /// Starts the lookup of a package in the map that an anchor names, of which nothing but the
    /// digest of the root page is known.
    pub fn anchored(root_page: Digest, name: &PackageName) -> Self {
        Self {
            name: name.clone(),
            key: key(name),
            depth: None,
            level: 0,
            page: PageRef {
                sha256: root_page,
                size: MAX_PAGE_BYTES,
            },
        }
    }

    /// The page to fetch next: digest and exact size, or the most that any page has where an
    /// anchored map begins.
    pub fn page(&self) -> PageRef {
        self.page
    }

    /// Goes on with the bytes of that page.
    ///
    /// # Errors
    /// When the bytes are not that page, or it is malformed.
    pub fn step(self, bytes: &[u8]) -> Result<MapStep, MapError> {
        self.check(bytes)?;
        let prefix = self.key.get(..usize::from(self.level)).unwrap_or(&self.key);
        let is_bucket = self.depth.map_or_else(
            || self.level == MAX_MAP_DEPTH || !MapNode::is_one(bytes),
            |depth| self.level == depth,
        );
        if is_bucket {
            let bucket = Bucket::decode(prefix, bytes)?;
            return Ok(match bucket.package(&self.name) {
                Some(entry) => MapStep::Found(entry.clone()),
                None => MapStep::Absent,
            });
        }
        let node = MapNode::decode(prefix, bytes)?;
        let next = self.key.get(usize::from(self.level)).copied();
        Ok(match next.and_then(|byte| node.child(byte)) {
            Some(page) => MapStep::Fetch(Self {
                level: self.level + 1,
                page,
                ..self
            }),
            None => MapStep::Absent,
        })
    }

    fn check(&self, bytes: &[u8]) -> Result<(), MapError> {
        if self.depth.is_some() || self.level > 0 {
            return self.page.check(bytes);
        }
        let found = Digest::of(bytes);
        if found == self.page.sha256 {
            Ok(())
        } else {
            Err(MapError::Digest {
                expected: self.page.sha256,
                found,
            })
        }
    }
}
