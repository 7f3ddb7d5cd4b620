//! What a user's machine keeps of registries: files by their digest, and what was last trusted.
//!
//! ```text
//! blob/<aa>/<sha256>.zero      package files, kept only after they were verified
//! page/<aa>/<sha256>           map pages and package chains, by digest
//! registry/<sha256>            what is trusted of one registry: roots, head, time of the last check
//! registry/<sha256>.lock       serialises writers of the file above
//! ```
//!
//! Content-addressed files are checked against their name whenever they are read, so a flipped byte
//! or a planted file is as good as a missing one. Every write is a temporary file that is renamed:
//! a kill leaves the old state or the new one, and two processes cannot tear a file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use zero_format::Digest;

/// A directory of verified files, shared by all processes of one user.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// Why the store could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk, or the user's share of it, is full.
    #[error("write {path}: no space left")]
    Full {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file could not be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file could not be written.
    #[error("write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    /// What the user can do.
    pub fn hint(&self) -> String {
        match self {
            Self::Full { .. } => "free some space, for instance: cargo zero cache clean".to_owned(),
            Self::Read { path, .. } | Self::Write { path, .. } => {
                let dir = path.parent().unwrap_or(path);
                format!("check who owns {}, or set ZERO_HOME", dir.display())
            }
        }
    }

    fn write(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { path, source }
            }
            _ => Self::Write { path, source },
        }
    }
}

/// Whether a write waits until the bytes are on the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// The file is worth a wait: losing it costs a download or a memory of what was trusted.
    Yes,
    /// A torn file is noticed by its digest and fetched again.
    No,
}

impl Store {
    /// The store in this directory, which is made when something is first written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where a package file lies, or would lie.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.addressed("blob", digest, ".zero")
    }

    /// A package file, if a whole one is there.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn blob(&self, digest: &Digest, max_bytes: u64) -> Result<Option<Vec<u8>>, StoreError> {
        read_addressed(&self.blob_path(digest), digest, max_bytes)
    }

    /// A package file as it lies there, for a caller that compares the digest itself: a large file
    /// is not hashed twice.
    pub(crate) fn unchecked_blob(
        &self,
        digest: &Digest,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.blob_path(digest), max_bytes)
    }

    /// Keeps a package file; the caller has verified it.
    ///
    /// # Errors
    /// When it cannot be written. No part of it is left.
    pub fn keep_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<PathBuf, StoreError> {
        let path = self.blob_path(digest);
        replace(&path, bytes, Sync::Yes)?;
        Ok(path)
    }

    /// A map page or a segment of a package chain, if a whole one is there.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn page(&self, digest: &Digest, max_bytes: u64) -> Result<Option<Vec<u8>>, StoreError> {
        read_addressed(&self.addressed("page", digest, ""), digest, max_bytes)
    }

    /// Keeps a map page or a segment of a package chain.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_page(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        replace(&self.addressed("page", digest, ""), bytes, Sync::No)
    }

    /// What was last trusted of the registry with this identity.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn trusted(&self, id: &Digest, max_bytes: u64) -> Result<Option<Vec<u8>>, StoreError> {
        read(&self.trusted_path(id), max_bytes)
    }

    /// Where [`Store::trusted`] reads.
    pub fn trusted_path(&self, id: &Digest) -> PathBuf {
        self.root.join("registry").join(id.to_hex())
    }

    /// Replaces what is trusted of a registry by what `merge` makes of the present state.
    ///
    /// No other process writes it in between, so a slow process cannot undo a newer state. `None`
    /// from `merge` leaves the file as it is.
    ///
    /// # Errors
    /// When it cannot be read or written, or as `merge` says.
    pub fn update_trusted<E: From<StoreError>>(
        &self,
        id: &Digest,
        max_bytes: u64,
        merge: impl FnOnce(Option<Vec<u8>>) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<(), E> {
        let path = self.trusted_path(id);
        let _held = lock(&path.with_extension("lock"))?;
        if let Some(bytes) = merge(read(&path, max_bytes)?)? {
            replace(&path, &bytes, Sync::Yes)?;
        }
        Ok(())
    }

    fn addressed(&self, area: &str, digest: &Digest, suffix: &str) -> PathBuf {
        let hex = digest.to_hex();
        let (fan, _) = hex.split_at(2);
        self.root
            .join(area)
            .join(fan)
            .join(format!("{hex}{suffix}"))
    }
}

