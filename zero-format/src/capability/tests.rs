//! Declarations compared, digested and put in words.

use super::*;

fn parse(json: &str) -> Capabilities {
    serde_json::from_str(json).unwrap()
}

const FULL: &str = r#"{
    "fs": [{"guest":"/data","access":"read","reason":"reads tables"}, {"from":"args","access":"read-write"}],
    "net": [{"host":"api.example.org","ports":[443,80]}, {"host":"10.0.0.0/8"}],
    "http": [{"url":"https://api.example.org/*","methods":["GET","HEAD"]}],
    "env": [{"name":"LANG"}],
    "clock": [{"clock":"wall"}, {"clock":"monotonic"}],
    "random": {}
}"#;

#[test]
fn travels_through_json() {
    let capabilities = parse(FULL);
    let json = serde_json::to_string(&capabilities).unwrap();
    assert_eq!(parse(&json), capabilities);
    assert_eq!(
        serde_json::to_string(&Capabilities::default()).unwrap(),
        "{}"
    );
    assert!(Capabilities::default().is_empty() && !capabilities.is_empty());
    assert_eq!(capabilities.kinds().len(), 6);
}

#[test]
fn refuses_rules_that_say_too_little_or_too_much() {
    for json in [
        r#"{"fs":[{"access":"read"}]}"#,
        r#"{"fs":[{"guest":"/a","from":"args","access":"read"}]}"#,
        r#"{"fs":[{"guest":"/a","access":"write"}]}"#,
        r#"{"fs":[{"guest":"/a"}]}"#,
        r#"{"fs":[{"guest":"/a","access":"read","x":1}]}"#,
        r#"{"gpu":[]}"#,
        r#"{"net":[{"host":"a.org","ports":[70000]}]}"#,
        r#"{"random":true}"#,
        r#"{"clock":[{"clock":"sun"}]}"#,
    ] {
        assert!(
            serde_json::from_str::<Capabilities>(json).is_err(),
            "{json}"
        );
    }
}

#[test]
fn digest_is_about_scopes_only() {
    let one = parse(
        r#"{"net":[{"host":"a.org","ports":[1,2],"reason":"x"}],"env":[{"name":"B"},{"name":"A"},{"name":"A"}]}"#,
    );
    let other = parse(
        r#"{"env":[{"name":"A"},{"name":"B"}],"net":[{"host":"a.org","ports":[2]},{"host":"a.org","ports":[1]}]}"#,
    );
    assert_eq!(one.digest(), other.digest());
    assert_ne!(one.digest(), Capabilities::default().digest());
    assert_eq!(
        Capabilities::default().digest(),
        Digest::of(b"zero-capabilities/1\n")
    );
    assert_eq!(
        one.digest(),
        Digest::of(b"zero-capabilities/1\nenv A\nenv B\nnet a.org 1\nnet a.org 2\n"),
        "the bytes of spec/artifact.md"
    );
}

#[test]
fn digest_lines_are_those_of_the_spec() {
    let lines: BTreeSet<String> = parse(FULL)
        .atoms()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        lines.into_iter().collect::<Vec<_>>(),
        [
            "clock monotonic",
            "clock wall",
            "env LANG",
            "fs read guest /data",
            "fs read-write args",
            "http GET https://api.example.org/*",
            "http HEAD https://api.example.org/*",
            "net 10.0.0.0/8 *",
            "net api.example.org 443",
            "net api.example.org 80",
            "random",
        ]
    );
}

/// What the second declaration asks for beyond the first, in words.
fn widened(old: &str, new: &str) -> Vec<String> {
    parse(old)
        .widened_by(&parse(new))
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn the_same_or_less_widens_nothing() {
    assert!(widened(FULL, FULL).is_empty());
    assert!(widened(FULL, "{}").is_empty());
    assert!(
        widened(
            FULL,
            r#"{"fs":[{"guest":"/data/in","access":"read"},{"from":"args","access":"read"}]}"#
        )
        .is_empty()
    );
    assert!(widened(FULL, r#"{"net":[{"host":"10.9.0.0/16","ports":[22]},{"host":"api.example.org","ports":[80]}]}"#).is_empty());
    assert!(
        widened(
            FULL,
            r#"{"http":[{"url":"https://api.example.org/v1/*","methods":["HEAD"]}]}"#
        )
        .is_empty()
    );
}

#[test]
fn anything_new_widens() {
    let cases = [
        (
            r#"{"fs":[{"guest":"/data","access":"read-write"}]}"#,
            "read and write files under /data",
        ),
        (
            r#"{"fs":[{"guest":"/","access":"read"}]}"#,
            "read files under /",
        ),
        (
            r#"{"fs":[{"guest":"/database","access":"read"}]}"#,
            "read files under /database",
        ),
        (
            r#"{"net":[{"host":"api.example.org"}]}"#,
            "connect to api.example.org on any port",
        ),
        (
            r#"{"net":[{"host":"api.example.org","ports":[22]}]}"#,
            "connect to api.example.org on port 22",
        ),
        (
            r#"{"net":[{"host":"8.0.0.0/6","ports":[22]}]}"#,
            "connect to any address in 8.0.0.0/6 on port 22",
        ),
        (
            r#"{"net":[{"host":"0.0.0.0/0"}]}"#,
            "connect to any IPv4 address on any port",
        ),
        (
            r#"{"http":[{"url":"https://api.example.org/*"}]}"#,
            "send HTTP requests of any method to https://api.example.org/*",
        ),
        (
            r#"{"http":[{"url":"https://api.example.org/*","methods":["POST"]}]}"#,
            "send HTTP POST to https://api.example.org/*",
        ),
        (
            r#"{"env":[{"name":"HOME"}]}"#,
            "read the environment variable HOME",
        ),
    ];
    for (new, words) in cases {
        assert_eq!(widened(FULL, new), [words], "{new}");
    }
    assert_eq!(
        widened("{}", r#"{"random":{},"clock":[{"clock":"wall"}]}"#),
        ["read the date and time", "use random numbers"]
    );
}

#[test]
fn two_halves_do_not_make_a_whole() {
    let halves = r#"{"net":[{"host":"10.0.0.0/9"},{"host":"10.128.0.0/9"}]}"#;
    assert_eq!(
        widened(halves, r#"{"net":[{"host":"10.0.0.0/8"}]}"#).len(),
        1
    );
}

#[test]
fn describes_each_rule_once_with_its_reason() {
    let capabilities = parse(FULL);
    assert_eq!(
        capabilities.describe(),
        [
            "read files under /data",
            "read and write the files named on the command line",
            "connect to api.example.org on ports 443 and 80",
            "connect to any address in 10.0.0.0/8 on any port",
            "send HTTP GET and HEAD to https://api.example.org/*",
            "read the environment variable LANG",
            "read the date and time",
            "measure elapsed time",
            "use random numbers",
        ]
    );
    assert_eq!(capabilities.needs()[0].reason, Some("reads tables"));
}
