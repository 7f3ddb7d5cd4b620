//! Artifacts put together, signed, taken apart and attacked.

use proptest::prelude::*;

use super::*;
use crate::Version;
use crate::key::{PublicKey, SecretKey};
use crate::limits::MAX_SIGNATURES;
use crate::metadata::Package;
use crate::verify::{VerifyError, verify};

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

fn key(seed: u8) -> SecretKey {
    SecretKey::generate([seed; 40])
}

fn metadata(kind: Kind) -> Metadata {
    Metadata::new(
        kind,
        Package::new("tiny".parse().unwrap(), Version::new(1, 0, 0)),
    )
}

/// A program with a type section, a custom section of its own and one with padded lengths.
fn program() -> Vec<u8> {
    let mut wasm = MODULE.to_vec();
    wasm.extend_from_slice(b"\x01\x04\x01\x60\0\0");
    wasm.extend_from_slice(b"\0\x05\x03abcd");
    wasm.extend_from_slice(b"\0\x87\x80\x00\x83\x80\x00xyzQ");
    wasm
}

fn unsigned() -> Vec<u8> {
    assemble(&program(), &metadata(Kind::Module), None).unwrap()
}

fn signed() -> Vec<u8> {
    sign(&unsigned(), &[&key(7)]).unwrap()
}

fn decode(bytes: &[u8]) -> Result<Artifact, DecodeError> {
    Artifact::decode(bytes.to_vec())
}

fn code(bytes: &[u8]) -> &'static str {
    decode(bytes).map_or_else(|error| error.code(), |_| "ok")
}

fn public(seeds: &[u8]) -> Vec<PublicKey> {
    seeds.iter().map(|&seed| key(seed).public_key()).collect()
}

/// A custom section in the shortest form.
fn custom(name: &str, payload: &[u8]) -> Vec<u8> {
    let mut section = vec![
        0,
        u8::try_from(1 + name.len() + payload.len()).unwrap(),
        u8::try_from(name.len()).unwrap(),
    ];
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(payload);
    section
}

/// `bytes` with `insert` put in at `at`.
fn insert(bytes: &[u8], at: usize, insert: &[u8]) -> Vec<u8> {
    [&bytes[..at], insert, &bytes[at..]].concat()
}

/// Where the sections of an artifact start.
fn starts(bytes: &[u8]) -> Vec<usize> {
    let mut sections = read::Sections::new(bytes);
    std::iter::from_fn(|| sections.next().unwrap())
        .map(|section| section.start)
        .collect()
}

#[test]
fn keeps_the_program_byte_for_byte() {
    let artifact = signed();
    assert!(artifact.starts_with(MODULE));
    assert!(artifact.ends_with(&program()[8..]));
    assert_eq!(
        decode(&artifact).unwrap().metadata(),
        &metadata(Kind::Module)
    );
    assert_eq!(
        assemble(COMPONENT, &metadata(Kind::Component), None).unwrap()[..8],
        *COMPONENT
    );
}

#[test]
fn signing_is_deterministic_and_replaces_signatures() {
    let once = signed();
    assert_eq!(sign(&once, &[&key(7)]).unwrap(), once);
    let other = sign(&once, &[&key(8)]).unwrap();
    assert_eq!(decode(&other).unwrap().signatures().len(), 1);
    let both = sign(&once, &[&key(8), &key(7)]).unwrap();
    assert_eq!(sign(&once, &[&key(7), &key(8)]).unwrap(), both);
    assert_eq!(decode(&both).unwrap().signatures().len(), 2);
}

#[test]
fn signature_payload_has_the_deployed_framing() {
    let artifact = signed();
    let payload = &artifact[21..205];
    assert_eq!(artifact[8..21], *b"\0\xc2\x01\x09signature");
    assert_eq!(payload[..7], [1, 1, 1, 1, 0xb2, 1, 1]);
    assert_eq!(payload[7..39], *Digest::of(&artifact[205..]).as_bytes());
    assert_eq!(payload[39..42], [2, 0x4b, 8]);
    assert_eq!(payload[42..50], key(7).key_id());
    assert_eq!(payload[50..52], [1, 0x40]);
    let message = [
        b"wasmsig\x01\x01\x01",
        Digest::of(&artifact[205..]).as_bytes().as_slice(),
    ]
    .concat();
    assert_eq!(payload[52..116], key(7).sign_raw(&message));
    assert_eq!(payload[116..120], [0x43, 0, 1, 0x40]);
    assert_eq!(payload[120..], payload[52..116]);
}

