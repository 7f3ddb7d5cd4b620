//! `Zero.lock`: which releases a project runs (spec/cli.md, "Zero.lock").
//!
//! It can only choose among releases: what it names is verified like everything else, and a registry that names another
//! file for a version is caught by the digest.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zero_format::{Digest, PackageName, PackageRef, RegistryName, Version, VersionReq};

use crate::disk;
use crate::resolution::Resolution;

const MANIFEST: &str = "Zero.toml";
const NAME: &str = "Zero.lock";
const FORMAT: u32 = 1;
/// Bytes that are read at most.
const MAX_BYTES: u64 = 1 << 20;
const HEADER: &str =
    "# Which releases this project runs. Written by cargo zero: keep it under version control.\n";

/// The file beside a project's Zero.toml.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockFile {
    path: PathBuf,
    entries: Vec<Locked>,
}

/// What a request stands for in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// What was asked for, without the registry's name, which is a matter of each user: `[scope/]name[@REQ]`.
    pub request: String,
    /// The registry's origin.
    pub registry: String,
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: Version,
    /// The digest of the artifact.
    pub digest: Digest,
    /// Leaves of the registry's log when it was chosen: a log with fewer is an older one.
    pub log: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    package: Vec<Locked>,
}

/// Why a lock file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// A later format.
    #[error("read {}: it is of format {found}, and this version of Zero knows {FORMAT}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It cannot be read.
    #[error("read {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no lock file: a person, or a merge, changed it.
    #[error("read {}:{line}: {message}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl LockError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Format { .. } => Some("update Zero: cargo install cargo-zero zrun".to_owned()),
            Self::Io { .. } => None,
            Self::Syntax { path, .. } => Some(format!(
                "take it from version control, or remove {}: the next runs choose anew",
                path.display()
            )),
        }
    }
}

impl Locked {
    /// What a request became.
    pub fn new(request: &PackageRef, found: &Resolution) -> Self {
        Self {
            request: plain(request),
            registry: found.origin.clone(),
            name: found.name.clone(),
            version: found.version.clone(),
            digest: found.digest,
            log: found.log,
        }
    }

    /// The same request for exactly this version.
    pub fn exactly(&self, registry: Option<&RegistryName>) -> PackageRef {
        let version = VersionReq::exact(self.version.clone());
        PackageRef::new(registry.cloned(), self.name.clone(), version)
    }

    /// Whether a registry's answer is the release that is locked.
    pub fn is(&self, found: &Resolution) -> bool {
        self.registry == found.origin
            && self.name == found.name
            && self.version == found.version
            && self.digest == found.digest
    }
}

impl LockFile {
    /// The lock file of the project that a folder lies in; none outside of projects. The file itself may be missing yet.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn nearest(folder: &Path) -> Result<Option<Self>, LockError> {
        let manifest = folder
            .ancestors()
            .map(|folder| folder.join(MANIFEST))
            .find(|path| path.is_file());
        manifest.map(|path| Self::beside(&path)).transpose()
    }

    /// The lock file beside a manifest.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn beside(manifest: &Path) -> Result<Self, LockError> {
        let path = manifest.with_file_name(NAME);
        let bytes = disk::read_bounded(&path, MAX_BYTES).map_err(|source| LockError::Io {
            path: path.clone(),
            source,
        })?;
        let entries = match bytes {
            Some(bytes) => decode(&path, &bytes)?,
            None => Vec::new(),
        };
        Ok(Self { path, entries })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Locked] {
        &self.entries
    }

    /// What a request stands for in a registry, by its origin; where that is not known, in any.
    pub fn find<'a>(
        &'a self,
        request: &PackageRef,
        origin: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Locked> {
        let request = plain(request);
        self.entries.iter().filter(move |entry| {
            entry.request == request && origin.is_none_or(|origin| origin == entry.registry)
        })
    }

    /// Puts an entry in the place of the one for the same request, and tells whether that changed anything.
    pub fn put(&mut self, entry: Locked) -> bool {
        let key = |entry: &Locked| (entry.registry.clone(), entry.request.clone());
        match self.entries.binary_search_by_key(&key(&entry), key) {
            // The same release in a log that has grown is no news for version control. A shorter log is: it stands here
            // only after a user has said that it is right.
            Ok(index) => match self.entries.get_mut(index) {
                Some(old)
                    if old.digest == entry.digest
                        && old.version == entry.version
                        && old.log <= entry.log =>
                {
                    false
                }
                Some(old) => {
                    *old = entry;
                    true
                }
                None => false,
            },
            Err(index) => {
                self.entries.insert(index, entry);
                true
            }
        }
    }

    /// The file's text: the same entries always give the same.
    ///
    /// # Panics
    /// Never: texts and numbers can be written as TOML.
    pub fn encode(&self) -> String {
        let document = Document {
            version: FORMAT,
            package: self.entries.clone(),
        };
        let text = toml::to_string(&document).expect("texts and numbers are TOML");
        format!("{HEADER}{text}")
    }
}

