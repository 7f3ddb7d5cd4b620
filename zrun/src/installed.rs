//! Installed packages: what a launcher on PATH stands for.
//!
//! A launcher is a link to `zrun` under the program's own name, so it starts as fast as `zrun` does. What it is to run
//! stands in a record of the user's, sealed like a resolution: a planted one starts nothing.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zero_format::{Capabilities, PackageName};

use crate::disk;
use crate::home::{Home, HomeError, Secret};
use crate::resolution::Resolution;
use crate::sealed;

const PURPOSE: &str = "zero 2026 installed package";
const MAX_RECORD: u64 = 1 << 20;

/// Names under which Zero's own programs are called.
const OWN: [&str; 3] = ["cargo-zero", "zero-registry", "zrun"];

/// A package that has a launcher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installed {
    /// The launcher's name.
    pub launcher: PackageName,
    /// Where the launcher is.
    pub path: PathBuf,
    /// What it starts: the selector is what the user asked for, and what `update` asks for again. `fresh_until` says
    /// when the registry is to be asked whether the version still stands.
    pub resolution: Resolution,
    /// What the version declares.
    pub capabilities: Capabilities,
    /// When it was installed or last moved to another version, in seconds since 1970.
    pub since: u64,
}

impl Installed {
    /// Whether the launcher is there and ours.
    pub fn is_whole(&self) -> bool {
        is_launcher(&self.path)
    }
}

/// The name under which this program was called, if that is a launcher's: a link to `zrun` has another one.
///
/// ```
/// # use std::ffi::OsStr;
/// assert_eq!(zrun::called_as(OsStr::new("/usr/bin/csvstat")).unwrap().as_str(), "csvstat");
/// assert_eq!(zrun::called_as(OsStr::new("/usr/bin/zrun-1.2")), None);
/// ```
pub fn called_as(program: &OsStr) -> Option<PackageName> {
    let name = Path::new(program).file_name()?.to_str()?;
    let name = name
        .strip_suffix(std::env::consts::EXE_SUFFIX)
        .unwrap_or(name);
    if name.starts_with("zrun") {
        return None;
    }
    name.parse().ok()
}

/// Whether a launcher may have this name: one part, and none that Zero's own programs go by.
pub fn is_launcher_name(name: &PackageName) -> bool {
    name.scope().is_none() && !name.as_str().starts_with("zrun") && !OWN.contains(&name.as_str())
}

/// Whether a file is a link to `zrun`. Where links need privileges a launcher is a second name of the same file, and
/// the record alone tells.
#[cfg(unix)]
pub fn is_launcher(path: &Path) -> bool {
    fs::read_link(path).is_ok_and(|to| to.file_name().is_some_and(|name| name == "zrun"))
}

/// Whether a file is a link to `zrun`. Where links need privileges a launcher is a second name of the same file, and
/// the record alone tells.
#[cfg(not(unix))]
pub fn is_launcher(path: &Path) -> bool {
    path.is_file()
}

impl Home {
    /// The package that a launcher starts.
    pub fn installed(&self, secret: &Secret, launcher: &PackageName) -> Option<Installed> {
        let bytes = disk::read_bounded(&self.installed_path(launcher), MAX_RECORD).ok()??;
        let found: Installed = sealed::open(secret, PURPOSE, launcher.as_str(), &bytes)?;
        (found.launcher == *launcher).then_some(found)
    }

