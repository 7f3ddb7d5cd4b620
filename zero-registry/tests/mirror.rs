//! Copies that are kept up to date, and upstreams that lie (spec/registry.md, "Mirrors").
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::{
    fs, io,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use support::registry::{
    Backend, HOUR, LOG, Place, ROOT, Registry, T0, User, flip, key, package, role,
};
use zero_registry::{
    DirStorage, DirTransport, DirWriter, ErrorClass, MirrorOptions, Mirrored, MirroringError,
    Proposal, Report, Timestamp, Transport, VerifyOptions, anchor, current_root, mirror, rotate,
    verify_registry,
};

const NEW_LOG: u8 = 20;

fn options() -> MirrorOptions<'static> {
    MirrorOptions {
        pinned: Some(role(&[ROOT], 1)),
        ..MirrorOptions::default()
    }
}

fn copy_from(upstream: &Path, copy: &Path, now: Timestamp) -> Result<Mirrored, MirroringError> {
    let upstream = DirTransport::new(upstream);
    mirror(&upstream, &DirStorage::new(copy), &options(), now)
}

fn verified(folder: &Path) -> Report {
    verify_registry(&DirStorage::new(folder), VerifyOptions::default()).unwrap()
}

fn example() -> Registry {
    let registry = Registry::new();
    registry.claim("tool", T0);
    registry.release("tool", "1.0.0", T0);
    registry.claim("other", T0);
    registry.release("other", "1.0.0", T0);
    registry
}

/// The head in a folder; nothing where there is none.
fn head(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("head")).unwrap_or_default()
}

#[test]
fn a_copy_is_made_and_kept_up_to_date() {
    for backend in [Backend::Dir, Backend::Http] {
        let registry = example();
        let place = backend.place(&registry);
        let copy = tempfile::tempdir().unwrap();
        let copied = run(&place, copy.path(), T0).unwrap();
        assert_eq!((copied.from, copied.to, copied.files), (0, 9, 2));
        assert_eq!(verified(copy.path()), verified(registry.path()));
        let again = run(&place, copy.path(), T0).unwrap();
        assert_eq!((again.from, again.to, again.files), (9, 9, 0));
        // Past the ends of bundles, tiles and segments.
        registry.toggle(600, "1.0.0", T0);
        registry.release("tool", "1.1.0", T0);
        let copied = run(&place, copy.path(), T0).unwrap();
        assert_eq!((copied.from, copied.to, copied.files), (9, 612, 1));
        assert_eq!(verified(copy.path()), verified(registry.path()));
        assert_eq!(head(copy.path()), head(registry.path()));
        let user = User::of(&[&Place {
            location: copy.path().to_str().unwrap().parse().unwrap(),
            server: None,
        }]);
        let client = user.client();
        let resolved = client.resolve(&"tool".parse().unwrap(), T0).unwrap();
        client.fetch(&resolved).unwrap();
    }
}

fn run(place: &Place, copy: &Path, now: Timestamp) -> Result<Mirrored, MirroringError> {
    let storage = DirStorage::new(copy);
    match &place.location {
        zero_registry::Location::Dir(path) => {
            mirror(&DirTransport::new(path), &storage, &options(), now)
        }
        zero_registry::Location::Url(url) => {
            let network = zero_registry::Network::default();
            let upstream = zero_registry::HttpTransport::new(url, network).unwrap();
            mirror(&upstream, &storage, &options(), now)
        }
        zero_registry::Location::Bucket(url) => panic!("{url} is no place of these tests"),
    }
}

#[test]
fn only_what_is_new_is_fetched() {
    let registry = example();
    let copy = tempfile::tempdir().unwrap();
    copy_from(registry.path(), copy.path(), T0).unwrap();
    registry.release("tool", "1.1.0", T0);
    let upstream = DirTransport::new(registry.path());
    mirror(&upstream, &DirStorage::new(copy.path()), &options(), T0).unwrap();
    // Origin aside: a root and its signature, the next root and its signature that are not there,
    // the head, one bundle, and a file with its signature.
    assert!(upstream.traffic().requests <= 8, "{:?}", upstream.traffic());
}

