//! Archives, which may be hostile: only files and folders below the target, up to a size and a number.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

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
        Some("xz") => Box::new(XzReader::new_mem_limit(
            file,
            true,
            limits::ARCHIVE_MEMORY_KIB,
        )),
        _ => Box::new(MultiGzDecoder::new(file)),
    };
    entries(reader, folder)?;
    only_folder(folder)
}

fn entries(reader: impl Read, folder: &Path) -> Result<(), UnpackError> {
    // One byte more than is allowed tells a large archive from one that is exactly as large.
    let mut left = limits::ARCHIVE_BYTES;
    let mut archive = Archive::new(reader);
    for (number, entry) in archive.entries()?.enumerate() {
        if number == limits::ARCHIVE_ENTRIES {
            return Err(UnpackError::TooLarge("the files that an archive may have"));
        }
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let Some(inside) = inside(&path) else {
            return Err(UnpackError::Path(path.display().to_string()));
        };
        let target = folder.join(inside);
        match entry.header().entry_type() {
            EntryType::Directory => fs::create_dir_all(&target)?,
            EntryType::Regular | EntryType::Continuous => {
                if let Some(parent) = target.parent() {
                    fs::create_dir_all(parent)?;
                }
                // What the header claims is not believed: what is written is counted.
                let mut file = File::create(&target)?;
                let written = io::copy(&mut (&mut entry).take(left + 1), &mut file)?;
                left = left
                    .checked_sub(written)
                    .ok_or(UnpackError::TooLarge("the bytes that an archive may have"))?;
            }
            // Links and devices: no source needs them, and links lead elsewhere.
            _ => {}
        }
    }
    Ok(())
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
            let error = entries(archive(path, EntryType::Regular).as_slice(), &below).unwrap_err();
            assert!(matches!(error, UnpackError::Path(_)), "{path}: {error}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
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
        for (name, bytes) in [
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
        entries(archive("x", EntryType::Symlink).as_slice(), folder.path()).unwrap();
        assert!(!folder.path().join("x").exists());
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
