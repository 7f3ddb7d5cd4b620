//! From bytes to trust (spec/artifact.md, "Verification").
//!
//! [`Verified`] has no other maker than this crate, so a function that takes one cannot be handed anything unchecked.

use std::ops::Deref;

use crate::artifact::{Artifact, message};
use crate::key::{PublicKey, key_id_hex};

/// Something whose signature was checked against keys that the caller trusts.
#[derive(Debug, Clone)]
pub struct Verified<T> {
    value: T,
    signers: Vec<PublicKey>,
}

/// Why an artifact is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The content differs from what was signed.
    #[error("verify the artifact: its content was changed after it was signed")]
    Hash,
    /// A signature that names a trusted key was not made by it.
    #[error("verify the artifact: the signature of key {} is not genuine", key_id_hex(*key_id))]
    Signature {
        /// The key number that it names.
        key_id: [u8; 8],
    },
    /// No signature at all.
    #[error("verify the artifact: it is not signed")]
    Unsigned,
    /// Signed, but by nobody whom the caller trusts.
    #[error(
        "verify the artifact: no trusted key signed it, only {}",
        list(key_ids)
    )]
    Untrusted {
        /// The key numbers that its signatures name.
        key_ids: Vec<[u8; 8]>,
    },
}

fn list(key_ids: &[[u8; 8]]) -> String {
    key_ids
        .iter()
        .map(|&key_id| key_id_hex(key_id))
        .collect::<Vec<_>>()
        .join(", ")
}

impl VerifyError {
    /// The class of the error as spec/artifact.md names it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Signature { .. } => "signature",
            Self::Unsigned => "unsigned",
            Self::Untrusted { .. } => "untrusted",
        }
    }

    /// What a user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Hash | Self::Signature { .. } => "fetch the file again from its publisher",
            Self::Unsigned => "sign it with `cargo zero sign FILE`",
            Self::Untrusted { .. } => {
                "if you know the signer, trust the key with `cargo zero key import FILE.pub`"
            }
        }
    }
}

/// Checks an artifact against the keys that the caller trusts.
///
/// At least one trusted key must have signed. A signature that names a trusted key's number must be genuine, even
/// where another one would do. Signatures with numbers that nobody trusts say nothing and are ignored.
///
/// The cost is one pass over the content, which finds [`Artifact::digest`] as well, and one Ed25519 check for each
/// trusted signer.
///
/// # Errors
/// No signature, none of a trusted key, one that is not genuine, or content that was changed.
pub fn verify(
    artifact: Artifact,
    trusted: &[PublicKey],
) -> Result<Verified<Artifact>, VerifyError> {
    let signers = check(&artifact, trusted)?;
    Ok(Verified {
        value: artifact,
        signers,
    })
}

fn check(artifact: &Artifact, trusted: &[PublicKey]) -> Result<Vec<PublicKey>, VerifyError> {
    let (section, hash) = artifact.signed().ok_or(VerifyError::Unsigned)?;
    if section.hash != hash {
        return Err(VerifyError::Hash);
    }
    let message = message(&hash);
    let mut signers = Vec::new();
    for signature in &section.signatures {
        let mut named = trusted
            .iter()
            .filter(|key| key.key_id() == signature.key_id)
            .peekable();
        if named.peek().is_none() {
            continue;
        }
        // Two trusted keys may share a number, so the number only says which keys to try.
        let signer = named
            .find(|key| key.verify(&message, &signature.bytes).is_ok())
            .ok_or(VerifyError::Signature {
                key_id: signature.key_id,
            })?;
        if !signers.contains(signer) {
            signers.push(*signer);
        }
    }
    if signers.is_empty() {
        let key_ids = section
            .signatures
            .iter()
            .map(|signature| signature.key_id)
            .collect();
        return Err(VerifyError::Untrusted { key_ids });
    }
    Ok(signers)
}

impl<T> Verified<T> {
    /// For this crate only: whoever calls has checked.
    pub(crate) fn new(value: T, signers: Vec<PublicKey>) -> Self {
        Self { value, signers }
    }

    /// The trusted keys that signed, each once; never empty.
    pub fn signers(&self) -> &[PublicKey] {
        &self.signers
    }

    /// Gives the proof up and takes the value.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
