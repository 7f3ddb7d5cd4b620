//! `harvest show`: one record on a page, C and WebAssembly text side by side.

use std::fmt::Write as _;

use serde_json::{Value, json};
use zero_format::{printable, printable_lines};
use zero_harvest::record::Record;
use zero_harvest::stats;

use super::unreadable;
use crate::cli::ShowRecord;
use crate::report::{Class, Failure, Report};

/// Columns where nobody says how many there are.
const WIDTH: usize = 120;

pub(super) fn run(args: &ShowRecord) -> Result<Report, Failure> {
    let mut found = None;
    stats::records(&args.dataset, |record| {
        let meant = record.id.starts_with(&args.id) || record.provenance.symbol == args.id;
        if meant {
            found = Some(record);
        }
        !meant
    })
    .map_err(|error| unreadable(&error))?;
    let Some(record) = found else {
        let dataset = args.dataset.display();
        let text = format!("{dataset} has no record {}", printable(&args.id));
        return Err(Failure::new(Class::NotFound, text).hint(format!(
            "grep {} {dataset}/rejects.jsonl",
            printable(&args.id)
        )));
    };
    let fields = serde_json::to_value(&record).unwrap_or(Value::Null);
    let text = page(&record, args.width.unwrap_or(WIDTH).max(40));
    Ok(Report::new(json!({ "record": fields }), text))
}

fn page(record: &Record, width: usize) -> String {
    let from = &record.provenance;
    let mut page = format!(
        "{}  {}:{}  {}\n{:?}: {} of {} inputs defined, {} outcomes  {}\n\n",
        record.id,
        from.path,
        from.line_start,
        from.repo,
        record.verify.level,
        record.verify.survived,
        record.verify.inputs,
        record.verify.distinct_outputs,
        from.spdx
    );
    if let Some(reason) = &record.verify.reason {
        let _ = writeln!(page, "no higher level: {reason}\n");
    }
    page += record.doc_raw.trim();
    page += "\n\n";
    let left: Vec<String> = record.c_source.lines().map(untabbed).collect();
    let right: Vec<String> = indented(&record.output);
    let half = (width - 3) / 2;
    let longest = left.iter().map(|line| line.chars().count()).max();
    let column = longest.unwrap_or(0).clamp(10, half);
    let left = left.iter().flat_map(|line| wrapped(line, column));
    let right = right
        .iter()
        .flat_map(|line| wrapped(line, width - 3 - column));
    let (left, right): (Vec<String>, Vec<String>) = (left.collect(), right.collect());
    let nothing = String::new();
    for number in 0..left.len().max(right.len()) {
        let c = left.get(number).unwrap_or(&nothing);
        let wat = right.get(number).unwrap_or(&nothing);
        let _ = writeln!(page, "{}", format!("{c:<column$} | {wat}").trim_end());
    }
    for example in record.io_examples.iter().take(3) {
        let result = example.result.as_deref().unwrap_or("nothing");
        let _ = writeln!(page, "\n({}) gives {result}", example.args.join(", "));
    }
    printable_lines(&page)
}

fn untabbed(line: &str) -> String {
    line.replace('\t', "    ")
}

/// Records are not indented; people read them better if they are.
fn indented(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut lines = Vec::new();
    for line in text.lines() {
        let opens = line.matches('(').count();
        let closes = line.matches(')').count();
        let word = line.split_whitespace().next().unwrap_or("");
        let (block, end) = (["block", "loop", "if"].contains(&word), word == "end");
        let back = usize::from(end || word == "else" || line == ")");
        let indent = "  ".repeat(depth.saturating_sub(back));
        lines.push(format!("{indent}{line}"));
        depth = (depth + opens + usize::from(block)).saturating_sub(closes + usize::from(end));
    }
    lines
}

/// A line in pieces that fit.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let marks: Vec<char> = line.chars().collect();
    if marks.is_empty() {
        return vec![String::new()];
    }
    let pieces = marks
        .chunks(width.max(1))
        .map(|piece| piece.iter().collect());
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_continued_and_blocks_indented() {
        assert_eq!(wrapped("abcde", 2), ["ab", "cd", "e"]);
        let text = "(module\n(func $f\nblock\nbr 0\nend\n)\n)";
        let expected = [
            "(module",
            "  (func $f",
            "    block",
            "      br 0",
            "    end",
            "  )",
            ")",
        ];
        assert_eq!(indented(text), expected);
    }
}
