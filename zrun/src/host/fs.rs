//! The program's file system: granted directories, the package's own files, and a private root that holds exactly the
//! files that were named on the command line (spec/capabilities.md, "Files").
//!
//! A named file is opened first, then that very inode is linked (or copied) into a directory of this run. Nothing that
//! happens to the path afterwards, and nothing beside the file, is visible to the program.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime_wasi::FsPerms;
use zero_format::{Access, GuestPath};

use super::denial::Denied;
use crate::disk;
use crate::policy::{FsGrant, Grants};

/// Where a program sees the files that its package brought along.
pub const BUNDLED: &str = "/app";

/// A directory that the program starts with.
#[derive(Clone, Debug)]
pub(crate) struct Preopen {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) perms: FsPerms,
    place: Place,
}

/// What a guest path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Bundled,
    Granted,
    Root,
}

/// What a failed call wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Read,
    Write,
}

/// How a call failed, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There is no such file.
    NotFound,
    /// The sandbox said no.
    NotPermitted,
    /// Everything else, including what the host's own file rights forbid.
    Other,
}

/// A verdict on a failed call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) denied: Denied,
    /// Whether "not found" is to be told as "access denied": in the root, absence means that nothing was granted.
    pub(crate) as_access: bool,
}

/// The file system of one run.
#[derive(Debug, Default)]
pub(crate) struct View {
    preopens: Vec<Preopen>,
    staging: Option<Staging>,
    /// Paths that arguments name and where nothing is.
    absent: BTreeSet<String>,
}

/// Why a file system cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// An argument is not UTF-8, and WASI knows nothing else.
    #[error("pass the argument {argument:?}: it is not UTF-8")]
    Argument {
        /// The argument.
        argument: OsString,
    },
    /// A granted path cannot be used.
    #[error("grant {}", .path.display())]
    Grant {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A single file can only be granted for reading.
    #[error("grant {} for writing: it is not a directory", .path.display())]
    WritableFile {
        /// The path.
        path: PathBuf,
    },
    /// The private directory of the run cannot be used.
    #[error("prepare the directory {}", .path.display())]
    Staging {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl ViewError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::WritableFile { path } => {
                let parent = path
                    .parent()
                    .filter(|parent| !parent.as_os_str().is_empty())
                    .unwrap_or(Path::new("."));
                Some(format!(
                    "grant its directory: --allow-fs {}:rw=…",
                    parent.display()
                ))
            }
            _ => None,
        }
    }
}

impl View {
    /// Builds the file system of a run. The arguments come back as the program is to see them.
    pub(crate) fn build(
        cache: &Path,
        grants: &Grants,
        bundled: Option<&Path>,
        args: &[OsString],
    ) -> Result<(Self, Vec<String>), ViewError> {
        let mut args = strings(args)?;
        let mut view = Self::default();
        let mut files = Vec::new();
        for grant in &grants.fs {
            match fs::metadata(&grant.host) {
                Ok(metadata) if metadata.is_dir() => view.preopens.push(Preopen::granted(grant)),
                Ok(_) if grant.access == Access::ReadWrite => {
                    return Err(ViewError::WritableFile {
                        path: grant.host.clone(),
                    });
                }
                Ok(_) => files.push(grant),
                Err(source) => {
                    return Err(ViewError::Grant {
                        path: grant.host.clone(),
                        source,
                    });
                }
            }
        }
        if let Some(host) = bundled {
            view.preopens.push(Preopen {
                host: host.to_owned(),
                guest: BUNDLED.to_owned(),
                perms: FsPerms::ReadOnly,
                place: Place::Bundled,
            });
        }
        let mut stage = Stage {
            cache,
            view: &view,
            staging: None,
            taken: BTreeMap::new(),
            absent: BTreeSet::new(),
        };
        for grant in files {
            let failed = |source| ViewError::Grant {
                path: grant.host.clone(),
                source,
            };
            let file = regular(&grant.host)
                .map_err(failed)?
                .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
            stage.place(&file, grant.guest.as_str())?;
        }
        if grants.args {
            for (at, argument) in args.iter_mut().enumerate() {
                stage.argument(at, argument)?;
            }
        }
        let Stage {
            staging, absent, ..
        } = stage;
        let root = match &staging {
            Some(staging) => staging.path.clone(),
            None => empty_root(cache)?,
        };
        let root = Preopen {
            host: root,
            guest: "/".to_owned(),
            perms: FsPerms::ReadOnly,
            place: Place::Root,
        };
        view.preopens.insert(0, root);
        view.staging = staging;
        view.absent = absent;
        Ok((view, args))
    }

