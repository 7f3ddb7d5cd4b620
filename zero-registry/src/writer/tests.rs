use std::collections::BTreeMap;

use zero_format::{Capabilities, Digest};

use super::*;
use crate::limits::{MAX_EVENT_AGE, MAX_EVENT_AHEAD, MAX_HEAD_BYTES, SEGMENT_LINES};
use crate::testing::{
    Memory, NOW, WEEK, artifact, claim, debut, directory, event, key, log_key, name, origin,
    publish, release, release_of, root, root_fields, root_key, start, then, version,
};
use crate::{
    Action, ChainContext, Head, HeadCheck, MapStep, MapWalk, RegistryPath, Root, RootFields,
    SignedEvent, StateError, Tree, VerifyOptions, verify_registry,
};

mod failure;
mod folder;

/// What a reader makes of the files as they are now: the tree, and a package through the map.
fn read(memory: &Memory, stored: Option<Tree>, package: &str) -> (Tree, Option<PackageState>) {
    let head = memory.get("head");
    let check = Head::decode(&head).unwrap().verify(&root(), stored, NOW);
    let head = match check.unwrap() {
        HeadCheck::Verified(head) => head,
        HeadCheck::Grown(pending) => {
            let mut tiles = BTreeMap::new();
            for id in pending.tiles() {
                let partial = memory.get(&id.path());
                let full = memory.get(&id.full_path());
                tiles.insert(id, if partial.is_empty() { full } else { partial });
            }
            pending.check(&tiles).unwrap()
        }
    };
    let mut walk = MapWalk::new(&head.snapshot().map, &name(package));
    let entry = loop {
        let page = RegistryPath::map_page(&walk.page().sha256);
        match walk.step(&memory.get(page.as_str())).unwrap() {
            MapStep::Fetch(next) => walk = next,
            MapStep::Found(entry) => break entry,
            MapStep::Absent => return (head.tree(), None),
        }
    };
    let paths = entry.segments.iter();
    let paths = paths.map(|segment| RegistryPath::package(&segment.sha256));
    let files: Vec<_> = paths.map(|path| memory.get(path.as_str())).collect();
    let root = root();
    let state = PackageState::replay(&entry, &files, &ChainContext::writer(&root)).unwrap();
    for release in state.releases() {
        let blob = memory.get(RegistryPath::blob(&release.sha256()).as_str());
        assert_eq!(Digest::of(&blob), release.sha256());
    }
    (head.tree(), Some(state))
}

fn verified(storage: &impl Storage) -> crate::Report {
    verify_registry(storage, VerifyOptions::default()).unwrap()
}

#[test]
fn a_new_registry_is_empty_and_sound() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    let (tree, nothing) = read(&memory, None, "csvstat");
    assert!(tree.size == 1 && nothing.is_none());
    let report = verified(&memory);
    assert_eq!((report.leaves, report.commits, report.packages), (1, 1, 0));
    let init = Init::signed(root(), &[&root_key()]).unwrap();
    let again = init_at(memory, &init, log_key(), NOW);
    assert!(matches!(again, Err(InitError::Exists)));
    assert_eq!(writer.base().unwrap().tree(), tree);
}

#[test]
fn a_registry_is_made_with_its_own_keys_only() {
    let stranger = Init::signed(root(), &[&key(9)]);
    assert!(matches!(stranger, Err(InitError::Root(_))));
    let init = Init::signed(root(), &[&root_key()]).unwrap();
    let wrong = init_at(Memory::default(), &init, key(9), NOW);
    assert!(matches!(
        wrong,
        Err(InitError::Commit(CommitError::LogKey { .. }))
    ));
    let none = Writer::with_storage(Memory::default(), log_key());
    assert!(matches!(none, Err(CommitError::NoRegistry)));
}

#[test]
fn published_packages_are_found_and_grow() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    let csvstat = name("csvstat");
    let first = publish(&writer, &csvstat, "1.0.0", &key(1)).unwrap();
    assert_eq!((first.first, first.tree.size), (1, 4));
    let (before, _) = read(&memory, None, "csvstat");
    publish(&writer, &csvstat, "1.1.0", &key(1)).unwrap();
    publish(&writer, &name("tools/hamming"), "0.1.0", &key(2)).unwrap();
    let (after, state) = read(&memory, Some(before), "csvstat");
    assert_eq!(state.unwrap().releases().len(), 2);
    assert!(read(&memory, Some(after), "tools/hamming").1.is_some());
    assert!(read(&memory, Some(after), "absent").1.is_none());
    let report = verified(&memory);
    assert_eq!((report.packages, report.releases, report.blobs), (2, 3, 3));
}

