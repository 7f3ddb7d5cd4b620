//! Clones, at depth 1, with the user's own git.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Source, SourceError};
use crate::limits;

/// Clones into an empty folder; the commit.
pub(super) fn clone(url: &str, folder: &Path) -> Result<String, SourceError> {
    // `--` keeps a URL from being an option.
    let mut clone = remote(folder, url);
    clone
        .args(["clone", "--quiet", "--depth", "1", "--no-tags"])
        .args(["--no-checkout", "--", url, "."]);
    run(&mut clone, url)?;
    let said = run(git(folder).args(["rev-parse", "HEAD"]), url)?;
    measure(folder, url)?;
    run(
        git(folder).args(["reset", "--quiet", "--hard", "HEAD"]),
        url,
    )?;
    Ok(said.trim().to_owned())
}

/// Refuses a commit that would not fit: a few kilobytes of it can stand for more files than any disk holds.
fn measure(folder: &Path, url: &str) -> Result<(), SourceError> {
    let name = || Source::Git(url.to_owned()).name();
    let failed = |source| SourceError::Git {
        name: name(),
        source,
    };
    let mut list = git(folder);
    list.args(["ls-tree", "-r", "-l", "-z", "HEAD"]);
    let mut child = list
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let (mut entries, mut bytes) = (0_usize, 0_u64);
    if let Some(list) = child.stdout.take() {
        for entry in BufReader::new(list).split(0) {
            entries += 1;
            bytes = bytes.saturating_add(size(&entry.map_err(failed)?));
            if entries > limits::ARCHIVE_ENTRIES || bytes > limits::ARCHIVE_BYTES {
                break;
            }
        }
    }
    // One that has more to say has nobody to say it to.
    let _ = child.kill();
    let _ = child.wait();
    let what = if entries > limits::ARCHIVE_ENTRIES {
        format!("more than {} files", limits::ARCHIVE_ENTRIES)
    } else if bytes > limits::ARCHIVE_BYTES {
        format!("more than {} bytes", limits::ARCHIVE_BYTES)
    } else {
        return Ok(());
    };
    Err(SourceError::TooLarge { name: name(), what })
}

/// The size in an entry such as `100644 blob <object>    1234\t<path>`; a submodule has none.
fn size(entry: &[u8]) -> u64 {
    let before = entry
        .split(|byte| *byte == b'\t')
        .next()
        .unwrap_or_default();
    let size = before.rsplit(|byte| *byte == b' ').next();
    size.and_then(|size| std::str::from_utf8(size).ok()?.parse().ok())
        .unwrap_or(0)
}

/// A clone of the newest commit that `cache` keeps, and the commit. It is cloned if it is not there.
pub(super) fn cached(url: &str, cache: &Path) -> Result<(PathBuf, String), SourceError> {
    std::fs::create_dir_all(cache).map_err(SourceError::read(cache))?;
    let said = run(
        remote(cache, url).args(["ls-remote", "--quiet", "--", url, "HEAD"]),
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
    tidy(cache);
    let fresh = tempfile::Builder::new()
        .prefix(UNFINISHED)
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

/// What the name of a clone that is being made begins with.
const UNFINISHED: &str = ".clone-";
/// Nothing takes so long to clone.
const OLD: Duration = Duration::from_hours(24);

/// Removes what runs that were killed left behind. Other runs may be cloning into the same folder.
fn tidy(cache: &Path) {
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten() {
        let made = entry.metadata().and_then(|data| data.modified());
        let old = made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > OLD));
        if old && entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// What stands in front of a URL's host, `@` included: whose right it is to read it is nobody else's business.
pub(super) fn user(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let end = authority.rfind('@').map_or(0, |at| at + 1);
    &authority[..end]
}

/// What a checkout depends on besides the repository, and what may ask or wait for somebody who is not there.
const SETTINGS: [&str; 7] = [
    "core.hooksPath=/dev/null",
    "core.symlinks=false",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.attributesFile=/dev/null",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
];
/// Says that nobody can be asked.
const SILENT: [(&str, &str); 4] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", "true"),
    ("SSH_ASKPASS_REQUIRE", "never"),
    ("GCM_INTERACTIVE", "never"),
];
/// Names a repository other than the one in the folder, as within a hook.
const ELSEWHERE: [&str; 8] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).envs(SILENT);
    for name in ELSEWHERE {
        command.env_remove(name);
    }
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command.stdin(Stdio::null());
    command
}

/// The same for what goes to another machine.
fn remote(folder: &Path, url: &str) -> Command {
    let mut command = git(folder);
    // ssh asks on the terminal, whatever its input is. The user's own way to call it stays.
    let configured = || {
        let own = git(folder).args(["config", "core.sshCommand"]).output();
        own.is_ok_and(|own| own.status.success())
    };
    if url.starts_with("ssh://") && !configured() {
        command.args([
            "-c",
            "core.sshCommand=ssh -oBatchMode=yes -oConnectTimeout=60 -oServerAliveInterval=60",
        ]);
    }
    command
}

fn run(command: &mut Command, url: &str) -> Result<String, SourceError> {
    let name = || Source::Git(url.to_owned()).name();
    let output = command.output().map_err(|source| SourceError::Git {
        name: name(),
        source,
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = match user(url) {
            "" => said.into_owned(),
            user => said.replace(user, ""),
        };
        return Err(SourceError::Clone {
            name: name(),
            said: said.trim().to_owned(),
        });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
