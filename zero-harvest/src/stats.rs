//! What is in a dataset: counts, and how its figures are distributed.

mod histogram;
mod read;

pub use histogram::Histogram;
pub use read::{ReadError, records};

use std::collections::BTreeMap;

use crate::record::Record;

/// The figures of a dataset.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Statistics {
    /// Records.
    pub records: usize,
    /// Bytes of their modules' text.
    pub bytes: usize,
    /// Records by level of verification, split, licence, repository, and where their flags come from.
    pub by: BTreeMap<&'static str, BTreeMap<String, usize>>,
    /// How figures are distributed, by what they count.
    pub histograms: BTreeMap<&'static str, Histogram>,
}

impl Statistics {
    /// Adds a record.
    pub fn add(&mut self, record: &Record) {
        self.records += 1;
        self.bytes += record.output.len();
        let by = [
            ("level", format!("{:?}", record.verify.level)),
            ("split", record.split.word().to_owned()),
            ("licence", record.provenance.spdx.clone()),
            ("repository", record.provenance.repo.clone()),
            ("headers", record.build.header_mode.word().to_owned()),
        ];
        for (of, value) in by {
            *self.by.entry(of).or_default().entry(value).or_default() += 1;
        }
        let figures = [
            ("bytes of text", record.output.len()),
            ("functions", record.closure_fns),
            ("instructions", record.n_instr),
            (
                "words of instruction",
                record.instruction.split_whitespace().count(),
            ),
            ("examples", record.io_examples.len()),
            ("lines of C", record.c_source.lines().count()),
        ];
        for (of, value) in figures {
            self.histograms.entry(of).or_default().add(value);
        }
    }

    /// Every histogram as a picture, with the name of its file.
    pub fn pictures(&self) -> impl Iterator<Item = (String, String)> {
        let all = self.histograms.iter();
        all.map(|(title, histogram)| (picture(title), histogram.svg(title)))
    }
}

/// The file of a histogram's picture.
pub(crate) fn picture(title: &str) -> String {
    format!("{}.svg", title.replace(' ', "-"))
}
