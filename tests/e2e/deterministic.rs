//! `--deterministic` with a Rust program that shows everything that is usually different: time, random numbers, the
//! order of a HashMap, the bits of a NaN.

use crate::harness::{Run, World};

const PROGRAM: &str = r#"
use std::collections::HashMap;
use std::time::{Instant, SystemTime};

fn main() {
    let began = Instant::now();
    println!("{:?}", SystemTime::now());
    println!("{:?}", began.elapsed());
    let map: HashMap<u32, u32> = (0..20).map(|n| (n, n)).collect();
    println!("{:?}", map.keys().collect::<Vec<_>>());
    let zero: f64 = std::env::args().count() as f64 - 1.0;
    println!("{:x}", (zero / zero).to_bits());
}
"#;

const MANIFEST: &str = "[capabilities]\nclock = [\"wall\", \"monotonic\"]\nrandom = true\n";

#[test]
fn a_rust_program_prints_the_same_in_every_run() {
    let world = World::new();
    if !world.builds_rust() {
        return;
    }
    world.write("dice/src/main.rs", PROGRAM);
    world.write("dice/Zero.toml", MANIFEST);
    world.write(
        "dice/Cargo.toml",
        "[package]\nname = \"dice\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[workspace]\n",
    );
    let run = |flags: &[&str]| {
        let mut command = world.command_as("home", "cargo-zero");
        command
            .args(["run", "--allow-declared"])
            .args(flags)
            .current_dir(world.path("dice"));
        Run::of(&mut command).code(0).stdout
    };
    let first = run(&["--deterministic"]);
    assert_eq!(first, run(&["--deterministic"]));
    assert_eq!(first, run(&["--deterministic=0"]));
    assert_ne!(first, run(&["--deterministic=1"]));
    assert_ne!(first, run(&[]));
    assert!(
        first.contains("tv_sec: 946684800") && first.contains("\n7ff8000000000000\n"),
        "{first}"
    );
}
