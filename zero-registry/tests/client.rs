//! The client's workflow: each scenario once, over a directory and over HTTP.
#![expect(
    clippy::unwrap_used,
    reason = "scenarios are plain functions that two tests each call"
)]

mod support;

use std::{fs, time::Duration};

use support::registry::{
    Backend, DAY, HOUR, PUBLISHER, ROOT, Registry, T0, User, artifact, flip, key, package, role,
};
use zero_format::{PackageRef, Version};
use zero_registry::{
    Action, ArtifactMismatch, ErrorClass, FetchError, HeadError, MirrorError, ResolveError,
    ResolveOptions, RootError, Timestamp,
};

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod dir {
            $(#[test] fn $name() { super::$name(super::Backend::Dir); })*
        }
        #[cfg(feature = "http")]
        mod http {
            $(#[test] fn $name() { super::$name(super::Backend::Http); })*
        }
    };
}

scenarios! {
    a_package_is_resolved_fetched_and_kept,
    a_release_counts_as_old_as_the_log_says,
    a_log_that_hides_or_changes_its_newest_entries_is_refused,
    a_rewritten_log_is_refused,
    a_root_without_the_old_keys_is_refused,
    a_stale_mirror_is_skipped_never_obeyed,
    absence_is_told_apart,
    an_expired_head_is_refused,
    another_registry_under_the_same_key_is_refused,
    another_root_key_is_refused,
    a_file_that_is_not_its_release_is_refused,
    a_head_that_is_ahead_of_its_root_is_left,
    a_changed_package_file_is_refused_and_another_mirror_asked,
    a_changed_stored_file_is_fetched_again,
    a_clock_that_was_set_back_is_named,
    a_damaged_memory_is_named,
    a_mirror_in_the_middle_of_an_update_is_left,
    every_changed_byte_of_the_metadata_is_refused,
    fresh_needs_no_request_and_stale_one,
    new_roots_are_followed,
    offline_lives_on_what_is_stored_until_it_expires,
    versions_are_chosen_as_written,
    what_a_remembered_state_lacks_is_asked_for,
    yanked_and_revoked_releases,
}

fn request(text: &str) -> PackageRef {
    text.parse().expect("a request")
}

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn at(seconds: u64) -> Timestamp {
    T0.plus(seconds)
}

/// A registry with `tool` 1.0.0, 1.0.1, 1.1.0 and 2.0.0-rc.1.
fn example() -> Registry {
    let registry = Registry::new();
    registry.claim("tool", T0);
    for version in ["1.0.0", "1.0.1", "1.1.0", "2.0.0-rc.1"] {
        registry.release("tool", version, T0);
    }
    registry
}

/// The error that made the client leave the first mirror.
fn mirror_error(error: &FetchError) -> &MirrorError {
    &error.failures().first().expect("a mirror").error
}

fn head_error(error: &FetchError) -> &HeadError {
    match mirror_error(error) {
        MirrorError::Head(error) => error,
        other => panic!("{other:?}"),
    }
}

fn a_package_is_resolved_fetched_and_kept(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    let client = user.client();
    let resolved = client.resolve(&request("tool@1"), T0).unwrap();
    assert_eq!(resolved.version, version("1.1.0"));
    assert_eq!(resolved.signers, [key(PUBLISHER).public_key()]);
    assert_eq!(resolved.checked_at, T0);
    assert_eq!(resolved.head_expires, at(7 * DAY));
    let verified = client.fetch(&resolved).unwrap();
    assert_eq!(verified.bytes(), artifact("tool", "1.1.0"));
    assert_eq!(
        fs::read(client.blob_path(&resolved)).unwrap(),
        verified.bytes()
    );

    let before = client.traffic();
    client.fetch(&resolved).unwrap();
    assert_eq!(client.traffic(), before);
    let offline = user.offline();
    let again = offline.resolve(&request("tool@1"), T0).unwrap();
    assert_eq!(offline.fetch(&again).unwrap().digest(), resolved.digest);
}

