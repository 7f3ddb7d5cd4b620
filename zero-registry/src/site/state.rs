//! How far the catalogue has come, and what its front page lists.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::origin::Origin;
use crate::root::Roots;
use crate::search::Short;
use crate::writer::{CommitError, Storage};

pub(super) const PATH: &str = "site/state.json";
const MAX_BYTES: usize = 1 << 20;
/// Packages that the front page lists.
const RECENT: usize = 40;
/// Counts up when pages of before must be made anew.
const VERSION: u32 = 3;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SiteState {
    version: u32,
    origin: Origin,
    /// That of the log key in force: records name the key, and another one may come with another history.
    epoch: u64,
    /// Leaves that the pages show.
    pub(super) size: u64,
    /// The packages that changed last, newest first.
    pub(super) recent: Vec<Short>,
    /// How many packages have names that begin with these letters.
    pub(super) lists: BTreeMap<String, u64>,
}

impl SiteState {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            version: VERSION,
            origin: roots.current().origin().clone(),
            epoch: roots.epoch(),
            size: 0,
            recent: Vec::new(),
            lists: BTreeMap::new(),
        }
    }

    /// What the last call left; nothing where it was of another version, another log key, or damaged:
    /// all of it can be made anew.
    pub(super) fn load(storage: &impl Storage, roots: &Roots) -> Result<Option<Self>, CommitError> {
        let state: Option<Self> = super::find_own(storage, PATH, MAX_BYTES)?;
        Ok(state.filter(|state| {
            state.version == VERSION
                && state.origin == *roots.current().origin()
                && state.epoch == roots.epoch()
        }))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn note(&mut self, record: &Record) {
        let short = record.short();
        self.recent.retain(|other| other.name != short.name);
        self.recent.push(short);
        self.recent
            .sort_by(|a, b| b.time.cmp(&a.time).then(a.name.cmp(&b.name)));
        self.recent.truncate(RECENT);
    }

    pub(super) fn packages(&self) -> u64 {
        self.lists.values().sum()
    }
}
