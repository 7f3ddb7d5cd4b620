//! From parts to the dataset.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, ErrorKind, Write as _};
use std::path::Path;

use serde_json::json;

use super::card::{self, Made};
use super::files::Files;
use super::{Format, OutputError, PART, Part, Parts, Style, synced, write};
use crate::filter::{Curation, Curator};
use crate::record::{Counts, Reason, Record, Reject, SCHEMA_VERSION};
use crate::stats::Statistics;

/// What is made of the parts.
pub(crate) struct Plan<'a> {
    /// The parts, in the order of the sources.
    pub(crate) keys: &'a [String],
    pub(crate) formats: &'a [Format],
    pub(crate) styles: &'a [Style],
    pub(crate) curation: &'a Curation,
    /// What made them.
    pub(crate) clang: &'a str,
    pub(crate) libclang: &'a str,
    pub(crate) libc: &'a str,
    /// Sources that could not be fetched.
    pub(crate) failed: Vec<&'a str>,
}

/// The dataset while it is written.
struct Assembly<'a> {
    files: Files,
    curator: Curator<'a>,
    statistics: Statistics,
    rejects: BufWriter<File>,
}

impl Parts {
    /// Makes the dataset; the figures of each repository.
    pub(crate) fn assemble(&self, plan: &Plan<'_>) -> Result<Vec<(String, Counts)>, OutputError> {
        // What is there from an earlier run is no longer complete.
        let manifest = self.out.join(MANIFEST);
        match fs::remove_file(&manifest) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(OutputError::at(&manifest)(error));
            }
            _ => {}
        }
        self.tidy()?;
        let rejects = self.out.join("rejects.jsonl");
        let mut assembly = Assembly {
            files: Files::create(&self.out, plan.formats, plan.styles)?,
            curator: Curator::new(plan.curation),
            statistics: Statistics::default(),
            rejects: BufWriter::new(File::create(&rejects).map_err(OutputError::at(&rejects))?),
        };
        let mut repositories = Vec::new();
        for key in plan.keys {
            let part = assembly.part(&self.folder.join(key))?;
            repositories.push((part.repo, part.commit, part.counts));
        }
        synced(assembly.rejects).map_err(OutputError::at(&rejects))?;
        let files = assembly.files.finish(&self.out)?;
        let made = Made {
            files: &files,
            repositories: &repositories,
            clang: plan.clang,
            libclang: plan.libclang,
        };
        card::write(&self.out, &made, &assembly.statistics)?;
        self.manifest(plan, &made)?;
        Ok(repositories
            .into_iter()
            .map(|(repo, _, counts)| (repo, counts))
            .collect())
    }

    /// Written last, and appears as a whole: where it is, the dataset is complete.
    fn manifest(&self, plan: &Plan<'_>, made: &Made<'_>) -> Result<(), OutputError> {
        let manifest = json!({
            "schema_version": SCHEMA_VERSION,
            "clang": made.clang,
            "libclang": made.libclang,
            "libc": plan.libc,
            "files": made.files,
            "repositories": made.repositories.iter().map(|(repo, commit, counts)| json!({
                "repo": repo, "commit": commit, "counts": counts,
            })).collect::<Vec<_>>(),
            "failed": plan.failed,
        });
        let fresh = self.unfinished()?;
        let path = fresh.path().join(MANIFEST);
        write(&path, format!("{manifest:#}\n").as_bytes())?;
        let target = self.out.join(MANIFEST);
        fs::rename(&path, &target).map_err(OutputError::at(&target))
    }
}

/// What says that a dataset is complete.
const MANIFEST: &str = "manifest.json";

impl Assembly<'_> {
    fn part(&mut self, folder: &Path) -> Result<Part, OutputError> {
        let mut part: Part = only(&folder.join(PART))?;
        let path = folder.join("rejects.jsonl");
        each(&path, |line| {
            writeln!(self.rejects, "{line}").map_err(OutputError::at(&path))
        })?;
        let path = folder.join("records.jsonl");
        each(&path, |line| {
            let record: Record = serde_json::from_str(line).map_err(damaged(&path))?;
            match self.verdict(&record, part.counts.records) {
                Ok(()) => {
                    part.counts.records += 1;
                    self.statistics.add(&record);
                    self.files.write(&record, line)
                }
                Err((reason, detail)) => {
                    part.counts.reject(reason);
                    let reject = Reject::of(&record, reason, detail);
                    serde_json::to_writer(&mut self.rejects, &reject)
                        .map_err(std::io::Error::from)
                        .and_then(|()| self.rejects.write_all(b"\n"))
                        .map_err(OutputError::at(&path))
                }
            }
        })?;
        Ok(part)
    }

    fn verdict(&mut self, record: &Record, kept: usize) -> Result<(), (Reason, String)> {
        let most = self.curator.most();
        if kept >= most {
            return Err((
                Reason::OverCap,
                format!("its repository has {most} already"),
            ));
        }
        self.curator.keep(record)
    }
}

fn only(path: &Path) -> Result<Part, OutputError> {
    let bytes = fs::read(path).map_err(OutputError::at(path))?;
    serde_json::from_slice(&bytes).map_err(damaged(path))
}

fn damaged(path: &Path) -> impl FnOnce(serde_json::Error) -> OutputError {
    let path = path.to_owned();
    |source| OutputError::Damaged { path, source }
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
