use proptest::prelude::*;

use super::*;
use crate::log::Edge;
use crate::map;
use crate::root::RootFields;
use crate::snapshot::MapRoot;
use crate::testing::{NOW, WEEK, key, log_key, origin, root, root_fields};
use crate::witness::{VerifierKey, WitnessPolicy};

fn snapshot() -> Snapshot {
    Snapshot {
        origin: origin(),
        time: NOW,
        expires: NOW.plus(WEEK),
        root: 1,
        map: MapRoot {
            packages: 70,
            depth: map::depth(70),
            sha256: Digest::of(b"page"),
            size: 4,
        },
    }
}

/// A log whose last leaf is this snapshot.
fn log(leaves: usize, snapshot: &Snapshot) -> (Edge, Head) {
    let mut edge = Edge::empty();
    let mut all: Vec<_> = (1..leaves).map(|i| format!("{i}\n").into_bytes()).collect();
    all.push(snapshot.encode());
    let appended = edge.append(&all);
    let checkpoint = Checkpoint::sign(&origin(), appended.tree, &log_key());
    let head = Head::new(snapshot.encode(), appended.proof, checkpoint).unwrap();
    (edge, head)
}

fn check(head: &Head, stored: Option<Tree>, now: Timestamp) -> Result<HeadCheck, HeadError> {
    head.verify(&root(), stored, now)
}

fn tree(size: u64) -> Tree {
    Tree {
        size,
        hash: Digest::of(b"some other log"),
    }
}

#[test]
fn a_good_head_is_trusted() {
    let (edge, head) = log(5, &snapshot());
    let read = Head::decode(&head.encode()).unwrap();
    assert_eq!(read, head);
    let HeadCheck::Verified(verified) = check(&read, None, NOW).unwrap() else {
        panic!("there was nothing to compare with");
    };
    assert_eq!(verified.tree(), edge.tree());
    assert_eq!(*verified.snapshot(), snapshot());
    let same = check(&read, Some(edge.tree()), NOW.plus(WEEK - 1));
    assert!(matches!(same, Ok(HeadCheck::Verified(_))));
    assert!(head.encode().len() < 1500);
}

