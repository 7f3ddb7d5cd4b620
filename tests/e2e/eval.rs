//! `cargo zero eval` with a model that says what the test wants, and as a reward function.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::ask::server::{Reply, Server, refusal};
use crate::harness::{Run, World};

const TASKS: &str = concat!(
    r#"{"id":"add","tier":"scalar","prompt":"Add a and b.","signature":{"name":"add","params":["i32","i32"],"result":"i32"},"tests":[{"args":[1,2],"result":3}]}"#,
    "\n",
    r#"{"id":"sub","tier":"scalar","prompt":"Subtract b from a.","signature":{"name":"sub","params":["i32","i32"],"result":"i32"},"tests":[{"args":[1,2],"result":-1}]}"#,
);

fn says(name: &str, op: &str) -> Reply {
    Reply::Says(format!(
        "```wat\n(module (func (export \"{name}\") (param i32 i32) (result i32)\nlocal.get 0\nlocal.get 1\n{op}))\n```"
    ))
}

fn eval(world: &World, url: &str, more: &[&str]) -> Run {
    let tasks = world.write("tasks.jsonl", TASKS);
    let mut command = world.command_as("home", "cargo-zero");
    command.args([
        "eval",
        "--json",
        "--parallel",
        "1",
        "--model",
        url,
        "--tasks",
    ]);
    Run::of(command.arg(tasks).args(more))
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

#[test]
fn a_model_is_measured_and_an_interrupted_run_goes_on() {
    let world = World::new();
    // The third answer never comes: the server has gone.
    let broken = Server::start(vec![
        says("add", "i32.add"),
        says("sub", "i32.add"),
        refusal("401 Unauthorized", "", "{}"),
    ]);
    let out = ["--repair", "--out", "report"];
    let run = eval(&world, &broken.url, &out).code(1).says("--resume");
    assert!(run.stdout.contains("\"ok\":false"), "{run}");
    let url = broken.url.clone();
    broken.end();

    let kept = fs::read_to_string(world.path("report/answers.jsonl")).expect("it was kept");
    assert_eq!(kept.lines().count(), 2, "{kept}");
    // Killed in the middle of a line, and of a character.
    fs::write(
        world.path("report/answers.jsonl"),
        [kept.as_bytes(), b"{\"task\":\"sub\",\"answer\":\"\xe2\x82"].concat(),
    )
    .expect("ours");
    eval(&world, &url, &out)
        .code(2)
        .says("holds answers already");
    let healed = Server::start(vec![says("sub", "i32.sub")]);
    let resume = ["--repair", "--out", "report", "--resume"];
    // A server at another address is another model, unless it has a name.
    eval(&world, &healed.url, &resume).code(2).says("model was");
    let run = fs::read_to_string(world.path("report/run.json")).expect("it was kept");
    fs::write(
        world.path("report/run.json"),
        run.replace(&url, &healed.url),
    )
    .expect("ours");
    let report = json(&eval(&world, &healed.url, &resume).code(0));
    let asked = healed.end();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0].said().contains("sub(1, 2) returned 3"),
        "{}",
        asked[0].said()
    );
    assert_eq!(report["tasks"], 2);
    assert_eq!(report["pass@1"], 0.5);
    assert_eq!(report["repair@1"], 1.0);
    assert_eq!(report["validates"], 1.0);
    assert_eq!(report["verdicts"]["wrong"], 1);
    for file in ["report.md", "report.svg", "report.json", "samples.jsonl"] {
        assert!(world.path("report").join(file).exists(), "{file}");
    }
    // What is there needs no model.
    let samples = [
        "eval",
        "--tasks",
        "tasks.jsonl",
        "--samples",
        "report/samples.jsonl",
        "--json",
    ];
    assert_eq!(json(&world.zero(samples).code(0))["pass@1"], 0.5);
}

