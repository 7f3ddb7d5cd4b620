//! `ask` and `eval` with a real server of models: llama.cpp's, over a tiny model with random weights.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::harness::{Run, World, note};

#[expect(dead_code, reason = "the tests of models in files use more of it")]
#[path = "../../zero-model/tests/gguf/tiny.rs"]
mod tiny;

const TASKS: &str = concat!(
    r#"{"id":"add","tier":"scalar","prompt":"Add a and b.","signature":{"name":"add","params":["i32","i32"],"result":"i32"},"tests":[{"args":[1,2],"result":3}]}"#,
    "\n",
    r#"{"id":"sub","tier":"scalar","prompt":"Subtract b from a.","signature":{"name":"sub","params":["i32","i32"],"result":"i32"},"tests":[{"args":[1,2],"result":-1}]}"#,
);

/// The server; it ends with the value.
struct Llama {
    process: Child,
    url: String,
}

impl Llama {
    /// `None` when it is not installed and that is tolerated.
    fn start(world: &World, options: &[&str]) -> Option<Self> {
        let library = world.host().llama_py();
        if !library.join("xllamacpp").exists() {
            let text = "LEFT OUT: llama.cpp's server is not installed (cargo xtask setup)";
            assert!(!world.host().peers_required(), "{text}");
            note(text);
            return None;
        }
        let model = tiny::model(1).write(&world.path(""), "tiny.gguf");
        let mut python = world.peer("python3")?;
        let mut process = python
            .env("PYTHONPATH", library)
            .arg(world.host().root().join("tests/e2e/llama/server.py"))
            .arg(model)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = format!("{}/v1", line.trim());
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        Some(Self { process, url })
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn eval(world: &World, url: &str, more: &[&str]) -> Run {
    let tasks = world.write("tasks.jsonl", TASKS);
    let mut command = world.command_as("home", "cargo-zero");
    command.args(["eval", "--json", "--model", url, "--max-tokens", "24"]);
    Run::of(command.arg("--tasks").arg(tasks).args(more))
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

#[test]
fn llama_cpps_server_answers_conversations_and_texts() {
    let world = World::new();
    let Some(llama) = Llama::start(&world, &[]) else {
        return;
    };
    for api in ["chat", "completions"] {
        let out = format!("report-{api}");
        let report = json(&eval(&world, &llama.url, &["--api", api, "--out", &out]).code(0));
        assert_eq!(report["tasks"], 2, "{report}");
        assert_eq!(report["pass@1"], 0.0, "{report}");
        let answers = std::fs::read_to_string(world.path(out).join("answers.jsonl"));
        for line in answers.expect("they are kept").lines() {
            let answer: Value = serde_json::from_str(line).expect("an object");
            // What it counts is what we asked for: it says much more than a few words, and is cut.
            assert_eq!(answer["completion_tokens"], 24, "{answer}");
            assert!(answer["prompt_tokens"].as_u64() > Some(20), "{answer}");
            assert_eq!(answer["missing"], "cut at the limit of tokens", "{answer}");
        }
    }
    // The same seed, the same answer: it reaches the server.
    let ask = |seed: &str| {
        let mut command = world.command_as("home", "cargo-zero");
        command.args(["ask", "Add a and b.", "--model", &llama.url, "--json"]);
        command.args(["--signature", "add(i32, i32) -> i32", "--max-tokens", "16"]);
        command.args(["--temperature", "1", "--attempts", "1", "--seed", seed]);
        Run::of(&mut command).code(1).stdout
    };
    assert_eq!(ask("7"), ask("7"));
}

#[test]
fn what_llama_cpps_server_refuses_is_told_with_what_to_do() {
    let world = World::new();
    let Some(llama) = Llama::start(&world, &["--context", "64", "--key", "secret"]) else {
        return;
    };
    eval(&world, &llama.url, &["--out", "no-key"])
        .code(1)
        .says("ZERO_MODEL_KEY")
        .says("--resume");
    let mut command = world.command_as("home", "cargo-zero");
    command.args(["ask", "Add a and b.", "--model", &llama.url]);
    command.args(["--signature", "add(i32, i32) -> i32"]);
    // The question alone is longer than what it can read.
    Run::of(command.env("ZERO_MODEL_KEY", "secret"))
        .code(1)
        .says("400")
        .says("context");
}
