//! Writers that die, writers at the same time, and journals that lie.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

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
