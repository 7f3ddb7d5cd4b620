//! Keys, public and secret, without a password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::{PublicKey, SecretKey};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(key) = PublicKey::parse(text) {
        assert_eq!(PublicKey::parse(&key.to_base64()), Ok(key));
    }
    if let Ok(secret) = SecretKey::parse(text, None) {
        let message = b"message";
        assert!(
            secret
                .public_key()
                .verify(message, &secret.sign_raw(message))
                .is_ok()
        );
    }
});
