//! Files that an artifact bundles: the `zero-files` section, a gzip-compressed ustar archive
//! (spec/artifact.md, "Bundled files").

use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};

use super::path::{FilePath, FilePathError, Tree};
use crate::limits::{MAX_FILES, MAX_FILES_TOTAL};

mod header;

pub use header::FileHeaderFault;
use header::{BLOCK, Header};

/// Zeros that may follow the last entry: tar programs pad to blocks of 10 KiB.
const MAX_PADDING: usize = 64 << 10;

/// Files to bundle, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct FileSet {
    files: BTreeMap<FilePath, (Vec<u8>, bool)>,
    tree: Tree,
    total: u64,
}

/// Why files cannot be bundled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileSetError {
    /// The archive could not be written.
    #[error("the archive cannot be written: {reason}")]
    Archive {
        /// Why.
        reason: String,
    },
    /// A path that is there already, perhaps in another case or as a folder.
    #[error("`{path}` is there already, perhaps in other letters or as a folder")]
    Collision {
        /// The path.
        path: FilePath,
    },
    /// Too many files.
    #[error("at most {MAX_FILES} files can be bundled")]
    Count,
    /// Too many bytes.
    #[error("bundled files have at most {MAX_FILES_TOTAL} bytes together")]
    Total,
}

impl FileSet {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file.
    ///
    /// # Errors
    /// A path that is taken, or more files or bytes than the limits allow.
    pub fn insert(
        &mut self,
        path: FilePath,
        bytes: Vec<u8>,
        executable: bool,
    ) -> Result<(), FileSetError> {
        let total = u64::try_from(bytes.len())
            .ok()
            .and_then(|size| self.total.checked_add(size));
        let total = total
            .filter(|&total| total <= MAX_FILES_TOTAL)
            .ok_or(FileSetError::Total)?;
        if self.files.len() >= MAX_FILES {
            return Err(FileSetError::Count);
        }
        if !self.tree.take(&path, false) {
            return Err(FileSetError::Collision { path });
        }
        self.total = total;
        self.files.insert(path, (bytes, executable));
        Ok(())
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The payload of a `zero-files` section: the same files give the same bytes.
    pub(super) fn archive(&self) -> Result<Vec<u8>, FileSetError> {
        self.write().map_err(|error| FileSetError::Archive {
            reason: error.to_string(),
        })
    }

    fn write(&self) -> io::Result<Vec<u8>> {
        // 255 is "unknown": the system that builds must not show.
        let gzip = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(Vec::new(), Compression::best());
        let mut archive = tar::Builder::new(gzip);
        for (path, (bytes, executable)) in &self.files {
            archive.append(
                &header::encode(path, bytes.len(), *executable)?,
                bytes.as_slice(),
            )?;
        }
        let mut gzip = archive.into_inner()?;
        gzip.flush()?;
        gzip.finish()
    }
}

/// The files of an artifact, still packed.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    raw: &'a [u8],
}

/// Something in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileEntry {
    /// A file with its content.
    File {
        /// Where it belongs.
        path: FilePath,
        /// Its content.
        bytes: Vec<u8>,
        /// Whether it is marked executable.
        executable: bool,
    },
    /// A folder. Folders on the way to a file need no entry of their own.
    Folder {
        /// Where it belongs.
        path: FilePath,
    },
}

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// Two entries at one place, perhaps in other letters, or a file where a folder is.
    #[error(
        "unpack the bundled files: `{path}` is there twice, perhaps in other letters or as a folder"
    )]
    Collision {
        /// The path.
        path: FilePath,
    },
    /// Too many entries.
    #[error("unpack the bundled files: there are more than {MAX_FILES}")]
    Count,
    /// The gzip stream is damaged or cut short.
    #[error("unpack the bundled files: the compressed data is damaged")]
    Gzip,
    /// A header that is not plain ustar for a regular file or a folder.
    #[error("unpack the bundled files: entry {index} is not a plain file or folder")]
    Header {
        /// Which entry, from 0.
        index: usize,
        /// What is wrong.
        source: FileHeaderFault,
    },
    /// A path that could lead elsewhere.
    #[error("unpack the bundled files: the path of entry {index} is refused")]
    Path {
        /// Which entry, from 0.
        index: usize,
        /// Why.
        source: FilePathError,
    },
    /// More bytes than the limits allow, once unpacked.
    #[error("unpack the bundled files: they have more than {MAX_FILES_TOTAL} bytes together")]
    Total,
    /// Something after the end of the archive.
    #[error("unpack the bundled files: something follows the end of the archive")]
    Trailing,
}

impl FilesError {
    /// The class of the error as spec/artifact.md names it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Collision { .. } => "files-collision",
            Self::Count | Self::Total => "files-limit",
            Self::Gzip => "files-gzip",
            Self::Header { .. } => "files-header",
            Self::Path { .. } => "files-path",
            Self::Trailing => "files-trailing",
        }
    }
}

