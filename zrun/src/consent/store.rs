//! Stored consent: one file for each registry, package, signer and set of capabilities.

use std::fs;
use std::io;
use std::path::PathBuf;

use zero_format::{Capabilities, Digest, PackageName, PublicKey};

use super::Consent;
use crate::disk;
use crate::home::Home;

const MAX_RECORD: u64 = 4 << 20;

/// Why consent cannot be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// A file cannot be read or written.
    #[error("use {}", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A stored consent is not one.
    #[error("read the stored consent {}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Home {
    /// What the user answered when exactly this was asked.
    pub fn consent_for(
        &self,
        registry: &str,
        package: &PackageName,
        signer: &PublicKey,
        capabilities: &Capabilities,
    ) -> Option<Consent> {
        let id = Consent::id(registry, package, signer, capabilities);
        let bytes = disk::read_bounded(&self.consent(&id), MAX_RECORD).ok()??;
        // The content must say what the name says: a record that was renamed or edited grants nothing.
        serde_json::from_slice::<Consent>(&bytes)
            .ok()
            .filter(|consent| consent.own_id() == Some(id))
    }

    /// Stores consent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn store_consent(&self, consent: &Consent) -> Result<Digest, ConsentError> {
        let failed = |source| ConsentError::Io {
            path: self.grants_dir(),
            source,
        };
        let id = consent
            .own_id()
            .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let mut text =
            serde_json::to_vec_pretty(consent).map_err(|error| failed(io::Error::other(error)))?;
        text.push(b'\n');
        disk::private_dir(&self.grants_dir()).map_err(failed)?;
        let path = self.consent(&id);
        disk::write_atomic(&path, &[&text]).map_err(|source| ConsentError::Io { path, source })?;
        Ok(id)
    }

    /// All stored consent with its identifiers, sorted by package.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn consents(&self) -> Result<Vec<(Digest, Consent)>, ConsentError> {
        let dir = self.grants_dir();
        let failed = |source| ConsentError::Io {
            path: dir.clone(),
            source,
        };
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let bytes = disk::read_bounded(&path, MAX_RECORD)
                .map_err(failed)?
                .unwrap_or_default();
            let consent: Consent =
                serde_json::from_slice(&bytes).map_err(|source| ConsentError::Record {
                    path: path.clone(),
                    source,
                })?;
            if let Some(id) = consent.own_id() {
                all.push((id, consent));
            }
        }
        all.sort_by(|(_, a), (_, b)| {
            (&a.package, &a.registry, a.given).cmp(&(&b.package, &b.registry, b.given))
        });
        Ok(all)
    }

    /// What was last allowed to this package by this signer, for showing what is new.
    pub fn previous_consent(
        &self,
        registry: &str,
        package: &PackageName,
        signer: &PublicKey,
    ) -> Option<Consent> {
        let signer = signer.to_base64();
        let all = self
            .consents()
            .ok()?
            .into_iter()
            .map(|(_, consent)| consent);
        all.filter(|one| {
            one.registry == registry && one.package == *package && one.signer == signer
        })
        .max_by_key(|one| one.given)
    }

    /// Takes consent back; `false` if there was none.
    ///
    /// # Errors
    /// When the record cannot be removed.
    pub fn revoke_consent(&self, id: &Digest) -> Result<bool, ConsentError> {
        let path = self.consent(id);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(ConsentError::Io { path, source }),
        }
    }

    pub(super) fn consent(&self, id: &Digest) -> PathBuf {
        self.grants_dir().join(format!("{id}.json"))
    }
}
