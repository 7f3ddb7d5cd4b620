//! Writers of a registry: several at once, and killed between any two writes.

use std::process::{Command, Stdio};

use crate::harness::{Run, World, note};
use crate::packages::prints;
use crate::registry::copy;

/// What a file system call must be to change something that lasts.
const CALLS: [&str; 5] = [
    "fsync,fdatasync",
    "rename,renameat,renameat2",
    "link,linkat",
    "mkdir,mkdirat",
    "unlink,unlinkat",
];

#[test]
fn publishes_at_the_same_time_all_arrive() {
    let world = World::new();
    world.make_key("home");
    let registry = world.init_registry("registry");
    let names = ["one", "two", "three", "four", "five", "six"];
    let mut running = Vec::new();
    for name in names {
        world.package(name, "1.0.0", &prints(name), "");
    }
    for name in names {
        let mut command = world.publish_command("home", &format!("{name}-1.0.0"), "demo");
        running.push(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("it starts"),
        );
    }
    for child in running {
        let output = child.wait_with_output().expect("it ends");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    world.registry(["verify", "registry"]).code(0);
    world.reader("reader", &["registry"], &registry.root_key);
    for name in names {
        world.zero_as("reader", ["run", name]).code(0).says(name);
    }
}

#[test]
fn a_publish_killed_at_any_write_loses_nothing_and_the_next_one_repairs() {
    let world = World::new();
    let Some(_) = world.peer("strace") else {
        return;
    };
    world.make_key("home");
    let registry = world.init_registry("registry");
    world.package("hi", "1.0.0", &prints("hi 1.0.0\n"), "");
    world.publish("home", "hi-1.0.0", "demo").code(0);
    world.package("hi", "1.1.0", &prints("hi 1.1.0\n"), "");
    world.package("after", "1.0.0", &prints("after\n"), "");
    // Built before, so that the killed process only publishes.
    let next = world.built("hi", "1.1.0", &prints("hi 1.1.0\n"), "");
    let after = world.built("after", "1.0.0", &prints("after\n"), "");
    copy(&world, "registry", "pristine");
    world.reader("reader", &["registry"], &registry.root_key);
    let mut kills = 0;
    for calls in CALLS {
        for number in 1.. {
            std::fs::remove_dir_all(world.path("registry")).expect("it is ours");
            copy(&world, "pristine", "registry");
            let publish = world.publish_file_command("home", &next, "demo");
            let Some(ended) = killed(&world, &publish, calls, number) else {
                return;
            };
            if ended.code == Some(0) {
                break;
            }
            assert_eq!(ended.code, None, "killed, or done: {ended}");
            kills += 1;
            let moment = format!("killed at {calls} number {number}");
            // Readers never notice.
            let read = world.zero_as("reader", ["run", "--registry", "demo", "hi@1.0.0"]);
            assert_eq!(read.code, Some(0), "{moment}: {read}");
            // The next writer, whatever it writes, completes or drops what was begun …
            let other = Run::of(&mut world.publish_file_command("home", &after, "demo"));
            assert_eq!(other.code, Some(0), "{moment}: {other}");
            let sound = world.registry(["verify", "registry"]);
            assert_eq!(sound.code, Some(0), "{moment}: {sound}");
            // … and the killed publish is repeated without harm: it is there once.
            let again = Run::of(&mut world.publish_file_command("home", &next, "demo"));
            assert!(
                again.code == Some(0) || again.stderr.contains("already"),
                "{moment}: {again}"
            );
            let sound = world.registry(["verify", "registry"]);
            assert_eq!(sound.code, Some(0), "{moment}: {sound}");
        }
    }
    note(&format!("{kills} kills"));
    assert!(
        kills >= 10,
        "only {kills} kills: the publish wrote less than expected"
    );
}

/// Runs a command under strace, which kills it at the entry of the given call; `None` where that is not possible.
fn killed(world: &World, command: &Command, calls: &str, number: usize) -> Option<Run> {
    let mut strace = world.peer("strace")?;
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={calls}"));
    strace.arg("-e").arg(format!(
        "inject={calls}:error=EIO:signal=SIGKILL:when={number}"
    ));
    let run = Run::of(world.instead(command, &mut strace));
    if run.stderr.contains("PTRACE") || run.stderr.contains("Operation not permitted") {
        assert!(
            !world.host().peers_required(),
            "strace may not trace here: {run}"
        );
        note("LEFT OUT: strace may not trace here");
        return None;
    }
    Some(run)
}
