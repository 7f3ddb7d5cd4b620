//! A set of keys of which a number must agree (spec/registry.md, "Roles and thresholds").

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zero_format::{Minisig, PublicKey};

use crate::limits::MAX_KEYS;

/// Keys and how many of them must sign. The keys are distinct, compared as whole keys, and the
/// threshold can be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Role {
    keys: Vec<PublicKey>,
    threshold: u32,
}

/// Why keys and a threshold do not make a role.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoleError {
    /// The same key stands there twice, perhaps under two key ids.
    #[error("read a role: the key {0} appears twice")]
    Duplicate(String),
    /// There is no key, or there are too many.
    #[error("read a role: {0} keys, allowed are 1 to {MAX_KEYS}")]
    Keys(usize),
    /// The threshold is zero or above the number of keys.
    #[error("read a role: a threshold of {threshold} with {keys} keys")]
    Threshold {
        /// Keys of the role.
        keys: usize,
        /// Threshold that was asked for.
        threshold: u32,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    keys: Vec<PublicKey>,
    threshold: u32,
}

impl TryFrom<Wire> for Role {
    type Error = RoleError;

    fn try_from(wire: Wire) -> Result<Self, RoleError> {
        Self::new(wire.keys, wire.threshold)
    }
}

impl Role {
    /// A role of these keys, `threshold` of which must sign.
    ///
    /// # Errors
    /// When a key repeats, or the numbers are out of range.
    pub fn new(keys: Vec<PublicKey>, threshold: u32) -> Result<Self, RoleError> {
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(RoleError::Keys(keys.len()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.as_bytes())) {
            return Err(RoleError::Duplicate(twice.key_id_hex()));
        }
        let reachable = usize::try_from(threshold).is_ok_and(|t| t <= keys.len());
        if threshold == 0 || !reachable {
            return Err(RoleError::Threshold {
                keys: keys.len(),
                threshold,
            });
        }
        Ok(Self { keys, threshold })
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// How many of them must sign.
    pub fn threshold(&self) -> u32 {
        self.threshold
    }

    /// The role as arguments of `cargo zero registry add`, which pins it: all keys and the threshold,
    /// as one key of several would be a weaker pin.
    pub fn to_arguments(&self) -> String {
        let keys = self.keys.iter();
        let keys = keys.map(|key| format!("--root-key {}", key.to_base64()));
        let threshold = (self.threshold > 1).then(|| format!("--threshold {}", self.threshold));
        keys.chain(threshold).collect::<Vec<_>>().join(" ")
    }

    /// Whether this is one of the keys.
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.keys.contains(key)
    }

    /// How many of the keys are among `signers`.
    pub(crate) fn count(&self, signers: &[PublicKey]) -> u32 {
        let signed = self.keys.iter().filter(|key| signers.contains(key));
        u32::try_from(signed.count()).unwrap_or(0)
    }

    /// Whether enough of the keys are among `signers`.
    pub(crate) fn is_met_by(&self, signers: &[PublicKey]) -> bool {
        self.count(signers) >= self.threshold
    }
}

/// The distinct keys among `candidates` that made one of the signatures, and whether some
/// signature belongs to none of them or repeats one.
pub(crate) struct Signers {
    pub(crate) keys: Vec<PublicKey>,
    pub(crate) surplus: bool,
}

/// Finds who signed `message`. A key id only orders the search; what counts is the whole key.
pub(crate) fn signers<'a>(
    message: &[u8],
    signatures: &[Minisig],
    candidates: &(impl Iterator<Item = &'a PublicKey> + Clone),
) -> Signers {
    let mut found = Signers {
        keys: Vec::new(),
        surplus: false,
    };
    for signature in signatures {
        let signer = candidates
            .clone()
            .filter(|key| key.key_id() == signature.key_id())
            .find(|key| signature.verify(key, message).is_ok());
        match signer {
            Some(key) if !found.keys.contains(key) => found.keys.push(*key),
            _ => found.surplus = true,
        }
    }
    found
}