fn versions_are_chosen_as_written(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    let client = user.client();
    for (text, expected) in [
        ("tool", "1.1.0"),
        ("tool@1", "1.1.0"),
        ("tool@1.0", "1.0.1"),
        ("tool@1.0.0", "1.0.0"),
        ("tool@~1.0.0", "1.0.1"),
        ("tool@>=1.0.1", "1.1.0"),
        ("tool@2.0.0-rc.1", "2.0.0-rc.1"),
        ("test:tool@1.0", "1.0.1"),
    ] {
        let resolved = client.resolve(&request(text), T0).unwrap();
        assert_eq!(resolved.version, version(expected), "{text}");
    }
}

fn absence_is_told_apart(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let client = User::of(&[&place]).client();
    let error = client.resolve(&request("toll"), T0).unwrap_err();
    assert!(matches!(error, FetchError::NoPackage { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::NotFound);
    let error = client.resolve(&request("tool@3"), T0).unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
    assert!(error.hint().unwrap().contains("tool@1.1.0"));
    let error = client.resolve(&request("other:tool"), T0).unwrap_err();
    assert!(
        matches!(error, FetchError::OtherRegistry { .. }),
        "{error:?}"
    );
}

fn yanked_and_revoked_releases(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    let client = user.client();
    let yank = |text| Action::Yank {
        version: version(text),
        reason: None,
    };
    registry.act("tool", yank("1.1.0"), None, T0);
    assert_eq!(
        client.resolve(&request("tool@1"), T0).unwrap().version,
        version("1.0.1")
    );
    let locked = ResolveOptions {
        lock: Some(version("1.1.0")),
        ..ResolveOptions::default()
    };
    let resolved = client
        .resolve_with(&request("tool@1"), &locked, T0)
        .unwrap();
    assert!(resolved.yanked);
    client.fetch(&resolved).unwrap();
    let error = client.resolve(&request("tool@1.1.0"), T0).unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);

    let revoke = Action::Revoke {
        version: version("1.1.0"),
        reason: None,
    };
    registry.act("tool", revoke, None, T0);
    let refresh = ResolveOptions {
        refresh: true,
        ..locked
    };
    let error = client
        .resolve_with(&request("tool@1"), &refresh, T0)
        .unwrap_err();
    assert!(
        matches!(&error, FetchError::Resolve(e) if matches!(**e, ResolveError::Revoked { .. })),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Untrusted);
}

fn aged(days: u64) -> ResolveOptions {
    ResolveOptions {
        min_age: Duration::from_secs(days * DAY),
        ..ResolveOptions::default()
    }
}

fn a_release_counts_as_old_as_the_log_says(backend: Backend) {
    let registry = example();
    registry.toggle(600, "1.0.0", at(HOUR));
    // Its signer says that it was made long before the log took it.
    registry.release_dated("tool", "1.2.0", T0, at(5 * DAY));
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    let now = at(6 * DAY);
    let chosen = |text: &str, options: &ResolveOptions| {
        user.client().resolve_with(&request(text), options, now)
    };
    assert_eq!(
        chosen("tool@1", &aged(0)).unwrap().version,
        version("1.2.0")
    );
    let passed = chosen("tool@1", &aged(3)).unwrap();
    assert_eq!(passed.version, version("1.1.0"));
    assert_eq!(passed.passed_over, Some((version("1.2.0"), at(5 * DAY))));
    assert_eq!(
        chosen("tool@1", &aged(1)).unwrap().version,
        version("1.2.0")
    );
    let error = chosen("tool@1.2.0", &aged(3)).unwrap_err();
    assert!(
        matches!(&error, FetchError::Resolve(e) if matches!(**e, ResolveError::TooYoung { since, .. } if since == at(5 * DAY))),
        "{error:?}"
    );
    // One that was chosen before keeps its place, whatever the age.
    let locked = ResolveOptions {
        lock: Some(version("1.2.0")),
        ..aged(3)
    };
    assert_eq!(chosen("tool@1", &locked).unwrap().version, version("1.2.0"));
    // Nobody can be asked, so nobody knows.
    let error = user
        .offline()
        .resolve_with(&request("tool@1"), &aged(3), now)
        .unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }), "{error:?}");
}

