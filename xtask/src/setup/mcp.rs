//! The official client library of the Model Context Protocol for Python, in a folder of its own.

use std::fs;
use std::process::Command;

use crate::failure::Context as _;
use crate::{Host, Result, shell};

const SDK: &str = "mcp==2.3.0";

/// Installs it when this version is missing.
pub(super) fn ensure(host: &Host) -> Result<()> {
    let folder = host.mcp_sdk();
    let stamp = folder.join(".version");
    if fs::read_to_string(&stamp).is_ok_and(|version| version == SDK) {
        return Ok(());
    }
    shell::title(&format!(
        "{SDK}: calls `cargo zero mcp` as a client of another ecosystem"
    ));
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
            .arg(SDK),
    )?;
    // Last, so that what was interrupted is installed again.
    fs::write(&stamp, SDK).context(|| format!("write {}", stamp.display()))
}
