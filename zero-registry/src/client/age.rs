//! How long a release has been in the log (spec/registry.md, "Release age").
//!
//! What an event says of its time is its signer's word. What counts here is the time of the snapshot that ended the
//! commit, which stands in the log behind the event: the log's holder gave it, in order, and the tree over both is signed.

use std::collections::{BTreeMap, HashMap};

use zero_format::Digest;

use super::{
    Client, MirrorError, MirrorFailure, MirrorFailures, Trusted, error::FetchError, trust,
};
use crate::limits::MAX_BUNDLE_BYTES;
use crate::log::{Bundle, Suffix, Tree};
use crate::resolve::Young;
use crate::snapshot::Snapshot;
use crate::{Fetched, GetOptions, RegistryPath, Request, Timestamp, Transport, leaf_hash, path};

/// Bundles that are asked for together; the first request asks for one, as recent releases are few.
const BUNDLES: u64 = 16;

/// The leaves that were committed after some time, each with the time of its commit.
type Recent = HashMap<Digest, Timestamp>;

/// Which events of a chain, whose files these are, were committed after `cutoff`.
pub(super) fn young(
    client: &Client,
    trusted: &Trusted,
    chain: &[Vec<u8>],
    cutoff: Timestamp,
) -> Result<Young, FetchError> {
    let recent = recent(client, trusted, cutoff)?;
    let lines = chain
        .iter()
        .flat_map(|file| file.split_inclusive(|byte| *byte == b'\n'));
    Ok((0..)
        .zip(lines)
        .filter_map(|(place, line)| Some((place, *recent.get(&leaf_hash(line))?)))
        .collect())
}

fn recent(client: &Client, trusted: &Trusted, cutoff: Timestamp) -> Result<Recent, FetchError> {
    let head = trusted.head();
    if head.snapshot().time <= cutoff {
        return Ok(Recent::new());
    }
    let registry = client.config.name.clone();
    let what = "the newest entries of the log".to_owned();
    if client.mirrors.is_empty() {
        return Err(FetchError::Offline { registry, what });
    }
    let mut failures = Vec::new();
    for (_, mirror) in client.mirrors.from(trusted.mirror()) {
        match read(mirror, head.tree(), cutoff) {
            Ok(recent) => return Ok(recent),
            Err(error) => failures.push(MirrorFailure {
                location: mirror.location(),
                error,
            }),
        }
    }
    Err(FetchError::Mirrors {
        registry,
        what,
        failures: MirrorFailures(failures),
    })
}

/// A leaf: its hash, and what it says of the time when it is a snapshot.
struct Leaf {
    hash: Digest,
    ends: Option<Timestamp>,
}

/// Reads the log from its end to a commit that is old enough, and checks it against the signed tree.
fn read(mirror: &dyn Transport, tree: Tree, cutoff: Timestamp) -> Result<Recent, MirrorError> {
    let mut bundles = BTreeMap::new();
    let mut first = tree.size.div_ceil(256);
    let mut count = 1;
    while first > 0 {
        let from = first.saturating_sub(count);
        let read = fetch(mirror, tree, from, first)?;
        let old = |leaf: &Leaf| leaf.ends.is_some_and(|time| time <= cutoff);
        let enough = read.iter().flatten().any(old);
        bundles.extend((from..first).zip(read));
        first = from;
        count = BUNDLES;
        if enough {
            break;
        }
    }
    let leaves: Vec<Leaf> = bundles.into_values().flatten().collect();
    let suffix = Suffix::of(tree, first.saturating_mul(256));
    let tiles = trust::tiles(mirror, &suffix.tiles())?;
    let hashes: Vec<_> = leaves.iter().map(|leaf| leaf.hash).collect();
    suffix
        .check(&tiles, &hashes)
        .map_err(|_| MirrorError::Log)?;
    let mut recent = Recent::new();
    let mut commit = None;
    for leaf in leaves.iter().rev() {
        commit = leaf.ends.or(commit);
        match commit {
            // The times of commits never fall, so everything before it is older still.
            Some(time) if time <= cutoff => break,
            Some(time) => recent.insert(leaf.hash, time),
            None => return Err(MirrorError::Log),
        };
    }
    Ok(recent)
}

/// The leaves of the bundles `from..to`.
fn fetch(
    mirror: &dyn Transport,
    tree: Tree,
    from: u64,
    to: u64,
) -> Result<Vec<Vec<Leaf>>, MirrorError> {
    let width = |index: u64| u16::try_from((tree.size - index * 256).min(256)).unwrap_or(256);
    let request = |path: String| {
        RegistryPath::parse(&path).map(|path| Request {
            path,
            options: GetOptions::up_to(MAX_BUNDLE_BYTES),
        })
    };
    let exact: Vec<_> = (from..to)
        .filter_map(|index| request(path::entries(index, width(index))))
        .collect();
    let mut found = Vec::new();
    for ((index, request_), answer) in (from..to).zip(&exact).zip(mirror.get_all(&exact)) {
        let mut answer = answer?;
        if answer == Fetched::NotFound
            && let Some(full) = request(path::entries(index, 256))
        {
            // A partial bundle may be gone once the full one exists.
            answer = mirror.get(&full.path, &full.options)?;
        }
        let path = || request_.path.clone();
        let Fetched::Bytes { bytes, .. } = answer else {
            return Err(MirrorError::Missing { path: path() });
        };
        let bundle = Bundle::decode(&bytes).map_err(|_| MirrorError::Content { path: path() })?;
        let entries = bundle.entries().get(..usize::from(width(index)));
        let entries = entries.ok_or_else(|| MirrorError::Content { path: path() })?;
        found.push(
            entries
                .iter()
                .map(|entry| leaf(entry))
                .collect::<Result<_, _>>()?,
        );
    }
    Ok(found)
}

fn leaf(entry: &[u8]) -> Result<Leaf, MirrorError> {
    let ends = if Snapshot::is_tagged(entry) {
        let snapshot = Snapshot::decode(entry).map_err(|_| MirrorError::Log)?;
        Some(snapshot.time)
    } else {
        None
    };
    Ok(Leaf {
        hash: leaf_hash(entry),
        ends,
    })
}
