//! The table that a run closes with.

use zero_format::printable;
use zero_harvest::Summary;
use zero_harvest::record::Counts;

const COLUMNS: [&str; 7] = [
    "documented",
    "compilable",
    "L1",
    "self-contained",
    "L2",
    "records",
    "rejected",
];

/// The closing table: by repository, then by reason.
pub(super) fn text(summary: &Summary) -> String {
    let total = ("all", &summary.total);
    let rows: Vec<(&str, &Counts)> = summary
        .repositories
        .iter()
        .map(|(name, counts)| (name.as_str(), counts))
        .chain((summary.repositories.len() > 1).then_some(total))
        .collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0).max("repository".len());
    let mut text = format!("{:<width$}", "repository");
    for column in COLUMNS {
        text += &format!("  {column}");
    }
    text.push('\n');
    for (name, counts) in rows {
        text += &format!("{:<width$}", printable(name));
        let rejected = counts.rejected.values().sum();
        let cells = [
            counts.documented,
            counts.compilable,
            counts.l1,
            counts.self_contained,
            counts.l2,
            counts.records,
            rejected,
        ];
        for (column, cell) in COLUMNS.iter().zip(cells) {
            text += &format!("  {cell:>width$}", width = column.len());
        }
        text.push('\n');
    }
    let mut reasons: Vec<(&String, &usize)> = summary.total.rejected.iter().collect();
    reasons.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
    for (reason, count) in reasons {
        text += &format!("  {count:>6} {reason}\n");
    }
    text += &sources(&summary.total);
    text
}

/// What the table does not show: why there is less than expected.
fn sources(total: &Counts) -> String {
    let (units, compiled) = (total.units, total.compiled_units);
    let mut text = String::new();
    if compiled < units {
        text += &format!(
            "{compiled} of {units} sources compile; rejects.jsonl says why the others do not\n"
        );
    }
    if total.documented == 0 {
        text += "no function has a documentation comment: /** … */, /*! … */, /// or //!\n";
    }
    text
}
