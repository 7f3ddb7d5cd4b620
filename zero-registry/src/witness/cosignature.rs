//! Who cosigns, and what is signed: C2SP tlog-cosignature, the Ed25519 kind.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use zero_format::{PublicKey, SecretKey};

use crate::time::Timestamp;

/// Signature type of logs: plain Ed25519.
pub(crate) const ED25519: u8 = 1;
/// Signature type of witnesses: Ed25519 over the checkpoint and a time.
const COSIGNATURE: u8 = 4;
/// Time and signature.
const COSIGNATURE_BYTES: usize = 8 + 64;
/// Longest name of a key.
const MAX_NAME: usize = 255;

/// A C2SP verifier key (`vkey`): `<name>+<key id>+<type and key in base64>`.
///
/// Keys of other types than the one used here can be read, listed and compared; they verify nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: u8,
    material: Vec<u8>,
    key: Option<PublicKey>,
}

/// Why a text is not a verifier key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifierKeyError {
    /// It does not have the form `name+id+base64`.
    #[error("read the verifier key: it is not of the form name+0123abcd+base64")]
    Form,
    /// The id in it is not that of its name and key.
    #[error("read the verifier key: its id does not belong to its name and key")]
    Id,
    /// The key in it cannot be used.
    #[error("read the verifier key")]
    Key(#[from] zero_format::KeyError),
    /// The name is empty, too long, or has a space, a plus sign or a control character.
    #[error(
        "read the verifier key: its name is not 1 to {MAX_NAME} characters without space and +"
    )]
    Name,
}

impl VerifierKey {
    /// The key of a witness.
    ///
    /// # Errors
    /// When the name is not one.
    pub fn witness(name: &str, key: PublicKey) -> Result<Self, VerifierKeyError> {
        Self::of(name, COSIGNATURE, key)
    }

    /// The key of a log, whose name is its origin.
    ///
    /// # Errors
    /// When the name is not one.
    pub fn log(origin: &str, key: PublicKey) -> Result<Self, VerifierKeyError> {
        Self::of(origin, ED25519, key)
    }

    fn of(name: &str, kind: u8, key: PublicKey) -> Result<Self, VerifierKeyError> {
        if !is_name(name) {
            return Err(VerifierKeyError::Name);
        }
        Ok(Self {
            name: name.to_owned(),
            kind,
            material: key.as_bytes().to_vec(),
            key: Some(key),
        })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the key of a witness that this version can verify.
    pub fn is_witness(&self) -> bool {
        self.kind == COSIGNATURE && self.key.is_some()
    }

    /// The Ed25519 key of a log.
    pub fn log_key(&self) -> Option<&PublicKey> {
        self.key.as_ref().filter(|_| self.kind == ED25519)
    }

    /// The key itself, by which two verifier keys are the same.
    pub(crate) fn material(&self) -> &[u8] {
        &self.material
    }

    pub(crate) fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.kind, &self.material)
    }

    /// What follows the key id in a signature line: the time, and the signature over it and the
    /// checkpoint.
    pub(crate) fn cosign(key: &SecretKey, checkpoint: &str, time: Timestamp) -> Vec<u8> {
        let mut blob = time.seconds().to_be_bytes().to_vec();
        blob.extend(key.sign_raw(message(checkpoint, time.seconds()).as_bytes()));
        blob
    }

    /// Whether this is a cosignature of the checkpoint by this key.
    pub(crate) fn verifies(&self, checkpoint: &str, blob: &[u8]) -> bool {
        let Some(key) = self.key.as_ref().filter(|_| self.kind == COSIGNATURE) else {
            return false;
        };
        let Some((time, signature)) = blob.split_first_chunk::<8>() else {
            return false;
        };
        let time = u64::from_be_bytes(*time);
        let signed =
            blob.len() == COSIGNATURE_BYTES && time != 0 && time <= i64::MAX.unsigned_abs();
        signed
            && signature.try_into().is_ok_and(|signature: &[u8; 64]| {
                let message = message(checkpoint, time);
                key.verify(message.as_bytes(), signature).is_ok()
            })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut blob = vec![self.kind];
        blob.extend(&self.material);
        let (id, blob) = (hex::encode(self.id()), STANDARD.encode(blob));
        write!(f, "{}+{id}+{blob}", self.name)
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        // Base64 may have a plus sign, a name may not.
        let (name, rest) = text.split_once('+').ok_or(VerifierKeyError::Form)?;
        let (id, blob) = rest.split_once('+').ok_or(VerifierKeyError::Form)?;
        if !is_name(name) {
            return Err(VerifierKeyError::Name);
        }
        let blob = STANDARD.decode(blob).map_err(|_| VerifierKeyError::Form)?;
        let (kind, material) = blob.split_first().ok_or(VerifierKeyError::Form)?;
        if hex::encode(key_id(name, *kind, material)) != id {
            return Err(VerifierKeyError::Id);
        }
        let key = match (*kind, <[u8; 32]>::try_from(material)) {
            (ED25519 | COSIGNATURE, Ok(point)) => Some(PublicKey::new([0; 8], point)?),
            (ED25519 | COSIGNATURE, Err(_)) => return Err(VerifierKeyError::Form),
            _ => None,
        };
        Ok(Self {
            name: name.to_owned(),
            kind: *kind,
            material: material.to_vec(),
            key,
        })
    }
}

