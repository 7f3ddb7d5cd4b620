//! Metadata read, refused and written.

use proptest::prelude::*;

use super::*;

const MINIMAL: &str =
    r#"{"zero":1,"kind":"module","package":{"name":"tiny","version":"1.0.0"},"capabilities":{}}"#;

const FULL: &str = r##"{
  "zero": 1, "kind": "component",
  "package": {"name":"acme/csvstat","version":"1.2.0-rc.1+b5","description":"Statistics over CSV","license":"MIT",
    "repository":"https://example.org/csvstat","authors":["A","B"],"readme":"# csvstat\n\n\tcode\n"},
  "capabilities": {"fs":[{"guest":"/data","access":"read","reason":"reads tables"}],"random":{}},
  "limits": {"memory":268435456,"time_ms":30000,"output":67108864,"write":1073741824,"handles":64,"fuel":5000000000},
  "exports": [{"name":"hamming","type":"(i32, i32) -> i32","doc":"Number of\ndiffering bits","params":[{"name":"a","type":"i32","unit":"bits"}],
    "results":[{"type":"i32"}],"examples":[{"args":[11,[0.1,null],"a\nb"],"result":null}],"pure":true}],
  "hints": {"resources":{"peak_memory":65536,"later":1},"compile":{"opt_level":"speed","features":["simd"],"baseline":true},"new-hint":[[null]]},
  "build": {"target":"wasm32-wasip2","builder":"cargo-zero 0.1.0"}
}"##;

fn decode(json: &str) -> Result<Metadata, MetadataError> {
    Metadata::decode(json.as_bytes())
}

/// The minimal metadata with one member replaced or added.
fn with(member: &str, json: &str) -> Result<Metadata, MetadataError> {
    let mut value: Value = serde_json::from_str(MINIMAL).unwrap();
    value[member] = serde_json::from_str(json).unwrap();
    decode(&value.to_string())
}

#[test]
fn reads_every_member() {
    let metadata = decode(FULL).unwrap();
    assert_eq!(metadata.package.name.as_str(), "acme/csvstat");
    assert_eq!(metadata.exports[0].examples[0].args[2], "a\nb");
    assert_eq!(metadata.hints.resources.as_ref().unwrap().other["later"], 1);
    assert_eq!(
        metadata.hints.other["new-hint"],
        serde_json::json!([[null]])
    );
    assert_eq!(metadata.limits.fuel, Some(5_000_000_000));
    assert_eq!(metadata.limits.write, Some(1 << 30));
    assert_eq!(metadata.limits.handles, Some(64));
    assert!(
        metadata.export("hamming").is_some_and(|export| export.pure)
            && metadata.export("x").is_none()
    );
}

#[test]
fn writes_what_it_reads() {
    for json in [MINIMAL, FULL] {
        let metadata = decode(json).unwrap();
        assert_eq!(Metadata::decode(&metadata.encode()).unwrap(), metadata);
        metadata.check().unwrap();
    }
    assert_eq!(decode(MINIMAL).unwrap().encode(), MINIMAL.as_bytes());
}

#[test]
fn refuses_other_versions_first() {
    let newer = MINIMAL.replace("\"zero\":1", "\"zero\":2,\"future\":[[null, \"a\\nb\"]]");
    assert_eq!(
        decode(&newer),
        Err(MetadataError::Version {
            found: "2".to_owned()
        })
    );
    assert!(matches!(
        decode(&MINIMAL.replace("\"zero\":1", "\"zero\":1.0")),
        Err(MetadataError::Version { .. })
    ));
    assert!(matches!(
        decode(&MINIMAL.replace("\"zero\":1,", "")),
        Err(MetadataError::Field { .. })
    ));
    assert!(matches!(
        decode(&MINIMAL.replace("\"zero\":1", "\"zero\":\"1\"")),
        Err(MetadataError::Field { .. })
    ));
}

