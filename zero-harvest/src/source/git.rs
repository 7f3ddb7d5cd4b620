//! Clones, at depth 1, with the user's own git.

use std::path::{Path, PathBuf};
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

/// A clone of the newest commit that `cache` keeps, and the commit. It is cloned if it is not there.
pub(super) fn cached(url: &str, cache: &Path) -> Result<(PathBuf, String), SourceError> {
    std::fs::create_dir_all(cache).map_err(SourceError::read(cache))?;
    let said = run(
        git(cache).args(["ls-remote", "--quiet", "--", url, "HEAD"]),
        url,
    )?;
    let commit = said.split_whitespace().next().unwrap_or_default();
    let place = |commit: &str| {
        let address = blake3::hash(url.as_bytes()).to_hex();
        cache.join(format!("{}-{commit}", &address[..16]))
    };
    let known = place(commit);
    if !commit.is_empty() && known.is_dir() {
        return Ok((known, commit.to_owned()));
    }
    let fresh = tempfile::Builder::new()
        .prefix(".clone-")
        .tempdir_in(cache)
        .map_err(SourceError::read(cache))?;
    // Somebody may have pushed meanwhile: what was cloned counts.
    let commit = clone(url, fresh.path())?;
    let kept = place(&commit);
    match std::fs::rename(fresh.path(), &kept) {
        Ok(()) => drop(fresh.keep()),
        Err(_) if kept.is_dir() => {}
        Err(error) => return Err(SourceError::read(&kept)(error)),
    }
    Ok((kept, commit))
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