fn plain(request: &PackageRef) -> String {
    PackageRef::new(None, request.name().clone(), request.req().clone()).to_string()
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Vec<Locked>, LockError> {
    let syntax = |line, message: &str| LockError::Syntax {
        path: path.to_owned(),
        line,
        message: message.to_owned(),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| syntax(1, "it is not UTF-8"))?;
    let document: Document = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        syntax(before.matches('\n').count() + 1, error.message())
    })?;
    if document.version != FORMAT {
        return Err(LockError::Format {
            path: path.to_owned(),
            found: document.version,
        });
    }
    for entry in &document.package {
        if entry.request.parse::<PackageRef>().is_err() {
            return Err(syntax(1, "a `request` is no package"));
        }
    }
    // A merge may have put them in any order.
    let mut entries = document.package;
    entries.sort_by(|a, b| (&a.registry, &a.request).cmp(&(&b.registry, &b.request)));
    let twice = entries
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.registry == b.registry && a.request == b.request));
    if twice {
        return Err(syntax(1, "a request is locked twice"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(request: &str, version: &str, registry: &str) -> Locked {
        Locked {
            request: request.to_owned(),
            registry: registry.to_owned(),
            name: request.split('@').next().unwrap().parse().unwrap(),
            version: version.parse().unwrap(),
            digest: Digest::of(version.as_bytes()),
            log: 7,
        }
    }

    fn project() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let manifest = dir.path().join(MANIFEST);
        std::fs::write(&manifest, "").unwrap();
        (dir, manifest)
    }

    #[test]
    fn what_is_written_is_read_again_in_one_order() {
        let (dir, manifest) = project();
        let mut lock = LockFile::beside(&manifest).unwrap();
        assert!(lock.entries().is_empty());
        assert!(lock.put(entry("sum@1", "1.0.0", "b.example")));
        assert!(lock.put(entry("csvstat@1.2", "1.2.3", "a.example")));
        assert!(!lock.put(entry("sum@1", "1.0.0", "b.example")));
        std::fs::write(lock.path(), lock.encode()).unwrap();
        let inner = dir.path().join("src/deep");
        std::fs::create_dir_all(&inner).unwrap();
        let read = LockFile::nearest(&inner).unwrap().unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.encode(), lock.encode());
        let request: PackageRef = "demo:csvstat@1.2".parse().unwrap();
        assert_eq!(read.find(&request, None).count(), 1);
        assert_eq!(read.find(&request, Some("a.example")).count(), 1);
        assert_eq!(read.find(&request, Some("b.example")).count(), 0);
        assert_eq!(
            read.entries()[0].exactly(request.registry()).to_string(),
            "demo:csvstat@1.2.3"
        );
    }

    #[test]
    fn another_version_takes_the_place_of_the_one_before() {
        let (_dir, manifest) = project();
        let mut lock = LockFile::beside(&manifest).unwrap();
        lock.put(entry("sum@1", "1.0.0", "a.example"));
        assert!(lock.put(entry("sum@1", "1.1.0", "a.example")));
        assert_eq!(lock.entries().len(), 1);
        assert_eq!(lock.entries()[0].version.to_string(), "1.1.0");
    }

    #[test]
    fn what_is_no_lock_file_is_refused_with_its_line() {
        let (_dir, manifest) = project();
        let mut lock = LockFile::beside(&manifest).unwrap();
        lock.put(entry("sum@1", "1.0.0", "a.example"));
        let good = lock.encode();
        let twice = format!("{good}{}", &good[good.find("\n[[").unwrap()..]);
        for (text, says) in [
            ("<<<<<<< HEAD\n".to_owned() + &good, ":1:"),
            (good.replace("log = 7", "log = -7"), "read "),
            (good.replace("log = 7", "log = 7\nmore = 1"), "more"),
            (good.replace("sum@1", "sum@@"), "no package"),
            (good.replace("version = 1\n", "version = 2\n"), "format 2"),
            (twice, "twice"),
            ("\0".to_owned(), ":1:"),
        ] {
            std::fs::write(lock.path(), &text).unwrap();
            let error = LockFile::beside(&manifest).unwrap_err();
            assert!(error.to_string().contains(says), "{error} for {text}");
            assert!(error.hint().is_some());
        }
    }
}
