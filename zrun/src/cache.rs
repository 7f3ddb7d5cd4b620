//! What a warm run needs: receipts of verification, compiled code and unpacked files, all in the user's private cache.
//!
//! Compiled code is machine code that will run in this process, so an entry is used only if a keyed hash over its name
//! and over every byte fits. The bytes are read once into memory of this process, hashed on the way and loaded from
//! there: nothing that happens to the file afterwards matters. Where the system can seal that memory it is mapped as it
//! is, else copied. An entry that does not fit is removed and compiled anew.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zero_format::{Artifact, Digest, FileEntry, FilesError, Receipt, Verified};

use crate::disk;
use crate::home::{Home, HomeError, Secret};
use crate::sealed;

const PURPOSE: &str = "zero 2026 compiled code";
const IDENTITY: &str = "zero 2026 file identity";
/// Bytes from which on it is quicker to look a file up than to hash it with SHA-256.
const LARGE: u64 = 64 << 10;
/// Bytes that are read at a time.
const READ: usize = 128 << 10;
/// Bytes that the record of a file may have.
const MAX_IDENTITY: u64 = 4096;
/// Bytes that one entry may have. Code is several times as large as its artifact.
const MAX_ENTRY: u64 = 2 << 30;
/// Bytes that all compiled code may take up unless told otherwise.
const DEFAULT_BOUND: u64 = 2 << 30;
/// An entry's last use is noted at most this often: a note is a write.
const TOUCH_EVERY: Duration = Duration::from_hours(1);
/// A temporary file as old as this belongs to a process that was killed.
const ABANDONED: Duration = Duration::from_hours(1);

/// The user's cache.
#[derive(Clone, Debug)]
pub struct Cache {
    home: Home,
    secret: Secret,
    bound: u64,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheInfo {
    /// Programs with compiled code.
    pub programs: u64,
    /// Bytes of compiled code.
    pub code: u64,
    /// Bytes of unpacked files.
    pub files: u64,
    /// Bytes of everything else: receipts and resolutions.
    pub records: u64,
}

/// Why bundled files could not be unpacked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// They cannot be written.
    #[error("write the package's files to {}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The archive is refused.
    #[error(transparent)]
    Files(#[from] FilesError),
}

impl Cache {
    /// Opens the user's cache.
    ///
    /// # Errors
    /// When the user's secret can neither be read nor created.
    pub fn open(home: &Home) -> Result<Self, HomeError> {
        Ok(Self {
            home: home.clone(),
            secret: home.secret()?,
            bound: DEFAULT_BOUND,
        })
    }

    /// Bounds the bytes of compiled code.
    #[must_use]
    pub fn bounded(mut self, bytes: u64) -> Self {
        self.bound = bytes;
        self
    }

    /// The home that the cache belongs to.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The secret that seals everything in it.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The receipt of an artifact that was verified before.
    pub fn receipt(&self, digest: &Digest) -> Option<Verified<Receipt>> {
        let limit = zero_format::limits::MAX_RECEIPT as u64;
        let bytes = disk::read_bounded(&self.home.receipt(digest), limit).ok()??;
        let receipt = Receipt::open(&bytes, self.secret.as_bytes()).ok()?;
        (receipt.digest == *digest).then_some(receipt)
    }

    /// Keeps the receipt of a verified artifact.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, artifact: &Verified<Artifact>) -> io::Result<()> {
        let path = self.home.receipt(&artifact.digest());
        if let Some(parent) = path.parent() {
            disk::private_dir(parent)?;
        }
        disk::write_cached(&path, &[&artifact.receipt().seal(self.secret.as_bytes())])
    }

