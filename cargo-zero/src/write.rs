//! Files that appear whole or not at all: a temporary file beside the target, synced, then renamed.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

use crate::report::Failure;

/// Replaces or creates `path`, with the permissions that new files have.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    try_replace(path, bytes, false).map_err(|error| cannot_write(path, &error))
}

/// Creates `path`, readable by its owner only; fails if it exists.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = prepare(path, bytes, true).and_then(|file| {
        file.persist_noclobber(path)
            .map(drop)
            .map_err(|error| error.error)
    });
    written.map_err(|error| exists_or(path, &error))
}

/// Replaces `path`, readable by its owner only.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    try_replace(path, bytes, true).map_err(|error| cannot_write(path, &error))
}

/// Creates `path`; fails if it exists.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = prepare(path, bytes, false).and_then(|file| {
        file.persist_noclobber(path)
            .map(drop)
            .map_err(|error| error.error)
    });
    written.map_err(|error| exists_or(path, &error))
}

fn try_replace(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    prepare(path, bytes, private)?
        .persist(path)
        .map(drop)
        .map_err(|error| error.error)
}

fn prepare(path: &Path, bytes: &[u8], private: bool) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".zero-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The umask of the user still applies to the public one.
        builder.permissions(fs::Permissions::from_mode(if private {
            0o600
        } else {
            0o666
        }));
    }
    #[cfg(not(unix))]
    let _ = private;
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn exists_or(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::AlreadyExists {
        Failure::failed(format!("{} exists already", path.display()))
            .hint("choose another name, or move the old file away; it is never overwritten")
    } else {
        cannot_write(path, error)
    }
}

/// The failure of a write, with what the user can do.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    let folder = path.parent().unwrap_or(path).display();
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some(format!("make {folder} writable, or write elsewhere"))
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(String::from(
            "free some space; `cargo zero cache clean` removes what can be fetched or compiled again",
        )),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            Some(format!("{folder} is not a folder; write elsewhere"))
        }
        _ => None,
    };
    Failure::failed(format!("cannot write {}", path.display()))
        .because(error)
        .hint_if(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_never_overwritten_by_create() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        create_private(&path, b"one").unwrap();
        assert!(create_private(&path, b"two").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        let left: Vec<_> = fs::read_dir(folder.path().join("a")).unwrap().collect();
        assert_eq!(left.len(), 1, "no temporary file stays");
    }

    #[cfg(unix)]
    #[test]
    fn private_files_are_for_their_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        create_private(&path, b"secret").unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
