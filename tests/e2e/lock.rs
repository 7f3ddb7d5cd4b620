//! Zero.lock: what a project runs, here and on another machine; and releases that are too young.

use std::fs;
use std::path::PathBuf;

use crate::harness::{Registry, Run, World};
use crate::packages::prints;

/// A publisher's home, a registry with `say` 1.0.0, and a project.
struct Project {
    world: World,
    registry: Registry,
}

impl Project {
    fn new() -> Self {
        let world = World::new();
        world.make_key("home");
        let registry = world.init_registry("registry");
        world.write(
            "project/Zero.toml",
            "[package]\nname = \"project\"\nversion = \"0.1.0\"\n",
        );
        fs::create_dir(world.path("project/src")).expect("the folder is ours");
        let new = Self { world, registry };
        new.release("1.0.0");
        new
    }

    fn release(&self, version: &str) {
        let wat = prints(&format!("say {version}\n"));
        self.world.package("say", version, &wat, "");
        self.world
            .publish("home", &format!("say-{version}"), "demo")
            .code(0);
    }

    /// Runs a command somewhere within the project.
    fn inside(&self, home: &str, program: &str, words: &[&str]) -> Run {
        let mut command = self.world.command_as(home, program);
        Run::of(
            command
                .current_dir(self.world.path("project/src"))
                .args(words),
        )
    }

    fn run(&self, words: &[&str]) -> Run {
        self.inside("home", "cargo-zero", words)
    }

    /// Runs `say@1` with either program.
    fn say(&self, program: &str) -> Run {
        let words: &[&str] = match program {
            "zrun" => &["say@1"],
            _ => &["run", "say@1"],
        };
        self.inside("home", program, words)
    }

    fn path(&self) -> PathBuf {
        self.world.path("project/Zero.lock")
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.path()).expect("a run wrote it")
    }

    fn change(&self, from: &str, to: &str) {
        let lock = self.lock();
        assert!(lock.contains(from), "{lock}");
        fs::write(self.path(), lock.replace(from, to)).expect("it is ours");
    }
}

#[test]
fn a_project_runs_what_it_ran_before_until_it_says_update() {
    let project = Project::new();
    project
        .run(&["run", "--locked", "say@1"])
        .code(127)
        .says("is not in")
        .says("Zero.lock")
        .says("cargo zero run say@1");
    assert!(!project.path().exists(), "--locked writes nothing");
    project.run(&["run", "say@1"]).code(0).says("say 1.0.0");
    let first = project.lock();
    for line in [
        "version = 1\n",
        "request = \"say@1\"",
        "registry = \"registry.example/e2e\"",
        "version = \"1.0.0\"",
        "digest = \"",
        "log = ",
    ] {
        assert!(first.contains(line), "{line} in {first}");
    }
    project.release("1.1.0");
    for program in ["cargo-zero", "zrun", "zrun"] {
        project.say(program).code(0).says("say 1.0.0");
    }
    assert_eq!(project.lock(), first);
    // Outside of the project nothing is locked.
    project
        .world
        .zero(["run", "say@1"])
        .code(0)
        .says("say 1.1.0");
    project
        .inside("home", "zrun", &["say@1"])
        .code(0)
        .says("say 1.0.0");
    project
        .run(&["run", "--update", "say@1"])
        .code(0)
        .says("say 1.1.0");
    project
        .inside("home", "zrun", &["say@1"])
        .code(0)
        .says("say 1.1.0");
    assert!(project.lock().contains("version = \"1.1.0\""));
    project.release("1.2.0");
    project.run(&["update"]).code(0).says("1.1.0 → 1.2.0");
    project
        .run(&["run", "--locked", "say@1"])
        .code(0)
        .says("say 1.2.0");
}