#[test]
fn answers_at_random_have_seeds_of_their_own() {
    let world = World::new();
    let server = Server::start(
        ["add", "add", "add", "sub", "sub", "sub"]
            .map(|name| says(name, "i32.add"))
            .to_vec(),
    );
    let report = json(
        &eval(
            &world,
            &server.url,
            &["-n", "2", "-k", "1,2,3", "--seed", "7"],
        )
        .code(0),
    );
    assert_eq!(report["pass@2"], 0.5);
    assert_eq!(
        report["pass@3"],
        Value::Null,
        "two answers say nothing of three"
    );
    let seeds: Vec<_> = server
        .end()
        .iter()
        .map(|asked| {
            (
                asked.body["temperature"].as_f64() > Some(0.0),
                asked.body["seed"].clone(),
            )
        })
        .collect();
    let of_each = [(false, json!(7)), (true, json!(7)), (true, json!(8))];
    assert_eq!(seeds, [of_each.clone(), of_each].concat());
}

#[test]
fn answers_in_c_are_compiled_and_see_nothing_of_this_machine() {
    let world = World::new();
    let secret = world.write("secret.h", "#define SECRET 3\n");
    let answer = |body: &str| format!("#include <stdint.h>\n{body}\n");
    let answers = [
        (
            "passed",
            answer("int32_t add(int32_t a, int32_t b) { return a + b; }"),
        ),
        (
            "wrong",
            answer("int32_t add(int32_t a, int32_t b) { return a - b; }"),
        ),
        (
            "unparsed",
            answer("int32_t add(int32_t a, int32_t b) { return a + c; }"),
        ),
        (
            "unparsed",
            answer("int32_t another(int32_t a, int32_t b) { return a + b; }"),
        ),
        (
            "trapped",
            answer("int32_t add(int32_t a, int32_t b) { __builtin_trap(); }"),
        ),
        // What it says of a file of this machine would reach a model that somebody else runs.
        (
            "unparsed",
            answer(&format!(
                "#include \"{}\"\nint32_t add(int32_t a, int32_t b) {{ return SECRET; }}",
                secret.display()
            )),
        ),
        (
            "unparsed",
            answer(&format!(
                "const char data[] = {{\n#embed \"{}\"\n}};\nint32_t add(int32_t a, int32_t b) {{ return data[0]; }}",
                secret.display()
            )),
        ),
        (
            "unparsed",
            answer(
                "int big[1 << 30] = {1}; int32_t add(int32_t a, int32_t b) { return big[a] + b; }",
            ),
        ),
        (
            "imports",
            answer("#include <stdio.h>\nint32_t add(int32_t a, int32_t b) { return getchar(); }"),
        ),
    ];
    let lines: String = answers.iter().fold(String::new(), |lines, (_, answer)| {
        lines + &json!({"task": "add", "answer": answer}).to_string() + "\n"
    });
    world.write("tasks.jsonl", TASKS);
    world.write("samples.jsonl", lines);
    let words = [
        "eval",
        "--language",
        "c",
        "--tasks",
        "tasks.jsonl",
        "--samples",
        "samples.jsonl",
        "--out",
        "out",
        "--json",
    ];
    world.zero(words).code(0);
    let judged = fs::read_to_string(world.path("out/samples.jsonl")).expect("it was written");
    for (line, (verdict, answer)) in judged.lines().zip(&answers) {
        let judged: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(judged["verdict"], *verdict, "{answer}: {judged}");
    }
    assert_eq!(judged.lines().count(), answers.len());
    // What this machine cannot do is no fault of the model's.
    let mut command = world.command_as("home", "cargo-zero");
    command.env("TMPDIR", world.path("nowhere")).args(words);
    Run::of(&mut command)
        .code(1)
        .says("cannot compile answers in C");
}

#[test]
fn a_model_that_is_to_answer_in_c_is_asked_for_c() {
    let world = World::new();
    let says = |name: &str, op: &str| {
        Reply::Says(format!(
            "Here:\n```c\nint {name}(int a, int b) {{ return a {op} b; }}\n```\nDone."
        ))
    };
    let server = Server::start(vec![says("add", "+"), says("sub", "-")]);
    let report = json(&eval(&world, &server.url, &["--language", "c"]).code(0));
    assert_eq!(report["pass@1"], 1.0);
    let said = server.end()[0].said();
    assert!(
        said.contains("int32_t add(int32_t, int32_t)") && !said.contains("WebAssembly"),
        "{said}"
    );
}

