use super::*;
use crate::testing::{claim, event, key, name, release_of, then, version};
use crate::{Action, PackageState};

/// A package with these versions: a `!` in front revokes one, a `-` yanks it.
fn package(versions: &[&str]) -> PackageState {
    let mut state = PackageState::empty(&name("csvstat"));
    let step = |state: PackageState, action| {
        let event = event(&state, action, &[&key(1)]);
        then(state, &event)
    };
    state = step(state, claim(&[&key(1)], 1));
    for marked in versions {
        let version = version(marked.trim_start_matches(['!', '-']));
        let capabilities = zero_format::Capabilities::default();
        let release = release_of(marked.as_bytes(), &version, &capabilities);
        state = step(state, release);
        if marked.starts_with('-') {
            let (version, reason) = (version, None);
            state = step(state, Action::Yank { version, reason });
        } else if marked.starts_with('!') {
            let (version, reason) = (version, None);
            state = step(state, Action::Revoke { version, reason });
        }
    }
    state
}

fn chosen(package: &PackageState, req: &str, lock: Option<&str>) -> Result<String, ResolveError> {
    let lock = lock.map(version);
    let release = resolve(
        package,
        &req.parse().unwrap(),
        lock.as_ref(),
        &Young::default(),
    )?;
    Ok(release.version().to_string())
}

#[test]
fn what_is_too_young_is_not_chosen_but_what_it_takes_back_holds() {
    // The claim is event 0, the releases are 1, 2 and 3, and the yank of the third is 4.
    let package = package(&["1.0.0", "1.1.0", "-1.2.0", "2.0.0"]);
    let since = Timestamp::from_seconds(5);
    let chosen = |req: &str, lock: Option<&str>, places: &[u64]| {
        let young: Young = places.iter().map(|place| (*place, since)).collect();
        let lock = lock.map(version);
        resolve(&package, &req.parse().unwrap(), lock.as_ref(), &young)
            .map(|release| release.version().to_string())
    };
    assert_eq!(chosen("1", None, &[]), Ok("1.1.0".to_owned()));
    assert_eq!(chosen("1", None, &[2, 3, 4, 5]), Ok("1.0.0".to_owned()));
    assert_eq!(
        chosen("1", None, &[4]),
        Ok("1.1.0".to_owned()),
        "a young yank holds at once"
    );
    assert_eq!(chosen("1", Some("1.1.0"), &[2]), Ok("1.1.0".to_owned()));
    let error = chosen("2", None, &[5]).unwrap_err();
    assert!(
        matches!(&error, ResolveError::TooYoung { version, since: at, .. }
            if version.to_string() == "2.0.0" && *at == since),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("--min-age 0"));
}

#[test]
fn requests_mean_the_highest_version_that_matches() {
    let package = package(&[
        "0.9.0",
        "1.2.0",
        "1.10.0",
        "1.2.3",
        "1.2.4-rc.1",
        "-1.2.9",
        "!1.2.8",
        "2.0.0",
        "3.0.0-beta.1",
    ]);
    for (req, expected) in [
        ("1.2.3", "1.2.3"),
        ("1.2", "1.2.3"),
        ("1", "1.10.0"),
        ("", "2.0.0"),
        ("*", "2.0.0"),
        ("^1.2.1", "1.10.0"),
        ("~1.2.1", "1.2.3"),
        (">=1.2, <1.10", "1.2.3"),
        ("1.2.4-rc.1", "1.2.4-rc.1"),
    ] {
        assert_eq!(
            chosen(&package, req, None),
            Ok(expected.to_owned()),
            "{req}"
        );
    }
}

#[test]
fn a_yanked_version_runs_only_from_a_lock() {
    let package = package(&["1.2.0", "-1.2.1"]);
    assert_eq!(chosen(&package, "1.2", None), Ok("1.2.0".to_owned()));
    let exact = chosen(&package, "1.2.1", None);
    assert!(matches!(exact, Err(ResolveError::Yanked { .. })));
    for req in ["1.2", "1.2.1"] {
        assert_eq!(chosen(&package, req, Some("1.2.1")), Ok("1.2.1".to_owned()));
    }
}

#[test]
fn a_revoked_version_never_runs() {
    let package = package(&["1.2.0", "!1.2.1"]);
    assert_eq!(chosen(&package, "1.2", None), Ok("1.2.0".to_owned()));
    for lock in [None, Some("1.2.1")] {
        let exact = chosen(&package, "1.2.1", lock);
        assert!(matches!(exact, Err(ResolveError::Revoked { .. })));
    }
    let locked = chosen(&package, "1.2", Some("1.2.1"));
    assert!(matches!(locked, Err(ResolveError::Revoked { .. })));
}

#[test]
fn a_lock_that_does_not_answer_the_request_is_left_alone() {
    let package = package(&["1.2.0", "2.0.0"]);
    assert_eq!(chosen(&package, "2", Some("1.2.0")), Ok("2.0.0".to_owned()));
    assert_eq!(chosen(&package, "1", Some("1.9.0")), Ok("1.2.0".to_owned()));
    assert_eq!(chosen(&package, "", Some("1.2.0")), Ok("1.2.0".to_owned()));
}

#[test]
fn no_match_names_the_newest_version() {
    let full = package(&["1.2.0", "2.0.0-rc.1", "-3.0.0"]);
    let missing = chosen(&full, "4", None).unwrap_err();
    assert!(
        matches!(&missing, ResolveError::NoMatch { newest: Some(newest), .. }
        if *newest == version("1.2.0"))
    );
    assert_eq!(
        missing.hint().as_deref(),
        Some("the newest version is csvstat@1.2.0")
    );
    assert!(matches!(
        chosen(&package(&[]), "", None),
        Err(ResolveError::NoMatch { newest: None, .. })
    ));
}
