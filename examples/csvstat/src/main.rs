//! `csvstat`: what is in the columns of a CSV file.
//!
//! A plain command-line program: it knows nothing of Zero. It reads the files that were named on the
//! command line, or standard input, and those are all that its `Zero.toml` asks for.

mod column;
mod report;

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::column::Column;
use crate::report::Format;

/// Describe the columns of CSV files: type, counts, range, mean and spread.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  csvstat data.csv\n  csvstat -c price -f json sales.csv\n  cat data.tsv | csvstat -d '\\t'"
)]
struct Args {
    /// Files to read; `-` or none means standard input
    files: Vec<String>,
    /// Only these columns (may be repeated)
    #[arg(short, long = "column", value_name = "NAME")]
    columns: Vec<String>,
    /// The character between two fields (`\t` for a tab)
    #[arg(short, long, default_value = ",", value_parser = parse_delimiter)]
    delimiter: u8,
    /// The first row is data, not the names of the columns
    #[arg(long)]
    no_header: bool,
    /// How to print the result
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text {
        "\\t" | "tab" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii() && *byte != b'"' && *byte != b'\n' && *byte != b'\r' => {
                Ok(*byte)
            }
            _ => Err(String::from(
                "one ASCII character is needed, such as `,`, `;` or `\\t`",
            )),
        },
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("csvstat: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, out: &mut impl Write) -> Result<(), String> {
    let stdin = [String::from("-")];
    let files = if args.files.is_empty() {
        &stdin[..]
    } else {
        &args.files[..]
    };
    for (index, file) in files.iter().enumerate() {
        let columns = if file == "-" {
            describe(io::stdin().lock(), args)
                .map_err(|error| format!("standard input: {error}"))?
        } else {
            File::open(file)
                .map_err(|error| error.to_string())
                .and_then(|input| describe(input, args))
                .map_err(|error| format!("{file}: {error}"))?
        };
        let title = (files.len() > 1).then_some(file.as_str());
        if index > 0 && args.format == Format::Table {
            writeln!(out).map_err(|error| error.to_string())?;
        }
        report::write(out, args.format, title, &columns).map_err(|error| error.to_string())?;
    }
    out.flush().map_err(|error| error.to_string())
}

/// Reads one table, row by row, in memory that does not grow with its length.
fn describe(input: impl Read, args: &Args) -> Result<Vec<column::Summary>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(args.delimiter)
        .has_headers(!args.no_header)
        .from_reader(input);
    let names: Vec<String> = if args.no_header {
        let first = reader.byte_headers().map_err(|error| explain(&error))?;
        (1..=first.len()).map(|number| number.to_string()).collect()
    } else {
        let first = reader.headers().map_err(|error| explain(&error))?;
        first.iter().map(String::from).collect()
    };
    let wanted = selection(&names, &args.columns)?;
    let mut columns: Vec<Column> = wanted
        .iter()
        .map(|&index| Column::new(names[index].clone()))
        .collect();
    let mut record = csv::StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| explain(&error))?
    {
        for (column, &index) in columns.iter_mut().zip(&wanted) {
            column.add(record.get(index).unwrap_or_default());
        }
    }
    Ok(columns.into_iter().map(Column::finish).collect())
}

/// The positions of the asked columns, in the order asked; all of them when none was.
fn selection(names: &[String], asked: &[String]) -> Result<Vec<usize>, String> {
    if asked.is_empty() {
        return Ok((0..names.len()).collect());
    }
    asked
        .iter()
        .map(|name| {
            names
                .iter()
                .position(|known| known == name)
                .ok_or_else(|| format!("no column {name:?}; there are: {}", names.join(", ")))
        })
        .collect()
}

/// The csv crate's errors, with the line first, as compilers print them.
fn explain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line}: {len} fields, but the first row has {expected_len}")
        }
        csv::ErrorKind::Utf8 { pos, err } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            format!("line {line}, field {}: not valid UTF-8", err.field() + 1)
        }
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe_text(text: &str, flags: &[&str]) -> Result<Vec<column::Summary>, String> {
        let args = Args::parse_from(["csvstat"].iter().chain(flags));
        describe(text.as_bytes(), &args)
    }

    #[test]
    fn a_short_row_is_an_error_with_its_line() {
        let error = describe_text("a,b\n1,2\n3\n", &[]).unwrap_err();
        assert_eq!(error, "line 3: 1 fields, but the first row has 2");
    }

    #[test]
    fn an_unknown_column_names_the_known_ones() {
        let error = describe_text("a,b\n1,2\n", &["-c", "z"]).unwrap_err();
        assert_eq!(error, "no column \"z\"; there are: a, b");
    }

    #[test]
    fn without_a_header_the_first_row_counts() {
        let columns = describe_text("1;2\n3;4\n", &["--no-header", "-d", ";"]).unwrap();
        assert_eq!(columns.len(), 2);
        assert_eq!((columns[0].count, columns[0].mean), (2, Some(2.0)));
    }
}
