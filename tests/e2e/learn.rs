//! `--learn`: what a run used becomes the project's `[capabilities]`.

use crate::harness::{Run, World};
use crate::packages::{OPENS_A_FILE, READS_THE_CLOCK};

/// `cargo zero run` with these flags, in the folder of a project.
fn run(world: &World, folder: &std::path::Path, flags: &[&str]) -> Run {
    let mut command = world.command_as("home", "cargo-zero");
    command.arg("run").args(flags).current_dir(folder);
    Run::of(&mut command)
}

fn manifest(folder: &std::path::Path) -> String {
    std::fs::read_to_string(folder.join("Zero.toml")).expect("the project has one")
}

#[test]
fn what_was_denied_is_proposed_then_granted_then_written() {
    let world = World::new();
    let folder = world.package("clock", "1.0.0", READS_THE_CLOCK, "# the end\n");
    let before = manifest(&folder);
    // 76: the program was told "not capable".
    run(&world, &folder, &["--learn"])
        .code(76)
        .says("It was denied, and may do more once it is granted:\n  - read the date and time")
        .says("+[capabilities]\n+clock = [\"wall\"]\n");
    assert_eq!(manifest(&folder), before);
    run(&world, &folder, &["--learn=write", "--allow-clock"])
        .code(0)
        .never_says("It was denied");
    assert!(manifest(&folder).contains("\n[capabilities]\nclock = [\"wall\"]\n"));
    assert!(manifest(&folder).contains("# the end\n"));
    run(&world, &folder, &["--learn", "--allow-clock"])
        .code(0)
        .says("Zero.toml declares what this run used, and no more.");
    run(&world, &folder, &["--allow-declared"]).code(0);
}

#[test]
fn a_folder_that_is_only_read_is_declared_for_reading_and_the_rest_goes() {
    let world = World::new();
    let declared = "[capabilities]\n# keep me\nfs = [{ guest = \"/data\", access = \"read-write\", reason = \"x\" }]\nrandom = true\n";
    let folder = world.package("peek", "1.0.0", OPENS_A_FILE, declared);
    world.write("peek-1.0.0/in/x", "content");
    let grant = ["--allow-fs", "in:rw=/data"];
    run(&world, &folder, &[&["--learn=add"], &grant[..]].concat())
        .code(0)
        .says("Zero.toml declares");
    run(&world, &folder, &[&["--learn=write"], &grant[..]].concat()).code(0);
    let after = manifest(&folder);
    assert!(
        after.contains(
            "# keep me\nfs = [{ guest = \"/data\", access = \"read\", reason = \"x\" }]\n"
        ),
        "{after}"
    );
    assert!(!after.contains("random"), "{after}");
}

#[test]
fn learning_is_for_ones_own_project() {
    let world = World::new();
    world.make_key("home");
    let artifact = world.built(
        "clock",
        "1.0.0",
        READS_THE_CLOCK,
        "[capabilities]\nclock = [\"wall\"]\n",
    );
    world
        .zrun(["--learn".as_ref(), artifact.as_os_str()])
        .code(2)
        .says("`--learn` is for the project that you are in");
}
