//! Python environments for the fine-tuning project, made from its lock files into the user's cache folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::apt;
use crate::failure::Context as _;
use crate::{Host, Result, shell};

/// Where the project lies, from the repository's root.
const PROJECT: &str = "zero-model/tune";

/// What an environment is for: one lock file each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Lints, types and the tests without torch.
    Check,
    /// The tests that train, too: torch and its friends take 6 GB.
    Train,
}

impl Lock {
    fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Train => "train",
        }
    }
}

/// The project's folder.
pub(crate) fn project(host: &Host) -> PathBuf {
    host.root().join(PROJECT)
}

/// The environment's Python; makes the environment if its lock file is not the one that it was made from.
pub(crate) fn ensure(host: &Host, lock: Lock) -> Result<PathBuf> {
    let file = project(host)
        .join("locks")
        .join(format!("{}.txt", lock.name()));
    let wanted = fs::read_to_string(&file).context(|| format!("read {}", file.display()))?;
    let folder = host.cache().join(format!("python-{}", lock.name()));
    let python = folder.join("bin/python");
    let stamp = folder.join("made-from.txt");
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    shell::title("Python packages, from the lock file and with its hashes");
    if folder.exists() {
        fs::remove_dir_all(&folder).context(|| format!("remove {}", folder.display()))?;
    }
    let make = || shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    if make().is_err() {
        println!("Debian keeps `venv` in a package of its own");
        apt::install(host, &["python3-venv"])?;
        make()?;
    }
    let mut install = Command::new(&python);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    shell::run(install.args(["--require-hashes", "-r"]).arg(&file))?;
    fs::write(&stamp, wanted).context(|| format!("write {}", stamp.display()))?;
    Ok(python)
}
