use proptest::prelude::*;
use zero_format::{PackageName, Version};

use super::*;
use crate::schema::EventKind;
use crate::testing::{NOW, claim, key, name, origin, release_of, role, wants_random};
use crate::{PackageState, Role};

fn actions() -> Vec<Action> {
    let (release, admin): (Role, Role) = (role(&[&key(1)], 1), role(&[&key(2), &key(3)], 2));
    let version = Version::new(1, 2, 3);
    let distrust = vec![Distrust {
        key: key(4).public_key(),
        from: 7,
    }];
    let reason = Some("it deletes \"files\" — sorry".to_owned());
    vec![
        Action::Attest {
            version: version.clone(),
            predicate: "https://slsa.dev/provenance/v1".to_owned(),
            sha256: Digest::of(b"statement"),
            size: 9,
        },
        claim(&[&key(1)], 1),
        Action::Keys {
            release: release.clone(),
            admin: admin.clone(),
            distrust: distrust.clone(),
        },
        Action::Recover {
            release,
            admin,
            distrust: Vec::new(),
        },
        release_of(b"file", &version, &wants_random()),
        Action::Revoke {
            version: version.clone(),
            reason: reason.clone(),
        },
        Action::Unyank {
            version: version.clone(),
        },
        Action::Yank {
            version,
            reason: None,
        },
    ]
}

fn body(seq: u64, action: Action) -> EventBody {
    EventBody {
        origin: origin(),
        name: name("tools/csvstat"),
        seq,
        prev: (seq > 0).then(|| Digest::of(b"before")),
        time: NOW,
        action,
    }
}

fn with_body(text: &str) -> Result<SignedEvent, EventError> {
    let message = message(text);
    let line = EventLine {
        e: text.to_owned(),
        s: vec![Minisig::sign(&key(1), &message, "test")],
    };
    SignedEvent::parse(&line.encode())
}

fn text(action: Action) -> String {
    body(1, action).encode()
}

#[test]
fn every_kind_survives_its_line() {
    for action in actions() {
        let body = body(3, action);
        let signed = SignedEvent::sign(&body, &[&key(1), &key(2)]).unwrap();
        let read = SignedEvent::parse(signed.line()).unwrap();
        assert_eq!(read.body(), &body);
        assert_eq!(read.line(), signed.line());
        assert_eq!(read.signatures().len(), 2);
    }
}

#[test]
fn what_is_signed_is_what_jq_prints() {
    let yank = actions().pop().unwrap();
    let signed = SignedEvent::sign(&body(1, yank), &[&key(1)]).unwrap();
    let line: serde_json::Value = serde_json::from_slice(signed.line()).unwrap();
    let printed = format!("{}\n", line["e"].as_str().unwrap());
    assert!(printed.starts_with(
        "{\"type\":\"zero-event/1\",\"kind\":\"yank\",\"origin\":\"registry.example/test\",\"name\":\"tools/csvstat\",\"seq\":1,\"prev\":\""
    ));
    let signature = Minisig::parse(line["s"][0].as_str().unwrap()).unwrap();
    signature
        .verify(&key(1).public_key(), printed.as_bytes())
        .unwrap();
    assert_eq!(signed.message(), printed.as_bytes());
    assert_eq!(signed.digest(), Digest::of(signed.line()));
}

#[test]
fn several_key_holders_sign_in_turn() {
    let event = body(0, claim(&[&key(1), &key(2)], 2));
    let once = SignedEvent::sign(&event, &[&key(1)]).unwrap();
    let twice = once.sign_also(&[&key(2)]).unwrap();
    let together = SignedEvent::sign(&event, &[&key(1), &key(2)]).unwrap();
    assert_eq!(twice.line(), together.line());
}

#[test]
fn a_line_has_one_form() {
    let yank = actions().pop().unwrap();
    let signed = SignedEvent::sign(&body(1, yank), &[&key(1)]).unwrap();
    let line = String::from_utf8(signed.line().to_vec()).unwrap();
    for (from, to) in [
        ("\n", ""),
        ("\n", "\r\n"),
        ("\n", "\n\n"),
        ("{\"e\":", "{ \"e\":"),
        ("{\"e\":", "{\"x\":1,\"e\":"),
        ("csvstat", "csv\\u0073tat"),
        ("csvstat", "csv\u{7f}stat"),
    ] {
        assert!(line.contains(from));
        let changed = line.replacen(from, to, 1);
        let refused = SignedEvent::parse(changed.as_bytes());
        assert!(matches!(refused, Err(EventError::Line)), "{to:?}");
    }
    let (e, s) = line.split_once(",\"s\":").unwrap();
    let swapped = format!("{{\"s\":{},{}}}\n", s.trim_end_matches("}\n"), &e[1..]);
    assert!(matches!(
        SignedEvent::parse(swapped.as_bytes()),
        Err(EventError::Line)
    ));
}

