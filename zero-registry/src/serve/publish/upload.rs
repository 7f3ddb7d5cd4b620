//! Package files on their way: they arrive in parts, and only where a signed event announced them.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use zero_format::Digest;

/// An announced file that nobody sends is given up after this time.
const PATIENCE: Duration = Duration::from_hours(1);

/// All announced files.
#[derive(Debug)]
pub(super) struct Uploads {
    folder: PathBuf,
    /// The folder's life, where it ends with this one.
    _own: Option<TempDir>,
    /// Bytes that all of them may have.
    limit: u64,
    announced: Mutex<HashMap<Digest, Announced>>,
}

#[derive(Debug)]
struct Announced {
    size: u64,
    touched: Instant,
    /// Somebody is sending it.
    busy: bool,
}

/// A file of which a part is being received.
pub(super) struct Open {
    uploads: Arc<Uploads>,
    digest: Digest,
    file: File,
    offset: u64,
    size: u64,
}

impl Uploads {
    /// Files wait in this folder, or in one that ends with the process: then a file that was not
    /// committed has to be sent again after a restart.
    pub(super) fn new(folder: Option<PathBuf>, limit: u64) -> io::Result<Self> {
        let own = folder
            .is_none()
            .then(|| TempDir::with_prefix("zero-uploads-"));
        let own = own.transpose()?;
        let temporary = own.as_ref().map(|own| own.path().to_owned());
        Ok(Self {
            folder: folder.or(temporary).unwrap_or_default(),
            _own: own,
            limit,
            announced: Mutex::default(),
        })
    }

    /// Expects a file. What arrived of it before a restart counts. `None` when too much is on its
    /// way already.
    pub(super) fn announce(&self, digest: &Digest, size: u64, now: Instant) -> Option<u64> {
        let mut announced = self.announced();
        let mut gone = Vec::new();
        announced.retain(|digest, upload| {
            let kept = upload.busy || now.saturating_duration_since(upload.touched) < PATIENCE;
            if !kept {
                gone.push(*digest);
            }
            kept
        });
        for digest in gone {
            let _ = fs::remove_file(self.place(&digest));
        }
        let others = announced.iter().filter(|(other, _)| *other != digest);
        let total: u64 = others.map(|(_, upload)| upload.size).sum();
        if total.saturating_add(size) > self.limit {
            return None;
        }
        let busy = announced.get(digest).is_some_and(|upload| upload.busy);
        let touched = now;
        announced.insert(
            *digest,
            Announced {
                size,
                touched,
                busy,
            },
        );
        Some(self.length(digest).min(size))
    }

    /// How much of an announced file is there.
    pub(super) fn offset(&self, digest: &Digest) -> Option<u64> {
        self.announced().get(digest).map(|_| self.length(digest))
    }

    /// Receives a file from this byte on, if it is announced, nobody else sends it, and as much is
    /// there.
    pub(super) fn open(self: &Arc<Self>, digest: &Digest, from: u64) -> Option<Open> {
        let mut announced = self.announced();
        let upload = announced.get_mut(digest).filter(|upload| !upload.busy)?;
        if self.length(digest) != from {
            return None;
        }
        let file = fs::create_dir_all(&self.folder).and_then(|()| {
            let mut options = OpenOptions::new();
            options.create(true).append(true).open(self.place(digest))
        });
        let file = file.ok()?;
        upload.busy = true;
        Some(Open {
            uploads: Arc::clone(self),
            digest: *digest,
            file,
            offset: from,
            size: upload.size,
        })
    }

    /// The whole file, when all of it is there. Whether it is the right one is for others to say.
    pub(super) fn whole(&self, digest: &Digest, size: u64) -> io::Result<Option<Vec<u8>>> {
        if self.length(digest) != size {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let file = File::open(self.place(digest))?;
        file.take(size).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Forgets a file, because it is in the registry or because it is wrong.
    pub(super) fn forget(&self, digest: &Digest) {
        self.announced().remove(digest);
        // A file that cannot be removed is removed when it is old.
        let _ = fs::remove_file(self.place(digest));
    }

    fn place(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("upload-{}", digest.to_hex()))
    }

    fn length(&self, digest: &Digest) -> u64 {
        fs::metadata(self.place(digest)).map_or(0, |metadata| metadata.len())
    }

    fn announced(&self) -> MutexGuard<'_, HashMap<Digest, Announced>> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Adds bytes; more than the file has are refused.
    pub(super) fn write(&mut self, part: &[u8]) -> io::Result<()> {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        if self.offset.saturating_add(length) > self.size {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.file.write_all(part)?;
        self.offset += length;
        Ok(())
    }

    /// Bytes that are there.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(upload) = self.uploads.announced().get_mut(&self.digest) {
            upload.busy = false;
            upload.touched = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uploads(limit: u64) -> (TempDir, Arc<Uploads>) {
        let folder = tempfile::tempdir().unwrap();
        let uploads = Arc::new(Uploads::new(Some(folder.path().to_owned()), limit).unwrap());
        (folder, uploads)
    }

    #[test]
    fn a_file_arrives_in_parts_even_across_a_restart() {
        let (folder, first) = uploads(100);
        let digest = Digest::of(b"whole");
        assert!(first.open(&digest, 0).is_none());
        assert_eq!(first.announce(&digest, 5, Instant::now()), Some(0));
        first.open(&digest, 0).unwrap().write(b"who").unwrap();
        assert_eq!(first.whole(&digest, 5).unwrap(), None);
        let again = Arc::new(Uploads::new(Some(folder.path().to_owned()), 100).unwrap());
        assert_eq!(again.offset(&digest), None);
        assert_eq!(again.announce(&digest, 5, Instant::now()), Some(3));
        assert!(again.open(&digest, 0).is_none());
        again.open(&digest, 3).unwrap().write(b"le").unwrap();
        assert_eq!(again.whole(&digest, 5).unwrap(), Some(b"whole".to_vec()));
        again.forget(&digest);
        assert_eq!(again.offset(&digest), None);
    }

    #[test]
    fn one_client_at_a_time_sends_what_was_announced_and_no_more() {
        let (_folder, uploads) = uploads(100);
        let digest = Digest::of(b"x");
        uploads.announce(&digest, 4, Instant::now()).unwrap();
        let mut open = uploads.open(&digest, 0).unwrap();
        assert!(uploads.open(&digest, 0).is_none());
        open.write(b"1234").unwrap();
        let refused = open.write(b"5").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(open.offset(), 4);
        drop(open);
        assert!(uploads.open(&digest, 4).is_some());
    }

    #[test]
    fn all_of_them_are_bounded_and_given_up_in_time() {
        let (_folder, uploads) = uploads(10);
        let now = Instant::now();
        let [a, b] = [Digest::of(b"a"), Digest::of(b"b")];
        assert_eq!(uploads.announce(&a, 6, now), Some(0));
        assert_eq!(uploads.announce(&a, 6, now), Some(0));
        assert_eq!(uploads.announce(&b, 6, now), None);
        assert_eq!(uploads.announce(&b, 6, now + PATIENCE), Some(0));
        assert_eq!(uploads.offset(&a), None);
    }
}
