//! What a log sends to a witness: the body of C2SP tlog-witness `add-checkpoint`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zero_format::Digest;

use crate::log::{Checkpoint, CheckpointError, decimal, hash_line};

/// Hashes that a request may have.
const MAX_HASHES: usize = 63;

/// A checkpoint, and the proof that it continues the tree of which the witness knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Leaves of the tree that the witness signed last.
    pub old: u64,
    /// The consistency proof from there; none from an empty tree.
    pub proof: Vec<Digest>,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

/// Why a body is not such a request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddCheckpointError {
    /// A line is not what the format has there.
    #[error("read the request: {0}")]
    Form(&'static str),
    /// The checkpoint is malformed.
    #[error("read the request")]
    Checkpoint(#[from] CheckpointError),
}

impl AddCheckpoint {
    /// The body.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text += &STANDARD.encode(hash.as_bytes());
            text.push('\n');
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend(self.checkpoint.encode());
        bytes
    }

    /// Reads a body.
    ///
    /// # Errors
    /// When it is not such a request.
    pub fn decode(bytes: &[u8]) -> Result<Self, AddCheckpointError> {
        let form = AddCheckpointError::Form;
        let text = std::str::from_utf8(bytes).map_err(|_| form("it is not UTF-8"))?;
        let (proof, checkpoint) = text
            .split_once("\n\n")
            .ok_or(form("it has no empty line before the checkpoint"))?;
        let mut lines = proof.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old
            .and_then(decimal)
            .ok_or(form("its first line is not `old SIZE`"))?;
        let proof: Option<Vec<_>> = lines.map(hash_line).collect();
        let proof = proof.filter(|proof| proof.len() <= MAX_HASHES);
        Ok(Self {
            old,
            proof: proof.ok_or(form("its consistency proof is malformed"))?,
            checkpoint: Checkpoint::decode(checkpoint.as_bytes())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;
    use crate::testing::{log_key, origin};

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let tree = Tree {
            size: 9,
            hash: Digest::of(b"tree"),
        };
        for proof in [vec![], vec![Digest::of(b"a"), Digest::of(b"b")]] {
            let request = AddCheckpoint {
                old: 4,
                proof,
                checkpoint: Checkpoint::sign(&origin(), tree, &log_key()),
            };
            assert_eq!(AddCheckpoint::decode(&request.encode()), Ok(request));
        }
    }

    #[test]
    fn malformed_requests_are_refused() {
        let note = Checkpoint::sign(&origin(), Tree::empty(), &log_key()).encode();
        let note = String::from_utf8(note).unwrap();
        let hash = STANDARD.encode([1; 32]);
        for head in [
            "",
            "old",
            "old 01",
            "old -1",
            "new 1",
            "old 1\nxx",
            &format!("old 1\n{}{hash}", format!("{hash}\n").repeat(63)),
        ] {
            let body = format!("{head}\n\n{note}");
            assert!(AddCheckpoint::decode(body.as_bytes()).is_err(), "{head}");
        }
        assert!(AddCheckpoint::decode(b"old 0\n\nx\n").is_err());
        assert!(AddCheckpoint::decode(b"\xff").is_err());
    }
}
