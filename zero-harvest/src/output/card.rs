//! The dataset's card: what is in it and where it comes from, as a page with the front matter that hubs of datasets read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{Format, OutputError};
use crate::record::{Counts, SCHEMA_VERSION, Split};
use crate::stats::{Histogram, Statistics, picture};

/// What the card tells besides the figures of the records.
pub(super) struct Made<'a> {
    pub(super) files: &'a [String],
    pub(super) repositories: &'a [(String, String, Counts)],
    pub(super) clang: &'a str,
    pub(super) libclang: &'a str,
}

/// Writes the card and its pictures.
pub(super) fn write(
    out: &Path,
    made: &Made<'_>,
    statistics: &Statistics,
) -> Result<(), OutputError> {
    let figures = out.join("figures");
    if figures.exists() {
        fs::remove_dir_all(&figures).map_err(OutputError::at(&figures))?;
    }
    fs::create_dir_all(&figures).map_err(OutputError::at(&figures))?;
    for (name, picture) in statistics.pictures() {
        let path = figures.join(name);
        fs::write(&path, picture).map_err(OutputError::at(&path))?;
    }
    let path = out.join("README.md");
    super::write(&path, text(made, statistics).as_bytes())
}

fn text(made: &Made<'_>, statistics: &Statistics) -> String {
    let mut text = front(made, statistics);
    text += "\n# Documented C as WebAssembly text\n\n";
    let _ = writeln!(
        text,
        "{} records: what a function of a C library is for, and a WebAssembly module that does it. Each module holds \
         one function and what it reaches, validates, and has names from the source. Those of level L2 were executed: \
         they agree with a build that traps where the behaviour of C is undefined, on the inputs in `io_examples`.\n",
        statistics.records
    );
    let _ = writeln!(
        text,
        "Made with `cargo zero harvest`, schema {SCHEMA_VERSION}, {}, {}. `rejects.jsonl` says of every other \
         documented function why it is no record.\n",
        made.clang, made.libclang
    );
    text += &repositories(made.repositories);
    let titles = [
        ("level", "Verification"),
        ("licence", "Licences"),
        ("split", "Splits"),
    ];
    for (of, title) in titles {
        if let Some(counts) = statistics.by.get(of) {
            text += &counted(title, counts);
        }
    }
    text += &distributions(&statistics.histograms);
    text += "\nThe licence of each record is that of its C source, in `provenance.spdx`, with the evidence for it in \
             `provenance.license_evidence`; its notice is in the repository that `provenance` names.\n";
    text
}

fn front(made: &Made<'_>, statistics: &Statistics) -> String {
    let mut text = String::from("---\npretty_name: Documented C as WebAssembly text\n");
    text += "language:\n- en\n- code\nlicense: other\nlicense_name: per-record\nlicense_details: provenance.spdx of each record\n";
    text += "task_categories:\n- text-generation\ntags:\n- code\n- webassembly\n- wat\n- c\n";
    let _ = writeln!(text, "size_categories:\n- {}", size(statistics.records));
    let styles = made.files.iter().filter_map(|file| {
        let style = file.strip_prefix("styles/")?;
        style.split('/').next()
    });
    let mut configs: Vec<(&str, String)> = vec![("default", String::from("data"))];
    for style in styles {
        if !configs.iter().any(|(name, _)| *name == style) {
            configs.push((style, format!("styles/{style}")));
        }
    }
    let mut listed = String::new();
    for (name, folder) in configs {
        // A hub must not read the same records twice: the columns are for it, if there are any.
        let extension = [Format::Parquet, Format::Jsonl, Format::JsonlZst]
            .map(Format::extension)
            .into_iter()
            .find(|end| {
                made.files
                    .iter()
                    .any(|file| file.starts_with(&folder) && file.ends_with(end))
            });
        let Some(extension) = extension else { continue };
        let _ = writeln!(listed, "- config_name: {name}\n  data_files:");
        for split in Split::ALL {
            let start = format!("{folder}/{}-", split.word());
            let end = format!(".{extension}");
            if made
                .files
                .iter()
                .any(|file| file.starts_with(&start) && file.ends_with(&end))
            {
                let _ = writeln!(
                    listed,
                    "  - split: {}\n    path: \"{start}*{end}\"",
                    split.word()
                );
            }
        }
    }
    if !listed.is_empty() {
        text += "configs:\n";
        text += &listed;
    }
    text + "---\n"
}

/// The class of sizes that hubs sort by.
fn size(records: usize) -> &'static str {
    match records {
        0..1000 => "n<1K",
        1000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        _ => "1M<n<10M",
    }
}

fn repositories(repositories: &[(String, String, Counts)]) -> String {
    let mut text = String::from(
        "| repository | commit | documented | compilable | L1 | self-contained | L2 | records |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for (repo, commit, counts) in repositories {
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} | {} | {} | {} | {} |",
            cell(repo),
            commit.get(..12).unwrap_or(commit),
            counts.documented,
            counts.compilable,
            counts.l1,
            counts.self_contained,
            counts.l2,
            counts.records
        );
    }
    text
}

fn counted(title: &str, counts: &BTreeMap<String, usize>) -> String {
    let mut text = format!("\n## {title}\n\n| | records |\n|---|--:|\n");
    for (name, count) in counts {
        let _ = writeln!(text, "| {} | {count} |", cell(name));
    }
    text
}

fn distributions(histograms: &BTreeMap<&'static str, Histogram>) -> String {
    let mut text = String::new();
    if !histograms.is_empty() {
        text += "\n## Distributions\n\n| | mean | most |\n|---|--:|--:|\n";
    }
    for (title, histogram) in histograms {
        let _ = writeln!(
            text,
            "| {title} | {} | {} |",
            histogram.mean(),
            histogram.most()
        );
    }
    text.push('\n');
    for title in histograms.keys() {
        let _ = writeln!(text, "![{title}](figures/{})", picture(title));
    }
    text
}

/// A name of somebody else's choice, as a cell of a table.
fn cell(text: &str) -> String {
    let plain = text.chars().map(|mark| match mark {
        '|' | '`' | '<' | '>' | '[' | ']' => '_',
        mark if mark.is_control() => '_',
        mark => mark,
    });
    plain.collect()
}
