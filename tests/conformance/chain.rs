//! `spec/vectors/{chain,resolve}`: the events of a package, one after the other, and the release that a request means.

use std::collections::BTreeMap;

use zero_format::{Digest, Version, VersionReq};
use zero_registry::{
    ChainContext, PackageEntry, PackageState, Root, Segment, SignedEvent, Standing, StateError,
    Young, resolve,
};

use crate::class::class;
use crate::index::{Vector, check, read, vectors};

const AREA: &str = "chain";

fn root(vector: &Vector) -> Root {
    Root::decode(&read(AREA, &vector.get::<String>("root"))).expect("a root of the vectors")
}

fn judge(vector: &Vector, root: &Root, bytes: &[u8]) -> Result<PackageState, String> {
    let name = vector.get::<String>("name").parse().expect("a name");
    apply(PackageState::empty(&name), root, bytes)
}

fn apply(mut state: PackageState, root: &Root, bytes: &[u8]) -> Result<PackageState, String> {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let event = SignedEvent::parse(line).map_err(|error| format!("event-{}", class(&error)))?;
        state = state
            .apply(&event, &ChainContext::writer(root))
            .map_err(|error| class(&error))?;
    }
    Ok(state)
}

fn bytes(vector: &Vector) -> Vec<u8> {
    read(AREA, vector.file.as_deref().expect("a file"))
}

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        let state = judge(vector, &root(vector), &bytes(vector))?;
        let word = |standing| match standing {
            Standing::Good => "good",
            Standing::Yanked => "yanked",
            Standing::Revoked => "revoked",
        };
        let releases: BTreeMap<String, String> = state
            .releases()
            .iter()
            .map(|release| {
                (
                    release.version().to_string(),
                    word(release.standing()).to_owned(),
                )
            })
            .collect();
        assert_eq!(releases, vector.get("releases"), "{}", vector.name());
        Ok(())
    });
}

/// The map pins a chain by digest and number of events.
#[test]
fn no_change_and_no_cut_of_a_good_chain_is_the_one_that_the_map_lists() {
    for vector in vectors(AREA).iter().filter(|vector| vector.is_good()) {
        let (root, whole) = (root(vector), bytes(vector));
        let lines = whole.split_inclusive(|byte| *byte == b'\n').count();
        let entry = PackageEntry {
            name: vector.get::<String>("name").parse().expect("a name"),
            events: lines as u64,
            segments: vec![Segment {
                sha256: Digest::of(&whole),
                size: whole.len() as u64,
            }],
        };
        let replay =
            |bytes: &[u8]| PackageState::replay(&entry, &[bytes], &ChainContext::writer(&root));
        assert!(replay(&whole).is_ok(), "{}", vector.name());
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 1;
            }
            let cut = whole.get(..at).unwrap_or_default();
            assert!(
                matches!(replay(&changed), Err(StateError::Chain(_))),
                "{}: {at}",
                vector.name()
            );
            assert!(
                matches!(replay(cut), Err(StateError::Chain(_))),
                "{} cut to {at}",
                vector.name()
            );
        }
    }
}

/// Without the map: a change in the last line is found by its signatures or is in what they do not cover.
///
/// Harmless changes: those of the untrusted comment of a signature. They make another line, which the log and the map
/// would have to list.
#[test]
fn no_change_of_an_event_keeps_its_meaning_unless_it_is_in_an_untrusted_comment() {
    let vectors = vectors(AREA);
    let vector = vectors
        .iter()
        .find(|vector| vector.name() == "release.jsonl")
        .expect("a release");
    let (root, whole) = (root(vector), bytes(vector));
    let good = judge(vector, &root, &whole).expect("a good chain");
    let start = whole.iter().position(|byte| *byte == b'\n').unwrap_or(0) + 1;
    let claim = whole.get(..start).unwrap_or_default();
    let claimed = judge(vector, &root, claim).expect("a good claim");
    let text = String::from_utf8(whole.clone()).expect("UTF-8");
    let comment =
        text.rfind("untrusted comment: ").expect("a comment") + "untrusted comment: ".len();
    let comment = comment
        ..comment
            + text
                .get(comment..)
                .and_then(|rest| rest.find('\\'))
                .unwrap_or(0);
    for at in start..whole.len() {
        for change in [0x01, 0x02, 0x04, 0x20, 0x80] {
            let mut changed = whole.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= change;
            }
            let last = changed.get(start..).unwrap_or_default();
            if let Ok(state) = apply(claimed.clone(), &root, last) {
                assert!(comment.contains(&at), "byte {at} ^ {change}");
                assert_eq!(state.releases().len(), good.releases().len());
            }
        }
    }
}

#[test]
fn every_request_means_the_release_that_it_must() {
    let root = Root::decode(&read("resolve", "root.json")).expect("a root");
    let name = "acme/tool".parse().expect("a name");
    let chain = read("resolve", "chain.jsonl");
    let state = chain.split_inclusive(|byte| *byte == b'\n').fold(
        PackageState::empty(&name),
        |state, line| {
            let event = SignedEvent::parse(line).expect("an event");
            state
                .apply(&event, &ChainContext::writer(&root))
                .expect("a good chain")
        },
    );
    check(&vectors("resolve"), |vector| {
        let request: VersionReq = vector
            .get::<String>("request")
            .parse()
            .expect("a requirement");
        let lock: Option<Version> = vector.find("lock");
        let release = resolve(&state, &request, lock.as_ref(), &Young::default())
            .map_err(|error| class(&error))?;
        assert_eq!(*release.version(), vector.get::<Version>("version"));
        Ok(())
    });
}
