//! Libraries for Python, each in a folder of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Context as _;
use crate::{Host, Result, shell};

/// A library at a pinned version.
pub(super) struct Library {
    requirement: &'static str,
    why: &'static str,
    folder: fn(&Host) -> PathBuf,
}

/// The official client library of the Model Context Protocol.
pub(super) const MCP: Library = Library {
    requirement: "mcp==2.3.0",
    why: "calls `cargo zero mcp` as a client of another ecosystem",
    folder: Host::mcp_sdk,
};

/// The engine as researchers use it.
pub(super) const WASMTIME: Library = Library {
    requirement: "wasmtime==48.0.0",
    why: "the benchmarks judge answers with it, too",
    folder: Host::wasmtime_py,
};

/// Installs it when this version is missing.
pub(super) fn ensure(host: &Host, library: &Library) -> Result<()> {
    let Library {
        requirement,
        why,
        folder,
    } = library;
    let folder = folder(host);
    let stamp = folder.join(".version");
    if fs::read_to_string(&stamp).is_ok_and(|version| version == *requirement) {
        return Ok(());
    }
    shell::title(&format!("{requirement}: {why}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).context(|| format!("remove {}", folder.display()))?;
    }
    shell::run(
        Command::new("python3")
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args([
                "--root-user-action",
                "ignore",
                "--only-binary",
                ":all:",
                "--target",
            ])
            .arg(&folder)
            .arg(requirement),
    )?;
    // Last, so that what was interrupted is installed again.
    fs::write(&stamp, requirement).context(|| format!("write {}", stamp.display()))
}
