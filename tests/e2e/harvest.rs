//! `cargo zero harvest` as a person runs it: a dataset from a folder of C, what is missing, and a run that is killed.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Run, World, note};

const MIT: &str = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this\nsoftware … The above copyright notice and this permission notice shall be included in all copies\n";

/// Writes three small libraries: one allowed, one with a file that is not, one that states no licence.
fn libraries(world: &World) {
    world.write("bits/LICENSE", MIT);
    world.write(
        "bits/include/bits.h",
        "/**\n * Counts the bits in which two numbers differ.\n * @param a one number\n * @param b the other\n */\nint distance(unsigned a, unsigned b);\n",
    );
    world.write(
        "bits/src/bits.c",
        "#include \"bits.h\"\nint distance(unsigned a, unsigned b) { return __builtin_popcount(a ^ b); }\n",
    );
    world.write("sums/COPYING", MIT);
    world.write(
        "sums/sum.c",
        "/** Adds up all numbers of an array. */\nint sum(const int *numbers, int count) {\n  unsigned all = 0;\n  for (int i = 0; i < count; i++) all += numbers[i];\n  return all;\n}\n/** Doubles what the copyleft half gives for a number. */\nint both(int a) { extern int copyleft(int); return (int)(2u * copyleft(a)); }\n",
    );
    world.write(
        "sums/copyleft.c",
        "/* SPDX-License-Identifier: GPL-2.0-or-later */\n/** Turns all the bits of a number around. */\nint copyleft(int a) { return ~a; }\n",
    );
    world.write(
        "unsaid/a.c",
        "/** Adds one to a number and wraps around. */\nunsigned next(unsigned a) { return a + 1; }\n",
    );
}

/// Whether harvests can run here; what is missing is tolerated as a missing peer is.
fn can_harvest(world: &World) -> bool {
    let clang = world.peer("clang-19").is_some();
    let rest = [
        "/usr/include/wasm32-wasi",
        "/usr/lib/llvm-19/lib/libclang-19.so.1",
    ];
    let rest = rest.iter().all(|path| Path::new(path).exists());
    if !rest {
        let text = "LEFT OUT: libclang or wasi-libc is not installed (cargo xtask setup)";
        assert!(!world.host().peers_required(), "{text}");
        note(text);
    }
    clang && rest
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the dataset has it");
    let values = text.lines().map(serde_json::from_str);
    values.map(|value| value.expect("it is JSON")).collect()
}

/// The records of every split.
fn records(data: &Path) -> Vec<Value> {
    let paths = fs::read_dir(data).expect("it is a folder");
    let paths = paths.map(|entry| entry.expect("it is readable").path());
    let jsonl = paths.filter(|path| path.extension() == Some(OsStr::new("jsonl")));
    jsonl.flat_map(|path| lines(&path)).collect()
}

/// All files below a folder, with their bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("it is a folder") {
            let path = entry.expect("it is readable").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it lies below");
                let bytes = fs::read(&path).expect("it is readable");
                files.insert(name.to_string_lossy().into_owned(), bytes);
            }
        }
    }
    files
}

#[test]
fn a_folder_of_c_becomes_records_and_every_other_function_is_accounted_for() {
    let world = World::new();
    if !can_harvest(&world) {
        return;
    }
    libraries(&world);
    let run = world
        .zero(["harvest", "bits", "sums", "unsaid", "--out", "dataset"])
        .code(0);
    let row = |name: &str| {
        let line = run.stdout.lines().find(|line| line.starts_with(name));
        let words = line.unwrap_or_else(|| panic!("no row {name}: {run}"));
        words
            .split_whitespace()
            .skip(1)
            .map(|cell| cell.parse().expect("a number"))
            .collect::<Vec<u32>>()
    };
    // documented, compilable, L1, self-contained, L2, records, rejected
    assert_eq!(row("bits"), [1, 1, 1, 1, 1, 1, 0]);
    assert_eq!(row("sums"), [3, 2, 1, 1, 1, 1, 2]);
    assert_eq!(row("unsaid"), [1, 0, 0, 0, 0, 0, 1]);
    assert_eq!(row("all"), [5, 3, 2, 2, 2, 2, 3]);
    assert!(run.stdout.contains("3 license"), "{run}");
    let records = records(&world.path("dataset/data"));
    let distance = records
        .iter()
        .find(|record| record["provenance"]["symbol"] == "distance")
        .expect("it is a record");
    assert_eq!(
        distance["instruction"],
        "Counts the bits in which two numbers differ."
    );
    assert_eq!(distance["provenance"]["spdx"], "MIT");
    assert_eq!(distance["provenance"]["license_evidence"], "LICENSE");
    assert_eq!(distance["verify"]["level"], "L2");
    // The text is a module that anybody's tools accept.
    let output = distance["output"].as_str().expect("a text");
    let file = world.write("distance.wat", output);
    if let Some(mut wasm_tools) = world.peer("wasm-tools") {
        Run::of(wasm_tools.arg("validate").arg(file)).code(0);
    }
    let rejects = lines(&world.path("dataset/rejects.jsonl"));
    let why = |name: &str| {
        let reject = rejects.iter().find(|reject| reject["function"] == name);
        let reject = reject.unwrap_or_else(|| panic!("no reject {name}"));
        assert_eq!(reject["reason"], "license");
        reject["detail"].as_str().expect("a text").to_owned()
    };
    let tag = "GPL-2.0-or-later (SPDX-License-Identifier in copyleft.c)";
    assert_eq!(why("copyleft"), tag);
    // It would be copied into the module of the function that calls it.
    assert_eq!(why("both"), format!("it needs {tag}"));
    assert_eq!(why("next"), "NOASSERTION (no licence is stated)");
}

