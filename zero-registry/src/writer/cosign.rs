//! Collecting the cosignatures that the root demands, before `head` is replaced
//! (spec/registry.md, "Witnesses").

use thiserror::Error;
use zero_format::Digest;

use super::{CommitError, Storage, Writer};
use crate::limits::MAX_TILE_BYTES;
use crate::log::{
    Checkpoint, CheckpointError, TileId, Tree, consistency_nodes, decimal, resolve_nodes,
};
use crate::root::Root;
use crate::witness::{AddCheckpoint, AskWitness, PolicyWitness};

/// How often one witness is asked: it may know an older tree than the last one here.
const QUESTIONS: u32 = 3;

/// Why there are too few cosignatures.
#[derive(Debug, Error)]
#[error("collect cosignatures: {have} of {all} witnesses signed, which is no quorum{}", told(.failures))]
pub struct CosignError {
    have: usize,
    all: usize,
    failures: Vec<(String, WitnessFailure)>,
}

/// Why a witness did not sign.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WitnessFailure {
    /// It has signed another history, or a tree that is not here.
    #[error("it has signed a tree of {0} leaves that this log does not continue")]
    Ahead(u64),
    /// Its answer is not a cosignature of the checkpoint.
    #[error("its answer is no cosignature")]
    Answer(#[source] CheckpointError),
    /// It cannot be reached.
    #[error("it cannot be reached: {0}")]
    Io(#[from] std::io::Error),
    /// The policy does not say where it is, or this writer may not use the network.
    #[error("its address is not known here")]
    NoAddress,
    /// It refused.
    #[error("it answered {0}")]
    Refused(u16),
    /// A tile that proves the growth is not there.
    #[error("a tile of the log is missing or damaged")]
    Tiles,
}

fn told(failures: &[(String, WitnessFailure)]) -> String {
    let told = failures
        .iter()
        .map(|(name, failure)| format!("; {name}: {failure}"));
    told.collect()
}

/// Adds the cosignatures that the root demands. `known` is the size that witnesses probably saw last.
pub(super) fn cosign<S: Storage>(
    writer: &Writer<S>,
    root: &Root,
    known: u64,
    mut checkpoint: Checkpoint,
) -> Result<Checkpoint, CommitError> {
    let Some(policy) = &root.fields().witness else {
        return Ok(checkpoint);
    };
    let proofs = Proofs {
        writer,
        tree: checkpoint.claimed_tree(),
    };
    let texts = match (&writer.witnesses, request(known, &proofs, &checkpoint)) {
        (Some(ask), Ok(first)) => ask_all(&**ask, policy.witnesses(), |ask, url| {
            question(ask, url, (known, first.clone()), &proofs, &checkpoint)
        }),
        (None, _) => unasked(policy.witnesses(), || WitnessFailure::NoAddress),
        (_, Err(_)) => unasked(policy.witnesses(), || WitnessFailure::Tiles),
    };
    let mut failures = Vec::new();
    for (witness, text) in policy.witnesses().iter().zip(texts) {
        let added = text.and_then(|text| {
            let added = checkpoint.add_cosignatures(&text, &witness.key);
            added.map_err(WitnessFailure::Answer)
        });
        if let Err(failure) = added {
            failures.push((witness.key.name().to_owned(), failure));
        }
    }
    if checkpoint.meets(policy)? {
        return Ok(checkpoint);
    }
    let all = policy.witnesses().len();
    Err(CommitError::Cosign(CosignError {
        have: all - failures.len(),
        all,
        failures,
    }))
}

/// What should be the lines of a witness's cosignatures.
type Answer = Result<String, WitnessFailure>;

/// Asks all witnesses at once: one that is slow does not hold up the others.
fn ask_all(
    ask: &dyn AskWitness,
    witnesses: &[PolicyWitness],
    question: impl Fn(&dyn AskWitness, &str) -> Answer + Sync,
) -> Vec<Answer> {
    let question = &question;
    std::thread::scope(|scope| {
        let threads: Vec<_> = witnesses
            .iter()
            .map(|witness| {
                let url = witness.url.as_deref();
                url.map(|url| scope.spawn(move || question(ask, url)))
            })
            .collect();
        let answer = |thread: Option<std::thread::ScopedJoinHandle<'_, Answer>>| match thread {
            Some(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => Err(WitnessFailure::NoAddress),
        };
        threads.into_iter().map(answer).collect()
    })
}

fn unasked(witnesses: &[PolicyWitness], why: fn() -> WitnessFailure) -> Vec<Answer> {
    witnesses.iter().map(|_| Err(why())).collect()
}

fn request<S: Storage>(
    old: u64,
    proofs: &Proofs<'_, S>,
    checkpoint: &Checkpoint,
) -> Result<Vec<u8>, WitnessFailure> {
    let request = AddCheckpoint {
        old,
        proof: proofs.to(old).ok_or(WitnessFailure::Tiles)?,
        checkpoint: checkpoint.clone(),
    };
    Ok(request.encode())
}

/// Asks one witness, and again from the size that it knows. `first` is the size that it probably
/// knows, and the request from there.
fn question<S: Storage>(
    ask: &dyn AskWitness,
    url: &str,
    first: (u64, Vec<u8>),
    proofs: &Proofs<'_, S>,
    checkpoint: &Checkpoint,
) -> Answer {
    let (mut old, mut body) = first;
    for _ in 0..QUESTIONS {
        match ask.ask(url, &body)? {
            (200, lines) => return Ok(String::from_utf8_lossy(&lines).into_owned()),
            (409, size) => {
                let size = String::from_utf8_lossy(&size);
                let size = decimal(size.trim_end_matches('\n'));
                let size = size.ok_or(WitnessFailure::Refused(409))?;
                // From the size that it has just named: it knows another tree of that size.
                if size > proofs.tree.size || size == old {
                    return Err(WitnessFailure::Ahead(size));
                }
                (old, body) = (size, request(size, proofs, checkpoint)?);
            }
            (422, _) => return Err(WitnessFailure::Ahead(proofs.tree.size)),
            (status, _) => return Err(WitnessFailure::Refused(status)),
        }
    }
    Err(WitnessFailure::Refused(409))
}

/// Consistency proofs to one tree, from the tiles that were just written.
struct Proofs<'a, S> {
    writer: &'a Writer<S>,
    tree: Tree,
}

impl<S: Storage> Proofs<'_, S> {
    fn to(&self, old: u64) -> Option<Vec<Digest>> {
        if old == 0 || old == self.tree.size {
            return Some(Vec::new());
        }
        let nodes = consistency_nodes(old, self.tree.size);
        resolve_nodes(&nodes, |node| {
            let id = TileId::of(node, self.tree.size);
            let read = |path: &str| self.writer.find(path, MAX_TILE_BYTES).ok().flatten();
            let bytes = read(&id.path()).or_else(|| read(&id.full_path()))?;
            let width = usize::try_from(id.size()).ok()?;
            TileId::node(bytes.get(..width)?, node)
        })
    }
}
