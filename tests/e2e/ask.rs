//! `cargo zero ask` as a person runs it, with a model that says what the test wants.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Run, World};

#[path = "../../zero-model/tests/ask/server.rs"]
#[expect(dead_code, reason = "the tests of the library use more of it")]
pub(crate) mod server;

use server::{Reply, Server, refusal};

const GCD: &str = "(module\n(func (export \"gcd\") (param i32 i32) (result i32)\n(local i32)\nloop\nlocal.get 1\nif\nlocal.get 1\nlocal.set 2\n\
                   local.get 0\nlocal.get 1\ni32.rem_u\nlocal.set 1\nlocal.get 2\nlocal.set 0\nbr 1\nend\nend\nlocal.get 0))";

const READS_STDIN: &str = "(module (import \"wasi_snapshot_preview1\" \"fd_read\" (func $read (param i32 i32 i32 i32) (result i32)))\n\
                           (memory (export \"memory\") 1) (data (i32.const 0) \"\\10\\00\\00\\00\\08\\00\\00\\00\")\n\
                           (func (export \"gcd\") (param i32 i32) (result i32)\ni32.const 0\ni32.const 0\ni32.const 1\ni32.const 8\ncall $read\ndrop\ni32.const 16\ni32.load))";

fn ask(world: &World, server: &Server, more: &[&str]) -> Run {
    let mut command = world.command_as("home", "cargo-zero");
    command.args([
        "ask",
        "greatest common divisor",
        "--example",
        "12,18=>6",
        "--model",
        &server.url,
    ]);
    Run::of(command.args(more))
}

#[test]
fn without_a_model_the_hint_shows_both_ways_to_name_one() {
    let world = World::new();
    world
        .zero(["ask", "greatest common divisor", "--example", "12,18=>6"])
        .code(2)
        .says("no model is configured")
        .says("--model http://127.0.0.1:8080/v1")
        .says("config.toml")
        .says("ZERO_MODEL_KEY");
    world
        .zero(["ask", "greatest common divisor"])
        .code(2)
        .says("--signature");
    world
        .zero(["ask", "  ", "--example", "1=>1"])
        .code(2)
        .says("empty");
    world
        .zero(["ask", "x", "--example", "1"])
        .code(2)
        .says("11,13=>2");
}

