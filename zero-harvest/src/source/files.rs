//! The files of a folder, in an order that does not depend on the machine.

use std::io;
use std::path::Path;

use super::SourceError;

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// Paths of all files, sorted.
    pub(super) files: Vec<String>,
    /// What is none of it: links, which may lead anywhere, or in circles, and what git keeps for itself.
    pub(super) hidden: Vec<String>,
}

/// Lists a folder.
pub(super) fn list(root: &Path) -> Result<Listed, SourceError> {
    let mut listed = Listed::default();
    let mut open = vec![(root.to_owned(), Some(String::new()))];
    while let Some((path, folder)) = open.pop() {
        for entry in std::fs::read_dir(&path).map_err(SourceError::read(&path))? {
            let entry = entry.map_err(SourceError::read(&path))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(SourceError::read(&path))?;
            let name = entry.file_name();
            let below = match (&folder, name.to_str()) {
                (Some(folder), Some(name)) if folder.is_empty() => Some(name.to_owned()),
                (Some(folder), Some(name)) => Some(format!("{folder}/{name}")),
                _ => None,
            };
            if kind.is_symlink() || name == ".git" {
                let hidden = below.ok_or_else(|| unnamed(&path))?;
                listed.hidden.push(hidden);
            } else if kind.is_dir() {
                open.push((path, below));
            } else if kind.is_file() {
                // A name that is not UTF-8 cannot stand in a record.
                listed.files.extend(below);
            }
        }
    }
    listed.files.sort_unstable();
    listed.hidden.sort_unstable();
    Ok(listed)
}

/// What cannot be named cannot be hidden from the compiler either.
fn unnamed(path: &Path) -> SourceError {
    let error = "it is a link, and its name is not UTF-8";
    SourceError::read(path)(io::Error::new(io::ErrorKind::InvalidData, error))
}

/// A digest of paths and contents, as long as a commit's name.
pub(super) fn digest(root: &Path, files: &[String]) -> Result<String, SourceError> {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let path = root.join(file);
        let read = std::fs::File::open(&path).and_then(|open| {
            blake3::Hasher::new()
                .update_reader(open)
                .map(|hasher| hasher.finalize())
        });
        hasher.update(blake3::hash(file.as_bytes()).as_bytes());
        hasher.update(read.map_err(SourceError::read(&path))?.as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..40].to_owned())
}
