use super::*;
use crate::log::Edge;
use crate::testing::{NOW, key, log_key, origin};

/// A log that grows, and what each state proves.
struct Log {
    edge: Edge,
    hashes: Vec<Digest>,
    key: SecretKey,
}

impl Log {
    fn new() -> Self {
        Self {
            edge: Edge::empty(),
            hashes: Vec::new(),
            key: log_key(),
        }
    }

    fn grow(&mut self, leaves: &[&str]) -> Tree {
        let leaves: Vec<_> = leaves.iter().map(|leaf| leaf.as_bytes().to_vec()).collect();
        self.hashes
            .extend(leaves.iter().map(|leaf| crate::leaf_hash(leaf)));
        self.edge.append(&leaves).tree
    }

    fn request(&self, old: u64) -> AddCheckpoint {
        let tree = self.edge.tree();
        let proof = match old {
            0 => Vec::new(),
            old if old >= tree.size => Vec::new(),
            old => {
                let nodes = crate::log::consistency_nodes(old, tree.size);
                let hash = |node: crate::log::Node| {
                    let from = usize::try_from(node.index << node.height).ok()?;
                    row(self.hashes.get(from..from + (1 << node.height))?)
                };
                crate::log::resolve_nodes(&nodes, hash).unwrap()
            }
        };
        AddCheckpoint {
            old,
            proof,
            checkpoint: Checkpoint::sign(&origin(), tree, &self.key),
        }
    }
}

fn row(hashes: &[Digest]) -> Option<Digest> {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let pairs = row.chunks(2);
        row = pairs
            .map(|pair| crate::log::node_hash(&pair[0], &pair[1]))
            .collect();
    }
    row.first().copied()
}

fn logs() -> Vec<(Origin, PublicKey)> {
    vec![(origin(), log_key().public_key())]
}

fn witness(folder: &Path) -> Witness {
    Witness::create("witness.example/w", key(50), logs(), folder).unwrap()
}

fn again(folder: &Path) -> Result<Witness, WitnessError> {
    Witness::open("witness.example/w", key(50), logs(), folder)
}

fn ask(witness: &Witness, request: &AddCheckpoint) -> WitnessAnswer {
    witness.add_checkpoint(&request.encode(), NOW).unwrap()
}

#[test]
fn it_signs_what_continues_the_log_and_remembers_it_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    log.grow(&["a", "b", "c"]);
    let first = witness(folder.path());
    let WitnessAnswer::Cosigned(line) = ask(&first, &log.request(0)) else {
        panic!("a first checkpoint is signed");
    };
    let mut checkpoint = log.request(0).checkpoint;
    checkpoint
        .add_cosignatures(&line, first.verifier())
        .unwrap();
    assert!(checkpoint.is_cosigned_by(first.verifier()).unwrap());
    drop(first);
    let second = again(folder.path()).unwrap();
    let tree = log.grow(&["d", "e"]);
    assert_eq!(ask(&second, &log.request(0)), WitnessAnswer::Conflict(3));
    assert!(matches!(
        ask(&second, &log.request(3)),
        WitnessAnswer::Cosigned(_)
    ));
    assert_eq!(second.remembered(&origin()).unwrap(), tree);
    // The same again: a log that lost the answer gets another one.
    assert!(matches!(
        ask(&second, &log.request(5)),
        WitnessAnswer::Cosigned(_)
    ));
}

#[test]
fn it_signs_neither_an_older_tree_nor_another_history() {
    let folder = tempfile::tempdir().unwrap();
    let witness = witness(folder.path());
    let mut log = Log::new();
    log.grow(&["a", "b", "c"]);
    let older = log.request(0);
    let mut fork = Log::new();
    fork.grow(&["a", "x", "c"]);
    log.grow(&["d"]);
    assert!(matches!(
        ask(&witness, &log.request(0)),
        WitnessAnswer::Cosigned(_)
    ));
    assert_eq!(ask(&witness, &older), WitnessAnswer::Conflict(4));
    fork.grow(&["d"]);
    assert_eq!(ask(&witness, &fork.request(4)), WitnessAnswer::Conflict(4));
    fork.grow(&["e"]);
    assert_eq!(ask(&witness, &fork.request(4)), WitnessAnswer::Inconsistent);
    let backwards = AddCheckpoint { old: 9, ..older };
    assert!(matches!(
        ask(&witness, &backwards),
        WitnessAnswer::Malformed(_)
    ));
    assert_eq!(witness.remembered(&origin()).unwrap(), log.edge.tree());
}

