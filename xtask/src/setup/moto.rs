//! moto's S3 server, from PyPI: an object store with conditional writes, for the tests to write to.

use std::fs;
use std::process::Command;

use crate::failure::Context as _;
use crate::{Host, Result, shell};

/// What is installed, with hashes: pip refuses every other file. `moto.in` says how it is made.
const LOCK: &str = include_str!("moto.txt");

/// Installs it when it is missing, or of another lock file.
pub(super) fn ensure(host: &Host) -> Result<()> {
    let folder = host.tools().join("moto");
    let stamp = folder.join("made-from.txt");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == LOCK) {
        return Ok(());
    }
    shell::title("moto: an S3 server that the object store tests start");
    if folder.exists() {
        fs::remove_dir_all(&folder).context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).context(|| format!("create {}", folder.display()))?;
    let list = folder.join("requirements.txt");
    fs::write(&list, LOCK).context(|| format!("write {}", list.display()))?;
    shell::run(
        Command::new("pip3")
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(["--root-user-action", "ignore", "--require-hashes"])
            .args(["--only-binary", ":all:", "--target"])
            .arg(&folder)
            .arg("-r")
            .arg(&list),
    )?;
    let bin = host.tools().join("bin");
    fs::create_dir_all(&bin).context(|| format!("create {}", bin.display()))?;
    let program = bin.join("moto_server");
    let script = format!(
        "#!/bin/sh\nPYTHONPATH='{}' exec python3 -m moto.server \"$@\"\n",
        folder.display()
    );
    fs::write(&program, script).context(|| format!("write {}", program.display()))?;
    make_executable(&program)?;
    // Last, so that what was interrupted is installed again.
    fs::write(&stamp, LOCK).context(|| format!("write {}", stamp.display()))
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .context(|| format!("make {} executable", path.display()))
}

#[cfg(not(unix))]
fn make_executable(_: &std::path::Path) -> Result<()> {
    Ok(())
}
