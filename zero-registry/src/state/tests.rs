use zero_format::{Capabilities, Minisig, SecretKey};

use super::*;
use crate::testing::{
    NOW, claim, event, key, name, origin, release_of, role, root, root_fields, root_key, then,
    version, wants_random,
};

fn csvstat() -> PackageState {
    PackageState::empty(&name("csvstat"))
}

/// A claim by one key for both roles.
fn claimed() -> PackageState {
    let state = csvstat();
    let claim = event(&state, claim(&[&key(1)], 1), &[&key(1)]);
    then(state, &claim)
}

fn apply(
    state: &PackageState,
    action: Action,
    keys: &[&SecretKey],
) -> Result<PackageState, StateError> {
    let event = event(state, action, keys);
    state.clone().apply(&event, &ChainContext::writer(&root()))
}

fn release(text: &str) -> Action {
    asking(text, &Capabilities::default())
}

fn asking(text: &str, capabilities: &Capabilities) -> Action {
    release_of(text.as_bytes(), &version(text), capabilities)
}

/// A package with these versions.
fn with(versions: &[&str]) -> PackageState {
    versions.iter().fold(claimed(), |state, version| {
        apply(&state, release(version), &[&key(1)]).unwrap()
    })
}

fn yank(text: &str) -> Action {
    Action::Yank {
        version: version(text),
        reason: None,
    }
}

fn unyank(text: &str) -> Action {
    Action::Unyank {
        version: version(text),
    }
}

fn revoke(text: &str) -> Action {
    Action::Revoke {
        version: version(text),
        reason: Some("it leaks".to_owned()),
    }
}

fn keys(release: Role, admin: Role, distrust: Vec<Distrust>) -> Action {
    Action::Keys {
        release,
        admin,
        distrust,
    }
}

#[test]
fn a_claim_puts_keys_in_force() {
    let state = claimed();
    assert_eq!(state.events(), 1);
    assert!(state.release_role().unwrap().contains(&key(1).public_key()));
    assert!(state.admin_role().is_some() && state.releases().is_empty());
}

#[test]
fn every_new_key_proves_that_somebody_holds_it() {
    let roles = Action::Claim {
        release: role(&[&key(1)], 1),
        admin: role(&[&key(2), &key(3)], 2),
    };
    let all = [key(1), key(2), key(3)];
    let all: Vec<_> = all.iter().collect();
    assert!(apply(&csvstat(), roles.clone(), &all).is_ok());
    let absent = apply(&csvstat(), roles, &all[..2]).unwrap_err();
    assert!(matches!(absent, StateError::Possession(_)));
}

#[test]
fn nothing_precedes_or_repeats_a_claim() {
    let early = apply(&csvstat(), release("1.0.0"), &[&key(1)]);
    assert!(matches!(early, Err(StateError::Unclaimed(_))));
    let again = apply(&claimed(), claim(&[&key(2)], 1), &[&key(2)]).map(|_| ());
    assert!(matches!(again, Err(StateError::Claimed(_))));
}

#[test]
fn events_follow_each_other_exactly() {
    let state = claimed();
    let good = event(&state, release("1.0.0"), &[&key(1)]).body().clone();
    let refused = |change: &dyn Fn(&mut EventBody)| {
        let mut body = good.clone();
        change(&mut body);
        let event = SignedEvent::sign(&body, &[&key(1)]).unwrap();
        state.clone().apply(&event, &ChainContext::writer(&root()))
    };
    assert!(refused(&|_| {}).is_ok());
    assert!(matches!(
        refused(&|body| body.seq = 2),
        Err(StateError::Seq {
            expected: 1,
            found: 2
        })
    ));
    assert!(matches!(
        refused(&|body| body.prev = Some(Digest::of(b"other"))),
        Err(StateError::Prev(_))
    ));
    assert!(matches!(
        refused(&|body| body.name = name("csv-stat")),
        Err(StateError::Name { .. })
    ));
    assert!(matches!(
        refused(&|body| body.origin = "elsewhere.example".parse().unwrap()),
        Err(StateError::Origin { .. })
    ));
}

#[test]
fn thresholds_hold_for_releases() {
    let all = [key(1), key(2), key(3)];
    let all: Vec<_> = all.iter().collect();
    let state = apply(&csvstat(), claim(&all, 2), &all).unwrap();
    assert!(apply(&state, release("1.0.0"), &all[1..]).is_ok());
    let one = apply(&state, release("1.0.0"), &all[..1]);
    assert!(matches!(
        one,
        Err(StateError::Signatures {
            role: "release",
            have: 1,
            need: 2
        })
    ));
    let twice = apply(&state, release("1.0.0"), &[all[0], all[0]]);
    assert!(matches!(twice, Err(StateError::Surplus)));
}