#[test]
fn every_flipped_bit_of_a_head_is_refused() {
    let (_, head) = log(5, &snapshot());
    let bytes = head.encode();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let trusted = Head::decode(&flipped).and_then(|head| check(&head, None, NOW));
            assert!(trusted.is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn freshness_ends_and_begins() {
    let (_, head) = log(5, &snapshot());
    let expired = check(&head, None, NOW.plus(WEEK)).unwrap_err();
    assert!(matches!(expired, HeadError::Expired { .. }) && expired.is_stale());
    let future = check(&head, None, NOW.minus(MAX_CLOCK_SKEW + 1));
    assert!(matches!(future, Err(HeadError::Future { .. })));
    assert!(check(&head, None, NOW.minus(MAX_CLOCK_SKEW)).is_ok());
    let endless = Snapshot {
        expires: NOW.plus(WEEK + 1),
        ..snapshot()
    };
    let endless = check(&log(5, &endless).1, None, NOW);
    assert!(matches!(endless, Err(HeadError::Lifetime { .. })));
}

#[test]
fn an_expired_root_trusts_nothing() {
    let root = Root::new(RootFields {
        expires: NOW,
        ..root_fields()
    });
    let refused = log(5, &snapshot()).1.verify(&root.unwrap(), None, NOW);
    assert!(matches!(refused, Err(HeadError::RootExpired { .. })));
}

#[test]
fn a_root_that_demands_witnesses_is_not_ignored() {
    let witness = VerifierKey::witness("witness.example/w", key(50).public_key()).unwrap();
    let policy = WitnessPolicy::parse(&format!("witness w {witness}\nquorum w")).unwrap();
    let root = Root::new(RootFields {
        witness: Some(policy),
        ..root_fields()
    });
    let root = root.unwrap();
    let (_, mut head) = log(5, &snapshot());
    assert!(matches!(
        head.verify(&root, None, NOW),
        Err(HeadError::Quorum)
    ));
    let line = |number| {
        let mut blob = witness.id().to_vec();
        blob.extend(VerifierKey::cosign(
            &key(number),
            &head.checkpoint.note(),
            NOW,
        ));
        format!("\u{2014} witness.example/w {}\n", STANDARD.encode(blob))
    };
    let (by_it, by_another) = (line(50), line(51));
    let text = String::from_utf8(head.encode()).unwrap();
    let forged = Head::decode(format!("{text}{by_another}").as_bytes()).unwrap();
    let refused = forged.verify(&root, None, NOW);
    assert!(matches!(
        refused,
        Err(HeadError::Checkpoint(CheckpointError::Cosignature(_)))
    ));
    head.checkpoint.add_cosignatures(&by_it, &witness).unwrap();
    assert!(head.verify(&root, None, NOW).is_ok());
}

#[test]
fn older_and_rewritten_logs_are_refused() {
    let (_, head) = log(5, &snapshot());
    let stale = check(&head, Some(tree(6)), NOW).unwrap_err();
    assert!(matches!(stale, HeadError::Stale { .. }) && stale.is_stale());
    let rewritten = check(&head, Some(tree(5)), NOW).unwrap_err();
    assert!(matches!(rewritten, HeadError::Fork(_)) && !rewritten.is_stale());
    let Ok(HeadCheck::Grown(pending)) = check(&head, Some(tree(4)), NOW) else {
        panic!("the log has grown");
    };
    assert_eq!(pending.tiles().len(), 1);
    let refused = pending.check(&BTreeMap::new());
    assert!(matches!(refused, Err(HeadError::Fork(_))));
}

#[test]
fn growth_is_trusted_when_tiles_prove_it() {
    let (mut edge, _) = log(300, &snapshot());
    let old = edge.tree();
    let appended = edge.append(&[b"event\n".to_vec(), snapshot().encode()]);
    let checkpoint = Checkpoint::sign(&origin(), appended.tree, &log_key());
    let head = Head::new(snapshot().encode(), appended.proof, checkpoint).unwrap();
    let Ok(HeadCheck::Grown(pending)) = check(&head, Some(old), NOW) else {
        panic!("the log has grown");
    };
    let mut tiles = BTreeMap::new();
    for id in pending.tiles() {
        let files = &appended.files;
        let file = files.iter().find(|file| file.path == id.path());
        // Only the right edge was written again; the full tile is older.
        let whole = log(300, &snapshot()).0.append(&[]).files;
        let bytes = file.map(|file| file.bytes.clone());
        let bytes = bytes.or_else(|| {
            let older = whole.iter().find(|file| file.path == id.path());
            older.map(|file| file.bytes.clone())
        });
        tiles.extend(bytes.map(|bytes| (id, bytes)));
    }
    let verified = pending.check(&tiles).unwrap();
    assert_eq!(verified.tree(), appended.tree);
}

#[test]
fn an_anchor_counts_like_a_tree_seen_before() {
    let (edge, head) = log(5, &snapshot());
    let anchored = |size, hash| {
        let anchor = Some(crate::root::Anchor {
            size,
            tree: hash,
            map: Digest::of(b""),
        });
        let root = Root::new(RootFields {
            anchor,
            ..root_fields()
        });
        head.verify(&root.unwrap(), None, NOW)
    };
    assert!(anchored(5, edge.tree().hash).is_ok());
    assert!(matches!(
        anchored(5, Digest::of(b"")),
        Err(HeadError::Fork(_))
    ));
    assert!(matches!(
        anchored(6, Digest::of(b"")),
        Err(HeadError::Stale { .. })
    ));
}

#[test]
fn a_head_of_another_key_origin_or_root_is_refused() {
    let (edge, head) = log(5, &snapshot());
    let leaf = snapshot().encode();
    let with = |checkpoint| {
        let head = Head::new(leaf.clone(), head.proof.clone(), checkpoint).unwrap();
        check(&head, None, NOW).map(|_| ())
    };
    let stranger = Checkpoint::sign(&origin(), edge.tree(), &key(1));
    assert!(matches!(with(stranger), Err(HeadError::Checkpoint(_))));
    let elsewhere = "elsewhere.example".parse().unwrap();
    let elsewhere = Checkpoint::sign(&elsewhere, edge.tree(), &log_key());
    assert!(matches!(
        with(elsewhere),
        Err(HeadError::Checkpoint(CheckpointError::Origin { .. }))
    ));
    let foreign = Snapshot {
        origin: "elsewhere.example".parse().unwrap(),
        ..snapshot()
    };
    let foreign = check(&log(5, &foreign).1, None, NOW);
    assert!(matches!(foreign, Err(HeadError::SnapshotOrigin(_))));
    let newer = Snapshot {
        root: 2,
        ..snapshot()
    };
    let newer = log(5, &newer).1;
    assert_eq!(newer.claimed_root(), 2);
    assert!(matches!(
        check(&newer, None, NOW),
        Err(HeadError::Root {
            needed: 2,
            known: 1
        })
    ));
}

#[test]
fn the_snapshot_must_be_the_last_leaf() {
    let mut edge = Edge::empty();
    let first = edge.append(&[snapshot().encode()]);
    let after = edge.append(&[b"later\n".to_vec()]);
    let checkpoint = Checkpoint::sign(&origin(), after.tree, &log_key());
    let proof = vec![leaf_hash(b"later\n")];
    let mut head = Head::new(snapshot().encode(), proof, checkpoint).unwrap();
    assert!(matches!(check(&head, None, NOW), Err(HeadError::Proof(_))));
    head.index = 0;
    assert!(matches!(
        check(&head, None, NOW),
        Err(HeadError::Index { index: 0, size: 2 })
    ));
    assert_eq!(first.tree.size, 1);
}

#[test]
fn a_snapshot_has_one_form() {
    let leaf = String::from_utf8(snapshot().encode()).unwrap();
    assert!(Snapshot::decode(leaf.as_bytes()).is_ok());
    for (from, to) in [
        ("\n", ""),
        (",\"time\"", ", \"time\""),
        ("\"root\":1", "\"root\":1,\"more\":1"),
        ("\"depth\":1", "\"depth\":0"),
        ("\"size\":4", "\"size\":4194305"),
        ("zero-snapshot/1", "zero-snapshot/2"),
    ] {
        assert!(leaf.contains(from), "{from}");
        let changed = leaf.replacen(from, to, 1);
        assert!(Snapshot::decode(changed.as_bytes()).is_err(), "{changed}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, lines in "[a-z =\n]{0,100}") {
        let _ = Head::decode(&bytes);
        let _ = Head::decode(format!("{FIRST_LINE}\nextra {lines}\n\n{lines}").as_bytes());
        let _ = Snapshot::decode(&bytes);
    }
}
