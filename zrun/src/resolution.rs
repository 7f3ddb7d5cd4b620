//! What a selector such as `csvstat@1.2` stood for when the registry was last asked, and until when that holds.
//!
//! Whoever asked the registry remembers the answer here; a warm run recalls it without any network. Records are
//! sealed with the user's secret, so a planted file cannot redirect a selector.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zero_format::{Digest, PackageName, PublicKey, Version};

use crate::disk;
use crate::home::{Home, HomeError, Secret};
use crate::sealed;

const PURPOSE: &str = "zero 2026 resolution";
const MAX_RECORD: u64 = 1 << 16;

/// An answer of a registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// The selector as the user wrote it: `[REGISTRY:][scope/]name[@REQ]`.
    pub selector: String,
    /// The registry's origin.
    pub origin: String,
    /// The package.
    pub name: PackageName,
    /// The version that the selector resolved to.
    pub version: Version,
    /// The digest of the artifact.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The keys in force for the package, in base64 as minisign prints them.
    pub signers: Vec<String>,
    /// The digest of the capabilities that it declares.
    pub capabilities: Digest,
    /// When the registry's head expires, in seconds since 1970.
    pub head_expires: u64,
    /// When the registry was asked, in seconds since 1970.
    pub checked_at: u64,
    /// Until when the answer may be used without asking again, in seconds since 1970.
    pub fresh_until: u64,
    /// Leaves of the registry's log when it was asked.
    pub log: u64,
    /// Where the artifact lies on this machine.
    pub blob: PathBuf,
}

/// A resolution together with the configuration under which it was made: `csvstat` means something else once another
/// registry is the default.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    config: Digest,
    resolution: Resolution,
}

impl Resolution {
    /// Whether the answer still holds at `now`, in seconds since 1970. One that comes from the future does not: the clock
    /// was wrong then or is wrong now, and nobody knows how old the answer is.
    pub fn is_fresh(&self, now: u64) -> bool {
        self.is_vouched(now) && now < self.fresh_until
    }

    /// Whether the registry still vouches at `now` for the state that the answer was taken from: what it said later is
    /// not known, but may be unknown no longer than this.
    pub fn is_vouched(&self, now: u64) -> bool {
        self.checked_at <= now && now < self.head_expires
    }

    /// The signers as keys; `None` if one of them is not a key.
    pub fn keys(&self) -> Option<Vec<PublicKey>> {
        self.signers
            .iter()
            .map(|text| PublicKey::parse(text).ok())
            .collect()
    }
}

