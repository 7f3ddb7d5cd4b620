//! `cargo-zero` does what takes the network, a question or an explanation.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use zrun::exit;

use crate::failure::Failure;

/// Becomes `cargo-zero` with these words; comes back only if there is none.
pub(super) fn hand_over(words: impl IntoIterator<Item = OsString>) -> Failure {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut tried = None;
    for program in companions() {
        let mut command = std::process::Command::new(&program);
        command.args(&words);
        match replace(&mut command) {
            error if error.kind() == io::ErrorKind::NotFound => {}
            error => tried = Some(format!("{}: {error}", program.display())),
        }
    }
    let failure = Failure::new(
        exit::NOT_FOUND,
        "the package has to be fetched or allowed first, and `cargo-zero`, which does that, is not here",
    );
    match tried {
        Some(why) => failure.details(why),
        None => failure.hint(Some("install it beside zrun: cargo install cargo-zero")),
    }
}

/// `cargo-zero` beside this program, then the one on PATH.
fn companions() -> Vec<PathBuf> {
    let name = format!("cargo-zero{}", std::env::consts::EXE_SUFFIX);
    // A launcher is a link to this program, and not every system says where the link leads.
    let beside = std::env::current_exe()
        .and_then(|own| own.canonicalize())
        .ok()
        .and_then(|own| Some(own.parent()?.join(&name)));
    beside.into_iter().chain([PathBuf::from(name)]).collect()
}

#[cfg(unix)]
fn replace(command: &mut std::process::Command) -> io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

#[cfg(not(unix))]
fn replace(command: &mut std::process::Command) -> io::Error {
    match command.status() {
        Ok(status) => {
            let code = status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(exit::FAILED);
            super::end(code);
        }
        Err(error) => error,
    }
}
