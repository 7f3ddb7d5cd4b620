//! Files, clocks and stores that are not what they should be.

use super::*;

scenarios! {
    a_changed_package_file_is_refused_and_another_mirror_asked,
    a_file_that_is_not_its_release_is_refused,
    a_changed_stored_file_is_fetched_again,
    a_mirror_in_the_middle_of_an_update_is_left,
    every_changed_byte_of_the_metadata_is_refused,
    a_clock_that_was_set_back_is_named,
    a_damaged_memory_is_named,
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
