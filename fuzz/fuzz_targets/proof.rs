//! Inclusion and consistency proofs: sizes, then hashes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::Digest;
use zero_registry::{Tree, verify_consistency, verify_inclusion};

fuzz_target!(|data: &[u8]| {
    let Some((numbers, rest)) = data.split_first_chunk::<16>() else {
        return;
    };
    let (old, new) = numbers.split_at(8);
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let hashes: Vec<Digest> = rest
        .as_chunks()
        .0
        .iter()
        .map(|hash| Digest::from_bytes(*hash))
        .collect();
    let tree = |size| Tree {
        size,
        hash: Digest::of(b"no such tree"),
    };
    let (old, new) = (number(old), number(new));
    let leaf = Digest::of(b"leaf");
    assert!(verify_inclusion(leaf, old, tree(new), &hashes).is_err());
    assert!(old == new || verify_consistency(tree(old), tree(new), &hashes).is_err());
});
