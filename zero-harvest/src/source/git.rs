//! Clones, at depth 1, with the user's own git.

use std::path::Path;
use std::process::{Command, Stdio};

use super::SourceError;

/// Clones into an empty folder; the commit.
pub(super) fn clone(url: &str, folder: &Path) -> Result<String, SourceError> {
    // `--` keeps a URL from being an option; no prompt may wait for an answer that nobody gives.
    let mut clone = git(folder);
    clone
        .args(["clone", "--quiet", "--depth", "1", "--no-tags", "--", url])
        .arg(".");
    run(&mut clone, url)?;
    let said = run(git(folder).args(["rev-parse", "HEAD"]), url)?;
    Ok(said.trim().to_owned())
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.symlinks=false",
        ])
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command, url: &str) -> Result<String, SourceError> {
    let output = command.output().map_err(|source| SourceError::Git {
        url: url.to_owned(),
        source,
    })?;
    if !output.status.success() {
        return Err(SourceError::Clone {
            url: url.to_owned(),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