/// Holds until dropped; the system releases it too when the process dies.
fn lock(path: &Path) -> Result<File, StoreError> {
    let fail = |source| StoreError::write(path, source);
    make_parent(path)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(fail)?;
    file.lock().map_err(fail)?;
    Ok(file)
}

fn read_addressed(
    path: &Path,
    digest: &Digest,
    max_bytes: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let bytes = read(path, max_bytes)?;
    Ok(bytes.filter(|bytes| Digest::of(bytes) == *digest))
}

/// A file of at most `max_bytes`; a longer one cannot be what was kept and counts as missing.
fn read(path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let fail = |source| StoreError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let length = file.metadata().map_err(fail)?.len();
    if length > max_bytes {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(max_bytes).read_to_end(&mut bytes).map_err(fail)?;
    Ok(Some(bytes))
}

fn make_parent(path: &Path) -> Result<&Path, StoreError> {
    let parent = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(parent).map_err(|source| StoreError::write(parent, source))?;
    Ok(parent)
}

fn replace(path: &Path, bytes: &[u8], sync: Sync) -> Result<(), StoreError> {
    let fail = |source| StoreError::write(path, source);
    let parent = make_parent(path)?;
    // Dropped without being renamed, the temporary file is removed.
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(parent)
        .map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    if sync == Sync::Yes {
        file.as_file().sync_all().map_err(fail)?;
    }
    file.persist(path).map_err(|error| fail(error.error))?;
    if sync == Sync::Yes {
        sync_directory(parent).map_err(fail)?;
    }
    Ok(())
}

/// A rename is on the disk only when its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(dir: &Path) -> usize {
        fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { files(&path) } else { 1 })
            .sum()
    }

    #[test]
    fn a_blob_comes_back_as_it_was_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let digest = Digest::of(b"package");
        assert_eq!(store.blob(&digest, 7).unwrap(), None);
        let path = store.keep_blob(&digest, b"package").unwrap();
        assert_eq!(path, store.blob_path(&digest));
        assert_eq!(store.blob(&digest, 7).unwrap(), Some(b"package".to_vec()));
        assert_eq!(files(dir.path()), 1);
    }

    #[test]
    fn a_changed_file_counts_as_missing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let digest = Digest::of(b"package");
        let path = store.keep_blob(&digest, b"package").unwrap();
        for bytes in [&b"Package"[..], b"packag", b"packages", b""] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(store.blob(&digest, 7).unwrap(), None);
        }
        store.keep_blob(&digest, b"package").unwrap();
        assert!(store.blob(&digest, 7).unwrap().is_some());
    }

    #[test]
    fn an_unwritable_place_is_named_and_left_clean() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("blob"), b"in the way").unwrap();
        let store = Store::new(dir.path());
        let error = store
            .keep_blob(&Digest::of(b"package"), b"package")
            .unwrap_err();
        assert!(error.to_string().contains("blob"), "{error}");
        assert!(error.hint().contains("ZERO_HOME"));
        assert_eq!(files(dir.path()), 1);
    }

    #[test]
    fn a_full_disk_has_its_own_error() {
        let error = StoreError::write(Path::new("x"), io::ErrorKind::StorageFull.into());
        assert!(matches!(error, StoreError::Full { .. }));
        assert!(error.hint().contains("cache clean"));
    }

    #[test]
    fn concurrent_updates_are_applied_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let id = Digest::of(b"registry");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        store
                            .update_trusted(&id, 100, |old| {
                                let mut new = old.unwrap_or_default();
                                new.push(b'x');
                                Ok::<_, StoreError>(Some(new))
                            })
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(store.trusted(&id, 100).unwrap(), Some(vec![b'x'; 80]));
    }

    #[test]
    fn a_refused_update_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let id = Digest::of(b"registry");
        store
            .update_trusted(&id, 9, |_| Ok::<_, StoreError>(Some(b"old".to_vec())))
            .unwrap();
        store
            .update_trusted(&id, 9, |_| Ok::<_, StoreError>(None))
            .unwrap();
        assert_eq!(store.trusted(&id, 9).unwrap(), Some(b"old".to_vec()));
    }
}
