//! The two sorts of map pages, byte for byte.
//!
//! ```text
//! zero-map/1 node <prefix>
//! <2 hex> <sha256> <size>
//! …
//! zero-map/1 bucket <prefix>
//! <name> <events> <sha256> <size>[ <sha256> <size>…]
//! …
//! ```
//! The prefix is the hex of the path's bytes, `-` for none. Lines ascend strictly, nodes by byte and
//! buckets by SHA-256(name).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use thiserror::Error;
use zero_format::{Digest, PackageName};

use super::key;
use crate::limits::{MAX_EVENTS, MAX_PAGE_BYTES, MAX_SEGMENT_BYTES, MAX_SEGMENTS, SEGMENT_LINES};
use crate::log::decimal;

/// Where a page is, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRef {
    /// SHA-256 of the page.
    pub sha256: Digest,
    /// Bytes of the page.
    pub size: u64,
}

/// A page that lists pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapNode {
    prefix: Vec<u8>,
    children: BTreeMap<u8, PageRef>,
}

/// A page that lists packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    prefix: Vec<u8>,
    packages: BTreeMap<[u8; 32], PackageEntry>,
}

/// A package as its bucket lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageEntry {
    /// Full name.
    pub name: PackageName,
    /// Events in its chain.
    pub events: u64,
    /// The files of its chain, oldest first; all but the last are full.
    pub segments: Vec<Segment>,
}

/// A file of a package chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Bytes of the file.
    pub size: u64,
}

/// Why a map page is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapError {
    /// The bytes are not those that the digest names.
    #[error("read the map page {expected}: its content has the digest {found}")]
    Digest {
        /// Digest that the page was fetched by.
        expected: Digest,
        /// Digest of the bytes.
        found: Digest,
    },
    /// A line is not what the format has there.
    #[error("read the map page: line {line} is malformed")]
    Line {
        /// Number of the line, from 1.
        line: usize,
    },
    /// It is longer than any page, or not of the size that its parent lists.
    #[error("read the map page: it has {0} bytes, which is not its size")]
    Length(u64),
    /// Its lines do not ascend, repeat, or do not belong under its prefix.
    #[error("read the map page: line {line} is out of place")]
    Order {
        /// Number of the line, from 1.
        line: usize,
    },
    /// It is a page of another place in the map, or of another sort.
    #[error("read the map page: it is not the page of this place in the map")]
    Place,
}

impl PackageEntry {
    /// Whether a chain with these files begins with all events of this one.
    pub(crate) fn begins<B: AsRef<[u8]>>(&self, files: &[B]) -> bool {
        self.segments.iter().enumerate().all(|(place, segment)| {
            let file = files.get(place).map(AsRef::as_ref);
            let start = usize::try_from(segment.size).ok();
            let start = file.zip(start).and_then(|(file, size)| file.get(..size));
            start.is_some_and(|start| Digest::of(start) == segment.sha256)
        })
    }
}

impl MapNode {
    /// An empty node at this place.
    pub(crate) fn new(prefix: &[u8]) -> Self {
        Self {
            prefix: prefix.to_vec(),
            children: BTreeMap::new(),
        }
    }

    /// Whether the first line announces a node; the other sort of page is a bucket.
    pub(super) fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(b"zero-map/1 node ")
    }

    /// Reads the node at this place.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(prefix: &[u8], bytes: &[u8]) -> Result<Self, MapError> {
        let mut node = Self::new(prefix);
        let mut last = None;
        for (number, line) in lines("node", prefix, bytes)? {
            let malformed = MapError::Line { line: number };
            let (byte, page) = node_line(line).ok_or(malformed)?;
            if last.is_some_and(|last| last >= byte) {
                return Err(MapError::Order { line: number });
            }
            last = Some(byte);
            node.children.insert(byte, page);
        }
        Ok(node)
    }

    /// The file of this node.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = first_line("node", &self.prefix);
        for (byte, page) in &self.children {
            let _ = writeln!(text, "{byte:02x} {} {}", page.sha256, page.size);
        }
        text.into_bytes()
    }

    /// The page for paths that go on with this byte.
    pub fn child(&self, byte: u8) -> Option<PageRef> {
        self.children.get(&byte).copied()
    }

    /// All pages below, in order.
    pub fn children(&self) -> impl Iterator<Item = (u8, PageRef)> {
        self.children.iter().map(|(byte, page)| (*byte, *page))
    }

    pub(crate) fn insert(&mut self, byte: u8, page: PageRef) {
        self.children.insert(byte, page);
    }
}

