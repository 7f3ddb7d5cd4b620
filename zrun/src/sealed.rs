//! Small JSON records that only this user's own runs can have written: a keyed BLAKE3 hash follows the text.
//!
//! The hash covers a purpose and a name, so a record cannot be moved to where another is expected.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::home::Secret;

/// Bytes of the keyed hash.
pub(crate) const TAG: usize = 32;

/// The keyed hash of `parts` under a key of its own for `purpose`.
pub(crate) fn tag(secret: &Secret, purpose: &str, name: &str, body: &[u8]) -> blake3::Hash {
    let mut tag = Tag::new(secret, purpose, name);
    tag.update(body);
    tag.finish()
}

/// The same of a body that comes in pieces.
pub(crate) struct Tag(blake3::Hasher);

impl Tag {
    pub(crate) fn new(secret: &Secret, purpose: &str, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&secret.derive(purpose));
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        Self(hasher)
    }

    pub(crate) fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    pub(crate) fn finish(&self) -> blake3::Hash {
        self.0.finalize()
    }
}

/// The record's text and its hash.
pub(crate) fn seal<T: Serialize>(
    secret: &Secret,
    purpose: &str,
    name: &str,
    value: &T,
) -> serde_json::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value)?;
    let tag = tag(secret, purpose, name, &bytes);
    bytes.extend_from_slice(tag.as_bytes());
    Ok(bytes)
}

/// The record, if every byte of it is as [`seal`] wrote it.
pub(crate) fn open<T: DeserializeOwned>(
    secret: &Secret,
    purpose: &str,
    name: &str,
    bytes: &[u8],
) -> Option<T> {
    let (body, stored) = split(bytes)?;
    // `blake3::Hash` compares in constant time.
    if tag(secret, purpose, name, body) != blake3::Hash::from_bytes(*stored) {
        return None;
    }
    serde_json::from_slice(body).ok()
}

/// A body and the hash that ends it.
pub(crate) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8; TAG])> {
    bytes.split_last_chunk::<TAG>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_is_found() {
        let secret = Secret::from_bytes([7; 32]);
        let sealed = seal(&secret, "test", "name", &vec![1, 2, 3]).unwrap();
        assert_eq!(
            open::<Vec<u8>>(&secret, "test", "name", &sealed),
            Some(vec![1, 2, 3])
        );
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert_eq!(
                open::<Vec<u8>>(&secret, "test", "name", &flipped),
                None,
                "byte {at}"
            );
        }
    }

    #[test]
    fn a_record_is_bound_to_secret_purpose_and_name() {
        let secret = Secret::from_bytes([7; 32]);
        let sealed = seal(&secret, "test", "name", &1).unwrap();
        assert_eq!(open::<u8>(&secret, "other", "name", &sealed), None);
        assert_eq!(open::<u8>(&secret, "test", "other", &sealed), None);
        assert_eq!(
            open::<u8>(&Secret::from_bytes([8; 32]), "test", "name", &sealed),
            None
        );
        assert_eq!(open::<u8>(&secret, "test", "name", &[]), None);
    }
}
