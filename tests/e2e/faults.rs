//! Systems that say no: no space, no permission, no port, and input that makes no sense.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::harness::{Run, World, note};
use crate::packages::prints;

fn build<'a>(manifest: &'a Path, output: &'a Path) -> [&'a std::ffi::OsStr; 5] {
    [
        "build".as_ref(),
        "--manifest-path".as_ref(),
        manifest.as_os_str(),
        "-o".as_ref(),
        output.as_os_str(),
    ]
}

#[test]
fn a_missing_manifest_says_how_to_start() {
    let world = World::new();
    world
        .zero(["build"])
        .says("Zero.toml")
        .says("hint:")
        .says("cargo zero new");
    fs::create_dir(world.path("empty")).expect("it is ours");
    let run = Run::of(
        world
            .command_as("home", "cargo-zero")
            .arg("build")
            .current_dir(world.path("empty")),
    );
    assert!(matches!(run.code, Some(1 | 127)), "{run}");
}

#[test]
fn an_unknown_key_points_at_its_line_and_guesses() {
    let world = World::new();
    let manifest = world
        .package(
            "hi",
            "1.0.0",
            &prints("hi\n"),
            "[limits]\nmemroy = \"1 MiB\"\n",
        )
        .join("Zero.toml");
    world
        .build(&manifest, &world.path("hi.zero"))
        .code(1)
        .says("Zero.toml:")
        .says("memroy")
        .says("memory");
    let manifest = world
        .package("hi", "1.0.1", &prints("hi\n"), "[limits]\nmemory = true\n")
        .join("Zero.toml");
    world
        .build(&manifest, &world.path("hi.zero"))
        .code(1)
        .says("Zero.toml:")
        .says("memory");
}

#[test]
fn a_wrong_password_is_said_plainly() {
    let world = World::new();
    Run::of(
        world
            .command_as("home", "cargo-zero")
            .args(["key", "generate"])
            .env("ZERO_KEY_PASSWORD", "right"),
    )
    .code(0);
    let manifest = world
        .package("hi", "1.0.0", &prints("hi\n"), "")
        .join("Zero.toml");
    let output = world.path("hi.zero");
    let mut command = world.command_as("home", "cargo-zero");
    let run = Run::of(
        command
            .args(build(&manifest, &output))
            .env("ZERO_KEY_PASSWORD", "wrong"),
    );
    run.code(1).says("password").says("hint:");
    assert!(!output.exists());
    let mut command = world.command_as("home", "cargo-zero");
    Run::of(
        command
            .args(build(&manifest, &output))
            .env("ZERO_KEY_PASSWORD", "right"),
    )
    .code(0);
}

#[test]
fn a_folder_that_cannot_be_written_leaves_nothing_and_says_which() {
    let world = World::new();
    world.make_key("home");
    let manifest = world
        .package("hi", "1.0.0", &prints("hi\n"), "")
        .join("Zero.toml");
    // A file where a folder should be: not even root can write below it.
    let blocked = world.write("blocked", "").join("hi.zero");
    world.build(&manifest, &blocked).code(1).says("blocked");
    let Some(run) = on_small_disk(
        &world,
        64,
        true,
        &build(&manifest, &world.path("disk/hi.zero")),
    ) else {
        return;
    };
    run.code(1).says("disk");
}

#[test]
fn a_full_disk_fails_cleanly_and_keeps_the_old_file() {
    let world = World::new();
    world.make_key("home");
    // 256 KiB of data on a disk of 64 KiB.
    let text = "x".repeat(200);
    let big = prints(&text).replace(
        "(memory (export \"memory\") 1)",
        &format!(
            "(memory (export \"memory\") 5)\n  (data (i32.const 1024) \"{}\")",
            "abcdefgh".repeat(32 * 1024)
        ),
    );
    let manifest = world.package("big", "1.0.0", &big, "").join("Zero.toml");
    let Some(run) = on_small_disk(
        &world,
        64,
        false,
        &build(&manifest, &world.path("disk/big.zero")),
    ) else {
        return;
    };
    // The helper lists the disk after the command.
    run.code(1)
        .says("No space left")
        .says("files on the disk: 0");
}

#[test]
fn a_port_in_use_is_named() {
    let world = World::new();
    world.make_key("home");
    world.init_registry("registry");
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let run = world.registry(["serve", "registry", "--listen", &address]);
    run.code(1).says(&address).says("hint:");
}

#[test]
fn garbage_is_refused_without_a_panic() {
    let world = World::new();
    world.make_key("home");
    let wasm = b"\0asm\x01\0\0\0";
    for (name, bytes) in [
        ("empty.zero", &b""[..]),
        ("text.zero", b"hello"),
        ("bare.zero", wasm),
        ("lies.zero", b"\0asm\x01\0\0\0\x00\xff\xff\xff\xff\x0f"),
    ] {
        let file = world.write(name, bytes);
        for words in [&["run"][..], &["verify"], &["inspect"]] {
            let run = world.zero(words.iter().map(AsRef::as_ref).chain([file.as_os_str()]));
            assert!(
                run.code.is_some_and(|code| code != 0 && code != 101),
                "{run}"
            );
            run.never_says("panicked");
        }
        world.zrun([&file]).code(125).never_says("panicked");
    }
    world.zrun(["missing.zero"]).code(127);
    world.zrun(["--no-such-flag"]).code(2);
    world.zero(["frobnicate"]).code(2);
}

#[test]
fn json_errors_have_one_shape() {
    let world = World::new();
    world.make_key("home");
    let file = world.write("text.zero", "hello");
    let run = world
        .zero(["verify".as_ref(), "--json".as_ref(), file.as_os_str()])
        .code(125);
    let value: serde_json::Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run}"));
    assert_eq!(value["ok"], false);
    assert!(
        value["error"]["code"].is_string() && value["error"]["message"].is_string(),
        "{value}"
    );
}

/// Runs `cargo zero …` with a tmpfs of so many KiB at `disk` in the test's folder; afterwards says how many files are
/// on it. `None` where unprivileged mounts are not allowed.
fn on_small_disk(
    world: &World,
    kib: u32,
    read_only: bool,
    args: &[&std::ffi::OsStr],
) -> Option<Run> {
    fs::create_dir_all(world.path("disk")).expect("it is ours");
    let possible = Command::new("unshare")
        .args(["-rm", "true"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !possible {
        note("LEFT OUT: unshare may not make a mount namespace here");
        return None;
    }
    let mut command = world.command_as("home", "cargo-zero");
    let access = if read_only { "ro" } else { "rw" };
    let script = format!(
        "mount -t tmpfs -o size={kib}k,{access} none disk || exit 99\n\"$@\"\ncode=$?\n\
         echo \"files on the disk: $(find disk -type f | wc -l)\"\nexit $code"
    );
    let mut shell = Command::new("unshare");
    shell.args(["-rm", "sh", "-c", &script, "sh"]);
    Some(Run::of(world.instead(command.args(args), &mut shell)))
}
