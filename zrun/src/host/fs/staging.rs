//! Directories of single runs, and what becomes of those whose run was killed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ViewError;
use crate::disk;

/// A directory of one run; removed with everything in it when the run ends.
#[derive(Debug)]
pub(super) struct Staging {
    pub(super) path: PathBuf,
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
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            disk::private_dir(&path)
        };
        create().map_err(|source| ViewError::Staging {
            path: path.clone(),
            source,
        })?;
        Ok(Self { path })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is swept by a later run.
        let _ = fs::remove_dir_all(&self.path);
    }
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
            let _ = fs::remove_dir_all(entry.path());
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
