//! A folder of its own for each test, our binaries with a `ZERO_HOME` in it, and the peers.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use xtask::Host;

/// What the tests that print have to say: libtest shows it when a test fails or with `--nocapture`.
#[expect(
    clippy::print_stderr,
    reason = "a test that leaves something out says so"
)]
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// A test's own folder and home.
pub(crate) struct World {
    host: Host,
    bins: PathBuf,
    dir: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) line: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let this = std::env::current_exe().expect("the test knows its own path");
        // target/debug/deps/e2e-… → target/debug
        let bins = this
            .ancestors()
            .nth(2)
            .expect("a test binary lies two folders deep")
            .to_path_buf();
        let zero = bins.join(format!("cargo-zero{}", std::env::consts::EXE_SUFFIX));
        assert!(
            zero.is_file(),
            "{} is missing: build it first (cargo build --workspace --all-features --bins), or use cargo xtask test",
            zero.display()
        );
        let host = Host::from_env().expect("the environment names a cache folder");
        let world = Self {
            host,
            bins,
            dir: TempDir::with_prefix("zero-e2e-").expect("temporary folders can be made"),
        };
        fs::create_dir(world.path("home")).expect("the folder is ours");
        world
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// A path in this test's folder.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(relative)
    }

    /// Writes a file in this test's folder, with the folders above it.
    pub(crate) fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("it has a parent")).expect("the folder is ours");
        fs::write(&path, content).expect("the folder is ours");
        path
    }

    /// A command with one of our binaries; `home` is a folder's name in this test's folder.
    pub(crate) fn command_as(&self, home: &str, program: &str) -> Command {
        let ours = self
            .bins
            .join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
        let mut command = Command::new(ours);
        self.host
            .as_user(&mut command, &self.path(home), &self.bins)
            .expect("PATH is sound");
        command.current_dir(self.dir.path()).env("NO_COLOR", "1");
        command
    }

    /// `cargo zero …` in this test's folder and home.
    pub(crate) fn zero<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command_as("home", "cargo-zero").args(args))
    }

    /// The same with another home.
    pub(crate) fn zero_as<S: AsRef<OsStr>>(
        &self,
        home: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Run {
        Run::of(self.command_as(home, "cargo-zero").args(args))
    }

    /// `zrun …`.
    pub(crate) fn zrun<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command_as("home", "zrun").args(args))
    }

    /// `cargo zero …` at a terminal of its own, with what a person types there; `None` without `script`. What the
    /// terminal shows is the standard output.
    pub(crate) fn at_a_terminal<S: AsRef<OsStr>>(
        &self,
        keys: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Option<Run> {
        let words: Vec<String> = args
            .into_iter()
            .map(|word| {
                format!(
                    "'{}'",
                    word.as_ref().to_string_lossy().replace('\'', r"'\''")
                )
            })
            .collect();
        let typed = self.path("typed");
        fs::write(&typed, keys).expect("the folder is ours");
        let mut script = self.peer("script")?;
        let ours = self.command_as("home", "cargo-zero");
        script
            .args([
                "-qec",
                &format!("cargo-zero {}", words.join(" ")),
                "/dev/null",
            ])
            .stdin(fs::File::open(typed).expect("it was written"));
        for (name, value) in ours.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        let mut run = Run::of(&mut script);
        run.stdout = run.stdout.replace("\r\n", "\n");
        Some(run)
    }

    /// `zero-registry …`.
    pub(crate) fn registry<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command_as("home", "zero-registry").args(args))
    }

    /// Lets another program start a command: with its folder and environment, `wrapper`'s own words before its own.
    pub(crate) fn instead<'a>(
        &self,
        command: &Command,
        wrapper: &'a mut Command,
    ) -> &'a mut Command {
        wrapper
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(self.dir.path());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapper.env(name, value),
                None => wrapper.env_remove(name),
            };
        }
        wrapper
    }

    /// Whether packages in Rust can be built; a missing compiler is tolerated as a missing peer is.
    pub(crate) fn builds_rust(&self) -> bool {
        let builds = xtask::builds_rust(&self.host);
        if !builds {
            let text = "LEFT OUT: rustc has no wasm32-wasip1 (cargo xtask setup)";
            assert!(!self.host.peers_required(), "{text}");
            note(text);
        }
        builds
    }

    /// Another program; `None` when it is missing and that is tolerated.
    pub(crate) fn peer(&self, program: &str) -> Option<Command> {
        let found = self.host.find(program);
        if found.is_none() {
            let text = format!("LEFT OUT: {program} is not installed (cargo xtask setup)");
            assert!(!self.host.peers_required(), "{text}");
            note(&text);
        }
        let mut command = Command::new(found?);
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        Some(command)
    }
}

impl Run {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let line = format!("{command:?}");
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap_or_else(|e| panic!("{line}: {e}"));
        Self {
            line,
            code: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// It must have ended with this exit code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "{self}");
        self
    }

    /// Its output must contain this text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "does not say {text:?}: {self}"
        );
        self
    }

    /// Its output must not contain this text.
    #[track_caller]
    pub(crate) fn never_says(self, text: &str) -> Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "says {text:?}: {self}"
        );
        self
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            line,
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "{line}\nexit code {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

/// A registry that a test made.
pub(crate) struct Registry {
    pub(crate) root_key: String,
}

