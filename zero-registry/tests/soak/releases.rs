//! What is published, and what of it was confirmed.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use zero_format::{Capabilities, Digest, Minisig};
use zero_registry::{
    Action, Blob, ChainContext, ClaimPolicy, PackageState, ReleaseInfo, Root, RootFields,
    SignedEvent, Submission, Timestamp,
};

use super::support::registry::{DAY, LOG, ORIGIN, PUBLISHER, ROOT, artifact, key, package, role};

/// Releases of one package; then the next package begins, so that chains stay short.
const RELEASES: usize = 40;

/// The programs judge times by the clock of this machine.
#[expect(clippy::disallowed_methods, reason = "as a publisher's program does")]
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs())
}

pub(super) fn registry_root() -> Root {
    let fields = RootFields {
        origin: ORIGIN.parse().unwrap(),
        version: 1,
        prev: None,
        expires: now().plus(365 * DAY),
        role: role(&[ROOT], 1),
        log: key(LOG).public_key(),
        head_lifetime: 7 * DAY,
        claims: ClaimPolicy::Open,
        mirrors: Vec::new(),
        witness: None,
        anchor: None,
    };
    Root::new(fields).unwrap()
}

/// The name of a publisher's package of this number.
pub(super) fn name(publisher: &str, number: usize) -> String {
    format!("{publisher}-{number}")
}

/// Whether a package has all releases that it is to have.
pub(super) fn is_full(state: &PackageState) -> bool {
    state.releases().len() >= RELEASES
}

/// A package's next release, with the claim where it is the first: what to send, and the state then.
pub(super) fn next(state: &PackageState) -> (PackageState, Vec<Submission>) {
    let root = registry_root();
    let context = ChainContext::writer(&root);
    let mut actions = Vec::new();
    if state.events() == 0 {
        let role = role(&[PUBLISHER], 1);
        let (release, admin) = (role.clone(), role);
        actions.push((Action::Claim { release, admin }, None));
    }
    let version = format!("1.0.{}", state.releases().len());
    let bytes = artifact(state.name().as_str(), &version);
    let release = ReleaseInfo {
        version: version.parse().unwrap(),
        sha256: Digest::of(&bytes),
        size: bytes.len() as u64,
        runtime: "0.1.0".parse().unwrap(),
        capabilities: Capabilities::default(),
    };
    let minisig = Minisig::sign(&key(PUBLISHER), &bytes, "zero");
    let blob = Blob { bytes, minisig };
    actions.push((Action::Release(Box::new(release)), Some(blob)));
    let mut state = state.clone();
    let mut submissions = Vec::new();
    for (action, blob) in actions {
        let body = state.next(root.origin(), now(), action);
        let event = SignedEvent::sign(&body, &[&key(PUBLISHER)]).unwrap();
        state = state.apply(&event, &context).unwrap();
        submissions.push(Submission { event, blob });
    }
    (state, submissions)
}

/// The newest release of a state, as a line: its package, its version, its digest.
pub(super) fn newest_line(state: &PackageState) -> String {
    let release = state.releases().last().unwrap();
    format!(
        "{} {} {}",
        state.name(),
        release.version(),
        release.sha256()
    )
}

/// The releases of a state, which are numbered without a gap.
pub(super) fn of(state: &PackageState) -> BTreeMap<String, String> {
    let releases = state
        .releases()
        .iter()
        .enumerate()
        .map(|(number, release)| {
            let version = release.version().to_string();
            assert_eq!(version, format!("1.0.{number}"), "{}", state.name());
            (version, release.sha256().to_hex())
        });
    releases.collect()
}

/// Releases, by package and version, that somebody was told are in the log.
#[derive(Debug, Default)]
pub(super) struct Confirmed(Mutex<BTreeMap<String, BTreeMap<String, String>>>);

impl Confirmed {
    /// Notes a line of [`newest_line`].
    pub(super) fn add_line(&self, line: &str) {
        let [name, version, digest] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("three words: {line}");
        };
        assert_eq!(package(name).as_str(), name);
        let mut all = self.0.lock().unwrap();
        let releases = all.entry(name.to_owned()).or_default();
        let old = releases.insert(version.to_owned(), digest.to_owned());
        assert_eq!(old, None, "{line}: confirmed twice");
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap().values().map(BTreeMap::len).sum()
    }

    /// By package, the highest number of a release that was confirmed.
    pub(super) fn newest(&self) -> BTreeMap<String, u64> {
        let all = self.0.lock().unwrap();
        let newest = all.iter().map(|(name, releases)| {
            let numbers = releases.keys().map(|version| patch(version));
            (name.clone(), numbers.max().unwrap_or(0))
        });
        newest.collect()
    }

    /// All of them must be among those found.
    pub(super) fn assert_in(&self, found: &BTreeMap<String, BTreeMap<String, String>>) {
        for (name, releases) in &*self.0.lock().unwrap() {
            for (version, digest) in releases {
                let there = found.get(name).and_then(|there| there.get(version));
                assert_eq!(there, Some(digest), "{name} {version} is lost");
            }
        }
    }
}

/// The number of a release.
pub(super) fn patch(version: &str) -> u64 {
    version.rsplit('.').next().unwrap().parse().unwrap()
}
