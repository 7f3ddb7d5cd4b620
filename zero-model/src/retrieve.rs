//! Examples from a dataset: the records whose instructions have most in common with a task, by BM25.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Bytes of a line that are read, and of a module that is shown: examples are to be short.
const MAX_LINE: u64 = 4 << 20;
const MAX_OUTPUT: usize = 3000;

/// What of a record matters here (spec/dataset.md).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Record {
    /// Its identity, for provenance.
    pub id: String,
    /// What the function does.
    pub instruction: String,
    /// The module.
    pub output: String,
    /// The type, as `(i32, i32) -> i32`.
    #[serde(rename = "signature_wasm")]
    pub signature: String,
    #[serde(default)]
    imports: Vec<String>,
    #[serde(default)]
    provenance: Provenance,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
struct Provenance {
    #[serde(default)]
    symbol: String,
}

impl Record {
    /// The name under which the module exports the function; empty if the record does not say it.
    pub fn name(&self) -> &str {
        &self.provenance.symbol
    }
}

/// A dataset that examples are taken from.
#[derive(Debug, Default)]
pub struct Library {
    records: Vec<Record>,
    /// How many records have a word.
    frequency: BTreeMap<String, usize>,
    /// The words of each record.
    words: Vec<BTreeMap<String, usize>>,
    /// Words of a record on average.
    average: f64,
}

/// A dataset that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// There are no records in the folder.
    #[error("find records in {}: there are none in data/*.jsonl", .path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A line is no record.
    #[error("read line {line} of {}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The system refused.
    #[error("read {}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Library {
    /// Reads a folder that `cargo zero harvest` made. Long modules and those with imports are left out.
    ///
    /// # Errors
    /// When a file cannot be read, a line is no record, or there are none.
    pub fn open(folder: &Path) -> Result<Self, LibraryError> {
        let read = |path: &Path, source| LibraryError::Read {
            path: path.to_owned(),
            source,
        };
        let data = folder.join("data");
        let entries = std::fs::read_dir(&data).map_err(|error| read(&data, error))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
        files.sort();
        let mut records = Vec::new();
        for path in &files {
            let file = std::fs::File::open(path).map_err(|error| read(path, error))?;
            let mut reader = io::BufReader::new(file);
            for line in 1.. {
                let mut text = Vec::new();
                let mut limited = io::Read::take(&mut reader, MAX_LINE);
                if limited
                    .read_until(b'\n', &mut text)
                    .map_err(|error| read(path, error))?
                    == 0
                {
                    break;
                }
                let record =
                    serde_json::from_slice(&text).map_err(|source| LibraryError::Line {
                        path: path.clone(),
                        line,
                        source,
                    })?;
                records.push(record);
            }
        }
        let library = Self::new(records);
        if library.records.is_empty() {
            return Err(LibraryError::Empty {
                path: folder.to_owned(),
            });
        }
        Ok(library)
    }

    /// A library of these records.
    pub fn new(mut records: Vec<Record>) -> Self {
        records.retain(|record| record.output.len() <= MAX_OUTPUT && record.imports.is_empty());
        let words: Vec<_> = records
            .iter()
            .map(|record| counts(&record.instruction))
            .collect();
        let mut frequency = BTreeMap::new();
        for word in words.iter().flat_map(BTreeMap::keys) {
            *frequency.entry(word.clone()).or_default() += 1;
        }
        let total: usize = words.iter().flat_map(BTreeMap::values).sum();
        Self {
            average: (real(total) / real(records.len().max(1))).max(1.0),
            records,
            frequency,
            words,
        }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records nearest to a text, the nearest last: what a model read last it remembers best. Records that have
    /// nothing in common with it, and copies, are not among them.
    pub fn nearest(&self, text: &str, count: usize) -> Vec<&Record> {
        let query = counts(text);
        let mut scored: Vec<(f64, &Record)> = self
            .words
            .iter()
            .zip(&self.records)
            .map(|(words, record)| (self.score(&query, words), record))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
        let mut seen = BTreeSet::new();
        let mut nearest: Vec<&Record> = scored
            .into_iter()
            .map(|(_, record)| record)
            .filter(|record| seen.insert(&record.output))
            .take(count)
            .collect();
        nearest.reverse();
        nearest
    }

    /// BM25 with its usual constants.
    fn score(&self, query: &BTreeMap<String, usize>, words: &BTreeMap<String, usize>) -> f64 {
        const SATURATION: f64 = 1.2;
        const LENGTH: f64 = 0.75;
        let all = real(self.records.len());
        let length = real(words.values().sum());
        let normal = SATURATION * (1.0 - LENGTH + LENGTH * length / self.average);
        let term = |word: &String| {
            let count = real(*words.get(word)?);
            let with = real(*self.frequency.get(word)?);
            let rarity = ((all - with + 0.5) / (with + 0.5)).ln_1p();
            Some(rarity * count * (SATURATION + 1.0) / (count + normal))
        };
        query.keys().filter_map(term).sum()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
fn real(count: usize) -> f64 {
    count as f64
}

/// Words in lower case, without the commonest; a plural is as good as its singular.
fn counts(text: &str) -> BTreeMap<String, usize> {
    const COMMON: [&str; 16] = [
        "a", "an", "and", "as", "at", "by", "for", "from", "in", "is", "it", "of", "or", "the",
        "to", "with",
    ];
    let mut counts = BTreeMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let word = word.to_lowercase();
        let word = match word.strip_suffix('s') {
            Some(singular) if singular.len() > 2 => singular.to_owned(),
            _ => word,
        };
        if !word.is_empty() && !COMMON.contains(&word.as_str()) {
            *counts.entry(word).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, instruction: &str) -> Record {
        Record {
            id: id.to_owned(),
            instruction: instruction.to_owned(),
            output: format!("(module (; {id} ;))"),
            signature: "(i32) -> i32".to_owned(),
            imports: Vec::new(),
            provenance: Provenance::default(),
        }
    }

    #[test]
    fn rare_common_words_decide_and_the_nearest_comes_last() {
        let library = Library::new(vec![
            record("1", "Return the number of set bits of a word."),
            record("2", "Return the length of the string."),
            record(
                "3",
                "Count the bits in which two words differ (Hamming distance).",
            ),
            record("4", "Free the list."),
        ]);
        let ids = |text: &str| -> Vec<String> {
            library
                .nearest(text, 2)
                .iter()
                .map(|record| record.id.clone())
                .collect()
        };
        assert_eq!(
            ids("hamming distance of two numbers: the bit positions that differ"),
            ["1", "3"]
        );
        assert_eq!(ids("xyzzy"), Vec::<String>::new());
    }

    #[test]
    fn copies_and_modules_with_imports_are_no_examples() {
        let mut copy = record("2", "Add numbers.");
        let first = record("1", "Add numbers.");
        copy.output.clone_from(&first.output);
        let mut imports = record("3", "Add numbers.");
        imports.imports = vec!["env.puts".to_owned()];
        let library = Library::new(vec![first, copy, imports]);
        assert_eq!(library.nearest("add numbers", 9).len(), 1);
    }
}
