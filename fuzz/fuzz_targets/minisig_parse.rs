//! Detached signatures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::{Minisig, SecretKey};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(minisig) = Minisig::parse(text) {
        assert_eq!(minisig.to_string(), text);
        let key = SecretKey::generate([7; 40]).public_key();
        assert!(
            minisig.verify(&key, b"message").is_err(),
            "nobody has signed with this key"
        );
    }
});
