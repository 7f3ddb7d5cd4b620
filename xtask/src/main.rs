//! The binary behind `cargo xtask`.

#![expect(clippy::print_stderr, reason = "a command-line tool prints")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match xtask::Host::from_env().and_then(|host| xtask::run(&args, &host)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::FAILURE
        }
    }
}
