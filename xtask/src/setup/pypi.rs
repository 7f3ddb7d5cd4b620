//! Programs and libraries for Python, each in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Context as _;
use crate::{Host, Result, shell};

/// Something to install, and what of it becomes a program.
pub(super) struct Library {
    what: What,
    why: &'static str,
    folder: fn(&Host) -> PathBuf,
    /// Programs by name, and the modules that they run.
    programs: &'static [(&'static str, &'static str)],
}

/// What is installed.
enum What {
    /// With all it needs and the hashes of every file; `aws.in` says how such a list is made.
    Locked(&'static str),
    /// One library at a version, and whatever it needs.
    Pinned(&'static str),
}

/// moto's S3 server and Amazon's client for the command line.
pub(super) const AWS: Library = Library {
    what: What::Locked(include_str!("aws.txt")),
    why: "an object store with conditional writes for the tests, and the tool that people copy buckets with",
    folder: |host| host.tools().join("aws"),
    programs: &[("aws", "awscli"), ("moto_server", "moto.server")],
};

/// The official client library of the Model Context Protocol.
pub(super) const MCP: Library = Library {
    what: What::Pinned("mcp==2.3.0"),
    why: "calls `cargo zero mcp` as a client of another ecosystem",
    folder: Host::mcp_sdk,
    programs: &[],
};

/// llama.cpp with its server.
pub(super) const LLAMA: Library = Library {
    what: What::Pinned("xllamacpp==2026.10.11549"),
    why: "serves a tiny model, as people who run models at home do",
    folder: Host::llama_py,
    programs: &[],
};

/// The engine as researchers use it.
pub(super) const WASMTIME: Library = Library {
    what: What::Pinned("wasmtime==48.0.0"),
    why: "the benchmarks judge answers with it, too",
    folder: Host::wasmtime_py,
    programs: &[],
};

/// Installs it when it is missing, or another version is there.
pub(super) fn ensure(host: &Host, library: &Library) -> Result<()> {
    let folder = (library.folder)(host);
    let stamp = folder.join("made-from.txt");
    let (What::Locked(wanted) | What::Pinned(wanted)) = library.what;
    if fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(());
    }
    match library.what {
        What::Locked(_) => shell::title(&format!("{}: {}", named(library), library.why)),
        What::Pinned(requirement) => shell::title(&format!("{requirement}: {}", library.why)),
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).context(|| format!("create {}", folder.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet"])
        .args([
            "--disable-pip-version-check",
            "--root-user-action",
            "ignore",
        ])
        .args(["--only-binary", ":all:", "--target"])
        .arg(&folder);
    match library.what {
        What::Locked(lock) => {
            let list = folder.join("requirements.txt");
            fs::write(&list, lock).context(|| format!("write {}", list.display()))?;
            pip.args(["--require-hashes", "-r"]).arg(list);
        }
        What::Pinned(requirement) => {
            pip.arg(requirement);
        }
    }
    shell::run(&mut pip)?;
    for (program, module) in library.programs {
        start_with(host, &folder, program, module)?;
    }
    // Last, so that what was interrupted is installed again.
    fs::write(&stamp, wanted).context(|| format!("write {}", stamp.display()))
}

fn named(library: &Library) -> String {
    let names: Vec<&str> = library.programs.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

/// Writes a program among the peers that runs a module of the folder.
fn start_with(host: &Host, folder: &Path, program: &str, module: &str) -> Result<()> {
    let bin = host.tools().join("bin");
    fs::create_dir_all(&bin).context(|| format!("create {}", bin.display()))?;
    let path = bin.join(program);
    let script = format!(
        "#!/bin/sh\nPYTHONPATH='{}' exec python3 -m {module} \"$@\"\n",
        folder.display()
    );
    fs::write(&path, script).context(|| format!("write {}", path.display()))?;
    make_executable(&path)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .context(|| format!("make {} executable", path.display()))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    Ok(())
}
