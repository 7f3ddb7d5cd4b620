//! What an evaluation leaves in its folder: answers as they arrive, then verdicts and a report.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zero_model::eval::{Judged, Sample};

use crate::report::Failure;
use crate::write;

/// An open folder; no other evaluation has it at the same time.
pub(super) struct Folder {
    dir: PathBuf,
    answers: File,
    resumed: bool,
}

impl Folder {
    /// Makes it, or goes on with one.
    pub(super) fn open(dir: &Path, resume: bool) -> Result<Self, Failure> {
        std::fs::create_dir_all(dir).map_err(|error| write::cannot_write(dir, &error))?;
        let path = dir.join("answers.jsonl");
        let cannot = |error: io::Error| write::cannot_write(&path, &error);
        let answers = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(cannot)?;
        // Where files cannot be locked, nobody else is known of.
        if matches!(answers.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(
                Failure::failed(format!("another evaluation writes to {}", dir.display()))
                    .hint("give each one a folder of its own: --out DIR"),
            );
        }
        let used = answers.metadata().map_err(cannot)?.len() > 0;
        if used && !resume {
            return Err(
                Failure::usage(format!("{} holds answers already", dir.display()))
                    .hint("--resume goes on with them; another --out begins anew"),
            );
        }
        Ok(Self {
            dir: dir.to_owned(),
            answers,
            resumed: used,
        })
    }

    /// The answers that are here, of the run that `run` describes. A line that a killed run left unfinished is cut off.
    pub(super) fn begin(&mut self, run: &Value) -> Result<Vec<Sample>, Failure> {
        let path = self.dir.join("run.json");
        let cannot = |error: io::Error| write::cannot_write(&self.dir, &error);
        if !self.resumed {
            write::replace(&path, format!("{run}\n").as_bytes())?;
            return Ok(Vec::new());
        }
        let before = std::fs::read(&path).ok();
        let before: Option<Value> = before.and_then(|text| serde_json::from_slice(&text).ok());
        if before.as_ref() != Some(run) {
            return Err(Failure::usage(format!(
                "the answers in {} are another run's",
                self.dir.display()
            ))
            .because(&differs(before.as_ref(), run))
            .hint("use the same model, tasks and sampling, or another --out"));
        }
        let mut bytes = Vec::new();
        self.answers.read_to_end(&mut bytes).map_err(cannot)?;
        // The unfinished line may end within a character.
        bytes.truncate(
            bytes
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |end| end + 1),
        );
        let whole = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.answers
            .set_len(whole)
            .and_then(|()| self.answers.seek(SeekFrom::End(0)))
            .map_err(cannot)?;
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let samples = lines.map(serde_json::from_slice).collect::<Result<_, _>>();
        samples.map_err(|error| {
            Failure::failed(format!("cannot read the answers in {}", self.dir.display()))
                .because(&error)
        })
    }

    /// Keeps an answer, before anything is made of it.
    pub(super) fn add(&mut self, sample: &Sample) -> Result<(), Failure> {
        self.answers
            .write_all(format!("{}\n", json!(sample)).as_bytes())
            .map_err(|error| write::cannot_write(&self.dir.join("answers.jsonl"), &error))
    }

    /// Writes verdicts and report.
    pub(super) fn finish(
        &self,
        judged: &[Judged],
        markdown: &str,
        svg: &str,
        fields: &Value,
    ) -> Result<(), Failure> {
        let mut samples = String::new();
        for one in judged {
            samples += &json!(one).to_string();
            samples.push('\n');
        }
        let markdown = format!("{markdown}\n![Shares](report.svg)\n");
        for (name, text) in [
            ("samples.jsonl", samples.as_str()),
            ("report.md", &markdown),
            ("report.svg", svg),
            ("report.json", &fields.to_string()),
        ] {
            write::replace(&self.dir.join(name), text.as_bytes())?;
        }
        Ok(())
    }
}

/// The first thing that two runs do not share.
fn differs(before: Option<&Value>, now: &Value) -> io::Error {
    let differing =
        now.as_object().into_iter().flatten().find(|(name, value)| {
            before.is_none_or(|before| before.get(name.as_str()) != Some(value))
        });
    io::Error::other(differing.map_or_else(String::new, |(name, value)| {
        let old = before.map_or(&Value::Null, |before| &before[name.as_str()]);
        format!("{name} was {old} and is {value}")
    }))
}
