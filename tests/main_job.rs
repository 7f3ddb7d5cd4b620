//! The main job in one process tree, without a network: build → sign → publish → resolve → verify → run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use zero_format::SecretKey;
use zero_registry::{ClaimPolicy, Init, Role, Root, RootFields, Timestamp, init};

/// A folder with a home, a registry and projects.
struct World {
    dir: TempDir,
}

/// What a command said.
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    #[track_caller]
    fn code(self, expected: i32) -> Self {
        assert_eq!(
            self.code, expected,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        let found = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(
            found,
            "no {text:?} in\nstdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        self
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl World {
    fn new() -> Self {
        Self {
            dir: TempDir::with_prefix("zero-main-").expect("temporary folders can be made"),
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder is ours");
        fs::write(path, text).expect("the folder is ours");
    }

    fn zero_as<S: AsRef<OsStr>>(&self, home: &str, args: impl IntoIterator<Item = S>) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zero"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("ZERO_HOME", self.path(home))
            .env("NO_COLOR", "1");
        for name in ["ZERO_KEY", "ZERO_KEY_PASSWORD", "ZERO_REGISTRY"] {
            command.env_remove(name);
        }
        let output = command.stdin(Stdio::null()).output().expect("it starts");
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn zero<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Said {
        self.zero_as("home", args)
    }

    /// A registry in `registry`, its log key in `log.key`, and its root key's public half.
    fn registry(&self) -> String {
        let (root_key, log_key) = (SecretKey::generate([1; 40]), SecretKey::generate([2; 40]));
        self.write("log.key", &log_key.to_file_text(None, [3; 32]));
        // The programs under test read the real clock, so the registry must be of now.
        let now = Timestamp::from_seconds(
            fs::metadata(self.path("log.key"))
                .and_then(|found| found.modified())
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
                .expect("files have times")
                .as_secs(),
        );
        let root = Root::new(RootFields {
            origin: "registry.example/test".parse().expect("it is an origin"),
            version: 1,
            prev: None,
            expires: now.plus(24 * 3600),
            role: Role::new(vec![root_key.public_key()], 1).expect("it is a role"),
            log: log_key.public_key(),
            head_lifetime: 3600,
            claims: ClaimPolicy::Open,
            mirrors: Vec::new(),
            witness: None,
            anchor: None,
        })
        .expect("the root holds together");
        let start = Init::signed(root, &[&root_key]).expect("the root key signs");
        init(self.path("registry"), &start, log_key, now).expect("the registry is made");
        root_key.public_key().to_base64()
    }

    /// A package that says its version.
    fn project(&self, version: &str, more: &str) -> PathBuf {
        let folder = format!("hi-{version}");
        // A text literal of WebAssembly text has the escapes of a Rust one, as far as these bytes go.
        let text = format!("hi {version}\\n");
        self.write(
            &format!("{folder}/main.wat"),
            &format!(
                r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\{length:02x}\00\00\00")
  (data (i32.const 16) "{text}")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#,
                length = version.len() + 4
            ),
        );
        let manifest = format!(
            "[package]\nname = \"hi\"\nversion = \"{version}\"\n[build]\nmodule = \"main.wat\"\n\
             [capabilities]\nrandom = true\n{more}"
        );
        self.write(&format!("{folder}/Zero.toml"), &manifest);
        self.path(&folder).join("Zero.toml")
    }

    fn publish(&self, version: &str, more: &str) -> Said {
        let manifest = self.project(version, more);
        self.zero([
            "publish".as_ref(),
            "--json".as_ref(),
            "--manifest-path".as_ref(),
            manifest.as_os_str(),
        ])
    }

    /// A home with a key and the right to write to a new registry; returns the root key.
    fn publisher(&self) -> String {
        let root_key = self.registry();
        self.zero(["key", "generate", "--no-password"]).code(0);
        self.zero([
            "registry",
            "add",
            "test",
            "registry",
            "--root-key",
            &root_key,
            "--log-key",
            "log.key",
        ])
        .code(0);
        root_key
    }
}

#[test]
fn a_reader_who_knows_only_the_root_key_runs_what_was_published() {
    let world = World::new();
    let root_key = world.publisher();
    for version in ["1.2.0", "1.2.3", "1.3.0"] {
        world.publish(version, "").code(0);
    }
    world
        .zero_as(
            "reader",
            [
                "registry",
                "add",
                "test",
                "registry",
                "--root-key",
                &root_key,
            ],
        )
        .code(0);
    // Nothing is granted unasked, and without a terminal nobody is asked.
    world
        .zero_as("reader", ["run", "hi@1.2"])
        .code(126)
        .says("--allow-declared");
    for (asked, said) in [
        ("hi@1.2", "hi 1.2.3"),
        ("hi@1.2.0", "hi 1.2.0"),
        ("test:hi", "hi 1.3.0"),
    ] {
        world
            .zero_as("reader", ["run", "--allow-declared", asked])
            .code(0)
            .says(said);
    }
    // Warm, and without the registry.
    fs::rename(world.path("registry"), world.path("gone")).expect("it is ours");
    world
        .zero_as("reader", ["run", "--allow-declared", "hi@1.2"])
        .code(0)
        .says("hi 1.2.3");
    let verified = world
        .zero_as("reader", ["inspect", "--json", "hi@1.2"])
        .code(0)
        .json();
    assert_eq!(verified["metadata"]["package"]["version"], "1.2.3");
    assert_eq!(verified["trusted"], true);
}

#[test]
fn wider_capabilities_need_a_new_major_version() {
    let world = World::new();
    world.publisher();
    world.publish("1.0.0", "").code(0);
    let wider = "clock = [\"wall\"]\n";
    world
        .publish("1.1.0", wider)
        .code(126)
        .says("date and time");
    world.publish("2.0.0", wider).code(0);
}

#[test]
fn another_key_cannot_publish_under_a_claimed_name() {
    let world = World::new();
    world.publisher();
    world.publish("1.0.0", "").code(0);
    world
        .zero(["key", "generate", "other", "--no-password"])
        .code(0);
    world.zero(["key", "default", "other"]).code(0);
    world
        .publish("1.0.1", "")
        .code(126)
        .says("belongs to other keys");
}

#[test]
fn yanked_is_not_chosen_and_revoked_never_runs() {
    let world = World::new();
    let root_key = world.publisher();
    world.publish("1.2.0", "").code(0);
    world.publish("1.2.3", "").code(0);
    world
        .zero(["yank", "hi@1.2.3", "--reason", "broken"])
        .code(0);
    world
        .zero(["run", "--allow-declared", "hi@1.2"])
        .code(0)
        .says("hi 1.2.0");
    world.zero(["unyank", "hi@1.2.3"]).code(0);
    world
        .zero(["run", "--allow-declared", "hi@1.2"])
        .code(0)
        .says("hi 1.2.3");
    world
        .zero(["revoke", "hi@1.2.3", "--reason", "harmful"])
        .code(0);
    world
        .zero_as(
            "reader",
            [
                "registry",
                "add",
                "test",
                "registry",
                "--root-key",
                &root_key,
            ],
        )
        .code(0);
    world
        .zero_as("reader", ["run", "--allow-declared", "hi@1.2.3"])
        .code(125)
        .says("revoked");
    world
        .zero_as("reader", ["run", "--allow-declared", "hi@1.2"])
        .code(0)
        .says("hi 1.2.0");
}

#[test]
fn a_rehearsal_shows_everything_and_writes_nothing() {
    let world = World::new();
    world.publisher();
    let head = fs::read(world.path("registry/head")).expect("there is a registry");
    let manifest = world.project("1.0.0", "");
    let shown = world
        .zero([
            "publish".as_ref(),
            "--dry-run".as_ref(),
            "--json".as_ref(),
            "--manifest-path".as_ref(),
            manifest.as_os_str(),
        ])
        .code(0)
        .json();
    assert_eq!(
        (
            &shown["published"],
            shown["events"].as_array().map(Vec::len)
        ),
        (&Value::Bool(false), Some(2))
    );
    assert_eq!(
        fs::read(world.path("registry/head")).expect("it is still there"),
        head
    );
}

#[test]
fn a_package_built_twice_in_different_folders_is_the_same_file() {
    let world = World::new();
    world.zero(["key", "generate", "--no-password"]).code(0);
    let first = world.project("1.0.0", "");
    for file in ["Zero.toml", "main.wat"] {
        let text = fs::read_to_string(first.with_file_name(file)).expect("it was just written");
        world.write(&format!("elsewhere/deep/{file}"), &text);
    }
    let build = |manifest: &Path, output: &str| {
        let output = world.path(output);
        world
            .zero([
                "build".as_ref(),
                "--manifest-path".as_ref(),
                manifest.as_os_str(),
                "-o".as_ref(),
                output.as_os_str(),
            ])
            .code(0);
        fs::read(output).expect("it was just built")
    };
    assert_eq!(
        build(&first, "a.zero"),
        build(&world.path("elsewhere/deep/Zero.toml"), "b.zero")
    );
}

#[test]
fn a_changed_byte_is_refused_wherever_it_is() {
    let world = World::new();
    world.zero(["key", "generate", "--no-password"]).code(0);
    let manifest = world.project("1.0.0", "");
    let output = world.path("hi.zero");
    world
        .zero([
            "build".as_ref(),
            "--manifest-path".as_ref(),
            manifest.as_os_str(),
            "-o".as_ref(),
            output.as_os_str(),
        ])
        .code(0);
    world
        .zero(["run", "--allow-declared", "hi.zero"])
        .code(0)
        .says("hi 1.0.0");
    let whole = fs::read(&output).expect("it was just built");
    for place in [0, 4, 9, 40, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&output, bytes).expect("it is ours");
        world.zero(["run", "--allow-declared", "hi.zero"]).code(125);
        world.zero(["verify", "hi.zero"]).code(125);
    }
}

#[test]
fn a_wrong_example_fails_the_build_and_shows_both_results() {
    let world = World::new();
    world.write("add/add.wat", "(module (func (export \"add\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))");
    let manifest = |result: u32| {
        format!(
            "[package]\nname = \"add\"\nversion = \"1.0.0\"\n[build]\nmodule = \"add.wat\"\n[exports.add]\nexamples = [{{ args = [1, 2], result = {result} }}]\n"
        )
    };
    world.write("add/Zero.toml", &manifest(3));
    world
        .zero(["check", "--manifest-path", "add"])
        .code(0)
        .says("1 examples executed");
    world.write("add/Zero.toml", &manifest(4));
    world
        .zero(["check", "--manifest-path", "add"])
        .code(1)
        .says("expected 4")
        .says("actual   3");
}

#[test]
fn keys_interchange_with_their_password() {
    let world = World::new();
    let with = |password: &str, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-zero"));
        command
            .args(args)
            .current_dir(world.path(""))
            .env("ZERO_HOME", world.path("home"))
            .env("ZERO_KEY_PASSWORD", password);
        let output = command.stdin(Stdio::null()).output().expect("it starts");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(with("right", &["key", "generate", "mine"]).0, Some(0));
    let secret = fs::read_to_string(world.path("home/keys/mine.key")).expect("it was made");
    assert!(SecretKey::is_encrypted(&secret).expect("it is a key"));
    let manifest = world.project("1.0.0", "");
    let build = [
        "build",
        "--manifest-path",
        manifest.to_str().expect("it is UTF-8"),
        "-o",
        "hi.zero",
    ];
    let (code, said) = with("wrong", &build);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("wrong password") && said.contains("hint:"),
        "{said}"
    );
    assert!(!world.path("hi.zero").exists());
    assert_eq!(with("right", &build).0, Some(0));
}
