//! Roots, heads and logs that are not to be trusted.

use super::*;

scenarios! {
    a_rewritten_log_is_refused,
    a_head_that_is_ahead_of_its_root_is_left,
    an_expired_head_is_refused,
    another_registry_under_the_same_key_is_refused,
    another_root_key_is_refused,
    new_roots_are_followed,
    a_root_without_the_old_keys_is_refused,
    a_stale_mirror_is_skipped_never_obeyed,
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
