//! From what is stored and what mirrors say to the state that may be acted on.
//!
//! TUF's workflow: newer roots first, then the head under the root in force, never an older state
//! than one seen before, nothing expired, and no continuation that rewrites what came before.

use std::collections::BTreeMap;

use super::{
    Client,
    error::{FetchError, MirrorError, MirrorFailure, MirrorFailures},
    roots::KnownRoots,
    stored::{HeadTag, MAX_BYTES, Seen, Stored, identity},
};
use crate::{
    Fetched, GetOptions, Head, HeadCheck, HeadError, PendingHead, RegistryPath, Request, Root,
    Roots, TileId, Timestamp, Transport, Tree, VerifiedHead,
    limits::{MAX_CLOCK_SKEW, MAX_HEAD_BYTES, MAX_TILE_BYTES},
};

/// A state of the registry that may be acted on.
#[derive(Clone, Debug)]
pub struct Trusted {
    roots: Roots,
    head: VerifiedHead,
    checked_at: Timestamp,
    mirror: usize,
    /// No mirror was asked for it: it is the state of an earlier call.
    remembered: bool,
}

impl Trusted {
    /// The root in force.
    pub fn root(&self) -> &Root {
        self.roots.current()
    }

    /// All roots known.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The newest state of log and map.
    pub fn head(&self) -> &VerifiedHead {
        &self.head
    }

    /// Whether it is the state of an earlier call, so that a mirror may have a newer one.
    pub(super) fn is_remembered(&self) -> bool {
        self.remembered
    }

    /// When a mirror last confirmed that this is the newest state.
    pub fn checked_at(&self) -> Timestamp {
        self.checked_at
    }

    pub(super) fn mirror(&self) -> usize {
        self.mirror
    }
}

/// What was trusted before, verified again.
struct Memory {
    known: KnownRoots,
    stored: Stored,
    seen: Option<Seen>,
}

/// What a mirror gave.
struct Answer {
    head: VerifiedHead,
    text: String,
    etag: Option<String>,
}

pub(super) fn update(
    client: &Client,
    now: Timestamp,
    refresh: bool,
) -> Result<Trusted, FetchError> {
    let memory = remember(client)?;
    if let Some(memory) = &memory {
        check_clock(client, memory, now)?;
        if !refresh
            && is_fresh(client, memory, now)
            && let Ok(trusted) = from_memory(memory, now)
        {
            return Ok(trusted);
        }
    }
    if client.mirrors.is_empty() {
        return offline(client, memory.as_ref(), now);
    }
    let mut known = memory.as_ref().map(|memory| memory.known.clone());
    let mut failures = Vec::new();
    for (place, mirror) in client.mirrors.from(0) {
        match ask(client, mirror, &mut known, memory.as_ref(), now) {
            Ok((answer, known)) => {
                let tag = answer.etag.map(|etag| HeadTag {
                    location: mirror.location(),
                    etag,
                });
                let mut stored = Stored::new(known.files, now);
                stored.head = Some(answer.text);
                stored.tag = tag;
                keep(client, &stored, &known.roots)?;
                return Ok(Trusted {
                    roots: known.roots,
                    head: answer.head,
                    checked_at: now,
                    mirror: place,
                    remembered: false,
                });
            }
            Err(error) => failures.push(MirrorFailure {
                location: mirror.location(),
                error,
            }),
        }
    }
    keep_roots(client, memory.as_ref(), known)?;
    Err(FetchError::Mirrors {
        registry: client.config.name.clone(),
        what: "the head".to_owned(),
        failures: MirrorFailures(failures),
    })
}

fn remember(client: &Client) -> Result<Option<Memory>, FetchError> {
    let id = identity(&client.config.origin, &client.config.pinned);
    let Some(bytes) = client.store.trusted(&id, MAX_BYTES)? else {
        return Ok(None);
    };
    // Forgetting a damaged memory would forget what protects against a rollback: the user decides.
    let damaged = |source| FetchError::State {
        registry: client.config.name.clone(),
        path: client.store.trusted_path(&id),
        source,
    };
    let stored = Stored::decode(&bytes).map_err(|error| damaged(Box::new(error)))?;
    let known = KnownRoots::load(&client.config, stored.roots.clone())
        .map_err(|error| damaged(Box::new(error)))?;
    let seen = stored
        .seen(&known.roots)
        .map_err(|error| damaged(Box::new(error)))?;
    Ok(Some(Memory {
        known,
        stored,
        seen,
    }))
}

