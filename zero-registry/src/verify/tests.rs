use super::*;
use crate::testing::{Memory, NOW, key, name, publish, start};
use crate::watch::testing::Noted;

fn registry() -> Memory {
    let memory = Memory::default();
    let writer = start(memory.clone());
    publish(&writer, &name("csvstat"), "1.0.0", &key(1)).unwrap();
    publish(&writer, &name("hamming"), "1.0.0", &key(2)).unwrap();
    writer.refresh(NOW).unwrap();
    memory
}

fn check(memory: &Memory) -> Result<Report, Difference> {
    verify_registry(memory, VerifyOptions::default())
}

/// Files that follow from the newest state, or lead to it.
fn current(memory: &Memory) -> Vec<String> {
    let all: Vec<_> = memory.lock_files().keys().cloned().collect();
    let needed = |path: &String| {
        let without = memory.copy();
        without.lock_files().remove(path);
        check(&without).is_err()
    };
    all.into_iter().filter(needed).collect()
}

#[test]
fn a_sound_registry_is_counted() {
    let report = check(&registry()).unwrap();
    assert_eq!(
        report,
        Report {
            leaves: 8,
            commits: 4,
            packages: 2,
            releases: 2,
            blobs: 2,
        }
    );
}

#[test]
fn every_file_of_the_newest_state_is_needed() {
    let memory = registry();
    let needed = current(&memory);
    let count = |folder: &str| {
        needed
            .iter()
            .filter(|path| path.starts_with(folder))
            .count()
    };
    assert_eq!(count("blob/"), 4);
    assert_eq!(count("pkg/"), 2);
    assert_eq!(count("map/"), 1);
    assert_eq!(count("tile/entries/"), 1);
    assert_eq!(count("tile/0/"), 1);
    assert_eq!(count("root/"), 2);
    assert_eq!(count("head") + count("checkpoint"), 2);
    // States that were, and slots that are finished, are not looked at.
    assert_eq!(count("journal/"), 0);
}

#[test]
fn a_flipped_bit_in_any_file_is_found_and_the_file_is_named() {
    let memory = registry();
    for path in current(&memory) {
        let bytes = memory.get(&path);
        let places = [0, 1, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1];
        for at in places {
            let damaged = memory.copy();
            damaged.lock_files().get_mut(&path).unwrap()[at] ^= 1;
            let Err(difference) = check(&damaged) else {
                // The untrusted comment of a minisign signature says nothing.
                assert!(path.ends_with(".minisig"), "{path}, byte {at}");
                continue;
            };
            let mut text = difference.to_string();
            if path.starts_with("root/") {
                continue;
            }
            if path.starts_with("tile/entries/") {
                text = text.replace("leaf", "tile/entries/");
            }
            let folder = path.split('/').next().unwrap();
            assert!(
                text.contains(folder) || text.contains("tree"),
                "{path}, byte {at}: {text}"
            );
        }
    }
}

#[test]
fn a_log_that_was_written_by_other_rules_is_refused() {
    // The log key signs whatever it is given; verification replays what it means.
    let memory = registry();
    let lie = |change: &dyn Fn(&mut Snapshot)| {
        let copy = memory.copy();
        let head = Head::decode(&copy.get("head")).unwrap();
        let root = crate::testing::root();
        let trusted = head.verify_content(&root).unwrap();
        let mut snapshot = trusted.snapshot().clone();
        change(&mut snapshot);
        let find = |path: &str| Ok::<_, crate::EdgeError>(copy.lock_files().get(path).cloned());
        let mut edge = Edge::load(trusted.tree(), find).unwrap();
        let appended = edge.append(&[snapshot.encode()]);
        let key = crate::testing::log_key();
        let checkpoint = Checkpoint::sign(root.origin(), appended.tree, &key);
        let note = checkpoint.encode();
        let head = Head::new(snapshot.encode(), appended.proof, checkpoint).unwrap();
        let mut files = copy.lock_files();
        files.insert("checkpoint".to_owned(), note);
        files.insert("head".to_owned(), head.encode());
        files.extend(
            appended
                .files
                .into_iter()
                .map(|file| (file.path, file.bytes)),
        );
        drop(files);
        check(&copy)
    };
    assert!(lie(&|_| {}).is_ok());
    let lies: [&dyn Fn(&mut Snapshot); 5] = [
        &|snapshot| snapshot.map.size += 1,
        &|snapshot| snapshot.map.sha256 = Digest::of(b"another map"),
        &|snapshot| snapshot.map.packages -= 1,
        &|snapshot| snapshot.time = snapshot.time.minus(1),
        &|snapshot| snapshot.expires = snapshot.expires.plus(1),
    ];
    for change in lies {
        assert!(matches!(lie(change), Err(Difference::Commit(8, _))));
    }
}

#[test]
fn each_phase_is_told_and_comes_to_its_end() {
    let noted = Noted::default();
    let options = VerifyOptions {
        watch: &noted,
        ..VerifyOptions::default()
    };
    verify_registry(&registry(), options).unwrap();
    let phases = noted.0.into_inner().unwrap();
    assert_eq!(phases, [("log", 1, 1), ("map", 1, 1), ("packages", 2, 2)]);
}

#[test]
fn of_several_differences_the_first_is_told_on_any_number_of_threads() {
    let memory = Memory::default();
    let writer = start(memory.clone());
    for number in 0..40 {
        publish(&writer, &name(&format!("tool{number}")), "1.0.0", &key(1)).unwrap();
    }
    let chains: Vec<String> = memory
        .lock_files()
        .keys()
        .filter(|path| path.starts_with("pkg/"))
        .cloned()
        .collect();
    let without = memory.copy();
    for path in chains {
        without.lock_files().remove(&path);
    }
    let first = check(&without).unwrap_err().to_string();
    for _ in 0..50 {
        assert_eq!(check(&without).unwrap_err().to_string(), first);
    }
    let path = first
        .split_whitespace()
        .find(|word| word.contains("pkg/"))
        .unwrap();
    let path = path.trim_matches(['`', ':', ',']);
    // With that one back, another is the first.
    without
        .lock_files()
        .insert(path.to_owned(), memory.get(path));
    assert_ne!(check(&without).unwrap_err().to_string(), first);
}
