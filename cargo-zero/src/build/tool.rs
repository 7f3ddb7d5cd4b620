//! Other programs: found on `PATH`, run, and explained when they are missing or fail.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::host::{Environment, Session};
use crate::report::Failure;

/// The first of these names that is an executable file on `PATH`.
pub(crate) fn find(env: &Environment, names: &[&str]) -> Option<PathBuf> {
    let path = env.path.as_deref()?;
    names
        .iter()
        .flat_map(|name| {
            std::env::split_paths(path).map(move |folder| folder.join(with_suffix(name)))
        })
        .find(|file| file.is_file())
}

fn with_suffix(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// Runs a program to its end and captures both of its outputs.
pub(crate) fn capture(command: &mut Command) -> Result<Output, Failure> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_start(command.get_program(), &error))
}

/// The first line that a program prints about its version; none if it does not work.
pub(crate) fn version(program: &Path) -> Option<String> {
    let output = capture(Command::new(program).arg("--version"))
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(|line| line.trim().to_owned())
}

/// Runs a program whose standard error the user sees, and captures its standard output.
pub(crate) fn watch(session: &Session, command: &mut Command) -> Result<Output, Failure> {
    session.output.detail(&format!("running {command:?}"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|error| cannot_start(command.get_program(), &error))
}

fn cannot_start(program: &OsStr, error: &io::Error) -> Failure {
    let name = program.display();
    let failure = Failure::failed(format!("cannot run {name}")).because(error);
    if error.kind() == io::ErrorKind::NotFound {
        return failure.hint(format!("install {name}, or put it on PATH"));
    }
    failure
}
