//! Installs what a chore needs and this machine lacks; says what and why before it does.

mod apt;
mod deny;
mod pypi;
pub(crate) mod python;
mod tools;
mod wasm_target;

use std::fs::{self, File};

use crate::failure::Context as _;
use crate::{Host, Result};

pub(crate) use wasm_target::WasmRustc;

/// What a chore may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Full-featured peers and timers for the benchmarks.
    Bench,
    /// clang, libclang, lld and the C library for wasm32-wasi: the example `hamming`, and the harvest.
    CToWasm,
    /// cmake, a C++ compiler and libclang: llama.cpp, which is compiled where all features are.
    Cpp,
    /// nginx: what the demo serves with.
    Demo,
    /// cargo-deny: what judges the dependencies.
    Deny,
    /// The programs that cross-check us in the end-to-end tests.
    Peers,
    /// Rust's standard library for wasm32-wasip1.
    WasmTarget,
}

/// Installs what is missing. One xtask at a time: a second one waits for the first.
pub(crate) fn ensure(host: &Host, needs: &[Need]) -> Result<()> {
    fs::create_dir_all(host.cache()).context(|| format!("create {}", host.cache().display()))?;
    let path = host.cache().join("lock");
    let lock = File::create(&path).context(|| format!("create {}", path.display()))?;
    if lock.try_lock().is_err() {
        println!("waiting for another xtask that is installing …");
        lock.lock().context(|| format!("lock {}", path.display()))?;
    }
    apt::ensure(host, needs)?;
    if needs.contains(&Need::WasmTarget) {
        wasm_target::ensure(host)?;
    }
    if needs.contains(&Need::Deny) {
        deny::ensure(host)?;
    }
    if needs.contains(&Need::Peers) {
        pypi::ensure(host, &pypi::MCP)?;
        pypi::ensure(host, &pypi::AWS)?;
        pypi::ensure(host, &pypi::LLAMA)?;
    }
    if needs.contains(&Need::Bench) {
        pypi::ensure(host, &pypi::WASMTIME)?;
    }
    tools::ensure(host, needs)
}

/// The compiler to build for wasm32-wasip1 with, when the target is installed.
pub(crate) fn wasm_rustc(host: &Host) -> Option<WasmRustc> {
    wasm_target::installed(host)
}