#[test]
fn a_refresh_prolongs_a_head() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    let later = NOW.plus(WEEK);
    let commit = writer.refresh(later).unwrap();
    assert_eq!(commit.snapshot.expires, later.plus(WEEK));
    // A clock that was set back does not take time back.
    let back = writer.refresh(NOW).unwrap();
    assert_eq!(back.snapshot.time, later);
    verified(&memory);
}

#[test]
fn events_that_cannot_follow_are_refused_as_a_whole() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    let before = memory.get("head");
    let mut batch = debut(&name("csvstat"), "1.0.0", &key(1));
    batch.extend(debut(&name("csvstat"), "1.1.0", &key(2)));
    let refused = writer.commit(&batch, NOW).unwrap_err();
    assert!(matches!(
        refused,
        CommitError::Event {
            index: 2,
            source: StateError::Claimed(_)
        }
    ));
    assert_eq!(memory.get("head"), before);
    assert!(writer.package(&name("csvstat")).unwrap().events() == 0);
}

#[test]
fn events_of_another_time_are_refused() {
    let writer = start(Memory::default());
    let batch = debut(&name("csvstat"), "1.0.0", &key(1));
    for time in [NOW.plus(MAX_EVENT_AGE + 1), NOW.minus(MAX_EVENT_AHEAD + 1)] {
        let refused = writer.commit(&batch, time);
        // The registry's own clock does not run backwards, so only the late one is refused here.
        assert_eq!(refused.is_err(), time > NOW);
        if let Err(error) = refused {
            assert!(matches!(error, CommitError::Time { index: 0, .. }));
        }
    }
}

#[test]
fn a_release_needs_the_file_that_it_announces() {
    let writer = start(Memory::default());
    let nothing = Capabilities::default();
    let (csvstat, v1) = (name("csvstat"), version("1.0.0"));
    let good = artifact(&csvstat, &v1, &nothing, &[&key(1)]);
    let attempt = |file: &[u8], announced: &[u8], minisig: &str| {
        let state = PackageState::empty(&csvstat);
        let claim = event(&state, claim(&[&key(1)], 1), &[&key(1)]);
        let state = then(state, &claim);
        let release = event(&state, release_of(announced, &v1, &nothing), &[&key(1)]);
        let batch = [
            Submission {
                event: claim,
                blob: None,
            },
            Submission {
                event: release,
                blob: Some(Blob {
                    bytes: file.to_vec(),
                    minisig: minisig.to_owned(),
                }),
            },
        ];
        match writer.commit(&batch, NOW) {
            Err(CommitError::Blob { index: 1, source }) => source,
            other => panic!("{other:?}"),
        }
    };
    let sign = |file: &[u8]| zero_format::Minisig::sign(&key(1), file, "test");
    let other = artifact(&name("other"), &v1, &nothing, &[&key(1)]);
    let newer = artifact(&csvstat, &version("1.0.1"), &nothing, &[&key(1)]);
    let asking = artifact(&csvstat, &v1, &crate::testing::wants_random(), &[&key(1)]);
    let stranger = artifact(&csvstat, &v1, &nothing, &[&key(9)]);
    for (file, announced) in [
        (&other, &other),
        (&newer, &newer),
        (&asking, &asking),
        (&stranger, &stranger),
        (&good, &other),
        (&b"\0asm\x01\0\0\0".to_vec(), &b"\0asm\x01\0\0\0".to_vec()),
    ] {
        assert!(matches!(
            attempt(file, announced, &sign(file)),
            BlobError::Artifact(_)
        ));
    }
    for minisig in [
        "",
        &sign(b"other"),
        &zero_format::Minisig::sign(&key(9), &good, "test"),
    ] {
        assert!(matches!(
            attempt(&good, &good, minisig),
            BlobError::Sidecar(_)
        ));
    }
}

#[test]
fn a_file_that_is_nowhere_is_missed() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    let mut batch = debut(&name("csvstat"), "1.0.0", &key(1));
    batch[1].blob = None;
    assert!(matches!(
        writer.commit(&batch, NOW),
        Err(CommitError::Blob {
            index: 1,
            source: BlobError::Missing(_)
        })
    ));
    let elsewhere = Writer::with_storage(memory.alive(), log_key()).unwrap();
    elsewhere.without_blobs().commit(&batch, NOW).unwrap();
    let files = VerifyOptions {
        blobs: false,
        ..VerifyOptions::default()
    };
    assert_eq!(verify_registry(&memory, files).unwrap().releases, 1);
    assert!(verify_registry(&memory, VerifyOptions::default()).is_err());
}

