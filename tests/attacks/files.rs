//! Out of a granted folder: traversal, links, `/proc`, descriptors, and a host that moves things meanwhile.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{DATA, SHAPES, Victim, nothing_escaped, program};

#[test]
fn a_rust_program_reaches_nothing_outside_by_any_path_link_or_descriptor() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "escape.rs", shape, DATA) else {
            return;
        };
        let run = victim.run(&artifact, [victim.world.path("secret")]).code(0);
        nothing_escaped(&run);
        victim.is_unharmed();
        let held = run.stdout.matches("held ").count();
        assert!(held > 300, "{shape:?}: only {held} attempts: {run}");
        assert!(run.stdout.ends_with("done\n"), "{shape:?}: {run}");
        // Inside it could do as it liked.
        assert!(victim.world.path("data/sub/file.txt").exists());
    }
}

#[test]
fn a_c_program_reaches_nothing_outside_by_the_at_calls_and_moved_folders() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "escape.c", shape, DATA) else {
            return;
        };
        let run = victim.run(&artifact, [victim.world.path("secret")]).code(0);
        nothing_escaped(&run);
        victim.is_unharmed();
        assert!(
            run.stdout.matches("held ").count() > 500 && run.stdout.ends_with("done\n"),
            "{shape:?}: {run}"
        );
    }
}

#[test]
fn a_read_only_grant_keeps_every_byte_and_name_of_its_folder() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "escape.rs", shape, DATA) else {
            return;
        };
        let before = victim.world.files("data");
        let mut command = victim.world.command_as("home", "zrun");
        command
            .arg("--allow-fs")
            .arg(format!("{}:ro=/data", victim.world.path("data").display()));
        let run = crate::harness::Run::of(command.arg(&artifact).arg(victim.world.path("secret")));
        nothing_escaped(&run);
        victim.is_unharmed();
        assert_eq!(victim.world.files("data"), before, "{shape:?}");
        let kept = fs::read_to_string(victim.world.path("data/own.txt")).expect("it is there");
        assert_eq!(kept, "harmless");
    }
}

/// While the program opens `flip/key.txt`, `flip` is now a folder of its own, now a link to the secret one: whoever
/// judges a path before it is opened is fooled sooner or later.
#[test]
fn a_link_that_takes_a_folders_place_between_check_and_use_leads_nowhere() {
    for shape in SHAPES {
        let victim = Victim::new();
        let Some(artifact) = program(&victim.world, "race.rs", shape, DATA) else {
            return;
        };
        let data = victim.world.path("data");
        victim.world.write("data/flip/key.txt", "harmless");
        symlink("../secret", data.join("other")).expect("the folder is ours");
        let over = AtomicBool::new(false);
        let run = std::thread::scope(|scope| {
            let swapper = scope.spawn(|| swap_until(&data, &over));
            let run = victim.run(&artifact, ["4000"]);
            over.store(true, Ordering::Relaxed);
            let swaps = swapper.join().expect("it only renames");
            assert!(swaps > 100, "only {swaps} swaps");
            run
        });
        let run = run.code(0);
        nothing_escaped(&run);
        victim.is_unharmed();
        // Both states were met, so the race was run.
        let counts: Vec<u32> = run
            .stdout
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        assert!(counts[0] > 0 && counts[1] > 0, "{shape:?}: {run}");
    }
}

/// Swaps `flip` and `other` by renames, and counts how often.
pub(super) fn swap_until(data: &Path, over: &AtomicBool) -> u32 {
    let (flip, other, spare) = (data.join("flip"), data.join("other"), data.join("spare"));
    let mut swaps = 0;
    while !over.load(Ordering::Relaxed) {
        for (from, to) in [(&flip, &spare), (&other, &flip), (&spare, &other)] {
            fs::rename(from, to).expect("nobody else renames these");
        }
        swaps += 1;
    }
    swaps
}

#[test]
fn an_argument_grants_its_file_and_not_what_replaces_it_or_lies_beside_it() {
    for shape in SHAPES {
        let victim = Victim::new();
        let declared = "[capabilities]\nfs = [{ from = \"args\", access = \"read\" }]\n";
        let Some(artifact) = program(&victim.world, "snoop.rs", shape, declared) else {
            return;
        };
        let run = victim
            .world
            .zrun([artifact.as_os_str(), "data/own.txt".as_ref()])
            .code(0);
        nothing_escaped(&run);
        for beside in ["sub", "file-link", "secret", "home"] {
            assert!(
                !run.stdout.contains(beside),
                "{shape:?}: {beside} is seen: {run}"
            );
        }
    }
}

#[test]
fn neither_variables_nor_folders_nor_errors_tell_about_the_user() {
    for shape in SHAPES {
        let victim = Victim::new();
        let declared = format!("{DATA}env = [\"LANG\", \"SNOOPED\"]\n");
        let Some(artifact) = program(&victim.world, "snoop.rs", shape, &declared) else {
            return;
        };
        let mut command = victim.world.command_as("home", "zrun");
        command
            .args(["--allow-env", "LANG=C", "--deny-env=SNOOPED", "--allow-fs"])
            .arg(format!("{}:ro=/data", victim.world.path("data").display()))
            .arg(&artifact)
            .args(["--flag", "word"])
            .env("SNOOPED", "TOP-SECRET of the environment")
            .env("ZERO_KEY_PASSWORD", "TOP-SECRET password");
        let run = crate::harness::Run::of(&mut command).code(0);
        nothing_escaped(&run);
        let variables: Vec<&str> = run
            .stdout
            .lines()
            .filter(|line| line.starts_with("variable"))
            .collect();
        assert_eq!(variables, ["variable \"LANG\"=\"C\""], "{shape:?}");
        assert!(
            run.stdout
                .contains("argument \"--flag\"\nargument \"word\"\n")
        );
        // Not even as part of a message: the program's own name, its folder, its errors.
        let here = victim.world.path("");
        let here = here.to_str().expect("it is UTF-8");
        assert!(!run.stdout.contains(here), "{shape:?}: {run}");
    }
}
