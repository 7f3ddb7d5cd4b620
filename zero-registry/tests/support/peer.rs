//! Programs of others that tests need. xtask and CI install them and make a missing one an error.

use std::process::{Command, Stdio};

/// A command for the program; nothing, and a note, where it is not installed.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "whether peers are required is told by the environment, and what is left out is said"
)]
pub fn peer(program: &str) -> Option<Command> {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$1\"", "sh", program])
        .stdout(Stdio::null())
        .status();
    if found.is_ok_and(|status| status.success()) {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        return Some(command);
    }
    let text = format!("LEFT OUT: {program} is not installed (cargo xtask setup)");
    assert!(std::env::var_os("XTASK_PEERS").is_none(), "{text}");
    eprintln!("{text}");
    None
}
