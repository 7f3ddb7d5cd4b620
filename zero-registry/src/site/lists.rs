//! The lists that packages are in: by their words, for the search; by their names, for readers without
//! a script; the front page, and what programs read.

use std::sync::Arc;

use super::html;
use super::index::Index;
use super::record::Record;
use super::state::SiteState;
use crate::root::Root;
use crate::search::{self, FIRST};
use crate::writer::{CommitError, Storage};

/// The lists that changes touch.
pub(super) struct Lists<'a, S> {
    words: Index<'a, S>,
    names: Index<'a, S>,
}

impl<'a, S: Storage> Lists<'a, S> {
    /// With `anew`, lists that lie there count for nothing.
    pub(super) fn new(storage: &'a S, anew: bool) -> Self {
        Self {
            words: Index::new(storage, anew, search::path, search::keys),
            names: Index::new(storage, anew, browse_data, search::name_key),
        }
    }

    /// Puts a package into its lists, and takes it out of those that it was in before.
    pub(super) fn change(&mut self, record: &Record) -> Result<(), CommitError> {
        let short = Arc::new(record.short());
        self.words.change(record.before.as_ref(), &short)?;
        self.names.change(record.before.as_ref(), &short)
    }

    /// The files of all lists that changed; they count as written.
    pub(super) fn files(&mut self, state: &mut SiteState, root: &Root) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (prefix, node) in self.words.take() {
            files.push((search::path(&prefix), json(&node)));
        }
        for (prefix, node) in self.names.take() {
            if prefix.chars().count() == FIRST {
                state.lists.insert(prefix.clone(), node.entries());
            }
            files.push((browse_data(&prefix), json(&node)));
            let page = html::list(root, &prefix, &node);
            files.push((browse_path(&prefix), page.into_bytes()));
        }
        files
    }
}

/// The pages and files about the whole.
pub(super) fn front(state: &SiteState, root: &Root) -> [(&'static str, Vec<u8>); 3] {
    [
        ("index.html", html::front(root, state).into_bytes()),
        ("llms.txt", html::llms(root, state).into_bytes()),
        ("catalogue.json", html::catalogue(root, state)),
    ]
}

fn json(node: &search::Node) -> Vec<u8> {
    serde_json::to_vec(node).unwrap_or_default()
}

/// Keys become paths as hexadecimal only.
pub(super) fn browse_path(prefix: &str) -> String {
    format!("site/b/{}.html", hex::encode(prefix))
}

fn browse_data(prefix: &str) -> String {
    format!("site/b/{}.json", hex::encode(prefix))
}
