//! `kind = "clang"`: C sources, compiled by clang against wasi-libc.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasmparser::{KnownCustom, Linking, Parser, Payload, SymbolInfo};

use super::{Compiled, source, tool};
use crate::host::Session;
use crate::report::{Class, Failure};

const COMPILERS: [&str; 6] = [
    "clang", "clang-22", "clang-21", "clang-20", "clang-19", "clang-18",
];
const LINKERS: [&str; 6] = [
    "wasm-ld",
    "wasm-ld-22",
    "wasm-ld-21",
    "wasm-ld-20",
    "wasm-ld-19",
    "wasm-ld-18",
];
const PACKAGES: &str = "apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32";
/// What wasi-libc and clang make of `main`.
const ENTRIES: [&str; 4] = ["__main_argc_argv", "__main_void", "__original_main", "main"];

/// Compiles each source to an object, then links: as a command if one defines `main`, else as a library.
pub(super) fn compile(
    session: &Session,
    folder: &Path,
    sources: &[PathBuf],
    flags: &[String],
) -> Result<Compiled, Failure> {
    if sources.is_empty() {
        return Err(Failure::failed("Zero.toml names no C source")
            .hint("[build] sources = [\"src/main.c\"]"));
    }
    let clang = tool::find(&session.env, &COMPILERS).ok_or_else(|| missing("clang"))?;
    tool::find(&session.env, &LINKERS).ok_or_else(|| missing("wasm-ld"))?;
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::failed("cannot make a temporary folder").because(&error))?;
    let mut inputs = Vec::new();
    let mut objects = Vec::new();
    let mut command = false;
    for (index, path) in sources.iter().enumerate() {
        if !folder.join(path).is_file() {
            return Err(Failure::new(
                Class::NotFound,
                format!("no source file {}", path.display()),
            )
            .hint("correct `sources` in Zero.toml; paths are relative to it"));
        }
        let object = scratch.path().join(format!("{index}.o"));
        let dependencies = scratch.path().join(format!("{index}.d"));
        let mut compile = base(&clang, folder);
        compile
            .args(["-c", "-MMD", "-MF"])
            .arg(&dependencies)
            .args(flags)
            .arg(path)
            .arg("-o")
            .arg(&object);
        run(
            session,
            &mut compile,
            &format!("cannot compile {}", path.display()),
        )?;
        inputs.extend(
            source::dep_info(&dependencies)?
                .into_iter()
                .map(|input| folder.join(input)),
        );
        command |= defines_main(&super::read(&object)?)?;
        objects.push(object);
    }
    // Headers of the system belong to the toolchain, not to the sources.
    inputs.retain(|input| !input.starts_with("/usr"));
    let linked = scratch.path().join("linked.wasm");
    let mut link = base(&clang, folder);
    link.args(&objects).args(flags).arg("-o").arg(&linked);
    if !command {
        link.arg("-mexec-model=reactor");
    }
    run(session, &mut link, "cannot link the program")?;
    Ok(Compiled {
        wasm: super::read(&linked)?,
        toolchain: tool::version(&clang).unwrap_or_else(|| String::from("clang")),
        target: String::from("wasm32-wasi"),
        inputs,
    })
}

/// Clang for wasi, blind to the headers of the machine that it runs on, and silent about its folders.
fn base(clang: &Path, folder: &Path) -> Command {
    let mut remap = OsString::from("-ffile-prefix-map=");
    remap.push(folder);
    remap.push("=/src");
    let mut command = Command::new(clang);
    command
        .current_dir(folder)
        .arg("--target=wasm32-wasi")
        .arg(remap);
    // Debian's layout; a wasi-sdk clang brings its own sysroot and needs nothing.
    if Path::new("/usr/include/wasm32-wasi").is_dir() {
        command.args([
            "--sysroot=/usr",
            "-nostdlibinc",
            "-isystem",
            "/usr/include/wasm32-wasi",
        ]);
    }
    command
}

fn run(session: &Session, command: &mut Command, what: &str) -> Result<(), Failure> {
    session.output.detail(&format!("running {command:?}"));
    let output = tool::capture(command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        if !said.trim().is_empty() {
            session.output.note(said.trim_end());
        }
        return Ok(());
    }
    let failure = Failure::failed(what).details(said.trim_end());
    let incomplete = ["file not found", "unable to find", "cannot open"]
        .iter()
        .any(|text| said.contains(text))
        && [
            "libc",
            "libclang_rt",
            "crt1",
            "stdio.h",
            "stdlib.h",
            "string.h",
        ]
        .iter()
        .any(|text| said.contains(text));
    Err(if incomplete {
        failure.hint(PACKAGES)
    } else {
        failure
    })
}

fn missing(tool: &str) -> Failure {
    Failure::new(
        Class::NotFound,
        format!("cannot find {tool}, which compiles C to WebAssembly"),
    )
    .hint(PACKAGES)
}

/// Whether an object file defines the entry of a command.
fn defines_main(object: &[u8]) -> Result<bool, Failure> {
    let failed =
        |error| Failure::failed("cannot read the object file that clang wrote").because(&error);
    for payload in Parser::new(0).parse_all(object) {
        let Payload::CustomSection(section) = payload.map_err(failed)? else {
            continue;
        };
        let KnownCustom::Linking(linking) = section.as_known() else {
            continue;
        };
        for entry in linking {
            let Linking::SymbolTable(symbols) = entry.map_err(failed)? else {
                continue;
            };
            for symbol in symbols {
                if let SymbolInfo::Func {
                    flags,
                    name: Some(name),
                    ..
                } = symbol.map_err(failed)?
                {
                    let defined = !flags.contains(wasmparser::SymbolFlags::UNDEFINED);
                    if defined && ENTRIES.contains(&name) {
                        return Ok(true);
                    }
                }
            }
        }
    }
    Ok(false)
}
