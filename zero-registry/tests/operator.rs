//! The `zero-registry` command as an operator types it.
#![cfg(feature = "server")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

struct World {
    dir: TempDir,
}

/// What a command did.
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl World {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a directory"),
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zero-registry"));
        command
            .args(args.split_whitespace())
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_remove("ZERO_KEY_PASSWORD");
        command
    }

    fn run(&self, args: &str) -> Ran {
        let Output {
            status,
            stdout,
            stderr,
        } = self.command(args).output().expect("it starts");
        Ran {
            code: status.code(),
            stdout: String::from_utf8(stdout).expect("text"),
            stderr: String::from_utf8(stderr).expect("text"),
        }
    }

    /// A registry in `packages`, its keys unencrypted beside it.
    fn made() -> Self {
        let world = Self::new();
        world
            .run("init packages --origin registry.example/a --no-password")
            .ends(0);
        world
    }
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn complains(self, words: &[&str]) -> Self {
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        assert!(self.stderr.contains("\nhint: "), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{word}: {}", self.stderr);
        }
        self
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("one object")
    }
}

#[test]
fn init_makes_keys_root_and_an_empty_registry() {
    let world = World::new();
    let ran = world
        .run("init packages --origin registry.example/a --no-password")
        .ends(0);
    let public = fs::read_to_string(world.path().join("root.pub")).unwrap();
    let public = public.lines().nth(1).unwrap();
    assert!(ran.stdout.contains(public));
    for file in [
        "root.key",
        "log.key",
        "log.pub",
        "packages/head",
        "packages/root/1.json",
    ] {
        assert!(world.path().join(file).exists(), "{file}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |file| {
            let metadata = fs::metadata(world.path().join(file)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        assert_eq!(mode("root.key"), 0o600);
        assert_eq!(mode("log.key"), 0o600);
    }
    world.run("verify packages").ends(0);
}

#[test]
fn init_answers_machines_too() {
    let world = World::new();
    let made = world
        .run("--json init packages --origin registry.example/a --no-password")
        .ends(0)
        .json();
    assert_eq!(made["ok"], true);
    assert_eq!(made["origin"], "registry.example/a");
    assert!(made["root_keys"][0].as_str().unwrap().starts_with("RW"));
    assert_eq!(made["keys_made"].as_array().unwrap().len(), 2);
    let verified = world.run("verify packages --json").ends(0).json();
    assert_eq!(verified["packages"], 0);
    assert_eq!(verified["expired"], false);
    let failed = world.run("verify nowhere --json").ends(127).json();
    assert_eq!(failed["ok"], false);
    assert_eq!(failed["error"]["code"], "not-found");
    let usage = world.run("init --json").ends(2).json();
    assert_eq!(usage["error"]["code"], "usage");
}

#[test]
fn init_never_replaces_a_registry_or_a_key() {
    let world = World::made();
    let key = fs::read(world.path().join("root.key")).unwrap();
    world
        .run("init packages --origin registry.example/b --no-password")
        .ends(1)
        .complains(&["already", "empty directory"]);
    world
        .run("init other --origin registry.example/b --no-password")
        .ends(0);
    assert_eq!(fs::read(world.path().join("root.key")).unwrap(), key);
}

#[test]
fn new_keys_are_encrypted_unless_told_otherwise() {
    let world = World::new();
    let init = "init packages --origin registry.example/a";
    world
        .run(init)
        .ends(1)
        .complains(&["password", "ZERO_KEY_PASSWORD", "--no-password"]);
    assert!(!world.path().join("packages").exists());
    assert!(!world.path().join("root.key").exists());
}

#[test]
fn keys_stay_out_of_the_directory_that_is_served() {
    let world = World::new();
    let ran = world.run("init . --origin registry.example/a --no-password");
    ran.ends(2).complains(&["root.key", "--root-key"]);
    let ran = world.run("init packages --origin registry.example/a --root-key packages/root.key");
    ran.ends(2).complains(&["served"]);
    assert!(!world.path().join("packages").exists());
}

#[test]
fn public_root_keys_are_listed_and_do_not_sign() {
    let world = World::made();
    world
        .run("init other --origin registry.example/b --root-key root.pub --no-password")
        .ends(1)
        .complains(&["threshold"]);
    let two = "--root-key root.key --root-key log.pub --log-key log2.key";
    let made = world
        .run(&format!(
            "init other --origin registry.example/b {two} --no-password --json"
        ))
        .ends(0)
        .json();
    assert_eq!(made["root_keys"].as_array().unwrap().len(), 2);
}

/// The line that is given on pins all of them, as does that of the front page.
#[test]
fn whoever_adds_a_registry_is_told_all_root_keys() {
    let world = World::new();
    let made = world
        .run("init p --origin registry.example/c --root-key a --root-key b --threshold 2 --no-password")
        .ends(0);
    let line = made
        .stdout
        .lines()
        .find(|line| line.contains("registry add"));
    let line = line.expect("it says how").trim();
    assert_eq!(line.matches("--root-key RW").count(), 2, "{line}");
    assert!(line.ends_with("--threshold 2"), "{line}");
    world.run("site p").ends(0);
    let front = fs::read_to_string(world.path().join("p/index.html")).expect("a page");
    assert!(front.contains(line), "{line}");
}

#[test]
fn init_reads_the_policy_first_and_says_when_witnesses_are_out_of_reach() {
    let world = World::new();
    let init = "init p --origin registry.example/d --no-password --witnesses policy";
    fs::write(world.path().join("policy"), "nonsense").expect("a file");
    world.run(init).ends(1).complains(&["policy"]);
    assert!(!world.path().join("root.key").exists());
    let key = zero_format::SecretKey::generate([1; 40]).public_key();
    let vkey = zero_registry::VerifierKey::witness("w.example/1", key).expect("a name");
    let policy = format!("witness w {vkey} http://127.0.0.1:1/\nquorum w\n");
    fs::write(world.path().join("policy"), policy).expect("a file");
    world.run(init).ends(69).complains(&["w.example/1"]);
}

#[test]
fn refresh_signs_the_head_again() {
    let world = World::made();
    let before = fs::read(world.path().join("packages/head")).unwrap();
    world.run("refresh packages").ends(0);
    assert_ne!(
        fs::read(world.path().join("packages/head")).unwrap(),
        before
    );
    world.run("verify packages").ends(0);
    world.run("refresh packages --log-key root.key").ends(1);
    world
        .run("refresh packages --log-key missing.key")
        .ends(127)
        .complains(&["missing.key"]);
    world
        .run("refresh nowhere")
        .ends(127)
        .complains(&["zero-registry init nowhere"]);
}

#[test]
fn verify_finds_a_changed_file() {
    let world = World::made();
    let checkpoint = world.path().join("packages/checkpoint");
    fs::write(&checkpoint, b"something else").unwrap();
    world
        .run("verify packages")
        .ends(125)
        .complains(&["checkpoint"]);
}

#[test]
fn bad_arguments_are_explained() {
    let world = World::new();
    world.run("serve").ends(2);
    world.run("serve packages --listen nowhere").ends(2);
    world.run("init packages --origin Registry").ends(2);
    world.run("frobnicate").ends(2);
    let help = world.run("--help").ends(0);
    assert!(help.stdout.contains("Exit codes"));
    assert!(
        world
            .run("serve --help")
            .ends(0)
            .stdout
            .contains("Examples")
    );
    world.run("--version").ends(0);
}

#[test]
fn serve_says_where_and_names_a_port_in_use() {
    let world = World::made();
    let mut child = world
        .command("serve packages --listen 127.0.0.1:0 --json")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let line = lines.next().expect("a line").expect("text");
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let url = said["url"].as_str().unwrap();
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    world
        .run(&format!("serve packages --listen {address}"))
        .ends(1)
        .complains(&[address, "--listen"]);
    world.run("serve nowhere").ends(127).complains(&["init"]);
    #[cfg(unix)]
    {
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let last = lines.next().expect("a line").expect("text");
        assert!(last.contains("ended"), "{last}");
    }
    #[cfg(not(unix))]
    child.kill().unwrap();
}

#[test]
fn a_witness_does_not_begin_a_memory_unasked() {
    let world = World::made();
    world.run("key witness.key --no-password").ends(0);
    let start = "witness --name w.example/1 --log registry.example/a=log.pub --state seen";
    let refused = world.run(start).ends(1);
    refused.complains(&["open the witness's memory seen: there is none", "--new"]);
    assert!(!world.path().join("seen").exists());
}
