//! The files of a folder, in an order that does not depend on the machine.

use std::path::Path;

use super::SourceError;

/// Paths of all files, sorted. Links are left out: they may lead anywhere, or in circles.
pub(super) fn list(root: &Path) -> Result<Vec<String>, SourceError> {
    let mut files = Vec::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        let path = root.join(&folder);
        for entry in std::fs::read_dir(&path).map_err(SourceError::read(&path))? {
            let entry = entry.map_err(SourceError::read(&path))?;
            let kind = entry.file_type().map_err(SourceError::read(&path))?;
            // A name that is not UTF-8 cannot stand in a record.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let below = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            if kind.is_dir() && name != ".git" {
                open.push(below);
            } else if kind.is_file() {
                files.push(below);
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// A digest of paths and contents, as long as a commit's name.
pub(super) fn digest(root: &Path, files: &[String]) -> Result<String, SourceError> {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let path = root.join(file);
        let bytes = std::fs::read(&path).map_err(SourceError::read(&path))?;
        hasher.update(blake3::hash(file.as_bytes()).as_bytes());
        hasher.update(blake3::hash(&bytes).as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..40].to_owned())
}
