//! The compiler: where it is, what it calls itself, and the C library that it compiles against.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::archive::{Archive, ArchiveError};
use crate::source::{self, SourceError};

const NAMES: [&str; 6] = [
    "clang-19", "clang", "clang-22", "clang-21", "clang-20", "clang-18",
];
/// What to type on Debian.
pub const PACKAGES: &str =
    "apt-get install clang-19 libclang1-19 wasi-libc libclang-rt-19-dev-wasm32";

/// Why there is no toolchain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolchainError {
    /// A library of the sysroot cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// No clang.
    #[error("cannot find clang, which compiles C to WebAssembly")]
    NoClang,
    /// No C library for wasm32.
    #[error("cannot find wasi-libc below {0}")]
    NoLibc(PathBuf),
    /// The C library's headers cannot be read.
    #[error(transparent)]
    Headers(#[from] SourceError),
    /// It cannot be started, or says nothing.
    #[error("{0} does not say its version")]
    NoVersion(PathBuf),
    /// It cannot be started.
    #[error("start {0}")]
    Start(PathBuf, #[source] std::io::Error),
}

impl ToolchainError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        PACKAGES
    }
}

/// A compiler and its C library.
#[derive(Debug)]
pub struct Toolchain {
    pub(crate) clang: PathBuf,
    pub(crate) version: String,
    pub(crate) resources: PathBuf,
    pub(crate) headers: PathBuf,
    pub(crate) archives: Vec<Archive>,
    /// Where these lie.
    pub(crate) libraries: Vec<PathBuf>,
    libc: String,
}

impl Toolchain {
    /// Finds clang (as given, or on `path`) and wasi-libc (below the sysroot as given, or where Debian has it).
    ///
    /// # Errors
    /// What is missing.
    pub fn find(
        clang: Option<&Path>,
        sysroot: Option<&Path>,
        path: Option<&OsStr>,
    ) -> Result<Self, ToolchainError> {
        let clang = match clang {
            Some(clang) => clang.to_owned(),
            None => on_path(path, &NAMES).ok_or(ToolchainError::NoClang)?,
        };
        let said = say(&clang, "--version")?;
        let version = said.lines().next().unwrap_or_default().trim().to_owned();
        if version.is_empty() {
            return Err(ToolchainError::NoVersion(clang));
        }
        let resources = absolute(Path::new(say(&clang, "-print-resource-dir")?.trim()));
        let root = sysroot.unwrap_or(Path::new("/usr"));
        let headers = first(&["include/wasm32-wasi", "include/wasm32-wasip1"], root);
        let libc = first(
            &["lib/wasm32-wasi/libc.a", "lib/wasm32-wasip1/libc.a"],
            root,
        );
        let (Some(headers), Some(libc)) = (headers.as_deref().map(absolute), libc) else {
            return Err(ToolchainError::NoLibc(root.to_owned()));
        };
        let mut libraries = vec![libc];
        // Helpers such as 128-bit division; few functions need one.
        let helpers = first(
            &[
                "lib/wasi/libclang_rt.builtins-wasm32.a",
                "lib/wasm32-unknown-wasi/libclang_rt.builtins.a",
            ],
            &resources,
        );
        libraries.extend(helpers);
        let archives: Vec<Archive> = libraries
            .iter()
            .map(|path| Archive::open(path))
            .collect::<Result<_, _>>()?;
        let mut libc = blake3::Hasher::new();
        libc.update(source::digest(&headers)?.as_bytes());
        for archive in &archives {
            libc.update(archive.digest().as_bytes());
        }
        Ok(Self {
            libc: libc.finalize().to_hex()[..32].to_owned(),
            clang,
            version,
            resources,
            headers,
            archives,
            libraries,
        })
    }

    /// The compiler's version, in its own words.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A digest of the C library, which becomes part of modules.
    pub fn libc(&self) -> &str {
        &self.libc
    }

    /// Arguments that decide what a source means: for the parser and for the compiler alike.
    pub(crate) fn language(&self) -> Vec<String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut args: Vec<String> = LANGUAGE.map(String::from).into();
        // Without -nostdlibinc the headers of the machine that this runs on come in.
        args.extend([String::from("-resource-dir"), text(&self.resources)]);
        args.extend([String::from("-isystem"), text(&self.headers)]);
        // `.incbin` and `.include` read files behind the parser's back; an empty text, a barrier, stays allowed.
        args.push(String::from("-fno-gnu-inline-asm"));
        args
    }
}

/// What every unit is compiled with, as records say it.
pub(crate) const LANGUAGE: [&str; 11] = [
    "--target=wasm32-wasi",
    "-mcpu=mvp",
    "-nostdlibinc",
    "-D_GNU_SOURCE",
    "-D_WASI_EMULATED_SIGNAL",
    "-D_WASI_EMULATED_PROCESS_CLOCKS",
    "-D_WASI_EMULATED_MMAN",
    "-w",
    // Old C: what became an error since is what its authors wrote.
    "-Wno-error=implicit-function-declaration",
    "-Wno-error=implicit-int",
    "-Wno-error=int-conversion",
];

/// The compiler runs in another folder than we.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn first(candidates: &[&str], root: &Path) -> Option<PathBuf> {
    candidates
        .iter()
        .map(|candidate| root.join(candidate))
        .find(|path| path.exists())
}

/// The first program of these names that lies in a folder of `path`.
pub(crate) fn on_path(path: Option<&OsStr>, names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(path?).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

fn say(clang: &Path, option: &str) -> Result<String, ToolchainError> {
    let output = Command::new(clang)
        .arg(option)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|source| ToolchainError::Start(clang.to_owned(), source))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
