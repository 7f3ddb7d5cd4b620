//! Keys that are lost, stolen and replaced, as readers see it.
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::fs;

use support::registry::{
    Backend, DAY, HOUR, LOG, ORIGIN, PUBLISHER, ROOT, Registry, T0, User, artifact, key, package,
    role,
};
use zero_format::{Capabilities, Digest, Minisig, PackageRef, SecretKey};
use zero_registry::{
    Action, Blob, ChainContext, DirStorage, DirWriter, Distrust, ErrorClass, FetchError, HeadError,
    MirrorError, Proposal, Release, ReleaseInfo, RotateError, SignedEvent, Standing, Submission,
    VerifyOptions, anchor, current_root, rotate, verify_registry,
};

const NEW_LOG: u8 = 20;
const NEW_ROOT: u8 = 21;
const NEXT: u8 = 22;

fn request(text: &str) -> PackageRef {
    text.parse().expect("a request")
}

fn example() -> Registry {
    let registry = Registry::new();
    registry.claim("tool", T0);
    registry.release("tool", "1.0.0", T0);
    registry
}

fn storage(registry: &Registry) -> DirStorage {
    DirStorage::new(registry.path())
}

/// A root with another log key that vouches for the log up to `size`, signed but not in force.
fn new_log_key(registry: &Registry, size: Option<u64>) -> Proposal {
    let storage = storage(registry);
    let current = current_root(&storage).unwrap();
    let anchored = anchor(&storage, size).unwrap();
    let mut proposal = Proposal::new(&current.bytes, current.signatures, |fields| {
        fields.log = key(NEW_LOG).public_key();
        fields.anchor = Some(anchored);
    })
    .unwrap();
    proposal.sign(&key(ROOT)).unwrap();
    proposal
}

fn writer(registry: &Registry, log: u8) -> DirWriter {
    DirWriter::open(registry.path(), key(log)).unwrap()
}

/// Adds an event of `tool` that these keys sign.
fn act(registry: &Registry, log: u8, action: Action, blob: Option<Blob>, keys: &[u8]) {
    act_all(registry, log, vec![(action, blob)], keys);
}

/// Adds events of `tool` in one commit.
fn act_all(registry: &Registry, log: u8, actions: Vec<(Action, Option<Blob>)>, keys: &[u8]) {
    let writer = writer(registry, log);
    let roots = writer.roots().unwrap();
    let context = ChainContext::writer(roots.current());
    let mut state = writer.package(&package("tool")).unwrap();
    let keys: Vec<SecretKey> = keys.iter().map(|n| key(*n)).collect();
    let keys: Vec<_> = keys.iter().collect();
    let mut submissions = Vec::new();
    for (action, blob) in actions {
        let body = state.next(&ORIGIN.parse().unwrap(), T0.plus(HOUR), action);
        let event = SignedEvent::sign(&body, &keys).unwrap();
        state = state.apply(&event, &context).unwrap();
        submissions.push(Submission { event, blob });
    }
    writer.commit(&submissions, T0.plus(HOUR)).unwrap();
}

fn sound(registry: &Registry) {
    verify_registry(&storage(registry), VerifyOptions::default()).unwrap();
}