impl Home {
    /// Remembers an answer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn remember(&self, resolution: &Resolution) -> Result<(), HomeError> {
        let secret = self.secret()?;
        let path = self.resolution(&secret, &resolution.selector);
        let write = || {
            disk::private_dir(&self.resolutions_dir())?;
            let record = Record {
                config: self.config_digest(),
                resolution: resolution.clone(),
            };
            let sealed = sealed::seal(&secret, PURPOSE, &resolution.selector, &record)
                .map_err(io::Error::other)?;
            disk::write_atomic(&path, &[&sealed])
        };
        write().map_err(|source| HomeError::Io {
            path: path.clone(),
            source,
        })
    }

    /// Recalls the answer for a selector, unless the configuration was changed since. An expired one is returned too: only the caller knows whether `--locked` or
    /// `--offline` make it good enough.
    pub fn recall(&self, secret: &Secret, selector: &str) -> Option<Resolution> {
        let bytes = disk::read_bounded(&self.resolution(secret, selector), MAX_RECORD).ok()??;
        let Record { config, resolution } = sealed::open(secret, PURPOSE, selector, &bytes)?;
        (resolution.selector == selector && config == self.config_digest()).then_some(resolution)
    }

    /// All answers that are remembered under the present configuration, by selector.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn remembered(&self, secret: &Secret) -> Result<Vec<Resolution>, HomeError> {
        let dir = self.resolutions_dir();
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(HomeError::Io { path: dir, source }),
        };
        let mut all: Vec<Resolution> = entries
            .flatten()
            .filter_map(|entry| disk::read_bounded(&entry.path(), MAX_RECORD).ok()?)
            // What a record says of its selector is believed once it opens under that selector.
            .filter_map(|bytes| {
                let (body, _) = sealed::split(&bytes)?;
                let claimed: Record = serde_json::from_slice(body).ok()?;
                self.recall(secret, &claimed.resolution.selector)
            })
            .collect();
        all.sort_by(|a, b| a.selector.cmp(&b.selector));
        all.dedup();
        Ok(all)
    }

    /// Forgets the answer for a selector.
    ///
    /// # Errors
    /// When the record exists and cannot be removed.
    pub fn forget(&self, selector: &str) -> Result<(), HomeError> {
        let path = self.resolution(&self.secret()?, selector);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(HomeError::Io { path, source })
            }
            _ => Ok(()),
        }
    }

    /// What the configuration says; an unreadable one says nothing that was remembered under it.
    fn config_digest(&self) -> Digest {
        let text = disk::read_bounded(&self.config(), 1 << 20).ok().flatten();
        Digest::of(&text.unwrap_or_default())
    }

    /// The file name hides what the user runs from whoever only sees names, and is safe whatever the selector holds.
    fn resolution(&self, secret: &Secret, selector: &str) -> PathBuf {
        let name = sealed::tag(secret, "zero 2026 resolution name", selector, &[]);
        self.resolutions_dir().join(name.to_hex().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Resolution {
        let key = zero_format::SecretKey::generate([1; 40]).public_key();
        Resolution {
            selector: "csvstat@1.2".to_owned(),
            origin: "https://packages.example.org".to_owned(),
            name: "csvstat".parse().unwrap(),
            version: "1.2.3".parse().unwrap(),
            digest: Digest::of(b"artifact"),
            size: 8,
            signers: vec![key.to_base64()],
            capabilities: Digest::of(b"capabilities"),
            head_expires: 2000,
            checked_at: 500,
            fresh_until: 1000,
            log: 4,
            blob: PathBuf::from("/blobs/x"),
        }
    }

    #[test]
    fn an_answer_is_recalled_by_its_exact_selector() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        home.remember(&sample()).unwrap();
        let secret = home.secret().unwrap();
        assert_eq!(home.recall(&secret, "csvstat@1.2"), Some(sample()));
        assert_eq!(home.recall(&secret, "csvstat"), None);
        assert_eq!(home.remembered(&secret).unwrap(), [sample()]);
        assert_eq!(sample().keys().unwrap().len(), 1);
        home.forget("csvstat@1.2").unwrap();
        assert_eq!(home.recall(&secret, "csvstat@1.2"), None);
    }

    #[test]
    fn a_changed_configuration_forgets_answers() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        home.remember(&sample()).unwrap();
        let secret = home.secret().unwrap();
        std::fs::write(home.config(), "default = \"other\"").unwrap();
        assert_eq!(home.recall(&secret, "csvstat@1.2"), None);
        std::fs::write(home.config(), "").unwrap();
        assert_eq!(home.recall(&secret, "csvstat@1.2"), Some(sample()));
    }

    #[test]
    fn freshness_ends_with_the_head() {
        let mut resolution = sample();
        assert!(resolution.is_fresh(999) && !resolution.is_fresh(1000));
        assert!(
            resolution.is_fresh(500) && !resolution.is_fresh(499),
            "the clock was set back"
        );
        assert!(resolution.is_vouched(1999) && !resolution.is_vouched(2000));
        assert!(!resolution.is_vouched(499));
        resolution.fresh_until = 3000;
        assert!(resolution.is_fresh(1999) && !resolution.is_fresh(2000));
    }

    #[test]
    fn a_planted_or_changed_record_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        home.remember(&sample()).unwrap();
        let secret = home.secret().unwrap();
        let path = home.resolution(&secret, "csvstat@1.2");
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x20;
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(home.recall(&secret, "csvstat@1.2"), None, "byte {at}");
        }
        std::fs::write(home.resolution(&secret, "other"), &bytes).unwrap();
        assert_eq!(home.recall(&secret, "other"), None);
        assert!(home.remembered(&secret).unwrap().is_empty());
    }
}
