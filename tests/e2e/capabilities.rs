//! What a program may do, seen from outside: declared, granted, denied, limited.

use crate::harness::World;
use crate::packages::{CHATTERS, GROWS, LOOPS, OPENS_A_FILE, READS_THE_CLOCK, prints};

const FOLDER: &str =
    "[capabilities]\nfs = [{ guest = \"/data\", access = \"read\", reason = \"reads x\" }]\n";
const CLOCK: &str = "[capabilities]\nclock = [\"wall\"]\n";

fn keyed() -> World {
    let world = World::new();
    world.make_key("home");
    world
}

#[test]
fn an_undeclared_import_fails_the_build_with_the_line_to_add() {
    let world = keyed();
    let manifest = world
        .package("peek", "1.0.0", OPENS_A_FILE, "")
        .join("Zero.toml");
    let artifact = world.path("peek.zero");
    world
        .build(&manifest, &artifact)
        .code(1)
        .says("path_open")
        .says("fs =");
    assert!(!artifact.exists(), "a refused build leaves nothing behind");
}

#[test]
fn a_program_without_capabilities_from_ones_own_key_asks_nothing() {
    let world = keyed();
    let artifact = world.built("hi", "1.0.0", &prints("good morning\n"), "");
    world.zrun([&artifact]).code(0).says("good morning");
}

#[test]
fn without_a_terminal_consent_is_refused_and_the_hint_grants_it() {
    let world = keyed();
    let artifact = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    world.zrun([&artifact]).code(126).says("--allow-declared");
    world
        .zrun(["--allow-declared".as_ref(), artifact.as_os_str()])
        .code(0);
}

#[test]
fn a_denied_use_returns_an_error_to_the_program_and_says_once_which_flag_denies_it() {
    let world = keyed();
    let artifact = world.built("clock", "1.0.0", READS_THE_CLOCK, CLOCK);
    let run = world.zrun([
        "--allow-declared".as_ref(),
        "--deny-clock".as_ref(),
        artifact.as_os_str(),
    ]);
    assert!(
        run.code.is_some_and(|code| code != 0),
        "the program sees an error: {run}"
    );
    assert_eq!(run.stderr.matches("--deny-clock").count(), 1, "{run}");
}

#[test]
fn a_folder_is_seen_only_when_it_is_granted() {
    let world = keyed();
    let artifact = world.built("peek", "1.0.0", OPENS_A_FILE, FOLDER);
    world.write("data/x", "content");
    let grant = format!("{}:ro=/data", world.path("data").display());
    world
        .zrun(["--allow-fs".as_ref(), grant.as_ref(), artifact.as_os_str()])
        .code(0);
    let run = world
        .zrun(["--deny-fs".as_ref(), artifact.as_os_str()])
        .says("--deny-fs");
    assert!(run.code.is_some_and(|code| code != 0), "{run}");
}

#[test]
fn a_read_only_grant_does_not_create_files() {
    let world = keyed();
    // The same program, with O_CREAT (1) among its flags and the right to write (64).
    let creates = OPENS_A_FILE.replace(
        "(i32.const 0)\n        (i64.const 2)",
        "(i32.const 1)\n        (i64.const 64)",
    );
    assert_ne!(creates, OPENS_A_FILE);
    let declared = FOLDER.replace("\"read\"", "\"read-write\"");
    let artifact = world.built("make", "1.0.0", &creates, &declared);
    world.write("data/other", "");
    let grant = |access: &str| format!("{}:{access}=/data", world.path("data").display());
    let run = world.zrun([
        "--allow-fs".as_ref(),
        grant("ro").as_ref(),
        artifact.as_os_str(),
    ]);
    assert!(run.code.is_some_and(|code| code != 0), "{run}");
    assert!(!world.path("data/x").exists());
    world
        .zrun([
            "--allow-fs".as_ref(),
            grant("rw").as_ref(),
            artifact.as_os_str(),
        ])
        .code(0);
    assert!(world.path("data/x").exists());
}

#[test]
fn a_strangers_signature_is_not_trusted_by_path() {
    let world = keyed();
    let artifact = world.built("hi", "1.0.0", &prints("hi\n"), "");
    let stranger = world
        .command_as("stranger", "zrun")
        .arg(&artifact)
        .output()
        .expect("zrun starts");
    assert_eq!(stranger.status.code(), Some(125));
    assert!(stranger.stdout.is_empty(), "nothing of it ran");
}

#[test]
fn limits_end_a_program_with_their_own_code() {
    let world = keyed();
    let forever = world.built("loops", "1.0.0", LOOPS, "[limits]\ntime = \"100 ms\"\n");
    world.zrun([&forever]).code(124).says("time");
    let chatter = world.built(
        "chatters",
        "1.0.0",
        CHATTERS,
        "[limits]\noutput = \"1 MiB\"\n",
    );
    let run = world.zrun([&chatter]).code(124);
    assert!(
        run.stdout.len() <= 1 << 20,
        "{} bytes came out",
        run.stdout.len()
    );
    let hungry = world.built("grows", "1.0.0", GROWS, "[limits]\nmemory = \"1 MiB\"\n");
    let run = world.zrun([&hungry]);
    assert!(matches!(run.code, Some(124 | 134)), "{run}");
}

#[test]
fn the_users_limit_beats_the_packages() {
    let world = keyed();
    let forever = world.built("loops", "1.0.0", LOOPS, "[limits]\ntime = \"1 h\"\n");
    world
        .zrun([
            "--limit-time".as_ref(),
            "100ms".as_ref(),
            forever.as_os_str(),
        ])
        .code(124);
}
