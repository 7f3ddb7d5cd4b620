//! Records as a Parquet file: columns for what is filtered and read, JSON for what is nested.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

use crate::record::Record;

/// Bytes of text that are kept until a group of rows is written.
const GROUP: usize = 32 << 20;
/// Rows of a group at most.
const ROWS: usize = 8192;

/// A column, and where its value is in a record's JSON.
struct Column {
    name: &'static str,
    path: &'static [&'static str],
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Text; nested values as JSON.
    Text,
    /// A number, or nothing.
    Number,
}

const fn text(name: &'static str, path: &'static [&'static str]) -> Column {
    Column {
        name,
        path,
        kind: Kind::Text,
    }
}

const fn number(name: &'static str, path: &'static [&'static str]) -> Column {
    Column {
        name,
        path,
        kind: Kind::Number,
    }
}

const COLUMNS: [Column; 39] = [
    text("id", &["id"]),
    text("instruction", &["instruction"]),
    text("instruction_source", &["instruction_source"]),
    text("output", &["output"]),
    text("doc_raw", &["doc_raw"]),
    text("doc_tags", &["doc_tags"]),
    text("signature_c", &["signature_c"]),
    text("signature_wasm", &["signature_wasm"]),
    text("abi", &["abi"]),
    text("c_source", &["c_source"]),
    text("c_deps", &["c_deps"]),
    text("wasm_sha256", &["wasm_sha256"]),
    text("imports", &["imports"]),
    number("closure_fns", &["closure_fns"]),
    text("features", &["features"]),
    number("n_instr", &["n_instr"]),
    number("heap_base", &["heap_base"]),
    text("repo", &["provenance", "repo"]),
    text("commit", &["provenance", "commit"]),
    text("path", &["provenance", "path"]),
    text("symbol", &["provenance", "symbol"]),
    number("line_start", &["provenance", "line_start"]),
    number("line_end", &["provenance", "line_end"]),
    text("spdx", &["provenance", "spdx"]),
    text("license_evidence", &["provenance", "license_evidence"]),
    text("clang", &["build", "clang"]),
    text("flags", &["build", "flags"]),
    text("recipe", &["build", "recipe"]),
    text("header_mode", &["build", "header_mode"]),
    text("level", &["verify", "level"]),
    text("seed", &["verify", "seed"]),
    number("inputs", &["verify", "inputs"]),
    number("survived", &["verify", "survived"]),
    number("distinct_outputs", &["verify", "distinct_outputs"]),
    text("reason", &["verify", "reason"]),
    text("io_examples", &["io_examples"]),
    text("dedupe_body", &["dedupe", "body"]),
    text("split", &["split"]),
    text("schema_version", &["schema_version"]),
];

/// A file that is being written.
pub(super) struct Table {
    writer: SerializedFileWriter<File>,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl Table {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut schema = String::from("message record {\n");
        for column in &COLUMNS {
            let (kind, note) = match column.kind {
                Kind::Text => ("binary", " (STRING)"),
                Kind::Number => ("int64", ""),
            };
            let _ = writeln!(schema, "optional {kind} {}{note};", column.name);
        }
        schema.push('}');
        let schema = parse_message_type(&schema).map_err(broken)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(broken)?))
            // The same bytes whichever release of the library writes them, as far as it goes.
            .set_created_by(String::from("zero-harvest"))
            .build();
        let file = File::create(path)?;
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties));
        Ok(Self {
            writer: writer.map_err(broken)?,
            rows: Vec::new(),
            bytes: 0,
        })
    }

    /// Adds a record.
    pub(super) fn row(&mut self, record: &Record) -> io::Result<()> {
        let value = serde_json::to_value(record)?;
        self.bytes += record.output.len() + record.c_source.len() + record.doc_raw.len();
        let cells = COLUMNS.iter().map(|column| at(&value, column.path));
        self.rows.push(cells.collect());
        if self.bytes >= GROUP || self.rows.len() >= ROWS {
            self.group()?;
        }
        Ok(())
    }

    fn group(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group().map_err(broken)?;
        for (number, column) in COLUMNS.iter().enumerate() {
            let cells = self.rows.iter().filter_map(|row| row.get(number));
            let levels: Vec<i16> = cells
                .clone()
                .map(|cell| i16::from(!cell.is_null()))
                .collect();
            let present = cells.filter(|cell| !cell.is_null());
            let Some(mut writer) = group.next_column().map_err(broken)? else {
                break;
            };
            match column.kind {
                Kind::Text => {
                    let values: Vec<ByteArray> = present
                        .map(|cell| ByteArray::from(word(cell).as_str()))
                        .collect();
                    let typed = writer.typed::<ByteArrayType>();
                    typed
                        .write_batch(&values, Some(&levels), None)
                        .map_err(broken)?;
                }
                Kind::Number => {
                    let values: Vec<i64> = present.filter_map(Value::as_i64).collect();
                    let typed = writer.typed::<Int64Type>();
                    typed
                        .write_batch(&values, Some(&levels), None)
                        .map_err(broken)?;
                }
            }
            writer.close().map_err(broken)?;
        }
        group.close().map_err(broken)?;
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Completes the file, which is on the disk then.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.group()?;
        self.writer.into_inner().map_err(broken)?.sync_all()
    }
}

fn at(value: &Value, path: &[&str]) -> Value {
    let mut value = value;
    for part in path {
        value = &value[*part];
    }
    value.clone()
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn broken(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
