//! The attacks are real: each program that is held elsewhere gets through where the rights are there, or the limit is
//! higher. A test of a defence that the attack never reaches would pass without the defence as well.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::files::swap_until;
use super::sockets::{Greeter, talker, with_hosts, zrun};
use super::{DATA, SECRET, SHAPES, Shape, Victim, program, world};
use crate::harness::{Run, World};

/// A folder like that of [`Victim`], but what its links lead to lies inside of what is granted.
fn open_house(world: &World) -> PathBuf {
    world.write("open/secret/key.txt", SECRET);
    world.write("open/secret/only-outside", "");
    world.write("open/own.txt", "harmless");
    world.write("open/sub/file.txt", "harmless");
    let open = world.path("open");
    for (name, target) in [
        ("link", "secret"),
        ("file-link", "secret/key.txt"),
        ("chain", "link"),
    ] {
        symlink(target, open.join(name)).expect("the folder is ours");
    }
    open
}

fn granted(world: &World, folder: &Path, artifact: &Path, args: &[&str]) -> Run {
    let mut command = world.command_as("home", "zrun");
    command
        .arg("--allow-fs")
        .arg(format!("{}:rw=/data", folder.display()))
        .arg(artifact);
    Run::of(command.args(args))
}

#[test]
fn the_program_that_follows_links_reads_and_changes_what_they_lead_to() {
    for shape in SHAPES {
        let world = world();
        let Some(artifact) = program(&world, "escape.rs", shape, DATA) else {
            return;
        };
        let open = open_house(&world);
        let run = granted(&world, &open, &artifact, &["nowhere"]);
        for did in [
            "ESCAPED read /data/link/key.txt",
            "ESCAPED read /data/file-link",
            "ESCAPED read /data/chain/key.txt",
            "ESCAPED path_open link",
            "ESCAPED create in /data/link",
        ] {
            assert!(run.stdout.contains(did), "{shape:?}: not {did}: {run}");
        }
        let kept = fs::read_to_string(open.join("secret/key.txt")).unwrap_or_default();
        assert_ne!(kept, SECRET, "{shape:?}: it was to be truncated or removed");
    }
}

#[test]
fn the_program_that_races_wins_where_the_link_leads_to_what_is_granted() {
    for shape in SHAPES {
        let world = world();
        let Some(artifact) = program(&world, "race.rs", shape, DATA) else {
            return;
        };
        let open = open_house(&world);
        world.write("open/flip/key.txt", "harmless");
        symlink("secret", open.join("other")).expect("the folder is ours");
        let over = AtomicBool::new(false);
        let run = std::thread::scope(|scope| {
            scope.spawn(|| swap_until(&open, &over));
            let run = granted(&world, &open, &artifact, &["4000"]);
            over.store(true, Ordering::Relaxed);
            run
        });
        for did in ["ESCAPED read in round", "ESCAPED listing in round"] {
            assert!(run.stdout.contains(did), "{shape:?}: not {did}: {run}");
        }
    }
}

#[test]
fn the_program_that_snoops_tells_what_it_is_given() {
    for shape in SHAPES {
        let victim = Victim::new();
        let declared = format!("{DATA}env = [\"SNOOPED\", \"ZERO_KEY_PASSWORD\"]\n");
        let Some(artifact) = program(&victim.world, "snoop.rs", shape, &declared) else {
            return;
        };
        let mut command = victim.world.command_as("home", "zrun");
        command
            .args(["--allow-env", "SNOOPED", "--allow-env", "ZERO_KEY_PASSWORD"])
            .arg("--deny-fs")
            .arg(&artifact)
            .env("SNOOPED", "TOP-SECRET of the environment")
            .env("ZERO_KEY_PASSWORD", "TOP-SECRET password");
        Run::of(&mut command)
            .code(0)
            .says("TOP-SECRET of the environment")
            .says("TOP-SECRET password");
    }
}

/// What is used up, the flag of its limit, a limit and a higher one, and where to look: more than the first must come.
#[test]
fn a_flood_goes_on_where_the_limit_is_higher() {
    let run = |what: &str, flag: &str, limit: &str| {
        let victim = Victim::new();
        let artifact = program(&victim.world, "flood.rs", Shape::Module, DATA)?;
        let mut command = victim.world.command_as("home", "zrun");
        command.args([flag, limit]);
        let rest = victim.command(&artifact);
        let run = Run::of(command.args(rest.get_args()).arg(what)).code(124);
        let kept: u64 = victim
            .world
            .files("data")
            .iter()
            .filter_map(|file| fs::symlink_metadata(file).ok())
            .filter(fs::Metadata::is_file)
            .map(|found| found.len())
            .sum();
        Some((run, kept))
    };
    for what in ["stdout", "stderr"] {
        let said = |limit| run(what, "--limit-output", limit);
        let (Some((low, _)), Some((high, _))) = (said("1MiB"), said("4MiB")) else {
            return;
        };
        let bytes = |run: &Run| run.stdout.len().max(run.stderr.len());
        assert!(bytes(&low) <= (1 << 20) + 4096, "{what}");
        assert!(bytes(&high) > 3 << 20, "{what}");
    }
    for what in ["file", "files"] {
        let wrote = |limit| run(what, "--limit-write", limit).map_or(0, |(_, kept)| kept);
        assert!(wrote("1MiB") <= (1 << 20) + 4096, "{what}");
        assert!(wrote("4MiB") > 3 << 20, "{what}");
    }
}

#[test]
fn a_name_that_leads_to_this_machine_is_followed_where_the_address_is_granted_too() {
    let world = world();
    let server = Greeter::start();
    let Some(artifact) = talker(&world, &["rebind.example", "127.0.0.1"]) else {
        return;
    };
    let port = server.port();
    let flags = ["--allow-declared", "--allow-net", "127.0.0.1"];
    zrun(&world, &flags, &artifact, ["connect", "127.0.0.1", &port])
        .code(0)
        .says("connected hello");
    assert_eq!(server.met(), 1);
    world.write("hosts", "127.0.0.1 rebind.example\n");
    let mut command = world.command_as("home", "zrun");
    command.args(flags).arg(&artifact);
    command.args(["name", "rebind.example", &port]);
    let Some(run) = with_hosts(&world, &command) else {
        return;
    };
    run.code(0).says("connected hello");
    assert_eq!(server.met(), 1);
}
