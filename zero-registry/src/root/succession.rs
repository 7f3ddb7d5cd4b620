//! From one root to the next: who must have signed, and what must not change.

use zero_format::{Digest, Minisig};

use super::{Root, RootError};
use crate::role::{Role, signers};

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
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Root> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The root of this version, if known.
    pub fn version(&self, version: u64) -> Option<&Root> {
        self.iter().find(|root| root.version() == version)
    }

    /// The version from which on the log key of the root in force has been the log key: the log's
    /// *epoch*. What an older log key signed says nothing in it.
    pub fn epoch(&self) -> u64 {
        let same = |root: &&Root| root.log_key() == self.current().log_key();
        let mut newest_first = self.later.iter().rev().chain([&self.first]);
        let before = newest_first.find(|root| !same(root));
        before.map_or_else(|| self.first.version(), |root| root.version() + 1)
    }

    /// SHA-256 of the file of the root in force: what its successor names as `prev`.
    pub fn newest_digest(&self) -> Digest {
        self.newest
    }
}

pub(super) fn check_succession(
    old: &Root,
    old_digest: Digest,
    new: &Root,
) -> Result<(), RootError> {
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
    if new.log_key() != old.log_key() && new.fields().anchor.is_none() {
        return Err(RootError::Anchor(new.version()));
    }
    Ok(())
}

pub(super) fn check_threshold(
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
