use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
    let files = VerifyOptions { blobs: false };
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
    let files = VerifyOptions { blobs: false };
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
fn a_writer_that_dies_anywhere_loses_and_tears_nothing() {
    let prepared = Memory::default();
    let writer = start(prepared.clone());
    publish(&writer, &name("csvstat"), "1.0.0", &key(1)).unwrap();
    let (stored, _) = read(&prepared, None, "csvstat");
    for power_cut in [false, true] {
        for n in 1.. {
            let memory = prepared.copy();
            let dying = memory.dying_at(n, power_cut);
            let doomed = Writer::with_storage(dying, log_key()).unwrap();
            let outcome = publish(&doomed, &name("csvstat"), "1.1.0", &key(1));
            // Readers see the state before or after, whole, while nobody has repaired anything.
            let (seen, state) = read(&memory, Some(stored), "csvstat");
            verified(&memory);
            let published = state.unwrap().releases().len();
            if outcome.is_ok() {
                assert!(published == 2 && n > 8);
                break;
            }
            let committed = !memory
                .get(&format!("journal/{}.json", stored.size))
                .is_empty();
            assert!(committed || published == 1);
            // Another package's publisher comes next, and repairs on the way.
            let next = Writer::with_storage(memory.alive(), log_key()).unwrap();
            publish(&next, &name("hamming"), "0.1.0", &key(2)).unwrap();
            let (_, state) = read(&memory, Some(seen), "csvstat");
            let releases = state.unwrap().releases().len();
            assert_eq!(releases, if committed { 2 } else { 1 }, "death {n}");
            // The first publisher tries again where that is needed, and succeeds.
            if !committed {
                publish(&next, &name("csvstat"), "1.1.0", &key(1)).unwrap();
            }
            assert_eq!(verified(&memory).releases, 3, "death {n}");
        }
    }
}

#[test]
fn a_registry_whose_making_was_interrupted_is_made_again() {
    for power_cut in [false, true] {
        for n in 1.. {
            let memory = Memory::default();
            let init = Init::signed(root(), &[&root_key()]).unwrap();
            if init_at(memory.dying_at(n, power_cut), &init, log_key(), NOW).is_ok() {
                assert!(n > 6);
                break;
            }
            match init_at(memory.alive(), &init, log_key(), NOW.plus(5)) {
                Ok(commit) => assert_eq!(commit.tree.size, 1),
                Err(InitError::Exists) => assert!(!memory.get("head").is_empty()),
                Err(other) => panic!("death {n}: {other}"),
            }
            assert_eq!(verified(&memory).leaves, 1);
        }
    }
}

#[test]
fn a_damaged_slot_stops_the_writer_and_names_the_file() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    memory
        .lock_files()
        .insert("journal/1.json".to_owned(), b"{}".to_vec());
    let stopped = writer.refresh(NOW).unwrap_err();
    assert!(matches!(&stopped, CommitError::Slot { path, .. } if path == "journal/1.json"));
}

#[test]
fn a_slot_that_lies_about_the_map_is_not_finished() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    let mut snapshot = writer.base().unwrap().snapshot().unwrap().clone();
    snapshot.map.size += 1;
    let slot = journal::Slot {
        size: 1,
        events: Vec::new(),
        snapshot,
    };
    memory
        .lock_files()
        .insert("journal/1.json".to_owned(), slot.encode());
    let stopped = writer.refresh(NOW);
    assert!(matches!(stopped, Err(CommitError::SlotDiverges(_))));
}