#[test]
fn refuses_unknown_capabilities_by_name() {
    assert_eq!(
        with("capabilities", r#"{"gpu":{}}"#),
        Err(MetadataError::UnknownCapability {
            name: "gpu".to_owned()
        })
    );
}

/// Where the error is.
fn path(result: Result<Metadata, MetadataError>) -> String {
    match result.unwrap_err() {
        MetadataError::Field { path, .. }
        | MetadataError::Limit { path, .. }
        | MetadataError::Character { path, .. } => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_wrong_shapes_and_says_where() {
    assert_eq!(path(with("extra", "1")), "extra");
    assert_eq!(path(with("kind", "\"js\"")), "kind");
    assert_eq!(path(with("kind", r#"{"module":null}"#)), "kind.module");
    assert_eq!(
        path(with("package", r#"{"name":"Tiny","version":"1.0.0"}"#)),
        "package"
    );
    assert_eq!(
        path(with("package", r#"{"name":"tiny","version":"1.0"}"#)),
        "package"
    );
    assert_eq!(
        path(with(
            "package",
            r#"{"name":"tiny","version":"1.0.0","homepage":"x"}"#
        )),
        "package"
    );
    assert_eq!(
        path(with(
            "package",
            r#"{"name":"tiny","version":"1.0.0","license":null}"#
        )),
        "package.license"
    );
    assert_eq!(path(with("package", r#"["tiny","1.0.0"]"#)), "package");
    assert_eq!(path(with("limits", r#"{"memory":1.5}"#)), "limits");
    assert_eq!(path(with("limits", r#"{"memory":-1}"#)), "limits");
    assert_eq!(
        path(with(
            "capabilities",
            r#"{"fs":[{"guest":"/a","access":"read"},{"guest":"b","access":"read"}]}"#
        )),
        "capabilities.fs[1]"
    );
    assert_eq!(
        path(with(
            "capabilities",
            r#"{"net":[{"host":"a.org","ports":[0]}]}"#
        )),
        "capabilities.net[0].ports"
    );
    assert_eq!(
        path(with(
            "capabilities",
            r#"{"http":[{"url":"https://a.org/","methods":["get"]}]}"#
        )),
        "capabilities.http[0].methods"
    );
    assert_eq!(
        path(with(
            "exports",
            r#"[{"name":"f","type":"()"},{"name":"f","type":"()"}]"#
        )),
        "exports[1].name"
    );
    assert_eq!(
        path(with(
            "exports",
            r#"[{"name":"f","type":"()","examples":[[[],1]]}]"#
        )),
        "exports[0].examples[0]"
    );
    assert_eq!(path(with("exports", r#"{"f":{}}"#)), "exports");
    assert_eq!(
        path(with("hints", r#"{"compile":{"opt_level":"max"}}"#)),
        "hints"
    );
    assert!(matches!(decode("[]"), Err(MetadataError::Field { .. })));
    assert!(matches!(decode("{"), Err(MetadataError::Json(_))));
    assert!(matches!(
        decode(&MINIMAL.replace(
            "\"kind\":\"module\"",
            "\"kind\":\"module\",\"kind\":\"component\""
        )),
        Err(MetadataError::Json(_))
    ));
}

#[test]
fn refuses_text_that_deceives() {
    let described = |text: &str| {
        with(
            "package",
            &format!(r#"{{"name":"tiny","version":"1.0.0","description":"{text}"}}"#),
        )
    };
    assert!(described("Grüße 世界 — fine").is_ok());
    for text in [
        r"\u001b[2J",
        r"a\nb",
        r"a\tb",
        "\u{202e}evil",
        r"\u200b",
        "\u{9b}",
        r"\udb40\udc41",
    ] {
        assert_eq!(path(described(text)), "package.description", "{text}");
    }
    assert_eq!(
        path(with(
            "package",
            r#"{"name":"tiny","version":"1.0.0","readme":"a\rb"}"#
        )),
        "package.readme"
    );
    assert_eq!(path(with("hints", r#"{"x":{"y":"\u0007"}}"#)), "hints.x.y");
    assert_eq!(path(with("hints", r#"{"x":{"a\nb":1}}"#)), "hints.x");
    assert_eq!(
        path(with("exports", r#"[{"name":"a\nb","type":"()"}]"#)),
        "exports[0].name"
    );
    assert_eq!(
        path(with("capabilities", r#"{"random":{"reason":"a\nb"}}"#)),
        "capabilities.random.reason"
    );
}

#[test]
fn refuses_sizes_beyond_the_limits() {
    let long = "x".repeat(1025);
    assert_eq!(
        path(with(
            "package",
            &format!(r#"{{"name":"tiny","version":"1.0.0","license":"{long}"}}"#)
        )),
        "package.license"
    );
    assert_eq!(
        path(with(
            "capabilities",
            &format!(r#"{{"random":{{"reason":"{long}"}}}}"#)
        )),
        "capabilities.random: a reason"
    );
    let rules = vec![r#"{"name":"A"}"#; 257].join(",");
    assert_eq!(
        path(with("capabilities", &format!(r#"{{"env":[{rules}]}}"#))),
        "capabilities.env"
    );
    let huge = format!("{MINIMAL}{}", " ".repeat(1 << 20));
    assert_eq!(decode(&huge), Err(MetadataError::Size { size: huge.len() }));
}

#[test]
fn errors_quote_little_and_nothing_unsafe() {
    let long = "x".repeat(500_000);
    for json in [
        format!(r#"{{"compile":{{"opt_level":"a\nb{long}"}}}}"#),
        format!(r#"{{"x{long}":{{"{long}":"\u001b"}}}}"#),
    ] {
        let text = with("hints", &json).unwrap_err().to_string();
        assert!(
            text.len() < 2_000 && !text.chars().any(crate::text::is_unsafe),
            "{text}"
        );
    }
    let text = with("capabilities", &format!(r#"{{"{long}":1}}"#))
        .unwrap_err()
        .to_string();
    assert!(text.len() < 2_000);
}

#[test]
fn check_refuses_what_could_not_be_read_back() {
    let mut metadata = decode(MINIMAL).unwrap();
    metadata.package.description = Some("a\u{1b}b".to_owned());
    assert!(matches!(
        metadata.check(),
        Err(MetadataError::Character { .. })
    ));
    let mut metadata = decode(MINIMAL).unwrap();
    metadata
        .hints
        .other
        .insert("resources".to_owned(), serde_json::json!({"fuel": 1}));
    assert!(metadata.check().is_err());
}

proptest! {
    #[test]
    fn decoding_never_panics(bytes: Vec<u8>) {
        let _ = Metadata::decode(&bytes);
    }

    #[test]
    fn survives_any_line_of_text(text in any::<String>(), number in any::<f64>(), fuel in any::<u64>()) {
        let mut metadata = decode(FULL).unwrap();
        metadata.package.description = Some(text.clone());
        metadata.limits.fuel = Some(fuel);
        metadata.exports[0].examples[0].args.push(number.into());
        match metadata.check() {
            Ok(()) => prop_assert!(text.chars().all(|c| !crate::text::is_unsafe(c)) && text.len() <= 1024),
            Err(MetadataError::Character { .. }) => prop_assert!(text.chars().any(crate::text::is_unsafe)),
            Err(other) => prop_assert!(text.len() > 1024, "{}", other),
        }
    }
}
