//! The same programs in zrun and in the wasmtime command of the release that zrun is built on, side by side: what the
//! program sees must be the same, line by line, but for the differences that `differences.txt` gives a reason for.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::attacks::{SHAPES, Shape, artifact};
use crate::harness::{Run, World, compile, note};

const DECLARED: &str = "[capabilities]\nfs = [{ guest = \"/data\", access = \"read-write\" }]\n\
                        env = [\"GIVEN\"]\nclock = [\"wall\", \"monotonic\"]\nrandom = true\n";

/// A folder for one run: a file, a link to it, a link that leads out, a link to itself.
fn folder(world: &World, name: &str) -> PathBuf {
    let folder = world.path(name);
    fs::create_dir(&folder).expect("it is ours");
    fs::write(folder.join("linked"), "linked\n").expect("it is ours");
    for (link, target) in [
        ("host-link", "linked"),
        ("out-link", "../out"),
        ("loop", "loop"),
    ] {
        symlink(target, folder.join(link)).expect("it is ours");
    }
    folder
}

/// Runs a command with two lines on standard input.
fn fed(command: &mut Command) -> Run {
    let line = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{line}: {e}"));
    let mut stdin = child.stdin.take().expect("it is a pipe");
    // A program that does not read is no error of ours.
    let _ = stdin.write_all(b"one\ntwo\n");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    Run {
        line,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The known differences of a shape: the check's name and what zrun's line is.
fn differences(world: &World, shape: Shape) -> BTreeMap<String, String> {
    let path = world.host().root().join("tests/wasi/differences.txt");
    let text = fs::read_to_string(path).expect("the list is there");
    let shape = format!("{shape:?}").to_lowercase();
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .filter_map(|line| {
            let mut fields = line.split(" | ");
            let (name, shapes, ours) = (fields.next()?, fields.next()?, fields.next()?);
            let reason = fields.next().expect("every difference has a reason");
            assert!(!reason.trim().is_empty(), "{line}");
            (shapes == "both" || shapes == shape).then(|| (name.to_owned(), ours.to_owned()))
        })
        .collect()
}

#[test]
fn programs_see_what_they_see_in_wasmtime() {
    let world = World::new();
    world.make_key("home");
    let Some(wasm) = compile(&world, Path::new("tests/wasi/programs/std.rs")) else {
        return;
    };
    for shape in SHAPES {
        let name = format!("{shape:?}").to_lowercase();
        let file = artifact(&world, &wasm, shape, DECLARED);
        let Some(mut wasmtime) = world.peer("wasmtime") else {
            return;
        };
        let theirs = folder(&world, &format!("theirs-{name}"));
        wasmtime.args(["run", "--env", "GIVEN=yes", "--dir"]);
        wasmtime.arg(format!("{}::/data", theirs.display()));
        let theirs = fed(wasmtime.arg(&file).args(["a", "b c"])).code(0);
        let ours = folder(&world, &format!("ours-{name}"));
        let mut zrun = world.command_as("home", "zrun");
        zrun.args(["--allow-declared", "--allow-env", "GIVEN=yes", "--allow-fs"]);
        zrun.arg(format!("{}:rw=/data", ours.display()));
        let ours = fed(zrun.arg(&file).args(["a", "b c"])).code(0);
        assert!(theirs.stdout.lines().count() > 90, "{theirs}");
        compare(&theirs, &ours, &differences(&world, shape), shape);
        assert!(ours.stderr.contains("to standard error"), "{ours}");
    }
}

/// Each line is the same or a known difference; each known difference is one.
fn compare(theirs: &Run, ours: &Run, known: &BTreeMap<String, String>, shape: Shape) {
    let mut unknown = Vec::new();
    let mut met = Vec::new();
    let (mut left, mut right) = (theirs.stdout.lines(), ours.stdout.lines());
    loop {
        let (their, our) = match (left.next(), right.next()) {
            (None, None) => break,
            (their, our) => (their.unwrap_or_default(), our.unwrap_or_default()),
        };
        if their == our {
            continue;
        }
        let (name, value) = our.split_once(": ").unwrap_or((our, ""));
        if known.get(name).is_some_and(|expected| expected == value) {
            met.push(name);
        } else {
            unknown.push(format!("wasmtime: {their}\n    zrun: {our}"));
        }
    }
    assert!(unknown.is_empty(), "{shape:?}:\n{}", unknown.join("\n"));
    for name in known.keys() {
        assert!(
            met.contains(&name.as_str()),
            "{shape:?}: {name} no longer differs"
        );
    }
    note(&format!("{shape:?}: {} known differences", met.len()));
}

/// What a shell sees of an end: codes, traps, output that is cut off.
#[test]
fn programs_end_as_they_end_in_wasmtime() {
    let world = World::new();
    world.make_key("home");
    let exits = |code: &str| {
        format!(
            "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))
             (memory (export \"memory\") 1) (func (export \"_start\") (call $exit (i32.const {code}))))"
        )
    };
    let trap = "(module (memory (export \"memory\") 1) (func (export \"_start\") unreachable))";
    let divide = "(module (memory (export \"memory\") 1) (func (export \"_start\")
        (drop (i32.div_s (i32.const 1) (i32.const 0)))))";
    let beyond = "(module (memory (export \"memory\") 1) (func (export \"_start\")
        (drop (i32.load (i32.const 70000)))))";
    let returns = "(module (memory (export \"memory\") 1) (func (export \"_start\")))";
    for (name, wat) in [
        ("returns", returns.to_owned()),
        ("zero", exits("0")),
        ("one", exits("1")),
        ("many", exits("125")),
        ("trap", trap.to_owned()),
        ("divide", divide.to_owned()),
        ("beyond", beyond.to_owned()),
    ] {
        let file = world.built(name, "1.0.0", &wat, "");
        let Some(mut wasmtime) = world.peer("wasmtime") else {
            return;
        };
        let theirs = Run::of(wasmtime.arg("run").arg(&file));
        let ours = world.zrun([&file]);
        assert_eq!(ours.code, theirs.code, "{name}: {ours}\n{theirs}");
    }
}