fn head_error(error: &FetchError) -> &HeadError {
    match &error.failures().first().expect("a mirror").error {
        MirrorError::Head(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stolen_log_key_is_replaced_and_what_it_forged_is_let_go() {
    let registry = example();
    // The thief signs a longer log of his own, and a reader happens to see it.
    let thief = registry.copy();
    for hour in 1..5 {
        thief.refresh(T0.plus(hour * HOUR));
    }
    let (theirs, ours) = (Backend::Dir.place(&thief), Backend::Dir.place(&registry));
    let deceived = User::of(&[&theirs]);
    let seen = deceived.client().update(T0.plus(5 * HOUR)).unwrap();
    assert_eq!(seen.head().tree().size, 9);

    rotate(&storage(&registry), &new_log_key(&registry, None), false).unwrap();
    writer(&registry, NEW_LOG)
        .refresh(T0.plus(6 * HOUR))
        .unwrap();
    sound(&registry);

    // The shorter log is trusted again, because the root keys vouch for where it goes on.
    let mut deceived = deceived;
    let now = T0.plus(7 * HOUR);
    deceived.places = vec![ours.location.clone()];
    let trusted = deceived.client().refresh(now).unwrap();
    assert_eq!(
        (trusted.head().tree().size, trusted.root().version()),
        (6, 2)
    );
    assert!(deceived.client().resolve(&request("tool"), now).is_ok());

    // From now on nothing that the old key signs counts, not even with the new root beside it.
    for name in fs::read_dir(registry.path().join("root")).unwrap() {
        let name = name.unwrap().path();
        let target = thief.path().join("root").join(name.file_name().unwrap());
        fs::copy(&name, target).unwrap();
    }
    deceived.places = vec![theirs.location.clone()];
    let refused = deceived.client().refresh(now).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Untrusted);
    assert!(matches!(head_error(&refused), HeadError::Checkpoint(_)));
    let newcomer = User::of(&[&ours]);
    assert!(
        newcomer
            .client()
            .resolve(&request("tool@1.0.0"), now)
            .is_ok()
    );
}

#[test]
fn within_an_epoch_an_older_state_is_still_refused() {
    let registry = example();
    rotate(&storage(&registry), &new_log_key(&registry, None), false).unwrap();
    writer(&registry, NEW_LOG).refresh(T0).unwrap();
    let old = registry.copy();
    writer(&registry, NEW_LOG).refresh(T0.plus(HOUR)).unwrap();
    let (new, old) = (Backend::Dir.place(&registry), Backend::Dir.place(&old));
    let mut user = User::of(&[&new]);
    user.client().update(T0.plus(HOUR)).unwrap();
    user.places = vec![old.location.clone()];
    let refused = user.client().refresh(T0.plus(2 * HOUR)).unwrap_err();
    assert!(matches!(head_error(&refused), HeadError::Stale { .. }));
}

#[test]
fn what_the_thief_committed_here_is_discarded_on_request() {
    let registry = example();
    let honest = writer(&registry, LOG).base().unwrap().tree().size;
    // The thief could write here too: 300 leaves, so that whole tiles must be replaced.
    registry.toggle(300, "1.0.0", T0);
    let proposal = new_log_key(&registry, Some(honest));
    let refused = rotate(&storage(&registry), &proposal, false).unwrap_err();
    assert!(matches!(refused, RotateError::Grown { anchor, .. } if anchor == honest));
    assert!(refused.hint().unwrap().contains("--discard"));
    rotate(&storage(&registry), &proposal, true).unwrap();
    // The thief's key is worth nothing now.
    assert!(DirWriter::open(registry.path(), key(LOG)).is_err());
    let base = writer(&registry, NEW_LOG).base().unwrap();
    assert_eq!(base.tree().size, honest);
    let version: zero_format::Version = "1.0.0".parse().unwrap();
    let again = (0..300).map(|step| {
        let version = version.clone();
        let reason = Some("another history".to_owned());
        let action = if step % 2 == 0 {
            Action::Yank { version, reason }
        } else {
            Action::Unyank { version }
        };
        (action, None)
    });
    act_all(&registry, NEW_LOG, again.collect(), &[PUBLISHER]);
    sound(&registry);
    let place = Backend::Dir.place(&registry);
    let user = User::of(&[&place]);
    assert!(
        user.client()
            .resolve(&request("tool"), T0.plus(2 * HOUR))
            .is_ok()
    );
}

#[test]
fn an_anchor_cannot_go_back_or_name_another_log() {
    let registry = example();
    rotate(&storage(&registry), &new_log_key(&registry, None), false).unwrap();
    writer(&registry, NEW_LOG).refresh(T0).unwrap();
    let other = Registry::new();
    let foreign = anchor(&storage(&other), None).unwrap();
    let current = current_root(&storage(&registry)).unwrap();
    let smaller = anchor(&storage(&registry), Some(1)).unwrap();
    for anchored in [smaller, foreign] {
        let mut proposal = Proposal::new(&current.bytes, current.signatures.clone(), |fields| {
            fields.anchor = Some(anchored);
        })
        .unwrap();
        proposal.sign(&key(ROOT)).unwrap();
        assert!(rotate(&storage(&registry), &proposal, true).is_err());
    }
}

#[test]
fn the_holder_of_the_log_key_cannot_rewrite_what_is_anchored() {
    let registry = example();
    let storage = storage(&registry);
    let current = current_root(&storage).unwrap();
    let anchored = anchor(&storage, None).unwrap();
    let mut proposal = Proposal::new(&current.bytes, current.signatures, |fields| {
        fields.anchor = Some(anchored);
    })
    .unwrap();
    proposal.sign(&key(ROOT)).unwrap();
    rotate(&storage, &proposal, false).unwrap();
    registry.refresh(T0);
    registry.claim("later", T0);
    registry.release("later", "1.0.0", T0);
    let place = Backend::Dir.place(&registry);
    let client = User::of(&[&place]);
    let client = client.client();
    for request in ["tool", "later"] {
        let request: PackageRef = request.parse().unwrap();
        assert!(client.resolve(&request, T0).is_ok(), "{request}");
    }
    let absent = client.resolve(&request("absent"), T0).unwrap_err();
    assert_eq!(absent.class(), ErrorClass::NotFound);
}

/// A release of `tool` and its file, signed by this key.
fn release(version: &str, signer: u8) -> (Action, Option<Blob>) {
    let bytes = artifact("tool", version);
    let bytes = zero_format::sign(&bytes, &[&key(signer)]).unwrap();
    let info = ReleaseInfo {
        version: version.parse().unwrap(),
        sha256: Digest::of(&bytes),
        size: bytes.len() as u64,
        runtime: "0.1.0".parse().unwrap(),
        capabilities: Capabilities::default(),
    };
    let minisig = Minisig::sign(&key(signer), &bytes, "zero");
    (
        Action::Release(Box::new(info)),
        Some(Blob { bytes, minisig }),
    )
}

#[test]
fn a_stolen_release_key_is_distrusted_from_where_it_was_stolen() {
    let registry = example();
    let (action, blob) = release("1.0.1", PUBLISHER);
    act(&registry, LOG, action, blob, &[PUBLISHER]);
    let keys = Action::Keys {
        release: role(&[NEXT], 1),
        admin: role(&[PUBLISHER], 1),
        distrust: vec![Distrust {
            key: key(PUBLISHER).public_key(),
            from: 2,
        }],
    };
    act(&registry, LOG, keys, None, &[PUBLISHER, NEXT]);
    let (action, blob) = release("1.0.2", NEXT);
    act(&registry, LOG, action, blob, &[NEXT]);
    sound(&registry);
    let place = Backend::Dir.place(&registry);
    let user = User::of(&[&place]);
    let now = T0.plus(2 * HOUR);
    let client = user.client();
    let trusted = client.update(now).unwrap();
    let state = client.package(&trusted, &package("tool")).unwrap();
    let standing: Vec<_> = state.releases().iter().map(Release::standing).collect();
    assert_eq!(
        standing,
        [Standing::Good, Standing::Revoked, Standing::Good]
    );
    let resolved = client.resolve(&request("tool"), now).unwrap();
    assert_eq!(resolved.version.to_string(), "1.0.2");
    client.fetch(&resolved).unwrap();
    let forged = client.resolve(&request("tool@1.0.1"), now).unwrap_err();
    assert_eq!(forged.class(), ErrorClass::Untrusted);
}

#[test]
fn lost_keys_are_recovered_by_the_root_keys_in_public() {
    let registry = example();
    let recover = || Action::Recover {
        release: role(&[NEXT], 1),
        admin: role(&[NEXT], 1),
        distrust: Vec::new(),
    };
    act(&registry, LOG, recover(), None, &[ROOT, NEXT]);
    let (action, blob) = release("1.0.1", NEXT);
    act(&registry, LOG, action, blob, &[NEXT]);
    sound(&registry);
    let place = Backend::Dir.place(&registry);
    let user = User::of(&[&place]);
    let now = T0.plus(2 * HOUR);
    let client = user.client();
    let resolved = client.resolve(&request("tool"), now).unwrap();
    assert_eq!(resolved.signers, [key(NEXT).public_key()]);
    // A reader that was pinned to a later root judges the recovery by the root of its time.
    registry.rotate(2, &[NEW_ROOT], &[ROOT, NEW_ROOT]);
    registry.refresh(T0.plus(2 * HOUR));
    let mut late = User::of(&[&place]);
    late.pinned = role(&[NEW_ROOT], 1);
    assert!(
        late.client()
            .resolve(&request("tool"), T0.plus(DAY))
            .is_ok()
    );
}

/// In a bucket there are no locks: the other root comes in where nobody looks any more.
#[test]
fn of_two_roots_of_one_version_the_first_stays() {
    let registry = example();
    let proposal = new_log_key(&registry, None);
    let folder = registry.path().join("root");
    let place = folder.join("2.json");
    let put = place.clone();
    let raced = DirStorage::new(registry.path()).with_hook(move |step| {
        if step == zero_registry::Step::Publish("root/2.json") {
            fs::write(&put, "another root")?;
        }
        Ok(())
    });
    let refused = rotate(&raced, &proposal, false).unwrap_err();
    assert!(
        matches!(refused, RotateError::Outdated { in_force: 2, .. }),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(&place).unwrap(), "another root");
    // Once more is no error, and another one is.
    fs::remove_file(&place).unwrap();
    let storage = storage(&registry);
    rotate(&storage, &proposal, false).unwrap();
    rotate(&storage, &proposal, false).unwrap();
}
