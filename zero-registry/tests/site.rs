//! The catalogue: what its pages say, what they never do, and that they follow the log
//! (spec/catalogue.md).
#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use support::registry::{Backend, DAY, LOG, ROOT, Registry, T0, User, key, package};
use zero_format::Digest;
use zero_registry::{
    DirStorage, DirWriter, Proposal, RegistryPath, SiteReport, Step, anchor, current_root, rotate,
    site,
};

fn make(registry: &Registry, anew: bool) -> SiteReport {
    site(&DirStorage::new(registry.path()), anew).unwrap()
}

fn read(registry: &Registry, path: &str) -> String {
    fs::read_to_string(registry.path().join(path)).unwrap()
}

fn page(name: &str, extension: &str) -> String {
    let digest = Digest::of(package(name).as_str().as_bytes()).to_hex();
    format!("site/p/{}/{digest}.{extension}", &digest[..2])
}

fn pages(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.join("site")];
    for path in ["index.html", "llms.txt", "catalogue.json"] {
        found.insert(path.to_owned(), fs::read(folder.join(path)).unwrap());
    }
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

fn example() -> Registry {
    let registry = Registry::new();
    for name in ["csvstat", "acme/csv-tool", "moment"] {
        registry.claim(name, T0);
        registry.release(name, "1.0.0", T0);
    }
    registry
}

