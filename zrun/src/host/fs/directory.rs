//! A directory that stays the same one, whatever happens to the path that led to it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

pub(super) use imp::Directory;

/// What a name in a directory leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) len: u64,
    /// Which file, and when it was changed last.
    pub(super) identity: (u64, u64, i64, i64),
    #[cfg(unix)]
    pub(super) mode: u32,
    #[cfg(unix)]
    pub(super) owner: (u32, u32),
}

impl Stamp {
    /// The same for an open file.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Ok(Self {
                len: metadata.len(),
                identity: (
                    metadata.dev(),
                    metadata.ino(),
                    metadata.mtime(),
                    metadata.mtime_nsec(),
                ),
                mode: metadata.mode() & 0o777,
                owner: (metadata.uid(), metadata.gid()),
            })
        }
        #[cfg(not(unix))]
        Ok(Self {
            len: metadata.len(),
            identity: (0, 0, 0, 0),
        })
    }

    /// Gives a file the rights that another had.
    #[cfg(unix)]
    pub(super) fn apply_mode(&self, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(self.mode))
    }

    /// Rights stay with the directory here.
    #[cfg(not(unix))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "elsewhere it does something"
    )]
    pub(super) fn apply_mode(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(unix)]
mod imp {
    use std::os::fd::OwnedFd;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags};

    use super::{File, OsStr, Path, Stamp, io};

    /// An open directory.
    #[derive(Debug)]
    pub(in super::super) struct Directory(OwnedFd);

    /// Finding names in a directory is all that is needed; where the system knows such a right, reading is not.
    fn flags() -> OFlags {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        #[cfg(target_os = "linux")]
        let flags = flags | OFlags::PATH;
        flags
    }

    impl Directory {
        pub(in super::super) fn open(path: &Path) -> io::Result<Self> {
            Ok(Self(rustix::fs::open(path, flags(), Mode::empty())?))
        }

        /// A directory in this one, made if it is not there.
        pub(in super::super) fn make(&self, name: &OsStr) -> io::Result<Self> {
            rustix::fs::mkdirat(&self.0, name, Mode::from_raw_mode(0o777))?;
            let flags = flags() | OFlags::NOFOLLOW;
            Ok(Self(rustix::fs::openat(
                &self.0,
                name,
                flags,
                Mode::empty(),
            )?))
        }

        /// A new file that only its owner may use.
        pub(in super::super) fn create(&self, name: &OsStr) -> io::Result<File> {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            Ok(rustix::fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o600))?.into())
        }

        /// A file in this directory, for reading.
        pub(in super::super) fn read(&self, name: &OsStr) -> io::Result<File> {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
            Ok(rustix::fs::openat(&self.0, name, flags, Mode::empty())?.into())
        }

        /// Whether the user may change a file in this directory; one that is not there may be made.
        pub(in super::super) fn check_writable(&self, name: &OsStr) -> io::Result<()> {
            let access = rustix::fs::Access::WRITE_OK;
            match rustix::fs::accessat(&self.0, name, access, AtFlags::empty()) {
                Err(error) if error != rustix::io::Errno::NOENT => Err(error.into()),
                _ => Ok(()),
            }
        }

        /// Moves something from elsewhere here.
        pub(in super::super) fn bring(&self, from: &Path, name: &OsStr) -> io::Result<()> {
            Ok(rustix::fs::renameat(CWD, from, &self.0, name)?)
        }

        pub(in super::super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
        }

        /// Gives a file the owner that another had, as far as the system lets us.
        pub(in super::super) fn give(&self, name: &OsStr, like: &Stamp) {
            let (uid, gid) = like.owner;
            let _ = rustix::fs::chownat(
                &self.0,
                name,
                Some(rustix::fs::Uid::from_raw(uid)),
                Some(rustix::fs::Gid::from_raw(gid)),
                AtFlags::SYMLINK_NOFOLLOW,
            );
        }
    }
}

#[cfg(not(unix))]
mod imp {
    use std::fs;
    use std::path::PathBuf;

    use super::{File, OsStr, Path, Stamp, io};

    /// A directory by its path: the best that is to be had here.
    #[derive(Debug)]
    pub(in super::super) struct Directory(PathBuf);

    impl Directory {
        pub(in super::super) fn open(path: &Path) -> io::Result<Self> {
            fs::metadata(path)?;
            Ok(Self(path.to_owned()))
        }

        pub(in super::super) fn make(&self, name: &OsStr) -> io::Result<Self> {
            let path = self.0.join(name);
            fs::create_dir(&path)?;
            Ok(Self(path))
        }

        pub(in super::super) fn create(&self, name: &OsStr) -> io::Result<File> {
            File::create_new(self.0.join(name))
        }

        pub(in super::super) fn read(&self, name: &OsStr) -> io::Result<File> {
            File::open(self.0.join(name))
        }

        pub(in super::super) fn check_writable(&self, name: &OsStr) -> io::Result<()> {
            match fs::metadata(self.0.join(name)) {
                Ok(metadata) if metadata.permissions().readonly() => {
                    Err(io::ErrorKind::PermissionDenied.into())
                }
                _ => Ok(()),
            }
        }

        pub(in super::super) fn bring(&self, from: &Path, name: &OsStr) -> io::Result<()> {
            fs::rename(from, self.0.join(name))
        }

        pub(in super::super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
            fs::rename(self.0.join(from), self.0.join(to))
        }

        pub(in super::super) fn give(&self, _name: &OsStr, _like: &Stamp) {}
    }
}
