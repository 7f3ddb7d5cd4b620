//! Detached `.minisig` signatures, strict: what plain `minisign -Vm FILE -p KEY.pub` verifies, and nothing looser.
//!
//! Specification: `spec/keys.md`, section 5. The text is linted before anything is decoded, so
//! one signature has one spelling of its structure; only the prehashed form (`ED`, BLAKE2b-512) is accepted; and two
//! independent verifiers must agree: dalek's `verify_strict` and minisign-verify.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest as _};

use crate::key::{ALG_ED25519, PublicKey, SecretKey, UNTRUSTED_PREFIX, key_id_hex};

#[cfg(test)]
mod tests;

const TRUSTED_PREFIX: &str = "trusted comment: ";
/// Algorithm label of a signature over the BLAKE2b-512 hash.
const ALG_PREHASHED: [u8; 2] = *b"ED";
/// minisign's own buffer sizes, with their prefixes, less the line end and the terminating zero.
const MAX_UNTRUSTED: usize = 1024 - 2;
const MAX_TRUSTED: usize = 8192 - 2;
/// Everything that a well-formed text can hold.
const MAX_TEXT: usize = MAX_UNTRUSTED + MAX_TRUSTED + 100 + 88 + 4;
/// The untrusted comment of the signatures that Zero writes.
const COMMENT: &str = "signature from zero";

/// Why a `.minisig` was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MinisigError {
    /// The signature does not belong to these bytes.
    #[error("verify the signature: it was not made by key {key} over these bytes")]
    BadSignature {
        /// The key number.
        key: String,
    },
    /// The trusted comment was changed after signing.
    #[error("verify the signature: its trusted comment was changed")]
    BadTrustedComment,
    /// A base64 line is malformed or has the wrong length.
    #[error("read the signature: line {line} is not the base64 of {expected} bytes")]
    Base64 {
        /// Line number, from 1.
        line: usize,
        /// Bytes that the line must hold.
        expected: usize,
    },
    /// A line holds a character that could deceive a reader.
    #[error("read the signature: line {line} holds the control character U+{:04X}", u32::from(*.character))]
    ControlCharacter {
        /// Line number, from 1.
        line: usize,
        /// The character.
        character: char,
    },
    /// The two verifiers disagree; the signature is refused.
    #[error("verify the signature: the two verifiers disagree about it")]
    Disagreement,
    /// The legacy form, which signs the file without hashing it first.
    #[error(
        "verify the signature: it has the legacy form `Ed`, which can be confused with a hashed one"
    )]
    Legacy,
    /// Not exactly four lines.
    #[error(
        "read the signature: {found} lines where there must be four, each ended by a line feed"
    )]
    LineCount {
        /// Lines found.
        found: usize,
    },
    /// A comment line lacks its prefix.
    #[error("read the signature: line {line} does not start with `{prefix}`")]
    MissingPrefix {
        /// Line number, from 1.
        line: usize,
        /// What it must start with.
        prefix: &'static str,
    },
    /// A line, or the whole text, is longer than minisign reads.
    #[error("read the signature: it is longer than minisign reads")]
    TooLong,
    /// An algorithm label that no minisign writes.
    #[error("read the signature: unsupported algorithm `{}`", .found.escape_ascii())]
    UnsupportedAlgorithm {
        /// The label found.
        found: [u8; 2],
    },
    /// Made by a key with another number.
    #[error("verify the signature: it names key {signature}, not {key}")]
    WrongKey {
        /// The number in the signature.
        signature: String,
        /// The number of the key that was asked.
        key: String,
    },
}

impl MinisigError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BadSignature { .. } | Self::BadTrustedComment | Self::Disagreement => {
                "fetch the file and its signature again; if it stays so, do not use them"
            }
            Self::Legacy => "sign again with `minisign -S` (without `-l`) or `cargo zero sign`",
            Self::WrongKey { .. } => "give the public key of the one who signed",
            _ => "fetch the `.minisig` again, byte for byte: no editor, no line-end conversion",
        }
    }
}

/// A parsed `.minisig`: well formed, not yet verified.
///
/// ```
/// use zero_format::{Minisig, SecretKey};
///
/// let secret = SecretKey::generate([7; 40]);
/// let text = Minisig::sign(&secret, b"the file", "csvstat 1.2.0");
/// let minisig = Minisig::parse(&text)?;
/// minisig.verify(&secret.public_key(), b"the file")?;
/// assert!(minisig.verify(&secret.public_key(), b"another").is_err());
/// # Ok::<(), zero_format::MinisigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minisig {
    untrusted_comment: String,
    key_id: [u8; 8],
    signature: [u8; 64],
    trusted_comment: String,
    global: [u8; 64],
}

impl Minisig {
    /// Signs bytes and returns the text of the `.minisig`. Control characters in the comment become spaces, and it is
    /// cut where minisign would refuse to read it.
    pub fn sign(key: &SecretKey, bytes: &[u8], trusted_comment: &str) -> String {
        let trusted_comment = clean(trusted_comment);
        let signature = key.sign_raw(&Blake2b512::digest(bytes));
        let global = key.sign_raw(&global_message(&signature, &trusted_comment));
        let untrusted_comment = COMMENT.to_owned();
        Self {
            untrusted_comment,
            key_id: key.key_id(),
            signature,
            trusted_comment,
            global,
        }
        .to_string()
    }

