//! Peers from the Rust world, built once with `cargo install` into the user's cache folder.

use std::fs;
use std::process::Command;

use super::Need;
use crate::{Failure, Host, Result, shell};

/// A program at a pinned version.
pub(super) struct Tool {
    pub(super) krate: &'static str,
    pub(super) version: &'static str,
    pub(super) why: &'static str,
    /// What the tests need of it; the whole of it takes minutes longer to build.
    pub(super) features: Option<&'static str>,
    /// What the whole of it needs besides its default features.
    pub(super) besides: Option<&'static str>,
}

const WASM_TOOLS: Tool = Tool {
    krate: "wasm-tools",
    version: "1.263.0",
    why: "must find every .zero file valid",
    features: Some("validate,print"),
    besides: None,
};

const WASMSIGN2: Tool = Tool {
    krate: "wasmsign2-cli",
    version: "0.2.8",
    why: "must accept the embedded signature",
    features: None,
    besides: None,
};

const WASMTIME: Tool = Tool {
    krate: "wasmtime-cli",
    version: "48.0.8",
    why: "must run a .zero file unchanged; the benchmarks measure against it",
    features: Some("run,cranelift,cache,component-model,parallel-compilation,wat"),
    besides: None,
};

const WASMER: Tool = Tool {
    krate: "wasmer-cli",
    version: "7.4.2",
    why: "the benchmarks measure against it",
    features: None,
    besides: Some("cranelift"),
};

/// How much of a peer is installed, or wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Extent {
    Missing,
    Tests,
    Full,
}

/// Installs the missing peers that these needs name.
pub(super) fn ensure(host: &Host, needs: &[Need]) -> Result<()> {
    let bench = needs.contains(&Need::Bench);
    if needs.contains(&Need::Peers) {
        for tool in [&WASM_TOOLS, &WASMSIGN2] {
            install(host, tool, Extent::Tests)?;
        }
    }
    if bench || needs.contains(&Need::Peers) {
        // Figures are only fair against the program as its makers ship it: all features, full optimisation.
        install(
            host,
            &WASMTIME,
            if bench { Extent::Full } else { Extent::Tests },
        )?;
    }
    if bench {
        // The scripts leave its rows out where it is missing.
        if let Err(failure) = install(host, &WASMER, Extent::Full) {
            println!("the benchmarks go on without {}: {failure}", WASMER.krate);
        }
    }
    Ok(())
}

fn install(host: &Host, tool: &Tool, wanted: Extent) -> Result<()> {
    let record = fs::read_to_string(host.tools().join(".crates2.json")).unwrap_or_default();
    if installed(&record, tool) >= wanted {
        return Ok(());
    }
    shell::title(&format!("{} {}: {}", tool.krate, tool.version, tool.why));
    compile(host, tool, wanted)
}

/// Builds a program with `cargo install`.
pub(super) fn compile(host: &Host, tool: &Tool, wanted: Extent) -> Result<()> {
    println!(
        "built once into {}; this takes minutes",
        host.tools().display()
    );
    let mut command = Command::new("cargo");
    command
        .current_dir(host.cache())
        .args(["install", "--locked", "--quiet", "--force"]);
    command.arg("--root").arg(host.tools());
    command
        .arg("--target-dir")
        .arg(host.cache().join("tools-target"));
    if let (Extent::Tests, Some(features)) = (wanted, tool.features) {
        command.args(["--no-default-features", "--features", features]);
    }
    if let (Extent::Full, Some(features)) = (wanted, tool.besides) {
        command.args(["--features", features]);
    }
    if wanted == Extent::Tests {
        // Correct answers need no fast code.
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    }
    command.arg(format!("{}@{}", tool.krate, tool.version));
    shell::run(&mut command).map_err(|e| {
        let line = shell::shown(&command);
        Failure::new(e.to_string().trim().to_owned())
            .hint(format!("see what it says without --quiet: {line}"))
    })
}

/// Reads cargo's own record of a `--root` (`.crates2.json`): the versions and features that are installed there.
fn installed(record: &str, tool: &Tool) -> Extent {
    let Some((_, entry)) = record.split_once(&format!("\"{} {} (", tool.krate, tool.version))
    else {
        return Extent::Missing;
    };
    let entry = entry.split('}').next().unwrap_or_default();
    if entry.contains("\"no_default_features\":true") {
        Extent::Tests
    } else {
        Extent::Full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"installs":{"wasm-tools 1.263.0 (registry+https://example.org)":{"version_req":"=1.263.0","bins":["wasm-tools"],"features":[],"no_default_features":false,"profile":"release"},"wasmtime-cli 48.0.8 (registry+https://example.org)":{"features":["run"],"no_default_features":true}}}"#;

    #[test]
    fn the_record_tells_full_installs_from_partial_ones() {
        assert_eq!(installed(RECORD, &WASM_TOOLS), Extent::Full);
        assert_eq!(installed(RECORD, &WASMTIME), Extent::Tests);
        assert_eq!(installed(RECORD, &WASMSIGN2), Extent::Missing);
        assert_eq!(installed("", &WASM_TOOLS), Extent::Missing);
    }
}
