//! A registry in an object store.
//!
//! There are no locks here. The commit point is a conditional write (`If-None-Match: *`), and `head`
//! is replaced only if nobody else has replaced it since it was read (`If-Match`). A store that
//! takes such conditions and ignores them would lose commits: [`ObjectStorage::probe`] finds out, before
//! the first file of a registry or of a copy is written.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::{PutMode, UpdateVersion};

use super::{Guard, Scope, Storage};
use crate::objects::{ObjectStoreError, Objects};
use crate::path;

/// Bytes that wait for a barrier.
const MAX_WAITING: usize = 32 << 20;

/// A registry below a prefix of a bucket.
#[derive(Debug)]
pub struct ObjectStorage {
    objects: Arc<Objects>,
    /// Files that were put since the last barrier; they are sent together.
    pending: Mutex<Vec<(String, Vec<u8>)>>,
    /// The versions in which mutable files were last read.
    seen: Mutex<BTreeMap<String, Option<UpdateVersion>>>,
}

impl ObjectStorage {
    /// The registry at `s3://BUCKET/PREFIX`, `gs://…` or `az://…`. `options` are those of the store's
    /// own tools, as their environment variables name them: `AWS_ACCESS_KEY_ID` and so on.
    ///
    /// # Errors
    /// When the address or an option cannot be understood.
    pub fn open(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ObjectStoreError> {
        Ok(Self::over(Arc::new(Objects::open(url, options)?)))
    }

    fn over(objects: Arc<Objects>) -> Self {
        Self {
            objects,
            pending: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// The same place for somebody else, whose writes wait for his own barriers.
    #[cfg(feature = "server")]
    pub(crate) fn another(&self) -> Self {
        Self::over(Arc::clone(&self.objects))
    }

    /// The address of the bucket, with the prefix.
    pub fn url(&self) -> &str {
        self.objects.url()
    }

    #[cfg(feature = "server")]
    pub(crate) fn objects(&self) -> &Arc<Objects> {
        &self.objects
    }

    /// Tries whether the store honours the conditions that a registry's safety rests on. `mark` makes
    /// the trial's name; it should be random.
    ///
    /// # Errors
    /// When it does not, or cannot be written to.
    pub fn probe(&self, mark: &str) -> Result<(), ObjectStoreError> {
        let path = format!("{}/probe-{mark}", path::TEMPORARY);
        let outcome = self.try_conditions(&path);
        // A trial that stays behind is in nobody's way.
        let _ = self.objects.remove(&path);
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(what)) => Err(ObjectStoreError::Unconditional {
                url: self.url().to_owned(),
                what,
            }),
            Err(source) => Err(ObjectStoreError::Probe {
                url: self.url().to_owned(),
                source,
            }),
        }
    }

    fn try_conditions(&self, path: &str) -> io::Result<Option<&'static str>> {
        if !self.create(path, b"one")? {
            return Ok(Some("it refuses to create a new file"));
        }
        if self.objects.write(path, b"two", PutMode::Create)? {
            return Ok(Some("it replaces a file that may only be created"));
        }
        let Some((_, first)) = self.objects.get(path, 16)? else {
            return Ok(Some("it does not have what was just written"));
        };
        if !self
            .objects
            .write(path, b"three", PutMode::Update(first.clone()))?
        {
            return Ok(Some(
                "it refuses to replace a file in the version that was read",
            ));
        }
        if self.objects.write(path, b"four", PutMode::Update(first))? {
            return Ok(Some(
                "it replaces a file that was replaced by another writer",
            ));
        }
        match self.objects.get(path, 16)? {
            Some((bytes, _)) if bytes == b"three" => Ok(None),
            _ => Ok(Some("it does not have what was just written")),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct NoLock;

impl Guard for NoLock {}

impl Storage for ObjectStorage {
    fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let found = self.objects.get(path, max)?;
        if path == "head" || path == path::CHECKPOINT {
            let version = found.as_ref().map(|(_, version)| version.clone());
            lock(&self.seen).insert(path.to_owned(), version);
        }
        Ok(found.map(|(bytes, _)| bytes))
    }

    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        if self.objects.write(path, bytes, PutMode::Create)? {
            return Ok(true);
        }
        // The answer to a write that succeeded may have been lost, and the write repeated: then what
        // is there is ours. That of another writer of the same bytes is as good.
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self.objects.get(path, length) {
            Ok(found) => Ok(found.is_some_and(|(found, _)| found == bytes)),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn put(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let waiting = {
            let mut pending = lock(&self.pending);
            pending.push((path.to_owned(), bytes.to_vec()));
            pending.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
        };
        if waiting < MAX_WAITING {
            Ok(())
        } else {
            self.barrier()
        }
    }

    fn barrier(&self) -> io::Result<()> {
        let files = std::mem::take(&mut *lock(&self.pending));
        self.objects.send(files)
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let seen = lock(&self.seen).remove(path);
        let version = match seen {
            Some(version) => version,
            None => self
                .objects
                .get(path, u64::MAX)?
                .map(|(_, version)| version),
        };
        let mode = version.map_or(PutMode::Create, PutMode::Update);
        if self.objects.write(path, bytes, mode)? {
            Ok(())
        } else {
            Err(io::ErrorKind::ResourceBusy.into())
        }
    }

    fn remove_folder(&self, _: &str) -> io::Result<()> {
        // Partial tiles are small, and listing costs more than they do.
        Ok(())
    }

    fn lock(&self, scope: Scope) -> io::Result<Box<dyn Guard + '_>> {
        // Slots and conditions do what locks do elsewhere.
        if scope == Scope::Commit {
            lock(&self.pending).clear();
        }
        Ok(Box::new(NoLock))
    }
}
