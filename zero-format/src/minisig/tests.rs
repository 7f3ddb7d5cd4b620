//! Facts about `.minisig` texts, among them ones that C minisign 0.11 wrote over the file `hello\n`.

use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use proptest::prelude::*;
use sha2::Sha512;

use super::*;

const FILE: &[u8] = b"hello\n";
const KEY: &str = "RWSPmkxKemFb7QnPf8ZgeAzQ2N6EveRJGSDo6r6XRidXdJClSIBW1XAg";
const HASHED: &str = "untrusted comment: sig comment\nRUSPmkxKemFb7VE9637FhugZZ5vkjshZwremvdUum8w3v782Gjtz7NpeUwXLC3ulCyBq/Qqw4bKzQl/A8iKc9UFEi+mtbdV7ywM=\ntrusted comment: trusted words\nMcb5oJuhPJ/A4nPrf0GcAEW/CCfgMfHXhnZ+vMEaIv98csfmslYwztfV4ose8A143h16oTHTMzyqbw8ucMlfBA==\n";
const LEGACY: &str = "untrusted comment: signature from minisign secret key\nRWSPmkxKemFb7ZvXtlLQH1s9gYPNYN0a2p9TAnaI0l9Izjd7/L3aK7eERBqM4KYCW0WN46cnh+kyYzowVDes8s2s2V28k/pmZgk=\ntrusted comment: trusted words\no0jiQTLtIUwnIfNg27ufKe2Vdxp4UT2ksaB1rTR2FomlHIg16f6juiDxA2yn5EVXAaL5PyDf5yqCNSAzMnYrCw==\n";

/// The order of the base point, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn secret() -> SecretKey {
    SecretKey::generate([3; 40])
}

fn signed(bytes: &[u8]) -> Minisig {
    Minisig::parse(&Minisig::sign(&secret(), bytes, "comment")).unwrap()
}

fn bad_signature(result: &Result<(), MinisigError>) -> bool {
    matches!(result, Err(MinisigError::BadSignature { .. }))
}

#[test]
fn verifies_what_minisign_signed() {
    let key = PublicKey::parse(KEY).unwrap();
    let minisig = Minisig::parse(HASHED).unwrap();
    assert_eq!(minisig.verify(&key, FILE), Ok(()));
    assert_eq!(minisig.trusted_comment(), "trusted words");
    assert_eq!(minisig.untrusted_comment(), "sig comment");
    assert_eq!(minisig.to_string(), HASHED);
    assert!(bad_signature(&minisig.verify(&key, b"hello")));
}

#[test]
fn the_legacy_form_is_refused() {
    assert_eq!(Minisig::parse(LEGACY), Err(MinisigError::Legacy));
}

#[test]
fn a_hashed_signature_relabelled_as_legacy_is_refused() {
    // With legacy allowed, the 64-byte hash itself would be a validly signed "file".
    let relabelled = HASHED.replacen("RUSPmk", "RWSPmk", 1);
    assert_eq!(Minisig::parse(&relabelled), Err(MinisigError::Legacy));
}

#[test]
fn a_global_signature_replayed_as_the_main_one_is_refused() {
    let original = signed(b"file");
    let file = global_message(&original.signature, &original.trusted_comment);
    let mut replay = original.clone();
    replay.signature = original.global;
    assert!(bad_signature(&replay.verify(&secret().public_key(), &file)));
    assert!(bad_signature(
        &replay.verify(&secret().public_key(), b"file")
    ));
}

#[test]
fn a_changed_trusted_comment_is_refused() {
    let mut minisig = signed(b"file");
    minisig.trusted_comment.push('!');
    assert_eq!(
        minisig.verify(&secret().public_key(), b"file"),
        Err(MinisigError::BadTrustedComment)
    );
}

