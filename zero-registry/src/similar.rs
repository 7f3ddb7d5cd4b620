//! Names that people could take for each other (spec/publishing.md, "Similar names").

use std::collections::{BTreeMap, BTreeSet, HashMap};

use zero_format::PackageName;

/// Names shorter than this differ from each other by one letter as a matter of course.
const MIN_LENGTH: usize = 5;

/// All names of a registry, arranged for the question whether a new one is like one of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    by_length: BTreeMap<usize, BTreeSet<String>>,
    by_looks: HashMap<String, String>,
    count: u64,
}

impl Names {
    /// Adds a name.
    pub(crate) fn insert(&mut self, name: &PackageName) {
        let text = name.as_str();
        let same_length = self.by_length.entry(text.len()).or_default();
        if same_length.insert(text.to_owned()) {
            self.count += 1;
            self.by_looks
                .entry(looks(text))
                .or_insert_with(|| text.to_owned());
        }
    }

    /// How many names there are.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// Whether this very name is there.
    pub(crate) fn contains(&self, name: &PackageName) -> bool {
        let text = name.as_str();
        let same_length = self.by_length.get(&text.len());
        same_length.is_some_and(|names| names.contains(text))
    }

    /// A name that this one could be taken for, if there is one.
    pub(crate) fn similar(&self, name: &PackageName) -> Option<&str> {
        let text = name.as_str();
        if let Some(alike) = self
            .by_looks
            .get(&looks(text))
            .filter(|known| *known != text)
        {
            return Some(alike);
        }
        if text.len() < MIN_LENGTH {
            return None;
        }
        let near = self.by_length.range(text.len() - 1..=text.len() + 1);
        let mut near = near.flat_map(|(_, names)| names);
        near.find(|known| known.len() >= MIN_LENGTH && *known != text && is_one_slip(known, text))
            .map(String::as_str)
    }
}

/// Whether two names differ by one letter more, less, changed or swapped with its neighbour. Names
/// that differ in digits alone, such as sha1 and sha2, are told apart on purpose.
fn is_one_slip(a: &str, b: &str) -> bool {
    // Most pairs differ at both ends; the distance is computed for few.
    let ends = a.bytes().next() == b.bytes().next() || a.bytes().last() == b.bytes().last();
    ends && strsim::osa_distance(a, b) <= 1 && without_digits(a) != without_digits(b)
}

fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// What is left of a name when letters that look alike are one.
fn looks(text: &str) -> String {
    text.replace('-', "")
        .replace("rn", "m")
        .replace("vv", "w")
        .replace('0', "o")
        .replace(['1', 'i'], "l")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Names {
        let mut names = Names::default();
        for name in list {
            names.insert(&name.parse().unwrap());
        }
        names
    }

    fn similar(known: &str, new: &str) -> bool {
        names(&[known]).similar(&new.parse().unwrap()).is_some()
    }

    #[test]
    fn slips_and_lookalikes_are_found() {
        for (known, new) in [
            ("csvstat", "csv-stat"),
            ("csvstat", "csvstats"),
            ("csvstat", "cvsstat"),
            ("csvstat", "csvstaf"),
            ("csvstat", "svstat"),
            ("modern", "modem"),
            ("tool", "too1"),
            ("tool", "t0ol"),
            ("link", "llnk"),
            ("view", "vievv"),
            ("acme/tool", "acmee/tool"),
        ] {
            assert!(similar(known, new), "{known} {new}");
            assert!(similar(new, known), "{new} {known}");
        }
    }

    #[test]
    fn other_names_are_left_alone() {
        for (known, new) in [
            ("csvstat", "csvstat"),
            ("csvstat", "jsonstat"),
            ("base32", "base64"),
            ("blake2", "blake3"),
            ("crc32", "crc3"),
            ("wc", "nc"),
            ("sort", "sorg"),
            ("acme/tool", "other/tool"),
        ] {
            assert!(!similar(known, new), "{known} {new}");
        }
    }

    #[test]
    fn a_name_is_counted_once() {
        let mut names = names(&["tool", "tool", "other"]);
        assert_eq!(names.len(), 2);
        names.insert(&"tool".parse().unwrap());
        assert_eq!(names.len(), 2);
        assert!(names.contains(&"other".parse().unwrap()));
        assert!(!names.contains(&"othr".parse().unwrap()));
    }
}
