//! `kind = "cargo"`: a Rust package, compiled by the user's own cargo for `wasm32-wasip1`.
//!
//! The same sources give the same bytes in every folder: paths are remapped, and what the compiler says about
//! itself is stripped afterwards (see `strip.rs`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Artifact, CrateType, Message, MetadataCommand, TargetKind};

use super::{Compiled, source, tool};
use crate::host::Session;
use crate::report::{Class, Failure};

/// Components are made from it too, so no other target is needed.
const TARGET: &str = "wasm32-wasip1";

/// Compiles the package beside `manifest` (a Cargo.toml).
pub(super) fn compile(
    session: &Session,
    manifest: &Path,
    package: &str,
    flags: &[String],
    locked: bool,
) -> Result<Compiled, Failure> {
    let folder = manifest.parent().unwrap_or(Path::new("."));
    let cargo = session.env.cargo();
    let rustc = rustc(session, folder)?;
    let workspace = workspace(session, &cargo, manifest)?;
    let mut command = Command::new(&cargo);
    command
        .current_dir(folder)
        .args([
            "build",
            "--release",
            "--target",
            TARGET,
            "--message-format=json-render-diagnostics",
        ])
        .arg("--manifest-path")
        .arg(manifest)
        .args(locked.then_some("--locked"))
        .args(session.offline.then_some("--offline"))
        .args(session.output.quiet.then_some("--quiet"))
        .args(flags)
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            rustflags(session, &workspace, &rustc)?,
        )
        .env("RUSTC", &rustc)
        // These would make the bytes depend on who builds.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET");
    let output = tool::watch(session, &mut command)?;
    if !output.status.success() {
        let hint = if locked {
            "correct what cargo reports above; a stale Cargo.lock is renewed by `cargo update --workspace`"
        } else {
            "correct what cargo reports above"
        };
        return Err(Failure::failed("cargo cannot build the package").hint(hint));
    }
    let artifacts: Vec<Artifact> = Message::parse_stream(output.stdout.as_slice())
        .filter_map(|message| match message {
            Ok(Message::CompilerArtifact(artifact)) => Some(artifact),
            _ => None,
        })
        .collect();
    let file = choose(&artifacts, package)?;
    let mut inputs = source::dep_info(&file.with_extension("d"))?;
    inputs.push(manifest.to_owned());
    inputs.push(workspace.join("Cargo.toml"));
    inputs.push(workspace.join("Cargo.lock"));
    Ok(Compiled {
        wasm: super::read(&file)?,
        toolchain: tool::version(&rustc).unwrap_or_else(|| String::from("rustc")),
        target: TARGET.to_owned(),
        inputs,
    })
}

/// The first compiler that has the target's standard library: the user's own, else the distribution's.
fn rustc(session: &Session, folder: &Path) -> Result<PathBuf, Failure> {
    let mut candidates: Vec<PathBuf> = session.env.rustc.iter().map(PathBuf::from).collect();
    candidates.extend(tool::find(&session.env, &["rustc"]));
    candidates.push(PathBuf::from("/usr/bin/rustc"));
    with_target(&candidates, folder)
}

fn with_target(candidates: &[PathBuf], folder: &Path) -> Result<PathBuf, Failure> {
    let mut working = false;
    for candidate in candidates {
        let printed = tool::capture(Command::new(candidate).current_dir(folder).args([
            "--print",
            "target-libdir",
            "--target",
            TARGET,
        ]));
        let Ok(printed) = printed else { continue };
        working = true;
        let libraries = PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim());
        let stocked = std::fs::read_dir(&libraries).is_ok_and(|mut files| files.next().is_some());
        if printed.status.success() && stocked {
            return Ok(candidate.clone());
        }
    }
    if !working {
        return Err(Failure::new(Class::NotFound, "cannot find rustc")
            .hint("install Rust: https://rustup.rs, then `rustup target add wasm32-wasip1`"));
    }
    Err(Failure::new(
        Class::NotFound,
        format!("the Rust compiler cannot build for {TARGET}: the target is not installed"),
    )
    .hint(format!("rustup target add {TARGET}")))
}

