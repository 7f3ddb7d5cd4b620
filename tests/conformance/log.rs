//! `spec/vectors/log`: proofs and entry bundles.

use serde::Deserialize;
use zero_format::Digest;
use zero_registry::{Bundle, Tree, leaf_hash, verify_consistency, verify_inclusion};

use crate::class::class;
use crate::index::{check, read, vectors};

const AREA: &str = "log";

#[derive(Deserialize)]
struct WireTree {
    size: u64,
    hash: Digest,
}

impl WireTree {
    fn tree(&self) -> Tree {
        Tree {
            size: self.size,
            hash: self.hash,
        }
    }
}

#[derive(Deserialize)]
struct Inclusion {
    leaf: String,
    index: u64,
    tree: WireTree,
    proof: Vec<Digest>,
}

#[derive(Deserialize)]
struct Extension {
    old: WireTree,
    new: WireTree,
    proof: Vec<Digest>,
}

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        if let Some(Inclusion {
            leaf,
            index,
            tree,
            proof,
        }) = vector.find("inclusion")
        {
            let leaf = leaf_hash(&hex::decode(leaf).expect("hexadecimal"));
            return verify_inclusion(leaf, index, tree.tree(), &proof)
                .map_err(|error| class(&error));
        }
        if let Some(Extension { old, new, proof }) = vector.find("consistency") {
            return verify_consistency(old.tree(), new.tree(), &proof)
                .map_err(|error| class(&error));
        }
        let bytes = read(AREA, vector.file.as_deref().expect("a file"));
        let bundle = Bundle::decode(&bytes).map_err(|error| class(&error))?;
        assert_eq!(bundle.entries().len(), vector.get::<usize>("entries"));
        assert_eq!(bundle.encode(), bytes, "{}", vector.name());
        Ok(())
    });
}
