//! Package by package: its chain, and the files of its releases.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use sha2::{Digest as _, Sha256};
use zero_format::{Digest, Minisig};

use super::model::{Chain, Model};
use super::{Difference, Files, VerifyOptions};
use crate::RegistryPath;
use crate::artifact::check_artifact;
use crate::limits::{MAX_BLOB_BYTES, MAX_SEGMENT_BYTES, MAX_SIGNATURE_BYTES};
use crate::root::Roots;
use crate::state::{ChainContext, PackageState, Release};
use crate::writer::Storage;

/// What was compared.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) packages: u64,
    pub(super) releases: u64,
    pub(super) blobs: u64,
}

/// Compares all packages, on all processors; of several differences it is the first one, in the
/// order of the map.
pub(super) fn check<S: Storage>(
    files: &Files<'_, S>,
    model: &Model,
    roots: &Roots,
    options: VerifyOptions<'_>,
) -> Result<Counts, Difference> {
    let chains: Vec<&Chain> = model.chains().collect();
    options.watch.phase("packages", len(chains.len()));
    let queue = Queue::default();
    let work = || queue.work(&chains, |chain| check_one(files, chain, roots, options));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<Counts> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let joined = others.into_iter().map(thread::ScopedJoinHandle::join);
        let joined =
            joined.map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(own).chain(joined).collect()
    });
    queue.into_difference().map_or(Ok(()), Err)?;
    Ok(parts.into_iter().fold(Counts::default(), Counts::plus))
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            packages: self.packages + other.packages,
            releases: self.releases + other.releases,
            blobs: self.blobs + other.blobs,
        }
    }
}

/// Hands places out in their order. Whoever finds a difference ends it; what was handed out before is
/// still looked at, so that the first difference is the same on any number of threads.
#[derive(Default)]
struct Queue {
    next: AtomicUsize,
    found: Mutex<Option<(usize, Difference)>>,
}

impl Queue {
    fn work(
        &self,
        chains: &[&Chain],
        check: impl Fn(&Chain) -> Result<Counts, Difference>,
    ) -> Counts {
        let mut counts = Counts::default();
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(chain) = chains.get(place) else {
                return counts;
            };
            match check(chain) {
                Ok(one) => counts = counts.plus(one),
                Err(difference) => {
                    self.next.store(chains.len(), Ordering::Relaxed);
                    self.keep(place, difference);
                }
            }
        }
    }

    fn keep(&self, place: usize, difference: Difference) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.as_ref().is_none_or(|(first, _)| place < *first) {
            *found = Some((place, difference));
        }
    }

    fn into_difference(self) -> Option<Difference> {
        let found = self
            .found
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        found.map(|(_, difference)| difference)
    }
}

fn check_one<S: Storage>(
    files: &Files<'_, S>,
    chain: &Chain,
    roots: &Roots,
    options: VerifyOptions<'_>,
) -> Result<Counts, Difference> {
    let state = read_chain(files, chain, roots)?;
    if options.blobs {
        for release in state.releases() {
            check_blob(files, &state, release)?;
        }
    }
    options.watch.advance();
    let releases = len(state.releases().len());
    Ok(Counts {
        packages: 1,
        releases,
        blobs: if options.blobs { releases } else { 0 },
    })
}

fn len(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Reads a chain, compares it with the log, and folds it under the roots that were in force.
fn read_chain<S: Storage>(
    files: &Files<'_, S>,
    chain: &Chain,
    roots: &Roots,
) -> Result<PackageState, Difference> {
    let entry = chain.entry();
    let mut state = PackageState::empty(&entry.name);
    for segment in &entry.segments {
        let path = RegistryPath::package(&segment.sha256);
        let bytes = files.read(path.as_str(), MAX_SEGMENT_BYTES)?;
        if Digest::from_bytes(Sha256::digest(&bytes).into()) != segment.sha256 {
            return Err(Difference::Content(path.to_string()));
        }
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let failed = |source| Difference::Chain {
                path: path.to_string(),
                source,
            };
            let root = roots.version(chain.root_at(state.events()));
            let root = root.unwrap_or_else(|| roots.current());
            let context = ChainContext::writer(root);
            state = state.apply_line(line, &context).map_err(failed)?;
        }
    }
    Ok(state)
}

fn check_blob<S: Storage>(
    files: &Files<'_, S>,
    state: &PackageState,
    release: &Release,
) -> Result<(), Difference> {
    let path = RegistryPath::blob(&release.sha256());
    let bytes = files.read(path.as_str(), MAX_BLOB_BYTES)?;
    if release.is_revoked() {
        // Its signers may be distrusted by now, and nobody runs it.
        return if Digest::of(&bytes) == release.sha256() {
            Ok(())
        } else {
            Err(Difference::Content(path.to_string()))
        };
    }
    let sidecar = RegistryPath::blob_signature(&release.sha256());
    let max = u64::try_from(MAX_SIGNATURE_BYTES).unwrap_or(u64::MAX);
    let text = files.read(sidecar.as_str(), max)?;
    let signature = Minisig::parse(&String::from_utf8_lossy(&text)).ok();
    let signers = release.signers();
    let holds = signature.is_some_and(|s| signers.iter().any(|key| s.verify(key, &bytes).is_ok()));
    if !holds {
        return Err(Difference::Content(sidecar.to_string()));
    }
    check_artifact(bytes, state.name(), release)
        .map(drop)
        .map_err(|source| Difference::Blob {
            path: path.to_string(),
            source,
        })
}
