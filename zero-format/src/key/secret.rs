//! Secret keys: generation, signing, and the 158-byte minisign file (`spec/keys.md`, section 3).
//!
//! `"Ed" ‖ "Sc" or 00 00 ‖ "B2" ‖ salt[32] ‖ opslimit u64le ‖ memlimit u64le ‖ (key number[8] ‖ secret[64] ‖ check[32])`.
//! The bracket is XORed with the scrypt output; check = BLAKE2b-256("Ed" ‖ key number ‖ secret).

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b256, Digest as _};
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use super::kdf::Cost;
use super::{
    ALG_ED25519, KeyError, PUBLIC_LEN, PublicKey, SECRET_LEN, UNTRUSTED_PREFIX, decode_line,
    exactly, key_line, split,
};

const KDF_SCRYPT: [u8; 2] = *b"Sc";
const KDF_NONE: [u8; 2] = [0, 0];
const CHECK_BLAKE2B: [u8; 2] = *b"B2";

/// A minisign secret key. Its bytes are wiped when it is dropped, and `Debug` shows only the key number.
#[derive(Clone)]
pub struct SecretKey {
    key_id: [u8; 8],
    signing: SigningKey,
}

impl SecretKey {
    /// A new key from 40 random bytes: eight for the key number, 32 for the secret.
    pub fn generate(entropy: [u8; 40]) -> Self {
        let entropy = Zeroizing::new(entropy);
        let mut key_id = [0; 8];
        let mut seed = Zeroizing::new([0; 32]);
        let bytes = key_id.iter_mut().chain(seed.iter_mut());
        bytes.zip(entropy.iter()).for_each(|(to, from)| *to = *from);
        Self {
            key_id,
            signing: SigningKey::from_bytes(&seed),
        }
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey {
            key_id: self.key_id,
            point: self.signing.verifying_key(),
        }
    }

    /// The key number: a label, not an identity.
    pub fn key_id(&self) -> [u8; 8] {
        self.key_id
    }