#[test]
fn it_signs_for_nobody_but_the_logs_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let witness = witness(folder.path());
    let tree = Tree {
        size: 1,
        hash: Digest::of(b"tree"),
    };
    let request = |origin: &str, key: &SecretKey, proof| AddCheckpoint {
        old: 0,
        proof,
        checkpoint: Checkpoint::sign(&origin.parse().unwrap(), tree, key),
    };
    let here = origin().to_string();
    for (request, expected) in [
        (
            request("other.example", &log_key(), vec![]),
            WitnessAnswer::UnknownLog,
        ),
        (request(&here, &key(1), vec![]), WitnessAnswer::Unsigned),
        (
            request(&here, &log_key(), vec![tree.hash]),
            WitnessAnswer::Inconsistent,
        ),
    ] {
        assert_eq!(ask(&witness, &request), expected);
    }
    let garbage = witness.add_checkpoint(b"garbage", NOW).unwrap();
    assert!(matches!(garbage, WitnessAnswer::Malformed(_)));
}

#[test]
fn a_second_process_and_a_damaged_memory_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = witness(folder.path());
    let again = Witness::open("w", key(50), Vec::new(), folder.path());
    assert!(matches!(again, Err(WitnessError::InUse(_))));
    fs::write(first.place(&origin()), "damaged").unwrap();
    let mut log = Log::new();
    log.grow(&["a"]);
    let refused = first.add_checkpoint(&log.request(0).encode(), NOW);
    assert!(matches!(refused, Err(WitnessError::Memory { .. })));
}

#[test]
fn it_starts_from_nothing_only_when_told_to() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("seen");
    assert!(matches!(again(&folder), Err(WitnessError::NoMemory(_))));
    assert!(!folder.exists());
    // A folder of something else is no memory either.
    let elsewhere = again(parent.path());
    assert!(matches!(elsewhere, Err(WitnessError::NoMemory(_))));
    drop(witness(&folder));
    let twice = Witness::create("witness.example/w", key(50), logs(), &folder);
    assert!(matches!(twice, Err(WitnessError::Exists(_))));
    drop(twice);

    // What is gone is missed, whether it had a checkpoint or none yet.
    let mut log = Log::new();
    log.grow(&["a"]);
    for signs in [false, true] {
        let witness = again(&folder).unwrap();
        if signs {
            ask(&witness, &log.request(0));
        }
        let place = witness.place(&origin());
        let bytes = fs::read(&place).unwrap();
        fs::remove_file(&place).unwrap();
        let refused = witness.add_checkpoint(&log.request(0).encode(), NOW);
        assert!(matches!(refused, Err(WitnessError::Forgotten(_))));
        drop(witness);
        assert!(matches!(again(&folder), Err(WitnessError::Forgotten(_))));
        fs::write(&place, bytes).unwrap();
    }
    // Another log may be added, and has no memory yet.
    let other: Origin = "other.example".parse().unwrap();
    let mut both = logs();
    both.push((other.clone(), log_key().public_key()));
    let witness = Witness::open("witness.example/w", key(50), both, &folder).unwrap();
    assert_eq!(witness.remembered(&other).unwrap(), Tree::empty());
    assert_eq!(witness.remembered(&origin()).unwrap(), log.edge.tree());
}

#[test]
fn beginning_keeps_the_checkpoints_that_lie_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    let tree = log.grow(&["a"]);
    let first = witness(folder.path());
    ask(&first, &log.request(0));
    drop(first);
    fs::remove_file(folder.path().join(LOGS)).unwrap();
    let second = witness(folder.path());
    assert_eq!(second.remembered(&origin()).unwrap(), tree);
}