impl<'a> Files<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// The archive as it is: gzip-compressed tar.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Unpacks the entries one by one, in the order of the archive, within the limits.
    ///
    /// The archive is good only if every item is; a caller that writes files takes them all first or writes to a
    /// place that it can throw away.
    pub fn entries(&self) -> Entries<'a> {
        Entries {
            gzip: Some(GzDecoder::new(self.raw)),
            tree: Tree::default(),
            index: 0,
            total: 0,
        }
    }

    /// Unpacks everything.
    ///
    /// # Errors
    /// The first fault of the archive.
    pub fn unpack(&self) -> Result<Vec<FileEntry>, FilesError> {
        self.entries().collect()
    }
}

/// An archive while it is unpacked; nothing follows an error.
#[derive(Debug)]
pub struct Entries<'a> {
    gzip: Option<GzDecoder<&'a [u8]>>,
    tree: Tree,
    index: usize,
    total: u64,
}

impl Iterator for Entries<'_> {
    type Item = Result<FileEntry, FilesError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut gzip = self.gzip.take()?;
        match self.entry(&mut gzip) {
            Ok(Some(entry)) => {
                self.gzip = Some(gzip);
                Some(Ok(entry))
            }
            Ok(None) => finish(gzip).err().map(Err),
            Err(error) => Some(Err(error)),
        }
    }
}

impl Entries<'_> {
    fn entry(&mut self, gzip: &mut impl Read) -> Result<Option<FileEntry>, FilesError> {
        let index = self.index;
        let block = block(gzip)?;
        if block == [0; BLOCK] {
            return Ok(None);
        }
        if index >= MAX_FILES {
            return Err(FilesError::Count);
        }
        let header =
            Header::decode(&block).map_err(|source| FilesError::Header { index, source })?;
        let path: FilePath = header
            .path
            .parse()
            .map_err(|source| FilesError::Path { index, source })?;
        if !self.tree.take(&path, header.is_folder) {
            return Err(FilesError::Collision { path });
        }
        self.total = self
            .total
            .checked_add(header.size)
            .filter(|&t| t <= MAX_FILES_TOTAL)
            .ok_or(FilesError::Total)?;
        self.index = index.saturating_add(1);
        if header.is_folder {
            return Ok(Some(FileEntry::Folder { path }));
        }
        let bytes = content(gzip, header.size)?;
        Ok(Some(FileEntry::File {
            path,
            bytes,
            executable: header.executable,
        }))
    }
}

/// The content of a file and the zeros up to the next block. The buffer grows with what really comes.
fn content(gzip: &mut impl Read, size: u64) -> Result<Vec<u8>, FilesError> {
    let mut bytes = Vec::new();
    gzip.take(size)
        .read_to_end(&mut bytes)
        .map_err(|_| FilesError::Gzip)?;
    if u64::try_from(bytes.len()) != Ok(size) {
        return Err(FilesError::Gzip);
    }
    let over = bytes.len() % BLOCK;
    if over != 0 {
        let mut padding = Vec::new();
        let missing = u64::try_from(BLOCK.saturating_sub(over)).unwrap_or(0);
        gzip.take(missing)
            .read_to_end(&mut padding)
            .map_err(|_| FilesError::Gzip)?;
        if padding.len().saturating_add(over) != BLOCK {
            return Err(FilesError::Gzip);
        }
        if padding.iter().any(|&byte| byte != 0) {
            return Err(FilesError::Trailing);
        }
    }
    Ok(bytes)
}

fn block(gzip: &mut impl Read) -> Result<[u8; BLOCK], FilesError> {
    let mut block = [0; BLOCK];
    gzip.read_exact(&mut block).map_err(|_| FilesError::Gzip)?;
    Ok(block)
}

/// After the first block of zeros: at least one more, nothing but zeros, and nothing after the gzip stream.
fn finish(mut gzip: GzDecoder<&[u8]>) -> Result<(), FilesError> {
    if block(&mut gzip)? != [0; BLOCK] {
        return Err(FilesError::Trailing);
    }
    let mut seen = 0_usize;
    let mut buffer = [0; BLOCK];
    loop {
        let count = gzip.read(&mut buffer).map_err(|_| FilesError::Gzip)?;
        seen = seen.saturating_add(count);
        match buffer.get(..count) {
            _ if seen > MAX_PADDING => return Err(FilesError::Trailing),
            None | Some([]) => break,
            Some(bytes) if bytes.iter().all(|&byte| byte == 0) => {}
            Some(_) => return Err(FilesError::Trailing),
        }
    }
    if gzip.into_inner().is_empty() {
        Ok(())
    } else {
        Err(FilesError::Trailing)
    }
}

#[cfg(test)]
mod tests;
