//! `spec/vectors/root`: roots and their successors.

use serde::Deserialize;
use zero_format::{Minisig, PublicKey};
use zero_registry::{Role, Root, Roots};

use crate::class::class;
use crate::index::{Vector, check, read, read_text, vectors};

const AREA: &str = "root";

#[derive(Deserialize)]
pub(crate) struct Keys {
    keys: Vec<PublicKey>,
    threshold: u32,
}

impl Keys {
    pub(crate) fn role(self) -> Role {
        Role::new(self.keys, self.threshold).expect("a role of the vectors")
    }
}

#[derive(Deserialize)]
struct Step {
    root: String,
    signatures: Vec<String>,
}

fn judge(vector: &Vector, alter: impl Fn(&str, Vec<u8>) -> Vec<u8>) -> Result<Roots, String> {
    let pinned = vector.get::<Keys>("pinned").role();
    let mut roots = None;
    for step in vector.get::<Vec<Step>>("steps") {
        let bytes = alter(&step.root, read(AREA, &step.root));
        let signatures = step.signatures.iter().map(|file| {
            let text = alter(file, read(AREA, file));
            Minisig::parse(&String::from_utf8(text).map_err(|_| "utf-8".to_owned())?)
                .map_err(|error| class(&error))
        });
        let signatures: Vec<_> = signatures.collect::<Result<_, _>>()?;
        match &mut roots {
            None => {
                let first = Roots::pin(&pinned, &bytes, &signatures);
                roots = Some(first.map_err(|error| class(&error))?);
            }
            Some(roots) => roots
                .extend(&bytes, &signatures)
                .map_err(|error| class(&error))?,
        }
    }
    Ok(roots.expect("a step"))
}

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        let roots = judge(vector, |_, bytes| bytes)?;
        assert_eq!(roots.current().version(), vector.get::<u64>("version"));
        Ok(())
    });
}

#[test]
fn a_root_that_is_read_can_be_written_and_read_again() {
    for vector in vectors(AREA).iter().filter(|vector| vector.is_good()) {
        for step in vector.get::<Vec<Step>>("steps") {
            let root = Root::decode(&read(AREA, &step.root)).expect("a good root");
            assert_eq!(Root::decode(&root.encode()).expect("its own text"), root);
        }
    }
}

/// Harmless changes: those of a signature's untrusted comment, which nothing covers, and any to a signature that is
/// not needed.
#[test]
fn no_change_of_a_good_root_or_of_a_needed_signature_is_accepted() {
    for vector in vectors(AREA).iter().filter(|v| v.is_good()) {
        let steps: Vec<Step> = vector.get("steps");
        let pinned: Keys = vector.get("pinned");
        let needed = steps
            .iter()
            .all(|step| step.signatures.len() == pinned.threshold as usize);
        let mut files: Vec<_> = steps.iter().map(|step| &step.root).collect();
        if needed {
            files.extend(steps.iter().flat_map(|step| &step.signatures));
        }
        for file in files {
            let text = read_text(AREA, file);
            let comment = if file.ends_with(".minisig") {
                text.find('\n').unwrap_or(0)
            } else {
                0
            };
            for at in comment..text.len() {
                let altered = judge(vector, |name, mut bytes| {
                    if let Some(byte) = bytes.get_mut(at).filter(|_| name == *file) {
                        *byte ^= 1;
                    }
                    bytes
                });
                assert!(altered.is_err(), "{file}: byte {at}");
            }
        }
    }
}
