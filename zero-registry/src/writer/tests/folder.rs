//! A registry in a directory.

use super::*;

#[test]
fn a_directory_holds_the_same_files_as_memory() {
    let memory = Memory::default();
    let (folder, _) = directory();
    let in_memory = start(memory.clone());
    let init = Init::signed(root(), &[&root_key()]).unwrap();
    crate::init(folder.path(), &init, log_key(), NOW).unwrap();
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
    crate::init(folder, &init, log_key(), NOW).unwrap();
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
