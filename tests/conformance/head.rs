//! `spec/vectors/head`: the one mutable file of a registry.

use std::collections::BTreeMap;

use serde::Deserialize;
use zero_format::Digest;
use zero_registry::{Head, HeadCheck, HeadError, Root, Timestamp, Tree, VerifiedHead};

use crate::class::class;
use crate::index::{Vector, check, read, vectors};

const AREA: &str = "head";

#[derive(Deserialize)]
struct WireTree {
    size: u64,
    hash: Digest,
}

fn head_class(error: &HeadError) -> String {
    match error {
        HeadError::Checkpoint(source) => format!("checkpoint-{}", class(source)),
        HeadError::Snapshot(source) => format!("snapshot-{}", class(source)),
        error => class(error),
    }
}

fn bytes(vector: &Vector) -> Vec<u8> {
    read(AREA, vector.file.as_deref().expect("a file"))
}

fn judge(vector: &Vector, bytes: &[u8]) -> Result<VerifiedHead, String> {
    let now: Timestamp = vector.get::<String>("now").parse().expect("a time");
    let root = Root::decode(&read(AREA, &vector.get::<String>("root"))).expect("a root");
    let stored = vector.find::<WireTree>("stored").map(|tree| Tree {
        size: tree.size,
        hash: tree.hash,
    });
    let check = Head::decode(bytes)
        .and_then(|head| head.verify(&root, stored, now))
        .map_err(|error| head_class(&error))?;
    match check {
        HeadCheck::Verified(head) => Ok(head),
        HeadCheck::Grown(pending) => {
            let tile = vector.find::<String>("tile").map(|file| read(AREA, &file));
            let tiles: BTreeMap<_, _> = pending
                .tiles()
                .into_iter()
                .filter_map(|id| Some((id, tile.clone()?)))
                .collect();
            pending.check(&tiles).map_err(|error| head_class(&error))
        }
    }
}

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        let head = judge(vector, &bytes(vector))?;
        assert_eq!(
            head.tree().size,
            vector.get::<u64>("size"),
            "{}",
            vector.name()
        );
        Ok(())
    });
}

/// Harmless changes: those of a witness's line, which clients without a witness policy leave alone.
#[test]
fn no_change_and_no_cut_of_a_good_head_is_accepted() {
    for vector in vectors(AREA).iter().filter(|vector| vector.is_good()) {
        let whole = bytes(vector);
        let text = String::from_utf8(whole.clone()).expect("UTF-8");
        let witness = text.find("\u{2014} witness").unwrap_or(whole.len());
        for at in 0..whole.len() {
            for change in [0x01, 0x02, 0x20, 0x80] {
                let mut changed = whole.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= change;
                }
                let accepted = judge(vector, &changed).is_ok();
                assert!(
                    !accepted || at >= witness,
                    "{}: byte {at} ^ {change}",
                    vector.name()
                );
            }
            let cut = whole.get(..at).unwrap_or_default();
            let accepted = judge(vector, cut).is_ok();
            assert!(!accepted || at == witness, "{} cut to {at}", vector.name());
        }
    }
}
