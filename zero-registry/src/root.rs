//! The root of trust: `root/<N>.json`, signed by offline keys (spec/registry.md, "Root").
//!
//! A root is replaced only by its successor, and only when a threshold of the old keys and a
//! threshold of the new keys signed it. Each root names the digest of the one before, so a client
//! that trusts a later root can also check earlier ones.

mod proposal;
mod succession;

pub use proposal::{Progress, Proposal, ProposalError};
pub use succession::Roots;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zero_format::{Digest, Minisig, PublicKey, SecretKey};

use crate::json::{self, JsonError};
use crate::limits::{
    MAX_HEAD_LIFETIME, MAX_MIRRORS, MAX_ROOT_BYTES, MAX_ROOT_VERSION, MAX_TEXT_CHARS,
};
use crate::log::Tree;
use crate::origin::Origin;
use crate::role::Role;
use crate::time::Timestamp;
use crate::witness::WitnessPolicy;

const TAG: &str = "zero-root/1";

/// Who may claim a package name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "PolicyWire", into = "PolicyWire")]
#[non_exhaustive]
pub enum ClaimPolicy {
    /// A threshold of these keys signs each claim too.
    Keys(Role),
    /// Anyone, first come, first served.
    Open,
    /// A threshold of the root keys signs each claim too.
    Root,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyWire {
    policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Role>,
}

impl TryFrom<PolicyWire> for ClaimPolicy {
    type Error = RootError;

    fn try_from(wire: PolicyWire) -> Result<Self, RootError> {
        match (wire.policy.as_str(), wire.by) {
            ("keys", Some(role)) => Ok(Self::Keys(role)),
            ("open", None) => Ok(Self::Open),
            ("root", None) => Ok(Self::Root),
            _ => Err(RootError::Field("an unknown claim policy")),
        }
    }
}

impl From<ClaimPolicy> for PolicyWire {
    fn from(policy: ClaimPolicy) -> Self {
        let (policy, by) = match policy {
            ClaimPolicy::Keys(role) => ("keys", Some(role)),
            ClaimPolicy::Open => ("open", None),
            ClaimPolicy::Root => ("root", None),
        };
        Self {
            policy: policy.to_owned(),
            by,
        }
    }
}

/// A point of the log that the root keys vouch for, so that not even the log key can rewrite what
/// lies before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Leaves of the log at that point.
    pub size: u64,
    /// Root hash of the log at that point.
    pub tree: Digest,
    /// Digest of the map's root page at that point.
    pub map: Digest,
}

/// The fields of a root. [`Root::new`] checks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootFields {
    /// The registry's identity.
    pub origin: Origin,
    /// 1 for the first root, then one more each time.
    pub version: u64,
    /// SHA-256 of the file of the root before; none in version 1.
    pub prev: Option<Digest>,
    /// When this root stops being valid.
    pub expires: Timestamp,
    /// The offline keys and how many of them must sign.
    pub role: Role,
    /// The key that signs checkpoints.
    pub log: PublicKey,
    /// How long a `head` may be valid, in seconds.
    pub head_lifetime: u64,
    /// Who may claim names.
    pub claims: ClaimPolicy,
    /// Where copies are served, in the order of preference.
    pub mirrors: Vec<String>,
    /// Which witnesses must have cosigned a `head`.
    pub witness: Option<WitnessPolicy>,
    /// A point of the log that the root keys vouch for.
    pub anchor: Option<Anchor>,
}

/// A root whose fields hold together. It says nothing about signatures; [`Roots`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root(RootFields);

