//! Finding packages by their words: lists that lie in the catalogue (spec/catalogue.md, "Search").
//!
//! A list has the packages with a word that begins with its letters. One that grows long is split by
//! the next letter, so that a reader and a writer touch short files only, whatever the registry has.
//! Nothing in a list is signed: what is found has to be looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zero_format::Digest;

use crate::time::Timestamp;

/// Words of one package that it is found by.
const MAX_WORDS: usize = 48;
/// Letters of a word that count.
const MAX_LETTERS: usize = 24;
/// A part of a name that is found, too: `stat` in `csvstat`.
const MIN_PART: usize = 3;
/// Lists that a search reads before it says that there may be more.
const MAX_READ: usize = 64;
/// Entries of a list; one with more is split.
pub(crate) const FULL: u64 = 128;
/// Letters of the first lists.
pub(crate) const FIRST: usize = 2;

/// A package in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Short {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) time: Timestamp,
    pub(crate) page: String,
}

/// A file: packages, or where they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Node {
    /// Too many: the next letters, and how many entries each of their lists has.
    Split {
        /// The space stands for the end of the word.
        next: BTreeMap<char, u64>,
    },
    /// All of them, by name.
    List {
        /// How many entries these are; a package has one for each of its words.
        entries: u64,
        packages: Vec<Arc<Short>>,
    },
}

impl Node {
    /// How many entries are there and below.
    pub(crate) fn entries(&self) -> u64 {
        match self {
            Self::Split { next } => next.values().fold(0, |sum, one| sum.saturating_add(*one)),
            Self::List { entries, .. } => *entries,
        }
    }
}

/// Where the list of a prefix lies. Keys become paths as hexadecimal only.
pub(crate) fn path(prefix: &str) -> String {
    format!("site/s/{}.json", hex::encode(prefix))
}

/// The words of a text, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).take(MAX_WORDS);
    let words: Vec<String> = words.map(cut).collect();
    words.into_iter()
}

fn cut(word: &str) -> String {
    word.chars().take(MAX_LETTERS).collect()
}

/// The name without its scope.
pub(crate) fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// What a package is listed under: each of its words, then what orders packages of the same word:
/// whether it is a word of the name, the length of the name, and its digest.
pub(crate) fn keys(short: &Short) -> BTreeSet<String> {
    let mut places: BTreeMap<String, u8> = BTreeMap::new();
    let mut note = |word: String, class| {
        let place = places.entry(word).or_insert(class);
        *place = class.min(*place);
    };
    for word in words(base(&short.name)) {
        for part in parts(&word) {
            note(part.to_owned(), 2);
        }
        note(word, 0);
    }
    for word in words(&short.name).chain(words(&short.description)) {
        note(word, 1);
    }
    let order = order(&short.name);
    let keys = places.into_iter();
    keys.map(|(word, class)| format!("{word} {class}{order}"))
        .collect()
}

/// What a package is listed under by name alone.
pub(crate) fn name_key(short: &Short) -> BTreeSet<String> {
    let name = cut(&base(&short.name).to_lowercase());
    [format!("{name} {}", order(&short.name))].into()
}

fn order(name: &str) -> String {
    let digest = Digest::of(name.as_bytes()).to_hex();
    let digest = digest.get(..16).unwrap_or_default();
    format!("{:02}{digest}", base(name).len().min(99))
}

/// The ends of a word, the word itself left out.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    let count = word.chars().count();
    let starts = word.char_indices().skip(1);
    starts
        .take(count.saturating_sub(MIN_PART))
        .filter_map(|(at, _)| word.get(at..))
}

/// The first letters of a key.
pub(crate) fn first(key: &str) -> String {
    key.chars().take(FIRST).collect()
}

/// The letter of a key after a prefix; none where it does not begin with that.
pub(crate) fn next(key: &str, prefix: &str) -> Option<char> {
    key.strip_prefix(prefix)?.chars().next()
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Names, the best first.
    pub(crate) names: Vec<String>,
    /// Whether there may be more.
    pub(crate) more: bool,
}

/// Finds the packages that have all words of a query, or words that begin with them. It reads the
/// lists of the rarest word until it has found enough.
///
/// # Errors
/// What `read` fails with.
pub(crate) fn find<E>(
    query: &str,
    enough: usize,
    mut read: impl FnMut(&str) -> Result<Option<Node>, E>,
) -> Result<Found, E> {
    let words: Vec<String> = words(query).collect();
    let mut rarest: Option<(String, Node)> = None;
    // Under a single letter there is no list.
    for word in words.iter().filter(|word| word.chars().count() >= FIRST) {
        let Some(place) = descend(word, &mut read)? else {
            return Ok(Found::default());
        };
        if rarest
            .as_ref()
            .is_none_or(|(_, node)| place.1.entries() < node.entries())
        {
            rarest = Some(place);
        }
    }
    let mut found: BTreeMap<String, Arc<Short>> = BTreeMap::new();
    let mut open: Vec<(String, Option<Node>)> = Vec::new();
    open.extend(rarest.map(|(prefix, node)| (prefix, Some(node))));
    let mut reads = 0;
    while found.len() < enough
        && reads < MAX_READ
        && let Some((prefix, known)) = open.pop()
    {
        reads += 1;
        let node = match known {
            Some(node) => Some(node),
            None => read(&path(&prefix))?,
        };
        match node {
            Some(Node::Split { next }) => {
                let below = next.keys().rev();
                open.extend(below.map(|letter| (format!("{prefix}{letter}"), None)));
            }
            Some(Node::List { packages, .. }) => {
                // A longer one is a liar's, and each name costs whoever looks it up.
                let most = usize::try_from(FULL).unwrap_or(usize::MAX);
                let honest = packages.into_iter().take(most);
                let fitting = honest.filter(|short| fits(short, &words));
                found.extend(fitting.map(|short| (short.name.clone(), short)));
            }
            None => {}
        }
    }
    let text = query.to_lowercase();
    let mut names: Vec<String> = found.into_keys().collect();
    names.sort_by(|a, b| rank(a, &text).cmp(&rank(b, &text)));
    let more = !open.is_empty();
    Ok(Found { names, more })
}

