//! What a verification found, sealed for this machine (spec/artifact.md, "Receipts").
//!
//! A warm start must not hash a large artifact again. Whoever verified once keeps a receipt beside the compiled
//! code; only the holder of the machine's secret can have written it, so opening it stands for verifying.

use serde::{Deserialize, Serialize};

use crate::artifact::Artifact;
use crate::digest::Digest;
use crate::key::PublicKey;
use crate::limits::MAX_RECEIPT;
use crate::metadata::{Kind, Metadata, MetadataError};
use crate::verify::Verified;

/// The first bytes of a sealed receipt.
const MAGIC: &[u8; 15] = b"zero-receipt/1\n";
/// What the sealing key is derived for: no other use of the machine's secret can make a receipt.
const CONTEXT: &str = "zero-format 2026-11 receipt seal v1";

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The digest of the whole file.
    pub digest: Digest,
    /// How many bytes the file has.
    pub size: u64,
    /// What sort of WebAssembly it is.
    pub kind: Kind,
    /// What the artifact says about itself.
    pub metadata: Metadata,
    /// The trusted keys that signed.
    pub signers: Vec<PublicKey>,
    /// Whether it bundles files.
    pub has_files: bool,
}

/// Why a sealed receipt is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// Not a receipt, or one of another version.
    #[error("open the receipt: it is malformed")]
    Malformed,
    /// Metadata that this version refuses.
    #[error("open the receipt: its metadata is refused")]
    Metadata(#[from] MetadataError),
    /// Sealed with another secret, or changed.
    #[error("open the receipt: its seal does not fit")]
    Seal,
}

/// Everything but the metadata, which has an encoding of its own and follows as it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    digest: Digest,
    size: u64,
    signers: Vec<PublicKey>,
    has_files: bool,
}

impl Verified<Artifact> {
    /// What this verification found. Hashes the whole file unless [`Artifact::digest`] was asked for already.
    pub fn receipt(&self) -> Receipt {
        Receipt {
            digest: self.digest(),
            size: self.size(),
            kind: self.kind(),
            metadata: self.metadata().clone(),
            signers: self.signers().to_vec(),
            has_files: self.files().is_some(),
        }
    }
}

impl Receipt {
    /// Seals the receipt with the machine's secret.
    ///
    /// The bytes are the magic line, a BLAKE3 keyed hash of what follows, one line of JSON and the metadata.
    pub fn seal(&self, secret: &[u8; 32]) -> Vec<u8> {
        let facts = Facts {
            digest: self.digest,
            size: self.size,
            signers: self.signers.clone(),
            has_files: self.has_files,
        };
        // Serializing a struct of texts and numbers cannot fail.
        let mut content = serde_json::to_vec(&facts).unwrap_or_default();
        content.push(b'\n');
        content.extend_from_slice(&self.metadata.encode());
        [MAGIC.as_slice(), mac(secret, &content).as_bytes(), &content].concat()
    }

    /// Opens a receipt that was sealed with the same secret.
    ///
    /// # Errors
    /// Bytes that this secret did not seal, or that this version does not understand.
    pub fn open(sealed: &[u8], secret: &[u8; 32]) -> Result<Verified<Self>, ReceiptError> {
        if sealed.len() > MAX_RECEIPT {
            return Err(ReceiptError::Malformed);
        }
        let rest = sealed
            .strip_prefix(MAGIC.as_slice())
            .ok_or(ReceiptError::Malformed)?;
        let (seal, content) = rest
            .split_first_chunk::<32>()
            .ok_or(ReceiptError::Malformed)?;
        // blake3::Hash compares in constant time.
        if mac(secret, content) != blake3::Hash::from_bytes(*seal) {
            return Err(ReceiptError::Seal);
        }
        let newline = content
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or(ReceiptError::Malformed)?;
        let (facts, metadata) = content
            .split_at_checked(newline)
            .ok_or(ReceiptError::Malformed)?;
        let facts: Facts = serde_json::from_slice(facts).map_err(|_| ReceiptError::Malformed)?;
        if facts.signers.is_empty() {
            return Err(ReceiptError::Malformed);
        }
        let metadata = Metadata::decode(metadata.get(1..).unwrap_or_default())?;
        let signers = facts.signers.clone();
        let receipt = Self {
            digest: facts.digest,
            size: facts.size,
            kind: metadata.kind,
            metadata,
            signers: facts.signers,
            has_files: facts.has_files,
        };
        Ok(Verified::new(receipt, signers))
    }
}

fn mac(secret: &[u8; 32], content: &[u8]) -> blake3::Hash {
    blake3::keyed_hash(&blake3::derive_key(CONTEXT, secret), content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Package, SecretKey, Version, assemble, sign, verify};

    fn receipt() -> Receipt {
        let mut metadata = Metadata::new(
            Kind::Module,
            Package::new("tiny".parse().unwrap(), Version::new(1, 0, 0)),
        );
        metadata.package.readme = Some("one\ntwo\n".to_owned());
        let key = SecretKey::generate([3; 40]);
        let artifact = sign(
            &assemble(b"\0asm\x01\0\0\0", &metadata, None).unwrap(),
            &[&key],
        )
        .unwrap();
        verify(Artifact::decode(artifact).unwrap(), &[key.public_key()])
            .unwrap()
            .receipt()
    }

    #[test]
    fn opens_with_the_secret_that_sealed_it() {
        let receipt = receipt();
        let opened = Receipt::open(&receipt.seal(&[1; 32]), &[1; 32]).unwrap();
        assert_eq!(*opened, receipt);
        assert_eq!(opened.signers(), receipt.signers);
    }

    #[test]
    fn refuses_other_secrets_and_any_changed_byte() {
        let sealed = receipt().seal(&[1; 32]);
        assert_eq!(
            Receipt::open(&sealed, &[2; 32]).unwrap_err(),
            ReceiptError::Seal
        );
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(Receipt::open(&changed, &[1; 32]).is_err(), "byte {at}");
            assert!(
                Receipt::open(&sealed[..at], &[1; 32]).is_err(),
                "cut at {at}"
            );
        }
    }
}
