//! `head`, the one mutable file: a C2SP tlog-proof of the newest snapshot (spec/registry.md, "Head").
//!
//! Whether a `head` may be trusted is decided by a pure function of its bytes, the root in force,
//! the tree that the reader trusted before, and the time.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zero_format::Digest;

use crate::limits::{MAX_CLOCK_SKEW, MAX_HEAD_BYTES, MAX_PROOF_HASHES};
use crate::log::{
    Checkpoint, CheckpointError, Consistency, ProofError, TileId, Tree, decimal, hash_line,
    leaf_hash, verify_inclusion,
};
use crate::root::Root;
use crate::snapshot::{Snapshot, SnapshotError};
use crate::time::Timestamp;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// A `head` as it was read. Nothing of it is trusted before [`Head::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    leaf: Vec<u8>,
    snapshot: Snapshot,
    index: u64,
    proof: Vec<Digest>,
    checkpoint: Checkpoint,
}

/// A `head` that holds: the tree and the snapshot that clients act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedHead {
    tree: Tree,
    snapshot: Snapshot,
}

/// A `head` of which everything holds but one thing: whether its log extends the log that was
/// trusted before. Tiles decide that.
#[derive(Clone, Debug)]
pub struct PendingHead {
    head: VerifiedHead,
    question: Consistency,
}

/// What [`Head::verify`] found.
#[derive(Clone, Debug)]
pub enum HeadCheck {
    /// Everything holds, and nothing has changed or there was nothing to compare with.
    Verified(VerifiedHead),
    /// The log has grown; fetch tiles to see that it was not rewritten.
    Grown(PendingHead),
}

