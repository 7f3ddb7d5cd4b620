//! Small file operations with the guarantees that the state of `zrun` needs: private directories, bounded reads, and
//! writes that are either complete or absent whatever happens in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Creates `dir` and what is missing above it; directories made here are for the user only.
pub(crate) fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Reads a file of at most `limit` bytes; `None` when there is no such file.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    read_open(file, limit).map(Some)
}

/// Reads all of an open file of at most `limit` bytes.
pub(crate) fn read_open(mut file: File, limit: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    if size > limit {
        return Err(too_large(limit));
    }
    // One system call for what is there; the bound holds for what is added meanwhile, and for files without a size.
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| too_large(limit))?];
    file.read_exact(&mut bytes)?;
    file.take((limit - size).saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    Ok(bytes)
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("larger than {limit} bytes"),
    )
}

/// Memory that looks like a file; `None` where the system has none.
#[cfg(target_os = "linux")]
pub(crate) fn memory() -> Option<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 know no flag for what may be executed; there everything may.
    memfd_create("zrun code", flags | MemfdFlags::EXEC)
        .or_else(|_| memfd_create("zrun code", flags))
        .ok()
        .map(File::from)
}

/// Makes such memory what it is for good: no process, this one included, can write to it from now on.
#[cfg(target_os = "linux")]
pub(crate) fn freeze(memory: File) -> Option<File> {
    use rustix::fs::{SealFlags, fcntl_add_seals};
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&memory, seals).ok()?;
    Some(memory)
}

/// Writes `bytes` to `path` through a temporary file beside it, so that a reader sees the old content or the new.
pub(crate) fn write_atomic(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    replace(path, |temporary| write_new(temporary, parts))
}

/// The same for what is checked when it is read and can be made again: it does not wait for the disk, so that a loss
/// of power may leave something torn.
pub(crate) fn write_cached(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    replace(path, |temporary| write_parts(temporary, parts).map(drop))
}

fn replace(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let temporary = temporary_beside(path)?;
    let written = write(&temporary).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one worth reporting.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes `bytes` to a new private file; fails if it exists.
pub(crate) fn write_new(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    write_parts(path, parts)?.sync_data()
}

fn write_parts(path: &Path, parts: &[&[u8]]) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    Ok(file)
}

/// A name beside `path` that no other process and no other thread of this one uses.
pub(crate) fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut temporary = std::ffi::OsString::from(".tmp-");
    temporary.push(name);
    temporary.push(format!(
        "-{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ));
    Ok(path.with_file_name(temporary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atomic_write_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("entry");
        write_atomic(&path, &[b"one ", b"two"]).unwrap();
        write_atomic(&path, &[b"three"]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn reads_are_bounded_and_absence_is_not_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("entry");
        assert!(read_bounded(&path, 4).unwrap().is_none());
        fs::write(&path, b"12345").unwrap();
        assert_eq!(
            read_bounded(&path, 4).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
        assert_eq!(read_bounded(&path, 5).unwrap().unwrap(), b"12345");
    }
}
