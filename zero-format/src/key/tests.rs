//! Facts about keys, among them files that C minisign 0.11 wrote.

use proptest::prelude::*;

use super::kdf::Cost;
use super::*;

// Written by `minisign -G -W`.
const PLAIN_PUB: &str = "untrusted comment: minisign public key ED5B617A4A4C9A8F\nRWSPmkxKemFb7QnPf8ZgeAzQ2N6EveRJGSDo6r6XRidXdJClSIBW1XAg\n";
const PLAIN_KEY: &str = "untrusted comment: plain comment\nRWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAj5pMSnphW+0WoEga4nFm201zMcD+aywVYe2MWegA1rqxWh/vjJsFkgnPf8ZgeAzQ2N6EveRJGSDo6r6XRidXdJClSIBW1XAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
// Written by `minisign -G` with the password "hunter2", at its own cost of 1 GiB.
const LOCKED_KEY: &str = "untrusted comment: minisign encrypted secret key\nRWRTY0IygS0/oRg1VUK1FsW+NY51R257ioymOOee9Ddm+59vMvgAAAACAAAAAAAAAEAAAAAAR9kEr0EYbeSQ0bUUXR+QnliVKKNnV2ZwiIaWsfRNlfPLhi5QAw2f4lmSyHV2WDcXg/FS4k2qpr4uTRqFyKeFWjkzBadSf07PpfMRZIc5LGxagqzIK2y/I2fP6U0E2kDeceZw4hu2Dt0=\n";

fn key(fill: u8) -> SecretKey {
    SecretKey::generate([fill; 40])
}

#[test]
fn reads_the_public_key_of_minisign() {
    let key = PublicKey::parse(PLAIN_PUB).unwrap();
    assert_eq!(key.key_id_hex(), "ED5B617A4A4C9A8F");
    assert_eq!(
        key.to_file_text("minisign public key ED5B617A4A4C9A8F"),
        PLAIN_PUB
    );
    assert_eq!(
        PublicKey::parse("RWSPmkxKemFb7QnPf8ZgeAzQ2N6EveRJGSDo6r6XRidXdJClSIBW1XAg"),
        Ok(key)
    );
}

#[test]
fn reads_the_unencrypted_secret_key_of_minisign() {
    let secret = SecretKey::parse(PLAIN_KEY, None).unwrap();
    assert_eq!(secret.public_key(), PublicKey::parse(PLAIN_PUB).unwrap());
    assert_eq!(secret.public_key().key_id_hex(), "ED5B617A4A4C9A8F");
}

#[test]
fn an_encrypted_key_says_that_it_needs_a_password() {
    assert_eq!(
        SecretKey::parse(LOCKED_KEY, None).unwrap_err(),
        KeyError::NeedsPassword
    );
    assert_eq!(SecretKey::is_encrypted(LOCKED_KEY), Ok(true));
    assert_eq!(SecretKey::is_encrypted(PLAIN_KEY), Ok(false));
}

#[test]
fn opens_the_encrypted_secret_key_of_minisign() {
    let secret = SecretKey::parse(LOCKED_KEY, Some("hunter2")).unwrap();
    assert_eq!(
        secret.public_key().to_base64(),
        "RWTXGt9rx+H4bXWpZ3xgxxMFiiIV4YBSpVkxt3lyd7L3CoLV0su1Pp5q"
    );
}

#[test]
fn secret_keys_survive_their_own_files() {
    let secret = key(3);
    let plain = secret.to_file_text(None, [9; 32]);
    assert_eq!(
        SecretKey::parse(&plain, Some("ignored"))
            .unwrap()
            .public_key(),
        secret.public_key()
    );
    let locked = secret.to_text_at_cost(Some("pass wörd"), [9; 32], Cost::LEAST);
    let opened = SecretKey::parse(&locked, Some("pass wörd")).unwrap();
    assert_eq!(opened.public_key(), secret.public_key());
    assert_eq!(opened.key_id(), secret.key_id());
    assert_eq!(
        SecretKey::parse(&locked, Some("pass word")).unwrap_err(),
        KeyError::WrongPassword
    );
    assert_eq!(
        SecretKey::parse(&locked, Some("")).unwrap_err(),
        KeyError::WrongPassword
    );
}

#[test]
fn the_cost_of_new_keys_is_the_documented_one() {
    let text = key(4).to_file_text(Some("x"), [1; 32]);
    let bytes = decode_line(key_line(&text).unwrap()).unwrap();
    assert_eq!(bytes[38..46], (1_u64 << 22).to_le_bytes());
    assert_eq!(bytes[46..54], (1_u64 << 27).to_le_bytes());
    assert!(SecretKey::parse(&text, Some("x")).is_ok());
}

#[test]
fn hostile_costs_are_refused_before_allocation() {
    let text = key(4).to_text_at_cost(Some("x"), [1; 32], Cost::LEAST);
    let mut bytes = decode_line(key_line(&text).unwrap()).unwrap();
    bytes[38..54].fill(0xff);
    let error = SecretKey::parse(&STANDARD.encode(&bytes), Some("x")).unwrap_err();
    assert!(matches!(error, KeyError::TooCostly { .. }), "{error}");
}

