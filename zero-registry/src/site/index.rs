//! Lists of packages, split where they grow long (spec/catalogue.md, "Search"). What a change touches
//! is short, however many packages there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::search::{FULL, Node, Short, first, next};
use crate::writer::{CommitError, Storage};

/// Bytes of a file of ours.
const MAX_BYTES: usize = 8 << 20;

/// The lists under one kind of key.
pub(super) struct Index<'a, S> {
    storage: &'a S,
    /// Lists that lie there count for nothing.
    anew: bool,
    path: fn(&str) -> String,
    keys: fn(&Short) -> BTreeSet<String>,
    touched: BTreeMap<String, Node>,
}

/// A package whose keys change.
struct Change<'a> {
    short: &'a Arc<Short>,
    /// Its keys, of before and now.
    all: BTreeSet<String>,
}

impl<'a, S: Storage> Index<'a, S> {
    pub(super) fn new(
        storage: &'a S,
        anew: bool,
        path: fn(&str) -> String,
        keys: fn(&Short) -> BTreeSet<String>,
    ) -> Self {
        Self {
            storage,
            anew,
            path,
            keys,
            touched: BTreeMap::new(),
        }
    }

    /// Puts a package where it belongs, and takes it away from where it was.
    pub(super) fn change(
        &mut self,
        before: Option<&Short>,
        short: &Arc<Short>,
    ) -> Result<(), CommitError> {
        let mut all = (self.keys)(short);
        all.extend(before.into_iter().flat_map(self.keys));
        let change = Change { short, all };
        let firsts: BTreeSet<String> = change.all.iter().map(|key| first(key)).collect();
        for prefix in firsts {
            let node = self.node(&prefix)?;
            self.update(&prefix, node, &change)?;
        }
        Ok(())
    }

    /// The lists that changed, with the letters that they are of; they count as written.
    pub(super) fn take(&mut self) -> BTreeMap<String, Node> {
        std::mem::take(&mut self.touched)
    }

    fn node(&self, prefix: &str) -> Result<Node, CommitError> {
        if let Some(node) = self.touched.get(prefix) {
            return Ok(node.clone());
        }
        let found = if self.anew {
            None
        } else {
            super::find_own(self.storage, &(self.path)(prefix), MAX_BYTES)?
        };
        Ok(found.unwrap_or_else(empty))
    }

    /// Brings a list and those below it up to date; gives how many entries it has now.
    fn update(
        &mut self,
        prefix: &str,
        node: Node,
        change: &Change<'_>,
    ) -> Result<u64, CommitError> {
        let node = match node {
            Node::List {
                entries,
                mut packages,
            } => {
                let mut entries = entries;
                let place = packages.binary_search_by(|other| other.name.cmp(&change.short.name));
                if let Ok(place) = place {
                    entries -= self.count(&packages.remove(place), prefix).min(entries);
                }
                let new = self.count(change.short, prefix);
                if new > 0 {
                    let place = place.unwrap_or_else(|place| place);
                    packages.insert(place, Arc::clone(change.short));
                }
                self.listed(prefix, entries.saturating_add(new), packages)
            }
            Node::Split { next: mut letters } => {
                let touched = change.all.iter().filter_map(|key| next(key, prefix));
                for letter in touched.collect::<BTreeSet<char>>() {
                    let below = format!("{prefix}{letter}");
                    // A file that nothing leads to is of a list that was put together again.
                    let node = if letters.contains_key(&letter) {
                        self.node(&below)?
                    } else {
                        empty()
                    };
                    let entries = self.update(&below, node, change)?;
                    if entries > 0 {
                        letters.insert(letter, entries);
                    } else {
                        letters.remove(&letter);
                        self.touched.remove(&below);
                    }
                }
                self.split_or_joined(prefix, letters)?
            }
        };
        let entries = node.entries();
        self.touched.insert(prefix.to_owned(), node);
        Ok(entries)
    }

    /// How many entries a package has below a prefix.
    fn count(&self, short: &Short, prefix: &str) -> u64 {
        let keys = (self.keys)(short);
        let from = keys.range(prefix.to_owned()..);
        let below = from.take_while(|key| key.starts_with(prefix));
        u64::try_from(below.count()).unwrap_or(u64::MAX)
    }

