//! The three ways to print a description.

use std::io::{self, Write};

use crate::column::{Kind, Summary};

#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns for people
    Table,
    /// One object per file, one file per line
    Json,
    /// Rows that csvstat itself can read
    Csv,
}

pub fn write(
    out: &mut impl Write,
    format: Format,
    file: Option<&str>,
    columns: &[Summary],
) -> io::Result<()> {
    match format {
        Format::Table => table(out, file, columns),
        Format::Json => {
            let object = match file {
                Some(file) => serde_json::json!({ "file": file, "columns": columns }),
                None => serde_json::json!({ "columns": columns }),
            };
            writeln!(out, "{object}")
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            for column in columns {
                writer.serialize(column).map_err(io::Error::other)?;
            }
            writer.flush()
        }
    }
}

fn table(out: &mut impl Write, file: Option<&str>, columns: &[Summary]) -> io::Result<()> {
    if let Some(file) = file {
        writeln!(out, "{file}")?;
    }
    let head = [
        "column", "type", "count", "empty", "min", "max", "mean", "stddev",
    ]
    .map(String::from);
    let rows: Vec<[String; 8]> = std::iter::once(head)
        .chain(columns.iter().map(row))
        .collect();
    let mut widths = [0_usize; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &rows {
        let mut line = String::new();
        for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Names to the left, figures to the right.
            let gap = " ".repeat(width - cell.chars().count());
            line += &if index < 2 {
                format!("{cell}{gap}  ")
            } else {
                format!("{gap}{cell}  ")
            };
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn row(column: &Summary) -> [String; 8] {
    let kind = match column.kind {
        Kind::Empty => "empty",
        Kind::Number => "number",
        Kind::Text => "text",
    };
    let text = |value: &Option<String>| value.as_deref().map_or(String::from("-"), shorten);
    let number =
        |value: Option<f64>| value.map_or(String::from("-"), |value| format!("{value:.3}"));
    [
        shorten(&column.column),
        kind.to_owned(),
        column.count.to_string(),
        column.empty.to_string(),
        text(&column.min),
        text(&column.max),
        number(column.mean),
        number(column.stddev),
    ]
}

/// At most 24 characters, so that one long value does not push the rest off the screen.
fn shorten(value: &str) -> String {
    if value.chars().count() <= 24 {
        return value.to_owned();
    }
    value.chars().take(23).chain(['…']).collect()
}
