//! A file of the registry as the server sees it: where it is, how long, under which tag.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::UNIX_EPOCH,
};

use flate2::{Compression, write::GzEncoder};
use zero_format::Digest;

use super::body::Content;
use crate::RegistryPath;

/// Larger files are not compressed while a client waits; a `.gz` beside them is used.
const MAX_COMPRESSED: u64 = 1 << 20;
/// Smaller files fit into one packet anyway.
const MIN_COMPRESSED: u64 = 512;

/// A file that exists, open.
pub(super) struct Found {
    pub(super) content: Content,
    pub(super) etag: String,
    pub(super) gzip: bool,
}

/// Opens a file of the registry. With `gzip` a compressed form is chosen where it pays.
pub(super) fn open(directory: &Path, path: &RegistryPath, gzip: bool) -> io::Result<Option<Found>> {
    let place = directory.join(path.as_str());
    let Some((file, length, time)) = open_file(&place)? else {
        return Ok(None);
    };
    let kind = path.kind();
    if !kind.is_immutable() {
        return mutable(file, length, gzip && kind.is_compressible()).map(Some);
    }
    let tag = format!("{time:x}-{length:x}");
    if gzip && kind.is_compressible() {
        let mut beside = place.into_os_string();
        beside.push(".gz");
        if let Some((file, length, _)) = open_file(Path::new(&beside))? {
            return Ok(Some(Found {
                content: Content::file(file, length),
                etag: format!("\"{tag}-gz\""),
                gzip: true,
            }));
        }
        if (MIN_COMPRESSED..=MAX_COMPRESSED).contains(&length) {
            return Ok(Some(Found {
                content: Content::bytes(compress(&read(file, length)?)?),
                etag: format!("\"{tag}-gz\""),
                gzip: true,
            }));
        }
    }
    Ok(Some(Found {
        content: Content::file(file, length),
        etag: format!("\"{tag}\""),
        gzip: false,
    }))
}

/// Swapped twice within one tick of the file system's clock, a file would keep a tag made of times:
/// the tag of a file that changes is made of its content.
fn mutable(file: File, length: u64, gzip: bool) -> io::Result<Found> {
    let bytes = read(file, length.min(MAX_COMPRESSED))?;
    let hex = Digest::of(&bytes).to_hex();
    let (tag, _) = hex.split_at(32);
    let gzip = gzip && u64::try_from(bytes.len()).is_ok_and(|len| len >= MIN_COMPRESSED);
    let (etag, bytes) = if gzip {
        (format!("\"{tag}-gz\""), compress(&bytes)?)
    } else {
        (format!("\"{tag}\""), bytes)
    };
    Ok(Found {
        content: Content::bytes(bytes),
        etag,
        gzip,
    })
}

fn open_file(place: &Path) -> io::Result<Option<(File, u64, u128)>> {
    let absent = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    };
    // Asked before opening: opening a pipe would wait for its writer.
    match std::fs::metadata(place) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(None),
        Err(error) if absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    }
    let file = match File::open(place) {
        Ok(file) => file,
        Err(error) if absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    let time = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |time| time.as_nanos());
    Ok(Some((file, metadata.len(), time)))
}

fn read(file: File, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether compressing a file of this length pays while a client waits.
pub(super) fn pays(length: usize) -> bool {
    u64::try_from(length).is_ok_and(|length| (MIN_COMPRESSED..=MAX_COMPRESSED).contains(&length))
}

pub(super) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    use std::io::Write as _;

    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
