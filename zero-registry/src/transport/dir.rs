//! A registry in a directory of this machine, or of a mounted file system.

use std::{fs::File, io, io::Read, path::PathBuf};

use zero_format::Digest;

use super::{Fetched, GetOptions, Meter, Traffic, Transport, TransportError};
use crate::RegistryPath;

/// Reads files below one directory.
#[derive(Debug)]
pub struct DirTransport {
    root: PathBuf,
    meter: Meter,
}

impl DirTransport {
    /// Reads below `root`; nothing is opened yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            meter: Meter::default(),
        }
    }

    fn read(&self, path: &PathBuf, max_bytes: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let fail = |source| TransportError::Io {
            path: path.clone(),
            source,
        };
        // Asked before opening: opening a pipe would wait for its writer.
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => return self.absent(),
            Err(error) => return Err(fail(error)),
        };
        if !metadata.is_file() {
            return Err(TransportError::NotAFile { path: path.clone() });
        }
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return self.absent(),
            Err(error) => return Err(fail(error)),
        };
        let mut bytes = Vec::new();
        // The declared size is a hint that can change; the limit is what holds.
        file.by_ref()
            .take(max_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        self.meter
            .bytes(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if u64::try_from(bytes.len()).map_or(true, |len| len > max_bytes) {
            return Err(TransportError::TooLarge {
                place: path.display().to_string(),
                limit: max_bytes,
            });
        }
        Ok(Some(bytes))
    }

    /// A missing file is an answer only where the directory itself exists.
    fn absent(&self) -> Result<Option<Vec<u8>>, TransportError> {
        match std::fs::metadata(&self.root) {
            Ok(_) => Ok(None),
            Err(source) => Err(TransportError::Io {
                path: self.root.clone(),
                source,
            }),
        }
    }
}

impl Transport for DirTransport {
    fn get(&self, path: &RegistryPath, options: &GetOptions) -> Result<Fetched, TransportError> {
        self.meter.request();
        let file = self.root.join(path.as_str());
        let Some(bytes) = self.read(&file, options.max_bytes)? else {
            return Ok(Fetched::NotFound);
        };
        // Times of files are too coarse to notice two swaps in a row; the mutable files are small.
        let etag = (!path.kind().is_immutable()).then(|| Digest::of(&bytes).to_hex());
        if etag.is_some() && etag == options.etag {
            return Ok(Fetched::NotModified);
        }
        Ok(Fetched::Bytes { bytes, etag })
    }

    fn location(&self) -> String {
        self.root.display().to_string()
    }

    fn traffic(&self) -> Traffic {
        self.meter.read()
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> RegistryPath {
        RegistryPath::head()
    }

    #[test]
    fn answers_by_tag_when_nothing_changed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("head"), b"one").unwrap();
        let transport = DirTransport::new(dir.path());
        let Fetched::Bytes { bytes, etag } = transport.get(&head(), &GetOptions::up_to(3)).unwrap()
        else {
            panic!("a file");
        };
        assert_eq!(bytes, b"one");
        let options = GetOptions { max_bytes: 3, etag };
        assert_eq!(
            transport.get(&head(), &options).unwrap(),
            Fetched::NotModified
        );
        std::fs::write(dir.path().join("head"), b"two").unwrap();
        assert!(matches!(
            transport.get(&head(), &options).unwrap(),
            Fetched::Bytes { .. }
        ));
        assert_eq!(
            transport.traffic(),
            Traffic {
                requests: 3,
                bytes: 9
            }
        );
    }

    #[test]
    fn tells_a_missing_file_from_a_missing_directory() {
        let dir = tempfile::tempdir().unwrap();
        let transport = DirTransport::new(dir.path());
        let options = GetOptions::up_to(1);
        assert_eq!(transport.get(&head(), &options).unwrap(), Fetched::NotFound);
        let gone = DirTransport::new(dir.path().join("gone"));
        let error = gone.get(&head(), &options).unwrap_err();
        assert!(!error.is_hostile());
        assert!(error.hint().is_some());
    }

    #[test]
    fn refuses_a_byte_too_many_and_what_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("head"), b"1234").unwrap();
        std::fs::create_dir(dir.path().join("checkpoint")).unwrap();
        let transport = DirTransport::new(dir.path());
        let error = transport.get(&head(), &GetOptions::up_to(3)).unwrap_err();
        assert!(matches!(error, TransportError::TooLarge { limit: 3, .. }));
        let path = RegistryPath::parse("checkpoint").unwrap();
        let error = transport.get(&path, &GetOptions::up_to(3)).unwrap_err();
        assert!(matches!(error, TransportError::NotAFile { .. }));
        assert!(error.is_hostile());
    }
}
