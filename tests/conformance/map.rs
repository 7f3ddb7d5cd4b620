//! `spec/vectors/map`: the way from a snapshot to a package.

use serde::Deserialize;
use zero_format::{Digest, PackageName};
use zero_registry::{Bucket, MapError, MapNode, MapRoot, MapStep, MapWalk};

use crate::class::class;
use crate::index::{Vector, check, read, vectors};

const AREA: &str = "map";

#[derive(Deserialize)]
struct WireRoot {
    packages: u64,
    depth: u8,
    sha256: Digest,
    size: u64,
}

fn name(vector: &Vector) -> PackageName {
    vector.get::<String>("name").parse().expect("a name")
}

/// How many events the package has, if it is there.
fn walk(vector: &Vector, pages: &[Vec<u8>]) -> Result<Option<u64>, MapError> {
    let root: WireRoot = vector.get("map");
    let root = MapRoot {
        packages: root.packages,
        depth: root.depth,
        sha256: root.sha256,
        size: root.size,
    };
    let mut walk = MapWalk::new(&root, &name(vector));
    for page in pages {
        match walk.step(page)? {
            MapStep::Absent => return Ok(None),
            MapStep::Found(entry) => return Ok(Some(entry.events)),
            MapStep::Fetch(next) => walk = next,
        }
    }
    panic!("{}: it needs another page", vector.name());
}

fn pages(vector: &Vector) -> Vec<Vec<u8>> {
    let files: Vec<String> = vector.get("pages");
    files.iter().map(|file| read(AREA, file)).collect()
}

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        let found = walk(vector, &pages(vector)).map_err(|error| class(&error))?;
        assert_eq!(found, vector.find("found"), "{}", vector.name());
        Ok(())
    });
}

#[test]
fn no_change_and_no_cut_of_a_good_page_is_the_one_that_was_named() {
    for vector in vectors(AREA).iter().filter(|vector| vector.is_good()) {
        let good = pages(vector);
        for (number, page) in good.iter().enumerate() {
            // Lines repeat: in a long page one change in every few bytes meets each place of a line.
            for at in (0..page.len()).step_by(if page.len() > 1_000 { 11 } else { 1 }) {
                let mut changed = page.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1;
                }
                let cut = page.get(..at).unwrap_or_default().to_vec();
                for other in [changed, cut] {
                    // Under its own name such a page must not make the decoders panic either.
                    let _ = (MapNode::decode(&[], &other), Bucket::decode(&[], &other));
                    let mut pages = good.clone();
                    if let Some(page) = pages.get_mut(number) {
                        *page = other;
                    }
                    let found = walk(vector, &pages);
                    assert!(
                        matches!(found, Err(MapError::Digest { .. } | MapError::Length(_))),
                        "{}: page {number}, byte {at}",
                        vector.name()
                    );
                }
            }
        }
    }
}
