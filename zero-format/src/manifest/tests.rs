//! Facts about `Zero.toml`.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::capability::CapabilityKind;

fn parse(text: &str) -> Manifest {
    Manifest::parse(text).unwrap_or_else(|error| panic!("{}", error.render("Zero.toml")))
}

/// `LINE:COLUMN: message`, and the hint, of the first fault.
fn fault(text: &str) -> (String, String) {
    let error = Manifest::parse(text).expect_err("the manifest is faulty");
    let first = error.first();
    (
        format!("{}:{}: {}", first.line, first.column, first.message),
        first.hint.clone().unwrap_or_default(),
    )
}

const FULL: &str = r#"
[package]
name = "acme/csvstat"
version = "1.2.0"
description = "Describe tables"
license = "MIT OR Apache-2.0"
repository = "https://example.org/csvstat"
authors = ["One", "Two"]
readme = "README.md"

[build]
kind = "cargo"
target = "wasm32-wasip2"
flags = ["--bin", "csvstat"]
files = ["data"]
wit = "wit"
world = "csvstat"
component = true

[capabilities]
fs = [{ guest = "/data", access = "read", reason = "reads tables" },
      { from = "args", access = "read-write" }, "/tmp/cache:rw", "args"]
net = [{ host = "api.example.org", ports = [443, 8443], reason = "asks" }, "10.0.0.0/8:53", "[::1]:80", "::1"]
http = ["https://api.example.org/*", "GET,HEAD https://example.org/x", { url = "http://localhost:8080/*", methods = ["POST"] }]
env = ["LANG", { name = "TZ", reason = "shows local time" }]
clock = ["wall", { clock = "monotonic", reason = "measures" }]
random = { reason = "draws lots" }

[limits]
memory = "256 MiB"
time = "30 s"
output = 65536
fuel = 5_000_000_000

[exports.hamming]
doc = """
Number of differing bits.
Symmetric."""
params = [{ name = "a", doc = "one", unit = "bits" }, "b"]
results = [{ doc = "how many" }]
examples = [{ args = [11, 13], result = 2 }, { args = [0x7f, -1.5, "s", true, [1], { k = 1 }] }]
pure = true

[exports."example:pkg/api@1.0.0#run"]

[hints]
compile = { opt_level = "speed" }
future = { anything = [1, 2] }
"#;

#[test]
fn reads_every_key() {
    let manifest = parse(FULL);
    let package = &manifest.package;
    assert_eq!(
        package.name.as_ref().map(ToString::to_string).as_deref(),
        Some("acme/csvstat")
    );
    assert_eq!(package.authors.as_deref().map(<[String]>::len), Some(2));
    assert_eq!(package.readme.as_deref(), Some("README.md"));
    assert_eq!(
        (manifest.build.kind, manifest.build.target),
        (BuildKind::Cargo, Some(Target::Wasip2))
    );
    assert_eq!(manifest.build.component, Some(true));
    assert_eq!(manifest.build.files, ["data"]);
    assert_eq!(manifest.capabilities.fs.len(), 4);
    assert_eq!(manifest.capabilities.net.len(), 4);
    assert_eq!(manifest.capabilities.http.len(), 3);
    assert_eq!(manifest.capabilities.http[1].methods, ["GET", "HEAD"]);
    assert_eq!(manifest.capabilities.net[1].ports, [53]);
    assert!(manifest.capabilities.net[3].ports.is_empty());
    assert_eq!(manifest.capabilities.kinds().len(), 6);
    assert_eq!(manifest.limits.memory, Some(256 << 20));
    assert_eq!(manifest.limits.time_ms, Some(30_000));
    assert_eq!(manifest.limits.output, Some(65_536));
    assert_eq!(manifest.limits.fuel, Some(5_000_000_000));
    let [hamming, run] = manifest.exports.as_slice() else {
        panic!("{:?}", manifest.exports)
    };
    assert_eq!(
        hamming.doc.as_deref(),
        Some("Number of differing bits.\nSymmetric.")
    );
    assert_eq!(
        hamming.params[1],
        ParamSpec {
            name: "b".to_owned(),
            doc: None,
            unit: None
        }
    );
    assert_eq!(hamming.examples[0].args, [json!(11), json!(13)]);
    assert_eq!(
        hamming.examples[1].args,
        [
            json!(127),
            json!(-1.5),
            json!("s"),
            json!(true),
            json!([1]),
            json!({"k": 1})
        ]
    );
    assert_eq!(hamming.examples[1].result, Value::Null);
    assert_eq!(run.name, "example:pkg/api@1.0.0#run");
    assert!(manifest.hints.compile.is_some());
    assert_eq!(
        manifest.hints.other["future"],
        json!({ "anything": [1, 2] })
    );
}