#[test]
fn a_key_number_selects_and_never_decides() {
    let minisig = signed(b"file");
    let renumbered = PublicKey::new([9; 8], secret().public_key().as_bytes()).unwrap();
    assert!(matches!(
        minisig.verify(&renumbered, b"file"),
        Err(MinisigError::WrongKey { .. })
    ));
    let stranger = SecretKey::generate([4; 40]).public_key().as_bytes();
    let impostor = PublicKey::new(secret().key_id(), stranger).unwrap();
    assert!(bad_signature(&minisig.verify(&impostor, b"file")));
}

#[test]
fn a_malleable_s_is_refused() {
    let mut minisig = signed(b"file");
    let mut carry = 0_u16;
    for (byte, order) in minisig.signature[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = (carry & 0xff) as u8;
        carry >>= 8;
    }
    assert!(bad_signature(
        &minisig.verify(&secret().public_key(), b"file")
    ));
}

/// `R ‖ S` with `S = r + k·a`, as whoever holds the seed can make it for any `R`.
fn forge(
    seed: &[u8; 32],
    r_point: [u8; 32],
    r: Scalar,
    key: &PublicKey,
    message: &[u8],
) -> [u8; 64] {
    let expanded: [u8; 64] = Sha512::digest(seed).into();
    let mut a: [u8; 32] = expanded[..32].try_into().unwrap();
    a[0] &= 0xf8;
    a[31] = (a[31] & 0x3f) | 0x40;
    let a = Scalar::from_bytes_mod_order(a);
    let hash = Sha512::new()
        .chain_update(r_point)
        .chain_update(key.as_bytes())
        .chain_update(message)
        .finalize();
    let k = Scalar::from_bytes_mod_order_wide(&hash.into());
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&r_point);
    signature[32..].copy_from_slice((r + k * a).as_bytes());
    signature
}

#[test]
fn a_commitment_of_low_order_is_refused() {
    let key = secret().public_key();
    let message = Blake2b512::digest(b"file");
    for point in curve25519_dalek::constants::EIGHT_TORSION {
        let mut minisig = signed(b"file");
        minisig.signature = forge(
            &[3; 32],
            point.compress().to_bytes(),
            Scalar::ZERO,
            &key,
            &message,
        );
        assert!(bad_signature(&minisig.verify(&key, b"file")), "{point:?}");
    }
    // The same construction with an ordinary commitment is an ordinary signature.
    let r = Scalar::from(77_u8);
    let mut minisig = signed(b"file");
    minisig.signature = forge(
        &[3; 32],
        EdwardsPoint::mul_base(&r).compress().to_bytes(),
        r,
        &key,
        &message,
    );
    minisig.global = secret().sign_raw(&global_message(&minisig.signature, "comment"));
    assert_eq!(minisig.verify(&key, b"file"), Ok(()));
}

#[test]
fn keys_of_low_order_never_load() {
    // minisign-verify alone accepts forgeries under them; here no such key exists to verify with.
    for point in curve25519_dalek::constants::EIGHT_TORSION {
        assert!(PublicKey::new([0; 8], point.compress().to_bytes()).is_err());
    }
}