#[test]
fn a_signature_by_a_stranger_spoils_the_event() {
    let stranger = apply(&claimed(), release("1.0.0"), &[&key(1), &key(9)]);
    assert!(matches!(stranger, Err(StateError::Surplus)));
}

#[test]
fn a_signature_over_something_else_spoils_the_event() {
    let state = claimed();
    let event = event(&state, release("1.0.0"), &[&key(1)]);
    let line = String::from_utf8(event.line().to_vec()).unwrap();
    let forged = line.replacen(
        "\\\"version\\\":\\\"1.0.0\\\"",
        "\\\"version\\\":\\\"6.6.6\\\"",
        1,
    );
    assert_ne!(line, forged);
    let forged = SignedEvent::parse(forged.as_bytes()).unwrap();
    let refused = state.apply(&forged, &ChainContext::writer(&root()));
    assert!(matches!(refused, Err(StateError::Surplus)));
}

#[test]
fn every_flipped_bit_of_an_event_is_refused_or_was_never_signed() {
    let state = claimed();
    let event = event(&state, release("1.0.0"), &[&key(1)]);
    for at in 0..event.line().len() {
        for bit in 0..8 {
            let mut flipped = event.line().to_vec();
            flipped[at] ^= 1 << bit;
            let Ok(read) = SignedEvent::parse(&flipped) else {
                continue;
            };
            let Ok(after) = state.clone().apply(&read, &ChainContext::writer(&root())) else {
                continue;
            };
            // Minisign leaves the untrusted comment and the key id unsigned. Such a line says the same,
            // and in a registry its digest gives it away.
            assert_eq!(read.body(), event.body(), "byte {at}");
            assert_ne!(read.digest(), event.digest());
            assert_eq!(after.releases().len(), 1);
        }
    }
}

#[test]
fn a_version_is_published_once() {
    let state = with(&["1.0.0"]);
    for again in ["1.0.0", "1.0.0+build", "1.0.0+build.2"] {
        let refused = apply(&state, release(again), &[&key(1)]);
        assert!(matches!(refused, Err(StateError::Duplicate(_))), "{again}");
    }
    assert!(apply(&state, release("1.0.0-rc.1"), &[&key(1)]).is_ok());
    let revoked = apply(&state, revoke("1.0.0"), &[&key(1)]).unwrap();
    assert!(apply(&revoked, release("1.0.0"), &[&key(1)]).is_err());
}

