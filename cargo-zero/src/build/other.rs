//! `kind = "module"`: a file that is WebAssembly already; `kind = "command"`: a command that makes one.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Compiled, tool};
use crate::host::Session;
use crate::report::{Class, Failure};

/// Reads a `.wasm` file, or translates a `.wat` file.
pub(super) fn module(folder: &Path, module: &Path) -> Result<Compiled, Failure> {
    let path = folder.join(module);
    if !path.is_file() {
        return Err(
            Failure::new(Class::NotFound, format!("no module {}", module.display()))
                .hint("correct `module` in Zero.toml; the path is relative to it"),
        );
    }
    let bytes = super::read(&path)?;
    // The path in the message is the one that the manifest has: it is the same on every machine.
    let wasm = wat::Parser::new()
        .parse_bytes(Some(module), &bytes)
        .map_err(|error| {
            let mut text = error.to_string();
            if text.ends_with('\n') {
                text.pop();
            }
            Failure::failed(format!("{} is not WebAssembly", module.display())).details(text)
        })?;
    Ok(Compiled {
        toolchain: if bytes.starts_with(b"\0asm") {
            String::from("prebuilt")
        } else {
            String::from("wat")
        },
        target: String::from("wasm32"),
        wasm: wasm.into_owned(),
        inputs: vec![path],
    })
}

/// Runs the project's own command, then reads what it made.
pub(super) fn command(
    session: &Session,
    folder: &Path,
    command: &[String],
    made: &Path,
    sources: &[PathBuf],
) -> Result<Compiled, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::failed("Zero.toml names no command")
            .hint("[build] command = [\"make\", \"x.wasm\"]"));
    };
    let output = tool::watch(
        session,
        Command::new(program).args(arguments).current_dir(folder),
    )?;
    if !output.status.success() {
        return Err(Failure::failed(format!("`{}` failed", command.join(" ")))
            .hint("correct what it reports above"));
    }
    let mut compiled = module(folder, made)
        .map_err(|failure| failure.cause(format!("`{}` did not make it", command.join(" "))))?;
    if !sources.is_empty() {
        compiled.inputs = sources.iter().map(|source| folder.join(source)).collect();
    }
    compiled.toolchain.clone_from(program);
    Ok(compiled)
}
