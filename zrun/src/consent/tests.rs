use std::fs;

use zero_format::{Access, FsRule, FsScope, RandomRule, Resources};

use super::*;
use crate::home::Home;

fn key(seed: u8) -> PublicKey {
    zero_format::SecretKey::generate([seed; 40]).public_key()
}

fn capabilities(access: Access) -> Capabilities {
    Capabilities {
        fs: vec![FsRule {
            scope: FsScope::Guest("/data".parse().unwrap()),
            access,
            reason: Some("reads the tables".to_owned()),
        }],
        ..Capabilities::default()
    }
}

fn consent(signer: &PublicKey, capabilities: Capabilities) -> Consent {
    Consent {
        registry: FILE.to_owned(),
        package: "csvstat".parse().unwrap(),
        signer: signer.to_base64(),
        answers: Answers {
            allowed: capabilities.clone(),
            refused: Capabilities::default(),
        },
        folders: Vec::new(),
        capabilities,
        version: "1.2.0".parse().unwrap(),
        given: 5,
    }
}

fn has(
    home: &Home,
    registry: &str,
    package: &PackageName,
    signer: &PublicKey,
    capabilities: &Capabilities,
) -> bool {
    home.consent_for(registry, package, signer, capabilities)
        .is_some()
}

#[test]
fn only_a_clear_yes_is_a_yes() {
    for (line, answer) in [
        ("", Answer::No),
        ("\n", Answer::No),
        ("n", Answer::No),
        ("sure", Answer::No),
        (" A \n", Answer::Always),
        ("yes", Answer::Once),
        ("o", Answer::Once),
        ("C", Answer::Choose),
    ] {
        assert_eq!(Answer::parse(line), answer, "{line:?}");
    }
}

#[test]
fn consent_is_bound_to_registry_package_signer_and_scopes() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path());
    let read = capabilities(Access::Read);
    home.store_consent(&consent(&key(1), read.clone())).unwrap();
    let name: PackageName = "csvstat".parse().unwrap();
    assert!(has(&home, FILE, &name, &key(1), &read));
    assert!(!has(&home, "https://example.org", &name, &key(1), &read));
    assert!(!has(&home, FILE, &"other".parse().unwrap(), &key(1), &read));
    assert!(!has(&home, FILE, &name, &key(2), &read));
    assert!(!has(
        &home,
        FILE,
        &name,
        &key(1),
        &capabilities(Access::ReadWrite)
    ));
    let mut reworded = read;
    reworded.fs[0].reason = None;
    assert!(has(&home, FILE, &name, &key(1), &reworded));
}

#[test]
fn an_edited_record_grants_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path());
    let wide = capabilities(Access::ReadWrite);
    home.store_consent(&consent(&key(1), capabilities(Access::Read)))
        .unwrap();
    let name = "csvstat".parse().unwrap();
    let stored = home.consent(&Consent::id(
        FILE,
        &name,
        &key(1),
        &capabilities(Access::Read),
    ));
    fs::rename(
        stored,
        home.consent(&Consent::id(FILE, &name, &key(1), &wide)),
    )
    .unwrap();
    assert!(!has(&home, FILE, &name, &key(1), &wide));
}

#[test]
fn consent_can_be_listed_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path());
    assert!(home.consents().unwrap().is_empty());
    let id = home
        .store_consent(&consent(&key(1), capabilities(Access::Read)))
        .unwrap();
    assert_eq!(
        home.consents().unwrap(),
        [(id, consent(&key(1), capabilities(Access::Read)))]
    );
    assert!(home.revoke_consent(&id).unwrap());
    assert!(!home.revoke_consent(&id).unwrap());
}

#[test]
fn the_screen_says_who_what_why_and_what_is_new() {
    let mut now = capabilities(Access::ReadWrite);
    now.random = Some(RandomRule::default());
    let before = consent(&key(1), capabilities(Access::Read));
    let question = Question {
        registry: "https://packages.example.org",
        package: &"csvstat".parse().unwrap(),
        version: &"2.0.0".parse().unwrap(),
        signer: &key(1),
        signer_name: None,
        declared: &now,
        outstanding: &now,
        before: Some(&before),
        resources: Some(&Resources {
            peak_memory: Some(1 << 20),
            time_ms: Some(3),
            ..Resources::default()
        }),
    };
    let expected = format!(
        "csvstat 2.0.0 from https://packages.example.org
signed by {key} (key {number})

It wants to
  1. read and write files under /data
     its publisher says: “reads the tables”
  2. use random numbers

Since you were asked about 1.2.0, this is new:
  + read and write files under /data
  + use random numbers

It cannot open network connections, make web requests, see your environment variables, tell the time, start other programs.

Its examples used 1 MiB of memory and 3 ms when it was built.
",
        key = key(1).to_base64(),
        number = key(1).key_id_hex(),
    );
    assert_eq!(question.screen(), expected);
}

#[test]
fn answers_and_folders_are_kept_and_what_was_not_asked_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(dir.path());
    let mut declared = capabilities(Access::Read);
    declared.random = Some(RandomRule::default());
    declared.clock = vec![zero_format::ClockRule {
        clock: zero_format::Clock::Wall,
        reason: None,
    }];
    let mut stored = consent(&key(1), declared.clone());
    stored.answers = Answers {
        allowed: capabilities(Access::Read),
        refused: RandomRule::default().into(),
    };
    stored.folders = vec![Folder {
        guest: "/data".parse().unwrap(),
        host: dir.path().to_owned(),
        access: Access::Read,
    }];
    home.store_consent(&stored).unwrap();
    let name = "csvstat".parse().unwrap();
    let found = home.consent_for(FILE, &name, &key(1), &declared).unwrap();
    assert_eq!(found, stored);
    let decision = decide(&declared, &found.add_to(Asked::default()), &|_| None);
    assert_eq!(decision.grants.fs[0].host, dir.path());
    assert!(!decision.grants.random);
    assert_eq!(decision.outstanding, declared.clock[0].clone().into());
    let other = Rule::Fs {
        host: "/elsewhere".into(),
        guest: Some("/data".parse().unwrap()),
        access: Access::Read,
    };
    let named = Asked {
        allow: vec![other],
        ..Asked::default()
    };
    let decision = decide(&declared, &found.add_to(named), &|_| None);
    assert_eq!(
        decision.grants.fs.len(),
        1,
        "the folder named now stands alone"
    );
}