    /// The digest of an open file that was seen before, without the cost of SHA-256 and without keeping the file: what
    /// runs is the code that was made of it. `None` if it is unknown, or too small for this to be quicker.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn recognise(&self, file: &mut fs::File) -> io::Result<Option<Digest>> {
        let most = zero_format::limits::MAX_ARTIFACT as u64;
        if !(LARGE..=most).contains(&file.metadata()?.len()) {
            return Ok(None);
        }
        let mut identity = self.identity();
        let mut buffer = vec![0; READ];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            identity.update(buffer.get(..count).unwrap_or_default());
        }
        let name = identity.finalize().to_hex();
        let sealed = disk::read_bounded(&self.identity_path(&name), MAX_IDENTITY)?;
        Ok(sealed.and_then(|sealed| sealed::open(&self.secret, IDENTITY, &name, &sealed)))
    }

    /// Lets [`Cache::recognise`] know a file with these bytes.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn remember_file(&self, bytes: &[u8], digest: &Digest) -> io::Result<()> {
        if (bytes.len() as u64) < LARGE {
            return Ok(());
        }
        let name = self.identity().update(bytes).finalize().to_hex();
        let path = self.identity_path(&name);
        if let Some(parent) = path.parent() {
            disk::private_dir(parent)?;
        }
        let sealed = sealed::seal(&self.secret, IDENTITY, &name, digest)?;
        disk::write_cached(&path, &[&sealed])
    }

    /// A hash that takes a fraction of the time of SHA-256, under a key of its own.
    fn identity(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(&self.secret.derive(IDENTITY))
    }

    fn identity_path(&self, name: &str) -> PathBuf {
        let records = self.home.cache_dir().join("receipts");
        records.join(format!("{name}.file"))
    }

    /// Notes that a program is to be compiled for speed before it runs again.
    pub(crate) fn want(&self, digest: &Digest) -> io::Result<()> {
        disk::write_cached(&self.wanted_path(digest), &[])
    }

    pub(crate) fn is_wanted(&self, digest: &Digest) -> bool {
        self.wanted_path(digest).exists()
    }

    pub(crate) fn no_longer_wanted(&self, digest: &Digest) {
        let _ = fs::remove_file(self.wanted_path(digest));
    }

    /// Nothing secret and nothing to be trusted: at worst something is compiled again.
    fn wanted_path(&self, digest: &Digest) -> PathBuf {
        self.home.receipt(digest).with_extension("wanted")
    }

    /// The compiled code of an artifact for an engine, every byte of it checked.
    pub(crate) fn code(&self, digest: &Digest, engine: &str) -> Option<Vec<u8>> {
        let name = name(digest, engine);
        let path = self.code_path(&name);
        let file = fs::File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        let mut bytes = disk::read_open(file, MAX_ENTRY).ok()?;
        let genuine = sealed::split(&bytes).is_some_and(|(code, stored)| {
            sealed::tag(&self.secret, PURPOSE, &name, code) == blake3::Hash::from_bytes(*stored)
        });
        if !genuine {
            // Not ours, or not whole: whoever wrote it, nothing of it is loaded.
            let _ = fs::remove_file(&path);
            return None;
        }
        bytes.truncate(bytes.len() - sealed::TAG);
        touch(&path, &metadata);
        Some(bytes)
    }

    /// The same in memory that nobody can change any more and that can be mapped as it is: what a copy in this process
    /// would cost, and a fault for each page of it, is saved. `None` also where the system has no such memory.
    #[cfg(target_os = "linux")]
    pub(crate) fn mapped_code(&self, digest: &Digest, engine: &str) -> Option<fs::File> {
        let name = name(digest, engine);
        let path = self.code_path(&name);
        let mut file = fs::File::open(&path).ok()?;
        let metadata = file.metadata().ok()?;
        let size = metadata.len().checked_sub(sealed::TAG as u64)?;
        if metadata.len() > MAX_ENTRY {
            return None;
        }
        let mut memory = disk::memory()?;
        let mut tag = sealed::Tag::new(&self.secret, PURPOSE, &name);
        let mut code = (&mut file).take(size);
        let mut piece = vec![0; READ];
        loop {
            match code.read(&mut piece).ok()? {
                0 => break,
                count => {
                    let piece = piece.get(..count)?;
                    tag.update(piece);
                    io::Write::write_all(&mut memory, piece).ok()?;
                }
            }
        }
        let mut stored = [0; sealed::TAG];
        file.read_exact(&mut stored).ok()?;
        if tag.finish() != blake3::Hash::from_bytes(stored) || file.read(&mut [0]).ok()? != 0 {
            // The caller finds the same, and removes it.
            return None;
        }
        let memory = disk::freeze(memory)?;
        touch(&path, &metadata);
        Some(memory)
    }

    /// Stores compiled code and makes room for it.
    pub(crate) fn store_code(&self, digest: &Digest, engine: &str, code: &[u8]) -> io::Result<()> {
        let name = name(digest, engine);
        disk::private_dir(&self.home.code_dir())?;
        self.make_room(code.len() as u64)?;
        let tag = sealed::tag(&self.secret, PURPOSE, &name, code);
        disk::write_cached(&self.code_path(&name), &[code, tag.as_bytes()])
    }

    /// Removes compiled code that wasmtime refuses.
    pub(crate) fn discard_code(&self, digest: &Digest, engine: &str) {
        let _ = fs::remove_file(self.code_path(&name(digest, engine)));
    }

    fn code_path(&self, name: &str) -> PathBuf {
        self.home.code_dir().join(name)
    }

    /// Removes the entries that were not used for longest until the bound holds, and what was never finished.
    fn make_room(&self, needed: u64) -> io::Result<()> {
        let mut entries = Vec::new();
        let mut total = needed;
        for entry in fs::read_dir(self.home.code_dir())?.flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if entry.file_name().to_string_lossy().starts_with(".tmp-") {
                if used.elapsed().is_ok_and(|age| age > ABANDONED) {
                    let _ = fs::remove_file(entry.path());
                }
                continue;
            }
            total = total.saturating_add(metadata.len());
            entries.push((used, metadata.len(), entry.path()));
        }
        entries.sort();
        for (_, size, path) in entries {
            if total <= self.bound {
                break;
            }
            if fs::remove_file(path).is_ok() {
                total = total.saturating_sub(size);
            }
        }
        Ok(())
    }

    /// Where the files of an artifact are unpacked, if they are.
    pub(crate) fn files(&self, digest: &Digest) -> Option<PathBuf> {
        let path = self.home.files_dir().join(digest.to_hex());
        path.is_dir().then_some(path)
    }

    /// Unpacks the files of an artifact once; `None` if it brings none.
    pub(crate) fn unpack(
        &self,
        artifact: &Verified<Artifact>,
    ) -> Result<Option<PathBuf>, UnpackError> {
        let Some(files) = artifact.files() else {
            return Ok(None);
        };
        let digest = artifact.digest();
        if let Some(path) = self.files(&digest) {
            return Ok(Some(path));
        }
        let target = self.home.files_dir().join(digest.to_hex());
        let failed = |source| UnpackError::Io {
            path: target.clone(),
            source,
        };
        let entries = files.unpack()?;
        let temporary = disk::temporary_beside(&target).map_err(failed)?;
        let renamed =
            write_files(&temporary, &entries).and_then(|()| fs::rename(&temporary, &target));
        if let Err(error) = renamed {
            let _ = fs::remove_dir_all(&temporary);
            // Another run of the same package may have been first.
            if !target.is_dir() {
                return Err(failed(error));
            }
        }
        Ok(Some(target))
    }

    /// What the cache holds.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub fn info(&self) -> io::Result<CacheInfo> {
        let code = usage(&self.home.code_dir())?;
        let files = usage(&self.home.files_dir())?;
        let receipts = usage(&self.home.cache_dir().join("receipts"))?;
        let resolutions = usage(&self.home.resolutions_dir())?;
        Ok(CacheInfo {
            programs: code.0,
            code: code.1,
            files: files.1,
            records: receipts.1 + resolutions.1,
        })
    }

    /// Empties the cache: compiled code, unpacked files, receipts and resolutions.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clean(&self) -> io::Result<CacheInfo> {
        let before = self.info()?;
        let records = self.home.cache_dir().join("receipts");
        for dir in [
            self.home.code_dir(),
            self.home.files_dir(),
            records,
            self.home.resolutions_dir(),
        ] {
            match fs::remove_dir_all(dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(before)
    }
}

