//! Which release is chosen, what is fetched for it, and when nothing is.

use super::*;

scenarios! {
    a_package_is_resolved_fetched_and_kept,
    versions_are_chosen_as_written,
    absence_is_told_apart,
    yanked_and_revoked_releases,
    fresh_needs_no_request_and_stale_one,
    what_a_remembered_state_lacks_is_asked_for,
    offline_lives_on_what_is_stored_until_it_expires,
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
