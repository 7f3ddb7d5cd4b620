//! Releases that are too young.

use super::*;

scenarios! {
    a_release_counts_as_old_as_the_log_says,
    a_log_that_hides_or_changes_its_newest_entries_is_refused,
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
