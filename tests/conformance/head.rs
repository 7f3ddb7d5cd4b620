//! `spec/vectors/head`: the one mutable file of a registry.

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

/// What a `head` is judged against.
struct Case {
    now: Timestamp,
    root: Root,
    stored: Option<Tree>,
    tile: Option<Vec<u8>>,
}

impl Case {
    fn load(vector: &Vector) -> Self {
        let tree = |tree: WireTree| Tree {
            size: tree.size,
            hash: tree.hash,
        };
        Self {
            now: vector.get::<String>("now").parse().expect("a time"),
            root: Root::decode(&read(AREA, &vector.get::<String>("root"))).expect("a root"),
            stored: vector.find("stored").map(tree),
            tile: vector.find::<String>("tile").map(|file| read(AREA, &file)),
        }
    }

    fn judge(&self, bytes: &[u8]) -> Result<VerifiedHead, String> {
        let check = Head::decode(bytes)
            .and_then(|head| head.verify(&self.root, self.stored, self.now))
            .map_err(|error| head_class(&error))?;
        let pending = match check {
            HeadCheck::Verified(head) => return Ok(head),
            HeadCheck::Grown(pending) => pending,
        };
        let tiles = pending.tiles().into_iter();
        let tiles = tiles.filter_map(|id| Some((id, self.tile.clone()?)));
        pending
            .check(&tiles.collect())
            .map_err(|error| head_class(&error))
    }
}

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        let head = Case::load(vector).judge(&bytes(vector))?;
        assert_eq!(
            head.tree().size,
            vector.get::<u64>("size"),
            "{}",
            vector.name()
        );
        Ok(())
    });
}

/// Harmless changes: those of lines of witnesses that the root does not demand, or not all of them.
#[test]
fn no_change_and_no_cut_of_a_good_head_is_accepted() {
    for vector in vectors(AREA).iter().filter(|vector| vector.is_good()) {
        let (case, whole) = (Case::load(vector), bytes(vector));
        let text = String::from_utf8(whole.clone()).expect("UTF-8");
        let witness = text.find("\u{2014} witness").unwrap_or(whole.len());
        for at in 0..whole.len() {
            for change in [0x01, 0x20] {
                let mut changed = whole.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= change;
                }
                let accepted = case.judge(&changed).is_ok();
                assert!(
                    !accepted || at >= witness,
                    "{}: byte {at} ^ {change}",
                    vector.name()
                );
            }
            let cut = whole.get(..at).unwrap_or_default();
            let accepted = case.judge(cut).is_ok();
            let whole_lines = at >= witness && cut.ends_with(b"\n");
            assert!(!accepted || whole_lines, "{} cut to {at}", vector.name());
        }
    }
}