fn check_clock(client: &Client, memory: &Memory, now: Timestamp) -> Result<(), FetchError> {
    let Some(seen) = &memory.seen else {
        return Ok(());
    };
    let seen = seen.head.snapshot().time;
    if seen <= now.plus(MAX_CLOCK_SKEW) {
        return Ok(());
    }
    Err(FetchError::Clock {
        registry: client.config.name.clone(),
        seen,
        now,
    })
}

fn is_fresh(client: &Client, memory: &Memory, now: Timestamp) -> bool {
    let checked = memory.stored.checked_at;
    // A check in the future was made under a wrong clock, then or now: ask.
    checked <= now.plus(MAX_CLOCK_SKEW) && now.since(checked) < client.config.fresh.as_secs()
}

impl Memory {
    /// What must not be undone under these roots.
    fn tree(&self, roots: &Roots) -> Option<Tree> {
        self.seen.as_ref().and_then(|seen| seen.tree(roots))
    }
}

/// The stored state as it is, if it still holds.
fn from_memory(memory: &Memory, now: Timestamp) -> Result<Trusted, HeadError> {
    let text = memory.stored.head.as_deref().unwrap_or_default();
    let head = Head::decode(text.as_bytes())?;
    let head = match head.verify(
        memory.known.roots.current(),
        memory.tree(&memory.known.roots),
        now,
    )? {
        HeadCheck::Verified(head) => head,
        // A newer root has an anchor beyond the stored head.
        HeadCheck::Grown(_) => return Err(HeadError::Form("it is not the one that was kept")),
    };
    Ok(Trusted {
        roots: memory.known.roots.clone(),
        head,
        checked_at: memory.stored.checked_at,
        mirror: 0,
        remembered: true,
    })
}

fn offline(
    client: &Client,
    memory: Option<&Memory>,
    now: Timestamp,
) -> Result<Trusted, FetchError> {
    let registry = client.config.name.clone();
    match memory {
        Some(memory) if memory.stored.head.is_some() => {
            from_memory(memory, now).map_err(|source| FetchError::OfflineStale {
                registry,
                source: Box::new(source),
            })
        }
        _ => Err(FetchError::Offline {
            registry,
            what: "the head".to_owned(),
        }),
    }
}

/// One mirror's state, if it may be trusted. Roots that it had are kept in `known` in any case.
fn ask(
    client: &Client,
    mirror: &dyn Transport,
    known: &mut Option<KnownRoots>,
    memory: Option<&Memory>,
    now: Timestamp,
) -> Result<(Answer, KnownRoots), MirrorError> {
    let request = head_request(mirror, memory);
    let head = if known.is_some() {
        mirror.get(&request.path, &request.options)
    } else {
        let (first, head) = KnownRoots::first(&client.config, mirror, request)?;
        *known = Some(first);
        head
    };
    let (text, etag) = match head? {
        Fetched::Bytes { bytes, etag } => {
            let text = String::from_utf8(bytes).map_err(|_| HeadError::Form("it is not UTF-8"))?;
            (text, etag)
        }
        Fetched::NotModified => {
            let stored = memory.map(|memory| &memory.stored);
            let text = stored.and_then(|stored| stored.head.clone());
            let tag = stored.and_then(|stored| stored.tag.clone());
            (text.unwrap_or_default(), tag.map(|tag| tag.etag))
        }
        Fetched::NotFound => {
            return Err(MirrorError::Missing {
                path: RegistryPath::head(),
            });
        }
    };
    let known = known
        .as_mut()
        .expect("first contact gives roots or an error");
    let head = judge(mirror, known, &text, memory, now)?;
    Ok((Answer { head, text, etag }, known.clone()))
}

/// A conditional question only where the same mirror gave the stored head.
fn head_request(mirror: &dyn Transport, memory: Option<&Memory>) -> Request {
    let tag = memory
        .and_then(|memory| memory.stored.tag.as_ref())
        .filter(|tag| tag.location == mirror.location());
    Request {
        path: RegistryPath::head(),
        options: GetOptions {
            max_bytes: MAX_HEAD_BYTES,
            etag: tag.map(|tag| tag.etag.clone()),
        },
    }
}