/// Why a `head` is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The checkpoint is malformed or not signed by the log key.
    #[error("verify head")]
    Checkpoint(#[from] CheckpointError),
    /// It is no longer fresh.
    #[error("verify head: it expired at {expires}, now is {now}")]
    Expired {
        /// When it expired.
        expires: Timestamp,
        /// The reader's time.
        now: Timestamp,
    },
    /// Its log is not an extension of the log trusted before.
    #[error("verify head: its log is not a continuation of the log seen before")]
    Fork(#[source] ProofError),
    /// A line is not what the format has there.
    #[error("read head: {0}")]
    Form(&'static str),
    /// It claims a time that has not come yet.
    #[error("verify head: it is of {time}, now is {now}")]
    Future {
        /// Time of the snapshot.
        time: Timestamp,
        /// The reader's time.
        now: Timestamp,
    },
    /// The snapshot is not the last leaf of the tree.
    #[error("verify head: its snapshot is leaf {index} of a log of {size} leaves, not the last")]
    Index {
        /// Index that the proof names.
        index: u64,
        /// Leaves of the signed tree.
        size: u64,
    },
    /// It would be fresh for longer than the root allows.
    #[error("verify head: it is valid for {found} seconds, the root allows {allowed}")]
    Lifetime {
        /// Seconds from the snapshot's time to its expiry.
        found: u64,
        /// Seconds that the root allows.
        allowed: u64,
    },
    /// The snapshot is not in the signed tree.
    #[error("verify head: its snapshot is not in the signed log")]
    Proof(#[source] ProofError),
    /// Too few of the witnesses that the root demands have seen this state of the log.
    #[error("verify head: too few witnesses have seen this state of the log")]
    Quorum,
    /// It was made under a root that the reader does not know yet.
    #[error("verify head: it needs root {needed}, the newest known is {known}")]
    Root {
        /// Version that the snapshot names.
        needed: u64,
        /// Version of the root in force.
        known: u64,
    },
    /// The root in force has expired.
    #[error("verify head: root {version} expired at {expires}")]
    RootExpired {
        /// Version of the root.
        version: u64,
        /// When it expired.
        expires: Timestamp,
    },
    /// The snapshot is malformed or of another registry.
    #[error("verify head")]
    Snapshot(#[from] SnapshotError),
    /// The snapshot names another registry than the checkpoint.
    #[error("verify head: its snapshot is of {0}")]
    SnapshotOrigin(String),
    /// It is older than one that was seen before: an old copy, or a rollback.
    #[error("verify head: it has {found} leaves, {trusted} were seen before")]
    Stale {
        /// Leaves of this tree.
        found: u64,
        /// Leaves of the tree trusted before.
        trusted: u64,
    },
}

impl HeadError {
    /// Whether the cause may be a copy that is merely old: another mirror may do better.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Expired { .. } | Self::Stale { .. })
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Expired { .. } => Some(
                "the registry's operator runs `zero-registry refresh DIR`; a mirror copies it again",
            ),
            Self::Stale { .. } => {
                Some("this copy is older than one seen before; try another mirror")
            }
            Self::Future { .. } => Some("check the clock of this machine"),
            Self::Fork(_) => Some(
                "the registry's history was rewritten; do not use it before its operator explained why",
            ),
            Self::RootExpired { .. } => {
                Some("the registry's operator publishes a new root, signed by the root keys")
            }
            Self::Root { .. } => Some("fetch the newer root first"),
            Self::Quorum => Some(
                "this may be a second history of the registry, shown to you alone: ask another mirror, and tell its operator",
            ),
            _ => None,
        }
    }
}

impl Head {
    /// Puts a `head` together: the last leaf, its inclusion proof, and the signed tree.
    ///
    /// # Errors
    /// When the leaf is not a snapshot.
    pub fn new(
        leaf: Vec<u8>,
        proof: Vec<Digest>,
        checkpoint: Checkpoint,
    ) -> Result<Self, SnapshotError> {
        Ok(Self {
            snapshot: Snapshot::decode(&leaf)?,
            leaf,
            index: checkpoint.claimed_tree().size.saturating_sub(1),
            proof,
            checkpoint,
        })
    }

    /// Reads a `head`.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
        let form = HeadError::Form;
        if u64::try_from(bytes.len()).is_ok_and(|len| len > MAX_HEAD_BYTES) {
            return Err(form("it is too long"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| form("it is not UTF-8"))?;
        let (proof, checkpoint) = text
            .split_once("\n\n")
            .ok_or(form("it has no empty line before the checkpoint"))?;
        let mut lines = proof.split('\n');
        let mut next = || lines.next().ok_or(form("it has too few lines"));
        if next()? != FIRST_LINE {
            return Err(form("its first line is not that of a tlog-proof"));
        }
        let leaf = next()?
            .strip_prefix("extra ")
            .and_then(|line| STANDARD.decode(line).ok())
            .ok_or(form("its second line is not the snapshot"))?;
        let index = next()?
            .strip_prefix("index ")
            .and_then(decimal)
            .ok_or(form("its third line is not an index"))?;
        let proof: Option<Vec<_>> = lines.map(hash_line).collect();
        let proof = proof
            .filter(|proof| proof.len() <= MAX_PROOF_HASHES)
            .ok_or(form("its inclusion proof is malformed"))?;
        let head = Self {
            snapshot: Snapshot::decode(&leaf)?,
            leaf,
            index,
            proof,
            checkpoint: Checkpoint::decode(checkpoint.as_bytes())?,
        };
        if head.encode() == bytes {
            Ok(head)
        } else {
            Err(form("it is not in the one form that a head has"))
        }
    }

    /// The file of this `head`.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!(
            "{FIRST_LINE}\nextra {}\nindex {}\n",
            STANDARD.encode(&self.leaf),
            self.index
        );
        for hash in &self.proof {
            text += &STANDARD.encode(hash.as_bytes());
            text.push('\n');
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend(self.checkpoint.encode());
        bytes
    }

    /// The checkpoint inside.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Version of the root that this `head` says is in force. It is a hint to look for newer roots
    /// before [`Head::verify`]; nothing has been verified yet.
    pub fn claimed_root(&self) -> u64 {
        self.snapshot.root
    }

    /// When this `head` says that it expires; nothing has been verified yet.
    pub fn claimed_expires(&self) -> Timestamp {
        self.snapshot.expires
    }

    /// Decides whether this `head` may be trusted at `now` under the root in force, given the tree
    /// that was trusted before.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(
        &self,
        root: &Root,
        stored: Option<Tree>,
        now: Timestamp,
    ) -> Result<HeadCheck, HeadError> {
        let head = self.verify_content(root)?;
        self.check_witnesses(root)?;
        head.check_time(root, now)?;
        let anchor = root.anchored_tree();
        let trusted = match (stored, anchor) {
            (Some(stored), Some(anchor)) if anchor.size > stored.size => Some(anchor),
            (stored, anchor) => stored.or(anchor),
        };
        let Some(trusted) = trusted else {
            return Ok(HeadCheck::Verified(head));
        };
        if head.tree.size < trusted.size {
            return Err(HeadError::Stale {
                found: head.tree.size,
                trusted: trusted.size,
            });
        }
        let question = Consistency::between(trusted, head.tree).map_err(HeadError::Fork)?;
        if trusted.size == head.tree.size {
            Ok(HeadCheck::Verified(head))
        } else {
            Ok(HeadCheck::Grown(PendingHead { head, question }))
        }
    }

    /// Whether the witnesses that the root demands cosigned this `head`.
    ///
    /// # Errors
    /// When too few did, or a line in the name of one of them is not by it.
    pub fn check_witnesses(&self, root: &Root) -> Result<(), HeadError> {
        match &root.fields().witness {
            Some(policy) if !self.checkpoint.meets(policy)? => Err(HeadError::Quorum),
            _ => Ok(()),
        }
    }

    /// Everything about a `head` that does not depend on time, on witnesses, or on what was seen
    /// before. Writers use this on their own directory, whose `head` may have expired, or be of
    /// before the root demanded witnesses.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify_content(&self, root: &Root) -> Result<VerifiedHead, HeadError> {
        if self.snapshot.root > root.version() {
            return Err(HeadError::Root {
                needed: self.snapshot.root,
                known: root.version(),
            });
        }
        let tree = self.checkpoint.verify(root.origin(), root.log_key())?;
        if self.snapshot.origin != *root.origin() {
            let found = self.snapshot.origin.to_string();
            return Err(HeadError::SnapshotOrigin(found));
        }
        if self.index.checked_add(1) != Some(tree.size) {
            return Err(HeadError::Index {
                index: self.index,
                size: tree.size,
            });
        }
        verify_inclusion(leaf_hash(&self.leaf), self.index, tree, &self.proof)
            .map_err(HeadError::Proof)?;
        Ok(VerifiedHead {
            tree,
            snapshot: self.snapshot.clone(),
        })
    }
}