    /// A list, or where its parts are if it is too long.
    fn listed(&mut self, prefix: &str, entries: u64, packages: Vec<Arc<Short>>) -> Node {
        if entries <= FULL {
            return Node::List { entries, packages };
        }
        let mut parts: BTreeMap<char, (u64, Vec<Arc<Short>>)> = BTreeMap::new();
        for short in packages {
            let keys = (self.keys)(&short);
            for letter in keys.iter().filter_map(|key| next(key, prefix)) {
                let (entries, packages) = parts.entry(letter).or_default();
                *entries += 1;
                if packages.last().is_none_or(|last| last.name != short.name) {
                    packages.push(Arc::clone(&short));
                }
            }
        }
        let mut letters = BTreeMap::new();
        for (letter, (entries, packages)) in parts {
            let below = format!("{prefix}{letter}");
            let node = self.listed(&below, entries, packages);
            letters.insert(letter, node.entries());
            self.touched.insert(below, node);
        }
        Node::Split { next: letters }
    }

    /// A split list, put together again if it has become short.
    fn split_or_joined(
        &mut self,
        prefix: &str,
        letters: BTreeMap<char, u64>,
    ) -> Result<Node, CommitError> {
        let node = Node::Split { next: letters };
        let entries = node.entries();
        if entries > FULL {
            return Ok(node);
        }
        let mut packages = BTreeMap::new();
        self.gather(prefix, &node, &mut packages)?;
        let packages = packages.into_values().collect();
        Ok(Node::List { entries, packages })
    }

    fn gather(
        &mut self,
        prefix: &str,
        node: &Node,
        packages: &mut BTreeMap<String, Arc<Short>>,
    ) -> Result<(), CommitError> {
        match node {
            Node::List { packages: list, .. } => {
                packages.extend(
                    list.iter()
                        .map(|short| (short.name.clone(), Arc::clone(short))),
                );
            }
            Node::Split { next } => {
                for letter in next.keys() {
                    let below = format!("{prefix}{letter}");
                    let node = self.node(&below)?;
                    self.touched.remove(&below);
                    self.gather(&below, &node, packages)?;
                }
            }
        }
        Ok(())
    }
}

