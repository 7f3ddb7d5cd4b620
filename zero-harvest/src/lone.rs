//! One source by itself, made into a module: for C that a model wrote, which is as untrusted as a repository's.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use crate::compile::{self, CompileError};
use crate::fence::Fence;
use crate::limits::{self, Budget};
use crate::toolchain::{Toolchain, on_path};

/// The linkers that belong to compilers, newest first.
const LINKERS: [&str; 6] = [
    "wasm-ld",
    "wasm-ld-22",
    "wasm-ld-21",
    "wasm-ld-20",
    "wasm-ld-19",
    "wasm-ld-18",
];

/// Why there is no module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoneError {
    /// This machine cannot compile now.
    #[error("run the compiler")]
    Machine(#[source] std::io::Error),
    /// There is no linker.
    #[error("find wasm-ld, which links WebAssembly")]
    NoLinker,
    /// The source is to blame.
    #[error("{0}")]
    Source(String),
}

/// Compiles single sources, each behind a fence and within limits of time and memory.
#[derive(Debug)]
pub struct Lone {
    toolchain: Toolchain,
    linker: PathBuf,
    budget: Budget,
}

impl Lone {
    /// With this compiler, and the linker on `path`.
    ///
    /// # Errors
    /// When there is no linker.
    pub fn new(
        toolchain: Toolchain,
        path: Option<&OsStr>,
        budget: Budget,
    ) -> Result<Self, LoneError> {
        let linker = on_path(path, &LINKERS).ok_or(LoneError::NoLinker)?;
        Ok(Self {
            toolchain,
            linker,
            budget,
        })
    }

    /// A module that exports a function of the source, and its memory as `memory`. It imports what the source needs of
    /// WASI, and is optimised for size.
    ///
    /// # Errors
    /// What is wrong with the source, or with this machine.
    pub fn module(&self, source: &str, export: &str) -> Result<Vec<u8>, LoneError> {
        let fence = Fence::around(&self.toolchain, None).map_err(LoneError::Machine)?;
        let folder = fence.folder();
        std::fs::write(folder.join("answer.c"), source).map_err(LoneError::Machine)?;
        let mut compiler = compile::clang(&self.toolchain, &fence);
        compiler
            .current_dir(folder)
            .args(["-Os", "-c", "-o", "answer.o", "answer.c"]);
        self.run(&mut compiler)?;
        let mut linker = Command::new(&self.linker);
        linker
            .current_dir(folder)
            .args(["--no-entry", "--gc-sections", "--strip-all"])
            .arg(format!("--export={export}"))
            .args(["-o", "answer.wasm", "answer.o"])
            .args(&self.toolchain.libraries);
        self.run(&mut linker)?;
        let module = folder.join("answer.wasm");
        let size = std::fs::metadata(&module)
            .map_err(LoneError::Machine)?
            .len();
        if size > limits::OBJECT {
            return Err(LoneError::Source(CompileError::TooLarge.to_string()));
        }
        std::fs::read(module).map_err(LoneError::Machine)
    }

    fn run(&self, command: &mut Command) -> Result<(), LoneError> {
        compile::run(command, self.budget).map_err(|error| match error {
            CompileError::Io(error) => LoneError::Machine(error),
            other => LoneError::Source(other.to_string()),
        })
    }
}