/// The first four bytes of SHA-256(name, line feed, type, key).
pub(crate) fn key_id(name: &str, kind: u8, material: &[u8]) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', kind]);
    hasher.update(material);
    let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
    [a, b, c, d]
}

/// Whether a text can name a key in a signed note.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn message(checkpoint: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{checkpoint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;

    #[test]
    fn a_verifier_key_is_read_as_it_was_written() {
        let written = VerifierKey::witness("witness.example/w1", key(7).public_key()).unwrap();
        let read: VerifierKey = written.to_string().parse().unwrap();
        assert_eq!(read.to_string(), written.to_string());
        assert!(read.is_witness() && read.log_key().is_none());
        // The example of C2SP signed-note.
        let go = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = go.parse().unwrap();
        assert_eq!((key.name(), key.to_string().as_str()), ("PeterNeumann", go));
        assert!(key.log_key().is_some() && !key.is_witness());
    }

    #[test]
    fn a_verifier_key_with_a_fault_is_refused() {
        let good = VerifierKey::witness("w", key(7).public_key())
            .unwrap()
            .to_string();
        let (_, rest) = good.split_once('+').unwrap();
        for (text, expected) in [
            (String::new(), VerifierKeyError::Form),
            (good.replace("w+", "v+"), VerifierKeyError::Id),
            (format!("+{rest}"), VerifierKeyError::Name),
            (format!("a b+{rest}"), VerifierKeyError::Name),
            (good[..good.len() - 1].to_owned(), VerifierKeyError::Form),
        ] {
            assert_eq!(text.parse::<VerifierKey>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_key_of_another_type_is_kept_and_verifies_nothing() {
        let material = [9; 1312];
        let mut blob = vec![6];
        blob.extend(material);
        let id = hex::encode(key_id("w", 6, &material));
        let text = format!("w+{id}+{}", STANDARD.encode(&blob));
        let other: VerifierKey = text.parse().unwrap();
        assert_eq!(other.to_string(), text);
        assert!(!other.is_witness());
        let blob = VerifierKey::cosign(&key(7), "a\n", Timestamp::from_seconds(1));
        assert!(!other.verifies("a\n", &blob));
    }

    #[test]
    fn a_cosignature_holds_for_its_checkpoint_and_time_only() {
        let witness = VerifierKey::witness("w", key(7).public_key()).unwrap();
        let time = Timestamp::from_seconds(1_679_315_147);
        let blob = VerifierKey::cosign(&key(7), "log\n1\nhash\n", time);
        assert!(witness.verifies("log\n1\nhash\n", &blob));
        assert!(!witness.verifies("log\n2\nhash\n", &blob));
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            assert!(!witness.verifies("log\n1\nhash\n", &changed), "byte {at}");
        }
        let stranger = VerifierKey::witness("w", key(8).public_key()).unwrap();
        assert!(!stranger.verifies("log\n1\nhash\n", &blob));
        // A signature of the log key over the same text is no cosignature.
        let plain = key(7).sign_raw(b"log\n1\nhash\n");
        assert!(!witness.verifies("log\n1\nhash\n", &plain));
    }
}