#[test]
fn members_belong_to_their_kinds() {
    let yank = text(actions().pop().unwrap());
    assert!(with_body(&yank).is_ok());
    let sha256 = Digest::of(b"");
    for (from, to) in [
        ("\"kind\":\"yank\"", "\"kind\":\"unknown\""),
        ("\"kind\":\"yank\"", "\"kind\":\"release\""),
        ("\"version\":\"1.2.3\"", "\"version\":\"1.2\""),
        ("\"version\":\"1.2.3\"", "\"version\":\"1.2.3\",\"size\":1"),
        ("\"version\":\"1.2.3\"", "\"version\":\"1.2.3\",\"more\":1"),
        (
            "\"version\":\"1.2.3\"",
            "\"version\":\"1.2.3\",\"version\":\"1.2.3\"",
        ),
        (
            "\"version\":\"1.2.3\"",
            "\"version\":\"1.2.3\",\"reason\":\"\"",
        ),
        (
            "\"version\":\"1.2.3\"",
            "\"version\":\"1.2.3\",\"reason\":\"\\u001b[2J\"",
        ),
        ("\"seq\":1", "\"seq\":0"),
        ("\"seq\":1", "\"seq\":-1"),
        ("\"seq\":1", "\"seq\":1.0"),
        ("zero-event/1", "zero-event/2"),
        ("tools/csvstat", "Tools/csvstat"),
        ("tools/csvstat", "../csvstat"),
        ("registry.example/test", "registry.example/test/"),
        ("T20", "T25"),
    ] {
        assert!(yank.contains(from), "{from} in {yank}");
        let changed = yank.replacen(from, to, 1);
        assert!(with_body(&changed).is_err(), "{changed}");
    }
    let release = text(actions().remove(4));
    let digest = wants_random().digest().to_hex();
    for (from, to) in [
        (digest, sha256.to_hex()),
        ("\"size\":4".to_owned(), "\"size\":0".to_owned()),
        ("\"size\":4".to_owned(), "\"size\":999999999999".to_owned()),
        ("\"random\"".to_owned(), "\"randomness\"".to_owned()),
    ] {
        assert!(release.contains(&from), "{from} in {release}");
        assert!(with_body(&release.replacen(&from, &to, 1)).is_err(), "{to}");
    }
}

#[test]
fn the_kind_is_known_without_matching_the_action() {
    let kinds = actions().into_iter().map(|action| body(1, action).kind());
    assert!(kinds.eq([
        EventKind::Attest,
        EventKind::Claim,
        EventKind::Keys,
        EventKind::Recover,
        EventKind::Release,
        EventKind::Revoke,
        EventKind::Unyank,
        EventKind::Yank,
    ]));
}

#[test]
fn oversized_events_are_refused() {
    let huge = vec![b' '; MAX_LEAF_BYTES + 1];
    assert!(matches!(
        SignedEvent::parse(&huge),
        Err(EventError::Length(_))
    ));
    let yank = body(1, actions().pop().unwrap());
    let keys: Vec<_> = (1..=49).map(key).collect();
    let keys: Vec<_> = keys.iter().collect();
    assert!(SignedEvent::sign(&yank, &keys).is_err());
    assert!(SignedEvent::sign(&yank, &[]).is_err());
}

#[test]
fn a_chain_starts_without_a_line_before() {
    let package: PackageName = name("csvstat");
    let body = PackageState::empty(&package).next(&origin(), NOW, claim(&[&key(1)], 1));
    assert_eq!((body.seq, body.prev), (0, None));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, body in "\\PC{0,80}") {
        let _ = SignedEvent::parse(&bytes);
        let _ = with_body(&body);
        let _ = with_body(&format!("{{\"type\":\"zero-event/1\",{body}}}"));
    }

    #[test]
    fn no_flip_makes_the_parser_panic(at in 0_usize..2000, bit in 0_u32..8) {
        let signed = SignedEvent::sign(&body(1, actions().remove(4)), &[&key(1)]).unwrap();
        let mut line = signed.line().to_vec();
        if let Some(byte) = line.get_mut(at) {
            *byte ^= 1 << bit;
        }
        let _ = SignedEvent::parse(&line);
    }
}