#[test]
fn new_capabilities_need_a_new_line_of_versions() {
    for (before, after, allowed) in [
        ("1.0.0", "1.0.1", false),
        ("1.0.0", "1.9.0", false),
        ("1.0.0", "2.0.0-rc.1", true),
        ("1.0.0", "2.0.0", true),
        ("1.2.0", "1.1.0", true),
        ("0.1.0", "0.1.1", false),
        ("0.1.0", "0.2.0", true),
        ("0.0.1", "0.0.2", true),
    ] {
        let result = apply(&with(&[before]), asking(after, &wants_random()), &[&key(1)]);
        match result {
            Ok(_) => assert!(allowed, "{before} {after}"),
            Err(StateError::Widened { widenings, .. }) => {
                assert!(!allowed && widenings.len() == 1, "{before} {after}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    let narrower = apply(&claimed(), asking("1.0.0", &wants_random()), &[&key(1)]).unwrap();
    assert!(apply(&narrower, release("1.0.1"), &[&key(1)]).is_ok());
    assert!(apply(&narrower, asking("1.0.1", &wants_random()), &[&key(1)]).is_ok());
}

#[test]
fn a_yank_can_be_taken_back_and_a_revocation_cannot() {
    let state = with(&["1.0.0"]);
    let yanked = apply(&state, yank("1.0.0"), &[&key(1)]).unwrap();
    assert!(yanked.release(&version("1.0.0")).unwrap().is_yanked());
    assert!(matches!(
        apply(&yanked, yank("1.0.0"), &[&key(1)]),
        Err(StateError::Standing {
            standing: Standing::Yanked,
            ..
        })
    ));
    let back = apply(&yanked, unyank("1.0.0"), &[&key(1)]).unwrap();
    assert!(apply(&back, unyank("1.0.0"), &[&key(1)]).is_err());
    for before in [state, yanked, back] {
        let revoked = apply(&before, revoke("1.0.0"), &[&key(1)]).unwrap();
        assert!(revoked.releases()[0].is_revoked());
        for action in [yank("1.0.0"), unyank("1.0.0"), revoke("1.0.0")] {
            assert!(apply(&revoked, action, &[&key(1)]).is_err());
        }
    }
    assert!(matches!(
        apply(&claimed(), yank("1.0.0"), &[&key(1)]),
        Err(StateError::NoRelease(_))
    ));
}

#[test]
fn admin_keys_change_keys_and_release_keys_do_not() {
    let (publisher, admin, next) = (key(1), key(2), key(3));
    let roles = Action::Claim {
        release: role(&[&publisher], 1),
        admin: role(&[&admin], 1),
    };
    let state = apply(&csvstat(), roles, &[&publisher, &admin]).unwrap();
    let change = keys(role(&[&next], 1), role(&[&admin], 1), Vec::new());
    let refused = apply(&state, change.clone(), &[&publisher, &next]);
    assert!(matches!(
        refused,
        Err(StateError::Signatures { role: "admin", .. })
    ));
    let unproven = apply(&state, change.clone(), &[&admin]);
    assert!(matches!(unproven, Err(StateError::Possession(_))));
    let changed = apply(&state, change, &[&admin, &next]).unwrap();
    assert!(apply(&changed, release("1.0.0"), &[&next]).is_ok());
    assert!(apply(&changed, release("1.0.0"), &[&admin]).is_ok());
    assert!(matches!(
        apply(&changed, release("1.0.0"), &[&publisher]),
        Err(StateError::Surplus)
    ));
}

#[test]
fn a_distrusted_key_loses_what_it_signed_from_there_on() {
    let (stolen, admin) = (key(1), key(2));
    let roles = Action::Claim {
        release: role(&[&stolen], 1),
        admin: role(&[&admin], 1),
    };
    let mut state = apply(&csvstat(), roles, &[&stolen, &admin]).unwrap();
    for text in ["1.0.0", "1.1.0", "1.2.0"] {
        state = apply(&state, release(text), &[&stolen]).unwrap();
    }
    let distrust = vec![Distrust {
        key: stolen.public_key(),
        from: 2,
    }];
    let change = keys(role(&[&admin], 1), role(&[&admin], 1), distrust);
    let state = apply(&state, change, &[&admin]).unwrap();
    let standings: Vec<_> = state.releases().iter().map(Release::standing).collect();
    // The release at place 1 is before the cut, the one at place 2 exactly at it.
    assert_eq!(
        standings,
        [Standing::Good, Standing::Revoked, Standing::Revoked]
    );
}

#[test]
fn releases_that_enough_other_keys_signed_survive_distrust() {
    let all = [key(1), key(2), key(3)];
    let all: Vec<_> = all.iter().collect();
    let roles = Action::Claim {
        release: role(&all, 2),
        admin: role(&all[1..2], 1),
    };
    let state = apply(&csvstat(), roles, &all).unwrap();
    let state = apply(&state, release("1.0.0"), &all).unwrap();
    let state = apply(&state, release("1.1.0"), &all[..2]).unwrap();
    let distrust = vec![Distrust {
        key: all[0].public_key(),
        from: 0,
    }];
    let change = keys(role(&all[1..], 1), role(&all[1..2], 1), distrust);
    let state = apply(&state, change, &all[1..2]).unwrap();
    let standings: Vec<_> = state.releases().iter().map(Release::standing).collect();
    assert_eq!(standings, [Standing::Good, Standing::Revoked]);
}

#[test]
fn the_root_recovers_a_package_whose_keys_are_lost() {
    let next = key(5);
    let recover = || Action::Recover {
        release: role(&[&next], 1),
        admin: role(&[&next], 1),
        distrust: Vec::new(),
    };
    let state = with(&["1.0.0"]);
    for keys in [&[&next][..], &[&next, &key(1)]] {
        assert!(matches!(
            apply(&state, recover(), keys),
            Err(StateError::Signatures { role: "root", .. })
        ));
    }
    let state = apply(&state, recover(), &[&root_key(), &next]).unwrap();
    assert!(apply(&state, release("1.0.1"), &[&next]).is_ok());
    assert!(apply(&state, release("1.0.1"), &[&key(1)]).is_err());
    assert!(apply(&csvstat(), recover(), &[&root_key(), &next]).is_err());
}

#[test]
fn claims_obey_the_policy_of_the_root() {
    let gate = key(7);
    let under = |claims| {
        let fields = crate::RootFields {
            claims,
            ..root_fields()
        };
        Root::new(fields).unwrap()
    };
    let attempt = |root: &Root, keys: &[&SecretKey]| {
        let state = csvstat();
        let event = event(&state, claim(&[&key(1)], 1), keys);
        state.apply(&event, &ChainContext::writer(root)).map(|_| ())
    };
    let open = under(ClaimPolicy::Open);
    let by_root = under(ClaimPolicy::Root);
    let by_keys = under(ClaimPolicy::Keys(role(&[&gate], 1)));
    assert!(attempt(&open, &[&key(1)]).is_ok());
    assert!(attempt(&by_root, &[&key(1), &root_key()]).is_ok());
    assert!(attempt(&by_keys, &[&key(1), &gate]).is_ok());
    for root in [&by_root, &by_keys] {
        let refused = attempt(root, &[&key(1)]);
        assert!(matches!(refused, Err(StateError::Policy(_))));
    }
    assert!(matches!(
        attempt(&open, &[&key(1), &gate]),
        Err(StateError::Surplus)
    ));
}

#[test]
fn readers_judge_old_claims_by_the_roots_of_their_time() {
    let mut roots = roots();
    let strict = crate::RootFields {
        version: 2,
        prev: Some(roots.newest_digest()),
        claims: ClaimPolicy::Root,
        ..root_fields()
    };
    let strict = Root::new(strict).unwrap();
    let signature = Minisig::parse(&strict.sign(&root_key())).unwrap();
    roots.extend(&strict.encode(), &[signature]).unwrap();
    let state = csvstat();
    let event = event(&state, claim(&[&key(1)], 1), &[&key(1)]);
    let reader = state.clone().apply(&event, &ChainContext::reader(&roots));
    assert!(reader.is_ok());
    let writer = state.apply(&event, &ChainContext::writer(roots.current()));
    assert!(matches!(writer, Err(StateError::Policy(_))));
}

fn roots() -> Roots {
    let signature = Minisig::parse(&root().sign(&root_key())).unwrap();
    Roots::pin(root().role(), &root().encode(), &[signature]).unwrap()
}

#[test]
fn a_chain_is_replayed_from_its_files() {
    let mut state = csvstat();
    let mut lines = Vec::new();
    let first = event(&state, claim(&[&key(1)], 1), &[&key(1)]);
    state = then(state, &first);
    lines.push(first.line().to_vec());
    for patch in 0..129 {
        let next = event(&state, release(&format!("1.0.{patch}")), &[&key(1)]);
        state = then(state, &next);
        lines.push(next.line().to_vec());
    }
    let files: Vec<_> = lines.chunks(128).map(<[_]>::concat).collect();
    let entry = PackageEntry {
        name: name("csvstat"),
        events: 130,
        segments: files.iter().map(|file| Segment::of(file)).collect(),
    };
    let roots = roots();
    let context = ChainContext::reader(&roots);
    let replayed = PackageState::replay(&entry, &files, &context).unwrap();
    assert_eq!(replayed.releases().len(), 129);
    let next = |state: &PackageState| state.next(&origin(), NOW, yank("1.0.0"));
    assert_eq!(next(&replayed), next(&state));

    let refused = |entry: &PackageEntry, files: &[Vec<u8>]| {
        let replayed = PackageState::replay(entry, files, &context);
        assert!(matches!(replayed, Err(StateError::Chain(_))));
    };
    refused(&entry, &files[..1]);
    let mut damaged = files.clone();
    damaged[0][9] ^= 1;
    refused(&entry, &damaged);
    // Lines that are split elsewhere, or more or fewer than the map says.
    let uneven: Vec<_> = [&lines[..100], &lines[100..]].map(<[_]>::concat).into();
    let segments = uneven.iter().map(|file| Segment::of(file)).collect();
    refused(
        &PackageEntry {
            segments,
            ..entry.clone()
        },
        &uneven,
    );
    refused(
        &PackageEntry {
            events: 129,
            ..entry.clone()
        },
        &files,
    );
    refused(
        &PackageEntry {
            events: 131,
            ..entry
        },
        &files,
    );
}