fn a_log_that_hides_or_changes_its_newest_entries_is_refused(backend: Backend) {
    let registry = example();
    registry.release("tool", "1.2.0", at(5 * DAY));
    let now = at(6 * DAY);
    // Older states of the bundle lie beside the newest, which is the longest.
    let entries = registry.files("tile/entries").into_iter();
    let file = &entries
        .max_by_key(|file| fs::metadata(file).unwrap().len())
        .unwrap();
    let bytes = fs::read(file).unwrap();
    let mut changed = bytes.clone();
    // A snapshot of the newest commit that claims to be older; the digit is one of its year.
    let marker = b"\"time\":\"20";
    let at = bytes
        .windows(marker.len())
        .rposition(|window| window == marker)
        .unwrap();
    changed[at + marker.len()] -= 1;
    for wrong in [changed, bytes[..bytes.len() / 2].to_vec(), Vec::new()] {
        fs::write(file, &wrong).unwrap();
        let place = backend.place(&registry);
        let error = User::of(&[&place])
            .client()
            .resolve_with(&request("tool@1"), &aged(3), now)
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Untrusted, "{error:?}");
    }
}

fn fresh_needs_no_request_and_stale_one(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    user.client().resolve(&request("tool"), T0).unwrap();

    let fresh = user.client();
    let resolved = fresh.resolve(&request("tool"), at(HOUR - 1)).unwrap();
    assert_eq!(fresh.traffic().requests, 0);
    assert_eq!(resolved.checked_at, T0);

    let stale = user.client();
    let resolved = stale.resolve(&request("tool"), at(HOUR)).unwrap();
    assert_eq!(stale.traffic().requests, 1);
    assert_eq!(resolved.checked_at, at(HOUR));
    if let Some(server) = &place.server {
        assert_eq!(stale.traffic().bytes, 0);
        assert!(
            server
                .seen()
                .last()
                .unwrap()
                .headers
                .contains_key("if-none-match")
        );
    }

    let asked = user.client();
    asked.refresh(at(HOUR)).unwrap();
    assert_eq!(asked.traffic().requests, 1);
}

fn what_a_remembered_state_lacks_is_asked_for(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    user.client().resolve(&request("tool@1.0"), T0).unwrap();
    registry.release("tool", "1.2.0", T0);
    registry.claim("younger", T0);
    registry.release("younger", "0.1.0", T0);
    // Still fresh, so what it has answers without asking; what it lacks may be new.
    let known = user.client().resolve(&request("tool@1.0"), T0).unwrap();
    assert_eq!(known.version, version("1.0.1"));
    let new = user.client().resolve(&request("tool@1.2"), T0).unwrap();
    assert_eq!(new.version, version("1.2.0"));
    assert!(user.client().resolve(&request("younger"), T0).is_ok());
}

fn a_stale_mirror_is_skipped_never_obeyed(backend: Backend) {
    let registry = example();
    let old = registry.copy();
    registry.release("tool", "1.2.0", at(1));
    let (old, new) = (backend.place(&old), backend.place(&registry));

    let user = User::of(&[&new, &old]);
    let resolved = user.client().resolve(&request("tool"), at(2)).unwrap();
    assert_eq!(resolved.version, version("1.2.0"));

    // The same user, to whom only the old mirror answers first, or at all.
    let mut user = user;
    user.places.reverse();
    let client = user.client();
    let resolved = client.resolve(&request("tool"), at(2 * HOUR)).unwrap();
    assert_eq!(resolved.version, version("1.2.0"));
    client.fetch(&resolved).unwrap();

    user.places.truncate(1);
    let error = user.client().update(at(4 * HOUR)).unwrap_err();
    assert!(
        matches!(head_error(&error), HeadError::Stale { .. }),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Untrusted);
    assert!(error.hint().unwrap().contains("mirror"));
    // What was trusted stays trusted, and the newer state stays remembered.
    assert!(user.offline().update(at(4 * HOUR)).is_ok());

    // To somebody new the old state is as good as any while it has not expired.
    let stranger = User::of(&[&old]);
    let resolved = stranger.client().resolve(&request("tool"), at(2)).unwrap();
    assert_eq!(resolved.version, version("1.1.0"));
}