#[test]
fn a_part_of_the_packages_can_be_copied() {
    let registry = example();
    let copy = tempfile::tempdir().unwrap();
    let options = MirrorOptions {
        packages: Some([package("tool")].into()),
        ..options()
    };
    let upstream = DirTransport::new(registry.path());
    let storage = DirStorage::new(copy.path());
    assert_eq!(mirror(&upstream, &storage, &options, T0).unwrap().files, 1);
    let files = VerifyOptions {
        blobs: false,
        ..VerifyOptions::default()
    };
    assert_eq!(verify_registry(&storage, files).unwrap().releases, 2);
    // Readers with the registry behind the copy get the rest from there.
    let place = |path: &Path| Place {
        location: path.to_str().unwrap().parse().unwrap(),
        server: None,
    };
    let (part, whole) = (place(copy.path()), place(registry.path()));
    let client = User::of(&[&part, &whole]);
    let client = client.client();
    for name in ["tool", "other"] {
        let resolved = client.resolve(&name.parse().unwrap(), T0).unwrap();
        client.fetch(&resolved).unwrap();
    }
}

#[test]
fn every_lie_of_the_upstream_is_found_and_the_copy_keeps_its_state() {
    let registry = example();
    let start = tempfile::tempdir().unwrap();
    copy_from(registry.path(), start.path(), T0).unwrap();
    let old = registry.copy();
    registry.release("tool", "1.1.0", T0);
    let newest = registry.writer().package(&package("tool")).unwrap();
    let newest = newest.releases().last().unwrap().sha256().to_hex();
    for folder in ["head", "root", "tile/entries", "blob"] {
        let all = registry.files(folder);
        let all = if folder == "head" {
            vec![registry.path().join("head")]
        } else {
            all
        };
        let told = all.iter().filter(|path| {
            let path = path.to_str().unwrap();
            // What the copy has already is not asked for again.
            !path.contains("/blob/") || path.contains(&newest)
        });
        for path in told {
            let bytes = fs::read(path).unwrap();
            let newer_entries = !path.to_str().unwrap().contains("entries") || path.ends_with("12");
            for at in (0..bytes.len()).step_by(bytes.len() / 5 + 1) {
                let liar = registry.copy();
                flip(
                    &liar
                        .path()
                        .join(path.strip_prefix(registry.path()).unwrap()),
                    at,
                );
                let copy = old_copy(start.path());
                let outcome = copy_from(liar.path(), copy.path(), T0);
                let name = path.display();
                match outcome {
                    Err(error) => {
                        assert_eq!(error.class(), ErrorClass::Untrusted, "{name} {at}: {error}");
                        assert!(error.hint().is_some());
                        assert_eq!(head(copy.path()), head(start.path()), "{name} {at}");
                    }
                    // An untrusted comment, which nothing covers; a bundle that nobody needs.
                    Ok(_) => assert!(
                        name.to_string().ends_with(".minisig") || !newer_entries,
                        "{name} {at}"
                    ),
                }
                verified(copy.path());
            }
        }
    }
    // An older state is refused, whatever it is.
    let copy = tempfile::tempdir().unwrap();
    copy_from(registry.path(), copy.path(), T0).unwrap();
    let stale = copy_from(old.path(), copy.path(), T0).unwrap_err();
    assert_eq!(stale.class(), ErrorClass::Untrusted);
    // What the copy computes by itself cannot be lied about.
    for folder in ["map", "pkg", "tile/0"] {
        let liar = registry.copy();
        for path in liar.files(folder) {
            flip(&path, 10);
        }
        let copy = old_copy(start.path());
        copy_from(liar.path(), copy.path(), T0).unwrap();
        verified(copy.path());
    }
}

