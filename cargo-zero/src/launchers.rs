//! Launchers: links to `zrun` under the name of an installed package.
//!
//! `zrun` looks at the name that it was called by and finds the record of that package: no script, no shell, no cargo.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zrun::is_launcher;

use crate::host::Session;
use crate::report::{Class, Failure};
use crate::write;

/// `zrun`: beside this program, else on PATH.
pub(crate) fn zrun(session: &Session) -> Result<PathBuf, Failure> {
    let name = format!("zrun{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe()
        .and_then(|own| own.canonicalize())
        .ok()
        .and_then(|own| Some(own.parent()?.join(&name)))
        .filter(|path| path.is_file());
    beside
        .or_else(|| on_path(session, &name).next())
        .ok_or_else(|| {
            Failure::new(Class::NotFound, "zrun, which launchers start, is not here")
                .hint("install it beside cargo-zero: cargo install zrun")
        })
}

/// All programs of a name on PATH, in order.
pub(crate) fn on_path<'s>(session: &'s Session, name: &str) -> impl Iterator<Item = PathBuf> + 's {
    let name = name.to_owned();
    folders(session)
        .map(move |folder| folder.join(&name))
        .filter(|path| path.is_file())
}

/// Whether a folder is on PATH.
pub(crate) fn is_on_path(session: &Session, folder: &Path) -> bool {
    let same = |other: PathBuf| {
        other == folder
            || folder
                .canonicalize()
                .is_ok_and(|folder| other.canonicalize().is_ok_and(|other| other == folder))
    };
    folders(session).any(same)
}

fn folders(session: &Session) -> impl Iterator<Item = PathBuf> + '_ {
    // An empty entry means the current folder, which nobody should rely on.
    session
        .env
        .path
        .iter()
        .flat_map(env::split_paths)
        .filter(|folder| !folder.as_os_str().is_empty())
}

/// Makes a launcher. A file that is there is replaced only if `ours` says that it is an older launcher of ours.
pub(crate) fn make(zrun: &Path, path: &Path, ours: bool) -> Result<(), Failure> {
    let made = make_folder(path).and_then(|()| {
        if ours && is_launcher(path) {
            replace(zrun, path)
        } else {
            // It fails if anything is there, whatever was seen a moment before.
            link(zrun, path)
        }
    });
    made.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => foreign(path),
        _ => write::cannot_write(path, &error),
    })
}

/// The failure when another program's file has the name.
pub(crate) fn foreign(path: &Path) -> Failure {
    Failure::failed(format!("{} exists and is not ours", path.display())).hint(
        "move it away, or choose another name with `--as NAME` or another folder with `--bin-dir DIR`",
    )
}

/// Removes a launcher; a file that is none of ours stays.
pub(crate) fn remove(path: &Path) -> Result<bool, Failure> {
    if !is_launcher(path) {
        return Ok(false);
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::failed(format!("cannot remove {}", path.display())).because(&error))
        }
        _ => Ok(true),
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Puts a new link in the place of an old one, so that at every moment one of them is there.
fn replace(zrun: &Path, path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".zero-{}-{name}", std::process::id()));
    link(zrun, &beside)?;
    fs::rename(&beside, path).inspect_err(|_| {
        // The first error is the one worth reporting.
        let _ = fs::remove_file(&beside);
    })
}

#[cfg(unix)]
fn link(zrun: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(zrun, path)
}

/// Symbolic links need privileges here; a second name of the file, or a copy on another drive, does as well.
#[cfg(not(unix))]
fn link(zrun: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(zrun, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let mut from = fs::File::open(zrun)?;
            let mut to = fs::File::create_new(path)?;
            io::copy(&mut from, &mut to).map(drop)
        }
        linked => linked,
    }
}
