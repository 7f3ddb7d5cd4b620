//! Minisign keys: parsing, writing, raw Ed25519 signing and strict verification.
//!
//! Specification: `spec/keys.md`, sections 1 to 4. The files are the ones that minisign reads and writes, so one
//! key serves both envelopes: the embedded wasm signature and the detached `.minisig`.
//!
//! A key is trusted by its 32 bytes. The 8-byte key number is a label that nobody signs: it selects a candidate and
//! never decides anything, and two keys that differ only in their number are the same key here.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod kdf;
mod secret;
#[cfg(test)]
mod tests;

pub use secret::SecretKey;

/// Start of the first line of every minisign file.
pub(crate) const UNTRUSTED_PREFIX: &str = "untrusted comment: ";
/// Algorithm label of keys, and of the legacy signatures that Zero refuses.
pub(crate) const ALG_ED25519: [u8; 2] = *b"Ed";
/// Length of a decoded public key: label, key number, point.
const PUBLIC_LEN: usize = 2 + 8 + 32;
/// Length of a decoded secret key: see [`SecretKey`].
const SECRET_LEN: usize = 158;
/// Longest comment that minisign itself reads back: its line buffer less prefix, line end and terminating zero.
const MAX_COMMENT: usize = 1024 - 2 - UNTRUSTED_PREFIX.len();

/// Why a key could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not base64 of the right alphabet and padding.
    #[error("read the key: its base64 line is malformed")]
    Base64,
    /// The checksum inside an unencrypted key does not match its content.
    #[error("read the secret key: its content is damaged")]
    Damaged,
    /// The text holds no key line.
    #[error("read the key: the text holds no base64 line after its comment")]
    Empty,
    /// A public key was given where a secret key is needed.
    #[error("read the secret key: this is a public key")]
    IsPublic,
    /// A secret key was given where a public key is needed.
    #[error("read the public key: this is a secret key")]
    IsSecret,
    /// The decoded key has a length that no key has.
    #[error("read the key: {found} bytes where a key has {expected}")]
    Length {
        /// Bytes that a key of this sort has.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The secret key is encrypted and no password was given.
    #[error("decrypt the secret key: it needs a password")]
    NeedsPassword,
    /// The point is written in a form that more than one encoding would name.
    #[error("read the public key: its point is not in canonical form")]
    NonCanonical,
    /// The 32 bytes are no point of the curve.
    #[error("read the public key: its bytes are not a point of the curve")]
    NotAPoint,
    /// The file asks for more memory or work than the cap.
    #[error(
        "decrypt the secret key: its password cost asks for {mebibytes} MiB and {work} rounds, over the cap"
    )]
    TooCostly {
        /// Memory that the file asks for, in MiB.
        mebibytes: u64,
        /// Rounds (N times p) that the file asks for.
        work: u64,
    },
    /// There is more text after the key line.
    #[error("read the key: text follows the base64 line")]
    TrailingText,
    /// An algorithm label that Zero does not know.
    #[error("read the key: unsupported {what} algorithm {}", ascii_label(*.found))]
    UnsupportedAlgorithm {
        /// Which of the labels.
        what: &'static str,
        /// The label found.
        found: [u8; 2],
    },
    /// A point of low order: anyone can forge its signatures.
    #[error("read the public key: it is a weak key, anyone could sign in its name")]
    Weak,
    /// The public half inside a secret key belongs to another secret.
    #[error("read the secret key: its two halves do not belong together")]
    WrongHalves,
    /// The password does not open the key.
    #[error("decrypt the secret key: wrong password")]
    WrongPassword,
}

impl KeyError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Base64 | Self::Empty | Self::Length { .. } | Self::TrailingText => Some(
                "a minisign key file has two lines: `untrusted comment: …` and one line of base64; copy it whole",
            ),
            Self::IsPublic => {
                Some("give the secret key file (`.key`), not the public one (`.pub`)")
            }
            Self::IsSecret => Some(
                "give the public key file (`.pub`), and never hand out the secret one (`.key`)",
            ),
            Self::NeedsPassword => {
                Some("type the password at the prompt, or set ZERO_KEY_PASSWORD")
            }
            Self::Damaged | Self::WrongHalves => Some("restore the key file from a backup"),
            Self::NonCanonical | Self::NotAPoint | Self::Weak => {
                Some("ask its owner for the key again: this one must not be trusted")
            }
            Self::TooCostly { .. } => {
                Some("set the password again with `minisign -C`, which chooses an ordinary cost")
            }
            Self::UnsupportedAlgorithm { .. } => {
                Some("make an Ed25519 key with `cargo zero key generate`")
            }
            Self::WrongPassword => Some(
                "type the password again; after a backup restore, use the password of that time",
            ),
        }
    }
}

fn ascii_label(label: [u8; 2]) -> String {
    format!("`{}`", label.escape_ascii())
}

/// A signature that does not belong to this key and message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("verify the signature: it was not made by this key over these bytes")]
pub struct BadSignature;

/// A minisign public key.
///
/// Equality, order and hash look at the 32 key bytes only, so a set of keys counts each real key once however many
/// key numbers it was given.
///
/// ```
/// use zero_format::{PublicKey, SecretKey};
///
/// let secret = SecretKey::generate([7; 40]);
/// let public = secret.public_key();
/// assert_eq!(PublicKey::parse(&public.to_file_text("my key"))?, public);
/// public.verify(b"bytes", &secret.sign_raw(b"bytes"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct PublicKey {
    key_id: [u8; 8],
    point: VerifyingKey,
}

