//! Archives, which may be hostile: only files and folders below the target, up to a size and a number.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use tar::{Archive, EntryType};

use crate::limits;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// It cannot be read or written.
    #[error("read the archive")]
    Io(#[from] io::Error),
    /// A path that leads elsewhere.
    #[error("the path {0} leads out of the archive")]
    Path(String),
    /// It unpacks to more than is allowed.
    #[error("it holds more than {0}")]
    TooLarge(&'static str),
}

/// Unpacks into an empty folder; the folder of its files, which is below if everything is.
pub(super) fn unpack(archive: &Path, folder: &Path) -> Result<PathBuf, UnpackError> {
    let file = io::BufReader::new(File::open(archive)?);
    let end = archive.extension().unwrap_or_default();
    let reader: Box<dyn Read> = match end.to_str() {
        Some("tar") => Box::new(file),
        Some("bz2") => Box::new(bzip2::read::MultiBzDecoder::new(file)),
        Some("zip") => {
            zip(file, folder)?;
            return only_folder(folder);
        }
        Some("xz") => Box::new(XzReader::new_mem_limit(
            file,
            true,
            limits::ARCHIVE_MEMORY_KIB,
        )),
        _ => Box::new(MultiGzDecoder::new(file)),
    };
    entries(reader, Target::new(folder))?;
    only_folder(folder)
}

fn entries(reader: impl Read, mut target: Target<'_>) -> Result<(), UnpackError> {
    let allowed = Rc::new(Cell::new(0));
    let gate = Gate(reader, Rc::clone(&allowed));
    let mut archive = Archive::new(gate);
    let mut entries = archive.entries()?;
    for number in 0.. {
        // Names may be entries of their own, of any length, which the next one takes into memory.
        allowed.set(limits::ARCHIVE_HEADER);
        let next = entries.next();
        if allowed.get() == 0 {
            return Err(UnpackError::TooLarge("the bytes that a name may have"));
        }
        target.spend(limits::ARCHIVE_HEADER - allowed.get())?;
        let Some(entry) = next else { break };
        Target::count(number)?;
        allowed.set(u64::MAX);
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        match entry.header().entry_type() {
            EntryType::Directory => target.folder(&path)?,
            EntryType::Regular | EntryType::Continuous => {
                target.file(&path, &mut entry)?;
                continue;
            }
            // Links and devices: no source needs them, and links lead elsewhere.
            _ => target.refuse(&path)?,
        }
        // What is left out is decompressed all the same.
        target.copy(&mut entry, &mut io::sink())?;
    }
    Ok(())
}

/// A reader that fails after so many bytes.
struct Gate<R>(R, Rc<Cell<u64>>);

impl<R: Read> Read for Gate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1.get() == 0 {
            return Err(io::Error::other("too much"));
        }
        let read = (&mut self.0).take(self.1.get()).read(buffer)?;
        self.1
            .set(self.1.get() - u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

fn zip(file: impl Read + io::Seek, folder: &Path) -> Result<(), UnpackError> {
    let mut target = Target::new(folder);
    let mut archive = zip::ZipArchive::new(file).map_err(io::Error::other)?;
    for number in 0..archive.len() {
        Target::count(number)?;
        let mut entry = archive.by_index(number).map_err(io::Error::other)?;
        let path = PathBuf::from(entry.name());
        if entry.is_dir() {
            target.folder(&path)?;
        } else if entry.is_symlink() {
            target.refuse(&path)?;
        } else {
            target.file(&path, &mut entry)?;
        }
    }
    Ok(())
}

/// Where files go, and how much may still come.
struct Target<'a> {
    root: &'a Path,
    left: u64,
}

impl<'a> Target<'a> {
    fn new(root: &'a Path) -> Self {
        Self {
            root,
            left: limits::ARCHIVE_BYTES,
        }
    }

    fn count(number: usize) -> Result<(), UnpackError> {
        if number >= limits::ARCHIVE_ENTRIES {
            return Err(UnpackError::TooLarge("the files that an archive may have"));
        }
        Ok(())
    }

    /// Where a path of the archive lies, if it stays below.
    fn inside(&self, path: &Path) -> Result<PathBuf, UnpackError> {
        let inside = inside(path).ok_or_else(|| UnpackError::Path(path.display().to_string()))?;
        Ok(self.root.join(inside))
    }

    fn folder(&self, path: &Path) -> Result<(), UnpackError> {
        Ok(fs::create_dir_all(self.inside(path)?)?)
    }

    /// Leaves something out, unless its path alone shows that the archive is hostile.
    fn refuse(&self, path: &Path) -> Result<(), UnpackError> {
        self.inside(path).map(drop)
    }

    fn file(&mut self, path: &Path, entry: &mut impl Read) -> Result<(), UnpackError> {
        let path = self.inside(path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        self.copy(entry, &mut File::create(&path)?)
    }

    /// What the header claims is not believed: what comes is counted, and one byte more than is allowed tells a large
    /// archive from one that is exactly as large.
    fn copy(&mut self, entry: &mut impl Read, to: &mut impl io::Write) -> Result<(), UnpackError> {
        let copied = io::copy(&mut entry.take(self.left + 1), to)?;
        self.spend(copied)
    }

    fn spend(&mut self, bytes: u64) -> Result<(), UnpackError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or(UnpackError::TooLarge("the bytes that an archive may have"))?;
        Ok(())
    }
}

/// The path, if it stays below where it starts.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(inside)
}

