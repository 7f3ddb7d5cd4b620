//! The project while it runs: its events become progress, notes and errors.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;
use zero_format::printable;

use super::environment::Python;
use crate::host::Session;
use crate::report::{Bar, Class, Failure};
use crate::write;

/// Lines of the log that are worth showing when the project ends without a word.
const SHOWN: usize = 12;
/// The longest event that is read.
const LONGEST: u64 = 1 << 20;

/// How the project is started.
pub(super) struct Child<'a> {
    pub(super) session: &'a Session,
    pub(super) python: &'a Python,
    pub(super) project: &'a Path,
}

impl Child<'_> {
    /// Runs one command of the project and returns its last event.
    pub(super) fn run(&self, arguments: &[OsString], processes: u32) -> Result<Value, Failure> {
        let log = self.log();
        let mut command = self.command(arguments, processes);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        if let Some(log) = &log {
            let file = File::create(log).map_err(|error| write::cannot_write(log, &error))?;
            command.stderr(file);
        }
        let mut child = command.spawn().map_err(|error| {
            let program = self.python.program.display();
            Failure::failed(format!("cannot start {program}")).because(&error)
        })?;
        let last = child
            .stdout
            .take()
            .and_then(|stdout| self.listen(BufReader::new(stdout)));
        let status = child
            .wait()
            .map_err(|error| Failure::failed("cannot wait for Python").because(&error))?;
        let result = match last {
            Some(event) if event["event"] == "error" => Err(failure(&event)),
            Some(event) if status.success() && ends(&event) => Ok(event),
            _ => return Err(silent(status, log.as_deref())),
        };
        if let Some(log) = log {
            // Nobody is told of it, and one that stays harms nobody.
            let _ = fs::remove_file(log);
        }
        result
    }

    /// Where what it says goes, of this process alone; nowhere if the user reads it.
    fn log(&self) -> Option<PathBuf> {
        let name = format!("log-{}.txt", std::process::id());
        let folder = self.session.home.cache_dir().join("tune");
        (!self.session.output.verbose).then(|| folder.join(name))
    }

    fn command(&self, arguments: &[OsString], processes: u32) -> Command {
        let mut command = Command::new(&self.python.program);
        if processes > 1 {
            command
                .args(["-m", "torch.distributed.run", "--standalone"])
                .arg(format!("--nproc-per-node={processes}"));
        }
        command.args(["-m", "zero_tune"]).args(arguments);
        command.env("PYTHONPATH", self.project);
        // A module of that name in the current folder must not be taken for the project.
        command.env("PYTHONSAFEPATH", "1");
        if self.session.offline {
            command.env("HF_HUB_OFFLINE", "1");
        }
        command
    }

    /// Shows events as they come; the last one that ends a command, or an error, is the result.
    fn listen(&self, mut stdout: impl std::io::BufRead) -> Option<Value> {
        let bar = self.session.output.bar();
        let (mut last, mut at, mut started) = (None, 0, false);
        loop {
            let mut line = Vec::new();
            let read = (&mut stdout).take(LONGEST).read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) {
                return last;
            }
            // What is no event is a stray line of some library.
            let Ok(event) = serde_json::from_slice::<Value>(&line) else {
                continue;
            };
            match event["event"].as_str() {
                Some("step") => step(&bar, &event, &mut at, &mut started),
                Some("note") => self.say(&event["text"], true),
                Some("check") => self.say(&event["text"], false),
                Some("error") if last.is_none() => last = Some(event),
                Some("done" | "plan") => last = Some(event),
                _ => {}
            }
        }
    }

    fn say(&self, text: &Value, important: bool) {
        let text = printable(text.as_str().unwrap_or_default());
        if important {
            self.session.output.note(&format!("note: {text}"));
        } else {
            self.session.output.detail(&text);
        }
    }
}

/// It died without an event: what the system and the log say.
fn silent(status: ExitStatus, log: Option<&Path>) -> Failure {
    let text = log.and_then(|log| fs::read(log).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
    let failure = Failure::failed("Python ended without a result").cause(status.to_string());
    if last.contains("ModuleNotFoundError") {
        return failure.details(last).hint(
            "this Python lacks packages: install zero-model/tune/locks/train.txt into it, or leave out --python",
        );
    }
    if killed(status) {
        return failure
            .hint("the system kills what takes all memory: try --batch 1, with a new --out");
    }
    match log {
        Some(log) => failure
            .details(last)
            .hint(format!("all it said is in {}", log.display())),
        None => failure,
    }
}

fn ends(event: &Value) -> bool {
    matches!(event["event"].as_str(), Some("done" | "plan"))
}

fn step(bar: &Bar, event: &Value, at: &mut u64, started: &mut bool) {
    let count = |name: &str| event[name].as_u64().unwrap_or(0);
    if !*started {
        bar.phase("train", usize::try_from(count("steps")).unwrap_or(0));
        *started = true;
    }
    for (name, word) in [
        ("loss", "loss"),
        ("eval_loss", "validation loss"),
        ("reward", "reward"),
    ] {
        if let Some(value) = event[name].as_f64() {
            bar.title(format!("{word} {value:.4}"));
        }
    }
    while *at < count("step") {
        bar.advance();
        *at += 1;
    }
}

/// The project's own error, in our words for its class.
fn failure(event: &Value) -> Failure {
    let class = match event["code"].as_str() {
        Some("not-found") => Class::NotFound,
        Some("unreachable") => Class::Unreachable,
        Some("usage") => Class::Usage,
        _ => Class::Failed,
    };
    let text = event["message"].as_str().unwrap_or("Python failed");
    let (message, details) = text.split_once('\n').unwrap_or((text, ""));
    let mut failure = Failure::new(class, message);
    if !details.is_empty() {
        failure = failure.details(details);
    }
    failure.hint_if(event["hint"].as_str())
}

#[cfg(unix)]
fn killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(9)
}

#[cfg(not(unix))]
fn killed(_: ExitStatus) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_of_the_project_becomes_one_of_ours() {
        let event = json!({
            "event": "error",
            "code": "not-found",
            "message": "2 records leak:\nalpha:f ~ beta:g",
            "hint": "--drop-leaks",
        });
        let failure = failure(&event);
        assert_eq!(failure.class(), Class::NotFound);
        assert_eq!(failure.message(), "2 records leak:");
        assert_eq!(failure.hint_text(), Some("--drop-leaks"));
    }

    #[cfg(unix)]
    #[test]
    fn the_advice_after_a_death_follows_from_this_run_alone() {
        use std::os::unix::process::ExitStatusExt as _;
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.txt");
        fs::write(&log, "ModuleNotFoundError: No module named 'torch'\n").unwrap();
        let hint = |code, log| {
            silent(ExitStatus::from_raw(code), log)
                .hint_text()
                .map(str::to_owned)
        };
        assert!(
            hint(1 << 8, Some(log.as_path())).is_some_and(|hint| hint.contains("lacks packages"))
        );
        // Without a log the user has read everything.
        assert_eq!(hint(1 << 8, None), None);
        assert!(
            hint(9, None)
                .is_some_and(|hint| hint.contains("new --out") && !hint.contains("--resume"))
        );
    }

    #[test]
    fn every_code_of_the_project_has_its_class() {
        let class = |code| failure(&json!({"code": code, "message": "x"})).class();
        assert_eq!(class("failed"), Class::Failed);
        assert_eq!(class("not-found"), Class::NotFound);
        assert_eq!(class("unreachable"), Class::Unreachable);
        assert_eq!(class("usage"), Class::Usage);
        assert_eq!(class("of a later version"), Class::Failed);
    }
}