impl VerifiedHead {
    /// The log.
    pub fn tree(&self) -> Tree {
        self.tree
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    fn check_time(&self, root: &Root, now: Timestamp) -> Result<(), HeadError> {
        let Snapshot { time, expires, .. } = self.snapshot;
        if root.expires() <= now {
            return Err(HeadError::RootExpired {
                version: root.version(),
                expires: root.expires(),
            });
        }
        if time > now.plus(MAX_CLOCK_SKEW) {
            return Err(HeadError::Future { time, now });
        }
        if expires <= now {
            return Err(HeadError::Expired { expires, now });
        }
        let found = expires.since(time);
        if found > root.head_lifetime() {
            return Err(HeadError::Lifetime {
                found,
                allowed: root.head_lifetime(),
            });
        }
        Ok(())
    }
}

impl PendingHead {
    /// The tiles to fetch.
    pub fn tiles(&self) -> Vec<TileId> {
        self.question.tiles()
    }

    /// Decides with the bytes of those tiles.
    ///
    /// # Errors
    /// [`HeadError::Fork`] when the log was rewritten, or a tile is missing or malformed.
    pub fn check(self, tiles: &BTreeMap<TileId, Vec<u8>>) -> Result<VerifiedHead, HeadError> {
        self.question.check(tiles).map_err(HeadError::Fork)?;
        Ok(self.head)
    }
}

#[cfg(test)]
mod tests;
