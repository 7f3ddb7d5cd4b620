//! The machine as the chores see it: folders and environment, read once.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::setup::{self, WasmRustc};
use crate::{Failure, Result};

/// Folders and settings of this machine.
#[derive(Debug, Clone)]
pub struct Host {
    root: PathBuf,
    target: PathBuf,
    cache: PathBuf,
    path: OsString,
    peers_required: bool,
    /// Asked for once: starting rustc takes a moment.
    rustc: OnceLock<Option<WasmRustc>>,
}

impl Host {
    /// Reads the environment.
    ///
    /// # Errors
    /// Fails when no folder for caches can be named (neither `XDG_CACHE_HOME` nor `HOME`).
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where xtask reads the environment"
    )]
    pub fn from_env() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .ok_or_else(|| Failure::new("xtask has no parent folder"))?
            .to_path_buf();
        let var = |name| env::var_os(name).filter(|v| !v.is_empty());
        let caches = match (var("XDG_CACHE_HOME"), var("HOME"), var("LOCALAPPDATA")) {
            (Some(dir), _, _) => PathBuf::from(dir),
            (_, Some(home), _) if cfg!(target_os = "macos") => {
                Path::new(&home).join("Library/Caches")
            }
            (_, Some(home), _) => Path::new(&home).join(".cache"),
            (_, _, Some(dir)) => PathBuf::from(dir),
            _ => {
                return Err(Failure::new("no folder for caches: HOME is not set")
                    .hint("export HOME or XDG_CACHE_HOME"));
            }
        };
        // cargo reads a relative CARGO_TARGET_DIR from its own working directory, which is the repository here.
        let target = root
            .join(var("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from));
        Ok(Self {
            target,
            cache: caches.join("zero-xtask"),
            path: var("PATH").unwrap_or_default(),
            peers_required: var("XTASK_PEERS").is_some() || var("CI").is_some_and(|v| v != "false"),
            rustc: OnceLock::new(),
            root,
        })
    }

    /// The repository's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of debug binaries.
    pub fn debug(&self) -> PathBuf {
        self.target.join("debug")
    }

    /// The folder of release binaries.
    pub fn release(&self) -> PathBuf {
        self.target.join("release")
    }

    /// The chores' own cache: `tools/` holds the installed peers.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Where `cargo install` puts the peers: `tools/bin` below it holds their binaries.
    pub fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// The folder with the Model Context Protocol's library for Python and what it needs.
    pub fn mcp_sdk(&self) -> PathBuf {
        self.tools().join("mcp-sdk")
    }

    /// The folder with llama.cpp and its server, as a library for Python.
    pub fn llama_py(&self) -> PathBuf {
        self.tools().join("llama-py")
    }

    /// Where the Python package of wasmtime lies.
    pub fn wasmtime_py(&self) -> PathBuf {
        self.tools().join("wasmtime-py")
    }

    /// Whether a missing peer is an error instead of a test left out.
    pub fn peers_required(&self) -> bool {
        self.peers_required
    }

    /// `PATH` with the given folders and the peers' folder in front.
    ///
    /// # Errors
    /// Fails when a folder's name holds the path separator.
    pub fn path_with(&self, first: &[PathBuf]) -> Result<OsString> {
        let rest = env::split_paths(&self.path);
        let all = first
            .iter()
            .cloned()
            .chain([self.tools().join("bin")])
            .chain(rest);
        env::join_paths(all).map_err(|e| Failure::new(format!("failed to build PATH: {e}")))
    }

    /// Makes a command that of a user with this home, our binaries and the peers first on `PATH`, and none of Zero's
    /// variables set.
    ///
    /// # Errors
    /// Fails when a folder's name holds the path separator.
    pub fn as_user(&self, command: &mut Command, home: &Path, bins: &Path) -> Result<()> {
        command
            .env("ZERO_HOME", home)
            .env("PATH", self.path_with(&[bins.to_path_buf()])?)
            .stdin(Stdio::null());
        for name in [
            "ZERO_REGISTRY",
            "ZERO_KEY",
            "ZERO_KEY_PASSWORD",
            "CARGO_TARGET_DIR",
        ] {
            command.env_remove(name);
        }
        if let Some(WasmRustc::At(rustc)) = self.wasm_compiler() {
            command.env("RUSTC", rustc);
        }
        Ok(())
    }

    /// `rustc --target wasm32-wasip1`, where that target is installed.
    pub fn wasm_rustc(&self) -> Option<Command> {
        let mut command = match self.wasm_compiler()? {
            WasmRustc::Default => Command::new("rustc"),
            WasmRustc::At(path) => Command::new(path),
        };
        command.args(["--target", "wasm32-wasip1"]);
        Some(command)
    }

    fn wasm_compiler(&self) -> Option<&WasmRustc> {
        let rustc = self.rustc.get_or_init(|| setup::wasm_rustc(self));
        rustc.as_ref()
    }

    /// The program's full path: among the peers, on `PATH`, or in the system's own `sbin`.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        let file = format!("{program}{}", env::consts::EXE_SUFFIX);
        let sbin = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
        [self.tools().join("bin")]
            .into_iter()
            .chain(env::split_paths(&self.path))
            .chain(sbin)
            .map(|dir| dir.join(&file))
            .find(|path| path.is_file())
    }
}
