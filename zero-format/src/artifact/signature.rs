//! The `signature` section: the WebAssembly tool-conventions module signature in the framing that wasmsign2 deploys,
//! cut down to one shape (spec/artifact.md, "Signature section").

use super::DecodeError;
use super::cursor::{Cursor, Fault};
use crate::digest::Digest;
use crate::limits::{MAX_SIGNATURE_SECTION, MAX_SIGNATURES};

/// Specification version 1, content "module", hash SHA-256: the start of the payload and of the signed message.
const HEADER: [u8; 3] = [1, 1, 1];
/// Ed25519.
const ALGORITHM: u8 = 1;
/// Domain separation of the signed message.
const DOMAIN: &[u8; 7] = b"wasmsig";
/// Bytes of a key number.
const KEY_ID_LEN: usize = 8;
/// Bytes of an Ed25519 signature.
const SIGNATURE_LEN: usize = 64;
/// Bytes of a record that names its key, without the length in front.
const RECORD_LEN: usize = 1 + KEY_ID_LEN + 1 + 1 + SIGNATURE_LEN;
/// Bytes of a record that names no key.
const TWIN_LEN: usize = RECORD_LEN - KEY_ID_LEN;
/// Records for each signature.
const RECORDS: usize = 2;

/// A signature and the number of the key that is said to have made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// The minisign key number. It is a label, not an identity: anyone can choose any number.
    pub key_id: [u8; 8],
    /// The Ed25519 signature.
    pub bytes: [u8; 64],
}

/// What is wrong with a signature section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// Another algorithm than Ed25519, hash than SHA-256, or version than 1.
    #[error("the version, hash function or algorithm is not the one that is supported")]
    Algorithm,
    /// Another number of hashes or of hash sets than one.
    #[error("there must be exactly one hash")]
    Hashes,
    /// A length that is not the one that must stand there, or bytes that are missing or left over.
    #[error("a length does not fit the content")]
    Length,
    /// Two signatures out of order, or the same one twice.
    #[error("signatures must be sorted and must not repeat")]
    Order,
    /// No signature, or more than the limit.
    #[error("there must be 1 to {MAX_SIGNATURES} signatures")]
    Signatures,
    /// Another signature in the record without a key number than in the one before it.
    #[error("the copy of a signature differs from it")]
    Twin,
}

/// The payload of a `signature` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignatureSection {
    /// SHA-256 of everything after the section, as the section says.
    pub(crate) hash: Digest,
    /// At least one, in ascending order.
    pub(crate) signatures: Vec<Signature>,
}

/// What is signed: the domain, the header and the hash of everything after the signature section.
pub(crate) fn message(hash: &Digest) -> Vec<u8> {
    [DOMAIN.as_slice(), &HEADER, hash.as_bytes()].concat()
}

impl SignatureSection {
    /// Reads a payload that starts at byte `base` of its file.
    pub(super) fn decode(payload: &[u8], base: usize) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(payload, 0);
        decode(payload, &mut cursor).map_err(|fault| {
            let offset = base.saturating_add(cursor.offset());
            match fault {
                Stop::Integer => DecodeError::Integer { offset },
                Stop::Fault(source) => DecodeError::Signature { offset, source },
            }
        })
    }

    /// Writes the payload. The caller has sorted the signatures and kept to the limits.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut set = vec![1];
        set.extend_from_slice(self.hash.as_bytes());
        integer(&mut set, self.signatures.len().saturating_mul(RECORDS));
        for signature in &self.signatures {
            record(&mut set, RECORD_LEN, &signature.key_id, &signature.bytes);
            record(&mut set, TWIN_LEN, &[], &signature.bytes);
        }
        let mut payload = HEADER.to_vec();
        payload.push(1);
        integer(&mut payload, set.len());
        payload.extend_from_slice(&set);
        payload
    }
}

fn record(set: &mut Vec<u8>, length: usize, key_id: &[u8], signature: &[u8; SIGNATURE_LEN]) {
    integer(set, length);
    integer(set, key_id.len());
    set.extend_from_slice(key_id);
    set.push(ALGORITHM);
    integer(set, SIGNATURE_LEN);
    set.extend_from_slice(signature);
}

enum Stop {
    Integer,
    Fault(SignatureFault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::End => Self::Fault(SignatureFault::Length),
            Fault::Integer => Self::Integer,
        }
    }
}

fn decode(payload: &[u8], cursor: &mut Cursor<'_>) -> Result<SignatureSection, Stop> {
    require(
        payload.len() <= MAX_SIGNATURE_SECTION,
        SignatureFault::Length,
    )?;
    require(cursor.array::<3>()? == HEADER, SignatureFault::Algorithm)?;
    require(cursor.short_integer()? == 1, SignatureFault::Hashes)?;
    let length = cursor.short_integer()?;
    require(
        Some(length) == payload.len().checked_sub(cursor.offset()),
        SignatureFault::Length,
    )?;
    require(cursor.short_integer()? == 1, SignatureFault::Hashes)?;
    let hash = Digest::from_bytes(cursor.array()?);
    let records = cursor.short_integer()?;
    let count = records / RECORDS;
    let fits = (1..=MAX_SIGNATURES).contains(&count) && records % RECORDS == 0;
    require(fits, SignatureFault::Signatures)?;
    let mut signatures = Vec::new();
    for _ in 0..count {
        let signature = decode_signature(cursor)?;
        require(
            signatures.last().is_none_or(|last| *last < signature),
            SignatureFault::Order,
        )?;
        signatures.push(signature);
    }
    require(cursor.is_at_end(), SignatureFault::Length)?;
    Ok(SignatureSection { hash, signatures })
}

/// A record that names the key, and its twin that names none: tools that know no minisign keys look for the latter.
fn decode_signature(cursor: &mut Cursor<'_>) -> Result<Signature, Stop> {
    let (key_id, bytes) = decode_record(cursor, RECORD_LEN)?;
    let ([], twin) = decode_record(cursor, TWIN_LEN)?;
    require(twin == bytes, SignatureFault::Twin)?;
    Ok(Signature { key_id, bytes })
}

fn decode_record<const N: usize>(
    cursor: &mut Cursor<'_>,
    length: usize,
) -> Result<([u8; N], [u8; SIGNATURE_LEN]), Stop> {
    require(cursor.short_integer()? == length, SignatureFault::Length)?;
    require(cursor.short_integer()? == N, SignatureFault::Length)?;
    let key_id = cursor.array()?;
    require(cursor.byte()? == ALGORITHM, SignatureFault::Algorithm)?;
    require(
        cursor.short_integer()? == SIGNATURE_LEN,
        SignatureFault::Length,
    )?;
    Ok((key_id, cursor.array()?))
}

fn require(holds: bool, fault: SignatureFault) -> Result<(), Stop> {
    if holds {
        Ok(())
    } else {
        Err(Stop::Fault(fault))
    }
}

/// Appends an unsigned LEB128 integer in its shortest form.
fn integer(out: &mut Vec<u8>, value: usize) {
    use wasm_encoder::Encode as _;
    // All values are bounded by MAX_SIGNATURE_SECTION.
    u32::try_from(value).unwrap_or(u32::MAX).encode(out);
}