fn a_rewritten_log_is_refused(backend: Backend) {
    let registry = example();
    let fork = registry.copy();
    registry.release("tool", "1.2.0", at(1));
    fork.release("tool", "1.2.1", at(1));
    let (honest, same_size) = (backend.place(&registry), backend.place(&fork));
    let mut user = User::of(&[&honest]);
    user.client().update(at(2)).unwrap();

    user.places = vec![same_size.location.clone()];
    let error = user.client().refresh(at(3)).unwrap_err();
    assert!(
        matches!(head_error(&error), HeadError::Fork(_)),
        "{error:?}"
    );

    fork.release("tool", "1.2.2", at(2));
    let error = user.client().refresh(at(3)).unwrap_err();
    assert!(
        matches!(head_error(&error), HeadError::Fork(_)),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Untrusted);

    // Growth without a rewrite is fine, over many tiles too.
    user.places = vec![honest.location.clone()];
    registry.toggle(300, "1.0.0", at(3));
    let trusted = user.client().refresh(at(400)).unwrap();
    assert!(trusted.head().tree().size > 300);
}

fn a_head_that_is_ahead_of_its_root_is_left(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    user.client().update(T0).unwrap();
    registry.rotate(2, &[11], &[ROOT, 11]);
    registry.refresh(at(1));
    let root = registry.path().join("root").join("2.json");
    let bytes = fs::read(&root).unwrap();
    fs::remove_file(&root).unwrap();
    let error = user.client().refresh(at(2)).unwrap_err();
    assert!(
        matches!(mirror_error(&error), MirrorError::Missing { .. }),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Unreachable);
    fs::write(&root, bytes).unwrap();
    user.client().refresh(at(2)).unwrap();
}

fn an_expired_head_is_refused(backend: Backend) {
    let registry = example();
    let frozen = registry.copy();
    registry.refresh(at(6 * DAY));
    let (frozen, refreshed) = (backend.place(&frozen), backend.place(&registry));
    let user = User::of(&[&frozen]);
    assert!(user.client().update(at(7 * DAY - 1)).is_ok());
    let error = user.client().update(at(7 * DAY)).unwrap_err();
    assert!(
        matches!(head_error(&error), HeadError::Expired { .. }),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Untrusted);
    assert!(error.hint().unwrap().contains("zero-registry refresh"));
    let both = User::of(&[&frozen, &refreshed]);
    assert!(both.client().update(at(7 * DAY)).is_ok());
}

fn another_registry_under_the_same_key_is_refused(backend: Backend) {
    let other = Registry::of("registry.example/other");
    let place = backend.place(&other);
    let error = User::of(&[&place]).client().update(T0).unwrap_err();
    assert!(
        matches!(mirror_error(&error), MirrorError::Origin { .. }),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Untrusted);
}

fn another_root_key_is_refused(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let mut user = User::of(&[&place]);
    user.pinned = role(&[9], 1);
    let error = user.client().update(T0).unwrap_err();
    assert!(
        matches!(mirror_error(&error), MirrorError::Root(_)),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Untrusted);
    user.pinned = role(&[ROOT, 9], 2);
    let error = user.client().update(T0).unwrap_err();
    assert!(
        matches!(mirror_error(&error), MirrorError::Root(_)),
        "{error:?}"
    );
    assert!(user.stored("registry").is_empty());
}

fn new_roots_are_followed(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    user.client().update(T0).unwrap();
    registry.rotate(2, &[11], &[ROOT, 11]);
    registry.rotate(3, &[12, 13], &[11, 12]);
    registry.refresh(at(1));

    let trusted = user.client().refresh(at(2)).unwrap();
    assert_eq!(trusted.root().version(), 3);
    let warm = user.client();
    warm.refresh(at(3)).unwrap();
    assert_eq!(warm.traffic().requests, 1);
    let resolved = warm.resolve(&request("tool@1.0.0"), at(3)).unwrap();
    warm.fetch(&resolved).unwrap();

    // Whoever adds the registry now pins the keys of today, or still those of the first day.
    for pinned in [role(&[12], 1), role(&[11], 1), role(&[ROOT], 1)] {
        let mut user = User::of(&[&place]);
        user.pinned = pinned;
        let trusted = user.client().update(at(2)).unwrap();
        assert_eq!(trusted.root().version(), 3);
        assert_eq!(trusted.roots().first().version(), 1);
        user.client().resolve(&request("tool"), at(2)).unwrap();
    }
}

