//! A home of its own for each test, and programs made of text.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wit_component::ComponentEncoder;
use zero_format::{
    Artifact, Capabilities, FileSet, Kind, Limits, Metadata, Package, SecretKey, Verified,
};
use zrun::{
    Asked, Cache, Capture, EngineOptions, Home, Io, Outcome, Program, RunError, Runner, decide,
};

/// A user with an empty home and a key.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) home: Home,
    pub(crate) cache: Cache,
    pub(crate) key: SecretKey,
}

/// What a package is made of besides its code.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) capabilities: Capabilities,
    pub(crate) limits: Limits,
    pub(crate) files: Option<FileSet>,
}

/// The end of a run and what it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Result<Outcome, RunError>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("home"));
        let cache = Cache::open(&home).unwrap();
        Self {
            dir,
            home,
            cache,
            key: SecretKey::generate([3; 40]),
        }
    }

    /// A path in this test's own directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A directory with one file in it.
    pub(crate) fn folder(&self, name: &str, file: &str, content: &str) -> PathBuf {
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), content).unwrap();
        folder
    }

    pub(crate) fn signed(&self, wasm: &[u8], facts: &Facts) -> Vec<u8> {
        let kind = if wasm[6] == 1 {
            Kind::Component
        } else {
            Kind::Module
        };
        let package = Package::new("sample".parse().unwrap(), "1.2.3".parse().unwrap());
        let mut metadata = Metadata::new(kind, package);
        metadata.capabilities = facts.capabilities.clone();
        metadata.limits = facts.limits;
        let artifact = zero_format::assemble(wasm, &metadata, facts.files.as_ref()).unwrap();
        zero_format::sign(&artifact, &[&self.key]).unwrap()
    }

    pub(crate) fn verified(&self, wasm: &[u8], facts: &Facts) -> Verified<Artifact> {
        let artifact = Artifact::decode(self.signed(wasm, facts)).unwrap();
        zero_format::verify(artifact, &[self.key.public_key()]).unwrap()
    }

    pub(crate) fn program(&self, wasm: &[u8], facts: &Facts) -> Program {
        let fuel = facts.limits.fuel.is_some();
        let options = EngineOptions {
            fuel,
            ..EngineOptions::default()
        };
        Program::load(&self.verified(wasm, facts), options, &self.cache).unwrap()
    }

    /// Runs a program with what is asked for.
    pub(crate) fn run(&self, wasm: &[u8], facts: &Facts, asked: &Asked, args: &[&Path]) -> Ended {
        let program = self.program(wasm, facts);
        let variable = |name: &str| (name == "GRANTED").then(|| "value".to_owned());
        let grants = decide(&facts.capabilities, asked, &variable).grants;
        run(Runner::new(&program).grants(grants).args(args))
    }
}

/// Runs with captured streams.
pub(crate) fn run(runner: Runner<'_>) -> Ended {
    let (stdout, stderr) = (Capture::default(), Capture::default());
    let io = Io {
        stdout: stdout.output(),
        stderr: stderr.output(),
        ..Io::default()
    };
    let outcome = runner.io(io).run();
    Ended {
        outcome,
        stdout: stdout.take(),
        stderr: String::from_utf8(stderr.take()).unwrap(),
    }
}

impl Ended {
    /// The one byte that a probing program wrote: an errno.
    pub(crate) fn errno(&self) -> u8 {
        assert_eq!(self.stdout.len(), 1, "{self:?}");
        self.stdout[0]
    }
}

/// A module around a body, with the imports that the tests need and `$write` for one byte of output.
pub(crate) fn module(body: &str) -> Vec<u8> {
    let mut imports = String::new();
    for (name, signature) in [
        (
            "path_open",
            "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)",
        ),
        ("path_unlink_file", "(param i32 i32 i32) (result i32)"),
        ("fd_filestat_set_size", "(param i32 i64) (result i32)"),
        ("fd_close", "(param i32) (result i32)"),
        ("fd_read", "(param i32 i32 i32 i32) (result i32)"),
        ("fd_write", "(param i32 i32 i32 i32) (result i32)"),
        ("environ_sizes_get", "(param i32 i32) (result i32)"),
        ("args_sizes_get", "(param i32 i32) (result i32)"),
        ("clock_time_get", "(param i32 i64 i32) (result i32)"),
        ("poll_oneoff", "(param i32 i32 i32 i32) (result i32)"),
        ("random_get", "(param i32 i32) (result i32)"),
        ("proc_exit", "(param i32)"),
    ] {
        if body.contains(&format!("${name}")) || name == "fd_write" {
            let import = format!(
                "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} {signature}))\n"
            );
            imports.push_str(&import);
        }
    }
    let text = format!(
        r#"(module {imports}
            (memory (export "memory") 2)
            (func $write (param i32)
                (i32.store8 (i32.const 16) (local.get 0))
                (i32.store (i32.const 0) (i32.const 16))
                (i32.store (i32.const 4) (i32.const 1))
                (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
            {body})"#
    );
    wat::parse_str(text).unwrap()
}

/// A module that starts with this code.
pub(crate) fn start(code: &str) -> Vec<u8> {
    module(&format!(r#"(func (export "_start") {code})"#))
}

/// The same program as a component, through the preview 1 adapter.
pub(crate) fn component(module: &[u8]) -> Vec<u8> {
    let adapter = wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER;
    ComponentEncoder::default()
        .module(module)
        .unwrap()
        .adapter("wasi_snapshot_preview1", adapter)
        .unwrap()
        .encode()
        .unwrap()
}

/// How a path is opened.
pub(crate) const READ: (u32, u64) = (0, 1 << 1);
/// Creating and writing.
pub(crate) const CREATE: (u32, u64) = (1, 1 << 6);

/// A program that opens a path below a descriptor and writes the errno.
pub(crate) fn open(fd: u32, path: &str, (oflags, rights): (u32, u64)) -> Vec<u8> {
    let len = path.len();
    module(&format!(
        r#"(data (i32.const 100) "{path}")
        (func (export "_start")
            (call $write (call $path_open (i32.const {fd}) (i32.const 1) (i32.const 100) (i32.const {len})
                (i32.const {oflags}) (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 32))))"#
    ))
}

/// A program that copies a file to its output.
pub(crate) fn cat(fd: u32, path: &str) -> Vec<u8> {
    let len = path.len();
    module(&format!(
        r#"(data (i32.const 100) "{path}")
        (func (export "_start")
            (if (call $path_open (i32.const {fd}) (i32.const 1) (i32.const 100) (i32.const {len})
                    (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32))
                (then unreachable))
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 1024))
            (if (call $fd_read (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 8))
                (then unreachable))
            (i32.store (i32.const 4) (i32.load (i32.const 8)))
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))"#
    ))
}
