//! A root in the making: one file that the holders of the keys mail to each other
//! (spec/registry.md, "Making a root").
//!
//! Each of them checks it before signing, and needs nothing else for that: it carries the root in
//! force with the signatures that put it there.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use zero_format::{Digest, Minisig, MinisigError, PublicKey, SecretKey};

use super::succession::{check_succession, check_threshold};
use super::{ClaimPolicy, Root, RootError, RootFields};
use crate::json::{self, JsonError};
use crate::role::{Role, signers};

const TAG: &str = "zero-root-proposal/1";

/// A root that is to follow the one in force, with the signatures that it has so far.
#[derive(Clone, Debug)]
pub struct Proposal {
    previous: Signed,
    new: Signed,
}

/// A root as its file, and texts of signatures over it.
#[derive(Clone, Debug)]
struct Signed {
    root: Root,
    text: String,
    signatures: Vec<String>,
}

/// Why a proposal cannot be signed or put in force.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProposalError {
    /// It is not JSON of the expected form.
    #[error("read the proposal")]
    Json(#[from] JsonError),
    /// The key is of neither root.
    #[error("sign the proposal: the key {0} is a root key of neither the old nor the new root")]
    Key(String),
    /// One of its roots is not sound, or the new one does not follow the old one.
    #[error("read the proposal")]
    Root(#[from] RootError),
    /// A signature is malformed.
    #[error("read a signature of the proposal")]
    Signature(#[from] MinisigError),
    /// A signature is by nobody who has a say.
    #[error("read the proposal: it carries a signature that none of the root keys made")]
    Surplus,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    r#type: String,
    previous: WireSigned,
    new: WireSigned,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSigned {
    root: String,
    signatures: Vec<String>,
}

/// How far a proposal has come with one of the two sets of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Keys that have signed.
    pub signed: Vec<PublicKey>,
    /// Keys that have not.
    pub missing: Vec<PublicKey>,
    /// How many must.
    pub threshold: u32,
}

impl Progress {
    /// Whether enough keys have signed.
    pub fn is_met(&self) -> bool {
        u32::try_from(self.signed.len()).is_ok_and(|signed| signed >= self.threshold)
    }
}

impl Proposal {
    /// Proposes a successor of the root in force, of which the file and the signatures are given.
    /// Version and `prev` of `fields` are set here.
    ///
    /// # Errors
    /// When the root in force is not signed by its own keys, or the new one is not sound.
    pub fn new(
        previous: &[u8],
        signatures: Vec<String>,
        change: impl FnOnce(&mut RootFields),
    ) -> Result<Self, ProposalError> {
        let old = Root::decode(previous)?;
        let mut fields = old.fields().clone();
        change(&mut fields);
        fields.version = old.version() + 1;
        fields.prev = Some(Digest::of(previous));
        fields.origin = old.origin().clone();
        let new = Root::new(fields)?;
        let wire = Wire {
            r#type: TAG.to_owned(),
            previous: WireSigned {
                root: String::from_utf8_lossy(previous).into_owned(),
                signatures,
            },
            new: WireSigned {
                root: String::from_utf8_lossy(&new.encode()).into_owned(),
                signatures: Vec::new(),
            },
        };
        Self::from_wire(wire)
    }

    /// Reads a proposal and checks all that can be checked without the registry: that the root in
    /// force is signed by its own keys, that the new one is its successor, and every signature.
    ///
    /// # Errors
    /// When something of that does not hold.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProposalError> {
        Self::from_wire(json::decode_raw(TAG, bytes)?)
    }

    fn from_wire(wire: Wire) -> Result<Self, ProposalError> {
        let proposal = Self {
            previous: Signed::of(wire.previous)?,
            new: Signed::of(wire.new)?,
        };
        let (old, new) = (&proposal.previous, &proposal.new);
        let signatures = old.minisigs()?;
        check_threshold("old", old.root.role(), &old.root, old.bytes(), &signatures)?;
        check_succession(&old.root, Digest::of(old.bytes()), &new.root)?;
        let both = proposal.keys();
        if signers(new.bytes(), &new.minisigs()?, &both.iter()).surplus {
            return Err(ProposalError::Surplus);
        }
        Ok(proposal)
    }

    /// The file.
    pub fn encode(&self) -> Vec<u8> {
        json::encode_pretty(&Wire {
            r#type: TAG.to_owned(),
            previous: self.previous.to_wire(),
            new: self.new.to_wire(),
        })
    }

    /// Adds a signature, unless this key has signed already.
    ///
    /// # Errors
    /// When the key has no say.
    pub fn sign(&mut self, key: &SecretKey) -> Result<(), ProposalError> {
        let public = key.public_key();
        if !self.keys().contains(&public) {
            return Err(ProposalError::Key(public.to_base64()));
        }
        if !self.signed_by()?.contains(&public) {
            let text = Minisig::sign(key, self.new.bytes(), &self.new.root.signature_comment());
            self.new.signatures.push(text);
        }
        Ok(())
    }

    /// How far it has come with the keys in force, and with the keys of the new root.
    ///
    /// # Errors
    /// Never for a proposal that was read.
    pub fn progress(&self) -> Result<(Progress, Progress), ProposalError> {
        let signed = self.signed_by()?;
        let of = |role: &Role| {
            let (signed, missing) = role.keys().iter().partition(|key| signed.contains(key));
            Progress {
                signed,
                missing,
                threshold: role.threshold(),
            }
        };
        Ok((of(self.previous.root.role()), of(self.new.root.role())))
    }

    /// The root that is in force.
    pub fn previous(&self) -> &Root {
        &self.previous.root
    }

    /// SHA-256 of the file of the root in force.
    pub fn previous_digest(&self) -> Digest {
        Digest::of(self.previous.bytes())
    }

    /// The root that is proposed.
    pub fn root(&self) -> &Root {
        &self.new.root
    }

    /// The file of the root that is proposed: what a signature is over.
    pub fn root_bytes(&self) -> &[u8] {
        self.new.bytes()
    }

    /// The signatures so far, each with the key number in its file's name.
    pub fn signatures(&self) -> impl Iterator<Item = (String, &str)> {
        let texts = self.new.signatures.iter();
        texts.filter_map(|text| Some((Minisig::parse(text).ok()?.key_id_hex(), text.as_str())))
    }

    /// What changes, in words, one change a line.
    pub fn changes(&self) -> Vec<String> {
        changes(&self.previous.root, &self.new.root)
    }

    fn signed_by(&self) -> Result<Vec<PublicKey>, ProposalError> {
        let keys = self.keys();
        Ok(signers(self.new.bytes(), &self.new.minisigs()?, &keys.iter()).keys)
    }

    fn keys(&self) -> Vec<PublicKey> {
        let mut keys = self.previous.root.role().keys().to_vec();
        for key in self.new.root.role().keys() {
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
        keys
    }
}

impl Signed {
    fn of(wire: WireSigned) -> Result<Self, RootError> {
        Ok(Self {
            root: Root::decode(wire.root.as_bytes())?,
            text: wire.root,
            signatures: wire.signatures,
        })
    }

    fn to_wire(&self) -> WireSigned {
        WireSigned {
            root: self.text.clone(),
            signatures: self.signatures.clone(),
        }
    }

    fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn minisigs(&self) -> Result<Vec<Minisig>, MinisigError> {
        let texts = self.signatures.iter();
        texts.map(|text| Minisig::parse(text)).collect()
    }
}

fn changes(old: &Root, new: &Root) -> Vec<String> {
    let (before, after) = (old.fields(), new.fields());
    let mut words = role_changes("root key", &before.role, &after.role);
    let mut differ = |what: &str, before: String, after: String| {
        if before != after {
            words.push(format!("{what}: {before} -> {after}"));
        }
    };
    let days = |seconds: u64| format!("{} days", seconds / (24 * 3600));
    let none = || "none".to_owned();
    differ("log key", before.log.to_base64(), after.log.to_base64());
    differ(
        "the root expires",
        before.expires.to_string(),
        after.expires.to_string(),
    );
    differ(
        "a head is valid for",
        days(before.head_lifetime),
        days(after.head_lifetime),
    );
    differ(
        "who may claim names",
        policy(&before.claims),
        policy(&after.claims),
    );
    differ("mirrors", before.mirrors.join(" "), after.mirrors.join(" "));
    let witness = |fields: &RootFields| {
        let policy = fields.witness.as_ref();
        policy.map_or_else(none, |policy| policy.lines().join("; "))
    };
    differ("witness policy", witness(before), witness(after));
    let anchor = |fields: &RootFields| {
        let anchor = fields.anchor.as_ref();
        anchor.map_or_else(none, |a| {
            format!("{} leaves, tree {}, map {}", a.size, a.tree, a.map)
        })
    };
    differ("the root keys vouch for", anchor(before), anchor(after));
    words
}

fn role_changes(what: &str, before: &Role, after: &Role) -> Vec<String> {
    let gone = before.keys().iter().filter(|key| !after.contains(key));
    let new = after.keys().iter().filter(|key| !before.contains(key));
    let mut words: Vec<_> = gone
        .map(|key| format!("{what} removed: {}", key.to_base64()))
        .collect();
    words.extend(new.map(|key| format!("{what} added: {}", key.to_base64())));
    let of = |role: &Role| format!("{} of {}", role.threshold(), role.keys().len());
    if of(before) != of(after) {
        words.push(format!(
            "{what}s that must sign: {} -> {}",
            of(before),
            of(after)
        ));
    }
    words
}

fn policy(policy: &ClaimPolicy) -> String {
    match policy {
        ClaimPolicy::Keys(role) => {
            let keys: Vec<_> = role.keys().iter().map(PublicKey::to_base64).collect();
            format!("{} of {}", role.threshold(), keys.join(" "))
        }
        ClaimPolicy::Open => "anyone".to_owned(),
        ClaimPolicy::Root => "the root keys".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{key, role, root_fields};

    fn root_of(keys: &[u8], threshold: u32) -> (Vec<u8>, Vec<String>) {
        let keys: Vec<_> = keys.iter().map(|n| key(*n)).collect();
        let keys: Vec<_> = keys.iter().collect();
        let root = Root::new(RootFields {
            role: role(&keys, threshold),
            ..root_fields()
        });
        let root = root.unwrap();
        let signatures = keys.iter().map(|key| root.sign(key)).collect();
        (root.encode(), signatures)
    }

    fn proposal() -> Proposal {
        let (old, signatures) = root_of(&[1, 2], 2);
        let new = [&key(2), &key(3)];
        Proposal::new(&old, signatures, |fields| fields.role = role(&new, 2)).unwrap()
    }

    #[test]
    fn key_holders_sign_one_file_in_turn() {
        let mut proposal = proposal();
        for (number, old, new) in [(1, 1, 0), (2, 2, 1), (3, 2, 2)] {
            let mut mailed = Proposal::decode(&proposal.encode()).unwrap();
            mailed.sign(&key(number)).unwrap();
            mailed.sign(&key(number)).unwrap();
            let (of_old, of_new) = mailed.progress().unwrap();
            assert_eq!((of_old.signed.len(), of_new.signed.len()), (old, new));
            assert_eq!(of_old.is_met() && of_new.is_met(), number == 3);
            proposal = mailed;
        }
        assert_eq!(proposal.signatures().count(), 3);
    }

    #[test]
    fn a_stranger_cannot_sign() {
        let mut proposal = proposal();
        assert!(matches!(proposal.sign(&key(9)), Err(ProposalError::Key(_))));
        let foreign = proposal.root().sign(&key(9));
        proposal.new.signatures.push(foreign);
        let refused = Proposal::decode(&proposal.encode());
        assert!(matches!(refused, Err(ProposalError::Surplus)));
    }

    #[test]
    fn a_previous_root_that_nobody_signed_is_refused() {
        let (old, signatures) = root_of(&[1, 2], 2);
        for few in [&signatures[..1], &[]] {
            let refused = Proposal::new(&old, few.to_vec(), |_| ());
            assert!(matches!(
                refused,
                Err(ProposalError::Root(RootError::Threshold { .. }))
            ));
        }
    }

    #[test]
    fn a_new_log_key_needs_an_anchor() {
        let (old, signatures) = root_of(&[1, 2], 2);
        let log = key(9).public_key();
        let refused = Proposal::new(&old, signatures, |fields| fields.log = log);
        assert!(matches!(
            refused,
            Err(ProposalError::Root(RootError::Anchor(2)))
        ));
    }

    #[test]
    fn every_change_is_told() {
        let (old, signatures) = root_of(&[1, 2], 2);
        let nothing = Proposal::new(&old, signatures.clone(), |_| ()).unwrap();
        assert!(nothing.changes().is_empty());
        let all = Proposal::new(&old, signatures, |fields| {
            fields.role = role(&[&key(2), &key(3), &key(4)], 1);
            fields.log = key(9).public_key();
            fields.expires = fields.expires.plus(1);
            fields.head_lifetime = 1;
            fields.claims = ClaimPolicy::Keys(role(&[&key(5)], 1));
            fields.mirrors = vec!["https://mirror.example/".to_owned()];
            fields.witness = Some(crate::WitnessPolicy::parse("quorum none").unwrap());
            fields.anchor = Some(super::super::Anchor {
                size: 1,
                tree: Digest::of(b"t"),
                map: Digest::of(b"m"),
            });
        });
        let words = all.unwrap().changes();
        // Two keys added, one removed, the threshold, and seven members.
        assert_eq!(words.len(), 11, "{words:#?}");
    }
}
