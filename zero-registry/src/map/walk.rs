//! The way from a snapshot to a package, one page at a time, without doing the fetching.

use zero_format::PackageName;

use super::key;
use super::page::{Bucket, MapError, MapNode, PackageEntry, PageRef};
use crate::snapshot::MapRoot;

/// A lookup in progress.
#[derive(Clone, Debug)]
pub struct MapWalk {
    name: PackageName,
    key: [u8; 32],
    depth: u8,
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
            depth: map.depth,
            level: 0,
            page: PageRef {
                sha256: map.sha256,
                size: map.size,
            },
        }
    }

    /// The page to fetch next: digest and exact size.
    pub fn page(&self) -> PageRef {
        self.page
    }

    /// Goes on with the bytes of that page.
    ///
    /// # Errors
    /// When the bytes are not that page, or it is malformed.
    pub fn step(self, bytes: &[u8]) -> Result<MapStep, MapError> {
        self.page.check(bytes)?;
        let prefix = self.key.get(..usize::from(self.level)).unwrap_or(&self.key);
        if self.level == self.depth {
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
}