#[test]
fn public_and_secret_files_are_told_apart() {
    assert_eq!(PublicKey::parse(PLAIN_KEY), Err(KeyError::IsSecret));
    assert_eq!(
        SecretKey::parse(PLAIN_PUB, None).unwrap_err(),
        KeyError::IsPublic
    );
}

#[test]
fn malformed_texts_are_refused() {
    let line = "RWSPmkxKemFb7QnPf8ZgeAzQ2N6EveRJGSDo6r6XRidXdJClSIBW1XAg";
    for (text, error) in [
        (String::new(), KeyError::Empty),
        ("untrusted comment: x\n".to_owned(), KeyError::Empty),
        (format!("{line}\n{line}\n"), KeyError::TrailingText),
        (
            format!("untrusted comment: x\n{line}\nmore"),
            KeyError::TrailingText,
        ),
        (format!("{line}="), KeyError::Base64),
        ("!".repeat(56), KeyError::Base64),
        ("A".repeat(100_000), KeyError::Base64),
        (
            "AAAA".to_owned(),
            KeyError::Length {
                expected: 42,
                found: 3,
            },
        ),
        (
            line.replacen("RW", "RU", 1),
            KeyError::UnsupportedAlgorithm {
                what: "signature",
                found: *b"ED",
            },
        ),
    ] {
        assert_eq!(PublicKey::parse(&text), Err(error), "{text:.60}");
    }
}

#[test]
fn weak_and_non_canonical_points_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(PublicKey::new([0; 8], identity), Err(KeyError::Weak));
    assert_eq!(PublicKey::new([0; 8], [0; 32]), Err(KeyError::Weak));
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    assert_eq!(PublicKey::new([0; 8], minus_one), Err(KeyError::Weak));
    let order_eight = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    let order_eight: [u8; 32] = hex::decode(order_eight).unwrap().try_into().unwrap();
    assert_eq!(PublicKey::new([0; 8], order_eight), Err(KeyError::Weak));
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            let mut point = [0xff; 32];
            point[0] = low;
            point[31] = high;
            assert_eq!(PublicKey::new([0; 8], point), Err(KeyError::NonCanonical));
        }
    }
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    assert_eq!(PublicKey::new([0; 8], off_curve), Err(KeyError::NotAPoint));
}

#[test]
fn one_key_under_two_numbers_is_one_key() {
    let one = PublicKey::new([1; 8], key(5).public_key().as_bytes()).unwrap();
    let two = PublicKey::new([2; 8], key(5).public_key().as_bytes()).unwrap();
    assert_eq!(one, two);
    assert_eq!(
        [one, two]
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .len(),
        1
    );
}

#[test]
fn halves_of_different_secrets_are_refused() {
    let text = key(6).to_file_text(None, [0; 32]);
    let mut bytes = decode_line(key_line(&text).unwrap()).unwrap();
    bytes[94..126].copy_from_slice(&key(7).public_key().as_bytes());
    bytes[126..].fill(0);
    assert_eq!(
        SecretKey::parse(&STANDARD.encode(&bytes), None).unwrap_err(),
        KeyError::WrongHalves
    );
    bytes[126] = 1;
    assert_eq!(
        SecretKey::parse(&STANDARD.encode(&bytes), None).unwrap_err(),
        KeyError::Damaged
    );
}

#[test]
fn debug_shows_no_secret() {
    assert_eq!(format!("{:?}", key(0x11)), "SecretKey(1111111111111111, …)");
}

#[test]
fn the_longest_comment_fits_minisigns_line_buffer() {
    let text = key(8).public_key().to_file_text(&"é".repeat(2000));
    assert!(text.lines().next().unwrap().len() <= 1022);
    assert_eq!(PublicKey::parse(&text), Ok(key(8).public_key()));
}

#[test]
fn comments_stay_on_one_line() {
    let text = key(8).public_key().to_file_text("a\nb\u{1b}[2J");
    assert_eq!(text.lines().next(), Some("untrusted comment: a b [2J"));
    assert_eq!(PublicKey::parse(&text), Ok(key(8).public_key()));
}

proptest! {
    #[test]
    fn any_key_round_trips(entropy: [u8; 40], message: Vec<u8>) {
        let secret = SecretKey::generate(entropy);
        let public = secret.public_key();
        let parsed = PublicKey::parse(&public.to_string()).unwrap();
        prop_assert_eq!(parsed, public);
        prop_assert_eq!(parsed.key_id(), public.key_id());
        let signature = secret.sign_raw(&message);
        prop_assert_eq!(public.verify(&message, &signature), Ok(()));
        let again = SecretKey::parse(&secret.to_file_text(None, [0; 32]), None).unwrap();
        prop_assert_eq!(again.sign_raw(&message), signature);
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC*|(untrusted comment: .*\n)?[A-Za-z0-9+/=]{0,220}\n?") {
        let _ = PublicKey::parse(&text);
        let _ = SecretKey::parse(&text, None);
    }

    #[test]
    fn every_flipped_bit_of_a_signature_is_refused(bit in 0_usize..512) {
        let secret = key(9);
        let mut signature = secret.sign_raw(b"message");
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(secret.public_key().verify(b"message", &signature), Err(BadSignature));
    }
}
