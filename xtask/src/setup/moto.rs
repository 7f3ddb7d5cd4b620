//! moto's S3 server, from PyPI: an object store with conditional writes, for the tests to write to.

use std::fs;
use std::process::Command;

use crate::failure::Context as _;
use crate::{Host, Result, shell};

const VERSION: &str = "5.1.22";
/// What of it is needed to serve S3; its own list for servers has all of the cloud.
const PACKAGES: [&str; 3] = ["moto[s3]==5.1.22", "flask==3.1.3", "flask-cors==6.0.5"];

/// Installs it when this version is missing.
pub(super) fn ensure(host: &Host) -> Result<()> {
    let folder = host.tools().join("moto");
    let mark = folder.join(format!("installed-{VERSION}"));
    if mark.exists() {
        return Ok(());
    }
    shell::title(&format!(
        "moto {VERSION}: an S3 server that the object store tests start"
    ));
    if folder.exists() {
        fs::remove_dir_all(&folder).context(|| format!("remove {}", folder.display()))?;
    }
    shell::run(
        Command::new("pip3")
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(["--root-user-action", "ignore", "--target"])
            .arg(&folder)
            .args(PACKAGES),
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
    fs::write(&mark, "").context(|| format!("write {}", mark.display()))
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