#[test]
fn each_package_has_a_page_a_record_and_its_lists() {
    let registry = example();
    let made = make(&registry, false);
    assert_eq!((made.packages, made.size), (3, 13));
    let html = read(&registry, &page("csvstat", "html"));
    for part in [
        "csvstat",
        "1.0.0",
        "cargo zero run csvstat@1.0.0",
        "Nothing but compute",
        "leaf 3",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let record: serde_json::Value =
        serde_json::from_str(&read(&registry, &page("csvstat", "json"))).unwrap();
    assert_eq!(record["releases"][0]["leaf"], 3);
    assert_eq!(record["origin"], "registry.example/test");
    let list = read(&registry, &format!("site/s/{}.json", hex::encode("cs")));
    assert!(list.contains("csvstat") && list.contains("acme/csv-tool") && !list.contains("moment"));
    let front = read(&registry, "index.html");
    assert!(front.contains("3 packages") && front.contains("acme/csv-tool"));
    let browse = read(&registry, &format!("site/b/{}.html", hex::encode("mo")));
    assert!(browse.contains("moment"));
    assert!(read(&registry, "llms.txt").contains("[csvstat 1.0.0]"));
}

#[test]
fn packages_are_found_by_words_where_there_is_a_catalogue() {
    let registry = example();
    let user = User::of(&[&Backend::Dir.place(&registry)]);
    let find = |query: &str| {
        let client = user.client();
        let trusted = client.update(T0).unwrap();
        client.find(&trusted, query, 10)
    };
    assert_eq!(find("csv"), None);
    make(&registry, false);
    let names = |query: &str| {
        let listed = find(query).unwrap();
        assert!(!listed.more);
        listed
            .names
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(names("csv"), ["acme/csv-tool", "csvstat"]);
    assert_eq!(names("TAT"), ["csvstat"]);
    assert_eq!(names("csv too"), ["acme/csv-tool"]);
    assert_eq!(names("acme/csv-tool"), ["acme/csv-tool"]);
    assert!(names("absent").is_empty());
    // A mirror that serves something else there is one without a catalogue.
    let list = format!("site/s/{}.json", hex::encode("cs"));
    for hostile in ["", "[]", "{\"next\":{\"v\":-1}}", "{\"next\":{\"v\":1}}"] {
        fs::write(registry.path().join(&list), hostile).unwrap();
        assert!(names("csv").is_empty(), "{hostile}");
    }
}

#[test]
fn a_commit_changes_the_pages_of_its_packages_only() {
    let registry = example();
    make(&registry, false);
    let before = pages(registry.path());
    registry.release("csvstat", "1.1.0", T0.plus(DAY));
    let made = make(&registry, false);
    assert_eq!(made.packages, 1);
    let after = pages(registry.path());
    assert_eq!(
        before[&page("moment", "html")],
        after[&page("moment", "html")]
    );
    assert_ne!(
        before[&page("csvstat", "html")],
        after[&page("csvstat", "html")]
    );
    // Made anew, all of it is the same: nothing was forgotten on the way.
    make(&registry, true);
    assert_eq!(pages(registry.path()), after);
    assert_eq!(make(&registry, false).packages, 0);
}

#[test]
fn every_file_of_it_is_served_but_its_notes() {
    let registry = example();
    make(&registry, false);
    for path in pages(registry.path()).into_keys() {
        let served = RegistryPath::parse(&path).is_some();
        assert_eq!(served, path != "site/state.json", "{path}");
    }
}

#[test]
fn pages_load_nothing_from_elsewhere_and_run_nothing_of_their_own() {
    let registry = example();
    make(&registry, false);
    for (path, bytes) in pages(registry.path()) {
        if path.rsplit('.').next() != Some("html") {
            continue;
        }
        let html = String::from_utf8(bytes).unwrap();
        assert!(
            html.contains("default-src 'none'; script-src 'self'"),
            "{path}"
        );
        for bad in [
            "<script>",
            "javascript:",
            " onclick",
            " style=",
            "src=\"http",
            "unsafe-inline",
        ] {
            assert!(!html.contains(bad), "{path} has {bad}");
        }
        for part in [
            "<html lang=\"en\">",
            "<main id=\"main\"",
            "class=\"skip\"",
            "<label ",
            "<h1>",
        ] {
            assert!(html.contains(part), "{path} lacks {part}");
        }
    }
}

#[test]
fn notes_that_are_damaged_are_made_anew() {
    let registry = example();
    make(&registry, false);
    fs::write(registry.path().join("site/state.json"), "{").unwrap();
    assert_eq!(make(&registry, false).packages, 3);
}

/// Puts another log key in force, which goes on from the first `size` leaves.
fn rotate_log_key(registry: &Registry, size: u64, new: u8) {
    let storage = DirStorage::new(registry.path());
    let current = current_root(&storage).unwrap();
    let anchored = anchor(&storage, Some(size)).unwrap();
    let mut proposal = Proposal::new(&current.bytes, current.signatures, |fields| {
        fields.log = key(new).public_key();
        fields.anchor = Some(anchored);
    })
    .unwrap();
    proposal.sign(&key(ROOT)).unwrap();
    rotate(&storage, &proposal, true).unwrap();
    let writer = DirWriter::open(registry.path(), key(new)).unwrap();
    writer.refresh(T0.plus(DAY)).unwrap();
}

/// The page checks signatures with the key that the record names, and finds leaves where it says.
#[test]
fn pages_follow_a_new_log_key_and_forget_what_it_discarded() {
    const NEW_LOG: u8 = 20;
    let registry = example();
    let honest = make(&registry, false).size;
    registry.claim("evil", T0);
    registry.release("csvstat", "6.6.6", T0);
    make(&registry, false);
    let record = |name| {
        let json = read(&registry, &page(name, "json"));
        serde_json::from_str::<serde_json::Value>(&json).unwrap()
    };
    assert_eq!(
        record("moment")["log_key"],
        key(LOG).public_key().to_base64()
    );
    rotate_log_key(&registry, honest, NEW_LOG);
    assert_eq!(make(&registry, false).packages, 3);
    for name in ["csvstat", "acme/csv-tool", "moment"] {
        let log_key = key(NEW_LOG).public_key().to_base64();
        assert_eq!(record(name)["log_key"], log_key, "{name}");
    }
    assert_eq!(record("csvstat")["events"].as_object().unwrap().len(), 2);
    assert!(!registry.path().join(page("evil", "html")).exists());
    let list = format!("site/s/{}.json", hex::encode("ev"));
    assert!(!registry.path().join(list).exists());
    assert_eq!(make(&registry, false).packages, 0);
}

#[test]
fn one_maker_works_at_a_time() {
    let registry = example();
    let lock = registry.path().join("journal/site.lock");
    let writes = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&writes);
    let storage = DirStorage::new(registry.path()).with_hook(move |step| {
        if matches!(step, Step::Write(path) if path.starts_with("site/")) {
            seen.fetch_add(1, Ordering::SeqCst);
            // Another maker waits meanwhile.
            let other = fs::File::open(&lock)?.try_lock();
            assert!(matches!(other, Err(fs::TryLockError::WouldBlock)));
        }
        Ok(())
    });
    site(&storage, false).unwrap();
    assert!(writes.load(Ordering::SeqCst) > 3);
    // Where there is no registry there is nothing to lock.
    let empty = tempfile::tempdir().unwrap();
    assert!(site(&DirStorage::new(empty.path()), false).is_err());
    assert!(fs::read_dir(empty.path()).unwrap().next().is_none());
}

#[test]
fn files_of_any_length_in_the_place_of_pages_stop_nobody() {
    let registry = example();
    make(&registry, false);
    let list = format!("site/s/{}.json", hex::encode("cs"));
    for path in [page("csvstat", "json"), list] {
        let file = fs::File::create(registry.path().join(path)).unwrap();
        file.set_len(65 << 20).unwrap();
    }
    registry.release("csvstat", "1.1.0", T0.plus(DAY));
    make(&registry, false);
    assert!(read(&registry, &page("csvstat", "html")).contains("1.1.0"));
}
