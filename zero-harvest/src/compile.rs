//! One object for each translation unit.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::extract::{Function, Linkage};
use crate::fence::Fence;
use crate::limits::{self, Budget};
use crate::object::{Object, ObjectError};
use crate::process::{self, Watchdog};
use crate::toolchain::Toolchain;

/// Why there is no object.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    /// The compiler crashed, or reached a limit.
    #[error("the compiler crashed, or reached its limit of time or memory")]
    Died,
    /// Files of ours cannot be written, or the compiler not be started.
    #[error("run the compiler")]
    Io(#[from] std::io::Error),
    /// It wrote an object that we cannot read.
    #[error("read the object")]
    Object(#[from] ObjectError),
    /// The source has an error.
    #[error("{0}")]
    Source(String),
    /// Its object is larger than one may be.
    #[error("more than {} bytes of object", limits::OBJECT)]
    TooLarge,
}

/// Options of the release build, as records say them. Assertions are for those who call a function: here the other build
/// tries them.
pub(crate) const RELEASE: [&str; 4] = [
    "-Os",
    NO_ASSERTIONS,
    "-ffunction-sections",
    "-fdata-sections",
];
/// Says that `assert` checks nothing.
pub(crate) const NO_ASSERTIONS: &str = "-DNDEBUG";
/// Options of the build that traps where behaviour is undefined, or an assertion fails.
pub(crate) const CHECKED: [&str; 5] = [
    "-O1",
    "-ffunction-sections",
    "-fdata-sections",
    "-fsanitize=undefined",
    "-fsanitize-trap=all",
];

/// One unit, ready to be compiled.
pub(crate) struct Job<'a> {
    pub(crate) toolchain: &'a Toolchain,
    /// What it sees of this machine.
    pub(crate) fence: &'a Fence,
    /// The repository's folder.
    pub(crate) root: &'a Path,
    /// The source, from there.
    pub(crate) path: &'a str,
    /// The unit's own flags, for this machine.
    pub(crate) flags: &'a [String],
    /// Functions that the object must hold although nothing in the unit needs them from outside.
    pub(crate) keep: &'a [&'a Function],
    /// What it may take.
    pub(crate) budget: Budget,
}

/// Compiles a unit with the options of a build.
pub(crate) fn compile(job: &Job<'_>, options: &[&str]) -> Result<Object, CompileError> {
    let folder = tempfile::tempdir_in(job.fence.folder())?;
    let (source, object) = (folder.path().join("unit.c"), folder.path().join("unit.o"));
    std::fs::write(&source, wrapper(job))?;
    let mut command = clang(job.toolchain, job.fence);
    command
        .current_dir(folder.path())
        .args(options)
        .args(["-g", "-c", "-o"])
        .arg(&object)
        .args(job.flags)
        .arg("unit.c");
    // The same object wherever the repository and our own files lie.
    for prefix in [job.root, folder.path(), &job.fence.headers()] {
        command.arg(format!("-ffile-prefix-map={}=.", prefix.display()));
    }
    if let Err(error) = run(&mut command, job.budget) {
        // A full disk is no fault of the source.
        std::fs::write(&object, vec![0; limits::PROBE])?;
        return Err(error);
    }
    if std::fs::metadata(&object)?.len() > limits::OBJECT {
        return Err(CompileError::TooLarge);
    }
    Ok(Object::parse(&std::fs::read(&object)?)?)
}

/// The compiler behind a fence.
pub(crate) fn clang(toolchain: &Toolchain, fence: &Fence) -> Command {
    let mut command = Command::new(&toolchain.clang);
    command
        .args(toolchain.language())
        .args(fence.arguments())
        // A crash must not leave the source in the folder of temporary files.
        .arg("-fno-crash-diagnostics");
    command
}

/// The source, and references to its static functions: one that is inlined everywhere would be missing, and one that is
/// always called with the same argument would have lost its parameter.
fn wrapper(job: &Job<'_>) -> String {
    let path = job.root.join(job.path);
    let path = path
        .to_string_lossy()
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    let mut text = format!("#include \"{path}\"\n");
    for function in job.keep {
        if function.linkage == Linkage::Inline {
            let _ = writeln!(text, "extern __typeof__({0}) {0};", function.name);
        }
    }
    let kept: Vec<&str> = job
        .keep
        .iter()
        .filter(|function| function.linkage != Linkage::External)
        .map(|function| function.name.as_str())
        .collect();
    if !kept.is_empty() {
        text += "__attribute__((used)) static const void *const zero_harvest_keep[] = {\n";
        for name in kept {
            let _ = writeln!(text, "(const void *){name},");
        }
        text += "};\n";
    }
    text
}

/// Runs a compiler or linker to its end, or to its limits.
pub(crate) fn run(command: &mut Command, budget: Budget) -> Result<(), CompileError> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    process::limit(&child, budget.memory, limits::OBJECT);
    let watchdog = Watchdog::new(&child, budget.time);
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // A compiler that has much to say must not fill our memory, nor wait for us.
        let mut stderr = stderr;
        let _ = (&mut stderr)
            .take(limits::COMPILER_OUTPUT)
            .read_to_end(&mut said);
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    }
    let late = watchdog.call_off();
    let status = child.wait()?;
    match status.code() {
        Some(0) => Ok(()),
        Some(1) if !late => Err(CompileError::Source(first_error(&said))),
        _ if process::wrote_too_much(status) => Err(CompileError::TooLarge),
        _ => Err(CompileError::Died),
    }
}

/// The compiler's first error, without the folders of this machine.
fn first_error(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let line = said
        .lines()
        .find(|line| line.contains("error:"))
        .unwrap_or("it does not compile");
    let (place, text) = line.split_once(": ").unwrap_or(("", line));
    let file = place.rsplit('/').next().unwrap_or_default();
    format!("{file}: {text}")
        .trim_start_matches(": ")
        .to_owned()
}
