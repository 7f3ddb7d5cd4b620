//! A release and how it stands.

use std::fmt;

use zero_format::{Capabilities, Digest, PublicKey, Version};

use crate::event::ReleaseInfo;
use crate::time::Timestamp;

/// What may be done with a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is chosen and runs.
    Good,
    /// It is not newly chosen, but runs where it was chosen before.
    Yanked,
    /// It never runs.
    Revoked,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "not yanked",
            Self::Yanked => "yanked",
            Self::Revoked => "revoked",
        })
    }
}

/// A version of a package, as its chain establishes it.
#[derive(Clone, Debug)]
pub struct Release {
    info: ReleaseInfo,
    seq: u64,
    time: Timestamp,
    signers: Vec<PublicKey>,
    threshold: u32,
    standing: Standing,
}

impl Release {
    pub(super) fn new(
        info: &ReleaseInfo,
        seq: u64,
        time: Timestamp,
        signers: Vec<PublicKey>,
        threshold: u32,
    ) -> Self {
        Self {
            info: info.clone(),
            seq,
            time,
            signers,
            threshold,
            standing: Standing::Good,
        }
    }

    /// The version.
    pub fn version(&self) -> &Version {
        &self.info.version
    }

    /// SHA-256 of the `.zero` file.
    pub fn sha256(&self) -> Digest {
        self.info.sha256
    }

    /// Bytes of the `.zero` file.
    pub fn size(&self) -> u64 {
        self.info.size
    }

    /// The oldest version of Zero that runs it.
    pub fn runtime(&self) -> &Version {
        &self.info.runtime
    }

    /// What it wants to be allowed.
    pub fn capabilities(&self) -> &Capabilities {
        &self.info.capabilities
    }

    /// Place of the release in the chain.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// When it was signed, as its signer said and the registry accepted.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The keys that signed the release and counted.
    pub fn signers(&self) -> &[PublicKey] {
        &self.signers
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Whether it must not be newly chosen.
    pub fn is_yanked(&self) -> bool {
        self.standing == Standing::Yanked
    }

    /// Whether it must never run.
    pub fn is_revoked(&self) -> bool {
        self.standing == Standing::Revoked
    }

    pub(super) fn set_standing(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// Takes a key's word back from a place of the chain on; a release that then lacks signatures
    /// is revoked.
    pub(super) fn distrust(&mut self, key: &PublicKey, from: u64) {
        if self.seq < from {
            return;
        }
        self.signers.retain(|signer| signer != key);
        let left = u32::try_from(self.signers.len()).unwrap_or(u32::MAX);
        if left < self.threshold {
            self.standing = Standing::Revoked;
        }
    }
}