/// The head under the root in force, which may be one that the mirror has and we have not.
fn judge(
    mirror: &dyn Transport,
    known: &mut KnownRoots,
    text: &str,
    memory: Option<&Memory>,
    now: Timestamp,
) -> Result<VerifiedHead, MirrorError> {
    let head = Head::decode(text.as_bytes())?;
    while head.claimed_root() > known.roots.current().version() {
        if !known.advance(mirror)? {
            // In the middle of an update: the head is there already, its root is not.
            return Err(MirrorError::Missing {
                path: RegistryPath::root(known.roots.current().version().saturating_add(1)),
            });
        }
    }
    let check = loop {
        let stored = memory.and_then(|memory| memory.tree(&known.roots));
        match head.verify(known.roots.current(), stored, now) {
            Ok(check) => break check,
            // Another log key or a later expiry may stand in a root that we have not seen.
            Err(error) if is_cured_by_a_root(&error) => {
                if !known.advance(mirror)? {
                    return Err(error.into());
                }
            }
            Err(error) => return Err(error.into()),
        }
    };
    match check {
        HeadCheck::Verified(head) => Ok(head),
        HeadCheck::Grown(pending) => consistent(mirror, pending),
    }
}

fn is_cured_by_a_root(error: &HeadError) -> bool {
    matches!(
        error,
        HeadError::Checkpoint(_)
            | HeadError::Lifetime { .. }
            | HeadError::RootExpired { .. }
            | HeadError::Quorum
    )
}

/// Whether the log only grew, by the tiles that prove it.
fn consistent(mirror: &dyn Transport, pending: PendingHead) -> Result<VerifiedHead, MirrorError> {
    let tiles = tiles(mirror, &pending.tiles())?;
    Ok(pending.check(&tiles)?)
}

/// Tiles of the log, as they lie there: whoever uses them checks what follows from them.
pub(super) fn tiles(
    mirror: &dyn Transport,
    ids: &[TileId],
) -> Result<BTreeMap<TileId, Vec<u8>>, MirrorError> {
    let mut tiles = BTreeMap::new();
    let requests = |paths: Vec<String>| -> Vec<Request> {
        paths
            .iter()
            .filter_map(|path| RegistryPath::parse(path))
            .map(|path| Request {
                path,
                options: GetOptions::up_to(MAX_TILE_BYTES),
            })
            .collect()
    };
    let exact = requests(ids.iter().map(TileId::path).collect());
    let mut partial = Vec::new();
    for (id, answer) in ids.iter().zip(mirror.get_all(&exact)) {
        match answer? {
            Fetched::Bytes { bytes, .. } => {
                tiles.insert(*id, bytes);
            }
            // A partial tile may be gone once the full one exists.
            _ => partial.push(*id),
        }
    }
    let full = requests(partial.iter().map(TileId::full_path).collect());
    for ((id, request), answer) in partial.iter().zip(&full).zip(mirror.get_all(&full)) {
        match answer? {
            Fetched::Bytes { bytes, .. } => {
                tiles.insert(*id, bytes);
            }
            _ => {
                return Err(MirrorError::Missing {
                    path: request.path.clone(),
                });
            }
        }
    }
    Ok(tiles)
}

/// Writes the new memory, unless another process has written a newer one in the meantime.
fn keep(client: &Client, new: &Stored, roots: &Roots) -> Result<(), FetchError> {
    let id = identity(&client.config.origin, &client.config.pinned);
    client.store.update_trusted(&id, MAX_BYTES, |old| {
        let newer = old
            .and_then(|old| Stored::decode(&old).ok())
            .filter(|old| old.roots.len() > new.roots.len() || old.size(roots) > new.size(roots));
        Ok(newer.is_none().then(|| new.encode()))
    })
}

/// A rotation that was seen is not forgotten, though no mirror had a head that holds.
fn keep_roots(
    client: &Client,
    memory: Option<&Memory>,
    known: Option<KnownRoots>,
) -> Result<(), FetchError> {
    let Some(known) = known else {
        return Ok(());
    };
    let mut stored = match memory {
        Some(memory) if memory.known.files.len() >= known.files.len() => return Ok(()),
        Some(memory) => memory.stored.clone(),
        None => Stored::new(Vec::new(), Timestamp::from_seconds(0)),
    };
    stored.roots = known.files;
    keep(client, &stored, &known.roots)
}
