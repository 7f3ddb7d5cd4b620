//! The keys that may vouch for a file given by path: the user's own, and those that the user decided to trust.
//!
//! The `trust` file holds one key a line, as minisign prints it, then a comment; `#` starts a remark.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use zero_format::{KeyError, PublicKey};

use crate::disk;
use crate::home::Home;

const MAX_FILE: u64 = 1 << 20;

/// The keys trusted for files given by path.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    keys: Vec<TrustedKey>,
}

/// One trusted key.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// What the user calls it.
    pub comment: String,
    /// Whether it is the user's own.
    pub own: bool,
}

/// Why the trusted keys cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A file cannot be read or written.
    #[error("use {}", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file holds something that is not a key. Nothing of it is used: skipping a line could hide a mistake.
    #[error("read the key in {}, line {line}", .path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        source: KeyError,
    },
}

impl Trust {
    /// Reads the user's own public keys and the trust file.
    ///
    /// # Errors
    /// When a file is unreadable or holds something else than keys.
    pub fn load(home: &Home) -> Result<Self, TrustError> {
        let mut trust = Self::default();
        trust.load_own(home)?;
        trust.load_trusted(home)?;
        Ok(trust)
    }

    /// All trusted keys, as [`zero_format::verify`] takes them.
    pub fn keys(&self) -> Vec<PublicKey> {
        self.keys.iter().map(|entry| entry.key).collect()
    }

    /// All trusted keys with what is known about them, the user's own first.
    pub fn entries(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// Whether a key is trusted. Whole keys are compared, never their numbers.
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.keys.iter().any(|entry| entry.key == *key)
    }

    /// Trusts a key from now on; `false` if it was trusted already.
    ///
    /// # Errors
    /// When the trust file cannot be written.
    pub fn add(&mut self, home: &Home, key: &PublicKey, comment: &str) -> Result<bool, TrustError> {
        if self.contains(key) {
            return Ok(false);
        }
        let comment = comment.chars().filter(|c| !c.is_control()).collect();
        self.keys.push(TrustedKey {
            key: *key,
            comment,
            own: false,
        });
        self.store(home)?;
        Ok(true)
    }

    /// Trusts a key no longer; `false` if it was not in the trust file.
    ///
    /// # Errors
    /// When the trust file cannot be written.
    pub fn remove(&mut self, home: &Home, key: &PublicKey) -> Result<bool, TrustError> {
        let before = self.keys.len();
        self.keys.retain(|entry| entry.own || entry.key != *key);
        if self.keys.len() == before {
            return Ok(false);
        }
        self.store(home)?;
        Ok(true)
    }

    fn store(&self, home: &Home) -> Result<(), TrustError> {
        let path = home.trust_file();
        let mut text = String::from("# Keys trusted for .zero files given by path, one a line.\n");
        for entry in self.keys.iter().filter(|entry| !entry.own) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {}", entry.key.to_base64(), entry.comment);
        }
        let write = || {
            disk::private_dir(home.directory())?;
            disk::write_atomic(&path, &[text.as_bytes()])
        };
        write().map_err(|source| TrustError::Io {
            path: path.clone(),
            source,
        })
    }

    fn load_own(&mut self, home: &Home) -> Result<(), TrustError> {
        let dir = home.keys_dir();
        let failed = |source| TrustError::Io {
            path: dir.clone(),
            source,
        };
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "pub") {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let text = read(&path)?.unwrap_or_default();
            let key = PublicKey::parse(&text);
            let key = key.map_err(|source| TrustError::Key {
                path: path.clone(),
                line: 1,
                source,
            })?;
            let comment = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            self.keys.push(TrustedKey {
                key,
                comment,
                own: true,
            });
        }
        Ok(())
    }

    fn load_trusted(&mut self, home: &Home) -> Result<(), TrustError> {
        let path = home.trust_file();
        let text = read(&path)?.unwrap_or_default();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, comment) = line.split_once(' ').unwrap_or((line, ""));
            let key = PublicKey::parse(key).map_err(|source| TrustError::Key {
                path: path.clone(),
                line: at + 1,
                source,
            })?;
            if !self.contains(&key) {
                self.keys.push(TrustedKey {
                    key,
                    comment: comment.to_owned(),
                    own: false,
                });
            }
        }
        Ok(())
    }
}

fn read(path: &std::path::Path) -> Result<Option<String>, TrustError> {
    let failed = |source| TrustError::Io {
        path: path.to_owned(),
        source,
    };
    let Some(bytes) = disk::read_bounded(path, MAX_FILE).map_err(failed)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes)
        .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidData, error)))?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> PublicKey {
        zero_format::SecretKey::generate([seed; 40]).public_key()
    }

    #[test]
    fn trust_survives_on_disk_and_can_be_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        let mut trust = Trust::load(&home).unwrap();
        assert!(
            trust
                .add(&home, &key(1), "a colleague\n# not a line of its own")
                .unwrap()
        );
        assert!(!trust.add(&home, &key(1), "again").unwrap());
        assert!(trust.add(&home, &key(2), "").unwrap());
        let mut read = Trust::load(&home).unwrap();
        assert!(read.contains(&key(1)) && read.contains(&key(2)) && !read.contains(&key(3)));
        assert!(read.remove(&home, &key(1)).unwrap());
        assert!(!Trust::load(&home).unwrap().contains(&key(1)));
    }

    #[test]
    fn own_public_keys_are_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        fs::create_dir(home.keys_dir()).unwrap();
        fs::write(home.keys_dir().join("me.pub"), key(1).to_file_text("me")).unwrap();
        fs::write(home.keys_dir().join("me.key"), "secret").unwrap();
        let trust = Trust::load(&home).unwrap();
        assert!(trust.contains(&key(1)));
        assert!(trust.entries()[0].own && trust.entries()[0].comment == "me");
    }

    #[test]
    fn a_broken_line_is_an_error_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        fs::write(
            home.trust_file(),
            format!("# remark\n{} ok\nnonsense\n", key(1).to_base64()),
        )
        .unwrap();
        assert!(matches!(
            Trust::load(&home),
            Err(TrustError::Key { line: 3, .. })
        ));
    }
}