/// The root of the Cargo workspace, whose Cargo.lock decides the versions.
fn workspace(session: &Session, cargo: &OsString, manifest: &Path) -> Result<PathBuf, Failure> {
    let mut query = MetadataCommand::new();
    query.cargo_path(cargo).manifest_path(manifest).no_deps();
    if session.offline {
        query.other_options(vec![String::from("--offline")]);
    }
    let metadata = query.exec().map_err(|error| {
        let text = match &error {
            cargo_metadata::Error::CargoMetadata { stderr } => stderr.trim().to_owned(),
            other => other.to_string(),
        };
        Failure::failed(format!("cargo cannot read {}", manifest.display())).details(text)
    })?;
    Ok(metadata.workspace_root.into_std_path_buf())
}

/// Paths of this machine would end up in panic messages; they are replaced by fixed ones.
fn rustflags(session: &Session, workspace: &Path, rustc: &Path) -> Result<OsString, Failure> {
    let sysroot = tool::capture(Command::new(rustc).args(["--print", "sysroot"]))?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot.stdout).trim());
    let mut flags = OsString::new();
    let mut remap = |from: &Path, to: &str| {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    };
    remap(&sysroot, "/rust");
    for home in &session.env.cargo_homes {
        remap(home, "/cargo");
    }
    remap(workspace, "/src");
    Ok(flags)
}

/// The one program or library among what cargo built for wasm.
fn choose(artifacts: &[Artifact], package: &str) -> Result<PathBuf, Failure> {
    let wasm: Vec<(&Artifact, PathBuf)> = artifacts
        .iter()
        .filter(|artifact| {
            artifact.target.is_bin()
                || artifact.target.kind.contains(&TargetKind::CDyLib)
                || artifact.target.crate_types.contains(&CrateType::CDyLib)
        })
        .filter_map(|artifact| {
            let file = artifact
                .filenames
                .iter()
                .find(|file| file.extension() == Some("wasm"))?;
            Some((artifact, file.clone().into_std_path_buf()))
        })
        .collect();
    match wasm.as_slice() {
        [] => Err(
            Failure::failed("the package has neither a program nor a `cdylib` library")
                .hint("add src/main.rs, or `crate-type = [\"cdylib\"]` under [lib] in Cargo.toml"),
        ),
        [(_, file)] => Ok(file.clone()),
        several => several
            .iter()
            .find(|(artifact, _)| artifact.target.name == package)
            .map(|(_, file)| file.clone())
            .ok_or_else(|| {
                let names: Vec<&str> = several
                    .iter()
                    .map(|(artifact, _)| artifact.target.name.as_str())
                    .collect();
                Failure::failed(format!(
                    "the package builds several programs: {}",
                    names.join(", ")
                ))
                .hint(format!(
                    "choose one in Zero.toml: [build] flags = [\"--bin\", \"{}\"]",
                    names.first().unwrap_or(&"NAME")
                ))
            }),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A compiler that says that its libraries are in this folder.
    fn compiler(folder: &Path, name: &str, libraries: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(
            &path,
            format!("#!/bin/sh\necho {}\n", folder.join(libraries).display()),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_missing_target_is_named_with_the_command_that_installs_it() {
        let folder = tempfile::tempdir().unwrap();
        let bare = compiler(folder.path(), "bare", "missing");
        let failure = with_target(&[bare], folder.path()).unwrap_err();
        assert_eq!(failure.hint_text(), Some("rustup target add wasm32-wasip1"));
        let none = with_target(&[folder.path().join("nothing")], folder.path()).unwrap_err();
        assert!(
            none.hint_text()
                .is_some_and(|hint| hint.contains("rustup.rs"))
        );
    }

    #[test]
    fn the_first_compiler_that_has_the_target_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("lib/libstd.rlib"), "").unwrap();
        let candidates = [
            compiler(folder.path(), "bare", "missing"),
            compiler(folder.path(), "full", "lib"),
        ];
        assert_eq!(
            with_target(&candidates, folder.path()).unwrap(),
            candidates[1]
        );
    }
}
