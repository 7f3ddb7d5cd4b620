use super::*;
use crate::testing::{NOW, key, log_key, role, root, root_fields, root_key};

fn signed(root: &Root, keys: &[&SecretKey]) -> (Vec<u8>, Vec<Minisig>) {
    let signatures = keys
        .iter()
        .map(|key| Minisig::parse(&root.sign(key)).unwrap());
    (root.encode(), signatures.collect())
}

fn pinned(root: &Root, keys: &[&SecretKey]) -> Roots {
    let (bytes, signatures) = signed(root, keys);
    Roots::pin(root.role(), &bytes, &signatures).unwrap()
}

fn successor(roots: &Roots, change: impl FnOnce(&mut RootFields)) -> Root {
    let mut fields = RootFields {
        version: roots.current().version() + 1,
        prev: Some(roots.newest_digest()),
        ..roots.current().fields().clone()
    };
    change(&mut fields);
    Root::new(fields).unwrap()
}

fn extend(roots: &mut Roots, root: &Root, keys: &[&SecretKey]) -> Result<(), RootError> {
    let (bytes, signatures) = signed(root, keys);
    roots.extend(&bytes, &signatures)
}

fn two_of_three() -> (Root, [SecretKey; 3]) {
    let keys = [key(1), key(2), key(3)];
    let root = Root::new(RootFields {
        role: role(&[&keys[0], &keys[1], &keys[2]], 2),
        ..root_fields()
    });
    (root.unwrap(), keys)
}

#[test]
fn a_root_survives_its_file() {
    let full = Root::new(RootFields {
        version: 2,
        prev: Some(Digest::of(b"")),
        claims: ClaimPolicy::Keys(role(&[&key(7)], 1)),
        mirrors: vec!["https://mirror.example/zero".to_owned()],
        witness: Some(WitnessPolicy::parse("quorum none").unwrap()),
        anchor: Some(Anchor {
            size: 9,
            tree: Digest::of(b"tree"),
            map: Digest::of(b"map"),
        }),
        ..root_fields()
    });
    for root in [root(), full.unwrap()] {
        let bytes = root.encode();
        assert!(bytes.starts_with(b"{\n  \"type\": \"zero-root/1\",\n"));
        assert_eq!(Root::decode(&bytes).unwrap(), root);
    }
}

#[test]
fn every_flipped_bit_of_a_root_is_refused() {
    let (bytes, signatures) = signed(&root(), &[&root_key()]);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let role = role(&[&root_key()], 1);
            assert!(
                Roots::pin(&role, &flipped, &signatures).is_err(),
                "byte {at}"
            );
        }
    }
}

#[test]
fn thresholds_count_distinct_keys() {
    let (root, [a, b, c]) = two_of_three();
    let pin = |keys: &[&SecretKey]| {
        let (bytes, signatures) = signed(&root, keys);
        Roots::pin(root.role(), &bytes, &signatures).map(|_| ())
    };
    assert!(pin(&[&a, &b]).is_ok());
    assert!(pin(&[&c, &b, &a]).is_ok());
    for keys in [&[&a][..], &[&a, &a], &[&a, &key(9)], &[]] {
        let refused = pin(keys).unwrap_err();
        assert!(matches!(
            refused,
            RootError::Threshold {
                keys: "pinned",
                need: 2,
                ..
            }
        ));
    }
}

#[test]
fn one_key_under_two_key_ids_is_one_key() {
    let same = key(1).public_key();
    let renamed = PublicKey::new([9; 8], same.as_bytes()).unwrap();
    assert!(Role::new(vec![same, renamed], 2).is_err());
}

#[test]
fn a_pinned_key_that_is_not_in_the_root_does_not_suffice() {
    let stranger = key(9);
    let (bytes, signatures) = signed(&root(), &[&stranger]);
    let refused = Roots::pin(&role(&[&stranger], 1), &bytes, &signatures);
    assert!(matches!(
        refused,
        Err(RootError::Threshold { keys: "new", .. })
    ));
}