#[test]
fn another_machine_runs_the_same_and_hears_of_what_differs() {
    let project = Project::new();
    project.run(&["run", "say@1"]).code(0);
    project.release("1.1.0");
    project
        .world
        .reader("other", &["registry"], &project.registry.root_key);
    let there = |words: &[&str]| project.inside("other", "cargo-zero", words);
    there(&["run", "--locked", "say@1"])
        .code(0)
        .says("say 1.0.0");

    let good = project.lock();
    let digest = good
        .split("digest = \"")
        .nth(1)
        .and_then(|rest| rest.get(..64))
        .expect("an entry has one")
        .to_owned();
    project.change(&digest, &"0".repeat(64));
    there(&["run", "say@1"])
        .code(125)
        .says("is not what was locked");
    // `update` looks for newer versions; it takes no other file for the version that is locked.
    project
        .world
        .zero(["yank", "say@1.1.0", "--registry", "demo"])
        .code(0);
    there(&["update"]).code(125).says("is not what was locked");
    assert!(project.lock().contains(&"0".repeat(64)));
    fs::write(project.path(), &good).expect("it is ours");
    project.change("log = ", "log = 9");
    there(&["run", "--update", "say"]).code(0);
    fs::remove_dir_all(project.world.path("other/cache/resolutions")).expect("a cache");
    there(&["run", "say@1"]).code(125).says("entries");
    there(&["update"]).code(125).says("entries");
    // What the hint says is the way out of it.
    there(&["run", "--update", "say@1"]).code(0);
    there(&["run", "say@1"]).code(0);
    fs::write(project.path(), &good).expect("it is ours");

    // Withdrawn versions go on where they are locked; revoked ones nowhere.
    let withdraw = |word: &str, more: &[&str]| {
        let mut words = vec![word, "say@1.0.0", "--registry", "demo"];
        words.extend(more);
        project.world.zero(words).code(0);
        let _ = fs::remove_dir_all(project.world.path("other/cache"));
    };
    withdraw("yank", &[]);
    there(&["run", "say@1"])
        .code(0)
        .says("say 1.0.0")
        .says("withdrawn");
    withdraw("revoke", &["--reason", "broken"]);
    there(&["run", "say@1"]).code(125).says("revoked");
}

#[test]
fn a_lock_file_that_is_none_stops_the_run_and_says_where() {
    let project = Project::new();
    project.run(&["run", "say@1"]).code(0);
    let lock = project.lock();
    fs::write(project.path(), format!("{lock}\n<<<<<<< ours\n")).expect("it is ours");
    for program in ["cargo-zero", "zrun"] {
        project
            .say(program)
            .code(1)
            .says("Zero.lock:")
            .says("version control");
    }
}

#[test]
fn runs_at_once_are_all_locked() {
    let project = Project::new();
    let words: Vec<String> = (0..4).map(|minor| format!("say@>=0.{minor}")).collect();
    std::thread::scope(|scope| {
        for word in &words {
            scope.spawn(|| project.run(&["run", word]).code(0));
        }
    });
    let lock = project.lock();
    for word in &words {
        assert!(lock.contains(word.as_str()), "{word} in {lock}");
    }
}

#[test]
fn what_was_published_a_moment_ago_waits_where_an_age_is_asked_for() {
    let project = Project::new();
    let world = &project.world;
    let young = |run: Run| {
        run.code(127)
            .says("too short a time ago")
            .says("--min-age 0");
    };
    young(world.zero(["run", "--min-age", "3d", "say"]));
    young(world.zrun(["--min-age", "3d", "say"]));
    young(world.zero(["install", "--min-age", "1h", "say"]));
    world.zero(["run", "--min-age", "0", "say"]).code(0);
    world
        .zero(["run", "--min-age", "soon", "say"])
        .code(2)
        .says("not an age");

    // As a setting of the registry it holds for every command, and a flag goes before it.
    let root = &project.registry.root_key;
    let added = [
        "registry",
        "add",
        "demo",
        "registry",
        "--root-key",
        root,
        "--min-age",
        "2w",
    ];
    world.zero_as("careful", added).code(0);
    young(world.zero_as("careful", ["run", "say@1.0.0"]));
    young(project.inside("careful", "cargo-zero", &["run", "say"]));
    world
        .zero_as("careful", ["install", "--min-age", "0", "say"])
        .code(0);
    // What is installed is not taken back for its youth.
    world
        .zero_as("careful", ["update"])
        .code(0)
        .says("nothing newer");
    project.release("1.1.0");
    world
        .zero_as("careful", ["update"])
        .code(0)
        .says("nothing newer");
    world
        .zero_as("careful", ["update", "--min-age", "0"])
        .code(0)
        .says("1.0.0 → 1.1.0");
}