fn only_folder(folder: &Path) -> Result<PathBuf, UnpackError> {
    let entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    match entries.as_slice() {
        [only] if only.file_type()?.is_dir() => Ok(only.path()),
        _ => Ok(folder.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn archive(path: &str, kind: EntryType) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_size(2);
        if kind == EntryType::Symlink {
            header.set_link_name("/etc").unwrap();
        }
        header.set_cksum();
        let mut builder = tar::Builder::new(Vec::new());
        builder.append(&header, &b"x\n"[..]).unwrap();
        builder.into_inner().unwrap()
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        for path in ["../x.c", "/x.c", "a/../../x.c"] {
            let folder = tempfile::tempdir().unwrap();
            let below = folder.path().join("below");
            fs::create_dir(&below).unwrap();
            let error = entries(
                archive(path, EntryType::Regular).as_slice(),
                Target::new(&below),
            )
            .unwrap_err();
            assert!(matches!(error, UnpackError::Path(_)), "{path}: {error}");
            let error = zip(io::Cursor::new(zipped(path)), &below).unwrap_err();
            assert!(matches!(error, UnpackError::Path(_)), "{path}: {error}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    fn zipped(path: &str) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(path, options).unwrap();
        writer.write_all(b"x\n").unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn archives_are_read_in_every_compression() {
        let tar = archive("lib/x.c", EntryType::Regular);
        let gz = {
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gz.write_all(&tar).unwrap();
            gz.finish().unwrap()
        };
        let xz = {
            let options = lzma_rust2::XzOptions::with_preset(0);
            let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
            xz.write_all(&tar).unwrap();
            xz.finish().unwrap()
        };
        let bz2 = {
            let mut bz2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            bz2.write_all(&tar).unwrap();
            bz2.finish().unwrap()
        };
        for (name, bytes) in [
            ("a.zip", zipped("lib/x.c")),
            ("a.tar.bz2", bz2),
            ("a.tar", tar),
            ("a.tar.gz", gz.clone()),
            ("a.tgz", gz),
            ("a.tar.xz", xz),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let below = folder.path().join("below");
            fs::create_dir(&below).unwrap();
            let root = unpack(&path, &below).unwrap();
            assert_eq!(fs::read(root.join("x.c")).unwrap(), b"x\n", "{name}");
            fs::write(&path, b"garbage").unwrap();
            assert!(unpack(&path, &below).is_err(), "{name}");
        }
    }

    #[test]
    fn links_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let archive = archive("x", EntryType::Symlink);
        entries(archive.as_slice(), Target::new(folder.path())).unwrap();
        assert!(!folder.path().join("x").exists());
    }

    #[test]
    fn names_and_what_is_left_out_count_as_well() {
        let folder = tempfile::tempdir().unwrap();
        for (kind, size) in [
            (EntryType::GNULongName, 16 << 20),
            (EntryType::GNULongLink, 16 << 20),
            (EntryType::XHeader, 16 << 20),
            (EntryType::Symlink, 100_000),
            (EntryType::Char, 100_000),
            (EntryType::Regular, 100_000),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_path("x").unwrap();
            header.set_size(size);
            header.set_cksum();
            let mut builder = tar::Builder::new(Vec::new());
            builder
                .append(&header, io::repeat(b'x').take(size))
                .unwrap();
            let mut target = Target::new(folder.path());
            target.left = 90_000;
            let bytes = builder.into_inner().unwrap();
            let error = entries(bytes.as_slice(), target).unwrap_err();
            assert!(
                matches!(error, UnpackError::TooLarge(_)),
                "{kind:?}: {error}"
            );
        }
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.tar.gz");
        fs::write(&file, b"no archive").unwrap();
        let target = folder.path().join("out");
        fs::create_dir(&target).unwrap();
        assert!(matches!(unpack(&file, &target), Err(UnpackError::Io(_))));
    }
}
