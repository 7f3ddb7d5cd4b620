//! Where C comes from: a folder, an archive, a git repository; or a list of them.

mod files;
mod git;
mod unpack;

pub use unpack::UnpackError;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// One repository to harvest, before it is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A source archive.
    Archive(PathBuf),
    /// A folder of this machine.
    Folder(PathBuf),
    /// A URL that git clones.
    Git(String),
}

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// git failed.
    #[error("clone {name}: {said}")]
    Clone {
        /// What was cloned, as records call it.
        name: String,
        /// What git said.
        said: String,
    },
    /// git is not installed.
    #[error("start git, which clones {name}")]
    Git {
        /// What was to be cloned, as records call it.
        name: String,
        /// Why.
        source: std::io::Error,
    },
    /// More than a repository may have.
    #[error("clone {name}: it has {what}")]
    TooLarge {
        /// What was cloned, as records call it.
        name: String,
        /// How much.
        what: String,
    },
    /// Neither a folder, nor an archive, nor a URL.
    #[error(
        "{0} is no folder, no .tar, .tar.gz, .tar.bz2, .tar.xz, .zip or .crate archive, and no git URL"
    )]
    Unknown(String),
    /// An archive that is damaged or hostile.
    #[error("unpack {path}")]
    Unpack {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: UnpackError,
    },
    /// A file or a folder that cannot be read.
    #[error("read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl SourceError {
    fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Read { path, source }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Git { .. } => Some("apt-get install git"),
            Self::TooLarge { .. } => {
                Some("clone it by hand, and name the folder of what is wanted")
            }
            Self::Unknown(_) => Some("unpack or clone it, and name its folder"),
            _ => None,
        }
    }
}

const ARCHIVES: [&str; 7] = [
    ".tar.gz", ".tar.xz", ".tar.bz2", ".crate", ".tgz", ".tar", ".zip",
];
const SCHEMES: [&str; 5] = ["https://", "http://", "git://", "ssh://", "file://"];

impl Source {
    /// Reads what a person typed: a source, or `@FILE` with one a line.
    ///
    /// # Errors
    /// When it is none, or the list cannot be read.
    pub fn parse(text: &str) -> Result<Vec<Self>, SourceError> {
        let Some(list) = text.strip_prefix('@') else {
            return Ok(vec![Self::one(text)?]);
        };
        let path = Path::new(list);
        let lines = std::fs::read_to_string(path).map_err(SourceError::read(path))?;
        lines
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(Self::one)
            .collect()
    }

    fn one(text: &str) -> Result<Self, SourceError> {
        let path = PathBuf::from(text);
        if SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            Ok(Self::Git(text.to_owned()))
        } else if path.is_dir() {
            Ok(Self::Folder(path))
        } else if path.is_file() && ARCHIVES.iter().any(|end| text.ends_with(end)) {
            Ok(Self::Archive(path))
        } else {
            Err(SourceError::Unknown(text.to_owned()))
        }
    }

    /// What records call it: the same wherever it was copied to.
    pub fn name(&self) -> String {
        let last = |path: &Path| {
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        match self {
            Self::Folder(path) => last(path),
            Self::Archive(path) => {
                let name = last(path);
                let end = ARCHIVES.iter().find_map(|end| name.strip_suffix(end));
                let bare = end.unwrap_or(&name);
                // As Debian names what its authors published.
                bare.strip_suffix(".orig").unwrap_or(bare).to_owned()
            }
            Self::Git(url) => {
                let bare = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme));
                let bare = bare.unwrap_or(url).trim_end_matches('/');
                let bare = bare.strip_suffix(".git").unwrap_or(bare);
                // Whoever may read it, their name and password are no part of it.
                let bare = bare.get(git::user(url).len()..).unwrap_or(bare);
                if url.starts_with("file://") {
                    last(Path::new(&format!("/{}", bare.trim_start_matches('/'))))
                } else {
                    bare.to_owned()
                }
            }
        }
    }

    /// Makes its files available.
    ///
    /// # Errors
    /// When it cannot be read, or is hostile.
    /// `cache` is a folder that keeps clones; `temporary` makes one for what nobody keeps.
    pub(crate) fn fetch(
        &self,
        cache: Option<&Path>,
        temporary: impl Fn() -> std::io::Result<TempDir>,
    ) -> Result<Checkout, SourceError> {
        let temporary = || temporary().map_err(SourceError::read(Path::new("a temporary folder")));
        let (root, commit, folder) = match self {
            Self::Folder(path) => (path.clone(), None, None),
            Self::Archive(path) => {
                let folder = temporary()?;
                let root =
                    unpack::unpack(path, folder.path()).map_err(|source| SourceError::Unpack {
                        path: path.clone(),
                        source,
                    })?;
                (root, None, Some(folder))
            }
            Self::Git(url) => {
                if let Some(cache) = cache {
                    let (root, commit) = git::cached(url, cache)?;
                    (root, Some(commit), None)
                } else {
                    let folder = temporary()?;
                    let commit = git::clone(url, folder.path())?;
                    (folder.path().to_owned(), Some(commit), Some(folder))
                }
            }
        };
        let root = std::fs::canonicalize(&root).map_err(SourceError::read(&root))?;
        let files::Listed { files, hidden } = files::list(&root)?;
        let commit = match commit {
            Some(commit) => commit,
            None => files::digest(&root, &files)?,
        };
        Ok(Checkout {
            name: self.name(),
            commit,
            root,
            files,
            hidden,
            _folder: folder,
        })
    }
}

/// A digest of a folder's files.
pub(crate) fn digest(folder: &Path) -> Result<String, SourceError> {
    files::digest(folder, &files::list(folder)?.files)
}

/// The files of one repository. Temporary ones go when this is dropped.
#[derive(Debug)]
pub(crate) struct Checkout {
    /// What records call it.
    pub(crate) name: String,
    /// The commit; of files without one, a digest of them.
    pub(crate) commit: String,
    /// The folder, with no links in its path.
    pub(crate) root: PathBuf,
    /// Paths of its files from the root, sorted.
    pub(crate) files: Vec<String>,
    /// Paths that are no part of it.
    pub(crate) hidden: Vec<String>,
    _folder: Option<TempDir>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_nothing_of_the_machine_or_its_user() {
        let git = |url: &str| Source::Git(String::from(url)).name();
        assert_eq!(git("https://git.example/a/b.git"), "git.example/a/b");
        assert_eq!(git("https://me:secret@git.example/a/b"), "git.example/a/b");
        assert_eq!(git("https://git.example/@a/b@c"), "git.example/@a/b@c");
        assert_eq!(git("file:///a/lib.git"), "lib");
        let archive = Source::Archive(PathBuf::from("/x/cjson_1.7.tar.gz"));
        assert_eq!(archive.name(), "cjson_1.7");
        let debian = Source::Archive(PathBuf::from("lz4_1.9.4.orig.tar.xz"));
        assert_eq!(debian.name(), "lz4_1.9.4");
    }

    #[test]
    fn what_is_no_source_is_refused() {
        assert!(matches!(
            Source::parse("/no/such"),
            Err(SourceError::Unknown(_))
        ));
        assert!(matches!(
            Source::parse("@/no/such"),
            Err(SourceError::Read { .. })
        ));
    }
}
