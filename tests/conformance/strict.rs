//! Ed25519 as others test it: C2SP's CCTV, speccheck and Wycheproof, against the strict rules of spec/keys.md, section 4.
//!
//! Every signature of Zero is judged by `PublicKey::verify` under a key that `PublicKey::new` let in (clippy.toml forbids
//! to ask ed25519-dalek anywhere else), so these two are what the vectors go through. That each format really asks them
//! is shown by its own vectors `s-plus-l`, `low-order-r`, `unreduced-r` and `cofactor`: embedded signatures, detached
//! ones, their comments, events, roots and checkpoints.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use wycheproof::{TestResult, eddsa};
use zero_format::PublicKey;

use crate::index::read_text;

/// Whether this key is let in and then accepts this signature.
fn accepts(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(point), Ok(signature)) = (key.try_into(), signature.try_into()) else {
        // The formats have room for 32 and 64 bytes and no others.
        return false;
    };
    PublicKey::new([0; 8], point).is_ok_and(|key| key.verify(message, &signature).is_ok())
}

fn third_party<T: DeserializeOwned>(file: &str) -> Vec<T> {
    serde_json::from_str(&read_text("third-party", file)).expect("the vectors are JSON")
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).expect("the vectors are in hexadecimal")
}

#[derive(Deserialize)]
struct Cctv {
    number: u32,
    key: String,
    sig: String,
    msg: String,
    flags: Option<Vec<String>>,
}

#[test]
fn of_cctv_exactly_those_without_small_order_unreduced_points_and_residue_are_accepted() {
    let vectors: Vec<Cctv> = third_party("cctv/ed25519vectors.json");
    let mut accepted = 0;
    for vector in &vectors {
        let harmless = ["low_order_component_A", "low_order_component_R"];
        let flags = vector.flags.as_deref().unwrap_or_default();
        let expected = flags.iter().all(|flag| harmless.contains(&flag.as_str()));
        let found = accepts(
            &bytes(&vector.key),
            vector.msg.as_bytes(),
            &bytes(&vector.sig),
        );
        assert_eq!(found, expected, "number {}: {flags:?}", vector.number);
        accepted += u32::from(found);
    }
    assert_eq!((vectors.len(), accepted), (914, 43));
}

#[derive(Deserialize)]
struct Speccheck {
    message: String,
    pub_key: String,
    signature: String,
}

#[test]
fn of_speccheck_only_the_case_of_mixed_points_that_holds_without_cofactor_is_accepted() {
    let cases: Vec<Speccheck> = third_party("ed25519-speccheck/cases.json");
    let accepted: Vec<usize> = (0..cases.len())
        .filter(|&number| {
            let case = &cases[number];
            accepts(
                &bytes(&case.pub_key),
                &bytes(&case.message),
                &bytes(&case.signature),
            )
        })
        .collect();
    assert_eq!((cases.len(), accepted), (12, vec![3]));
}

#[test]
fn of_wycheproof_exactly_the_valid_ones_are_accepted() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("the crate brings its vectors");
    let mut seen = [0; 2];
    for group in set.test_groups {
        for test in group.tests {
            let expected = test.result == TestResult::Valid;
            let found = accepts(&group.key.pk, &test.msg, &test.sig);
            assert_eq!(found, expected, "number {}: {}", test.tc_id, test.comment);
            seen[usize::from(found)] += 1;
        }
    }
    assert!(
        seen[0] > 50 && seen[1] > 50,
        "the set is not the one this test was written for: {seen:?}"
    );
}
