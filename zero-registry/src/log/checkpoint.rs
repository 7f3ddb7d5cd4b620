//! The signed checkpoint: a C2SP tlog-checkpoint, which is a C2SP signed note.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zero_format::{Digest, PublicKey, SecretKey};

use super::Tree;
use crate::limits::{MAX_NOTE_SIGNATURES, MAX_TREE_SIZE};
use crate::origin::Origin;
use crate::witness::{ED25519, VerifierKey, WitnessPolicy, is_name, key_id};

/// What a signature line starts with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A checkpoint as it was read. Its tree is trusted only after [`Checkpoint::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    tree: Tree,
    lines: Vec<SignatureLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct SignatureLine {
    name: String,
    /// Key id and signature.
    blob: Vec<u8>,
}

/// Why a checkpoint is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A line in the name of a witness is not by it, or what should be a cosignature is not there.
    #[error("verify the checkpoint: the cosignature of {0} is missing or wrong")]
    Cosignature(String),
    /// A line is not what the format has there.
    #[error("read the checkpoint: {0}")]
    Form(&'static str),
    /// It belongs to another registry.
    #[error("verify the checkpoint: it is of {found}, not of {expected}")]
    Origin {
        /// The trusted origin.
        expected: Origin,
        /// The one found.
        found: Origin,
    },
    /// The log key did not sign it.
    #[error("verify the checkpoint: no valid signature by the log key")]
    Signature,
}