fn a_root_without_the_old_keys_is_refused(backend: Backend) {
    for signers in [&[11][..], &[ROOT], &[]] {
        let registry = example();
        let place = backend.place(&registry);
        let user = User::of(&[&place]);
        user.client().update(T0).unwrap();
        let before = fs::read(registry.path().join("head")).unwrap();
        registry.rotate(2, &[11], signers);
        // As long as the head does not name it, the new file does not matter.
        user.client().refresh(at(1)).unwrap();
        assert_eq!(fs::read(registry.path().join("head")).unwrap(), before);

        // A head under the forged root: signed by whoever holds the log key, and nobody else.
        let forged = Registry::new();
        forged.rotate(2, &[11], &[ROOT, 11]);
        for step in 0..12 {
            forged.refresh(at(step));
        }
        fs::copy(forged.path().join("head"), registry.path().join("head")).unwrap();
        let error = user.client().refresh(at(20)).unwrap_err();
        assert!(
            matches!(
                mirror_error(&error),
                MirrorError::Root(error) if matches!(**error, RootError::Threshold { .. })
            ),
            "{error:?}"
        );
    }
}

fn a_changed_package_file_is_refused_and_another_mirror_asked(backend: Backend) {
    let registry = example();
    let good = registry.copy();
    let bytes = artifact("tool", "1.1.0");
    let (bad, good) = (backend.place(&registry), backend.place(&good));
    let user = User::of(&[&bad]);
    let resolved = user.client().resolve(&request("tool"), T0).unwrap();
    let blob = registry.blob(&bytes);
    let mut longer = bytes.clone();
    longer.push(0);
    for content in [
        &bytes[..bytes.len() - 1],
        &longer,
        &b"something else"[..],
        b"",
    ] {
        fs::write(&blob, content).unwrap();
        let error = user.client().fetch(&resolved).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Untrusted, "{error:?}");
        assert!(user.stored("blob").is_empty());
    }
    for at in 0..bytes.len() {
        fs::write(&blob, &bytes).unwrap();
        flip(&blob, at);
        let error = user.client().fetch(&resolved).unwrap_err();
        assert!(
            matches!(mirror_error(&error), MirrorError::Content { .. }),
            "{error:?}"
        );
    }
    fs::remove_file(&blob).unwrap();
    let error = user.client().fetch(&resolved).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unreachable);

    fs::write(&blob, b"something else").unwrap();
    let both = User::of(&[&bad, &good]);
    let client = both.client();
    let resolved = client.resolve(&request("tool"), T0).unwrap();
    assert_eq!(client.fetch(&resolved).unwrap().bytes(), bytes);
}

fn a_file_that_is_not_its_release_is_refused(backend: Backend) {
    let registry = Registry::new();
    registry.claim("tool", T0);
    let unsigned = artifact("tool", "1.0.0");
    let mut by_nobody = unsigned.clone();
    let last = by_nobody.len() - 1;
    by_nobody[last] ^= 1;
    for (number, bytes) in [
        artifact("loot", "1.0.0"),
        artifact("tool", "9.9.9"),
        by_nobody,
        b"\0asm\x01\0\0\0".to_vec(),
        b"garbage".to_vec(),
    ]
    .into_iter()
    .enumerate()
    {
        registry.release_unchecked("tool", &format!("1.0.{number}"), &bytes, T0);
        let place = backend.place(&registry);
        let user = User::of(&[&place]);
        let client = user.client();
        let resolved = client.resolve(&request("tool"), T0).unwrap();
        let error = client.fetch(&resolved).unwrap_err();
        let FetchError::Artifact { source, .. } = &error else {
            panic!("{error:?}");
        };
        match number {
            0 => assert!(matches!(**source, ArtifactMismatch::Name { .. })),
            1 => assert!(matches!(**source, ArtifactMismatch::Version { .. })),
            _ => {}
        }
        assert_eq!(error.class(), ErrorClass::Untrusted);
        assert!(user.stored("blob").is_empty());
    }
}