#[test]
fn a_dataset_is_looked_into_and_a_record_shown() {
    let world = World::new();
    if !can_harvest(&world) {
        return;
    }
    libraries(&world);
    let all = [
        "harvest",
        "bits",
        "sums",
        "--out",
        "dataset",
        "--style",
        "alpaca,rl",
        "--format",
        "jsonl-zst,parquet",
    ];
    world.zero(all).code(0);
    let card = fs::read_to_string(world.path("dataset/README.md")).expect("there is a card");
    assert!(card.starts_with("---\npretty_name:"), "{card}");
    assert!(card.contains("config_name: alpaca"), "{card}");
    assert!(card.contains("| bits | `"), "{card}");
    let stats = world.zero(["harvest", "stats", "dataset", "--svg", "pictures"]);
    let stats = stats.code(0);
    assert!(stats.stdout.contains("2 records"), "{stats}");
    assert!(world.path("pictures/lines-of-C.svg").is_file());
    let shown = world
        .zero(["harvest", "show", "sum", "--dataset", "dataset"])
        .code(0);
    let side = shown
        .stdout
        .lines()
        .find(|line| line.starts_with("int sum("));
    assert!(
        side.is_some_and(|line| line.contains(" | (module")),
        "{shown}"
    );
    world
        .zero(["harvest", "show", "nothing", "--dataset", "dataset"])
        .code(127)
        .says("has no record nothing");
    world
        .zero(["harvest", "stats", "bits"])
        .code(127)
        .says("cannot read the dataset");
    world.zero(["harvest", "bits"]).code(2).says("--out");
    world
        .zero(["harvest", "bits", "--out", "x", "--shard", "5/4"])
        .code(2)
        .says("as in 1/4");
}

#[test]
fn other_licences_are_allowed_by_name() {
    let world = World::new();
    if !can_harvest(&world) {
        return;
    }
    libraries(&world);
    let run = world.zero([
        "--json",
        "harvest",
        "sums",
        "unsaid",
        "--out",
        "listed",
        "--licenses",
        "permissive,GPL-2.0-or-later",
    ]);
    let said: Value = serde_json::from_str(&run.code(0).stdout).expect("it is JSON");
    assert_eq!(said["total"]["records"], 3);
    assert_eq!(said["total"]["rejected"]["license"], 1);
    let any = [
        "harvest",
        "unsaid",
        "--out",
        "any",
        "--licenses",
        "any",
        "--json",
    ];
    let said: Value = serde_json::from_str(&world.zero(any).code(0).stdout).expect("it is JSON");
    assert_eq!(said["total"]["records"], 1);
    world
        .zero(["harvest", "bits", "--out", "none", "--licenses", "Nonsense"])
        .code(2)
        .says("`Nonsense` is neither `permissive`, nor `any`, nor an SPDX licence identifier");
}