impl Bucket {
    /// An empty bucket at this place.
    pub(crate) fn new(prefix: &[u8]) -> Self {
        Self {
            prefix: prefix.to_vec(),
            packages: BTreeMap::new(),
        }
    }

    /// Reads the bucket at this place.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(prefix: &[u8], bytes: &[u8]) -> Result<Self, MapError> {
        let mut bucket = Self::new(prefix);
        for (number, line) in lines("bucket", prefix, bytes)? {
            let malformed = MapError::Line { line: number };
            let entry = PackageEntry::parse(line).ok_or(malformed)?;
            let key = key(&entry.name);
            let last = bucket.packages.last_key_value();
            if !key.starts_with(prefix) || last.is_some_and(|(last, _)| *last >= key) {
                return Err(MapError::Order { line: number });
            }
            bucket.packages.insert(key, entry);
        }
        Ok(bucket)
    }

    /// The file of this bucket.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = first_line("bucket", &self.prefix);
        for entry in self.packages.values() {
            entry.write(&mut text);
        }
        text.into_bytes()
    }

    /// The package of this name.
    pub fn package(&self, name: &PackageName) -> Option<&PackageEntry> {
        self.packages.get(&key(name))
    }

    /// All packages, by SHA-256 of their names.
    pub fn packages(&self) -> impl Iterator<Item = &PackageEntry> {
        self.packages.values()
    }

    pub(crate) fn insert(&mut self, entry: PackageEntry) {
        self.packages.insert(key(&entry.name), entry);
    }
}

impl PackageEntry {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let name = words.next()?.parse().ok()?;
        let events = decimal(words.next()?).filter(|n| (1..=MAX_EVENTS).contains(n))?;
        let mut segments = Vec::new();
        while let Some(word) = words.next() {
            let sha256 = Digest::from_hex(word).ok()?;
            let size = decimal(words.next()?).filter(|n| (1..=MAX_SEGMENT_BYTES).contains(n))?;
            segments.push(Segment { sha256, size });
        }
        let count = u64::try_from(segments.len()).ok()?;
        let fits = count == events.div_ceil(SEGMENT_LINES) && count <= MAX_SEGMENTS;
        fits.then_some(Self {
            name,
            events,
            segments,
        })
    }

    fn write(&self, text: &mut String) {
        let _ = write!(text, "{} {}", self.name, self.events);
        for segment in &self.segments {
            let _ = write!(text, " {} {}", segment.sha256, segment.size);
        }
        text.push('\n');
    }
}

impl Segment {
    /// The reference to a file with these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let PageRef { sha256, size } = PageRef::of(bytes);
        Self { sha256, size }
    }
}

impl PageRef {
    /// The reference to a page with these bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            sha256: Digest::of(bytes),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        }
    }

    /// Whether these are the bytes of the page.
    ///
    /// # Errors
    /// When they are not.
    pub fn check(&self, bytes: &[u8]) -> Result<(), MapError> {
        let found = Self::of(bytes);
        if found.size != self.size {
            return Err(MapError::Length(found.size));
        }
        if found.sha256 != self.sha256 {
            return Err(MapError::Digest {
                expected: self.sha256,
                found: found.sha256,
            });
        }
        Ok(())
    }
}

fn first_line(sort: &str, prefix: &[u8]) -> String {
    let prefix = match prefix {
        [] => "-".to_owned(),
        bytes => hex::encode(bytes),
    };
    format!("zero-map/1 {sort} {prefix}\n")
}

/// The numbered lines after the first, which must be that of this place.
fn lines<'a>(
    sort: &str,
    prefix: &[u8],
    bytes: &'a [u8],
) -> Result<impl Iterator<Item = (usize, &'a str)>, MapError> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > MAX_PAGE_BYTES {
        return Err(MapError::Length(size));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| MapError::Line { line: 1 })?;
    let text = text
        .strip_prefix(&first_line(sort, prefix))
        .ok_or(MapError::Place)?;
    if !text.is_empty() && !text.ends_with('\n') {
        let line = text.split('\n').count() + 1;
        return Err(MapError::Line { line });
    }
    Ok((2..).zip(text.split_terminator('\n')))
}

fn node_line(line: &str) -> Option<(u8, PageRef)> {
    let mut words = line.split(' ');
    let byte = words.next().filter(|word| word.len() == 2)?;
    let lower = byte.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let byte = u8::from_str_radix(byte, 16).ok().filter(|_| lower)?;
    let sha256 = Digest::from_hex(words.next()?).ok()?;
    let size = decimal(words.next()?).filter(|size| (1..=MAX_PAGE_BYTES).contains(size))?;
    words
        .next()
        .is_none()
        .then_some((byte, PageRef { sha256, size }))
}