/// Eight writers of packages of their own, and readers, all at once.
fn crowd(memory: &Memory, commits: u64) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut trusted = None;
                    while !done.load(Ordering::Relaxed) {
                        trusted = Some(read(memory, trusted, "w0").0);
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..8)
            .map(|n| {
                scope.spawn(move || {
                    let writer = Writer::with_storage(memory.clone(), log_key()).unwrap();
                    let package = name(&format!("w{n}"));
                    for patch in 0..commits {
                        let version = format!("1.0.{patch}");
                        publish(&writer, &package, &version, &key(n + 1)).unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    let report = verified(memory);
    assert_eq!((report.packages, report.releases), (8, 8 * commits));
    assert_eq!(report.commits, 8 * commits + 1);
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let memory = Memory::default();
    start(memory.clone());
    crowd(&memory, 4);
}

#[test]
fn the_journal_alone_keeps_writers_apart() {
    let mut memory = Memory::default();
    memory.no_commit_lock = true;
    start(memory.clone());
    crowd(&memory, 4);
}

#[test]
fn the_same_version_by_two_publishers_at_once_is_published_once() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    publish(&writer, &name("csvstat"), "1.0.0", &key(1)).unwrap();
    let state = writer.package(&name("csvstat")).unwrap();
    let rivals = [
        release(&state, "1.1.0", &key(1)),
        release(&state, "1.2.0", &key(1)),
    ];
    let outcomes: Vec<_> = thread::scope(|scope| {
        let rivals = rivals.iter().map(|rival| {
            let memory = memory.clone();
            scope.spawn(move || {
                let writer = Writer::with_storage(memory, log_key()).unwrap();
                writer.commit(std::slice::from_ref(rival), NOW)
            })
        });
        let rivals: Vec<_> = rivals.collect();
        rivals
            .into_iter()
            .map(|rival| rival.join().unwrap())
            .collect()
    });
    let lost = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let lost: Vec<_> = lost.collect();
    assert!(matches!(
        lost.as_slice(),
        [CommitError::Event {
            source: StateError::Seq { .. },
            ..
        }]
    ));
    assert_eq!(verified(&memory).releases, 2);
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
fn a_directory_holds_the_same_files_as_memory() {
    let memory = Memory::default();
    let (folder, _) = directory();
    let in_memory = start(memory.clone());
    let init = Init::signed(root(), &[&root_key()]).unwrap();
    super::init(folder.path(), &init, log_key(), NOW).unwrap();
    let in_folder = DirWriter::open(folder.path(), log_key()).unwrap();
    for version in ["1.0.0", "1.1.0"] {
        publish(&in_memory, &name("csvstat"), version, &key(1)).unwrap();
        publish(&in_folder, &name("csvstat"), version, &key(1)).unwrap();
    }
    for (path, bytes) in memory.lock_files().iter() {
        let found = in_folder.storage().read(path, bytes.len() as u64);
        assert_eq!(found.unwrap().as_ref(), Some(bytes), "{path}");
    }
    assert_eq!(verified(in_folder.storage()).releases, 2);
    let left = std::fs::read_dir(folder.path().join("tmp")).unwrap();
    assert_eq!(left.count(), 0);
    assert_eq!(root().origin(), &origin());
}

#[test]
fn each_head_is_dated_a_second_after_the_one_before() {
    let (folder, storage) = directory();
    let modified = || {
        let head = std::fs::metadata(folder.path().join("head")).unwrap();
        head.modified().unwrap()
    };
    let mut last = None;
    for n in 0_u8..5 {
        storage.replace("head", &[n; 8]).unwrap();
        let now = modified();
        if let Some(last) = last {
            let step = now.duration_since(last).unwrap();
            assert!(step.as_secs() >= 1);
        }
        last = Some(now);
    }
    let head = storage.read("head", MAX_HEAD_BYTES).unwrap();
    assert_eq!(head, Some(vec![4; 8]));
}

#[test]
fn a_directory_keeps_what_was_created_first() {
    let (_folder, storage) = directory();
    assert!(storage.create("journal/0.json", b"one").unwrap());
    assert!(!storage.create("journal/0.json", b"two").unwrap());
    assert_eq!(
        storage.read("journal/0.json", 3).unwrap(),
        Some(b"one".to_vec())
    );
    assert!(storage.read("journal/0.json", 2).is_err());
    assert_eq!(storage.read("journal/1.json", 2).unwrap(), None);
    storage.remove_folder("journal").unwrap();
    storage.remove_folder("journal").unwrap();
}

#[test]
fn a_directory_that_lost_power_is_repaired() {
    let (folder, storage) = directory();
    let writer = start_in(folder.path());
    publish(&writer, &name("csvstat"), "1.0.0", &key(1)).unwrap();
    storage.put("map/aa/page", b"whole").unwrap();
    std::fs::write(folder.path().join("map/aa/page"), b"").unwrap();
    storage.put("map/aa/page", b"whole").unwrap();
    assert_eq!(
        storage.read("map/aa/page", 9).unwrap(),
        Some(b"whole".to_vec())
    );
}

fn start_in(folder: &std::path::Path) -> DirWriter {
    let init = Init::signed(root(), &[&root_key()]).unwrap();
    super::init(folder, &init, log_key(), NOW).unwrap();
    DirWriter::open(folder, log_key()).unwrap()
}

#[cfg(unix)]
#[test]
fn files_are_readable_by_web_servers() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, storage) = directory();
    storage.put("map/aa/page", b"page").unwrap();
    let mode = std::fs::metadata(folder.path().join("map/aa/page")).unwrap();
    let private = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
    let private = private.as_file().metadata().unwrap().permissions().mode();
    assert_ne!(mode.permissions().mode() & 0o777, private & 0o777);
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
