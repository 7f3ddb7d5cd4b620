//! Where the server reads: a directory, or a bucket of an object store.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use zero_format::Digest;

use super::{
    ServeError,
    body::Content,
    file::{self, Found},
};
use crate::limits::{MAX_BUNDLE_BYTES, MAX_HEAD_BYTES, MAX_ROOT_BYTES};
use crate::path::TEMPORARY;
use crate::writer::{DirStorage, ObjectStorage, Place, Storage as _};
use crate::{PathKind, RegistryPath};

/// The longest file of a bucket that is read whole before it is answered with: all but package files
/// are shorter.
const MAX_WHOLE: u64 = MAX_BUNDLE_BYTES;

/// Time for a store to answer a reader.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time to say whether the registry can be read.
const HEALTH: Duration = Duration::from_secs(5);

/// Where the registry lies that is served.
#[derive(Clone, Debug)]
pub enum ServedPlace {
    /// An object store, whose credentials only the server has.
    Bucket(Arc<ObjectStorage>),
    /// A directory of this machine.
    Dir(PathBuf),
}

impl From<&Path> for ServedPlace {
    fn from(directory: &Path) -> Self {
        Self::Dir(directory.to_owned())
    }
}

impl From<&PathBuf> for ServedPlace {
    fn from(directory: &PathBuf) -> Self {
        Self::Dir(directory.clone())
    }
}

impl From<PathBuf> for ServedPlace {
    fn from(directory: PathBuf) -> Self {
        Self::Dir(directory)
    }
}

impl From<Place> for ServedPlace {
    fn from(place: Place) -> Self {
        match place {
            Place::Dir(storage) => Self::Dir(storage.folder().to_owned()),
            Place::Object(storage) => Self::Bucket(Arc::from(storage)),
        }
    }
}

impl fmt::Display for ServedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket(storage) => f.write_str(storage.url()),
            Self::Dir(directory) => directory.display().fmt(f),
        }
    }
}

impl ServedPlace {
    /// There must be a registry.
    pub(super) fn check(&self) -> Result<(), ServeError> {
        let root = RegistryPath::root(1);
        let read = self.storage().read(root.as_str(), MAX_ROOT_BYTES);
        match read {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(ServeError::NoRegistry {
                place: self.to_string(),
            }),
            Err(source) => Err(ServeError::Read {
                place: self.to_string(),
                source,
            }),
        }
    }

    /// A way to read and write there for one writer.
    pub(super) fn storage(&self) -> Place {
        match self {
            Self::Bucket(storage) => Place::Object(Box::new(storage.another())),
            Self::Dir(directory) => Place::Dir(DirStorage::new(directory)),
        }
    }

    /// Where files can wait that are not yet complete; nowhere in a bucket.
    pub(super) fn temporary(&self) -> Option<PathBuf> {
        match self {
            Self::Bucket(_) => None,
            Self::Dir(directory) => Some(directory.join(TEMPORARY)),
        }
    }

    /// Whether there is such a file. Blocks.
    pub(super) fn has(&self, path: &RegistryPath) -> bool {
        match self {
            Self::Bucket(storage) => {
                let length = storage.objects().length(path.as_str(), PATIENCE);
                length.is_ok_and(|length| length.is_some())
            }
            Self::Dir(directory) => directory.join(path.as_str()).is_file(),
        }
    }

    /// The newest head. Blocks.
    pub(super) fn head(&self) -> io::Result<Option<Vec<u8>>> {
        let head = RegistryPath::head();
        match self {
            Self::Bucket(storage) => {
                let found = storage
                    .objects()
                    .get_within(head.as_str(), MAX_HEAD_BYTES, HEALTH)?;
                Ok(found.map(|(bytes, _)| bytes))
            }
            Self::Dir(directory) => DirStorage::new(directory).read(head.as_str(), MAX_HEAD_BYTES),
        }
    }

    /// Whether opening such a file takes so little that no thread is worth a detour: on a local disk, unless it may have to
    /// be compressed.
    pub(super) fn opens_at_once(&self, path: &RegistryPath, gzip: bool) -> bool {
        matches!(self, Self::Dir(_)) && !(gzip && path.kind().is_compressible())
    }

    /// Opens a file of the registry. With `gzip` a compressed form is chosen where it pays. Blocks.
    pub(super) fn open(&self, path: &RegistryPath, gzip: bool) -> io::Result<Option<Found>> {
        match self {
            Self::Bucket(storage) => in_bucket(storage, path, gzip),
            Self::Dir(directory) => file::open(directory, path, gzip),
        }
    }
}

fn in_bucket(
    storage: &ObjectStorage,
    path: &RegistryPath,
    gzip: bool,
) -> io::Result<Option<Found>> {
    let objects = storage.objects();
    if matches!(path.kind(), PathKind::Blob) {
        let length = objects.length(path.as_str(), PATIENCE)?;
        return Ok(length.map(|length| Found {
            // Its name is the digest of its content.
            etag: tag(path.as_str().as_bytes(), ""),
            content: Content::object(Arc::clone(objects), path.as_str(), length),
            gzip: false,
        }));
    }
    let Some((bytes, _)) = objects.get_within(path.as_str(), MAX_WHOLE, PATIENCE)? else {
        return Ok(None);
    };
    let gzip = gzip && path.kind().is_compressible() && file::pays(bytes.len());
    let (etag, bytes) = if gzip {
        (tag(&bytes, "-gz"), file::compress(&bytes)?)
    } else {
        (tag(&bytes, ""), bytes)
    };
    Ok(Some(Found {
        content: Content::bytes(bytes),
        etag,
        gzip,
    }))
}

/// A tag of what makes a version.
fn tag(bytes: &[u8], suffix: &str) -> String {
    let hex = Digest::of(bytes).to_hex();
    let (tag, _) = hex.split_at(32);
    format!("\"{tag}{suffix}\"")
}
