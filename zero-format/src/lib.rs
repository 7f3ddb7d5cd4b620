//! The `.zero` container, manifest, capabilities, keys and signatures: bytes in, values out.

mod key;
mod minisig;

pub use key::{BadSignature, KeyError, PublicKey, SecretKey, key_id_hex};
pub use minisig::{Minisig, MinisigError};