/// A reward server that ends with the test.
struct Rewards(Child, String);

impl Rewards {
    fn start(world: &World) -> Self {
        let tasks = world.write("tasks.jsonl", TASKS);
        let mut command = world.command_as("home", "cargo-zero");
        command.args([
            "eval",
            "serve",
            "--json",
            "--listen",
            "127.0.0.1:0",
            "--tasks",
        ]);
        let mut child = command
            .arg(tasks)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).expect("an object");
        let url = said["url"].as_str().expect("an address").to_owned();
        Self(child, url)
    }
}

impl Drop for Rewards {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_client_gets_rewards() {
    let world = World::new();
    let server = Rewards::start(&world);
    let client = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/rewards/rewards.py"
    );
    let good = "(module (func (export \"add\") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))";
    let client = |words: &[&str]| {
        Run::of(
            Command::new("python3")
                .arg(client)
                .arg(&server.1)
                .args(words),
        )
    };
    let run = client(&["add", good, "add", "(module)", "sub", "what?"]).code(0);
    let rewards: Vec<f64> = run
        .stdout
        .lines()
        .map(|line| {
            line.split(' ')
                .next()
                .and_then(|word| word.parse().ok())
                .expect("a number")
        })
        .collect();
    assert!(
        rewards[0] > 0.9 && rewards[1] < 0.2 && rewards[2] == 0.0,
        "{run}"
    );
    client(&["mul", good]).code(1).says("there is no task mul");
}

#[test]
fn a_reward_server_answers_only_batches() {
    let world = World::new();
    let server = Rewards::start(&world);
    let curl = |words: &[&str]| {
        let mut command = Command::new("curl");
        command.args(["-sS", "-w", "\n%{http_code}", &server.1]);
        Run::of(command.args(words)).code(0).stdout
    };
    assert!(curl(&[]).ends_with("405"));
    // What a page of a browser may send anywhere without asking.
    let page = ["-H", "content-type: text/plain", "-d", "{\"samples\":[]}"];
    assert!(curl(&page).ends_with("415"));
    let json = ["-H", "content-type: application/json", "-d"];
    assert!(curl(&[&json[..], &["{\"samples\":[]}"]].concat()).ends_with("{\"results\":[]}\n200"));
    assert!(curl(&[&json[..], &["garbage"]].concat()).ends_with("400"));
    let large = world.write("large", vec![b'['; (64 << 20) + 1]);
    let large = format!("@{}", large.display());
    assert!(
        curl(&[
            "-H",
            "content-type: application/json",
            "-H",
            "expect:",
            "--data-binary",
            &large
        ])
        .ends_with("413")
    );
    assert!(
        curl(&[&json[..], &["{\"samples\":[]}"]].concat()).ends_with("200"),
        "it is still there"
    );
}

#[test]
fn a_batch_a_line_is_answered_a_line_each_whatever_it_holds() {
    let world = World::new();
    let tasks = world.write("tasks.jsonl", TASKS);
    let mut command = world.command_as("home", "cargo-zero");
    command.args(["eval", "serve", "--tasks"]).arg(tasks);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || {
        let _ = input.write_all(b"{\"samples\":[{\"task\":\"add\",\"answer\":\"(\"}]}\ngarbage\n");
        let _ = input.write_all(&vec![b' '; (64 << 20) + 5]);
        let _ = input.write_all(b"\n{\"samples\":[]}");
    });
    let output = child.wait_with_output().expect("it ends with its input");
    writer.join().expect("it writes");
    let text = String::from_utf8(output.stdout).expect("JSON");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(output.status.success());
    assert_eq!(lines[0]["results"][0]["verdict"], "unparsed");
    assert!(lines[1]["error"].is_string());
    assert!(
        lines[2]["error"]
            .as_str()
            .is_some_and(|text| text.contains("longer"))
    );
    assert_eq!(lines[3]["results"], json!([]));
    assert_eq!(lines.len(), 4);
}
