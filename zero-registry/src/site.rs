//! The catalogue: pages for people, derived from the log into the same directory (spec/catalogue.md).
//!
//! Nothing here is trusted by a client. Names become paths as digests only. What a commit changes is
//! all that is written anew: the pages of its packages, and the few lists that they are in.

mod html;
mod index;
mod lists;
mod package;
mod readme;
mod record;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;
use zero_format::PackageName;

use crate::RegistryPath;
use crate::event::SignedEvent;
use crate::head::Head;
use crate::limits::{MAX_BUNDLE_BYTES, MAX_HEAD_BYTES, MAX_ROOT_BYTES, MAX_SEGMENT_BYTES};
use crate::log::{Bundle, BundleError};
use crate::root::Roots;
use crate::snapshot::Snapshot;
use crate::state::{ChainContext, PackageState, StateError};
use crate::writer::{CommitError, Scope, Storage, find_packages, read_roots};
use crate::{path, writer};

use lists::Lists;
use record::Record;
use state::SiteState;

/// Packages that are in memory at once when all pages are made anew.
const BATCH: usize = 512;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteReport {
    /// Leaves of the log that the pages show.
    pub size: u64,
    /// Packages whose pages were written.
    pub packages: u64,
    /// Files written.
    pub files: u64,
}

/// Why the catalogue could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SiteError {
    /// A bundle of the log is damaged.
    #[error("read {path}")]
    Bundle {
        /// Its path.
        path: String,
        /// What is wrong with it.
        source: BundleError,
    },
    /// A chain is damaged.
    #[error("read the chain of {name}")]
    Chain {
        /// The package.
        name: PackageName,
        /// What is wrong with it.
        source: Box<StateError>,
    },
    /// The registry cannot be read or written.
    #[error("make the catalogue")]
    Registry(#[from] CommitError),
}

/// Brings the catalogue up to date with `head`; with `anew`, from the beginning.
///
/// # Errors
/// When the registry is damaged, or storage fails. Pages of before are whole then, and the next call
/// goes on.
pub fn site(storage: &impl Storage, anew: bool) -> Result<SiteReport, SiteError> {
    // Before a lock makes a folder where there is no registry.
    let first = find(storage, RegistryPath::root(1).as_str(), MAX_ROOT_BYTES)?;
    first.ok_or(CommitError::NoRegistry)?;
    let lock = storage.lock(Scope::Site);
    let _lock = lock.map_err(|source| writer::io("lock", "site", source))?;
    let roots = read_roots(storage)?;
    let head = RegistryPath::head();
    let bytes = find(storage, head.as_str(), MAX_HEAD_BYTES)?;
    let bytes = bytes.ok_or(CommitError::NoRegistry)?;
    let head = Head::decode(&bytes).map_err(CommitError::from)?;
    let head = head
        .verify_content(roots.current())
        .map_err(CommitError::from)?;
    let known = SiteState::load(storage, &roots)?;
    let mut state = match known {
        Some(state) if !anew && state.size <= head.tree().size => state,
        _ => SiteState::new(&roots),
    };
    let mut site = Site {
        storage,
        roots: &roots,
        snapshot: head.snapshot().clone(),
        report: SiteReport {
            size: head.tree().size,
            ..SiteReport::default()
        },
    };
    if state.size < head.tree().size || state.size == 0 {
        site.bring_up(&mut state, head.tree().size)?;
    }
    Ok(site.report)
}

struct Site<'a, S> {
    storage: &'a S,
    roots: &'a Roots,
    snapshot: Snapshot,
    report: SiteReport,
}

/// Where the log has the events of a package, by their place in its chain.
type Places = BTreeMap<PackageName, BTreeMap<u64, u64>>;