/// The name of an entry says all that its code depends on.
fn name(digest: &Digest, engine: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(digest.as_bytes());
    hasher.update(engine.as_bytes());
    hasher.finalize().to_hex().to_string()
}

fn touch(path: &Path, metadata: &fs::Metadata) {
    let Ok(used) = metadata.modified() else {
        return;
    };
    if used.elapsed().is_ok_and(|age| age > TOUCH_EVERY) {
        // Losing a note only makes the entry look older.
        let now = used + used.elapsed().unwrap_or_default();
        let _ = fs::File::options()
            .append(true)
            .open(path)
            .and_then(|file| file.set_modified(now));
    }
}

fn write_files(root: &Path, entries: &[FileEntry]) -> io::Result<()> {
    disk::private_dir(root)?;
    for entry in entries {
        match entry {
            FileEntry::Folder { path } => disk::private_dir(&root.join(path.as_str()))?,
            FileEntry::File { path, bytes, .. } => {
                let path = root.join(path.as_str());
                if let Some(parent) = path.parent() {
                    disk::private_dir(parent)?;
                }
                disk::write_new(&path, &[bytes])?;
            }
            _ => return Err(io::ErrorKind::Unsupported.into()),
        }
    }
    Ok(())
}

/// Files and bytes below a directory.
fn usage(dir: &Path) -> io::Result<(u64, u64)> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
        Err(error) => return Err(error),
    };
    let mut total = (0, 0);
    for entry in entries {
        let entry = entry?;
        // Something may be removed while we look.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let (files, bytes) = if metadata.is_dir() {
            usage(&entry.path())?
        } else {
            (1, metadata.len())
        };
        total = (total.0 + files, total.1 + bytes);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&Home::at(dir.path())).unwrap();
        (dir, cache)
    }

    #[test]
    fn no_flipped_byte_of_an_entry_is_ever_returned() {
        let (_dir, cache) = cache();
        let digest = Digest::of(b"artifact");
        cache
            .store_code(&digest, "engine", b"some machine code")
            .unwrap();
        let path = cache.code_path(&name(&digest, "engine"));
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            #[cfg(target_os = "linux")]
            assert!(cache.mapped_code(&digest, "engine").is_none(), "byte {at}");
            assert_eq!(cache.code(&digest, "engine"), None, "byte {at}");
            assert!(!path.exists(), "byte {at}");
        }
        for len in 0..good.len() {
            fs::write(&path, &good[..len]).unwrap();
            #[cfg(target_os = "linux")]
            assert!(
                cache.mapped_code(&digest, "engine").is_none(),
                "length {len}"
            );
            assert_eq!(cache.code(&digest, "engine"), None, "length {len}");
        }
        fs::write(&path, &good).unwrap();
        assert_eq!(cache.code(&digest, "engine").unwrap(), b"some machine code");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn mapped_code_is_what_was_stored_and_nobody_can_change_it() {
        use std::io::{Seek as _, Write as _};
        let (_dir, cache) = cache();
        let digest = Digest::of(b"one");
        let code: Vec<u8> = (0..=u8::MAX).cycle().take(READ + 1000).collect();
        cache.store_code(&digest, "engine", &code).unwrap();
        let Some(mut memory) = cache.mapped_code(&digest, "engine") else {
            // A system without such memory loads a copy.
            return;
        };
        let mut read = Vec::new();
        memory.rewind().unwrap();
        memory.read_to_end(&mut read).unwrap();
        assert!(read == code, "the hash behind it is no part of it");
        memory.rewind().unwrap();
        assert!(memory.write_all(b"x").is_err());
        assert!(memory.set_len(1).is_err());
        // Nor does the file that it came from matter any more.
        fs::write(cache.code_path(&name(&digest, "engine")), b"").unwrap();
        read.clear();
        memory.rewind().unwrap();
        memory.read_to_end(&mut read).unwrap();
        assert!(read == code);
    }

    #[test]
    fn an_entry_cannot_stand_in_for_another() {
        let (_dir, cache) = cache();
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        cache.store_code(&one, "engine", b"code").unwrap();
        fs::copy(
            cache.code_path(&name(&one, "engine")),
            cache.code_path(&name(&other, "engine")),
        )
        .unwrap();
        assert_eq!(cache.code(&other, "engine"), None);
        assert_eq!(cache.code(&one, "other engine"), None);
    }

    #[test]
    fn a_file_is_recognised_by_every_byte_of_it() {
        let (dir, cache) = cache();
        let mut bytes = vec![7; usize::try_from(LARGE).unwrap() + READ];
        let path = dir.path().join("file");
        let recognised = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            cache
                .recognise(&mut fs::File::open(&path).unwrap())
                .unwrap()
        };
        assert_eq!(recognised(&bytes), None);
        let digest = Digest::of(&bytes);
        cache.remember_file(&bytes, &digest).unwrap();
        assert_eq!(recognised(&bytes), Some(digest));
        assert_eq!(recognised(&bytes[1..]), None);
        for at in [0, READ - 1, READ, bytes.len() - 1] {
            bytes[at] ^= 1;
            assert_eq!(recognised(&bytes), None, "byte {at}");
            bytes[at] ^= 1;
        }
    }

    #[test]
    fn the_record_of_a_file_cannot_stand_in_for_another() {
        let (dir, cache) = cache();
        let one = vec![1; usize::try_from(LARGE).unwrap()];
        let other = vec![2; usize::try_from(LARGE).unwrap()];
        cache.remember_file(&one, &Digest::of(&one)).unwrap();
        let name = |bytes: &[u8]| cache.identity().update(bytes).finalize().to_hex();
        let record = cache.identity_path(&name(&one));
        fs::copy(&record, cache.identity_path(&name(&other))).unwrap();
        let path = dir.path().join("file");
        fs::write(&path, &other).unwrap();
        let open = || fs::File::open(&path).unwrap();
        assert_eq!(cache.recognise(&mut open()).unwrap(), None);

        let good = fs::read(&record).unwrap();
        fs::write(&path, &one).unwrap();
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            fs::write(&record, &flipped).unwrap();
            assert_eq!(cache.recognise(&mut open()).unwrap(), None, "byte {at}");
        }
    }

    #[test]
    fn the_least_recently_used_entry_makes_room() {
        let (_dir, cache) = cache();
        let cache = cache.bounded(2 * (100 + sealed::TAG as u64));
        let digests: Vec<_> = (0..3_u8).map(|n| Digest::of(&[n])).collect();
        for (age, digest) in digests.iter().enumerate() {
            cache.store_code(digest, "engine", &[0; 100]).unwrap();
            let file = fs::File::options()
                .append(true)
                .open(cache.code_path(&name(digest, "engine")))
                .unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(age as u64))
                .unwrap();
        }
        assert_eq!(cache.code(&digests[0], "engine"), None);
        assert!(cache.code(&digests[1], "engine").is_some());
        assert!(cache.code(&digests[2], "engine").is_some());
    }

    #[test]
    fn cleaning_reports_what_was_there() {
        let (_dir, cache) = cache();
        cache
            .store_code(&Digest::of(b"one"), "engine", &[0; 100])
            .unwrap();
        let info = cache.clean().unwrap();
        assert_eq!((info.programs, info.code), (1, 132));
        assert_eq!(cache.info().unwrap(), CacheInfo::default());
    }
}