#[test]
fn chains_go_on_in_new_segments() {
    let memory = Memory::default();
    let writer = start(memory.clone()).without_blobs();
    let csvstat = name("csvstat");
    let mut state = PackageState::empty(&csvstat);
    let first = event(&state, claim(&[&key(1)], 1), &[&key(1)]);
    state = then(state, &first);
    let mut events = vec![first];
    for patch in 0..300 {
        let version = version(&format!("1.0.{patch}"));
        let action = release_of(b"file", &version, &Capabilities::default());
        let next = event(&state, action, &[&key(1)]);
        state = then(state, &next);
        events.push(next);
    }
    // Portions that end before, at and after the end of a segment.
    let mut rest = events.as_slice();
    for portion in [1, 126, 1, 1, 127, 45] {
        let (now, later) = rest.split_at(portion);
        let batch: Vec<_> = now.iter().map(without_blob).collect();
        writer.commit(&batch, NOW).unwrap();
        rest = later;
    }
    assert!(rest.is_empty());
    let loaded = writer.package(&csvstat).unwrap();
    assert_eq!(loaded.releases().len(), 300);
    let full = |(path, bytes): (&String, &Vec<u8>)| {
        let lines = bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
        path.starts_with("pkg/") && lines == SEGMENT_LINES
    };
    let full = memory
        .lock_files()
        .iter()
        .map(full)
        .filter(|full| *full)
        .count();
    assert_eq!(full, 2);
    let files = VerifyOptions {
        blobs: false,
        ..VerifyOptions::default()
    };
    assert_eq!(verify_registry(&memory, files).unwrap().leaves, 308);
}

fn without_blob(event: &SignedEvent) -> Submission {
    Submission {
        event: event.clone(),
        blob: None,
    }
}

#[test]
fn the_map_grows_while_packages_arrive() {
    let memory = Memory::default();
    let writer = start(memory.clone()).without_blobs();
    for (from, to) in [(0, 1), (1, 64), (64, 65), (65, 300), (300, 301)] {
        let batch: Vec<_> = (from..to).map(claimed).collect();
        let commit = writer.commit(&batch, NOW).unwrap();
        assert_eq!(commit.snapshot.map.packages, to);
        assert_eq!(commit.snapshot.map.depth, u8::from(to > 64));
        for n in [0, to - 1] {
            assert!(read(&memory, None, &format!("p{n}")).1.is_some());
        }
        assert!(read(&memory, None, &format!("p{to}")).1.is_none());
    }
    assert_eq!(verified(&memory).packages, 300 + 1);
}

fn claimed(n: u64) -> Submission {
    let state = PackageState::empty(&name(&format!("p{n}")));
    without_blob(&event(&state, claim(&[&key(1)], 1), &[&key(1)]))
}

#[test]
fn the_cost_of_a_commit_does_not_grow_with_the_registry() {
    let memory = Memory::default();
    let writer = start(memory.clone()).without_blobs();
    let changes_of_one = |n| {
        let before = memory.changes();
        writer.commit(&[claimed(n)], NOW).unwrap();
        memory.changes() - before
    };
    writer
        .commit(&(0..100).map(claimed).collect::<Vec<_>>(), NOW)
        .unwrap();
    let few = changes_of_one(100);
    writer
        .commit(&(101..1500).map(claimed).collect::<Vec<_>>(), NOW)
        .unwrap();
    let many = changes_of_one(1500);
    // One more level of tiles at most; nothing per package or per leaf.
    assert!(many <= few + 1, "{few} {many}");
    assert!(few <= 12, "{few}");
}

#[test]
fn a_new_root_takes_effect_with_the_next_commit() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    let roots = writer.roots().unwrap();
    let second = Root::new(RootFields {
        version: 2,
        prev: Some(roots.newest_digest()),
        head_lifetime: 60,
        ..root_fields()
    });
    let second = second.unwrap();
    let signature = second.sign(&root_key());
    let key_id = root_key().public_key().key_id_hex();
    let path = RegistryPath::root_signature(2, &key_id).unwrap();
    memory.lock_files().extend([
        (path.to_string(), signature.into_bytes()),
        (RegistryPath::root(2).to_string(), second.encode()),
    ]);
    let commit = writer.refresh(NOW).unwrap();
    assert_eq!(
        (commit.snapshot.root, commit.snapshot.expires),
        (2, NOW.plus(60))
    );
    assert_eq!(verified(&memory).commits, 2);
}

#[test]
fn a_claim_without_a_release_is_a_package() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    writer.commit(&[claimed(1)], NOW).unwrap();
    let state = writer.package(&name("p1")).unwrap();
    let refused = state.next(
        &origin(),
        NOW,
        Action::Unyank {
            version: version("1.0.0"),
        },
    );
    let refused = SignedEvent::sign(&refused, &[&key(1)]).unwrap();
    assert!(writer.commit(&[without_blob(&refused)], NOW).is_err());
    assert_eq!(verified(&memory).packages, 1);
}
