//! What `inspect`, `verify` and `run` are given: a file, or a package of a registry.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use memmap2::MmapMut;
use zero_format::{Artifact, PackageRef, limits};

use crate::report::{Class, Failure};

/// From this size on a file is read into large pages.
const LARGE: usize = 8 << 20;

/// A file, or a package of a registry.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// A path on this machine.
    File(PathBuf),
    /// A package.
    Package(PackageRef),
}

impl Target {
    /// What looks like a path is one: an existing file, a `.zero` at the end, or a `/` or `.` at the start.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let path = Path::new(text);
        let named = ["zero", "minisig", "wasm"]
            .iter()
            .any(|end| path.extension().is_some_and(|found| found == *end));
        if named || path.is_absolute() || text.starts_with('.') || path.is_file() {
            return Ok(Self::File(path.to_owned()));
        }
        text.parse()
            .map(Self::Package)
            .map_err(|error: zero_format::PackageRefError| {
                Failure::usage(format!("`{text}` is neither a file nor a package"))
                    .because(&error)
                    .hint(error.hint())
            })
    }
}

/// Reads a file that should be an artifact, whole and bounded.
pub(crate) fn read(path: &Path) -> Result<Bytes, Failure> {
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::new(Class::NotFound, format!("no file {}", path.display())).hint(
                "build one with `cargo zero build`, or name a package: `cargo zero run NAME@1.2`",
            )
        }
        _ => Failure::failed(format!("cannot read {}", path.display())).because(error),
    };
    let file = File::open(path).map_err(|error| failed(&error))?;
    if fs::metadata(path).is_ok_and(|found| found.is_dir()) {
        return Err(Failure::usage(format!("{} is a folder", path.display()))
            .hint("name a .zero file; a project is run from within its folder: `cargo zero run`"));
    }
    let most = limits::MAX_ARTIFACT;
    let bytes = whole(file, most).map_err(|error| failed(&error))?;
    if bytes.len() > most {
        return Err(Failure::new(
            Class::Untrusted,
            format!("{} is larger than any artifact may be", path.display()),
        )
        .hint(format!(
            "the limit is {}",
            crate::report::human_size(most as u64)
        )));
    }
    Ok(bytes)
}

/// Reads at most one byte more than `most`.
fn whole(mut file: File, most: usize) -> io::Result<Bytes> {
    let size = usize::try_from(file.metadata()?.len())
        .unwrap_or(usize::MAX)
        .min(most);
    let mut buffer = Buffer::zeroed(size)?;
    file.read_exact(buffer.as_mut())?;
    // Files that have no size, and what was appended meanwhile.
    let mut rest = Vec::new();
    file.take((most - size) as u64 + 1).read_to_end(&mut rest)?;
    if rest.is_empty() {
        return Ok(buffer.into());
    }
    Ok([&*buffer.as_mut(), &rest].concat().into())
}

/// Memory for a file. A large one takes large pages where the system has them: a first touch of every 4 KiB costs as
/// much as reading them.
enum Buffer {
    Large(MmapMut),
    Small(Vec<u8>),
}

impl Buffer {
    fn zeroed(size: usize) -> io::Result<Self> {
        if size < LARGE {
            return Ok(Self::Small(vec![0; size]));
        }
        let map = MmapMut::map_anon(size)?;
        // A wish: without large pages this is ordinary memory.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self::Large(map))
    }

    fn as_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Large(map) => map,
            Self::Small(vec) => vec,
        }
    }
}

impl From<Buffer> for Bytes {
    fn from(buffer: Buffer) -> Self {
        match buffer {
            Buffer::Large(map) => Self::from_owner(map),
            Buffer::Small(vec) => vec.into(),
        }
    }
}

/// Decodes an artifact; what is none is not trusted.
pub(crate) fn decode(path: &Path, bytes: impl Into<Bytes>) -> Result<Artifact, Failure> {
    Artifact::decode(bytes).map_err(|error| {
        Failure::new(
            Class::Untrusted,
            format!("{} is not a .zero file", path.display()),
        )
        .because(&error)
        .hint_if(error.hint())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_whole_and_no_further_than_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for size in [0, 1, LARGE - 1, LARGE, LARGE + 1] {
            let content: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
            fs::write(&path, &content).unwrap();
            let read = |most| whole(File::open(&path).unwrap(), most).unwrap();
            assert!(read(size) == content, "{size}");
            assert!(read(size + 1) == content, "{size}");
            if let Some(less) = size.checked_sub(2) {
                assert!(read(less) == content[..=less], "{size}");
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_without_a_size_are_read_too() {
        let read = whole(File::open("/proc/self/status").unwrap(), 1 << 20).unwrap();
        assert!(read.starts_with(b"Name:"));
    }
}
