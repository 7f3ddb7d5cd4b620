//! Rust's standard library for wasm32-wasip1: from rustup, or built once from Debian's sources where rustup has none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt;
use crate::failure::Context as _;
use crate::{Failure, Host, Result, shell};

const TARGET: &str = "wasm32-wasip1";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LIB: &str = "/usr/lib/rustlib/wasm32-wasip1/lib";
const PACKAGES: [&str; 4] = ["rustc-web", "rust-web-src", "lld-19", "wasi-libc"];

/// Which compiler can build for wasm32-wasip1 here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WasmRustc {
    /// The one that cargo uses anyway.
    Default,
    /// Another one; builds need it in `RUSTC`.
    At(PathBuf),
}

/// Looks for the target, first in the toolchain in use, then beside Debian's compiler.
pub(super) fn installed(host: &Host) -> Option<WasmRustc> {
    let sysroot = shell::answer("rustc", &["--print", "sysroot"], host.root())?;
    if holds_std(
        &Path::new(&sysroot)
            .join("lib/rustlib")
            .join(TARGET)
            .join("lib"),
    ) {
        return Some(WasmRustc::Default);
    }
    let version = debian_version(host)?;
    let marker = fs::read_to_string(Path::new(DEBIAN_LIB).join(".version")).ok()?;
    (marker.trim() == version && holds_std(Path::new(DEBIAN_LIB)))
        .then(|| WasmRustc::At(DEBIAN_RUSTC.into()))
}

fn holds_std(lib: &Path) -> bool {
    let Ok(entries) = fs::read_dir(lib) else {
        return false;
    };
    entries
        .flatten()
        .any(|e| e.file_name().to_string_lossy().starts_with("libstd"))
}

fn debian_version(host: &Host) -> Option<String> {
    shell::answer(
        "dpkg-query",
        &["-W", "-f=${Version}", "rustc-web"],
        host.root(),
    )
    .filter(|v| !v.is_empty())
}

/// Installs the target when it is missing.
pub(super) fn ensure(host: &Host) -> Result<()> {
    if installed(host).is_some() {
        return Ok(());
    }
    shell::title("The target wasm32-wasip1: Rust's standard library for WebAssembly");
    let mut rustup = Command::new("rustup");
    rustup
        .args(["target", "add", TARGET])
        .current_dir(host.root());
    if host.find("rustup").is_some() && shell::run(&mut rustup).is_ok() && installed(host).is_some()
    {
        return Ok(());
    }
    if host.find("apt-get").is_none() {
        return Err(
            Failure::new(format!("the target {TARGET} is not installed"))
                .hint(format!("rustup target add {TARGET}")),
        );
    }
    println!(
        "rustup cannot add it here: building it once from Debian's rustc-web sources (two minutes)"
    );
    build(host)?;
    installed(host).map(|_| ()).ok_or_else(|| {
        Failure::new(format!(
            "{TARGET} was built but is not found in {DEBIAN_LIB}"
        ))
        .hint("remove that folder and start again")
    })
}

/// Builds std with the cargo at hand and Debian's compiler, and puts it where that compiler looks.
fn build(host: &Host) -> Result<()> {
    apt::install(host, &PACKAGES)?;
    let version = debian_version(host).ok_or_else(|| {
        Failure::new("rustc-web was installed but dpkg does not know its version")
    })?;
    let work = host.cache().join("wasm-std");
    fs::create_dir_all(work.join("src")).context(|| format!("create {}", work.display()))?;
    // The name must not be that of the repository's workspace: this package stands alone.
    let manifest =
        "[package]\nname = \"sysroot\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n";
    fs::write(work.join("Cargo.toml"), manifest)
        .context(|| "write the package that builds std".to_owned())?;
    fs::write(work.join("src/lib.rs"), "")
        .context(|| "write the package that builds std".to_owned())?;
    let target = work.join("target");
    shell::run(
        Command::new("cargo")
            .current_dir(&work)
            .args([
                "build",
                "--quiet",
                "--release",
                "--target",
                TARGET,
                "-Zbuild-std=std,panic_abort",
                "--target-dir",
            ])
            .arg(&target)
            .env("RUSTC", DEBIAN_RUSTC)
            // Only this lets a released compiler build its own standard library.
            .env("RUSTC_BOOTSTRAP", "1"),
    )?;
    place(host, &target.join(TARGET).join("release/deps"), &version)?;
    fs::remove_dir_all(&work).context(|| format!("remove {}", work.display()))
}

fn place(host: &Host, deps: &Path, version: &str) -> Result<()> {
    let own = format!("{DEBIAN_LIB}/self-contained");
    let bin = format!(
        "/usr/lib/rustlib/{}-unknown-linux-gnu/bin",
        std::env::consts::ARCH
    );
    shell::run(apt::privileged(host, "rm").args(["-rf", DEBIAN_LIB]))?;
    shell::run(apt::privileged(host, "mkdir").args(["-p", &own, &bin]))?;
    let mut rlibs: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(deps).context(|| format!("read {}", deps.display()))? {
        let path = entry.context(|| format!("read {}", deps.display()))?.path();
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        if path.extension().is_some_and(|e| e == "rlib") && !name.starts_with("libsysroot") {
            rlibs.push(path);
        }
    }
    rlibs.sort();
    let mut copy = apt::privileged(host, "cp");
    copy.args(&rlibs).arg(DEBIAN_LIB);
    quietly(&mut copy)?;
    let libc = "/usr/lib/wasm32-wasi";
    quietly(apt::privileged(host, "cp").args([
        &format!("{libc}/crt1-command.o"),
        &format!("{libc}/crt1-reactor.o"),
        &format!("{libc}/libc.a"),
        &own,
    ]))?;
    let linker = fs::canonicalize("/usr/bin/lld-19").context(|| "find lld-19".to_owned())?;
    shell::run(
        apt::privileged(host, "ln")
            .arg("-sf")
            .arg(linker)
            .arg(format!("{bin}/rust-lld")),
    )?;
    let marker = host.cache().join("wasm-std/.version");
    fs::write(&marker, version).context(|| format!("write {}", marker.display()))?;
    shell::run(
        apt::privileged(host, "cp")
            .arg(&marker)
            .arg(format!("{DEBIAN_LIB}/.version")),
    )
}

/// Runs a command whose line is too long to show.
fn quietly(command: &mut Command) -> Result<()> {
    let output = shell::capture(command)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(
        String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    ))
}