impl<S: Storage> Site<'_, S> {
    fn bring_up(&mut self, state: &mut SiteState, size: u64) -> Result<(), SiteError> {
        let from = std::mem::replace(&mut state.size, size);
        if from == 0 {
            self.clear()?;
        }
        let mut changed = self.changes(from, size)?;
        let mut lists = Lists::new(self.storage, from == 0);
        while !changed.is_empty() {
            let names: Vec<_> = changed.keys().take(BATCH).cloned().collect();
            let batch: Places = names
                .into_iter()
                .filter_map(|name| changed.remove_entry(&name))
                .collect();
            let records = self.packages(&batch, from == 0)?;
            for record in &records {
                state.note(record);
                lists.change(record)?;
            }
            if from > 0 || changed.is_empty() {
                for (path, bytes) in lists.files(state, self.roots.current()) {
                    self.put(&path, &bytes)?;
                }
            }
            self.barrier()?;
            // After the lists: the next call learns from a record which ones the package is in.
            for record in &records {
                self.put(&record.path(), &record.encode())?;
            }
        }
        for (path, bytes) in lists::front(state, self.roots.current()) {
            self.put(path, &bytes)?;
        }
        for (path, bytes) in html::assets() {
            self.put(path, bytes)?;
        }
        self.barrier()?;
        // Last: what is not noted as done is done again.
        self.put(state::PATH, &state.encode())?;
        self.barrier()
    }

    /// Takes away what shows another history: leaves that a root discarded have pages and lists too.
    fn clear(&mut self) -> Result<(), SiteError> {
        // First: whoever is interrupted here begins anew.
        let nothing = SiteState::new(self.roots);
        self.put(state::PATH, &nothing.encode())?;
        self.barrier()?;
        for folder in ["site/p", "site/s", "site/b"] {
            let removed = self.storage.remove_folder(folder);
            removed.map_err(|source| writer::io("remove", folder, source))?;
        }
        Ok(())
    }

    /// The packages with an event among these leaves.
    fn changes(&self, from: u64, to: u64) -> Result<Places, SiteError> {
        let mut places = Places::new();
        for index in from / 256..to.div_ceil(256) {
            let first = index * 256;
            let width = u16::try_from((to - first).min(256)).unwrap_or(256);
            let partial = path::entries(index, width);
            let bytes = match find(self.storage, &partial, MAX_BUNDLE_BYTES)? {
                Some(bytes) => bytes,
                None => find(self.storage, &path::entries(index, 256), MAX_BUNDLE_BYTES)?
                    .ok_or_else(|| CommitError::Missing(partial.clone()))?,
            };
            let bundle = Bundle::decode(&bytes).map_err(|source| SiteError::Bundle {
                path: partial,
                source,
            })?;
            let leaves = (first..).zip(bundle.entries().iter().take(usize::from(width)));
            for (leaf, bytes) in leaves.filter(|(leaf, _)| *leaf >= from) {
                // Leaves that are no events are snapshots.
                if let Ok(event) = SignedEvent::parse(bytes) {
                    let body = event.body();
                    places
                        .entry(body.name.clone())
                        .or_default()
                        .insert(body.seq, leaf);
                }
            }
        }
        Ok(places)
    }

    fn packages(&mut self, batch: &Places, anew: bool) -> Result<Vec<Record>, SiteError> {
        let names: BTreeSet<_> = batch.keys().cloned().collect();
        let read = |path: &str, max| {
            let found = self.storage.read(path, max);
            let found = found.map_err(|source| writer::io("read", path, source))?;
            found.ok_or_else(|| CommitError::Missing(path.to_owned()))
        };
        let entries = find_packages(&self.snapshot.map, &names, &read)?;
        let context = ChainContext::reader(self.roots);
        let mut records = Vec::new();
        for (name, entry) in entries {
            let files = entry.segments.iter().map(|segment| {
                read(
                    RegistryPath::package(&segment.sha256).as_str(),
                    MAX_SEGMENT_BYTES,
                )
            });
            let files = files.collect::<Result<Vec<_>, _>>()?;
            let chain = PackageState::replay(&entry, &files, &context);
            let chain = chain.map_err(|source| SiteError::Chain {
                name: name.clone(),
                source: Box::new(source),
            })?;
            let places = batch.get(&name).cloned().unwrap_or_default();
            let before = if anew {
                None
            } else {
                Record::load(self.storage, &name)?
            };
            let record = Record::of(self.storage, self.roots.current(), &chain, places, before)?;
            let page = package::page(&record, self.roots.current());
            self.put(&record.page(), page.as_bytes())?;
            self.report.packages += 1;
            records.push(record);
        }
        Ok(records)
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), SiteError> {
        let put = self.storage.put(path, bytes);
        put.map_err(|source| writer::io("write", path, source))?;
        self.report.files += 1;
        Ok(())
    }

    fn barrier(&self) -> Result<(), SiteError> {
        let barrier = self.storage.barrier();
        barrier.map_err(|source| writer::io("sync", "site", source))?;
        Ok(())
    }
}

fn find(storage: &impl Storage, path: &str, max: u64) -> Result<Option<Vec<u8>>, CommitError> {
    let read = storage.read(path, max);
    read.map_err(|source| writer::io("read", path, source))
}

/// What an earlier call made. A file that is too long is none of ours, and may not stop the pages of
/// all others.
fn find_own<T: DeserializeOwned>(
    storage: &impl Storage,
    path: &str,
    max: usize,
) -> Result<Option<T>, CommitError> {
    let found = match storage.read(path, u64::try_from(max).unwrap_or(u64::MAX)) {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => None,
        read => read.map_err(|source| writer::io("read", path, source))?,
    };
    Ok(found.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Tells of one value after the other whether it still fits into so many bytes of JSON.
fn fitting<T: Serialize>(mut room: usize) -> impl FnMut(&T) -> bool {
    move |value| {
        let length = serde_json::to_vec(value).map_or(usize::MAX, |json| json.len());
        let left = room.checked_sub(length.saturating_add(1));
        room = left.unwrap_or(0);
        left.is_some()
    }
}
