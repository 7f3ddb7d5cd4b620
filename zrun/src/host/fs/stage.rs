//! Files that were named, put into the root of one run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use zero_format::GuestPath;

use super::staging::Staging;
use super::{Place, View, ViewError};
use crate::disk;

/// Puts files into the root of one run.
pub(super) struct Stage<'a> {
    pub(super) cache: &'a Path,
    pub(super) view: &'a View,
    pub(super) staging: Option<Staging>,
    /// Which file stands at which guest path.
    pub(super) taken: BTreeMap<String, PathBuf>,
    /// Guest paths that arguments name and where nothing is.
    pub(super) absent: BTreeSet<String>,
}

impl Stage<'_> {
    /// An argument that names a file keeps its text where it can; otherwise it becomes `/args/N/NAME`.
    pub(super) fn argument(&mut self, at: usize, argument: &mut String) -> Result<(), ViewError> {
        let host = PathBuf::from(argument.as_str());
        let file = match regular(&host) {
            Ok(Some(file)) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Whoever names a file may hear that there is none.
                self.absent.extend(natural(&host));
                return Ok(());
            }
            // Not a file, or not one that the user may read: the program sees the text and gets "denied".
            _ => return Ok(()),
        };
        let source = fs::canonicalize(&host).unwrap_or_else(|_| host.clone());
        let natural = natural(&host);
        let free = natural.filter(|guest| match self.taken.get(guest) {
            Some(other) => *other == source,
            None => self.view.place(guest) == Place::Root,
        });
        let guest = free.unwrap_or_else(|| {
            let name = host
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or("file");
            let guest = format!("/args/{at}/{name}");
            guest.clone_into(argument);
            guest
        });
        if self.taken.insert(guest.clone(), source).is_none() {
            self.place(&file, &guest)?;
        }
        Ok(())
    }

    pub(super) fn place(&mut self, file: &File, guest: &str) -> Result<(), ViewError> {
        let root = match &self.staging {
            Some(staging) => staging.path.clone(),
            None => self
                .staging
                .insert(Staging::create(self.cache)?)
                .path
                .clone(),
        };
        let path = root.join(guest.trim_start_matches('/'));
        let place = || {
            if let Some(parent) = path.parent() {
                disk::private_dir(parent)?;
            }
            link(file, &path).or_else(|_| copy(file, &path))
        };
        place().map_err(|source| ViewError::Staging {
            path: path.clone(),
            source,
        })
    }
}

/// The guest path that equals what the user typed, if there is one.
fn natural(host: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in host.components() {
        match component {
            Component::CurDir | Component::RootDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    let guest: GuestPath = format!("/{}", parts.join("/")).parse().ok()?;
    Some(guest.to_string())
}

/// Opens a file of which the program may see the content; `None` for directories, devices, pipes and sockets.
pub(super) fn regular(path: &Path) -> io::Result<Option<File>> {
    // Looking first keeps us from opening a pipe or a device; looking again at what was opened is what counts.
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = File::open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
}

/// Links the inode that is open, whatever its path means by now.
#[cfg(target_os = "linux")]
fn link(file: &File, to: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(
        rustix::fs::CWD,
        opened,
        rustix::fs::CWD,
        to,
        rustix::fs::AtFlags::SYMLINK_FOLLOW,
    )?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn link(_file: &File, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn copy(mut file: &File, to: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o400);
    io::copy(&mut file, &mut options.open(to)?)?;
    Ok(())
}
