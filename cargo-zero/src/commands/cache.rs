//! `cache`: what is stored on this machine and can be fetched or made again.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use crate::cli::Cache;
use crate::host::Session;
use crate::report::{Failure, Report, human_size};
use crate::write::cannot_write;

pub(crate) fn run(session: &Session, args: &Cache) -> Result<Report, Failure> {
    match args {
        Cache::Info => info(session),
        Cache::Clean => clean(session),
    }
}

fn info(session: &Session) -> Result<Report, Failure> {
    let folder = session.home.cache_dir();
    let mut parts = Vec::new();
    let (mut files, mut bytes) = (0, 0);
    for (name, path) in entries(folder)? {
        let (count, size) = measure(&path)?;
        files += count;
        bytes += size;
        parts.push((name, count, size));
    }
    let mut text = format!("{}\n", folder.display());
    for (name, count, size) in &parts {
        text += &format!("  {name:<14} {count:>7} files  {:>10}\n", human_size(*size));
    }
    text += &format!(
        "  {:<14} {files:>7} files  {:>10}\n",
        "all",
        human_size(bytes)
    );
    let parts: Vec<_> = parts
        .iter()
        .map(|(name, files, bytes)| json!({ "name": name, "files": files, "bytes": bytes }))
        .collect();
    Ok(Report::new(
        json!({ "folder": folder, "files": files, "bytes": bytes, "parts": parts }),
        text,
    ))
}

/// Removes everything but what protects against rollback: the newest state that each registry was seen in.
fn clean(session: &Session) -> Result<Report, Failure> {
    let folder = session.home.cache_dir();
    let (mut files, mut bytes) = (0, 0);
    for (name, path) in entries(folder)? {
        if KEPT.contains(&name.as_str()) {
            continue;
        }
        let (count, size) = measure(&path)?;
        let removed = if path.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(|error| cannot_write(&path, &error))?;
        files += count;
        bytes += size;
    }
    let text = format!("removed {files} files, {}\n", human_size(bytes));
    Ok(Report::new(json!({ "files": files, "bytes": bytes }), text))
}

/// The newest state seen of each registry, and what running programs use.
const KEPT: [&str; 2] = ["registry", "staging"];

fn entries(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>, Failure> {
    let failed = |error: &io::Error| {
        Failure::failed(format!("cannot read {}", folder.display())).because(error)
    };
    let list = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        list => list.map_err(|error| failed(&error))?,
    };
    let mut found = Vec::new();
    for entry in list {
        let entry = entry.map_err(|error| failed(&error))?;
        found.push((
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        ));
    }
    found.sort();
    Ok(found)
}

/// Files and bytes at and below a path. What vanishes meanwhile does not count.
fn measure(path: &Path) -> Result<(u64, u64), Failure> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok((0, 0));
    };
    if !found.is_dir() {
        return Ok((1, found.len()));
    }
    let (mut files, mut bytes) = (0, 0);
    for (_, below) in entries(path)? {
        let (count, size) = measure(&below)?;
        files += count;
        bytes += size;
    }
    Ok((files, bytes))
}
