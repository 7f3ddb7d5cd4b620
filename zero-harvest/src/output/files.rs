//! The dataset's files: numbered, each of one split, in every format that was asked for.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::OutputError;
use super::parquet::Table;
use super::style::Style;
use crate::limits;
use crate::record::{Record, Split};

/// What records are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A JSON object a line.
    Jsonl,
    /// The same, compressed with Zstandard.
    JsonlZst,
    /// Columns.
    Parquet,
}

impl Format {
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::JsonlZst => "jsonl.zst",
            Self::Parquet => "parquet",
        }
    }
}

/// Writes lines to a file, compressed or not.
enum Lines {
    Plain(BufWriter<File>),
    Zst(zstd::stream::write::Encoder<'static, BufWriter<File>>),
}

impl Lines {
    fn create(path: &Path, compressed: bool) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        Ok(if compressed {
            Self::Zst(zstd::stream::write::Encoder::new(file, LEVEL)?)
        } else {
            Self::Plain(file)
        })
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let out: &mut dyn Write = match self {
            Self::Plain(out) => out,
            Self::Zst(out) => out,
        };
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")
    }

    fn finish(self) -> io::Result<()> {
        let buffer = match self {
            Self::Plain(out) => out,
            Self::Zst(out) => out.finish()?,
        };
        buffer.into_inner()?.sync_all()
    }
}

/// Better than zstd's default, and still faster than anything makes records.
const LEVEL: i32 = 9;

/// The files of one format or style and one split.
struct Series {
    folder: PathBuf,
    split: Split,
    shape: Shape,
    current: Option<Current>,
    count: usize,
    numbers: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Records(Format),
    Styled(Style, bool),
}

enum Current {
    Lines(Lines, PathBuf),
    Table(Box<Table>, PathBuf),
}

impl Series {
    fn path(&self) -> PathBuf {
        let extension = match self.shape {
            Shape::Records(format) => format.extension(),
            Shape::Styled(_, true) => "jsonl.zst",
            Shape::Styled(_, false) => "jsonl",
        };
        let name = format!("{}-{:05}.{extension}", self.split.word(), self.numbers);
        self.folder.join(name)
    }

    fn write(&mut self, record: &Record, line: &str) -> Result<(), OutputError> {
        let styled = match self.shape {
            Shape::Styled(style, _) => match style.line(record) {
                Some(line) => Some(line),
                None => return Ok(()),
            },
            Shape::Records(_) => None,
        };
        if self.count.is_multiple_of(limits::SHARD_RECORDS) {
            self.finish()?;
            self.start()?;
        }
        self.count += 1;
        match &mut self.current {
            Some(Current::Lines(lines, path)) => lines
                .line(styled.as_deref().unwrap_or(line))
                .map_err(OutputError::at(path)),
            Some(Current::Table(table, path)) => table.row(record).map_err(OutputError::at(path)),
            None => Ok(()),
        }
    }

    fn start(&mut self) -> Result<(), OutputError> {
        let path = self.path();
        let compressed = matches!(
            self.shape,
            Shape::Records(Format::JsonlZst) | Shape::Styled(_, true)
        );
        self.current = Some(if self.shape == Shape::Records(Format::Parquet) {
            let table = Table::create(&path).map_err(OutputError::at(&path))?;
            Current::Table(Box::new(table), path)
        } else {
            let lines = Lines::create(&path, compressed).map_err(OutputError::at(&path))?;
            Current::Lines(lines, path)
        });
        self.numbers += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        match self.current.take() {
            Some(Current::Lines(lines, path)) => lines.finish().map_err(OutputError::at(&path)),
            Some(Current::Table(table, path)) => table.finish().map_err(OutputError::at(&path)),
            None => Ok(()),
        }
    }
}

/// All files of a dataset's records.
pub(super) struct Files(Vec<Series>);

impl Files {
    /// Makes the folders, which lose what they had.
    pub(super) fn create(
        out: &Path,
        formats: &[Format],
        styles: &[Style],
    ) -> Result<Self, OutputError> {
        for name in ["data", "styles"] {
            let folder = out.join(name);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(OutputError::at(&folder))?;
            }
        }
        let compressed = formats.contains(&Format::JsonlZst);
        let records = formats
            .iter()
            .map(|format| (out.join("data"), Shape::Records(*format)));
        let training = styles.iter().map(|style| {
            let folder = out.join("styles").join(style.word());
            (folder, Shape::Styled(*style, compressed))
        });
        let mut series = Vec::new();
        for (folder, shape) in records.chain(training) {
            fs::create_dir_all(&folder).map_err(OutputError::at(&folder))?;
            series.extend(Split::ALL.map(|split| Series {
                folder: folder.clone(),
                split,
                shape,
                current: None,
                count: 0,
                numbers: 0,
            }));
        }
        Ok(Self(series))
    }

    /// Writes a record, given with its line.
    pub(super) fn write(&mut self, record: &Record, line: &str) -> Result<(), OutputError> {
        let meant = self.0.iter_mut().filter(|one| one.split == record.split);
        for series in meant {
            series.write(record, line)?;
        }
        Ok(())
    }

    /// Completes the files; their paths from the dataset's folder.
    pub(super) fn finish(mut self, out: &Path) -> Result<Vec<String>, OutputError> {
        let mut names = Vec::new();
        for series in &mut self.0 {
            series.finish()?;
            let all = series.numbers;
            for number in 0..all {
                series.numbers = number;
                let path = series.path();
                let inside = path.strip_prefix(out).unwrap_or(&path);
                names.push(inside.to_string_lossy().replace('\\', "/"));
            }
        }
        names.sort();
        Ok(names)
    }
}
