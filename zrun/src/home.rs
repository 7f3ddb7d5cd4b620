//! Where the user's state lives: `ZERO_HOME` if set, else the platform's configuration and cache directories.
//!
//! The environment is an argument, so that whoever owns the process reads it once.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zero_format::Digest;

use crate::disk;
use crate::exit;

/// The directories of one user of Zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    config: PathBuf,
    cache: PathBuf,
    bin: PathBuf,
}

/// Why there is no usable home.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// Neither `ZERO_HOME` nor the platform's variables are set.
    #[error("find a home directory: neither ZERO_HOME nor {missing} is set")]
    NoHome {
        /// The platform's variable.
        missing: &'static str,
    },
    /// A directory of the home belongs to another user, who could plant what is trusted there.
    #[error("trust {}: it belongs to the user {owner}", .path.display())]
    Foreign {
        /// Which one.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
    /// A file or directory of the home cannot be used.
    #[error("use {}", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Everybody may write to a directory of the home.
    #[error("trust {}: everybody may write to it", .path.display())]
    Open {
        /// Which one.
        path: PathBuf,
    },
    /// The user's secret has the wrong length: something else wrote it.
    #[error("read the secret in {}: it is {found} bytes, not 32", .path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
}

impl HomeError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoHome { .. } => Some("set ZERO_HOME to a directory of yours".to_owned()),
            Self::Foreign { path, .. } => Some(format!(
                "use a directory of your own with ZERO_HOME, or take this one over: chown -R \"$(id -u)\" {}",
                path.display()
            )),
            Self::Io { .. } => None,
            Self::Open { path } => Some(format!(
                "look through what is there, then: chmod go-w {}",
                path.display()
            )),
            Self::Secret { path, .. } => Some(format!(
                "remove {}; a new one is made, and the caches that it sealed are rebuilt",
                path.display()
            )),
        }
    }
}

impl HomeError {
    /// The exit code that stands for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Foreign { .. } | Self::Open { .. } => exit::NOT_TRUSTED,
            _ => exit::FAILED,
        }
    }
}

impl Home {
    /// Finds the home from a snapshot of the environment.
    ///
    /// # Errors
    /// When neither `ZERO_HOME` nor the platform's own variables say where it could be.
    pub fn locate(env: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, HomeError> {
        if let Some(home) = directory(env, "ZERO_HOME") {
            return Ok(Self::at(home));
        }
        platform(env)
    }

    /// A home whose state lies in one directory, as with `ZERO_HOME`.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        let config = directory.into();
        let cache = config.join("cache");
        let bin = config.join("bin");
        Self { config, cache, bin }
    }

    /// The directory of `config.toml`.
    pub fn directory(&self) -> &Path {
        &self.config
    }