#[test]
fn what_is_missing_is_named_with_the_command_that_installs_it() {
    let world = World::new();
    libraries(&world);
    let hint = "apt-get install clang-19 libclang1-19";
    let args = ["harvest", "bits", "--out", "dataset"];
    let mut command = world.command_as("home", "cargo-zero");
    Run::of(command.args(args).env("PATH", world.path("home")))
        .code(127)
        .says("cannot find clang")
        .says(hint);
    if !can_harvest(&world) {
        return;
    }
    let broken = world.write("libclang.so", "not a library");
    let mut command = world.command_as("home", "cargo-zero");
    Run::of(command.args(args).env("LIBCLANG_PATH", broken))
        .code(127)
        .says("cannot load libclang")
        .says(hint);
    world
        .zero(["harvest", "nowhere", "--out", "dataset"])
        .code(127)
        .says("nowhere is no folder");
    world.zero(["harvest", "bits", "--out", "dataset"]).code(0);
    world
        .zero(["harvest", "bits", "--out", "dataset"])
        .code(1)
        .says("--resume");
}

#[test]
fn a_clone_depends_on_nothing_of_its_user_and_tells_no_password() {
    let world = World::new();
    if !can_harvest(&world) {
        return;
    }
    libraries(&world);
    let root = world.path("sums");
    let git = |args: &[&str]| {
        let user = ["-c", "user.name=x", "-c", "user.email=x@x.example"];
        let mut git = world.peer("git").expect("git is here");
        Run::of(git.current_dir(&root).args(user).args(args)).code(0)
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "x"]);
    let commit = git(&["rev-parse", "HEAD"]).stdout;
    let zero = |url: &str| {
        let mut command = world.command_as("home", "cargo-zero");
        command
            .args(["harvest", url, "--out", "cloned", "--json"])
            .env("GIT_DIR", world.path("home"))
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "core.autocrlf")
            .env("GIT_CONFIG_VALUE_0", "true");
        Run::of(&mut command)
    };
    zero(&format!("file://{}", root.display())).code(0);
    let records = records(&world.path("cloned/data"));
    assert_eq!(records[0]["provenance"]["commit"], commit.trim());
    let source = records[0]["c_source"].as_str().expect("a text");
    assert!(source.contains('\n') && !source.contains('\r'), "{source}");
    fs::remove_dir_all(world.path("cloned")).expect("it is ours");
    let run = zero("http://me:hunter2@127.0.0.1:1/x/y.git").code(1);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains("127.0.0.1:1/x/y"), "{run}");
    assert!(!said.contains("hunter2"), "{run}");
}

/// Runs a harvest that is killed at the entry of a system call of its first thread; `None` where that is not possible.
fn killed(
    world: &World,
    out: &str,
    calls: &str,
    number: usize,
) -> Option<std::process::ExitStatus> {
    let mut strace = world.peer("strace")?;
    strace
        .args(["-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={calls}"))
        .arg("-e")
        .arg(format!(
            "inject={calls}:error=EIO:signal=SIGKILL:when={number}"
        ));
    let mut command = world.command_as("home", "cargo-zero");
    command.args(harvest(out));
    let output = world
        .instead(&command, &mut strace)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("PTRACE") || said.contains("Operation not permitted") {
        assert!(
            !world.host().peers_required(),
            "strace may not trace here: {said}"
        );
        note("LEFT OUT: strace may not trace here");
        return None;
    }
    Some(output.status)
}

fn harvest(out: &str) -> [&OsStr; 7] {
    [
        "harvest", "bits", "sums", "unsaid", "--out", out, "--resume",
    ]
    .map(OsStr::new)
}

#[test]
fn a_run_that_is_killed_and_resumed_gives_the_same_bytes() {
    let world = World::new();
    if !can_harvest(&world) {
        return;
    }
    libraries(&world);
    world.zero(harvest("whole")).code(0);
    let whole = files(&world.path("whole"));
    let mut kills = 0;
    for calls in [
        "fsync",
        "rename,renameat,renameat2",
        "mkdir,mkdirat",
        "openat",
    ] {
        // Files are opened all the time: not every one of them.
        let step = if calls == "openat" { 97 } else { 1 };
        for number in (1..).step_by(step) {
            let out = format!("killed-{kills}");
            let Some(status) = killed(&world, &out, calls, number) else {
                return;
            };
            if status.success() {
                break;
            }
            assert_eq!(
                status.signal().or(status.code().map(|code| code - 128)),
                Some(9)
            );
            kills += 1;
            world.zero(harvest(&out)).code(0);
            assert_eq!(
                files(&world.path(&out)),
                whole,
                "killed at {calls} number {number}"
            );
        }
    }
    note(&format!("{kills} kills"));
    assert!(kills >= 10, "only {kills} kills");
}
