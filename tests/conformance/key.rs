//! `spec/vectors/{key,minisig}`: minisign keys and detached signatures.

use std::path::Path;

use zero_format::{KeyError, Minisig, MinisigError, PublicKey, SecretKey};

use crate::index::{Vector, check, read, read_text, vectors};

fn file(vector: &Vector) -> &str {
    vector.file.as_deref().expect("a file")
}

/// The classes of spec/keys.md, sections 2 and 3.
fn key_class(error: &KeyError) -> String {
    let class = match error {
        KeyError::Base64 | KeyError::Empty | KeyError::TrailingText => "key-text",
        KeyError::Damaged => "key-damaged",
        KeyError::IsPublic => "key-is-public",
        KeyError::IsSecret => "key-is-secret",
        KeyError::Length { .. } => "key-length",
        KeyError::NeedsPassword | KeyError::WrongPassword => "key-password",
        KeyError::NonCanonical => "key-canonical",
        KeyError::NotAPoint => "key-point",
        KeyError::TooCostly { .. } => "key-cost",
        KeyError::UnsupportedAlgorithm { .. } => "key-algorithm",
        KeyError::Weak => "key-weak",
        KeyError::WrongHalves => "key-halves",
        _ => "unknown",
    };
    class.to_owned()
}

/// The classes of spec/keys.md, section 5.
fn minisig_class(error: &MinisigError) -> String {
    let class = match error {
        MinisigError::BadSignature { .. } => "minisig-signature",
        MinisigError::BadTrustedComment => "minisig-comment",
        MinisigError::Base64 { .. } => "minisig-base64",
        MinisigError::ControlCharacter { .. } => "minisig-character",
        MinisigError::Legacy => "minisig-legacy",
        MinisigError::LineCount { .. } => "minisig-lines",
        MinisigError::MissingPrefix { .. } => "minisig-prefix",
        MinisigError::TooLong => "minisig-length",
        MinisigError::UnsupportedAlgorithm { .. } => "minisig-algorithm",
        MinisigError::WrongKey { .. } => "minisig-key",
        _ => "unknown",
    };
    class.to_owned()
}

fn public_key(vector: &Vector) -> Result<PublicKey, String> {
    let text = read_text("key", file(vector));
    if Path::new(file(vector))
        .extension()
        .is_some_and(|end| end == "pub")
    {
        return PublicKey::parse(&text).map_err(|error| key_class(&error));
    }
    let password: Option<String> = vector.find("password");
    let secret = SecretKey::parse(&text, password.as_deref()).map_err(|error| key_class(&error))?;
    Ok(secret.public_key())
}

#[test]
fn every_key_has_its_outcome() {
    check(&vectors("key"), |vector| {
        let key = public_key(vector)?;
        let hex = hex::encode(key.as_bytes());
        assert_eq!(hex, vector.get::<String>("public"), "{}", vector.name());
        assert_eq!(
            key.key_id_hex(),
            vector.get::<String>("number"),
            "{}",
            vector.name()
        );
        Ok(())
    });
}

fn verify(text: &str, key: &PublicKey, message: &[u8]) -> Result<(), String> {
    let minisig = Minisig::parse(text).map_err(|error| minisig_class(&error))?;
    minisig
        .verify(key, message)
        .map_err(|error| minisig_class(&error))
}

fn key(vector: &Vector) -> PublicKey {
    let name: String = vector.get("key");
    PublicKey::parse(&read_text("minisig", &format!("keys/{name}.pub")))
        .expect("a key of the vectors")
}

#[test]
fn every_detached_signature_has_its_outcome() {
    let message = read("minisig", "message");
    check(&vectors("minisig"), |vector| {
        verify(&read_text("minisig", file(vector)), &key(vector), &message)
    });
}

/// Harmless changes: those of the untrusted comment, which nothing covers, after its prefix.
#[test]
fn no_change_of_a_good_signature_verifies_except_in_its_untrusted_comment() {
    let message = read("minisig", "message");
    for vector in vectors("minisig").iter().filter(|vector| vector.is_good()) {
        let (text, key) = (read("minisig", file(vector)), key(vector));
        let line = text
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or_default();
        for at in 0..text.len() {
            for change in [0x01, 0x02, 0x20, 0x80] {
                let mut changed = text.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= change;
                }
                let Ok(changed) = String::from_utf8(changed) else {
                    continue;
                };
                let accepted = verify(&changed, &key, &message).is_ok();
                assert!(!accepted || at < line, "{}: byte {at}", vector.name());
            }
        }
        for length in 0..text.len() {
            let cut = String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned();
            assert!(
                verify(&cut, &key, &message).is_err(),
                "{} cut to {length}",
                vector.name()
            );
        }
    }
}
