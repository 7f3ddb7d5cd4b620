//! What the runtime repeats of a program's words: names in denials, in traps, in metadata. And codes that look like its own.

use std::fs;

use super::{DATA, SHAPES, Shape, Victim, nothing_escaped, program, world};
use crate::harness::Run;

/// As `programs/talk.rs` has it: clears the screen, sets the title, overwrites the line, reorders text, hides text.
const CODES: &str =
    "\\1b[2J\\1b]0;owned\\07\\0d\\c2\\9b31m\\e2\\80\\ae\\f3\\a0\\81\\81\\0azrun: allowed";

/// Nothing on standard error moves the cursor, changes colours or reads otherwise than it is written.
#[track_caller]
fn is_plain(run: &Run) {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
    };
    if let Some(found) = run.stderr.chars().find(|c| hidden(*c)) {
        panic!("{found:?} in {:?}", run.stderr);
    }
    assert!(
        !run.stderr
            .lines()
            .any(|line| line.starts_with("zrun: allowed")),
        "a program wrote a line of ours: {run}"
    );
}

#[test]
fn names_in_denials_cannot_drive_a_terminal_or_forge_a_line() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "talk.rs", shape, DATA) else {
            return;
        };
        let mut command = victim.world.command_as("home", "zrun");
        command
            .arg("--allow-fs")
            .arg(format!("{}:ro=/data", victim.world.path("data").display()));
        let run = Run::of(command.arg(&artifact).arg("denied")).code(0);
        assert!(run.stderr.contains("denied"), "{shape:?}: {run}");
        is_plain(&run);
    }
}

#[test]
fn function_names_in_a_trap_cannot_drive_a_terminal_or_forge_a_line() {
    let world = world();
    let traps = format!(
        "(module (func $\"{CODES}\" unreachable) (func (export \"_start\") (call $\"{CODES}\")) (memory (export \"memory\") 1))"
    );
    let artifact = world.built("traps", "1.0.0", &traps, "");
    let run = world.zrun([&artifact]).code(134);
    assert!(run.stderr.contains("unreachable"), "{run}");
    is_plain(&run);
    let json = world.zrun(["--json".as_ref(), artifact.as_os_str()]);
    let value: serde_json::Value =
        serde_json::from_str(json.stdout.trim()).unwrap_or_else(|e| panic!("{e}: {json}"));
    assert_eq!(value["error"]["code"], "trapped");
}

#[test]
fn names_of_exports_and_imports_cannot_drive_a_terminal_or_forge_a_line() {
    let world = world();
    let main = "(func (export \"_start\")) (memory (export \"memory\") 1)";
    for (name, wat) in [
        (
            "imports",
            format!("(module (import \"{CODES}\" \"{CODES}\" (func)) {main})"),
        ),
        (
            "exports",
            format!("(module (func (export \"{CODES}\")) {main})"),
        ),
    ] {
        let manifest = world.package(name, "1.0.0", &wat, "").join("Zero.toml");
        let artifact = world.path("out.zero");
        let run = world.build(&manifest, &artifact);
        is_plain(&run);
        if run.code == Some(0) {
            is_plain(&world.zrun([&artifact]));
            is_plain(&world.zrun(["--invoke".as_ref(), "none".as_ref(), artifact.as_os_str()]));
        }
        // What a foreign tool put together: not built by us, so nothing was refused before.
        let raw = world.write("raw.wasm", wat.as_bytes());
        is_plain(&world.zrun([&raw]));
    }
}

#[test]
fn metadata_with_terminal_codes_is_refused_by_builders_and_readers() {
    let world = world();
    let manifest = world
        .package("hi", "1.0.0", "(module)", "")
        .join("Zero.toml");
    let text = fs::read_to_string(&manifest).expect("it was just written");
    world.write(
        "hi-1.0.0/Zero.toml",
        text.replace("a test", "\\u001b[2Jowned\\u202e"),
    );
    let output = world.path("hi.zero");
    let run = world.build(&manifest, &output).code(1);
    is_plain(&run);
    assert!(!output.exists());
    // Readers: the artifacts of the vectors whose metadata hold such text are refused as well.
    let vectors = world.host().root().join("spec/vectors/metadata");
    let refused: Vec<_> = fs::read_dir(vectors)
        .expect("the vectors are there")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("text-"))
        .collect();
    assert!(refused.len() > 5);
}

#[test]
fn file_names_of_a_package_and_paths_of_a_user_are_shown_plainly() {
    let world = world();
    let odd = "\u{1b}[2J\u{202e}owned\r.zero";
    let file = world.write(odd, "no artifact");
    for words in [&["run"][..], &["verify"], &["inspect"], &["sign"]] {
        let run = world.zero(words.iter().map(AsRef::as_ref).chain([file.as_os_str()]));
        assert_ne!(run.code, Some(0));
        is_plain(&run);
    }
    is_plain(&world.zrun([&file]));
}

/// A program may end with any code; what tells the runtime's own ends apart is the line that it writes, and the audit.
#[test]
fn a_code_of_the_programs_own_comes_without_a_line_of_the_runtime() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "talk.rs", shape, DATA) else {
            return;
        };
        for code in [0, 1, 2, 69, 101, 124, 125, 126, 127, 134, 137, 255] {
            // WASI 0.2 knows success and failure only.
            let shown = match shape {
                Shape::Module => code,
                Shape::Component => code.min(1),
            };
            let run = victim
                .run(&artifact, ["exit", &code.to_string()])
                .code(shown);
            assert_eq!(run.stderr, "", "{shape:?} {code}");
            // What the program cannot reach says that the code was its own.
            let mut audited = victim.world.command_as("home", "zrun");
            audited
                .args(["--audit", "audit", "--deny-fs"])
                .arg(&artifact);
            Run::of(audited.args(["exit", &code.to_string()])).code(shown);
            let audit = fs::read_to_string(victim.world.path("audit")).expect("it was written");
            let last = audit.lines().last().unwrap_or_default();
            assert!(last.contains(r#""outcome":"exit""#), "{code}: {last}");
            nothing_escaped(&run);
        }
        // Codes that a process cannot end with do not wrap round to success.
        for code in ["256", "512", "-1", "-256", "2147483647"] {
            let run = victim.run(&artifact, ["exit", code]);
            assert!(run.code.is_some_and(|c| c != 0), "{shape:?} {code}: {run}");
        }
    }
}

/// A module whose start function exits is no way around either.
#[test]
fn exiting_from_a_start_function_is_exiting() {
    let world = world();
    let wat = r#"(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (func $early (call $exit (i32.const 126))) (start $early)
      (memory (export "memory") 1) (func (export "_start") unreachable))"#;
    let run = world
        .zrun([&world.built("early", "1.0.0", wat, "")])
        .code(126);
    assert_eq!(run.stderr, "");
}