fn old_copy(from: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_from(from, copy.path(), T0).unwrap();
    copy
}

#[test]
fn a_copy_that_is_interrupted_anywhere_is_whole_and_goes_on() {
    let registry = example();
    let start = tempfile::tempdir().unwrap();
    copy_from(registry.path(), start.path(), T0).unwrap();
    registry.release("tool", "1.1.0", T0);
    for from_nothing in [true, false] {
        for last in 1.. {
            let copy = if from_nothing {
                tempfile::tempdir().unwrap()
            } else {
                old_copy(start.path())
            };
            let steps = AtomicU64::new(0);
            let dying = DirStorage::new(copy.path()).with_hook(move |_| {
                if steps.fetch_add(1, Ordering::SeqCst) + 1 >= last {
                    return Err(io::Error::other("killed"));
                }
                Ok(())
            });
            let outcome = mirror(&DirTransport::new(registry.path()), &dying, &options(), T0);
            let seen = !head(copy.path()).is_empty();
            assert!(seen || from_nothing);
            if seen {
                verified(copy.path());
            }
            copy_from(registry.path(), copy.path(), T0).unwrap();
            assert_eq!(
                verified(copy.path()),
                verified(registry.path()),
                "step {last}"
            );
            if outcome.is_ok() {
                assert!(last > 10);
                break;
            }
        }
    }
}

#[test]
fn roots_and_new_log_keys_are_followed() {
    let registry = example();
    let copy = tempfile::tempdir().unwrap();
    copy_from(registry.path(), copy.path(), T0).unwrap();
    let late = tempfile::tempdir().unwrap();
    copy_from(registry.path(), late.path(), T0).unwrap();
    let storage = DirStorage::new(registry.path());
    let honest = registry.writer().base().unwrap().tree().size;
    registry.refresh(T0);
    copy_from(registry.path(), late.path(), T0).unwrap();
    let current = current_root(&storage).unwrap();
    let anchored = anchor(&storage, Some(honest)).unwrap();
    let mut proposal = Proposal::new(&current.bytes, current.signatures, |fields| {
        fields.log = key(NEW_LOG).public_key();
        fields.anchor = Some(anchored);
    })
    .unwrap();
    proposal.sign(&key(ROOT)).unwrap();
    rotate(&storage, &proposal, true).unwrap();
    let writer = DirWriter::open(registry.path(), key(NEW_LOG)).unwrap();
    writer.refresh(T0.plus(HOUR)).unwrap();
    copy_from(registry.path(), copy.path(), T0.plus(HOUR)).unwrap();
    assert_eq!(verified(copy.path()), verified(registry.path()));
    // A copy of what was discarded cannot go on.
    let rewound = copy_from(registry.path(), late.path(), T0.plus(HOUR)).unwrap_err();
    assert!(matches!(rewound, MirroringError::Rewound), "{rewound}");
    assert!(rewound.hint().unwrap().contains("empty directory"));
}

#[test]
fn the_first_copy_needs_a_root_key_and_the_right_one() {
    let registry = example();
    let copy = tempfile::tempdir().unwrap();
    let storage = DirStorage::new(copy.path());
    let upstream = DirTransport::new(registry.path());
    let unpinned = mirror(&upstream, &storage, &MirrorOptions::default(), T0).unwrap_err();
    assert!(matches!(unpinned, MirroringError::Unpinned));
    let wrong = MirrorOptions {
        pinned: Some(role(&[LOG], 1)),
        ..options()
    };
    let refused = mirror(&upstream, &storage, &wrong, T0).unwrap_err();
    assert_eq!(refused.class(), ErrorClass::Untrusted);
    assert!(head(copy.path()).is_empty());
    mirror(&upstream, &storage, &options(), T0).unwrap();
    // From then on the copy knows its roots.
    mirror(&upstream, &storage, &MirrorOptions::default(), T0).unwrap();
}