fn empty() -> Node {
    Node::List {
        entries: 0,
        packages: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{self, keys, path};
    use crate::testing::Memory;
    use crate::time::Timestamp;

    fn short(number: usize, description: &str) -> Arc<Short> {
        Arc::new(Short {
            name: format!("team{}/tool{number}", number % 7),
            version: "1.0.0".to_owned(),
            description: description.to_owned(),
            time: Timestamp::from_seconds(0),
            page: format!("site/p/{number}.html"),
        })
    }

    fn write(memory: &Memory, anew: bool, changes: &[(Option<&Short>, Arc<Short>)]) {
        let mut index = Index::new(memory, anew, path, keys);
        for (before, now) in changes {
            index.change(*before, now).unwrap();
        }
        for (prefix, node) in index.take() {
            let json = serde_json::to_vec(&node).unwrap();
            memory.put(&path(&prefix), &json).unwrap();
        }
    }

    /// All lists that can be reached, by their letters.
    fn reachable(memory: &Memory, prefix: &str, all: &mut BTreeMap<String, Node>) {
        let file = memory.lock_files().get(&path(prefix)).cloned();
        let node: Node = serde_json::from_slice(&file.unwrap()).unwrap();
        if let Node::Split { next } = &node {
            for (letter, entries) in next {
                let below = format!("{prefix}{letter}");
                reachable(memory, &below, all);
                assert_eq!(all[&below].entries(), *entries, "{below}");
            }
        }
        all.insert(prefix.to_owned(), node);
    }

    fn tree(memory: &Memory) -> BTreeMap<String, Node> {
        let mut all = BTreeMap::new();
        for first in ["to", "te", "js", "fa", "oo", "ol", "am", "ea"] {
            if memory.lock_files().contains_key(&path(first)) {
                reachable(memory, first, &mut all);
            }
        }
        all.retain(|_, node| node.entries() > 0);
        all
    }

    fn found(memory: &Memory, query: &str, enough: usize) -> search::Found {
        search::find(query, enough, |path| {
            super::super::find_own(memory, path, MAX_BYTES)
        })
        .unwrap()
    }

    #[test]
    fn lists_are_the_same_however_they_came_about() {
        let stepwise = Memory::default();
        let old: Vec<_> = (0..700).map(|n| short(n, "fast json")).collect();
        for part in old.chunks(90) {
            let changes: Vec<_> = part.iter().map(|s| (None, Arc::clone(s))).collect();
            write(&stepwise, false, &changes);
        }
        let at_once = Memory::default();
        let changes: Vec<_> = old.iter().map(|s| (None, Arc::clone(s))).collect();
        write(&at_once, true, &changes);
        let lists = tree(&stepwise);
        assert_eq!(lists, tree(&at_once));
        assert!(lists.len() > 50 && lists["js"].entries() == 700);
        for (prefix, node) in &lists {
            let list = matches!(node, Node::List { .. });
            assert_eq!(list, node.entries() <= FULL, "{prefix}");
        }
        // Most of them say something else now: long lists become short ones again.
        let now: Vec<_> = (0..700)
            .map(|n| short(n, if n % 10 == 0 { "fast json" } else { "" }))
            .collect();
        for (old, now) in old.chunks(90).zip(now.chunks(90)) {
            let changes: Vec<_> = old
                .iter()
                .zip(now)
                .map(|(old, now)| (Some(&**old), Arc::clone(now)))
                .collect();
            write(&stepwise, false, &changes);
        }
        let changes: Vec<_> = now.iter().map(|s| (None, Arc::clone(s))).collect();
        let at_once = Memory::default();
        write(&at_once, true, &changes);
        assert_eq!(tree(&stepwise), tree(&at_once));
        assert!(matches!(
            tree(&stepwise)["js"],
            Node::List { entries: 70, .. }
        ));
        // And back again, past files that nothing leads to any more.
        let changes: Vec<_> = now
            .iter()
            .zip(&old)
            .map(|(now, old)| (Some(&**now), Arc::clone(old)))
            .collect();
        write(&stepwise, false, &changes);
        assert_eq!(tree(&stepwise), lists);
    }

    #[test]
    fn a_search_finds_all_of_many_when_it_is_asked_to() {
        let memory = Memory::default();
        let all: Vec<_> = (0..700)
            .map(|n| short(n, if n == 300 { "fast json" } else { "json" }))
            .collect();
        let changes: Vec<_> = all.iter().map(|s| (None, Arc::clone(s))).collect();
        write(&memory, false, &changes);
        let everything = found(&memory, "json", 1000);
        assert_eq!((everything.names.len(), everything.more), (700, false));
        let some = found(&memory, "js", 10);
        assert!(some.more && (10..=128).contains(&some.names.len()));
        assert_eq!(found(&memory, "json fa", 10).names, ["team6/tool300"]);
        assert_eq!(found(&memory, "tool69", 100).names.len(), 11);
        assert_eq!(found(&memory, "ool699", 100).names, ["team6/tool699"]);
    }

    #[test]
    fn a_change_touches_short_lists_among_many_packages() {
        let cost = |packages: usize| {
            let memory = Memory::default();
            let all = (0..packages).map(|n| (None, short(n, "fast json")));
            write(&memory, true, &all.collect::<Vec<_>>());
            let mut index = Index::new(&memory, false, path, keys);
            index.change(None, &short(packages, "fast json")).unwrap();
            let files = index.take();
            let bytes = |node| serde_json::to_vec(node).unwrap().len();
            (files.len(), files.values().map(bytes).sum::<usize>())
        };
        // One list of the many would have half a megabyte, for each of their words.
        for packages in [400, 4000] {
            let (files, bytes) = cost(packages);
            assert!(
                files < 64 && bytes < 100_000,
                "{packages}: {files}, {bytes}"
            );
        }
    }

    #[test]
    fn what_is_done_again_changes_nothing() {
        let memory = Memory::default();
        let (old, new) = (short(1, "fast"), short(1, "json"));
        write(&memory, false, &[(None, Arc::clone(&old))]);
        for _ in 0..2 {
            write(&memory, false, &[(Some(&*old), Arc::clone(&new))]);
            assert_eq!(found(&memory, "json", 10).names, ["team1/tool1"]);
            assert_eq!(found(&memory, "fast", 10).names, Vec::<String>::new());
        }
    }
}