    /// All installed packages, by launcher. A record without its launcher is what a kill between the two left: it
    /// counts as none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn all_installed(&self, secret: &Secret) -> Result<Vec<Installed>, HomeError> {
        let dir = self.installed_dir();
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(HomeError::Io { path: dir, source }),
        };
        let mut all: Vec<Installed> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|name| self.installed(secret, &name))
            .filter(Installed::is_whole)
            .collect();
        all.sort_by(|a, b| a.launcher.cmp(&b.launcher));
        Ok(all)
    }

    /// Keeps the record of an installed package.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_installed(&self, installed: &Installed) -> Result<(), HomeError> {
        let secret = self.secret()?;
        let path = self.installed_path(&installed.launcher);
        let write = || {
            disk::private_dir(&self.installed_dir())?;
            let name = installed.launcher.as_str();
            let bytes =
                sealed::seal(&secret, PURPOSE, name, installed).map_err(io::Error::other)?;
            disk::write_atomic(&path, &[&bytes])
        };
        write().map_err(|source| HomeError::Io {
            path: path.clone(),
            source,
        })
    }

    /// Removes the record of an installed package.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn forget_installed(&self, launcher: &PackageName) -> Result<(), HomeError> {
        let path = self.installed_path(launcher);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(HomeError::Io { path, source })
            }
            _ => Ok(()),
        }
    }

    fn installed_path(&self, launcher: &PackageName) -> PathBuf {
        self.installed_dir().join(launcher.as_str())
    }
}

#[cfg(test)]
mod tests {
    use zero_format::Digest;

    use super::*;

    fn sample(dir: &Path) -> Installed {
        Installed {
            launcher: "csvstat".parse().unwrap(),
            path: dir.join("bin/csvstat"),
            resolution: Resolution {
                selector: "csvstat@1".to_owned(),
                origin: "registry.example/team".to_owned(),
                name: "csvstat".parse().unwrap(),
                version: "1.2.3".parse().unwrap(),
                digest: Digest::of(b"artifact"),
                size: 8,
                signers: Vec::new(),
                capabilities: Digest::of(b"capabilities"),
                head_expires: 2000,
                checked_at: 1,
                fresh_until: 1000,
                log: 4,
                blob: PathBuf::from("/blobs/x"),
            },
            capabilities: Capabilities::default(),
            since: 5,
        }
    }

    #[test]
    fn a_launcher_is_known_by_its_name() {
        let name = |text: &str| called_as(OsStr::new(text)).map(|name| name.to_string());
        assert_eq!(name("csvstat"), Some("csvstat".to_owned()));
        assert_eq!(name("../bin/csv-stat"), Some("csv-stat".to_owned()));
        for own in [
            "zrun",
            "/usr/bin/zrun",
            "zrun-0.1.0",
            "",
            "Zrun",
            "a b",
            "..",
        ] {
            assert_eq!(name(own), None, "{own}");
        }
        let fits = |text: &str| is_launcher_name(&text.parse().unwrap());
        assert!(fits("csvstat"));
        for own in ["zrun", "zrun2", "cargo-zero", "acme/tool"] {
            assert!(!fits(own), "{own}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_record_without_its_launcher_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("home"));
        let secret = home.secret().unwrap();
        let one = sample(dir.path());
        home.keep_installed(&one).unwrap();
        assert_eq!(home.installed(&secret, &one.launcher), Some(one.clone()));
        assert!(home.all_installed(&secret).unwrap().is_empty());
        fs::create_dir(dir.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("/opt/zrun", &one.path).unwrap();
        assert_eq!(
            home.all_installed(&secret).unwrap(),
            std::slice::from_ref(&one)
        );
        home.forget_installed(&one.launcher).unwrap();
        home.forget_installed(&one.launcher).unwrap();
        assert!(home.all_installed(&secret).unwrap().is_empty());
    }

    #[test]
    fn a_planted_or_renamed_record_starts_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        let secret = home.secret().unwrap();
        let one = sample(dir.path());
        home.keep_installed(&one).unwrap();
        let path = home.installed_path(&one.launcher);
        let bytes = fs::read(&path).unwrap();
        let other: PackageName = "other".parse().unwrap();
        fs::write(home.installed_path(&other), &bytes).unwrap();
        assert_eq!(home.installed(&secret, &other), None);
        let mut flipped = bytes;
        flipped[10] ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert_eq!(home.installed(&secret, &one.launcher), None);
    }
}
