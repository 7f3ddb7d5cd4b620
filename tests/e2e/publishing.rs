//! Publishers: what they may publish, and what a reader then runs.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Run, World};
use crate::packages::{READS_THE_CLOCK, prints};

const CLOCK: &str = "[capabilities]\nclock = [\"wall\"]\n";

/// A home with a key, the right to write to a new registry, and the package `hi` in these versions; and the root key.
fn published(versions: &[&str]) -> (World, String) {
    let world = World::new();
    world.make_key("home");
    let registry = world.init_registry("registry");
    for version in versions {
        release(&world, version, "").code(0);
    }
    (world, registry.root_key)
}

fn release(world: &World, version: &str, more: &str) -> Run {
    world.package("hi", version, &prints(&format!("hi {version}\n")), more);
    world.publish("home", &format!("hi-{version}"), "demo")
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

#[test]
fn a_reader_who_knows_only_the_root_key_consents_runs_and_needs_the_registry_no_more() {
    let (world, root) = published(&["1.2.0"]);
    world.package("hi", "1.2.3", READS_THE_CLOCK, CLOCK);
    // Wider than 1.2.0 without a major step: refused, and the line says what is wider.
    world
        .publish("home", "hi-1.2.3", "demo")
        .code(126)
        .says("date and time");
    world.package("hi", "2.0.0", READS_THE_CLOCK, CLOCK);
    world.publish("home", "hi-2.0.0", "demo").code(0);
    world.reader("reader", &["registry"], &root);
    // Nothing is granted unasked, and without a terminal nobody is asked.
    world
        .zero_as("reader", ["run", "hi@2"])
        .code(126)
        .says("--allow-declared");
    world
        .zero_as("reader", ["run", "--allow-declared", "hi@2"])
        .code(0);
    world
        .zero_as("reader", ["run", "demo:hi@1.2"])
        .code(0)
        .says("hi 1.2.0");
    fs::rename(world.path("registry"), world.path("gone")).expect("it is ours");
    world
        .zero_as("reader", ["run", "--allow-declared", "hi@2"])
        .code(0);
    let shown = json(
        &world
            .zero_as("reader", ["inspect", "--json", "hi@1.2"])
            .code(0),
    );
    assert_eq!(shown["metadata"]["package"]["version"], "1.2.0");
    assert_eq!(shown["trusted"], true);
}

#[test]
fn another_key_cannot_publish_under_a_claimed_name() {
    let (world, _) = published(&["1.0.0"]);
    world
        .zero(["key", "generate", "other", "--no-password"])
        .code(0);
    world.zero(["key", "default", "other"]).code(0);
    release(&world, "1.0.1", "")
        .code(126)
        .says("belongs to other keys");
}

#[test]
fn a_rehearsal_shows_everything_and_writes_nothing() {
    let (world, _) = published(&[]);
    let everything = || -> Vec<(PathBuf, Vec<u8>)> {
        let read = |file: PathBuf| (file.clone(), fs::read(file).expect("it is ours"));
        world.files("registry").into_iter().map(read).collect()
    };
    let before = everything();
    world.package("hi", "1.0.0", &prints("hi\n"), "");
    let mut command = world.publish_command("home", "hi-1.0.0", "demo");
    let shown = json(&Run::of(command.args(["--dry-run", "--json"])).code(0));
    assert_eq!(shown["published"], false);
    assert_eq!(shown["events"].as_array().map(Vec::len), Some(2));
    assert_eq!(everything(), before);
}

#[test]
fn a_changed_byte_of_an_artifact_is_refused_wherever_it_is() {
    let world = World::new();
    world.make_key("home");
    let artifact = world.built("hi", "1.0.0", &prints("hi 1.0.0\n"), "");
    world.zrun([&artifact]).code(0).says("hi 1.0.0");
    let whole = fs::read(&artifact).expect("it was just built");
    for place in [0, 4, 9, 40, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&artifact, bytes).expect("it is ours");
        world.zrun([&artifact]).code(125);
        world
            .zero(["verify".as_ref(), artifact.as_os_str()])
            .code(125);
    }
}

#[test]
fn a_wrong_example_fails_the_build_and_shows_both_results() {
    let world = World::new();
    let add = "(module (func (export \"add\") (param i32 i32) (result i32)
      (i32.add (local.get 0) (local.get 1))))";
    let check = |version: &str, result: u32| {
        let more = format!("[exports.add]\nexamples = [{{ args = [1, 2], result = {result} }}]\n");
        let manifest = world.package("add", version, add, &more).join("Zero.toml");
        world.zero([
            "check".as_ref(),
            "--manifest-path".as_ref(),
            manifest.as_os_str(),
        ])
    };
    check("1.0.0", 3).code(0).says("1 examples executed");
    check("1.0.1", 4)
        .code(1)
        .says("expected 4")
        .says("actual   3");
}
