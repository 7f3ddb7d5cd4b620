//! Reads a dataset back.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::record::Record;

/// Why a dataset cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A line is no record.
    #[error("{path}, line {line}: no record of this version")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// There are no records in lines.
    #[error("{0} has no records in JSON lines")]
    NoLines(PathBuf),
    /// A file cannot be read.
    #[error("read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl ReadError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoLines(_) => {
                Some("cargo zero harvest SOURCE… --out DIR --resume --format jsonl,parquet")
            }
            Self::Malformed { .. } => Some("make it again with this version, in another folder"),
            Self::Io { .. } => None,
        }
    }
}

/// Gives each record of a dataset's folder to `each`, until that says `false`.
///
/// # Errors
/// When there is none, or one cannot be read.
pub fn records(dataset: &Path, mut each: impl FnMut(Record) -> bool) -> Result<(), ReadError> {
    let data = dataset.join("data");
    let mut paths: Vec<PathBuf> = fs::read_dir(&data)
        .map_err(ReadError::at(&data))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".jsonl") || name.ends_with(".jsonl.zst")
        })
        .collect();
    paths.sort();
    if paths.is_empty() && !is_empty(dataset) {
        return Err(ReadError::NoLines(dataset.to_owned()));
    }
    for path in paths {
        let file = File::open(&path).map_err(ReadError::at(&path))?;
        let lines: Box<dyn BufRead> = if path.extension().is_some_and(|end| end == "zst") {
            let decoder = zstd::stream::read::Decoder::new(file).map_err(ReadError::at(&path))?;
            Box::new(BufReader::new(decoder))
        } else {
            Box::new(BufReader::new(file))
        };
        for (number, line) in lines.lines().enumerate() {
            let line = line.map_err(ReadError::at(&path))?;
            let record = serde_json::from_str(&line).map_err(|source| ReadError::Malformed {
                path: path.clone(),
                line: number + 1,
                source,
            })?;
            if !each(record) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Whether a run made this dataset and found nothing.
fn is_empty(dataset: &Path) -> bool {
    let manifest = fs::read(dataset.join("manifest.json")).ok();
    let manifest =
        manifest.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    manifest.is_some_and(|manifest| manifest["files"].as_array().is_some_and(Vec::is_empty))
}
