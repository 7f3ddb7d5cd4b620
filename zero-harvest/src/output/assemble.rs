//! From parts to the dataset.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use serde_json::json;

use super::{OutputError, Part, Parts};
use crate::limits;
use crate::record::{Counts, SCHEMA_VERSION};

/// Writes lines to numbered files, each with so many lines at most.
struct Shards<'a> {
    folder: &'a Path,
    current: Option<BufWriter<File>>,
    count: usize,
    names: Vec<String>,
}

impl Shards<'_> {
    fn write(&mut self, line: &str) -> Result<(), OutputError> {
        if self.count.is_multiple_of(limits::SHARD_RECORDS) {
            let name = format!("records-{:05}.jsonl", self.names.len());
            let path = self.folder.join(&name);
            let file = File::create(&path).map_err(OutputError::at(&path))?;
            self.finish()?;
            self.current = Some(BufWriter::new(file));
            self.names.push(name);
        }
        self.count += 1;
        if let Some(file) = &mut self.current {
            file.write_all(line.as_bytes())
                .and_then(|()| file.write_all(b"\n"))
                .map_err(OutputError::at(self.folder))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), OutputError> {
        match self.current.take() {
            Some(mut file) => file.flush().map_err(OutputError::at(self.folder)),
            None => Ok(()),
        }
    }
}

impl Parts {
    /// Makes the dataset of the parts of these keys, in this order; the figures of each.
    pub(crate) fn assemble(
        &self,
        keys: &[String],
        clang: &str,
        libclang: &str,
    ) -> Result<Vec<(String, Counts)>, OutputError> {
        let data = self.out.join("data");
        if data.exists() {
            fs::remove_dir_all(&data).map_err(OutputError::at(&data))?;
        }
        fs::create_dir_all(&data).map_err(OutputError::at(&data))?;
        let rejects = self.out.join("rejects.jsonl");
        let mut rejected =
            BufWriter::new(File::create(&rejects).map_err(OutputError::at(&rejects))?);
        let mut shards = Shards {
            folder: &data,
            current: None,
            count: 0,
            names: Vec::new(),
        };
        let mut repositories = Vec::new();
        for key in keys {
            let folder = self.folder.join(key);
            let mut part: Part = only(&folder.join("part.json"))?;
            each(&folder.join("records.jsonl"), |line| {
                part.counts.records += 1;
                shards.write(line)
            })?;
            each(&folder.join("rejects.jsonl"), |line| {
                writeln!(rejected, "{line}").map_err(OutputError::at(&rejects))
            })?;
            repositories.push((part.repo, part.commit, part.counts));
        }
        shards.finish()?;
        rejected.flush().map_err(OutputError::at(&rejects))?;
        let manifest = json!({
            "schema_version": SCHEMA_VERSION,
            "clang": clang,
            "libclang": libclang,
            "files": shards.names,
            "repositories": repositories.iter().map(|(repo, commit, counts)| json!({
                "repo": repo, "commit": commit, "counts": counts,
            })).collect::<Vec<_>>(),
        });
        let path = self.out.join("manifest.json");
        fs::write(&path, format!("{manifest:#}\n")).map_err(OutputError::at(&path))?;
        Ok(repositories
            .into_iter()
            .map(|(repo, _, counts)| (repo, counts))
            .collect())
    }
}

fn only(path: &Path) -> Result<Part, OutputError> {
    let bytes = fs::read(path).map_err(OutputError::at(path))?;
    serde_json::from_slice(&bytes).map_err(|source| OutputError::Damaged {
        path: path.to_owned(),
        source,
    })
}

fn each(
    path: &Path,
    mut line: impl FnMut(&str) -> Result<(), OutputError>,
) -> Result<(), OutputError> {
    let file = File::open(path).map_err(OutputError::at(path))?;
    for read in BufReader::new(file).lines() {
        line(&read.map_err(OutputError::at(path))?)?;
    }
    Ok(())
}
