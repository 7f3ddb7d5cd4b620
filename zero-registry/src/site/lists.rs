//! Lists of packages: by the first two letters of each word, for the search; by those of the name,
//! for readers without a script; the front page, and what programs read.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::html;
use super::record::{Record, Short};
use super::state::SiteState;
use crate::root::Root;
use crate::writer::{CommitError, Storage};

/// Bytes of a list of many thousand packages; longer ones are cut, and the search says so.
const MAX_LIST: usize = 64 << 20;
/// Words of one package that the search finds it by.
const MAX_WORDS: usize = 48;

#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    /// There were more packages than had room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    packages: Vec<Short>,
}

impl List {
    /// Leaves out what has no room at the end of the alphabet, so that the next call can read the rest.
    fn cut_to(&mut self, bytes: usize) {
        let frame = r#"{"cut":true,"packages":[]}"#.len();
        let mut fits = super::fitting::<Short>(bytes.saturating_sub(frame));
        let fits = self.packages.iter().take_while(|p| fits(p)).count();
        self.cut |= fits < self.packages.len();
        self.packages.truncate(fits);
    }
}

/// The lists that changes touch.
pub(super) struct Lists<'a, S> {
    storage: &'a S,
    /// Lists that lie there count for nothing.
    anew: bool,
    touched: BTreeMap<String, List>,
}

impl<'a, S: Storage> Lists<'a, S> {
    pub(super) fn new(storage: &'a S, anew: bool) -> Self {
        Self {
            storage,
            anew,
            touched: BTreeMap::new(),
        }
    }

    /// Puts a package into its lists, and takes it out of those that it was in before.
    pub(super) fn change(&mut self, record: &Record) -> Result<(), CommitError> {
        let short = record.short();
        let now = keys(&short);
        let before = record.before.as_ref().map(keys).unwrap_or_default();
        for key in before.difference(&now) {
            let list = self.list(key)?;
            list.packages.retain(|other| other.name != short.name);
        }
        for key in now {
            let list = self.list(&key)?;
            match list
                .packages
                .binary_search_by(|other| other.name.cmp(&short.name))
            {
                Ok(place) => {
                    if let Some(other) = list.packages.get_mut(place) {
                        *other = short.clone();
                    }
                }
                Err(place) => list.packages.insert(place, short.clone()),
            }
        }
        Ok(())
    }

    fn list(&mut self, key: &str) -> Result<&mut List, CommitError> {
        if !self.touched.contains_key(key) {
            let list = if self.anew {
                None
            } else {
                super::find_own(self.storage, &search_path(key), MAX_LIST)?
            };
            self.touched
                .insert(key.to_owned(), list.unwrap_or_default());
        }
        Ok(self.touched.entry(key.to_owned()).or_default())
    }

    /// The files of all lists that changed, and of those that count them.
    pub(super) fn finish(mut self, state: &mut SiteState, root: &Root) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (key, list) in &mut self.touched {
            list.cut_to(MAX_LIST);
            let json = serde_json::to_vec(list).unwrap_or_default();
            files.push((search_path(key), json));
            let named: Vec<&Short> = list
                .packages
                .iter()
                .filter(|s| name_key(&s.name) == *key)
                .collect();
            if !named.is_empty() {
                let count = u64::try_from(named.len()).unwrap_or(u64::MAX);
                state.lists.insert(key.clone(), count);
                files.push((browse_path(key), html::list(root, key, &named).into_bytes()));
            }
        }
        files.push((
            "index.html".to_owned(),
            html::front(root, state).into_bytes(),
        ));
        files.push(("llms.txt".to_owned(), html::llms(root, state).into_bytes()));
        files.push(("catalogue.json".to_owned(), html::catalogue(root, state)));
        files
    }
}

/// The lists that a package is in.
fn keys(short: &Short) -> BTreeSet<String> {
    let text = format!("{} {}", short.name, short.description).to_lowercase();
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let mut keys: BTreeSet<String> = words.take(MAX_WORDS).map(key).collect();
    keys.insert(name_key(&short.name));
    keys
}

/// The list of a package's own name: that of its last part, without the scope.
fn name_key(name: &str) -> String {
    key(name.rsplit('/').next().unwrap_or(name))
}

fn key(word: &str) -> String {
    word.chars().take(2).collect()
}

/// Keys become paths as hexadecimal only.
pub(super) fn search_path(key: &str) -> String {
    format!("site/s/{}.json", hex::encode(key))
}

pub(super) fn browse_path(key: &str) -> String {
    format!("site/b/{}.html", hex::encode(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_list_without_end_is_cut_and_says_so() {
        let short = |n: usize| Short {
            name: format!("p{n:04}"),
            version: "1.0.0".to_owned(),
            description: "\"".repeat(n % 7),
            time: Timestamp::from_seconds(0),
            page: "page".to_owned(),
        };
        let mut list = List {
            cut: false,
            packages: (0..1000).map(short).collect(),
        };
        list.cut_to(1 << 20);
        assert!(!list.cut && list.packages.len() == 1000);
        list.cut_to(1 << 14);
        let json = serde_json::to_vec(&list).unwrap();
        assert!(json.len() <= 1 << 14 && json.len() > (1 << 14) - 200);
        assert!(list.cut && list.packages[0].name == "p0000");
    }
}