#[test]
fn what_it_says_survives_in_the_metadata() {
    let mut manifest = parse(FULL);
    let metadata = manifest.metadata(Kind::Component).unwrap();
    metadata.check().unwrap();
    assert_eq!(metadata.package.authors, ["One", "Two"]);
    assert_eq!(metadata.capabilities, manifest.capabilities);
    manifest.package.version = None;
    assert_eq!(
        manifest.metadata(Kind::Module).unwrap_err(),
        Incomplete { field: "version" }
    );
}

#[test]
fn an_empty_file_asks_for_nothing() {
    let manifest = parse("");
    assert!(manifest.capabilities.is_empty());
    assert_eq!(manifest.build.kind, BuildKind::Cargo);
    assert_eq!(
        manifest.metadata(Kind::Module).unwrap_err(),
        Incomplete { field: "name" }
    );
}

/// A faulty manifest, how its first fault starts, and what the advice contains.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "[capabilities]\nfs = \"/data:wr\"\n",
        "2:6: `fs`: after a `:` only `ro` or `rw` can stand",
        "needs the long form",
    ),
    (
        "[package]\nverison = \"1.0.0\"\n",
        "2:1: unknown key `verison` in [package]",
        "did you mean `version`?",
    ),
    (
        "[capability]\n",
        "1:2: unknown section `capability` in Zero.toml",
        "did you mean `capabilities`?",
    ),
    (
        "[dependencies]\n",
        "1:2: unknown section `dependencies` in Zero.toml",
        "known here",
    ),
    (
        "package = 1\n",
        "1:11: `package` must be a table, not an integer",
        "[package]",
    ),
    (
        "[package]\nname = \"Csv_Stat\"\n",
        "2:8: `name`: 'C' cannot stand in a name",
        "lower-case",
    ),
    (
        "[package]\nversion = \"1.2\"\n",
        "2:11: `version`: ",
        "three numbers",
    ),
    (
        "[package]\nversion = 1.2\n",
        "2:11: `version` must be a string, not a float",
        "",
    ),
    (
        "[package]\ndescription = \"a\\u001bb\"\n",
        "2:15: `description` holds the character U+001B",
        "control",
    ),
    (
        "[package]\ndescription = \"\"\"a\nb\"\"\"\n",
        "2:15: `description` holds the character U+000A",
        "one line",
    ),
    (
        "[package]\nlicense = { workspace = false }\n",
        "2:11: `license` cannot be this table",
        "workspace = true",
    ),
    (
        "[build]\nkind = \"crago\"\n",
        "2:8: `kind` cannot be `crago`",
        "did you mean `cargo`?",
    ),
    (
        "[build]\ntarget = \"wasm32-wasi\"\n",
        "2:10: `target` cannot be `wasm32-wasi`",
        "did you mean `wasm32-wasip1`?",
    ),
    (
        "[build]\nkind = \"clang\"\n",
        "2:1: `kind = \"clang\"` needs `sources`",
        "src/main.c",
    ),
    (
        "[build]\nkind = \"cargo\"\nsources = [\"a.c\"]\n",
        "3:1: `sources` means nothing to `kind = \"cargo\"`",
        "clang",
    ),
    (
        "[build]\ncommand = \"make all\"\nmodule = \"x.wasm\"\n",
        "2:11: `command` must be a list of words",
        r#"["make", "all"]"#,
    ),
    (
        "[build]\nmodule = \"../x.wasm\"\n",
        "2:10: the path in `module` leaves the folder",
        "relative",
    ),
    (
        "[build]\nmodule = \"C:/x.wasm\"\n",
        "2:10: the path in `module` is absolute",
        "relative",
    ),
    (
        "[capabilities]\nfs = true\n",
        "2:6: `fs` must be a table, not a boolean",
        "from = \"args\"",
    ),
    (
        "[capabilities]\nfs = [{ access = \"read\" }]\n",
        "2:7: a file rule has exactly one of",
        "guest",
    ),
    (
        "[capabilities]\nfs = [{ guest = \"data\", access = \"read\" }]\n",
        "2:17: `guest`: a guest path starts with `/`",
        "start it with",
    ),
    (
        "[capabilities]\nfs = [{ from = \"args\", access = \"write\" }]\n",
        "2:33: `access` cannot be `write`",
        "`read-write`",
    ),
    (
        "[capabilities]\nnet = [{ host = \"Example.org\" }]\n",
        "2:17: `host`: a host is a name in lower-case",
        "",
    ),
    (
        "[capabilities]\nnet = [{ host = \"a.org\", ports = [0] }]\n",
        "2:35: a port is a number from 1 to 65535",
        "",
    ),
    (
        "[capabilities]\nhttp = [{ url = \"https://a.org/*\", methods = [\"get\"] }]\n",
        "2:47: a method is a word in capitals",
        "\"GET\"",
    ),
    (
        "[capabilities]\nclock = [\"wal\"]\n",
        "2:10: `clock` cannot be `wal`",
        "did you mean `wall`?",
    ),
    (
        "[capabilities]\nrandom = \"true\"\n",
        "2:10: `random` must be `true` or `false`, not a string",
        "quotes",
    ),
    (
        "[limits]\nmemory = \"256 MB\"\n",
        "2:10: `memory` is no size",
        "MiB",
    ),
    (
        "[limits]\ntime = 30\n",
        "2:8: `time` is no duration",
        "\"30 s\"",
    ),
    ("[limits]\nfuel = 0\n", "2:8: `fuel` is zero", "raise it"),
    (
        "[exports.f]\nexamples = [{ result = 1 }]\n",
        "2:13: the example has no `args`",
        "args =",
    ),
    (
        "[exports.f]\nexamples = [{ args = [inf] }]\n",
        "2:23: `inf` cannot stand here",
        "JSON",
    ),
    (
        "[exports.f]\nexamples = [{ args = [1979-05-27] }]\n",
        "2:23: a date cannot stand here",
        "string",
    ),
    (
        "[hints]\ncompile = { opt-level = \"speed\" }\n",
        "2:13: unknown key `opt-level`",
        "did you mean `opt_level`?",
    ),
    (
        "[hints]\ncompile = { opt_level = \"much\" }\n",
        "2:11: `compile`: ",
        "",
    ),
    ("[package\n", "1:9: ", ""),
    (
        "[package]\nname = \"a\"\nname = \"b\"\n",
        "3:1: duplicate key",
        "",
    ),
];