    /// A plain Ed25519 signature of the message. Callers separate their domains with a prefix in the message.
    pub fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }

    /// The two lines of a `.key` file that minisign reads, encrypted when there is a password. `salt` must be random
    /// and fresh; without a password it is not used.
    pub fn to_file_text(&self, password: Option<&str>, salt: [u8; 32]) -> Zeroizing<String> {
        self.to_text_at_cost(password, salt, Cost::STANDARD)
    }

    pub(super) fn to_text_at_cost(
        &self,
        password: Option<&str>,
        salt: [u8; 32],
        cost: Cost,
    ) -> Zeroizing<String> {
        let pair = Zeroizing::new(self.signing.to_keypair_bytes());
        let mut inner = Zeroizing::new(Vec::with_capacity(104));
        inner.extend_from_slice(&self.key_id);
        inner.extend_from_slice(pair.as_slice());
        let check = checksum(&inner);
        inner.extend_from_slice(&check);
        let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_LEN));
        bytes.extend_from_slice(&ALG_ED25519);
        let comment = if let Some(password) = password {
            let stream = cost
                .derive(password, &salt)
                .expect("the costs that Zero writes are under its own cap");
            xor(&mut inner, stream.as_slice());
            bytes.extend_from_slice(&KDF_SCRYPT);
            bytes.extend_from_slice(&CHECK_BLAKE2B);
            bytes.extend_from_slice(&salt);
            bytes.extend_from_slice(&cost.opslimit.to_le_bytes());
            bytes.extend_from_slice(&cost.memlimit.to_le_bytes());
            "minisign encrypted secret key"
        } else {
            bytes.extend_from_slice(&KDF_NONE);
            bytes.extend_from_slice(&CHECK_BLAKE2B);
            bytes.extend_from_slice(&[0; 48]);
            "minisign unencrypted secret key"
        };
        bytes.extend_from_slice(&inner);
        let encoded = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
        Zeroizing::new(format!(
            "{UNTRUSTED_PREFIX}{comment}\n{}\n",
            encoded.as_str()
        ))
    }

    /// Reads a secret key file. The password is used only when the key is encrypted.
    ///
    /// # Errors
    /// [`KeyError::NeedsPassword`] and [`KeyError::WrongPassword`]; the other variants for a damaged or hostile file.
    pub fn parse(text: &str, password: Option<&str>) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(decode_line(key_line(text)?)?);
        if bytes.len() == PUBLIC_LEN {
            return Err(KeyError::IsPublic);
        }
        let bytes = Zeroizing::new(exactly::<SECRET_LEN>(&bytes)?);
        let (label, rest) = split::<2>(bytes.as_slice())?;
        let (kdf, rest) = split::<2>(rest)?;
        let (check, rest) = split::<2>(rest)?;
        let (salt, rest) = split::<32>(rest)?;
        let (opslimit, rest) = split::<8>(rest)?;
        let (memlimit, inner) = split::<8>(rest)?;
        let unsupported = |what, found| Err(KeyError::UnsupportedAlgorithm { what, found });
        if label != ALG_ED25519 {
            return unsupported("signature", label);
        }
        if check != CHECK_BLAKE2B {
            return unsupported("checksum", check);
        }
        let mut inner = Zeroizing::new(inner.to_vec());
        match kdf {
            KDF_NONE => Self::from_inner(&inner).map_err(|error| match error {
                KeyError::WrongPassword => KeyError::Damaged,
                error => error,
            }),
            KDF_SCRYPT => {
                let cost = Cost {
                    opslimit: u64::from_le_bytes(opslimit),
                    memlimit: u64::from_le_bytes(memlimit),
                };
                let stream = cost.derive(password.ok_or(KeyError::NeedsPassword)?, &salt)?;
                xor(&mut inner, stream.as_slice());
                // An encrypted key is judged by its checksum alone, so a wrong password never reads as a damaged key.
                if zero_check(&inner) {
                    Err(KeyError::WrongPassword)
                } else {
                    Self::from_inner(&inner)
                }
            }
            found => unsupported("password", found),
        }
    }

    /// Whether the file needs a password, without reading the key.
    ///
    /// # Errors
    /// [`KeyError`] when the text is not a secret key file.
    pub fn is_encrypted(text: &str) -> Result<bool, KeyError> {
        match Self::parse(text, None) {
            Ok(_) => Ok(false),
            Err(KeyError::NeedsPassword) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// `key number ‖ secret ‖ check`, in clear. minisign leaves `check` zero in unencrypted files.
    fn from_inner(inner: &[u8]) -> Result<Self, KeyError> {
        let (key_id, rest) = split::<8>(inner)?;
        let (pair, check) = split::<64>(rest)?;
        let pair = Zeroizing::new(pair);
        let body = inner.get(..72).unwrap_or_default();
        if !zero_check(inner) && check != checksum(body) {
            return Err(KeyError::WrongPassword);
        }
        // A public half that differs from the one the secret makes would leak the secret at the first signature.
        let signing = SigningKey::from_keypair_bytes(&pair).map_err(|_| KeyError::WrongHalves)?;
        Ok(Self { key_id, signing })
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}, …)", super::key_id_hex(self.key_id))
    }
}

/// BLAKE2b-256 over the label and `key number ‖ secret`.
fn checksum(body: &[u8]) -> [u8; 32] {
    Blake2b256::new()
        .chain_update(ALG_ED25519)
        .chain_update(body)
        .finalize()
        .into()
}

fn zero_check(inner: &[u8]) -> bool {
    inner.iter().rev().take(32).all(|byte| *byte == 0)
}

fn xor(bytes: &mut [u8], stream: &[u8]) {
    bytes
        .iter_mut()
        .zip(stream)
        .for_each(|(byte, key)| *byte ^= key);
}
