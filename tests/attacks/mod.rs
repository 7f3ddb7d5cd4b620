//! Hostile programs, compiled from Rust, C and WebAssembly text. Each test says what the program saw and looks at what the
//! host kept.
//!
//! The programs print `ESCAPED …` for whatever worked that must not. They are built once for each run of the tests.

mod calls;
mod files;
mod floods;
mod real;
mod sockets;
mod text;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use crate::harness::{Run, World, compile};

/// `/data`, to read and to write.
pub(crate) const DATA: &str =
    "[capabilities]\nfs = [{ guest = \"/data\", access = \"read-write\" }]\n";

/// Where the secret of [`Victim`] is told to be.
const SECRET: &str = "TOP-SECRET, of the host alone";

/// The two shapes that a program can have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A module that imports preview 1.
    Module,
    /// The same, wrapped: what it does goes through WASI 0.2.
    Component,
}

pub(crate) const SHAPES: [Shape; 2] = [Shape::Module, Shape::Component];

/// A world with a publisher's key, in which programs are built.
pub(crate) fn world() -> World {
    let world = World::new();
    world.make_key("home");
    world
}

/// Compiles one of `programs/` (once) and makes an artifact of it; `None` where the compiler is missing and that is
/// tolerated. `more` is the end of its Zero.toml.
pub(crate) fn program(world: &World, source: &str, shape: Shape, more: &str) -> Option<PathBuf> {
    let wasm = compiled(world, source)?;
    Some(artifact(world, &wasm, shape, more))
}

/// Makes an artifact of a preview 1 module.
pub(crate) fn artifact(world: &World, wasm: &[u8], shape: Shape, more: &str) -> PathBuf {
    let (target, component) = match shape {
        Shape::Module => ("wasm32-wasip1", false),
        Shape::Component => ("wasm32-wasip2", true),
    };
    let manifest = world.write(
        "attack/Zero.toml",
        format!(
            "[package]\nname = \"attack\"\nversion = \"1.0.0\"\n\n[build]\nkind = \"module\"\nmodule = \"main.wasm\"\n\
             target = \"{target}\"\ncomponent = {component}\n\n{more}"
        ),
    );
    world.write("attack/main.wasm", wasm);
    let output = world.path("attack.zero");
    world.build(&manifest, &output).code(0);
    output
}

/// The compiled programs of this run.
type Programs = BTreeMap<String, Arc<OnceLock<Option<Vec<u8>>>>>;

fn compiled(world: &World, source: &str) -> Option<Vec<u8>> {
    static PROGRAMS: LazyLock<Mutex<Programs>> = LazyLock::new(Mutex::default);
    let slot = {
        let mut programs = PROGRAMS.lock().expect("no test panics with the lock");
        Arc::clone(programs.entry(source.to_owned()).or_default())
    };
    slot.get_or_init(|| compile(world, &Path::new("tests/attacks/programs").join(source)))
        .clone()
}

/// A folder that is granted, a secret beside it, and links between them that the host's user made.
pub(crate) struct Victim {
    pub(crate) world: World,
}

impl Victim {
    pub(crate) fn new() -> Self {
        let world = world();
        world.write("secret/key.txt", SECRET);
        world.write("secret/only-outside", "");
        world.write("data/own.txt", "harmless");
        world.write("data/sub/file.txt", "harmless");
        let outside = world.path("secret");
        let outside = outside.to_str().expect("it is UTF-8");
        for (name, target) in [
            ("link", "../secret"),
            ("absolute", outside),
            ("file-link", "../secret/key.txt"),
            ("absolute-file", &format!("{outside}/key.txt")),
            ("chain", "link"),
            ("parent", ".."),
            ("proc", "/proc"),
            ("self", "/proc/self"),
            ("round", "round"),
        ] {
            std::os::unix::fs::symlink(target, world.path("data").join(name))
                .expect("the folder is ours");
        }
        Self { world }
    }

    /// Runs a program with `/data` granted.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        artifact: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Run {
        Run::of(self.command(artifact).args(args))
    }

    /// The same, not started yet.
    pub(crate) fn command(&self, artifact: &Path) -> Command {
        let mut command = self.world.command_as("home", "zrun");
        command
            .arg("--allow-fs")
            .arg(format!("{}:rw=/data", self.world.path("data").display()))
            .arg(artifact);
        command
    }

    /// What lies outside of `/data` is as it was.
    #[track_caller]
    pub(crate) fn is_unharmed(&self) {
        let names: Vec<_> = self
            .world
            .files("secret")
            .iter()
            .map(|file| file.file_name().map(OsStr::to_owned))
            .collect();
        assert_eq!(names, [Some("key.txt".into()), Some("only-outside".into())]);
        let kept = fs::read_to_string(self.world.path("secret/key.txt")).expect("it is there");
        assert_eq!(kept, SECRET);
    }
}

/// Neither the program nor the runtime told the secret, and the program noticed no escape.
#[track_caller]
pub(crate) fn nothing_escaped(run: &Run) {
    for text in ["ESCAPED", "TOP-SECRET", "panicked"] {
        assert!(
            !run.stdout.contains(text) && !run.stderr.contains(text),
            "{text}: {run}"
        );
    }
}
