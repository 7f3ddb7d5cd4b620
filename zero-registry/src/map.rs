//! The Merkle map from package names to package chains (spec/registry.md, "Map").
//!
//! A page is a small text file named by its SHA-256. Nodes list pages, buckets list packages; the
//! path to a bucket is the first bytes of SHA-256(name). Depth is a function of the number of
//! packages, so the whole map is a function of the log, and a missing package is provably missing.

mod page;
mod walk;

pub use page::{Bucket, MapError, MapNode, PackageEntry, PageRef, Segment};
pub use walk::{MapStep, MapWalk};

use zero_format::{Digest, PackageName};

/// Packages up to which the map is one bucket.
const MAX_DEPTH_0: u64 = 64;
/// Packages up to which the map has one level of nodes: 64 for each of its 256 buckets.
const MAX_DEPTH_1: u64 = 64 * 256;

/// Levels of nodes in a map of this many packages.
pub fn depth(packages: u64) -> u8 {
    if packages <= MAX_DEPTH_0 {
        0
    } else if packages <= MAX_DEPTH_1 {
        1
    } else {
        2
    }
}

/// The place of a package in the map: SHA-256 of its full name.
pub(crate) fn key(name: &PackageName) -> [u8; 32] {
    *Digest::of(name.to_string().as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests;