fn a_changed_stored_file_is_fetched_again(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    let client = user.client();
    let resolved = client.resolve(&request("tool"), T0).unwrap();
    client.fetch(&resolved).unwrap();
    flip(&client.blob_path(&resolved), 20);
    for page in user.stored("page") {
        flip(&page, 3);
    }
    let error = user.offline().fetch(&resolved).unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }), "{error:?}");
    let error = user.offline().resolve(&request("tool"), T0).unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }), "{error:?}");
    let resolved = client.resolve(&request("tool"), T0).unwrap();
    client.fetch(&resolved).unwrap();
    let offline = user.offline();
    let resolved = offline.resolve(&request("tool"), T0).unwrap();
    offline.fetch(&resolved).unwrap();
}

fn a_mirror_in_the_middle_of_an_update_is_left(backend: Backend) {
    for folder in ["map", "pkg"] {
        let registry = example();
        let whole = registry.copy();
        fs::remove_dir_all(registry.path().join(folder)).unwrap();
        let (half, whole) = (backend.place(&registry), backend.place(&whole));
        let error = User::of(&[&half])
            .client()
            .resolve(&request("tool"), T0)
            .unwrap_err();
        assert!(
            matches!(mirror_error(&error), MirrorError::Missing { .. }),
            "{error:?}"
        );
        assert_eq!(error.class(), ErrorClass::Unreachable);
        let both = User::of(&[&half, &whole]).client();
        both.resolve(&request("tool"), T0).unwrap();
    }
}

fn every_changed_byte_of_the_metadata_is_refused(backend: Backend) {
    let registry = example();
    let honest = registry.copy();
    let place = backend.place(&registry);
    let client = User::of(&[&place]).client();
    let resolved = client.resolve(&request("tool"), T0).unwrap();
    let trusted = client.update(T0).unwrap();
    let map = trusted.head().snapshot().map.sha256.to_hex();
    let mut files = vec![registry.path().join("head")];
    files.extend(registry.files("root"));
    files.extend(
        registry
            .files("map")
            .into_iter()
            .filter(|path| path.ends_with(&map)),
    );
    // The newest chain is the longest.
    let length = |path: &std::path::PathBuf| fs::metadata(path).unwrap().len();
    files.extend(registry.files("pkg").into_iter().max_by_key(length));
    for file in files {
        let length = fs::read(&file).unwrap().len();
        let original = honest
            .path()
            .join(file.strip_prefix(registry.path()).unwrap());
        // Every byte of the head, samples of what is compared by digest or threshold alone; over
        // HTTP samples of all, as the rules are the same.
        let step = match (&place.server, file.ends_with("head")) {
            (None, true) => 1,
            (None, false) => 7,
            (Some(_), _) => 29,
        };
        for at in (0..length).step_by(step) {
            flip(&file, at);
            let user = User::of(&[&place]);
            match user.client().resolve(&request("tool"), T0) {
                Err(error) => assert_eq!(error.class(), ErrorClass::Untrusted, "{error:?}"),
                // The comment of a minisign signature, which nothing signs.
                Ok(found) => assert_eq!(found.digest, resolved.digest, "{} {at}", file.display()),
            }
            fs::copy(&original, &file).unwrap();
        }
    }
}

fn offline_lives_on_what_is_stored_until_it_expires(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    let error = user.offline().resolve(&request("tool"), T0).unwrap_err();
    assert!(matches!(error, FetchError::Offline { .. }), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Unreachable);
    assert!(error.hint().unwrap().contains("--offline"));

    let client = user.client();
    let resolved = client.resolve(&request("tool"), T0).unwrap();
    client.fetch(&resolved).unwrap();
    let offline = user.offline();
    let resolved = offline.resolve(&request("tool"), at(7 * DAY - 1)).unwrap();
    offline.fetch(&resolved).unwrap();
    let error = offline.resolve(&request("tool"), at(7 * DAY)).unwrap_err();
    assert!(
        matches!(error, FetchError::OfflineStale { .. }),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Untrusted);
}

