//! Which records of all repositories stay: each only once, none that a benchmark asks for, none too many of one repository.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;

use super::minhash::{BANDS, Signature};
use crate::record::{Reason, Record};

/// Words in a row that make an instruction and a benchmark the same.
const RUN: usize = 8;

/// What to leave out of a dataset as a whole.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Curation {
    /// Modules of the same code, and functions of nearly the same C.
    pub duplicates: bool,
    /// How much of their C two functions share to be nearly the same, of 1.
    pub similarity: f64,
    /// What benchmarks ask for.
    pub benchmarks: Vec<String>,
    /// Records of one repository, at most.
    pub most: Option<usize>,
}

impl Default for Curation {
    fn default() -> Self {
        Self {
            duplicates: true,
            similarity: 0.85,
            benchmarks: Vec::new(),
            most: None,
        }
    }
}

/// What was kept so far.
pub(crate) struct Curator<'a> {
    options: &'a Curation,
    bodies: HashMap<[u8; 16], [u8; 16]>,
    similar: Similar,
    /// Runs of words of the benchmarks; the whole of a short one.
    asked: HashSet<u64>,
}

impl<'a> Curator<'a> {
    pub(crate) fn new(options: &'a Curation) -> Self {
        let asked = options.benchmarks.iter().flat_map(|prompt| runs(prompt));
        Self {
            options,
            bodies: HashMap::new(),
            similar: Similar::default(),
            asked: asked.collect(),
        }
    }

    /// How many of a repository's records stay at most.
    pub(crate) fn most(&self) -> usize {
        self.options.most.unwrap_or(usize::MAX)
    }

    /// Keeps a record, or says why not.
    pub(crate) fn keep(&mut self, record: &Record) -> Result<(), (Reason, String)> {
        if runs(&record.instruction).any(|run| self.asked.contains(&run)) {
            return Err((Reason::Contaminated, record.instruction.clone()));
        }
        if !self.options.duplicates {
            return Ok(());
        }
        let id = digits(&record.id);
        let body = digits(&record.dedupe.body);
        if let Some(first) = self.bodies.get(&body) {
            return Err((Reason::Duplicate, hex::encode(first)));
        }
        if let Some(signature) = Signature::of(&record.c_source) {
            if let Some(first) = self.similar.first(&signature, self.options.similarity) {
                return Err((Reason::NearDuplicate, hex::encode(first)));
            }
            self.similar.add(signature, id);
        }
        self.bodies.insert(body, id);
        Ok(())
    }
}

/// Signatures by their bands. There are as many as records, so they take as little memory as they can: for each band a
/// map from a part to the newest record that has it, and for each record the one before it.
#[derive(Default)]
struct Similar {
    newest: [HashMap<u32, u32>; BANDS],
    before: Vec<[Option<NonZeroU32>; BANDS]>,
    signatures: Vec<(Signature, [u8; 16])>,
}

impl Similar {
    /// Numbers are from 1.
    fn add(&mut self, signature: Signature, id: [u8; 16]) {
        let Ok(number) = u32::try_from(self.signatures.len() + 1) else {
            return;
        };
        let mut before = [None; BANDS];
        for (band, (newest, before)) in self.newest.iter_mut().zip(&mut before).enumerate() {
            let last = newest.insert(signature.band(band), number);
            *before = last.and_then(NonZeroU32::new);
        }
        self.before.push(before);
        self.signatures.push((signature, id));
    }

    /// The first record that is so similar.
    fn first(&self, signature: &Signature, similarity: f64) -> Option<[u8; 16]> {
        let index = |number: NonZeroU32| usize::try_from(number.get() - 1).ok();
        let candidates = self.newest.iter().enumerate().flat_map(|(band, newest)| {
            let newest = newest.get(&signature.band(band)).copied();
            std::iter::successors(newest.and_then(NonZeroU32::new), move |number| {
                self.before.get(index(*number)?)?[band]
            })
        });
        let all =
            candidates.filter_map(|number| Some((number, self.signatures.get(index(number)?)?)));
        all.filter(|(_, (other, _))| signature.similarity(other) >= similarity)
            .min_by_key(|(number, _)| *number)
            .map(|(_, (_, id))| *id)
    }
}

/// Hexadecimal digits as bytes: half the memory.
fn digits(text: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    if hex::decode_to_slice(text, &mut bytes).is_err() {
        bytes.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    }
    bytes
}

/// Every run of words of a text; all of them where they are few.
fn runs(text: &str) -> impl Iterator<Item = u64> {
    let words: Vec<String> = text
        .split(|mark: char| !mark.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let last = words.len().saturating_sub(RUN);
    let count = if words.is_empty() { 0 } else { last + 1 };
    (0..count).map(move |start| {
        let run = words[start..words.len().min(start + RUN)].join(" ");
        let digest = blake3::hash(run.as_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest.as_bytes()[..8]);
        u64::from_le_bytes(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_similar_functions_is_found_behind_newer_ones() {
        let source = |last: &str| {
            format!(
                "int sum(const int *numbers, int count) {{ int all = 0; for (int i = 0; i < count; i++) all += numbers[i]; {last} }}"
            )
        };
        let [one, two] =
            ["return all;", "all++; return all;"].map(|last| Signature::of(&source(last)).unwrap());
        let mut similar = Similar::default();
        for (id, signature) in [(1, &one), (2, &two), (3, &one), (4, &two)] {
            similar.add(signature.clone(), [id; 16]);
        }
        assert_eq!(similar.first(&one, 1.0), Some([1; 16]));
        assert_eq!(similar.first(&two, 1.0), Some([2; 16]));
        assert_eq!(similar.first(&two, 0.5), Some([1; 16]));
        let other =
            "void copy(char *to, const char *from, unsigned n) { while (n--) *to++ = *from++; }";
        assert_eq!(similar.first(&Signature::of(other).unwrap(), 0.5), None);
    }

    #[test]
    fn a_benchmark_is_found_in_a_longer_text_and_a_short_one_only_as_a_whole() {
        let shared = |a: &str, b: &str| {
            let a: HashSet<u64> = runs(a).collect();
            runs(b).any(|run| a.contains(&run))
        };
        let long = "Return the greatest common divisor of two whole numbers a and b";
        assert!(shared(
            long,
            "return the greatest common divisor of two whole numbers!"
        ));
        assert!(!shared(long, "Return the greatest common divisor"));
        assert!(shared("Add two numbers", "add two numbers."));
        assert!(!shared("Add two numbers", "Add two numbers and a third"));
        assert!(!shared("", ""));
    }
}
