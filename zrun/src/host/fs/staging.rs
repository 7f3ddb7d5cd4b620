//! Directories of single runs, and what becomes of those whose run was killed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ViewError;
use crate::disk;

/// Bytes of the list of files that wait beside their places.
const MAX_ANNOUNCED: u64 = 16 << 20;
/// Files that are reported as not kept.
const MAX_STRAYS: usize = 16;

/// A directory of one run; removed with everything in it when the run ends.
#[derive(Debug)]
pub(super) struct Staging {
    path: PathBuf,
}

impl Staging {
    pub(super) fn create(cache: &Path) -> Result<Self, ViewError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let all = cache.join("staging");
        let path = all.join(format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        let create = || {
            disk::private_dir(&all)?;
            sweep(&all);
            // A directory of this name was left by an earlier process with our number.
            discard(&path)?;
            disk::private_dir(&path.join("root"))
        };
        create().map_err(|source| ViewError::Staging {
            path: path.clone(),
            source,
        })?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the program sees as `/`.
    pub(super) fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    /// Writes down that an output is about to wait at this path, so that it does not wait for ever.
    pub(super) fn announce(&self, path: &Path) -> io::Result<()> {
        let mut line = path.as_os_str().as_encoded_bytes().to_vec();
        line.push(0);
        let mut options = OpenOptions::new();
        let mut list = options
            .append(true)
            .create(true)
            .open(announced(&self.path))?;
        list.write_all(&line)
    }

    /// Files that the program made and that were not put there: a few guest paths.
    pub(super) fn strays(&self, known: &BTreeMap<String, PathBuf>) -> Vec<String> {
        let root = self.root();
        let mut found = Vec::new();
        let mut directories = vec![root.clone()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(inner) = path.strip_prefix(&root) else {
                    continue;
                };
                let guest = format!("/{}", inner.display());
                let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                match known.contains_key(&guest) {
                    _ if found.len() >= MAX_STRAYS => return found,
                    true => {}
                    false if is_directory => directories.push(path),
                    false => found.push(guest),
                }
            }
        }
        found
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is swept by a later run.
        let _ = discard(&self.path);
    }
}

fn announced(staging: &Path) -> PathBuf {
    staging.join("beside")
}

/// Removes a run's directory, and first what it left beside the places of its outputs.
pub(crate) fn discard(staging: &Path) -> io::Result<()> {
    let list = disk::read_bounded(&announced(staging), MAX_ANNOUNCED).unwrap_or_default();
    for path in list.unwrap_or_default().split(|byte| *byte == 0) {
        let path = PathBuf::from(decode(path));
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.starts_with('.') && name.contains(".zrun-")) {
            // Absent is what it should be.
            let _ = remove(&path);
        }
    }
    match remove_nested(staging) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
fn decode(bytes: &[u8]) -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn decode(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Removes an output that still waits.
fn remove(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

/// Removes a directory with all that is in it. Inner directories are moved beside it first: a program may have nested
/// them deeper than the system lets anybody follow.
fn remove_nested(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut directories = vec![path.to_owned()];
    let mut moved: u64 = 0;
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                moved += 1;
                let beside = path.with_file_name(format!("{name}-{moved}"));
                fs::rename(entry.path(), &beside)?;
                directories.push(beside);
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        fs::remove_dir(&directory)?;
    }
    Ok(())
}

/// Removes what runs that were killed left behind.
fn sweep(all: &Path) {
    let Ok(entries) = fs::read_dir(all) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.split('-').next())
            .and_then(|pid| pid.parse::<u32>().ok());
        if owner.is_none_or(|pid| !is_running(pid)) {
            let _ = discard(&entry.path());
        }
    }
}

#[cfg(unix)]
fn is_running(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    else {
        return false;
    };
    // A process of somebody else has our old number: not ours, but not provably gone either.
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

#[cfg(not(unix))]
fn is_running(_pid: u32) -> bool {
    true
}