/// Why a root is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RootError {
    /// It names another log key, and no part of the log that the root keys vouch for.
    #[error("accept root {0}: it names another log key and has no anchor")]
    Anchor(u64),
    /// A field is out of its range.
    #[error("read the root: {0}")]
    Field(&'static str),
    /// The text is not a root.
    #[error("read the root")]
    Json(#[from] JsonError),
    /// It is longer than any root.
    #[error("read the root: it has more than {MAX_ROOT_BYTES} bytes")]
    Length,
    /// It belongs to another registry.
    #[error("accept the root: it is of {found}, not of {expected}")]
    Origin {
        /// Origin of the trusted root.
        expected: Origin,
        /// Origin of this one.
        found: Origin,
    },
    /// It does not follow, or precede, the trusted root by digest.
    #[error("accept root {0}: its digest of the root before is not that of the trusted one")]
    Prev(u64),
    /// Too few of the keys that must sign it did.
    #[error("accept root {version}: {have} of {need} signatures by the {keys} keys")]
    Threshold {
        /// Version of the root.
        version: u64,
        /// Which keys: `pinned`, `old` or `new`.
        keys: &'static str,
        /// Distinct keys that signed.
        have: u32,
        /// Keys that must sign.
        need: u32,
    },
    /// It is not the next version.
    #[error("accept the root: it has version {found}, expected is {expected}")]
    Version {
        /// The only version that can be next.
        expected: u64,
        /// The version found.
        found: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    r#type: String,
    origin: Origin,
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prev: Option<Digest>,
    expires: Timestamp,
    root: Role,
    log: PublicKey,
    head_lifetime: u64,
    claims: ClaimPolicy,
    mirrors: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    witness: Option<WitnessPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    anchor: Option<Anchor>,
}

impl Root {
    /// A root of these fields.
    ///
    /// # Errors
    /// [`RootError::Field`] when one is out of range.
    pub fn new(fields: RootFields) -> Result<Self, RootError> {
        let text_fits = |text: &String| !text.is_empty() && text.chars().count() <= MAX_TEXT_CHARS;
        let refusal = if !(1..=MAX_ROOT_VERSION).contains(&fields.version) {
            Some("its version is out of range")
        } else if (fields.version == 1) != fields.prev.is_none() {
            Some("`prev` stands in every version but the first")
        } else if !(1..=MAX_HEAD_LIFETIME).contains(&fields.head_lifetime) {
            Some("`head_lifetime` is out of range")
        } else if fields.mirrors.len() > MAX_MIRRORS || !fields.mirrors.iter().all(text_fits) {
            Some("`mirrors` is too long")
        } else if fields.anchor.as_ref().is_some_and(|a| a.size == 0) {
            Some("an anchor of an empty log")
        } else if fields.role.contains(&fields.log) {
            Some("the log key is one of the root keys")
        } else {
            None
        };
        match refusal {
            Some(refusal) => Err(RootError::Field(refusal)),
            None => Ok(Self(fields)),
        }
    }

    /// Reads a root. Nothing about it is trusted yet.
    ///
    /// # Errors
    /// When the bytes are not a root.
    pub fn decode(bytes: &[u8]) -> Result<Self, RootError> {
        if u64::try_from(bytes.len()).is_ok_and(|len| len > MAX_ROOT_BYTES) {
            return Err(RootError::Length);
        }
        let wire: Wire = json::decode(TAG, bytes)?;
        Self::new(RootFields {
            origin: wire.origin,
            version: wire.version,
            prev: wire.prev,
            expires: wire.expires,
            role: wire.root,
            log: wire.log,
            head_lifetime: wire.head_lifetime,
            claims: wire.claims,
            mirrors: wire.mirrors,
            witness: wire.witness,
            anchor: wire.anchor,
        })
    }

    /// The file of this root. Signatures are over exactly these bytes.
    pub fn encode(&self) -> Vec<u8> {
        let fields = self.0.clone();
        let wire = Wire {
            r#type: TAG.to_owned(),
            origin: fields.origin,
            version: fields.version,
            prev: fields.prev,
            expires: fields.expires,
            root: fields.role,
            log: fields.log,
            head_lifetime: fields.head_lifetime,
            claims: fields.claims,
            mirrors: fields.mirrors,
            witness: fields.witness,
            anchor: fields.anchor,
        };
        json::encode_pretty(&wire)
    }

    /// Signs the file of this root: the text of a `.minisig`.
    pub fn sign(&self, key: &SecretKey) -> String {
        Minisig::sign(key, &self.encode(), &self.signature_comment())
    }

    /// The trusted comment of a signature over the file of this root.
    fn signature_comment(&self) -> String {
        format!("{TAG} {} {}", self.origin(), self.version())
    }

    /// All fields.
    pub fn fields(&self) -> &RootFields {
        &self.0
    }

    /// The registry's identity.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The version.
    pub fn version(&self) -> u64 {
        self.0.version
    }

    /// When this root stops being valid.
    pub fn expires(&self) -> Timestamp {
        self.0.expires
    }

    /// The offline keys and their threshold.
    pub fn role(&self) -> &Role {
        &self.0.role
    }

    /// The key that signs checkpoints.
    pub fn log_key(&self) -> &PublicKey {
        &self.0.log
    }

    /// How long a `head` may be valid, in seconds.
    pub fn head_lifetime(&self) -> u64 {
        self.0.head_lifetime
    }

    /// Who may claim names.
    pub fn claims(&self) -> &ClaimPolicy {
        &self.0.claims
    }

    /// Where copies are served.
    pub fn mirrors(&self) -> &[String] {
        &self.0.mirrors
    }

    /// The part of the log that the root keys vouch for.
    pub fn anchored_tree(&self) -> Option<Tree> {
        self.0.anchor.as_ref().map(|anchor| Tree {
            size: anchor.size,
            hash: anchor.tree,
        })
    }
}

#[cfg(test)]
mod tests;