/// The list of a word, or of what it begins with; none where nothing has it.
fn descend<E>(
    word: &str,
    read: &mut impl FnMut(&str) -> Result<Option<Node>, E>,
) -> Result<Option<(String, Node)>, E> {
    let mut prefix = first(word);
    loop {
        match read(&path(&prefix))? {
            None => return Ok(None),
            Some(Node::Split { next: letters }) => match next(word, &prefix) {
                Some(letter) if letters.contains_key(&letter) => prefix.push(letter),
                Some(_) => return Ok(None),
                None => return Ok(Some((prefix, Node::Split { next: letters }))),
            },
            Some(list) => return Ok(Some((prefix, list))),
        }
    }
}

/// Whether a package has all these words, or words that begin with them.
fn fits(short: &Short, wanted: &[String]) -> bool {
    let keys = keys(short);
    wanted.iter().all(|word| {
        let mut from = keys.range(word.clone()..);
        from.next().is_some_and(|key| key.starts_with(word))
    })
}

/// The name itself first, then names that begin with the text, then those that have it, then the
/// others, each in order.
pub fn rank<'a>(name: &'a str, text: &str) -> (u8, &'a str) {
    let base = base(name);
    let place = if name == text || base == text {
        0
    } else if base.starts_with(text) {
        1
    } else if name.contains(text) {
        2
    } else {
        3
    };
    (place, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(name: &str, description: &str) -> Short {
        Short {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            description: description.to_owned(),
            time: Timestamp::from_seconds(0),
            page: String::new(),
        }
    }

    #[test]
    fn a_package_is_found_by_its_words_and_by_parts_of_its_name() {
        let tool = short("acme/csvstat", "Column statistics, of CSV");
        let wanted = |query: &str| fits(&tool, &words(query).collect::<Vec<_>>());
        for query in [
            "csvstat",
            "acme",
            "col",
            "STATISTICS csv",
            "stat",
            "vsta",
            "of",
        ] {
            assert!(wanted(query), "{query}");
        }
        for query in ["tistics", "at", "columns", "csvstats", "csv json"] {
            assert!(!wanted(query), "{query}");
        }
    }

    #[test]
    fn keys_become_file_names_whatever_is_written() {
        let long = "\u{10ffff}".repeat(40) + &"\u{1d538}".repeat(300);
        for key in keys(&short("tool", &long)) {
            let path = path(&key);
            let name = path.rsplit('/').next().unwrap();
            assert!(name.len() <= 255, "{}", name.len());
            assert!(crate::RegistryPath::parse(&path).is_some(), "{path}");
        }
    }

    #[test]
    fn the_rarest_word_decides_which_lists_are_read() {
        let list = |packages: Vec<Short>| Node::List {
            entries: u64::try_from(packages.len()).unwrap(),
            packages: packages.into_iter().map(Arc::new).collect(),
        };
        let many = (0..40).map(|n| short(&format!("a{n}"), "json"));
        let files = BTreeMap::from([
            (
                path("js"),
                Node::Split {
                    next: [('o', 4000), ('x', 1)].into(),
                },
            ),
            (
                path("jso"),
                Node::Split {
                    next: [('n', 4000)].into(),
                },
            ),
            (
                path("json"),
                Node::Split {
                    next: [(' ', 3000), ('p', 1000)].into(),
                },
            ),
            (path("json "), list(many.collect())),
            (
                path("ra"),
                list(vec![short("rare", "json"), short("ray", "light")]),
            ),
        ]);
        let find = |query: &str, enough| {
            let mut read = Vec::new();
            let found = find(query, enough, |path| {
                read.push(path.to_owned());
                Ok::<_, ()>(files.get(path).cloned())
            });
            (found.unwrap(), read)
        };
        let (found, read) = find("json ra", 10);
        assert_eq!(found.names, ["rare"]);
        assert!(!found.more && !read.contains(&path("json ")), "{read:?}");
        // Enough of the many, and no more lists than that.
        let (found, read) = find("json", 10);
        assert_eq!(found.names.len(), 40);
        assert!(found.more && !read.contains(&path("jsonp")), "{read:?}");
        // What nobody has costs nothing.
        let (found, read) = find("jsy", 10);
        assert_eq!((found, read.len()), (Found::default(), 1));
        assert_eq!(find("none ra", 10).0, Found::default());
        // A list that is longer than any may be.
        let flood = (0..1000).map(|n| short(&format!("b{n}"), "flood"));
        let flood = list(flood.collect());
        let found = super::find("flood", 10, |_| Ok::<_, ()>(Some(flood.clone())));
        assert_eq!(found.unwrap().names.len(), 128);
        assert_eq!(find("", 10).0, Found::default());
    }
}