#[test]
fn faults_carry_place_and_advice() {
    let mut wrong = Vec::new();
    for (text, place, advice) in FAULTS {
        let (found, hint) = fault(text);
        if !found.starts_with(place) || !hint.contains(advice) {
            wrong.push(format!("{text}found {found}\nhint {hint}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fault_is_reported_in_order() {
    let error =
        Manifest::parse("[limits]\ntime = 1\n[package]\nnmae = 1\nversion = 2\n").unwrap_err();
    let lines: Vec<_> = error.problems().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 4, 5]);
    assert_eq!(
        error.to_string(),
        "read Zero.toml: line 2, column 8: `time` is no duration (and 2 more faults)"
    );
}

#[test]
fn rendering_points_at_the_fault() {
    let error = Manifest::parse("[package]\nname = \"é\"\t# x\nverison = \"1.2.0\"\n").unwrap_err();
    assert_eq!(
        error.render("dir/Zero.toml"),
        "dir/Zero.toml:2:8: `name`: 'é' cannot stand in a name
  |
2 | name = \"é\" # x
  |        ^^^
  = hint: names are lower-case letters, digits and single hyphens, such as `csv-stat`

dir/Zero.toml:3:1: unknown key `verison` in [package]
  |
3 | verison = \"1.2.0\"
  | ^^^^^^^
  = hint: did you mean `version`?
"
    );
}

#[test]
fn long_lines_and_escapes_do_not_spoil_the_rendering() {
    let text = format!(
        "[package]\ndescription = \"{}\u{85}\"\nname = {}7\n",
        "x".repeat(500),
        " ".repeat(300)
    );
    let rendered = Manifest::parse(&text).unwrap_err().render("Zero.toml");
    assert!(
        rendered.lines().all(|line| line.chars().count() < 130),
        "{rendered}"
    );
    assert!(!rendered.contains('\u{85}'));
}

#[test]
fn the_kind_is_told_by_the_other_keys() {
    let kind = |text: &str| parse(&format!("[build]\n{text}")).build.kind;
    assert_eq!(kind("sources = \"a.c\""), BuildKind::Clang);
    assert_eq!(kind("module = \"a.wat\""), BuildKind::Module);
    assert_eq!(
        kind("command = [\"make\"]\nmodule = \"a.wasm\"\nsources = [\"a.c\"]"),
        BuildKind::Command
    );
    assert_eq!(kind(""), BuildKind::Cargo);
}

fn cargo() -> CargoPackage {
    CargoPackage {
        name: "csv_stat".to_owned(),
        version: Version::new(3, 0, 0),
        description: Some("Describe\n  tables\u{202e}".to_owned()),
        license: Some("MIT".to_owned()),
        repository: None,
        authors: vec!["One".to_owned()],
    }
}

#[test]
fn a_cargo_package_fills_what_is_left_out() {
    let text =
        "[package]\nname = \"csv-stat\"\nlicense = \"ISC\"\nversion = { workspace = true }\n";
    let manifest = parse(text).inherit(&cargo()).unwrap();
    let package = &manifest.package;
    assert_eq!(package.version, Some(Version::new(3, 0, 0)));
    assert_eq!(package.license.as_deref(), Some("ISC"));
    assert_eq!(package.description.as_deref(), Some("Describe tables"));
    assert_eq!(
        package.authors.as_deref(),
        Some(["One".to_owned()].as_slice())
    );
    assert_eq!(package.repository, None);
    manifest.metadata(Kind::Module).unwrap().check().unwrap();
}

#[test]
fn a_cargo_name_that_breaks_the_rules_is_an_error_with_a_proposal() {
    let error = parse("").inherit(&cargo()).unwrap_err();
    assert_eq!(
        error.hint(),
        "add `name = \"csv-stat\"` under [package] in Zero.toml"
    );
}

#[test]
fn what_must_be_inherited_and_is_not_there_is_missed() {
    let text = "[package]\nname = \"a\"\nrepository = { workspace = true }\n";
    let manifest = parse(text).inherit(&cargo()).unwrap();
    assert_eq!(
        manifest.metadata(Kind::Module).unwrap_err(),
        Incomplete {
            field: "repository"
        }
    );
}

#[test]
fn exports_take_their_types_from_the_program() {
    let manifest = parse(FULL);
    let types = ["i32".to_owned(), "i32".to_owned()];
    let export = manifest.exports[0]
        .typed("(i32, i32) -> i32", &types, &types[..1])
        .unwrap();
    assert_eq!(
        (export.params[0].name.as_str(), export.params[0].ty.as_str()),
        ("a", "i32")
    );
    assert_eq!(export.results[0].doc.as_deref(), Some("how many"));
    assert!(export.pure);
    let mismatch = manifest.exports[0]
        .typed("(i32) -> i32", &types[..1], &types[..1])
        .unwrap_err();
    assert_eq!(
        mismatch.to_string(),
        "describe the export `hamming`: it has 1 parameters, and [exports.hamming] describes 2"
    );
    let unnamed = manifest.exports[1]
        .typed("(i32)", &types[..1], &[])
        .unwrap();
    assert_eq!(unnamed.params[0].name, "p0");
}

#[test]
fn the_lines_that_the_import_check_proposes_parse() {
    use crate::imports::{Import, check_imports};
    let imports = [
        Import::core("wasi_snapshot_preview1", "path_open"),
        Import::core("wasi_snapshot_preview1", "random_get"),
        Import::core("wasi_snapshot_preview1", "clock_time_get"),
        Import::core("wasi_snapshot_preview1", "sock_send"),
        Import::component("wasi:http/outgoing-handler@0.2.0", "handle"),
    ];
    let report = check_imports(&imports, &Capabilities::default());
    let lines: Vec<_> = report
        .undeclared
        .iter()
        .map(|missing| missing.line)
        .collect();
    let manifest = parse(&format!("[capabilities]\n{}\n", lines.join("\n")));
    let report = check_imports(&imports, &manifest.capabilities);
    assert!(report.is_ok() && report.unused.is_empty(), "{report:?}");
    assert_eq!(manifest.capabilities.kinds().len(), 5);
    assert!(!manifest.capabilities.kinds().contains(&CapabilityKind::Env));
}

#[test]
fn an_oversized_file_is_refused_at_once() {
    let (found, _) = fault(&"#".repeat(MAX_MANIFEST + 1));
    assert_eq!(found, "1:1: the file has more than 1048576 bytes");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}|(\\[[a-z.\"]{0,12}\\]\n|[a-z]{1,8} = [\\[\\]{}a-z0-9\"=,. ]{0,30}\n){0,12}") {
        if let Err(error) = Manifest::parse(&text) {
            let _ = error.render("Zero.toml");
        }
    }

    #[test]
    fn no_damage_makes_the_parser_panic(at in 0_usize..1800, with in "\\PC{0,3}|\n|\r|\0") {
        let mut text = FULL.to_owned();
        let at = at % text.len();
        text.replace_range(at..=at, &with);
        if let Err(error) = Manifest::parse(&text) {
            let rendered = error.render("Zero.toml");
            prop_assert!(rendered.starts_with("Zero.toml:"), "{}", rendered);
        }
    }
}
