//! Readers of a registry: what they choose, what they refuse, and what they ask a server for.

use std::fs;

use xtask::Nginx;

use crate::harness::{Run, World};
use crate::packages::prints;

/// A registry with the package `hi` in these versions; each prints its own.
fn published(versions: &[&str]) -> (World, String) {
    let world = World::new();
    world.make_key("home");
    let registry = world.init_registry("registry");
    for version in versions {
        release(&world, version);
    }
    (world, registry.root_key)
}

fn release(world: &World, version: &str) {
    world.package("hi", version, &prints(&format!("hi {version}\n")), "");
    world
        .publish("home", &format!("hi-{version}"), "demo")
        .code(0);
}

#[test]
fn versions_resolve_as_written() {
    let (world, root) = published(&["1.2.0", "1.2.3", "1.3.0", "2.0.0-rc.1"]);
    world.reader("reader", &["registry"], &root);
    for (asked, said) in [
        ("hi@1.2", "hi 1.2.3"),
        ("hi@1.2.0", "hi 1.2.0"),
        ("hi@1", "hi 1.3.0"),
        ("hi", "hi 1.3.0"),
        ("hi@=1.2.3", "hi 1.2.3"),
        ("hi@2.0.0-rc.1", "hi 2.0.0-rc.1"),
    ] {
        world.zero_as("reader", ["run", asked]).code(0).says(said);
    }
    world
        .zero_as("reader", ["run", "hi@3"])
        .code(127)
        .says("hint:");
    world
        .zero_as("reader", ["run", "hello"])
        .code(127)
        .says("hint:");
}

#[test]
fn a_yanked_version_is_not_chosen_anew_but_runs_where_it_is_remembered() {
    let (world, root) = published(&["1.2.0", "1.2.3"]);
    world.reader("early", &["registry"], &root);
    world
        .zero_as("early", ["run", "hi@1.2"])
        .code(0)
        .says("hi 1.2.3");
    world
        .zero([
            "yank",
            "hi@1.2.3",
            "--registry",
            "demo",
            "--reason",
            "broken",
        ])
        .code(0);
    world.reader("late", &["registry"], &root);
    world
        .zero_as("late", ["run", "hi@1.2"])
        .code(0)
        .says("hi 1.2.0");
    world
        .zero_as("early", ["run", "--locked", "hi@1.2"])
        .code(0)
        .says("hi 1.2.3");
    world
        .zero(["unyank", "hi@1.2.3", "--registry", "demo"])
        .code(0);
    world.reader("later", &["registry"], &root);
    world
        .zero_as("later", ["run", "hi@1.2"])
        .code(0)
        .says("hi 1.2.3");
}

#[test]
fn a_revoked_version_never_runs() {
    let (world, root) = published(&["1.2.0", "1.2.3"]);
    world.reader("reader", &["registry"], &root);
    world.zero_as("reader", ["run", "hi@1.2.3"]).code(0);
    world
        .zero([
            "revoke",
            "hi@1.2.3",
            "--registry",
            "demo",
            "--reason",
            "harmful",
        ])
        .code(0);
    world
        .zero_as("reader", ["run", "--update", "hi@1.2.3"])
        .code(125)
        .says("revoked");
    world
        .zero_as("reader", ["run", "--update", "hi@1.2"])
        .code(0)
        .says("hi 1.2.0");
}

#[test]
fn an_older_mirror_is_skipped_and_never_obeyed() {
    let (world, root) = published(&["1.0.0"]);
    copy(&world, "registry", "old");
    release(&world, "1.1.0");
    copy(&world, "registry", "first");
    copy(&world, "registry", "second");
    world.reader("reader", &["first", "second"], &root);
    world
        .zero_as("reader", ["run", "hi"])
        .code(0)
        .says("hi 1.1.0");
    let falls_back = |mirror: &str| {
        fs::remove_dir_all(world.path(mirror)).expect("it is ours");
        copy(&world, "old", mirror);
    };
    falls_back("first");
    world
        .zero_as("reader", ["run", "--update", "hi"])
        .code(0)
        .says("hi 1.1.0");
    // Now only the older state is left: refused, though everything in it is signed and unexpired.
    falls_back("second");
    world
        .zero_as("reader", ["run", "--update", "hi"])
        .code(125)
        .never_says("hi 1.0.0\n");
}