impl World {
    /// Makes the home's default key, unencrypted, and returns its public half.
    pub(crate) fn make_key(&self, home: &str) -> String {
        self.zero_as(home, ["key", "generate", "--no-password"])
            .code(0);
        let public = self.zero_as(home, ["key", "export"]).code(0).stdout;
        let line = public.lines().find(|line| line.starts_with("RW"));
        line.unwrap_or_else(|| panic!("no public key in {public}"))
            .to_owned()
    }

    /// Makes a registry in a folder; the home `home` knows it as `demo` and may write to it.
    pub(crate) fn init_registry(&self, folder: &str) -> Registry {
        self.registry([
            "init",
            folder,
            "--origin",
            "registry.example/e2e",
            "--no-password",
        ])
        .code(0);
        let public = fs::read_to_string(self.path("root.pub"))
            .expect("init writes the public key beside the secret one");
        let root_key = public
            .lines()
            .nth(1)
            .expect("a key file has two lines")
            .to_owned();
        let added = [
            "registry",
            "add",
            "demo",
            folder,
            "--root-key",
            "root.pub",
            "--log-key",
            "log.key",
        ];
        self.zero(added).code(0);
        Registry { root_key }
    }

    /// Builds a project into a file.
    pub(crate) fn build(&self, manifest: &Path, output: &Path) -> Run {
        let mut command = self.command_as("home", "cargo-zero");
        command.args(["build", "--manifest-path"]).arg(manifest);
        Run::of(command.arg("-o").arg(output))
    }

    /// A command that builds and publishes a project's folder.
    pub(crate) fn publish_command(&self, home: &str, project: &str, registry: &str) -> Command {
        let mut command = self.command_as(home, "cargo-zero");
        command
            .args(["publish", "--registry", registry, "--manifest-path"])
            .arg(self.path(project).join("Zero.toml"));
        command
    }

    /// Builds and publishes a project's folder.
    pub(crate) fn publish(&self, home: &str, project: &str, registry: &str) -> Run {
        Run::of(&mut self.publish_command(home, project, registry))
    }

    /// A command that publishes an artifact.
    pub(crate) fn publish_file_command(
        &self,
        home: &str,
        artifact: &Path,
        registry: &str,
    ) -> Command {
        let mut command = self.command_as(home, "cargo-zero");
        command
            .args(["publish", "--registry", registry])
            .arg(artifact);
        command
    }

    /// Lets a home know a registry as `demo`, pinning its root key.
    pub(crate) fn add_registry(&self, home: &str, locations: &[&str], root_key: &str) -> Run {
        let mut words = vec!["registry", "add", "demo"];
        words.extend_from_slice(locations);
        words.extend_from_slice(&["--root-key", root_key]);
        self.zero_as(home, words)
    }

    /// The same, which must succeed.
    pub(crate) fn reader(&self, home: &str, locations: &[&str], root_key: &str) {
        self.add_registry(home, locations, root_key).code(0);
    }

    /// All files below a folder of this test, in order.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut pending = vec![self.path(folder)];
        while let Some(dir) = pending.pop() {
            for entry in fs::read_dir(&dir).expect("it is a folder").flatten() {
                // A link is not followed: it may lead anywhere.
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    pending.push(entry.path());
                } else {
                    found.push(entry.path());
                }
            }
        }
        found.sort();
        found
    }
}

/// Decodes standard base64.
pub(crate) fn unbase64(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text).expect("it is base64")
}

/// Compiles a program to preview 1: a file of Rust or C, or the folder of a Cargo package, seen from the repository's root.
/// `None` where the compiler is missing and that is tolerated.
pub(crate) fn compile(world: &World, source: &Path) -> Option<Vec<u8>> {
    let path = world.host().root().join(source);
    if path.is_dir() {
        return package(world, &path);
    }
    let output = world.path("compiled.wasm");
    let mut compiler = if path.extension().is_some_and(|e| e == "c") {
        let mut clang = world.peer("clang-19")?;
        clang.args(["--target=wasm32-wasi", "--sysroot=/usr", "-O1"]);
        clang
    } else {
        let mut rustc = rustc(world)?;
        rustc.args(["--edition", "2024", "-O", "-C", "strip=debuginfo"]);
        rustc
    };
    Run::of(compiler.arg("-o").arg(&output).arg(&path)).code(0);
    Some(fs::read(output).expect("it was just compiled"))
}

fn rustc(world: &World) -> Option<Command> {
    let found = world.host().wasm_rustc();
    if found.is_none() {
        let text = "LEFT OUT: wasm32-wasip1 is not installed (cargo xtask setup)";
        assert!(!world.host().peers_required(), "{text}");
        note(text);
    }
    found
}

/// A program with dependencies: cargo builds it.
fn package(world: &World, folder: &Path) -> Option<Vec<u8>> {
    let compiler = rustc(world)?;
    let target = world.host().debug().with_file_name("programs");
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(folder)
        .env("RUSTC", compiler.get_program())
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            "wasm32-wasip1",
        ])
        .arg("--target-dir")
        .arg(&target);
    Run::of(&mut cargo).code(0);
    let name = folder.file_name().expect("a folder has a name");
    let built = target.join("wasm32-wasip1/release").join(name);
    Some(fs::read(built.with_extension("wasm")).expect("it was just built"))
}
