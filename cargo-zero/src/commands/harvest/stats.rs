//! `harvest stats`: what is in a dataset.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;
use zero_format::printable;
use zero_harvest::stats::{self, Histogram, Statistics};

use super::unreadable;
use crate::cli::Stats;
use crate::report::{Failure, Report};
use crate::write;

pub(super) fn run(args: &Stats) -> Result<Report, Failure> {
    let mut statistics = Statistics::default();
    stats::records(&args.dataset, |record| {
        statistics.add(&record);
        true
    })
    .map_err(|error| unreadable(&error))?;
    if let Some(folder) = &args.svg {
        pictures(folder, &statistics)?;
    }
    let histograms: serde_json::Map<_, _> = statistics
        .histograms
        .iter()
        .map(|(of, histogram)| ((*of).to_owned(), described(histogram)))
        .collect();
    let fields = json!({
        "records": statistics.records,
        "bytes": statistics.bytes,
        "by": statistics.by,
        "histograms": histograms,
    });
    Ok(Report::new(fields, text(&statistics)))
}

fn described(histogram: &Histogram) -> serde_json::Value {
    let classes: Vec<_> = histogram
        .classes()
        .into_iter()
        .map(|(class, count)| json!({ "class": class, "count": count }))
        .collect();
    json!({
        "mean": u64::try_from(histogram.mean()).unwrap_or(u64::MAX),
        "most": histogram.most(),
        "classes": classes,
    })
}

fn pictures(folder: &Path, statistics: &Statistics) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| {
        Failure::failed(format!("cannot make {}", folder.display())).because(&error)
    })?;
    for (name, picture) in statistics.pictures() {
        write::replace(&folder.join(name), picture.as_bytes())?;
    }
    Ok(())
}

fn text(statistics: &Statistics) -> String {
    let mut text = format!("{} records\n", statistics.records);
    for (of, counts) in &statistics.by {
        let _ = write!(text, "\n{of}\n");
        let mut counts: Vec<_> = counts.iter().collect();
        counts.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
        for (name, count) in counts {
            let _ = writeln!(text, "  {count:>8}  {}", printable(name));
        }
    }
    for (of, histogram) in &statistics.histograms {
        let _ = write!(
            text,
            "\n{of}: {} on average, {} at most\n",
            histogram.mean(),
            histogram.most()
        );
        let classes = histogram.classes();
        let highest = classes.iter().map(|(_, count)| *count).max().unwrap_or(1);
        for (class, count) in classes {
            let bar = "#".repeat(count * 40 / highest.max(1));
            let _ = writeln!(text, "  {class:>16}  {count:>8}  {bar}");
        }
    }
    text
}