#[test]
fn one_changed_byte_anywhere_on_the_path_is_refused() {
    let (world, root) = published(&["1.0.0"]);
    for kind in ["head", "map", "pkg", "blob", "root"] {
        let mirror = format!("mirror-{kind}");
        copy(&world, "registry", &mirror);
        flip(&world, &mirror, kind);
        let reader = format!("reader-{kind}");
        let added = world.add_registry(&reader, &[&mirror], &root);
        if added.code == Some(0) {
            world
                .zero_as(&reader, ["run", "hi"])
                .code(125)
                .never_says("hi 1.0.0");
        } else {
            added.code(125);
        }
    }
}

/// Flips a bit in the middle of each file of this kind.
fn flip(world: &World, registry: &str, kind: &str) {
    let base = world.path(registry);
    let mut flipped = 0;
    for path in world.files(registry) {
        let below = path.strip_prefix(&base).expect("it lies below");
        if below.starts_with(kind) && path.extension().is_none_or(|e| e != "minisig") {
            let mut bytes = fs::read(&path).expect("it is there");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).expect("it is ours");
            flipped += 1;
        }
    }
    assert!(flipped > 0, "the registry has no {kind}");
}

#[test]
fn another_root_key_is_refused() {
    let (world, _) = published(&["1.0.0"]);
    let stranger = world.make_key("stranger");
    let added = world.add_registry("reader", &["registry"], &stranger);
    if added.code == Some(0) {
        world.zero_as("reader", ["run", "hi"]).code(125);
    } else {
        added.code(125);
    }
}

#[test]
fn an_unreachable_registry_has_its_own_code_and_offline_uses_what_is_there() {
    let (world, root) = published(&["1.0.0"]);
    let Some(_) = world.peer("nginx") else { return };
    let nginx = Nginx::start(world.host(), &world.path("registry"), &world.path("nginx"))
        .expect("nginx starts");
    world.reader("reader", &[&nginx.url()], &root);
    world
        .zero_as("reader", ["run", "hi@1.0"])
        .code(0)
        .says("hi 1.0.0");
    drop(nginx);
    world
        .zero_as("reader", ["run", "--offline", "hi@1.0"])
        .code(0)
        .says("hi 1.0.0");
    world
        .zero_as("reader", ["run", "--update", "hi@1.0"])
        .code(69)
        .says("hint:");
    world
        .zero_as("reader", ["run", "--offline", "other"])
        .code(127)
        .says("hint:");
}

#[test]
fn nginx_serves_a_first_run_in_few_requests_and_a_second_one_in_none() {
    let (world, root) = published(&["1.0.0", "1.2.0", "1.2.3"]);
    let Some(_) = world.peer("nginx") else { return };
    let nginx = Nginx::start(world.host(), &world.path("registry"), &world.path("nginx"))
        .expect("nginx starts");
    world.reader("reader", &[&nginx.url()], &root);
    let log = world.path("nginx/access.log");
    let requests = || {
        fs::read_to_string(&log)
            .expect("nginx keeps a log")
            .lines()
            .count()
    };
    let before = requests();
    world
        .zero_as("reader", ["run", "hi@1.2"])
        .code(0)
        .says("hi 1.2.3");
    let first = requests() - before;
    assert!(
        first <= 8,
        "{first} requests:\n{}",
        fs::read_to_string(&log).expect("it was just read")
    );
    world
        .zero_as("reader", ["run", "hi@1.2"])
        .code(0)
        .says("hi 1.2.3");
    Run::of(world.command_as("reader", "zrun").arg("hi@1.2"))
        .code(0)
        .says("hi 1.2.3");
    assert_eq!(
        requests() - before,
        first,
        "a warm run asks the server for nothing"
    );
    world
        .zero_as("reader", ["run", "--update", "hi@1.2"])
        .code(0)
        .says("hi 1.2.3");
    assert!(
        requests() - before <= first + 1,
        "one conditional request tells that nothing is new"
    );
}

#[test]
fn verify_finds_changed_bytes_and_an_intact_registry_sound() {
    let (world, _) = published(&["1.0.0"]);
    world.registry(["verify", "registry"]).code(0);
    for kind in ["head", "map", "pkg", "blob", "root", "tile", "checkpoint"] {
        let damaged = format!("damaged-{kind}");
        copy(&world, "registry", &damaged);
        flip(&world, &damaged, kind);
        let run = world.registry(["verify", &damaged]);
        assert!(matches!(run.code, Some(1 | 125)), "{kind}: {run}");
    }
}

pub(crate) fn copy(world: &World, from: &str, to: &str) {
    let base = world.path(from);
    for file in world.files(from) {
        let relative = file.strip_prefix(&base).expect("it lies below");
        let into = world.path(to).join(relative);
        fs::create_dir_all(into.parent().expect("it has a folder")).expect("it is ours");
        fs::copy(&file, into).expect("it is ours");
    }
}