fn a_clock_that_was_set_back_is_named(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    user.client().update(T0).unwrap();
    assert!(user.client().refresh(T0.minus(300)).is_ok());
    let back = T0.minus(301);
    for client in [user.client(), user.offline()] {
        let error = client.update(back).unwrap_err();
        assert!(matches!(error, FetchError::Clock { .. }), "{error:?}");
        assert_eq!(error.class(), ErrorClass::Untrusted);
        assert!(error.hint().unwrap().contains("clock"));
    }
    let stranger = User::of(&[&place]);
    let error = stranger.client().update(back).unwrap_err();
    assert!(
        matches!(head_error(&error), HeadError::Future { .. }),
        "{error:?}"
    );
}

fn a_damaged_memory_is_named(backend: Backend) {
    let registry = example();
    let place = backend.place(&registry);
    let user = User::of(&[&place]);
    user.client().update(T0).unwrap();
    let memory = user
        .stored("registry")
        .into_iter()
        .find(|path| path.extension().is_none())
        .unwrap();
    let text = fs::read_to_string(&memory).unwrap();
    for damaged in [
        String::new(),
        "{}".to_owned(),
        text.replace("registry.example", "registry.examplf"),
        text.replace("head_lifetime", "head_lifetima"),
    ] {
        fs::write(&memory, damaged).unwrap();
        let error = user.client().refresh(T0).unwrap_err();
        assert!(matches!(error, FetchError::State { .. }), "{error:?}");
        assert_eq!(error.class(), ErrorClass::Untrusted);
        let hint = error.hint().unwrap();
        assert!(hint.contains(&memory.display().to_string()), "{hint}");
    }
    fs::remove_file(&memory).unwrap();
    assert!(user.client().refresh(T0).is_ok());
}

#[test]
fn processes_at_once_do_not_disturb_each_other() {
    let registry = example();
    let place = Backend::Dir.place(&registry);
    let user = User::of(&[&place]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for step in 0..5 {
                    let client = user.client();
                    let options = ResolveOptions {
                        refresh: true,
                        ..ResolveOptions::default()
                    };
                    let request = request("tool");
                    let resolved = client.resolve_with(&request, &options, at(step)).unwrap();
                    client.fetch(&resolved).unwrap();
                }
            });
        }
    });
    assert_eq!(user.stored("blob").len(), 1);
}

#[test]
fn an_unwritable_store_is_named_and_nothing_is_half_written() {
    let registry = example();
    let place = Backend::Dir.place(&registry);
    let user = User::of(&[&place]);
    fs::write(user.store_path().join("blob"), b"in the way").unwrap();
    let client = user.client();
    let resolved = client.resolve(&request("tool"), T0).unwrap();
    let error = client.fetch(&resolved).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Failed);
    assert!(error.hint().unwrap().contains("ZERO_HOME"));
}

#[test]
fn nothing_there_is_unreachable() {
    let registry = Registry::new();
    let place = Backend::Dir.place(&registry);
    let mut user = User::of(&[&place]);
    user.places = vec![
        registry
            .path()
            .join("nowhere")
            .display()
            .to_string()
            .parse()
            .unwrap(),
    ];
    let error = user.client().update(T0).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unreachable, "{error:?}");
    let empty = tempfile::tempdir().unwrap();
    user.places = vec![empty.path().display().to_string().parse().unwrap()];
    let error = user.client().update(T0).unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unreachable, "{error:?}");
    assert!(error.hint().is_some());
}

#[test]
fn a_package_of_a_large_chain_is_read_in_segments() {
    let registry = Registry::new();
    registry.claim("tool", T0);
    registry.release("tool", "1.0.0", T0);
    registry.toggle(140, "1.0.0", at(140));
    let place = Backend::Dir.place(&registry);
    let client = User::of(&[&place]).client();
    let trusted = client.update(at(140)).unwrap();
    let state = client.package(&trusted, &package("tool")).unwrap();
    assert_eq!(state.events(), 142);
    assert!(client.resolve(&request("tool"), at(140)).is_ok());
}
