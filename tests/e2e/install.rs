//! Installed packages: launchers, what they start, and how they move to other versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Registry, Run, World};
use crate::packages::{OPENS_A_FILE, READS_THE_CLOCK, prints};

const CLOCK: &str = "[capabilities]\nclock = [\"wall\"]\n";

struct Installation {
    world: World,
    registry: Registry,
}

impl Installation {
    /// A publisher's home, a registry with `hi` 1.0.0, and a user's home that knows it.
    fn new() -> Self {
        let world = World::new();
        world.make_key("home");
        let registry = world.init_registry("registry");
        let new = Self { world, registry };
        new.release("hi", "1.0.0", &prints("hi 1.0.0\n"), "");
        new.world
            .reader("user", &["registry"], &new.registry.root_key);
        new
    }

    fn release(&self, name: &str, version: &str, wat: &str, more: &str) {
        self.world.package(name, version, wat, more);
        self.world
            .publish("home", &format!("{name}-{version}"), "demo")
            .code(0);
    }

    fn zero(&self, words: &[&str]) -> Run {
        self.world.zero_as("user", words)
    }

    fn bin(&self, name: &str) -> PathBuf {
        self.world
            .path("user/bin")
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    fn launch(&self, launcher: &Path, words: &[&str]) -> Run {
        let mut command = Command::new(launcher);
        command
            .args(words)
            .env_clear()
            .env("ZERO_HOME", self.world.path("user"));
        Run::of(&mut command)
    }

    /// Changes what the launcher `hi` stands for, as the time that goes by does.
    fn age(&self, change: impl FnOnce(&mut zrun::Resolution)) {
        let home = zrun::Home::at(self.world.path("user"));
        let secret = home.secret().expect("the home was used");
        let name = "hi".parse().expect("it is a name");
        let mut record = home.installed(&secret, &name).expect("it is installed");
        change(&mut record.resolution);
        home.keep_installed(&record).expect("the home is ours");
    }

    /// A day goes by.
    fn to_be_asked_about(&self) {
        self.age(|found| found.fresh_until = found.checked_at);
    }

    fn registry_is_gone(&self) {
        fs::rename(self.world.path("registry"), self.world.path("gone")).expect("it is ours");
    }

    fn revoke(&self, release: &str) {
        self.world
            .zero([
                "revoke",
                release,
                "--reason",
                "broken",
                "--registry",
                "demo",
            ])
            .code(0);
    }
}

#[test]
fn a_launcher_runs_the_installed_version_without_registry_and_cargo() {
    let one = Installation::new();
    one.zero(&["install", "hi"])
        .code(0)
        .says("installed hi 1.0.0")
        .says("is not on your PATH")
        .says("export PATH=");
    // Neither the registry nor cargo-zero on PATH is needed any more.
    one.registry_is_gone();
    one.launch(&one.bin("hi"), &["--help", "--", "x"])
        .code(0)
        .says("hi 1.0.0");
    one.zero(&["list"])
        .code(0)
        .says("hi 1.0.0")
        .says("registry.example/e2e");
}

#[test]
fn a_newer_release_is_listed_and_taken_only_by_update() {
    let one = Installation::new();
    one.zero(&["install", "hi@1"]).code(0);
    one.release("hi", "1.1.0", &prints("hi 1.1.0\n"), "");
    one.release("hi", "2.0.0", &prints("hi 2.0.0\n"), "");
    one.launch(&one.bin("hi"), &[]).code(0).says("hi 1.0.0");
    one.zero(&["update"]).code(0).says("1.0.0 → 1.1.0");
    one.launch(&one.bin("hi"), &[]).code(0).says("hi 1.1.0");
    one.zero(&["update"]).code(0).says("nothing newer");
    one.zero(&["list"])
        .code(0)
        .says("2.0.0, which `hi@1` leaves out");
}

#[test]
fn consent_is_given_once_at_installation_and_again_for_more() {
    let one = Installation::new();
    one.release("moment", "1.0.0", &prints("moment 1\n"), "");
    one.release("moment", "2.0.0", READS_THE_CLOCK, CLOCK);
    one.zero(&["install", "moment@>=1, <2"]).code(0);
    one.zero(&["install", "moment"])
        .code(126)
        .says("read the date and time")
        .says("cargo zero install --allow-declared moment");
    one.launch(&one.bin("moment"), &[]).code(0).says("moment 1");
    one.zero(&["install", "--allow-declared", "moment"]).code(0);
    one.launch(&one.bin("moment"), &[]).code(0);
    // Taken back, it is asked for again.
    one.zero(&["grants", "revoke", "moment"]).code(0);
    one.launch(&one.bin("moment"), &[])
        .code(126)
        .says("cargo zero install --allow-declared moment");
}

#[test]
fn an_update_that_wants_more_leaves_the_old_version_until_it_is_allowed() {
    let one = Installation::new();
    one.release("moment", "1.0.0", &prints("moment 1\n"), "");
    one.zero(&["install", "moment"]).code(0);
    one.release("moment", "2.0.0", READS_THE_CLOCK, CLOCK);
    one.release("hi", "1.1.0", &prints("hi 1.1.0\n"), "");
    one.zero(&["install", "hi@1.0", "--as", "other"]).code(0);
    one.zero(&["update"])
        .code(126)
        .says("+ may read the date and time");
    one.launch(&one.bin("moment"), &[]).code(0).says("moment 1");
    one.zero(&["update", "moment", "--allow-declared"])
        .code(0)
        .says("1.0.0 → 2.0.0");
    one.launch(&one.bin("moment"), &[])
        .code(0)
        .never_says("moment 1");
}

#[test]
fn an_update_keeps_the_folders_that_stand_where_the_new_version_declares_the_same() {
    let one = Installation::new();
    one.world.write("mine/x", "");
    let reads = "[capabilities]\nfs = [{ guest = \"/data\", access = \"read\" }]\n";
    one.release("opens", "1.0.0", OPENS_A_FILE, reads);
    let words = ["--allow-declared", "--allow-fs", "mine:ro=/data"];
    one.zero(&[&["install", "opens"], words.as_slice()].concat())
        .code(0);
    one.launch(&one.bin("opens"), &[]).code(0);
    one.release(
        "opens",
        "2.0.0",
        OPENS_A_FILE,
        &format!("{reads}random = true\n"),
    );
    one.zero(&["update"]).code(126);
    one.zero(&["update", "--allow-declared"])
        .code(0)
        .says("1.0.0 → 2.0.0");
    one.launch(&one.bin("opens"), &[]).code(0);
    // Where it may do more it has to be told anew which folder that is.
    one.release(
        "opens",
        "3.0.0",
        OPENS_A_FILE,
        &reads.replace("\"read\"", "\"read-write\""),
    );
    one.zero(&["update", "--allow-declared"])
        .code(126)
        .says("/data");
}

#[test]
fn a_revoked_version_does_not_start_once_the_registry_was_asked() {
    let one = Installation::new();
    one.zero(&["install", "hi"]).code(0);
    one.revoke("hi@1.0.0");
    one.to_be_asked_about();
    let refused = |run: Run| {
        run.code(125).says("revoked").never_says("hi 1.0.0\n");
    };
    refused(one.launch(&one.bin("hi"), &[]));
    refused(one.launch(&one.bin("hi"), &[]));
    // Whoever keeps the registry away does not make it start again.
    one.registry_is_gone();
    refused(one.launch(&one.bin("hi"), &[]));
}

#[test]
fn an_update_that_hears_of_a_revocation_stops_the_launcher() {
    let one = Installation::new();
    one.zero(&["install", "hi"]).code(0);
    one.revoke("hi@1.0.0");
    one.zero(&["update"]).code(125).says("revoked");
    one.launch(&one.bin("hi"), &[]).code(125).says("revoked");
}

#[test]
fn a_version_that_still_stands_starts_and_is_not_asked_about_again() {
    let one = Installation::new();
    one.zero(&["install", "hi"]).code(0);
    one.to_be_asked_about();
    one.launch(&one.bin("hi"), &[]).code(0).says("hi 1.0.0");
    one.registry_is_gone();
    let run = one.launch(&one.bin("hi"), &[]).code(0).says("hi 1.0.0");
    assert_eq!(run.stderr, "", "{run}");
}

#[test]
fn without_its_registry_a_program_starts_until_the_signed_head_expires() {
    let one = Installation::new();
    one.zero(&["install", "hi"]).code(0);
    one.to_be_asked_about();
    one.registry_is_gone();
    one.launch(&one.bin("hi"), &[])
        .code(0)
        .says("hi 1.0.0")
        .says("nobody could be asked whether hi 1.0.0 still stands");
    one.age(|found| found.head_expires = found.checked_at);
    one.launch(&one.bin("hi"), &[])
        .code(69)
        .says("said last holds no longer")
        .says("hint: start it again once the registry can be reached")
        .never_says("hi 1.0.0\n");
    fs::rename(one.world.path("gone"), one.world.path("registry")).expect("it is ours");
    one.launch(&one.bin("hi"), &[]).code(0).says("hi 1.0.0");
}

#[test]
fn a_folder_is_granted_once_at_installation() {
    let one = Installation::new();
    let manifest = "[capabilities]\nfs = [{ guest = \"/data\", access = \"read\" }]\n";
    one.release("peek", "1.0.0", OPENS_A_FILE, manifest);
    one.zero(&["install", "peek", "--as", "look"])
        .code(126)
        .says("cargo zero install --allow-fs data:ro=/data peek --as look");
    one.zero(&["install", "peek", "--allow-fs", "data:ro=/data"])
        .code(127)
        .says("cannot grant data");
    one.world.write("data/x", "content");
    one.zero(&["install", "peek", "--allow-fs", "data:ro=/data"])
        .code(0);
    // From any folder: what was granted is where it was.
    one.launch(&one.bin("peek"), &[]).code(0);
    fs::remove_file(one.world.path("data/x")).expect("it was written");
    one.launch(&one.bin("peek"), &[]).code(44);
}

#[test]
fn another_package_or_a_foreign_file_keeps_its_name() {
    let one = Installation::new();
    one.release("acme/hi", "1.0.0", &prints("acme\n"), "");
    one.zero(&["install", "hi"]).code(0);
    one.zero(&["install", "acme/hi"])
        .code(1)
        .says("`hi` is the launcher of hi")
        .says("--as NAME");
    one.zero(&["install", "acme/hi", "--as", "acme-hi"]).code(0);
    one.launch(&one.bin("acme-hi"), &[]).code(0).says("acme");
    fs::write(one.bin("mine"), "precious").expect("the folder is ours");
    one.zero(&["install", "hi", "--as", "mine"])
        .code(1)
        .says("exists and is not ours");
    assert_eq!(
        fs::read(one.bin("mine")).expect("it was not touched"),
        b"precious"
    );
    one.zero(&["install", "hi", "--as", "zrun"])
        .code(2)
        .says("Zero's own programs");
}

#[cfg(unix)]
#[test]
fn a_package_does_not_take_the_place_of_a_program_unasked() {
    let one = Installation::new();
    one.release("ls", "1.0.0", &prints("not ls\n"), "");
    one.zero(&["install", "ls"])
        .code(1)
        .says("`ls` is already the program");
    one.zero(&["install", "ls", "--as", "ls"]).code(0);
    one.launch(&one.bin("ls"), &[]).code(0).says("not ls");
}

#[test]
fn installing_again_is_the_same_and_may_move_the_launcher() {
    let one = Installation::new();
    one.zero(&["install", "hi"]).code(0);
    one.zero(&["install", "hi"]).code(0);
    let root = one.world.path("root");
    let root = root.to_str().expect("temporary paths are UTF-8");
    one.zero(&["install", "hi", "--root", root]).code(0);
    assert!(!one.bin("hi").exists(), "the old launcher is gone");
    one.launch(&one.world.path("root/bin/hi"), &[])
        .code(0)
        .says("hi 1.0.0");
    one.zero(&["uninstall", "hi"]).code(0).says("removed hi");
    assert!(!one.world.path("root/bin/hi").exists());
    one.zero(&["uninstall", "hi"]).code(127);
    one.zero(&["list"]).code(0).says("nothing is installed");
}

#[test]
fn what_an_interruption_leaves_counts_as_not_installed() {
    let one = Installation::new();
    one.zero(&["install", "hi"]).code(0);
    // As a kill between the record and the launcher leaves it.
    fs::remove_file(one.bin("hi")).expect("it was installed");
    one.zero(&["list"]).code(0).says("nothing is installed");
    one.zero(&["update", "hi"]).code(127);
    one.zero(&["install", "hi"]).code(0);
    one.launch(&one.bin("hi"), &[]).code(0).says("hi 1.0.0");
}

#[test]
fn a_cleaned_cache_is_filled_again_by_the_launcher() {
    let one = Installation::new();
    one.zero(&["install", "hi"]).code(0);
    one.zero(&["cache", "clean"]).code(0);
    one.launch(&one.bin("hi"), &[]).code(0).says("hi 1.0.0");
}
