//! Running commands: quietly, or shown as a person would type them.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::failure::Context as _;
use crate::{Failure, Result};

/// A title above the steps that follow.
pub(crate) fn title(text: &str) {
    println!("\n== {text}");
}

/// The command as a person would type it, without the environment that the chores add.
pub(crate) fn shown(command: &Command) -> String {
    let mut line = quoted(&command.get_program().to_string_lossy());
    for arg in command.get_args() {
        let _ = write!(line, " {}", quoted(&arg.to_string_lossy()));
    }
    line
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%~^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Prints the command, runs it, and says how long it took if that was long; its output goes straight through. Never
/// reads stdin.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let started = Instant::now();
    run_last(command)?;
    let seconds = started.elapsed().as_secs();
    if seconds > 0 {
        println!("({seconds} s)");
    }
    Ok(())
}

/// The same for a command that has the last word.
pub(crate) fn run_last(command: &mut Command) -> Result<()> {
    let line = shown(command);
    println!("$ {line}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .context(|| format!("start {line}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{line}: {status}")))
    }
}

/// Runs the command and returns what it printed, whatever its exit code was.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    let line = shown(command);
    command
        .stdin(Stdio::null())
        .output()
        .context(|| format!("start {line}"))
}

/// Runs the command quietly and returns its trimmed stdout; `None` when it cannot start or fails.
pub(crate) fn answer(program: &str, args: &[&str], dir: &Path) -> Option<String> {
    let output = capture(Command::new(program).args(args).current_dir(dir)).ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("cargo");
        command.args(["zero", "run", "csvstat@1.2", "--", "it's.csv", "", "<2"]);
        assert_eq!(
            shown(&command),
            r"cargo zero run csvstat@1.2 -- 'it'\''s.csv' '' '<2'"
        );
    }
}