#[test]
fn the_fourth_answer_runs_and_becomes_a_package_that_builds() {
    let world = World::new();
    world.make_key("home");
    let server = Server::start(
        [
            "No.".to_owned(),
            GCD.replace("i32.rem_u", "i64.rem_u"),
            GCD.replace("i32.rem_u", "i32.sub"),
            format!("```\n{GCD}\n```"),
        ]
        .map(Reply::Says)
        .to_vec(),
    );
    let signature = [
        "--signature",
        "gcd(i32, i32) -> i32",
        "--test",
        "7,0=>7",
        "--invoke",
        "48,36",
        "--save",
        "my-gcd",
    ];
    ask(&world, &server, &signature)
        .code(0)
        .says("attempt 1: unparsed")
        .says("attempt 2: invalid line 11, column 1: type mismatch")
        .says("attempt 3: ")
        .says("checked   valid, imports nothing, has the type, 1 example, 1 test")
        .says("gcd(48, 36) = 12");
    let requests = server.end();
    assert!(
        requests[1].said().contains("expected `(`"),
        "{}",
        requests[1].said()
    );
    assert!(
        requests[2].said().contains("expected i64, found i32"),
        "{}",
        requests[2].said()
    );
    assert!(
        requests[3].said().contains("gcd(12, 18)"),
        "{}",
        requests[3].said()
    );

    let manifest = world.path("my-gcd/Zero.toml");
    let text = fs::read_to_string(&manifest).expect("it was saved");
    for part in [
        "name = \"my-gcd\"",
        "[hints.origin]",
        "model = ",
        "prompt = \"greatest common divisor\"",
        "seed = \"3\"",
        "attempt = 4",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let kept = fs::read_to_string(world.path("my-gcd/ask.jsonl")).expect("it was saved");
    assert_eq!(kept.lines().count(), 4);
    world
        .build(&manifest, &world.path("my-gcd.zero"))
        .code(0)
        .says("2 executed, all right")
        .says("needs     nothing");
    world
        .zero(["run", "--invoke", "gcd", "my-gcd.zero", "--", "100", "75"])
        .code(0)
        .says("25");
    world
        .zero(["inspect", "my-gcd.zero", "--json"])
        .code(0)
        .says("greatest common divisor")
        .says("\"origin\"");
    world
        .zero(["ask", "x", "--example", "1=>1", "--save", "my-gcd"])
        .code(1)
        .says("exists already");
}

#[test]
fn the_json_object_has_the_module_and_every_attempt() {
    let world = World::new();
    let server = Server::start(vec![
        Reply::Says("no".to_owned()),
        Reply::Says(GCD.to_owned()),
    ]);
    let run = ask(
        &world,
        &server,
        &[
            "--signature",
            "gcd(i32,i32)->i32",
            "--invoke",
            "9 6",
            "--json",
            "-q",
        ],
    )
    .code(0);
    let report: Value = serde_json::from_str(&run.stdout).expect("one object");
    assert_eq!(report["ok"], true);
    assert_eq!(report["wat"], GCD);
    assert_eq!(report["result"], 3);
    let verdicts: Vec<&str> = report["attempts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["verdict"].as_str())
        .collect();
    assert_eq!(verdicts, ["unparsed", "passed"]);
}

#[test]
fn what_a_model_wrote_reads_no_input_and_writes_no_output() {
    let world = World::new();
    let replies = vec![Reply::Says(READS_STDIN.to_owned()); 2];
    let server = Server::start(replies);
    let mut command = world.command_as("home", "cargo-zero");
    command
        .args([
            "ask",
            "gcd",
            "--example",
            "12,18=>6",
            "--signature",
            "gcd(i32,i32)->i32",
            "--attempts",
            "2",
            "--model",
            &server.url,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    // The program may end before it has read anything, which is the point.
    let _ = stdin.write_all(b"\x06\0\0\0secret");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("imports \"wasi_snapshot_preview1\" \"fd_read\""),
        "{stderr}"
    );
}

#[test]
fn a_call_that_cannot_be_made_asks_no_model() {
    let world = World::new();
    let server = Server::start(vec![Reply::Says(GCD.to_owned())]);
    let wanted = ["--signature", "gcd(i32, i32) -> i32", "--invoke"];
    for (call, says) in [
        ("7", "1 arguments instead of 2"),
        ("7,1.5", "1.5 is no i32"),
        ("7,5000000000", "is no i32"),
    ] {
        ask(&world, &server, &[&wanted[..], &[call]].concat())
            .code(2)
            .says(says)
            .says("gcd(i32, i32) -> i32");
    }
    assert!(server.asked().is_empty());
    // The last one ends the server.
    ask(&world, &server, &[&wanted[..], &["9,6"]].concat()).code(0);
}

#[test]
fn what_passed_outlives_a_call_that_traps() {
    let world = World::new();
    let module = "(module (func (export \"half\") (param i32 i32) (result i32)\nlocal.get 0\nlocal.get 1\ni32.div_u))";
    let server = Server::start(vec![Reply::Says(module.to_owned())]);
    let mut command = world.command_as("home", "cargo-zero");
    command.args(["ask", "half", "--example", "12,2=>6", "--invoke", "1,0"]);
    command.args(["--save", "half", "--model", &server.url]);
    let run = Run::of(&mut command);
    run.says("half(1, 0) did not return")
        .says("i32.div_u")
        .says("saved in half");
    assert!(world.path("half/Zero.toml").exists());
}

#[test]
fn terminals_are_not_driven_by_answers() {
    let world = World::new();
    let server = Server::start(vec![Reply::Says(
        "\u{1b}]0;owned\u{7}\u{1b}[2J(module \u{1b}[31m".to_owned(),
    )]);
    let run = ask(&world, &server, &["--attempts", "1"]).code(1);
    assert!(
        !run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'),
        "{run}"
    );
}

#[test]
fn refusals_of_the_server_have_exit_codes_and_hints() {
    let world = World::new();
    let server = Server::start(vec![refusal("401 Unauthorized", "", "")]);
    ask(&world, &server, &[])
        .code(1)
        .says("without a key (401)")
        .says("ZERO_MODEL_KEY");
    let server = Server::start(vec![refusal(
        "429 Too Many Requests",
        "Retry-After: 4000\r\n",
        "",
    )]);
    ask(&world, &server, &[])
        .code(1)
        .says("says to wait 4000 s");
    let server = Server::start(vec![refusal(
        "404 Not Found",
        "",
        "{\"error\":{\"message\":\"no such model\"}}",
    )]);
    ask(&world, &server, &[])
        .code(1)
        .says("no such model")
        .says("/v1");
    let asked = ["ask", "gcd", "--example", "12,18=>6", "--model"];
    world
        .zero(asked.iter().chain(&["nonsense"]))
        .code(2)
        .says("http://127.0.0.1:8080/v1");
    world
        .zero(asked.iter().chain(&["http://127.0.0.1:9/v1", "--offline"]))
        .code(69);
}

#[test]
fn models_in_files_have_exit_codes_and_hints() {
    let world = World::new();
    world.write("bad.gguf", "GGUF\u{3}\0\0\0");
    let asked = ["ask", "gcd", "--example", "12,18=>6", "--model"];
    let ask = |more: &[&str]| world.zero(asked.iter().chain(more));
    ask(&["missing.gguf"]).code(127).says("missing.gguf");
    ask(&["bad.gguf"])
        .code(1)
        .says("it has 8 bytes, but should have 16 or more")
        .says("checksum");
    ask(&["bad.gguf", "--model-name", "x"])
        .code(2)
        .says("--model-name is for a server");
    ask(&["http://127.0.0.1:9/v1", "--lora", "a.gguf"])
        .code(2)
        .says("--lora is for a model in a file");
}

#[test]
fn the_model_of_the_settings_is_asked_and_the_dataset_gives_examples() {
    let world = World::new();
    let server = Server::start(vec![Reply::Says(GCD.replace("gcd", "answer"))]);
    world.write(
        "home/config.toml",
        format!("[model]\nurl = \"{}\"\nname = \"tiny\"\n", server.url),
    );
    let record = |id: &str, instruction: &str| serde_json::json!({"id": id, "instruction": instruction, "output": format!("(module (func (export \"{id}\")))"), "signature_wasm": "(i32) -> i32", "imports": []});
    let records = format!(
        "{}\n{}\n",
        record("a1", "Frees a list."),
        record("b2", "The greatest common divisor of two words.")
    );
    world.write("dataset/data/train-00000.jsonl", records);
    world
        .zero([
            "ask",
            "greatest common divisor",
            "--example",
            "12,18=>6",
            "--dataset",
            "dataset",
        ])
        .code(0);
    let asked = server.end();
    assert_eq!(asked[0].body["model"], "tiny");
    assert!(
        asked[0].said().contains("\"b2\"") && !asked[0].said().contains("\"a1\""),
        "{}",
        asked[0].said()
    );
    world
        .zero(["ask", "x", "--example", "1=>1", "--dataset", "nowhere"])
        .code(127)
        .says("cargo zero harvest");
}