impl Checkpoint {
    /// Signs a checkpoint of this tree with the log key.
    pub fn sign(origin: &Origin, tree: Tree, key: &SecretKey) -> Self {
        let signature = key.sign_raw(text(origin, tree).as_bytes());
        let mut blob = note_key_id(origin.as_str(), &key.public_key()).to_vec();
        blob.extend(signature);
        Self {
            origin: origin.clone(),
            tree,
            lines: vec![SignatureLine {
                name: origin.to_string(),
                blob,
            }],
        }
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let form = CheckpointError::Form;
        let text = std::str::from_utf8(bytes).map_err(|_| form("it is not UTF-8"))?;
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(form("it has control characters"));
        }
        let text = text
            .strip_suffix('\n')
            .ok_or(form("its last line is not complete"))?;
        let mut lines = text.split('\n');
        let mut next = || lines.next().ok_or(form("it has too few lines"));
        let origin = next()?
            .parse()
            .map_err(|_| form("its first line is not an origin"))?;
        let size = decimal(next()?)
            .filter(|size| *size <= MAX_TREE_SIZE)
            .ok_or(form("its second line is not a tree size"))?;
        let hash = hash_line(next()?).ok_or(form("its third line is not a hash"))?;
        if !next()?.is_empty() {
            return Err(form("it has extension lines"));
        }
        let lines: Option<Vec<_>> = lines.map(SignatureLine::decode).collect();
        let lines = lines.ok_or(form("a signature line is malformed"))?;
        if lines.is_empty() || lines.len() > MAX_NOTE_SIGNATURES {
            return Err(form("it has no signatures, or too many"));
        }
        Ok(Self {
            origin,
            tree: Tree { size, hash },
            lines,
        })
    }

    /// The file of this checkpoint.
    pub fn encode(&self) -> Vec<u8> {
        let mut note = text(&self.origin, self.tree);
        note.push('\n');
        for line in &self.lines {
            let _ = writeln!(note, "{DASH}{} {}", line.name, STANDARD.encode(&line.blob));
        }
        note.into_bytes()
    }

    /// The tree, if the log key signed it for this origin. Lines by other keys are left alone, as
    /// signed notes demand; every line by the log key must hold.
    ///
    /// # Errors
    /// When the origin differs, or the log key's signature is missing or wrong.
    pub fn verify(&self, origin: &Origin, key: &PublicKey) -> Result<Tree, CheckpointError> {
        if self.origin != *origin {
            return Err(CheckpointError::Origin {
                expected: origin.clone(),
                found: self.origin.clone(),
            });
        }
        let text = text(origin, self.tree);
        let id = note_key_id(origin.as_str(), key);
        let mut verified = false;
        for line in &self.lines {
            let Some((line_id, signature)) = line.blob.split_first_chunk::<4>() else {
                continue;
            };
            if line.name != origin.as_str() || *line_id != id {
                continue;
            }
            let signature = signature
                .try_into()
                .map_err(|_| CheckpointError::Signature)?;
            key.verify(text.as_bytes(), signature)
                .map_err(|_| CheckpointError::Signature)?;
            verified = true;
        }
        if verified {
            Ok(self.tree)
        } else {
            Err(CheckpointError::Signature)
        }
    }

    /// The signed text: its three lines.
    pub fn note(&self) -> String {
        text(&self.origin, self.tree)
    }

    /// Whether this witness cosigned it.
    ///
    /// # Errors
    /// When a line has the name and the key id of the witness and is not a cosignature by it.
    pub fn is_cosigned_by(&self, witness: &VerifierKey) -> Result<bool, CheckpointError> {
        if !witness.is_witness() {
            return Ok(false);
        }
        let (text, id) = (self.note(), witness.id());
        let mut cosigned = false;
        for line in &self.lines {
            let Some((line_id, blob)) = line.blob.split_first_chunk::<4>() else {
                continue;
            };
            if line.name != witness.name() || *line_id != id {
                continue;
            }
            if !witness.verifies(&text, blob) {
                return Err(CheckpointError::Cosignature(line.name.clone()));
            }
            cosigned = true;
        }
        Ok(cosigned)
    }

    /// Whether the witnesses that a policy demands cosigned it.
    ///
    /// # Errors
    /// When a line in the name of one of them is not by it.
    pub fn meets(&self, policy: &WitnessPolicy) -> Result<bool, CheckpointError> {
        let mut cosigned = BTreeSet::new();
        for (index, witness) in policy.witnesses().iter().enumerate() {
            if self.is_cosigned_by(&witness.key)? {
                cosigned.insert(index);
            }
        }
        Ok(policy.is_met(&cosigned))
    }

    /// Adds the line of this witness that is among those given; others are left out.
    ///
    /// # Errors
    /// When there is none, or it is not by the witness. Nothing is added then.
    pub fn add_cosignatures(
        &mut self,
        lines: &str,
        witness: &VerifierKey,
    ) -> Result<(), CheckpointError> {
        let mut lines = lines.lines().filter_map(SignatureLine::decode);
        let line =
            lines.find(|line| line.name == witness.name() && line.blob.starts_with(&witness.id()));
        let missing = || CheckpointError::Cosignature(witness.name().to_owned());
        let mut cosigned = self.clone();
        cosigned.lines.push(line.ok_or_else(missing)?);
        if cosigned.lines.len() > MAX_NOTE_SIGNATURES || !cosigned.is_cosigned_by(witness)? {
            return Err(missing());
        }
        *self = cosigned;
        Ok(())
    }

    /// The origin that it claims, before anything was verified.
    pub fn claimed_origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether this log key signed it, whatever its origin is worth.
    pub(crate) fn is_by(&self, key: &PublicKey) -> bool {
        self.verify(&self.origin, key).is_ok()
    }

    /// The tree that it claims, before anything was verified.
    pub fn claimed_tree(&self) -> Tree {
        self.tree
    }
}

impl SignatureLine {
    fn decode(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(DASH)?.split_once(' ')?;
        let blob = STANDARD.decode(blob).ok().filter(|blob| blob.len() > 4)?;
        is_name(name).then(|| Self {
            name: name.to_owned(),
            blob,
        })
    }
}

/// The signed text.
fn text(origin: &Origin, tree: Tree) -> String {
    let hash = STANDARD.encode(tree.hash.as_bytes());
    format!("{origin}\n{}\n{hash}\n", tree.size)
}

fn note_key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    key_id(name, ED25519, &key.as_bytes())
}

/// A decimal number without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// A hash as one line of base64.
pub(crate) fn hash_line(line: &str) -> Option<Digest> {
    let bytes = STANDARD.decode(line).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}