#[test]
fn the_lint_set_is_refused() {
    let line = |n: usize| HASHED.lines().nth(n).unwrap();
    let control = |line, character| MinisigError::ControlCharacter { line, character };
    let count = |found| MinisigError::LineCount { found };
    let cases = [
        (String::new(), count(0)),
        (HASHED.trim_end().to_owned(), count(4)),
        (format!("{HASHED}\n"), count(5)),
        (format!("{HASHED}more\n"), count(5)),
        (format!("{HASHED}more"), count(5)),
        (HASHED.replace('\n', "\r\n"), control(1, '\r')),
        (
            HASHED.replace("trusted words", "a\u{1b}[2Jb"),
            control(3, '\u{1b}'),
        ),
        (HASHED.replace("sig comment", "a\0b"), control(1, '\0')),
        (
            HASHED.replace("sig comment", "a\u{85}b"),
            control(1, '\u{85}'),
        ),
        (
            HASHED.replace("trusted words", "a\u{202e}b"),
            control(3, '\u{202e}'),
        ),
        (
            HASHED.replace("trusted words", "a\u{e0041}b"),
            control(3, '\u{e0041}'),
        ),
        (
            HASHED.replacen("untrusted comment: ", "", 1),
            MinisigError::MissingPrefix {
                line: 1,
                prefix: UNTRUSTED_PREFIX,
            },
        ),
        (
            HASHED.replace("\ntrusted comment: ", "\ntrusted comment:"),
            MinisigError::MissingPrefix {
                line: 3,
                prefix: TRUSTED_PREFIX,
            },
        ),
        (
            HASHED.replace(line(1), ""),
            MinisigError::Base64 {
                line: 2,
                expected: 74,
            },
        ),
        (
            HASHED.replace(line(1), line(3)),
            MinisigError::Base64 {
                line: 2,
                expected: 74,
            },
        ),
        (
            HASHED.replace(line(3), line(1)),
            MinisigError::Base64 {
                line: 4,
                expected: 64,
            },
        ),
        (
            HASHED.replace("lfBA==", "lfBA="),
            MinisigError::Base64 {
                line: 4,
                expected: 64,
            },
        ),
        (
            HASHED.replace("lfBA==", "lfBB=="),
            MinisigError::Base64 {
                line: 4,
                expected: 64,
            },
        ),
        (
            HASHED.replace("lfBA==", "lfBA== "),
            MinisigError::Base64 {
                line: 4,
                expected: 64,
            },
        ),
        (
            HASHED.replace("RUSP", "QUSP"),
            MinisigError::UnsupportedAlgorithm { found: *b"AD" },
        ),
        (
            HASHED.replace("sig comment", &"x".repeat(1100)),
            MinisigError::TooLong,
        ),
        (
            HASHED.replace("trusted words", &"x".repeat(8200)),
            MinisigError::TooLong,
        ),
    ];
    for (text, error) in cases {
        assert_eq!(Minisig::parse(&text), Err(error), "{text:.400}");
    }
}

#[test]
fn the_tabs_of_minisigns_own_comment_are_kept() {
    let comment = "timestamp:1633700835\tfile:test\thashed";
    let minisig = Minisig::parse(&Minisig::sign(&secret(), FILE, comment)).unwrap();
    assert_eq!(minisig.trusted_comment(), comment);
}

#[test]
fn any_comment_signs_to_a_readable_text() {
    for comment in ["", "a\nb", "a\r\u{1b}[0m\u{202e}", &"é".repeat(9000)] {
        let minisig = Minisig::parse(&Minisig::sign(&secret(), FILE, comment)).unwrap();
        assert_eq!(
            minisig.verify(&secret().public_key(), FILE),
            Ok(()),
            "{comment:.40}"
        );
    }
}

proptest! {
    #[test]
    fn signing_round_trips(entropy: [u8; 40], bytes: Vec<u8>, comment in "\\PC{0,60}") {
        let secret = SecretKey::generate(entropy);
        let text = Minisig::sign(&secret, &bytes, &comment);
        let minisig = Minisig::parse(&text).unwrap();
        prop_assert_eq!(minisig.to_string(), text);
        prop_assert_eq!(minisig.verify(&secret.public_key(), &bytes), Ok(()));
    }

    #[test]
    fn a_changed_character_never_verifies(index in 31_usize..252, replacement in "[A-Za-z0-9+/=:\n ]") {
        // From the second line on, everything is covered; the untrusted comment is not.
        let mut text = HASHED.to_owned();
        text.replace_range(index..=index, &replacement);
        prop_assume!(text != HASHED);
        let verdict = Minisig::parse(&text).and_then(|sig| sig.verify(&PublicKey::parse(KEY).unwrap(), FILE));
        prop_assert!(verdict.is_err(), "{}", text);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(\\PC{0,40}\n?){0,6}|untrusted comment: .*\n[A-Za-z0-9+/=]{100}\ntrusted comment: .*\n[A-Za-z0-9+/=]{88}\n") {
        let _ = Minisig::parse(&text);
    }
}