    /// No file system at all, for programs that have no way to name a file.
    pub(crate) fn none(args: &[OsString]) -> Result<(Self, Vec<String>), ViewError> {
        Ok((Self::default(), strings(args)?))
    }

    pub(crate) fn preopens(&self) -> &[Preopen] {
        &self.preopens
    }

    /// What is to be removed when the process ends without unwinding.
    pub(crate) fn staging(&self) -> Option<PathBuf> {
        self.staging.as_ref().map(|staging| staging.path.clone())
    }

    /// Judges a call on `path` below the open directory `base` that failed.
    pub(crate) fn judge(
        &self,
        base: &str,
        path: &str,
        intent: Intent,
        failure: Failure,
    ) -> Option<Verdict> {
        let (full, escapes) = join(base, path);
        let denied = match intent {
            Intent::Read => Denied::Read { path: full.clone() },
            Intent::Write => Denied::Write { path: full.clone() },
        };
        if failure == Failure::Other {
            return None;
        }
        let place = self.place(base);
        if place == Place::Root {
            // Parents of what was granted exist for nobody; asking for them is no attempt at anything.
            let harmless = full == "/" || self.is_parent(&full);
            let absent = failure == Failure::NotFound
                && intent == Intent::Read
                && self.absent.contains(&full);
            return (!harmless && !absent).then_some(Verdict {
                denied,
                as_access: true,
            });
        }
        if failure == Failure::NotFound {
            return None;
        }
        let denied = if place == Place::Bundled && intent == Intent::Write {
            Denied::Bundled { path: full }
        } else if escapes || intent == Intent::Read {
            Denied::Escape { path: full }
        } else if self.is_read_only(base) {
            denied
        } else {
            return None;
        };
        Some(Verdict {
            denied,
            as_access: false,
        })
    }

    fn holder(&self, path: &str) -> Option<&Preopen> {
        let holding = self
            .preopens
            .iter()
            .filter(|preopen| contains(&preopen.guest, path));
        holding.max_by_key(|preopen| preopen.guest.len())
    }

    fn place(&self, path: &str) -> Place {
        self.holder(path)
            .map_or(Place::Root, |preopen| preopen.place)
    }

    fn is_read_only(&self, path: &str) -> bool {
        self.holder(path)
            .is_some_and(|preopen| preopen.perms == FsPerms::ReadOnly)
    }

    fn is_parent(&self, path: &str) -> bool {
        self.preopens
            .iter()
            .any(|preopen| contains(path, &preopen.guest))
    }
}

impl Preopen {
    fn granted(grant: &FsGrant) -> Self {
        let perms = match grant.access {
            Access::Read => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        Self {
            host: grant.host.clone(),
            guest: grant.guest.to_string(),
            perms,
            place: Place::Granted,
        }
    }
}

fn strings(args: &[OsString]) -> Result<Vec<String>, ViewError> {
    let string = |argument: &OsString| {
        argument
            .clone()
            .into_string()
            .map_err(|argument| ViewError::Argument { argument })
    };
    args.iter().map(string).collect()
}

/// Whether `inner` is `outer` or lies below it; both are absolute and normal.
fn contains(outer: &str, inner: &str) -> bool {
    let rest = inner.strip_prefix(outer.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The absolute guest path of `path` in `base`, by its text alone, and whether it climbs out of `base`.
pub(crate) fn join(base: &str, path: &str) -> (String, bool) {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    let depth = parts.len();
    let mut escapes = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
                escapes |= parts.len() < depth;
            }
            name => parts.push(name),
        }
    }
    (format!("/{}", parts.join("/")), escapes)
}