    /// Reads a `.minisig` text, which must be exactly as minisign writes it.
    ///
    /// # Errors
    /// [`MinisigError`] for every deviation: line ends, line count, prefixes, control characters, base64, algorithm.
    pub fn parse(text: &str) -> Result<Self, MinisigError> {
        if text.len() > MAX_TEXT {
            return Err(MinisigError::TooLong);
        }
        lint_characters(text)?;
        let lines: Vec<&str> = text.split('\n').collect();
        let [untrusted, signature, trusted, global, ""] = lines.as_slice() else {
            return Err(MinisigError::LineCount {
                found: text.lines().count(),
            });
        };
        let untrusted_comment = comment(1, untrusted, UNTRUSTED_PREFIX, MAX_UNTRUSTED)?;
        let trusted_comment = comment(3, trusted, TRUSTED_PREFIX, MAX_TRUSTED)?;
        let [alg0, alg1, rest @ ..] = decode::<74>(2, signature)?;
        match [alg0, alg1] {
            ALG_PREHASHED => {}
            ALG_ED25519 => return Err(MinisigError::Legacy),
            found => return Err(MinisigError::UnsupportedAlgorithm { found }),
        }
        let [k0, k1, k2, k3, k4, k5, k6, k7, signature @ ..] = rest;
        let key_id = [k0, k1, k2, k3, k4, k5, k6, k7];
        let global = decode::<64>(4, global)?;
        Ok(Self {
            untrusted_comment,
            key_id,
            signature,
            trusted_comment,
            global,
        })
    }

    /// Verifies that the key signed these bytes and the trusted comment.
    ///
    /// # Errors
    /// [`MinisigError`] when the key number, either signature, or the second opinion says no.
    pub fn verify(&self, key: &PublicKey, bytes: &[u8]) -> Result<(), MinisigError> {
        if self.key_id != key.key_id() {
            return Err(MinisigError::WrongKey {
                signature: self.key_id_hex(),
                key: key.key_id_hex(),
            });
        }
        key.verify(&Blake2b512::digest(bytes), &self.signature)
            .map_err(|_| MinisigError::BadSignature {
                key: key.key_id_hex(),
            })?;
        key.verify(
            &global_message(&self.signature, &self.trusted_comment),
            &self.global,
        )
        .map_err(|_| MinisigError::BadTrustedComment)?;
        self.second_opinion(key, bytes)
            .map_err(|_| MinisigError::Disagreement)
    }

    fn second_opinion(&self, key: &PublicKey, bytes: &[u8]) -> Result<(), minisign_verify::Error> {
        let key = minisign_verify::PublicKey::from_base64(&key.to_base64())?;
        let signature = minisign_verify::Signature::decode(&self.to_string())?;
        key.verify(bytes, &signature, false)
    }

    /// The key number that the signature names: a label that selects a candidate key.
    pub fn key_id(&self) -> [u8; 8] {
        self.key_id
    }

    /// The key number as minisign prints it.
    pub fn key_id_hex(&self) -> String {
        key_id_hex(self.key_id)
    }

    /// The comment that the global signature covers. Trust it only after [`verify`](Self::verify).
    pub fn trusted_comment(&self) -> &str {
        &self.trusted_comment
    }

    /// The comment that nothing covers.
    pub fn untrusted_comment(&self) -> &str {
        &self.untrusted_comment
    }
}

impl fmt::Display for Minisig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut signature = Vec::with_capacity(74);
        signature.extend_from_slice(&ALG_PREHASHED);
        signature.extend_from_slice(&self.key_id);
        signature.extend_from_slice(&self.signature);
        writeln!(f, "{UNTRUSTED_PREFIX}{}", self.untrusted_comment)?;
        writeln!(f, "{}", STANDARD.encode(signature))?;
        writeln!(f, "{TRUSTED_PREFIX}{}", self.trusted_comment)?;
        writeln!(f, "{}", STANDARD.encode(self.global))
    }
}

fn global_message(signature: &[u8; 64], trusted_comment: &str) -> Vec<u8> {
    [signature.as_slice(), trusted_comment.as_bytes()].concat()
}

fn lint_characters(text: &str) -> Result<(), MinisigError> {
    for (index, line) in text.split('\n').enumerate() {
        if let Some(character) = line.chars().find(|character| is_deceptive(*character)) {
            return Err(MinisigError::ControlCharacter {
                line: index + 1,
                character,
            });
        }
    }
    Ok(())
}

/// What may not reach a terminal, except the tab that minisign itself writes.
fn is_deceptive(character: char) -> bool {
    character != '\t' && crate::text::is_unsafe(character)
}

fn clean(comment: &str) -> String {
    let mut line = String::new();
    for character in comment.chars() {
        let character = if is_deceptive(character) {
            ' '
        } else {
            character
        };
        if TRUSTED_PREFIX.len() + line.len() + character.len_utf8() > MAX_TRUSTED {
            break;
        }
        line.push(character);
    }
    line
}

fn comment(
    line: usize,
    text: &str,
    prefix: &'static str,
    max: usize,
) -> Result<String, MinisigError> {
    if text.len() > max {
        return Err(MinisigError::TooLong);
    }
    text.strip_prefix(prefix)
        .map(str::to_owned)
        .ok_or(MinisigError::MissingPrefix { line, prefix })
}

fn decode<const N: usize>(line: usize, text: &str) -> Result<[u8; N], MinisigError> {
    STANDARD
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(MinisigError::Base64 { line, expected: N })
}
