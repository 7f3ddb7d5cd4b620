//! Too much of everything, and waiting for nothing: each ends at its limit, with its name, in bounded time.

use std::io::Read;
use std::process::Stdio;

use super::{DATA, SHAPES, Shape, Victim, nothing_escaped, program};
use crate::harness::Run;

/// Each: what is used up, the flags of its limit, and the word that the message must have.
const FLOODS: [(&str, &[&str], &str); 11] = [
    ("handles", &["--limit-handles", "64"], "handles"),
    ("stdout", &["--limit-output", "1MiB"], "output"),
    ("stderr", &["--limit-output", "1MiB"], "output"),
    ("lines", &["--limit-output", "64KiB"], "output"),
    ("file", &["--limit-write", "1MiB"], "writ"),
    ("sparse", &["--limit-write", "4MiB"], "writ"),
    ("files", &["--limit-write", "1MiB"], "writ"),
    ("memory", &["--limit-memory", "32MiB"], "memory"),
    ("loop", &["--limit-time", "300ms"], "time"),
    ("sleep", &["--limit-time", "300ms"], "time"),
    ("denials", &["--limit-time", "300ms"], "time"),
];

#[test]
fn a_flood_ends_at_its_limit_and_leaves_no_more_than_that() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "flood.rs", shape, DATA) else {
            return;
        };
        for (what, limit, says) in FLOODS {
            let mut command = victim.command(&artifact);
            // Flags stand before the file: put them in front of what is there.
            let mut with_limit = victim.world.command_as("home", "zrun");
            with_limit.args(limit).args(command.arg(what).get_args());
            let run = Run::of(&mut with_limit);
            assert_eq!(run.code, Some(124), "{shape:?} {what}: {}", brief(&run));
            let last = run.stderr.lines().last().unwrap_or_default();
            let said = run.stderr.replace('x', "");
            assert!(said.contains(says), "{shape:?} {what}: {last}");
            assert!(run.stdout.len() <= 1 << 20, "{shape:?} {what}");
            nothing_escaped(&run);
        }
        let written: u64 = victim
            .world
            .files("data")
            .iter()
            .filter_map(|file| std::fs::metadata(file).ok())
            .map(|found| found.len())
            .sum();
        assert!(written <= 8 << 20, "{shape:?}: {written} bytes were left");
    }
}

/// The start of what it said: a flood is long.
fn brief(run: &Run) -> String {
    let start: String = run.stderr.chars().take(400).collect();
    format!("{:?} {start}", run.code)
}

#[test]
fn denials_without_end_are_told_sixteen_times() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "flood.rs", shape, DATA) else {
            return;
        };
        let mut command = victim.world.command_as("home", "zrun");
        command.args(["--limit-time", "300ms", "--deny-fs"]);
        let run = Run::of(command.arg(&artifact).arg("denials")).code(124);
        let told = run.stderr.matches("denied").count();
        assert!(
            (1..=17).contains(&told),
            "{shape:?}: {told}: {}",
            brief(&run)
        );
    }
}

#[test]
fn endless_recursion_is_a_trap_and_no_crash() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "flood.rs", shape, DATA) else {
            return;
        };
        let run = victim.run(&artifact, ["recursion"]);
        assert!(
            matches!(run.code, Some(124 | 134)),
            "{shape:?}: {}",
            brief(&run)
        );
        assert!(run.stderr.contains("stack"), "{shape:?}: {}", brief(&run));
    }
}

#[test]
fn waiting_in_a_host_call_ends_at_the_time_limit() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "block.c", shape, DATA) else {
            return;
        };
        for how in ["poll", "nanosleep", "read"] {
            let mut command = victim.world.command_as("home", "zrun");
            command
                .args(["--limit-time", "300ms", "--deny-fs"])
                .arg(&artifact)
                .arg(how)
                // A pipe that stays open and says nothing.
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            let mut child = command.spawn().expect("zrun starts");
            let held_open = child.stdin.take();
            let mut said = String::new();
            let mut stderr = child.stderr.take().expect("it is a pipe");
            stderr.read_to_string(&mut said).expect("it is a pipe");
            let status = child.wait().expect("it ends");
            drop(held_open);
            assert_eq!(status.code(), Some(124), "{shape:?} {how}: {said}");
            assert!(said.contains("time"), "{shape:?} {how}: {said}");
        }
    }
}

#[test]
fn nothing_can_be_accepted_from_so_nothing_waits() {
    let victim = Victim::new();
    let declared = "[capabilities]\nnet = [\"127.0.0.1\"]\n";
    let Some(artifact) = program(&victim.world, "accept.c", Shape::Module, declared) else {
        return;
    };
    let flags = ["--allow-declared", "--limit-time", "20s"];
    let mut command = victim.world.command_as("home", "zrun");
    let run = Run::of(command.args(flags).arg(&artifact)).code(0);
    nothing_escaped(&run);
    assert!(run.stdout.ends_with("done\n"), "{run}");
}
