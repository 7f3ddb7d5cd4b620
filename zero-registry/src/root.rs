//! The root of trust: `root/<N>.json`, signed by offline keys (spec/registry.md, "Root").
//!
//! A root is replaced only by its successor, and only when a threshold of the old keys and a
//! threshold of the new keys signed it. Each root names the digest of the one before, so a client
//! that trusts a later root can also check earlier ones.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zero_format::{Digest, Minisig, PublicKey, SecretKey};

use crate::json::{self, JsonError};
use crate::limits::{
    MAX_HEAD_LIFETIME, MAX_MIRRORS, MAX_ROOT_BYTES, MAX_ROOT_VERSION, MAX_TEXT_CHARS,
};
use crate::log::Tree;
use crate::origin::Origin;
use crate::role::{Role, signers};
use crate::time::Timestamp;

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
    /// A C2SP tlog-policy. Reserved: this version refuses a `head` under a root that has one.
    pub witness: Option<String>,
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
    witness: Option<String>,
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
        let comment = format!("{TAG} {} {}", self.origin(), self.version());
        Minisig::sign(key, &self.encode(), &comment)
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

/// The verified roots of one registry, of consecutive versions. The last one is in force.
#[derive(Clone, Debug)]
pub struct Roots {
    first: Root,
    later: Vec<Root>,
    newest: Digest,
}

impl Roots {
    /// Starts from a root that a threshold of the pinned keys signed, and a threshold of its own.
    ///
    /// # Errors
    /// When the root is malformed or too few keys signed.
    pub fn pin(pinned: &Role, bytes: &[u8], signatures: &[Minisig]) -> Result<Self, RootError> {
        let first = Root::decode(bytes)?;
        check_threshold("pinned", pinned, &first, bytes, signatures)?;
        check_threshold("new", first.role(), &first, bytes, signatures)?;
        Ok(Self {
            first,
            later: Vec::new(),
            newest: Digest::of(bytes),
        })
    }

    /// Puts the next root in force: thresholds of the old and of the new keys signed it. That the
    /// root in force has expired does not matter here: its successor is how one gets past it.
    ///
    /// # Errors
    /// When it is malformed, not the successor, or too few keys signed. Nothing changes then.
    pub fn extend(&mut self, bytes: &[u8], signatures: &[Minisig]) -> Result<(), RootError> {
        let new = Root::decode(bytes)?;
        let old = self.current();
        check_succession(old, self.newest, &new)?;
        check_threshold("old", old.role(), &new, bytes, signatures)?;
        check_threshold("new", new.role(), &new, bytes, signatures)?;
        self.later.push(new);
        self.newest = Digest::of(bytes);
        Ok(())
    }

    /// Adds the root before the first one, which the first one names by digest. Clients that were
    /// pinned to a later root need the earlier ones to judge old claims and recoveries.
    ///
    /// # Errors
    /// When it is malformed or not the one that the first root names.
    pub fn prepend(&mut self, bytes: &[u8]) -> Result<(), RootError> {
        let old = Root::decode(bytes)?;
        check_succession(&old, Digest::of(bytes), &self.first)?;
        let first = std::mem::replace(&mut self.first, old);
        self.later.insert(0, first);
        Ok(())
    }

    /// The root in force.
    pub fn current(&self) -> &Root {
        self.later.last().unwrap_or(&self.first)
    }

    /// The oldest root known.
    pub fn first(&self) -> &Root {
        &self.first
    }

    /// All roots, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The root of this version, if known.
    pub fn version(&self, version: u64) -> Option<&Root> {
        self.iter().find(|root| root.version() == version)
    }

    /// SHA-256 of the file of the root in force: what its successor names as `prev`.
    pub fn newest_digest(&self) -> Digest {
        self.newest
    }
}

fn check_succession(old: &Root, old_digest: Digest, new: &Root) -> Result<(), RootError> {
    if new.version() != old.version() + 1 {
        return Err(RootError::Version {
            expected: old.version() + 1,
            found: new.version(),
        });
    }
    if new.origin() != old.origin() {
        return Err(RootError::Origin {
            expected: old.origin().clone(),
            found: new.origin().clone(),
        });
    }
    if new.fields().prev != Some(old_digest) {
        return Err(RootError::Prev(new.version()));
    }
    Ok(())
}

fn check_threshold(
    keys: &'static str,
    role: &Role,
    root: &Root,
    bytes: &[u8],
    signatures: &[Minisig],
) -> Result<(), RootError> {
    // Surplus signatures are harmless here: an old root's may lie beside a newer root's.
    let signed = signers(bytes, signatures, &role.keys().iter()).keys;
    if role.is_met_by(&signed) {
        return Ok(());
    }
    Err(RootError::Threshold {
        version: root.version(),
        keys,
        have: role.count(&signed),
        need: role.threshold(),
    })
}

#[cfg(test)]
mod tests;