#[test]
fn the_worked_example_of_the_spec_is_what_the_code_writes() {
    let spec = include_str!("../../../spec/artifact.md");
    let block = spec
        .split("```hex\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let example = hex::decode(block.replace('\n', "")).unwrap();
    let key = SecretKey::generate(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    let program = [MODULE, b"\x01\x04\x01\x60\0\0"].concat();
    let artifact = assemble(&program, &metadata(Kind::Module), None).unwrap();
    assert_eq!(sign(&artifact, &[&key]).unwrap(), example);
    for value in [
        key.public_key().to_base64(),
        Digest::of(&example).to_hex(),
        Digest::of(&example[205..]).to_hex(),
        crate::Capabilities::default().digest().to_hex(),
    ] {
        assert!(spec.contains(&value), "{value}");
    }
}

#[test]
fn verifies_with_any_trusted_signer() {
    let artifact = decode(&sign(&unsigned(), &[&key(7), &key(8)]).unwrap()).unwrap();
    let one = verify(artifact.clone(), &public(&[9, 8])).unwrap();
    assert_eq!(one.signers(), public(&[8]));
    assert_eq!(
        verify(artifact.clone(), &public(&[7, 8]))
            .unwrap()
            .signers()
            .len(),
        2
    );
    assert_eq!(one.digest(), Digest::of(artifact.bytes()));
    assert_eq!(
        one.into_inner().size(),
        u64::try_from(artifact.bytes().len()).unwrap()
    );
}

#[test]
fn refuses_unsigned_and_untrusted_artifacts() {
    let artifact = decode(&unsigned()).unwrap();
    assert!(artifact.signatures().is_empty());
    assert_eq!(
        verify(artifact, &public(&[7])).unwrap_err(),
        VerifyError::Unsigned
    );
    let artifact = decode(&signed()).unwrap();
    let error = verify(artifact.clone(), &public(&[8])).unwrap_err();
    assert_eq!(
        error,
        VerifyError::Untrusted {
            key_ids: vec![key(7).key_id()]
        }
    );
    assert!(matches!(
        verify(artifact, &[]),
        Err(VerifyError::Untrusted { .. })
    ));
}

#[test]
fn refuses_a_forged_signature_even_beside_a_good_one() {
    let mut artifact = sign(&unsigned(), &[&key(7), &key(8)]).unwrap();
    let first = decode(&artifact).unwrap().signatures()[0];
    let at = artifact
        .windows(64)
        .position(|window| window == first.bytes)
        .unwrap();
    artifact[at + 40] ^= 1;
    artifact[at + 68 + 40] ^= 1;
    let error = verify(decode(&artifact).unwrap(), &public(&[7, 8])).unwrap_err();
    assert_eq!(
        error,
        VerifyError::Signature {
            key_id: first.key_id
        }
    );
}

#[test]
fn a_key_number_is_no_identity() {
    let twin = PublicKey::new(key(7).key_id(), key(8).public_key().as_bytes()).unwrap();
    let artifact = decode(&signed()).unwrap();
    assert_eq!(
        verify(artifact.clone(), &[twin]).unwrap_err(),
        VerifyError::Signature {
            key_id: key(7).key_id()
        }
    );
    assert_eq!(
        verify(artifact, &[twin, key(7).public_key()])
            .unwrap()
            .signers(),
        public(&[7])
    );
}

#[test]
fn refuses_every_single_byte_that_changes() {
    let artifact = signed();
    let trusted = public(&[7]);
    for at in 0..artifact.len() {
        for bit in 0..8 {
            let mut changed = artifact.clone();
            changed[at] ^= 1 << bit;
            let outcome = decode(&changed)
                .ok()
                .and_then(|artifact| verify(artifact, &trusted).ok());
            assert!(outcome.is_none(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn refuses_every_cut_and_every_longer_file() {
    let artifact = signed();
    let trusted = public(&[7]);
    let refused = |bytes: &[u8]| {
        decode(bytes)
            .ok()
            .and_then(|artifact| verify(artifact, &trusted).ok())
            .is_none()
    };
    assert!((0..artifact.len()).all(|at| refused(&artifact[..at])));
    assert!(refused(&[artifact.as_slice(), &[0]].concat()));
    assert!(
        refused(&[artifact.as_slice(), &custom("more", b"")].concat()),
        "an appended section"
    );
    assert!(refused(
        &[
            artifact.as_slice(),
            &custom("signature_delimiter", &[0; 16])
        ]
        .concat()
    ));
}

#[test]
fn refuses_a_flipped_preamble() {
    let mut artifact = signed();
    artifact[..8].copy_from_slice(COMPONENT);
    assert_eq!(
        decode(&artifact).unwrap_err(),
        DecodeError::Kind {
            declared: Kind::Module,
            found: Kind::Component
        }
    );
    assert_eq!(code(b"\0asm\x02\0\0\0"), "preamble");
    assert_eq!(code(b""), "preamble");
}

#[test]
fn refuses_reserved_sections_anywhere_else() {
    let artifact = signed();
    let after_signature = starts(&artifact)[1];
    for name in [
        "signature",
        "signature_delimiter",
        "zero",
        "zero-files",
        "zero-later",
    ] {
        let again = custom(name, b"{}");
        let end = [artifact.as_slice(), &again].concat();
        assert!(
            matches!(decode(&end), Err(DecodeError::ReservedSection { offset, .. }) if offset == artifact.len()),
            "{name}"
        );
        let early = insert(&artifact, 8, &again);
        assert!(decode(&early).is_err(), "{name} first");
        let between = insert(&artifact, after_signature, &again);
        assert!(decode(&between).is_err(), "{name} second");
    }
    assert_eq!(
        code(&insert(&artifact, 8, &custom("other", b""))),
        "missing-metadata"
    );
    assert_eq!(code(&program()), "missing-metadata");
    assert_eq!(
        code(&insert(&artifact, artifact.len(), &custom("zeros", b""))),
        "ok",
        "only decoded, not verified"
    );
}

#[test]
fn nested_modules_are_only_bytes() {
    let nested = signed();
    let mut component = COMPONENT.to_vec();
    component.extend_from_slice(&[
        1,
        0x80 | u8::try_from(nested.len() & 0x7f).unwrap(),
        u8::try_from(nested.len() >> 7).unwrap(),
    ]);
    component.extend_from_slice(&nested);
    let artifact = assemble(&component, &metadata(Kind::Component), None).unwrap();
    assert!(matches!(
        verify(decode(&artifact).unwrap(), &public(&[7])),
        Err(VerifyError::Unsigned)
    ));
}

#[test]
fn refuses_padded_integers_in_own_sections_only() {
    let artifact = signed();
    assert_eq!(code(&artifact), "ok", "the program has padded integers");
    let mut padded = artifact.clone();
    padded.splice(9..11, [0xc2, 0x81, 0]);
    assert_eq!(
        decode(&padded).unwrap_err(),
        DecodeError::Integer { offset: 9 }
    );
    let mut padded = artifact.clone();
    padded.splice(9..12, [0xc3, 1, 0x89, 0]);
    assert_eq!(
        decode(&padded).unwrap_err(),
        DecodeError::Integer { offset: 11 }
    );
    let mut padded = artifact;
    padded.splice(25..27, [0xb2, 0x81, 0]);
    padded[9] += 1;
    assert_eq!(code(&padded), "integer");
}

#[test]
fn a_declared_length_allocates_nothing() {
    let huge = [MODULE, b"\0\xff\xff\xff\xff\x0f"].concat();
    assert_eq!(huge.len(), 14);
    assert_eq!(
        decode(&huge).unwrap_err(),
        DecodeError::Truncated { offset: 8 }
    );
    assert_eq!(
        code(&[MODULE, b"\0\xff\xff\xff\xff\x1f"].concat()),
        "integer"
    );
    assert_eq!(
        code(&[MODULE, b"\0\xff\xff\xff\xff\xff\x0f"].concat()),
        "integer"
    );
    assert_eq!(code(&[MODULE, b"\0\x01\x7f"].concat()), "section-name");
    assert_eq!(code(&[MODULE, b"\0\x00"].concat()), "section-name");
    assert_eq!(code(&[MODULE, b"\0\x02\x01\xff"].concat()), "section-name");
    let many = [unsigned(), b"\x01\0".repeat(crate::limits::MAX_SECTIONS)].concat();
    assert_eq!(code(&many), "section-count");
}

/// An artifact whose signature section has this payload.
fn with_signature(payload: &[u8]) -> Vec<u8> {
    let mut artifact = MODULE.to_vec();
    let mut section = Vec::new();
    wasm_encoder::Section::append_to(
        &wasm_encoder::CustomSection {
            name: "signature".into(),
            data: payload.into(),
        },
        &mut section,
    );
    artifact.extend_from_slice(&section);
    artifact.extend_from_slice(&unsigned()[8..]);
    artifact
}

fn fault(payload: &[u8]) -> Result<(), SignatureFault> {
    match decode(&with_signature(payload)) {
        Ok(_) => Ok(()),
        Err(DecodeError::Signature { source, .. }) => Err(source),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn refuses_signature_sections_of_any_other_shape() {
    let good = signed()[21..205].to_vec();
    let with = |at: usize, byte: u8| {
        let mut payload = good.clone();
        payload[at] = byte;
        fault(&payload)
    };
    assert_eq!(fault(&good), Ok(()));
    for at in [0, 1, 2, 50, 118] {
        assert_eq!(with(at, 2), Err(SignatureFault::Algorithm), "byte {at}");
    }
    assert_eq!(with(3, 0), Err(SignatureFault::Hashes));
    assert_eq!(with(3, 2), Err(SignatureFault::Hashes));
    assert_eq!(with(4, 0xb1), Err(SignatureFault::Length));
    assert_eq!(with(6, 2), Err(SignatureFault::Hashes));
    assert_eq!(with(39, 0), Err(SignatureFault::Signatures));
    assert_eq!(with(39, 4), Err(SignatureFault::Length));
    assert_eq!(with(39, 34), Err(SignatureFault::Signatures));
    assert_eq!(with(40, 0x4a), Err(SignatureFault::Length));
    assert_eq!(with(41, 7), Err(SignatureFault::Length));
    assert_eq!(with(51, 0x3f), Err(SignatureFault::Length));
    assert_eq!(with(39, 3), Err(SignatureFault::Signatures));
    assert_eq!(with(116, 0x42), Err(SignatureFault::Length));
    assert_eq!(with(117, 1), Err(SignatureFault::Length));
    assert_eq!(with(150, !good[150]), Err(SignatureFault::Twin));
    assert_eq!(
        fault(&[good.as_slice(), &[0]].concat()),
        Err(SignatureFault::Length)
    );
    assert_eq!(fault(&[1; 5000]), Err(SignatureFault::Length));
    assert!((0..good.len()).all(|end| fault(&good[..end]).is_err()));
}

#[test]
fn refuses_unsorted_and_repeated_signatures() {
    let (a, b) = (
        Signature {
            key_id: [1; 8],
            bytes: [1; 64],
        },
        Signature {
            key_id: [1; 8],
            bytes: [2; 64],
        },
    );
    let payload = |signatures: &[Signature]| {
        SignatureSection {
            hash: Digest::of(b""),
            signatures: signatures.to_vec(),
        }
        .encode()
    };
    assert_eq!(fault(&payload(&[a, b])), Ok(()));
    assert_eq!(fault(&payload(&[b, a])), Err(SignatureFault::Order));
    assert_eq!(fault(&payload(&[a, a])), Err(SignatureFault::Order));
    assert_eq!(fault(&payload(&[])), Err(SignatureFault::Signatures));
}

#[test]
fn signs_with_as_many_keys_as_fit() {
    let keys: Vec<SecretKey> = (0..=u8::try_from(MAX_SIGNATURES).unwrap())
        .map(key)
        .collect();
    let keys: Vec<&SecretKey> = keys.iter().collect();
    let artifact = sign(&unsigned(), &keys[1..]).unwrap();
    assert_eq!(
        decode(&artifact).unwrap().signatures().len(),
        MAX_SIGNATURES
    );
    assert_eq!(
        sign(&unsigned(), &keys),
        Err(SignError::Keys {
            count: MAX_SIGNATURES + 1
        })
    );
    assert_eq!(sign(&unsigned(), &[]), Err(SignError::Keys { count: 0 }));
    assert_eq!(
        sign(&unsigned(), &[keys[0], keys[0]]),
        Err(SignError::DuplicateKey)
    );
    assert!(matches!(
        sign(&program(), &keys[..1]),
        Err(SignError::Decode(DecodeError::MissingMetadata { .. }))
    ));
}

#[test]
fn assembles_programs_only() {
    let module = metadata(Kind::Module);
    let signed_elsewhere = [MODULE, &custom("signature", b"x")].concat();
    let error = assemble(&signed_elsewhere, &module, None).unwrap_err();
    assert_eq!(
        error,
        AssembleError::Reserved {
            name: "signature".to_owned(),
            offset: 8
        }
    );
    assert!(error.hint().unwrap().contains("someone else signed"));
    assert!(matches!(
        assemble(&unsigned(), &module, None),
        Err(AssembleError::Reserved { .. })
    ));
    assert!(matches!(
        assemble(b"(module)", &module, None),
        Err(AssembleError::Program { .. })
    ));
    assert!(matches!(
        assemble(&[MODULE, &[1]].concat(), &module, None),
        Err(AssembleError::Program { .. })
    ));
    assert!(matches!(
        assemble(COMPONENT, &module, None),
        Err(AssembleError::Kind { .. })
    ));
    let mut evil = module;
    evil.package.description = Some("\u{1b}[2J".to_owned());
    assert!(matches!(
        assemble(MODULE, &evil, None),
        Err(AssembleError::Metadata(_))
    ));
}

#[test]
fn bundles_files() {
    let mut files = FileSet::new();
    files
        .insert("b/run.sh".parse().unwrap(), b"#!".to_vec(), true)
        .unwrap();
    files
        .insert("a.txt".parse().unwrap(), vec![b'x'; 1000], false)
        .unwrap();
    let artifact = assemble(MODULE, &metadata(Kind::Module), Some(&files)).unwrap();
    assert_eq!(
        assemble(MODULE, &metadata(Kind::Module), Some(&files)).unwrap(),
        artifact
    );
    let artifact = decode(&sign(&artifact, &[&key(7)]).unwrap()).unwrap();
    let entries = artifact.files().unwrap().unpack().unwrap();
    assert_eq!(
        entries,
        [
            FileEntry::File {
                path: "a.txt".parse().unwrap(),
                bytes: vec![b'x'; 1000],
                executable: false
            },
            FileEntry::File {
                path: "b/run.sh".parse().unwrap(),
                bytes: b"#!".to_vec(),
                executable: true
            },
        ]
    );
    assert!(verify(artifact, &public(&[7])).unwrap().receipt().has_files);
    assert!(decode(&unsigned()).unwrap().files().is_none());
}

proptest! {
    #[test]
    fn decoding_never_panics(tail: Vec<u8>, preamble: bool) {
        let bytes = if preamble { [MODULE, &tail].concat() } else { tail };
        let _ = Artifact::decode(bytes);
    }

    #[test]
    fn mangled_artifacts_are_refused(at in any::<prop::sample::Index>(), length in 0..40_usize, with: Vec<u8>) {
        let artifact = signed();
        let at = at.index(artifact.len());
        let mut mangled = artifact.clone();
        mangled.splice(at..(at + length).min(artifact.len()), with);
        prop_assume!(mangled != artifact);
        let outcome = Artifact::decode(mangled).ok().and_then(|artifact| verify(artifact, &public(&[7])).ok());
        prop_assert!(outcome.is_none());
    }

    #[test]
    fn round_trips(sections in prop::collection::vec((1..14_u8, prop::collection::vec(any::<u8>(), 0..100)), 0..8), seed: u8) {
        let mut wasm = MODULE.to_vec();
        for (id, content) in &sections {
            wasm.push(*id);
            wasm.push(u8::try_from(content.len()).unwrap());
            wasm.extend_from_slice(content);
        }
        let bytes = sign(&assemble(&wasm, &metadata(Kind::Module), None).unwrap(), &[&key(seed)]).unwrap();
        prop_assert!(bytes.ends_with(&wasm[8..]));
        let verified = verify(Artifact::decode(bytes).unwrap(), &public(&[seed])).unwrap();
        prop_assert_eq!(verified.metadata(), &metadata(Kind::Module));
    }
}
