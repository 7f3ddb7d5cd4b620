//! A directory, or a bucket: where the operator said that the registry lies.

use std::io;

use super::{DirStorage, Guard, ObjectStorage, Scope, Storage};

/// Either sort of place.
pub enum Place {
    /// A local directory.
    Dir(DirStorage),
    /// An object store.
    Object(Box<ObjectStorage>),
}

impl Place {
    fn storage(&self) -> &dyn Storage {
        match self {
            Self::Dir(storage) => storage,
            Self::Object(storage) => &**storage,
        }
    }
}

impl Storage for Place {
    fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        self.storage().read(path, max)
    }

    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        self.storage().create(path, bytes)
    }

    fn put(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.storage().put(path, bytes)
    }

    fn barrier(&self) -> io::Result<()> {
        self.storage().barrier()
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.storage().replace(path, bytes)
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        self.storage().remove_folder(path)
    }

    fn lock(&self, scope: Scope) -> io::Result<Box<dyn Guard + '_>> {
        self.storage().lock(scope)
    }
}