/// An empty directory that every run without files shares.
fn empty_root(cache: &Path) -> Result<PathBuf, ViewError> {
    let path = cache.join("empty");
    disk::private_dir(&path).map_err(|source| ViewError::Staging {
        path: path.clone(),
        source,
    })?;
    Ok(path)
}

/// A directory of one run; removed with everything in it when the run ends.
#[derive(Debug)]
struct Staging {
    path: PathBuf,
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is swept by a later run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Staging {
    fn create(cache: &Path) -> Result<Self, ViewError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let all = cache.join("staging");
        let path = all.join(format!(
            "{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        let create = || {
            disk::private_dir(&all)?;
            sweep(&all);
            // A directory of this name was left by an earlier process with our number.
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            disk::private_dir(&path)
        };
        create().map_err(|source| ViewError::Staging {
            path: path.clone(),
            source,
        })?;
        Ok(Self { path })
    }
}

/// Removes what runs that were killed left behind.
fn sweep(all: &Path) {
    let Ok(entries) = fs::read_dir(all) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.split('-').next())
            .and_then(|pid| pid.parse::<u32>().ok());
        if owner.is_none_or(|pid| !is_running(pid)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_running(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    else {
        return false;
    };
    // A process of somebody else has our old number: not ours, but not provably gone either.
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

#[cfg(not(unix))]
fn is_running(_pid: u32) -> bool {
    true
}

/// Puts files into the root of one run.
struct Stage<'a> {
    cache: &'a Path,
    view: &'a View,
    staging: Option<Staging>,
    /// Which file stands at which guest path.
    taken: BTreeMap<String, PathBuf>,
    /// Guest paths that arguments name and where nothing is.
    absent: BTreeSet<String>,
}

impl Stage<'_> {
    /// An argument that names a file keeps its text where it can; otherwise it becomes `/args/N/NAME`.
    fn argument(&mut self, at: usize, argument: &mut String) -> Result<(), ViewError> {
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

    fn place(&mut self, file: &File, guest: &str) -> Result<(), ViewError> {
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
fn regular(path: &Path) -> io::Result<Option<File>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn view(grants: &[(&str, Access)]) -> View {
        let mut preopens: Vec<_> = grants
            .iter()
            .map(|(guest, access)| {
                Preopen::granted(&FsGrant {
                    host: PathBuf::new(),
                    guest: guest.parse().unwrap(),
                    access: *access,
                })
            })
            .collect();
        preopens.push(Preopen {
            host: PathBuf::new(),
            guest: "/".to_owned(),
            perms: FsPerms::ReadOnly,
            place: Place::Root,
        });
        View {
            preopens,
            ..View::default()
        }
    }

    #[test]
    fn paths_join_by_their_text() {
        assert_eq!(join("/", "etc/passwd"), ("/etc/passwd".to_owned(), false));
        assert_eq!(join("/data", "../etc"), ("/etc".to_owned(), true));
        assert_eq!(join("/data", "a/../b/."), ("/data/b".to_owned(), false));
        assert_eq!(join("/", "../x"), ("/x".to_owned(), false));
    }

    #[test]
    fn absence_in_the_root_is_a_denial_and_elsewhere_it_is_absence() {
        let view = view(&[("/data/in", Access::Read)]);
        let root = view
            .judge("/", "etc/passwd", Intent::Read, Failure::NotFound)
            .unwrap();
        assert!(root.as_access);
        assert_eq!(
            root.denied,
            Denied::Read {
                path: "/etc/passwd".to_owned()
            }
        );
        assert_eq!(
            view.judge("/data/in", "x", Intent::Read, Failure::NotFound),
            None
        );
        assert_eq!(
            view.judge("/", "data", Intent::Read, Failure::NotFound),
            None
        );
        assert_eq!(view.judge("/", "x", Intent::Read, Failure::Other), None);
    }

    #[test]
    fn writing_to_a_read_only_grant_and_climbing_out_are_told_apart() {
        let view = view(&[("/ro", Access::Read), ("/rw", Access::ReadWrite)]);
        let judge = |base, path, intent| {
            view.judge(base, path, intent, Failure::NotPermitted)
                .map(|v| v.denied)
        };
        assert_eq!(
            judge("/ro", "x", Intent::Write),
            Some(Denied::Write {
                path: "/ro/x".to_owned()
            })
        );
        assert_eq!(judge("/rw", "x", Intent::Write), None);
        assert_eq!(
            judge("/rw", "../x", Intent::Write),
            Some(Denied::Escape {
                path: "/x".to_owned()
            })
        );
        assert_eq!(
            judge("/ro", "link", Intent::Read),
            Some(Denied::Escape {
                path: "/ro/link".to_owned()
            })
        );
    }

    fn staged(dir: &Path, args: &[&Path]) -> (View, Vec<String>) {
        let args: Vec<_> = args.iter().map(|arg| arg.as_os_str().to_owned()).collect();
        let grants = Grants {
            args: true,
            ..Grants::default()
        };
        View::build(&dir.join("cache"), &grants, None, &args).unwrap()
    }

    #[test]
    fn a_named_file_is_visible_alone_and_gone_after_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let named = dir.path().join("data.csv");
        fs::write(&named, "content").unwrap();
        fs::write(dir.path().join("secret"), "secret").unwrap();
        let (view, args) = staged(dir.path(), &[&named, dir.path(), Path::new("--flag")]);
        assert_eq!(
            args,
            [
                named.to_str().unwrap(),
                dir.path().to_str().unwrap(),
                "--flag"
            ]
        );
        let root = view.preopens()[0].host.clone();
        let seen = root.join(named.strip_prefix("/").unwrap());
        assert_eq!(fs::read_to_string(&seen).unwrap(), "content");
        assert_eq!(fs::read_dir(seen.parent().unwrap()).unwrap().count(), 1);
        drop(view);
        assert!(!root.exists() && named.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_given_as_an_argument_shows_its_target_only() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        fs::write(&target, "content").unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let (view, _) = staged(dir.path(), &[&link]);
        let seen = view.preopens()[0]
            .host
            .join(link.strip_prefix("/").unwrap());
        assert!(fs::symlink_metadata(&seen).unwrap().is_file());
        assert_eq!(fs::read_to_string(&seen).unwrap(), "content");
    }

    #[test]
    fn a_path_with_dots_is_renamed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("sub")).unwrap();
        fs::write(dir.path().join("x"), "content").unwrap();
        let (view, args) = staged(dir.path(), &[&dir.path().join("sub/../x")]);
        assert_eq!(args, ["/args/0/x"]);
        assert!(view.preopens()[0].host.join("args/0/x").exists());
    }

    #[test]
    fn leftovers_of_dead_runs_are_swept() {
        let dir = tempfile::tempdir().unwrap();
        let all = dir.path().join("staging");
        fs::create_dir_all(all.join("4294967295-0")).unwrap();
        let staging = Staging::create(dir.path()).unwrap();
        assert!(!all.join("4294967295-0").exists());
        assert!(staging.path.exists());
    }

    #[test]
    fn a_single_file_cannot_be_granted_for_writing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        fs::write(&file, "").unwrap();
        let fs = vec![FsGrant {
            host: file,
            guest: "/f".parse().unwrap(),
            access: Access::ReadWrite,
        }];
        let grants = Grants {
            fs,
            ..Grants::default()
        };
        let error = View::build(dir.path(), &grants, None, &[]).unwrap_err();
        assert!(matches!(&error, ViewError::WritableFile { .. }) && error.hint().is_some());
    }
}
