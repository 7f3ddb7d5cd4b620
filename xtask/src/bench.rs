//! `cargo xtask bench`: one script per measurement in `benches/`, each against other programs in the same run.

use std::fs;
use std::process::Command;

use crate::failure::Context as _;
use crate::setup::{self, Need};
use crate::{Failure, Host, Result, chores, shell};

/// Runs one measurement, or all of them, and renders the results.
pub(crate) fn run(host: &Host, only: Option<&str>) -> Result<()> {
    let scripts = scripts(host)?;
    let chosen: Vec<&String> = scripts
        .iter()
        .filter(|s| only.is_none_or(|name| name == *s))
        .collect();
    if chosen.is_empty() {
        let known = scripts.join(", ");
        let name = only.unwrap_or_default();
        return Err(Failure::new(format!("no measurement is called {name}"))
            .hint(format!("one of: {known}")));
    }
    setup::ensure(host, &[Need::Bench, Need::WasmTarget])?;
    shell::title("Release binaries (link-time optimisation: this takes minutes)");
    // Each by itself, as users install them: built together, zrun would get the network code that cargo-zero needs.
    for package in ["zrun", "cargo-zero", "zero-registry"] {
        let mut build = chores::cargo(host);
        build.args(["build", "--release", "--package", package, "--bins"]);
        if package == "zero-registry" {
            build.args(["--features", "server"]);
        }
        shell::run(&mut build)?;
    }
    let path = host.path_with(&[host.release()])?;
    for name in chosen {
        shell::title(&format!("Measurement: {name}"));
        shell::run(
            Command::new("bash")
                .current_dir(host.root())
                .arg(format!("benches/{name}.sh"))
                .env("PATH", &path)
                .env("ZERO_BENCH_WASMTIME_PY", host.wasmtime_py()),
        )?;
    }
    shell::title("Tables");
    shell::run(
        Command::new("python3")
            .current_dir(host.root())
            .arg("benches/table.py"),
    )
}

fn scripts(host: &Host) -> Result<Vec<String>> {
    let dir = host.root().join("benches");
    let mut names: Vec<String> = fs::read_dir(&dir)
        .context(|| format!("read {}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "sh"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}