#[test]
fn a_successor_needs_the_old_and_the_new_keys() {
    let (first, [a, b, _]) = two_of_three();
    let roots = pinned(&first, &[&a, &b]);
    let (x, y) = (key(11), key(12));
    let second = successor(&roots, |fields| fields.role = role(&[&x, &y], 2));
    for (keys, missing) in [
        (&[&a, &b][..], Some("new")),
        (&[&x, &y], Some("old")),
        (&[&a, &x, &y], Some("old")),
        (&[&a, &b, &x], Some("new")),
        (&[&a, &b, &x, &y], None),
    ] {
        let mut roots = roots.clone();
        match (extend(&mut roots, &second, keys), missing) {
            (Ok(()), None) => assert_eq!(roots.current(), &second),
            (Err(RootError::Threshold { keys, .. }), Some(missing)) => {
                assert_eq!(keys, missing);
                assert_eq!(roots.current(), &first);
            }
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[test]
fn versions_are_never_skipped_repeated_or_exchanged() {
    let mut roots = pinned(&root(), &[&root_key()]);
    let skipped = successor(&roots, |fields| fields.version = 3);
    assert!(matches!(
        extend(&mut roots, &skipped, &[&root_key()]),
        Err(RootError::Version {
            expected: 2,
            found: 3
        })
    ));
    let other = successor(&roots, |fields| fields.prev = Some(Digest::of(b"other")));
    assert!(matches!(
        extend(&mut roots, &other, &[&root_key()]),
        Err(RootError::Prev(2))
    ));
    let foreign = successor(&roots, |fields| {
        fields.origin = "elsewhere.example".parse().unwrap();
    });
    assert!(matches!(
        extend(&mut roots, &foreign, &[&root_key()]),
        Err(RootError::Origin { .. })
    ));
    let second = successor(&roots, |_| {});
    extend(&mut roots, &second, &[&root_key()]).unwrap();
    assert!(extend(&mut roots, &second, &[&root_key()]).is_err());
}

#[test]
fn an_expired_root_can_be_succeeded() {
    let expired = Root::new(RootFields {
        expires: NOW.minus(1),
        ..root_fields()
    });
    let mut roots = pinned(&expired.unwrap(), &[&root_key()]);
    let second = successor(&roots, |fields| fields.expires = NOW.plus(1));
    extend(&mut roots, &second, &[&root_key()]).unwrap();
    assert_eq!(roots.current().expires(), NOW.plus(1));
}

#[test]
fn earlier_roots_are_found_by_digest() {
    let mut all = pinned(&root(), &[&root_key()]);
    let second = successor(&all, |_| {});
    extend(&mut all, &second, &[&root_key()]).unwrap();
    let mut late = pinned(&second, &[&root_key()]);
    let forged = Root::new(RootFields {
        log: key(9).public_key(),
        ..root_fields()
    });
    assert!(late.prepend(&forged.unwrap().encode()).is_err());
    late.prepend(&root().encode()).unwrap();
    assert!(late.iter().eq(all.iter()));
    assert_eq!(late.current(), &second);
    assert_eq!(late.first(), &root());
    assert_eq!(late.version(2), Some(&second));
}

#[test]
fn fields_out_of_range_are_refused() {
    let refused = |change: &dyn Fn(&mut RootFields)| {
        let mut fields = root_fields();
        change(&mut fields);
        Root::new(fields).is_err()
    };
    assert!(!refused(&|_| {}));
    assert!(refused(&|fields| fields.version = 0));
    assert!(refused(&|fields| fields.version = 2));
    assert!(refused(&|fields| fields.prev = Some(Digest::of(b""))));
    assert!(refused(&|fields| fields.head_lifetime = 0));
    assert!(refused(
        &|fields| fields.head_lifetime = MAX_HEAD_LIFETIME + 1
    ));
    assert!(refused(&|fields| fields.mirrors = vec![String::new(); 17]));
    assert!(refused(&|fields| fields.role = role(&[&log_key()], 1)));
}

#[test]
fn unknown_members_are_refused() {
    let text = String::from_utf8(root().encode()).unwrap();
    for (from, to) in [
        ("\"threshold\": 1", "\"threshold\": 0"),
        ("\"threshold\": 1", "\"threshold\": 2"),
        ("\"threshold\": 1", "\"threshold\": 1, \"more\": 1"),
        ("\"mirrors\": []", "\"mirrors\": [], \"mirrors\": []"),
        ("\"mirrors\": []", "\"mirrors\": [], \"more\": 1"),
        ("\"open\"", "\"closed\""),
        ("\"open\"", "\"keys\""),
        ("\"head_lifetime\"", "\"head_life\""),
        ("zero-root/1", "zero-root/2"),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        assert!(Root::decode(changed.as_bytes()).is_err(), "{to}");
    }
    let long = format!("{text}{}", " ".repeat(64 * 1024));
    assert!(matches!(
        Root::decode(long.as_bytes()),
        Err(RootError::Length)
    ));
}
