//! Files that travel with the program, read-only (spec/artifact.md, "Bundled files").

use std::fs;
use std::path::{Component, Path, PathBuf};

use zero_format::FileSet;

use crate::project::Project;
use crate::report::{Class, Failure};

/// The files of `[build] files`, if the project bundles any. The program sees them at the paths that the manifest
/// has.
pub(super) fn files(project: &Project) -> Result<Option<FileSet>, Failure> {
    let mut set = FileSet::new();
    for listed in project.bundle() {
        for path in walk(&listed)? {
            let inside = path.strip_prefix(project.folder()).unwrap_or(&path);
            let parts: Vec<_> = inside
                .components()
                .filter(|part| matches!(part, Component::Normal(_)))
                .map(|part| part.as_os_str().to_string_lossy())
                .collect();
            let refused = |error: &dyn std::error::Error| {
                Failure::failed(format!("{} cannot be bundled", path.display())).because(error)
            };
            let place = parts
                .join("/")
                .parse()
                .map_err(|error: zero_format::FilePathError| refused(&error))?;
            set.insert(place, super::read(&path)?, is_executable(&path))
                .map_err(|error| refused(&error))?;
        }
    }
    Ok((!set.is_empty()).then_some(set))
}

/// All files at and below a path, in the order of their names. Links are refused: they could lead anywhere.
pub(super) fn walk(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: &std::io::Error| {
        Failure::failed(format!("cannot read {}", path.display())).because(error)
    };
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::new(
                Class::NotFound,
                format!("no file or folder {}", path.display()),
            )
            .hint("correct the path in Zero.toml; paths are relative to it"));
        }
        found => found.map_err(|error| failed(&error))?,
    };
    if found.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if !found.is_dir() {
        return Err(
            Failure::failed(format!("{} is neither a file nor a folder", path.display()))
                .hint("replace the link by what it points to"),
        );
    }
    let mut below = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| failed(&error))? {
        below.push(entry.map_err(|error| failed(&error))?.path());
    }
    below.sort();
    let mut files = Vec::new();
    for path in below {
        files.extend(walk(&path)?);
    }
    Ok(files)
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_: &Path) -> bool {
    false
}