    /// `config.toml`.
    pub fn config(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The user's own keys.
    pub fn keys_dir(&self) -> PathBuf {
        self.config.join("keys")
    }

    /// The keys of others that the user trusts.
    pub fn trust_file(&self) -> PathBuf {
        self.config.join("trust")
    }

    /// Stored consent.
    pub fn grants_dir(&self) -> PathBuf {
        self.config.join("grants")
    }

    /// What each launcher starts.
    pub fn installed_dir(&self) -> PathBuf {
        self.config.join("installed")
    }

    /// Where launchers go unless told otherwise: the platform's folder for a user's own programs.
    pub fn bin_dir(&self) -> &Path {
        &self.bin
    }

    /// Everything that can be deleted without losing anything but time.
    pub fn cache_dir(&self) -> &Path {
        &self.cache
    }

    /// Compiled code.
    pub fn code_dir(&self) -> PathBuf {
        self.cache.join("code")
    }

    /// Bundled files, unpacked, one directory for each artifact.
    pub fn files_dir(&self) -> PathBuf {
        self.cache.join("files")
    }

    /// Sealed resolutions: which version a selector stood for, and until when.
    pub fn resolutions_dir(&self) -> PathBuf {
        self.cache.join("resolutions")
    }

    /// Where a run puts the files that it was given; emptied when the run ends.
    pub fn staging_dir(&self) -> PathBuf {
        self.cache.join("staging")
    }

    /// The sealed receipt of an artifact that was verified before.
    pub fn receipt(&self, digest: &Digest) -> PathBuf {
        let mut name = digest.to_hex();
        name.push_str(".receipt");
        self.cache.join("receipts").join(name)
    }

    /// Makes sure that nobody else can plant what is trusted here: keys, consent, settings, compiled code. What is
    /// missing yet will be made for the user alone.
    ///
    /// # Errors
    /// When a file or directory of the home belongs to another user, or everybody may write to it.
    #[cfg(unix)]
    pub fn check(&self) -> Result<(), HomeError> {
        use std::os::unix::fs::MetadataExt as _;
        const OTHERS_WRITE: u32 = 0o002;
        let own = rustix::process::geteuid().as_raw();
        let inner = [
            self.config(),
            self.trust_file(),
            self.keys_dir(),
            self.grants_dir(),
            self.installed_dir(),
            self.code_dir(),
            self.files_dir(),
            self.resolutions_dir(),
            self.staging_dir(),
            self.cache.join("receipts"),
        ];
        for path in [&self.config, &self.cache].into_iter().chain(&inner) {
            let Ok(metadata) = fs::metadata(path) else {
                continue;
            };
            let (path, owner) = (path.clone(), metadata.uid());
            // The administrator could do anything anyway.
            if owner != own && owner != 0 {
                return Err(HomeError::Foreign { path, owner });
            }
            if metadata.mode() & OTHERS_WRITE != 0 {
                return Err(HomeError::Open { path });
            }
        }
        Ok(())
    }

    /// Elsewhere the system's own lists say who may write, and the folders of a profile are the user's.
    ///
    /// # Errors
    /// Never.
    #[cfg(not(unix))]
    pub fn check(&self) -> Result<(), HomeError> {
        Ok(())
    }

    /// Creates what is missing.
    ///
    /// # Errors
    /// When a directory cannot be created.
    pub fn prepare(&self) -> Result<(), HomeError> {
        for path in [&self.config, &self.cache] {
            disk::private_dir(path).map_err(|source| HomeError::Io {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// The secret that seals receipts, resolutions and compiled code for this user; made on first use.
    ///
    /// # Errors
    /// When it can neither be read nor created.
    pub fn secret(&self) -> Result<Secret, HomeError> {
        let path = self.config.join("secret");
        let failed = |source| HomeError::Io {
            path: path.clone(),
            source,
        };
        if let Some(bytes) = disk::read_bounded(&path, 4096).map_err(failed)? {
            return Secret::decode(&bytes, &path);
        }
        self.prepare()?;
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| failed(io::Error::other(error)))?;
        // Written beside and linked into place: of two first runs at once one wins and both use its secret.
        let temporary = disk::temporary_beside(&path).map_err(failed)?;
        disk::write_new(&temporary, &[&fresh]).map_err(failed)?;
        let linked = fs::hard_link(&temporary, &path);
        let _ = fs::remove_file(&temporary);
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(error)),
            _ => {
                let bytes = disk::read_bounded(&path, 4096)
                    .map_err(failed)?
                    .ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
                Secret::decode(&bytes, &path)
            }
        }
    }
}

/// A per-user secret. It proves that a file in the cache was written by this user's own runs.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret from its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, as [`zero_format::Receipt`] takes them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// An independent key for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(purpose, &self.0)
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self, HomeError> {
        let bytes = bytes.try_into().map_err(|_| HomeError::Secret {
            path: path.to_owned(),
            found: bytes.len(),
        })?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn directory(env: &dyn Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    env(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

#[cfg(windows)]
fn platform(env: &dyn Fn(&str) -> Option<OsString>) -> Result<Home, HomeError> {
    let missing = HomeError::NoHome { missing: "APPDATA" };
    let config = directory(env, "APPDATA").ok_or(missing)?;
    let local = directory(env, "LOCALAPPDATA").unwrap_or_else(|| config.clone());
    Ok(Home {
        config: config.join("zero"),
        cache: local.join("zero").join("cache"),
        bin: local.join("zero").join("bin"),
    })
}

#[cfg(target_os = "macos")]
fn platform(env: &dyn Fn(&str) -> Option<OsString>) -> Result<Home, HomeError> {
    let home = directory(env, "HOME").ok_or(HomeError::NoHome { missing: "HOME" })?;
    let library = home.join("Library");
    Ok(Home {
        config: library.join("Application Support").join("zero"),
        cache: library.join("Caches").join("zero"),
        bin: home.join(".local").join("bin"),
    })
}

#[cfg(not(any(windows, target_os = "macos")))]
fn platform(env: &dyn Fn(&str) -> Option<OsString>) -> Result<Home, HomeError> {
    let below = |variable, default| {
        // The XDG rule: a relative path is to be ignored.
        directory(env, variable)
            .filter(|path| path.is_absolute())
            .or_else(|| directory(env, "HOME").map(|home| home.join(default)))
            .ok_or(HomeError::NoHome { missing: "HOME" })
    };
    let config = below("XDG_CONFIG_HOME", ".config")?.join("zero");
    // The XDG specification has no variable for it: user programs are in ~/.local/bin.
    let bin = directory(env, "HOME").map_or_else(
        || config.join("bin"),
        |home| home.join(".local").join("bin"),
    );
    Ok(Home {
        config,
        cache: below("XDG_CACHE_HOME", ".cache")?.join("zero"),
        bin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| {
            let found = pairs.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        }
    }

    #[test]
    fn zero_home_wins_and_holds_everything() {
        let env = environment(&[("ZERO_HOME", "/z"), ("HOME", "/h")]);
        let home = Home::locate(&env).unwrap();
        assert_eq!(home, Home::at("/z"));
        assert!(home.code_dir().starts_with("/z/cache"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn platform_directories_follow_xdg_and_ignore_relative_ones() {
        let env = environment(&[
            ("HOME", "/h"),
            ("XDG_CACHE_HOME", "/c"),
            ("XDG_CONFIG_HOME", "x"),
        ]);
        let home = Home::locate(&env).unwrap();
        assert_eq!(home.config(), Path::new("/h/.config/zero/config.toml"));
        assert_eq!(home.cache_dir(), Path::new("/c/zero"));
        assert_eq!(home.bin_dir(), Path::new("/h/.local/bin"));
        assert!(Home::locate(&environment(&[])).is_err());
    }

    #[test]
    fn the_secret_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("home"));
        let first = home.secret().unwrap();
        assert_eq!(first.as_bytes(), home.secret().unwrap().as_bytes());
        assert_eq!(format!("{first:?}"), "Secret(…)");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(home.directory().join("secret"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn first_runs_at_once_share_one_secret() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        let secrets: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| home.secret().unwrap()))
                .collect();
            runs.into_iter()
                .map(|run| *run.join().unwrap().as_bytes())
                .collect()
        });
        assert!(secrets.iter().all(|secret| secret == &secrets[0]));
    }

    #[cfg(unix)]
    #[test]
    fn a_home_that_others_can_write_to_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("home"));
        assert!(home.check().is_ok(), "what is missing is made privately");
        home.prepare().unwrap();
        assert!(home.check().is_ok());
        fs::create_dir(home.grants_dir()).unwrap();
        fs::create_dir(home.code_dir()).unwrap();
        let inner = [home.grants_dir(), home.code_dir()];
        let outer = [home.cache_dir(), home.directory()];
        for path in outer.into_iter().chain(inner.iter().map(PathBuf::as_path)) {
            fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
            let error = home.check().unwrap_err();
            assert!(matches!(&error, HomeError::Open { .. }), "{error}");
            assert_eq!(error.exit_code(), exit::NOT_TRUSTED);
            fs::set_permissions(path, fs::Permissions::from_mode(0o775)).unwrap();
            assert!(home.check().is_ok());
        }
        // Only an administrator can give a directory away.
        if std::os::unix::fs::chown(home.directory(), Some(12345), None).is_ok() {
            let error = home.check().unwrap_err();
            assert!(
                matches!(&error, HomeError::Foreign { owner: 12345, .. }),
                "{error}"
            );
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_truncated_secret_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("secret"), b"short").unwrap();
        let error = Home::at(dir.path()).secret().unwrap_err();
        assert!(matches!(error, HomeError::Secret { found: 5, .. }));
        assert!(error.hint().is_some());
    }
}
