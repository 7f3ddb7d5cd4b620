//! What `inspect`, `verify` and `run` are given: a file, or a package of a registry.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zero_format::{Artifact, PackageRef, limits};

use crate::report::{Class, Failure};

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
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
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
    let most = limits::MAX_ARTIFACT as u64;
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    if bytes.len() > limits::MAX_ARTIFACT {
        return Err(Failure::new(
            Class::Untrusted,
            format!("{} is larger than any artifact may be", path.display()),
        )
        .hint(format!("the limit is {}", crate::report::human_size(most))));
    }
    Ok(bytes)
}

/// Decodes an artifact; what is none is not trusted.
pub(crate) fn decode(path: &Path, bytes: Vec<u8>) -> Result<Artifact, Failure> {
    Artifact::decode(bytes).map_err(|error| {
        Failure::new(
            Class::Untrusted,
            format!("{} is not a .zero file", path.display()),
        )
        .because(&error)
        .hint_if(error.hint())
    })
}
