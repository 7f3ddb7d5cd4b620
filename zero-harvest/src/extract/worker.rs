//! The process that reads sources: JSON lines in, JSON lines out.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use super::libclang::Library;
use super::{Extraction, Request, walk};
use crate::limits::{self, Budget};
use crate::process::{self, Watchdog};

/// What a worker says first.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Hello {
    /// It is ready; libclang's version.
    Ready(String),
    /// It cannot start.
    Failed(String),
}

/// Why a worker gives no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// It ended in the middle: a crash of the parser, or a limit.
    #[error("the parser crashed, or reached its limit of time or memory")]
    Died,
    /// It cannot use libclang.
    #[error("{0}")]
    Libclang(String),
    /// It cannot be started.
    #[error("start the process that reads sources")]
    Start(#[source] io::Error),
}

/// What a worker process does: answers requests until there are no more.
///
/// # Errors
/// When its input or output breaks, or libclang crashes. The other side sees that the process ended.
pub fn serve(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let library = match Library::load() {
        Ok(library) => library,
        Err(error) => return line(&mut output, &Hello::Failed(error.to_string())),
    };
    line(&mut output, &Hello::Ready(library.version()))?;
    for request in input.lines() {
        let request: Request = serde_json::from_str(&request?)?;
        line(&mut output, &walk::extract(&library, &request)?)?;
    }
    Ok(())
}

fn line(output: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b"\n")?;
    output.flush()
}

/// A worker, seen from outside.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    version: String,
    budget: Budget,
}

impl Worker {
    /// Starts the command line `command`, which must end in [`serve`]. Each of its answers may take `budget`.
    pub(crate) fn start(command: &[OsString], budget: Budget) -> Result<Self, WorkerError> {
        let (program, args) = command.split_first().ok_or(WorkerError::Died)?;
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // libclang describes its crashes there; they are not the user's.
            .stderr(Stdio::null())
            .spawn()
            .map_err(WorkerError::Start)?;
        // It writes no files.
        process::limit(&child, budget.memory, 0);
        let requests = child.stdin.take();
        let answers = child.stdout.take().ok_or(WorkerError::Died)?;
        let mut worker = Self {
            child,
            requests,
            answers: BufReader::new(answers),
            version: String::new(),
            budget,
        };
        match worker.answer()? {
            Hello::Ready(version) => worker.version = version,
            Hello::Failed(error) => return Err(WorkerError::Libclang(error)),
        }
        Ok(worker)
    }

    /// The version of libclang that it uses.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Has a unit read.
    pub(crate) fn extract(&mut self, request: &Request) -> Result<Extraction, WorkerError> {
        let requests = self.requests.as_mut().ok_or(WorkerError::Died)?;
        line(requests, request).map_err(|_| WorkerError::Died)?;
        self.answer()
    }

    fn answer<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, WorkerError> {
        let watchdog = Watchdog::new(&self.child, self.budget.time);
        let mut answer = String::new();
        // A line that is cut off is no JSON.
        let read = (&mut self.answers)
            .take(limits::ANSWER)
            .read_line(&mut answer);
        watchdog.call_off();
        read.ok()
            .and_then(|_| serde_json::from_str(&answer).ok())
            .ok_or(WorkerError::Died)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends with its input; one that hangs is killed.
        self.requests = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
