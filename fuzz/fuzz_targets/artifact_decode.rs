//! Containers and their bundled files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::{Artifact, PublicKey, SecretKey, verify};

fuzz_target!(|data: &[u8]| {
    let Ok(artifact) = Artifact::decode(data.to_vec()) else {
        return;
    };
    let key: PublicKey = SecretKey::generate([7; 40]).public_key();
    assert!(
        verify(artifact, &[key]).is_err(),
        "nobody has signed with this key"
    );
});
