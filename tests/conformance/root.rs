//! `spec/vectors/root`: roots and their successors.

use serde::Deserialize;
use zero_format::{Minisig, PublicKey};
use zero_registry::{Role, Root, Roots};

use crate::class::class;
use crate::index::{Vector, check, read, vectors};

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

/// The files of a vector, read once.
struct Case {
    pinned: Role,
    /// A root and its signatures, each with its name.
    steps: Vec<Vec<(String, Vec<u8>)>>,
}

impl Case {
    fn load(vector: &Vector) -> Self {
        let named = |file: String| (file.clone(), read(AREA, &file));
        let files = |step: Step| {
            let all = std::iter::once(step.root).chain(step.signatures);
            all.map(named).collect()
        };
        Self {
            pinned: vector.get::<Keys>("pinned").role(),
            steps: vector
                .get::<Vec<Step>>("steps")
                .into_iter()
                .map(files)
                .collect(),
        }
    }

    fn judge(&self, alter: impl Fn(&str, &[u8]) -> Vec<u8>) -> Result<Roots, String> {
        let mut roots: Option<Roots> = None;
        for step in &self.steps {
            let mut files = step.iter().map(|(name, bytes)| alter(name, bytes));
            let bytes = files.next().expect("a root");
            let signatures = files.map(|text| {
                let text = String::from_utf8(text).map_err(|_| "utf-8".to_owned())?;
                Minisig::parse(&text).map_err(|error| class(&error))
            });
            let signatures: Vec<_> = signatures.collect::<Result<_, _>>()?;
            let accepted = match &mut roots {
                None => {
                    Roots::pin(&self.pinned, &bytes, &signatures).map(|first| roots = Some(first))
                }
                Some(roots) => roots.extend(&bytes, &signatures),
            };
            accepted.map_err(|error| class(&error))?;
        }
        Ok(roots.expect("a step"))
    }
}

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        let roots = Case::load(vector).judge(|_, bytes| bytes.to_vec())?;
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
        let case = Case::load(vector);
        let threshold = vector.get::<Keys>("pinned").threshold as usize;
        let needed = case.steps.iter().all(|files| files.len() == 1 + threshold);
        for (file, bytes) in case.steps.iter().flatten() {
            let is_signature = file.ends_with(".minisig");
            if is_signature && !needed {
                continue;
            }
            let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0);
            let start = if is_signature { line } else { 0 };
            // Each check verifies every signature again; where there are many roots, some bytes will do.
            let stride = if case.steps.len() > 1 { 9 } else { 2 };
            for at in (start..bytes.len()).step_by(stride) {
                let altered = case.judge(|name, bytes| {
                    let mut bytes = bytes.to_vec();
                    if let Some(byte) = bytes.get_mut(at).filter(|_| name == file) {
                        *byte ^= 1;
                    }
                    bytes
                });
                assert!(altered.is_err(), "{file}: byte {at}");
            }
        }
    }
}