impl PublicKey {
    /// Reads a minisign public key file, or its bare base64 line (`RW…`).
    ///
    /// # Errors
    /// [`KeyError`] when the text is not exactly one key, or the key is weak or not canonical.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = decode_line(key_line(text)?)?;
        if bytes.len() == SECRET_LEN {
            return Err(KeyError::IsSecret);
        }
        let bytes: [u8; PUBLIC_LEN] = exactly(&bytes)?;
        let (label, rest) = split::<2>(&bytes)?;
        if label != ALG_ED25519 {
            return Err(KeyError::UnsupportedAlgorithm {
                what: "signature",
                found: label,
            });
        }
        let (key_id, point) = split::<8>(rest)?;
        Self::new(key_id, exactly(point)?)
    }

    /// The key with this number and these bytes.
    ///
    /// # Errors
    /// [`KeyError`] when the bytes are no point, not canonical, or of low order.
    pub fn new(key_id: [u8; 8], point: [u8; 32]) -> Result<Self, KeyError> {
        if !is_canonical(&point) {
            return Err(KeyError::NonCanonical);
        }
        let point = VerifyingKey::from_bytes(&point).map_err(|_| KeyError::NotAPoint)?;
        if point.is_weak() {
            return Err(KeyError::Weak);
        }
        Ok(Self { key_id, point })
    }

    /// The two lines of a `.pub` file. Characters that a comment cannot hold become spaces.
    pub fn to_file_text(&self, comment: &str) -> String {
        format!(
            "{UNTRUSTED_PREFIX}{}\n{}\n",
            one_line(comment),
            self.to_base64()
        )
    }

    /// The key as one line of base64, `RW…`.
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::with_capacity(PUBLIC_LEN);
        bytes.extend_from_slice(&ALG_ED25519);
        bytes.extend_from_slice(&self.key_id);
        bytes.extend_from_slice(self.point.as_bytes());
        STANDARD.encode(bytes)
    }

    /// The key number: a label, not an identity.
    pub fn key_id(&self) -> [u8; 8] {
        self.key_id
    }

    /// The key number as minisign prints it.
    pub fn key_id_hex(&self) -> String {
        key_id_hex(self.key_id)
    }

    /// The key itself.
    pub fn as_bytes(&self) -> [u8; 32] {
        self.point.to_bytes()
    }

    /// Checks a raw Ed25519 signature with the strict rules: canonical S and R, no point of low order.
    ///
    /// # Errors
    /// [`BadSignature`] when it does not verify.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where signatures are judged"
    )]
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        self.point
            .verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| BadSignature)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.point.as_bytes() == other.point.as_bytes()
    }
}

impl Eq for PublicKey {}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.point.as_bytes().cmp(other.point.as_bytes())
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.point.as_bytes().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let key = Self::parse(&text).map_err(serde::de::Error::custom)?;
        // A file's text or a line with spaces is one key too, but in JSON a key has one spelling.
        if key.to_base64() == text {
            Ok(key)
        } else {
            Err(serde::de::Error::custom("a key is one line of base64"))
        }
    }
}

/// The key number as minisign prints it: little-endian, sixteen upper-case hexadecimal digits.
pub fn key_id_hex(key_id: [u8; 8]) -> String {
    format!("{:016X}", u64::from_le_bytes(key_id))
}

/// The base64 line of a key text: the only line, or the second after an untrusted comment.
fn key_line(text: &str) -> Result<&str, KeyError> {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let line = if first.starts_with(UNTRUSTED_PREFIX.trim_end()) {
        lines.next().unwrap_or_default()
    } else {
        first
    };
    if lines.any(|rest| !rest.trim().is_empty()) {
        return Err(KeyError::TrailingText);
    }
    match line.trim() {
        "" => Err(KeyError::Empty),
        line => Ok(line),
    }
}

fn decode_line(line: &str) -> Result<Vec<u8>, KeyError> {
    // The longest key is 212 characters; nothing longer is worth decoding.
    if line.len() > 512 {
        return Err(KeyError::Base64);
    }
    STANDARD.decode(line).map_err(|_| KeyError::Base64)
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], KeyError> {
    bytes.try_into().map_err(|_| KeyError::Length {
        expected: N,
        found: bytes.len(),
    })
}

fn split<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), KeyError> {
    bytes
        .split_first_chunk::<N>()
        .map(|(head, rest)| (*head, rest))
        .ok_or(KeyError::Length {
            expected: N,
            found: bytes.len(),
        })
}

/// Makes any text fit the one comment line of a minisign file.
fn one_line(comment: &str) -> String {
    let mut line = String::new();
    for character in comment.chars() {
        let character = if character.is_control() {
            ' '
        } else {
            character
        };
        if line.len() + character.len_utf8() > MAX_COMMENT {
            break;
        }
        line.push(character);
    }
    line
}

/// RFC 8032, 5.1.3: the y coordinate must be below 2^255 - 19. dalek decodes the 19 other spellings too.
fn is_canonical(point: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = point;
    let all_ones = high & 0x7f == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    !(all_ones && *low >= 0xed)
}
