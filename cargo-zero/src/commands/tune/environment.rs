//! The project's files, a Python to run them, and the packages that training needs.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use zero_format::Digest;
use zero_model::tune;

use crate::host::Session;
use crate::report::{Class, Failure, human_size};
use crate::write;

/// The oldest Python that the project and the packages of its lock file support.
const OLDEST: (u32, u32) = (3, 11);
/// What the packages take, with what is needed while they are installed.
const PACKAGES: u64 = 12 << 30;
/// Written last into an environment.
const STAMP: &str = "complete";
/// Lines of a failed installation that are worth showing.
const SHOWN: usize = 12;

/// Writes the project's files below the cache, once for each version of them.
pub(super) fn unpack(session: &Session) -> Result<PathBuf, Failure> {
    let digest = short(tune::FILES.iter().flat_map(|(path, text)| [*path, *text]));
    let folder = session
        .home
        .cache_dir()
        .join("tune")
        .join(format!("project-{digest}"));
    for (path, text) in tune::FILES {
        let file = folder.join(path);
        // Cheap, and repairs what a cleaner or an interrupted run left.
        if fs::read(&file).ok().as_deref() != Some(text.as_bytes()) {
            write::replace(&file, text.as_bytes())?;
        }
    }
    Ok(folder)
}

/// A Python interpreter.
#[derive(Debug)]
pub(super) struct Python {
    /// The program.
    pub(super) program: PathBuf,
    /// `uv`, where it is installed.
    uv: Option<PathBuf>,
    version: (u32, u32),
}

impl Python {
    /// The one that the user names, or the first one on `PATH` that is new enough.
    pub(super) fn find(session: &Session, named: Option<&Path>) -> Result<Self, Failure> {
        let uv = on_path(session, "uv");
        if let Some(named) = named {
            let version = version(named).ok_or_else(|| {
                Failure::new(Class::NotFound, format!("{} is no Python", named.display()))
                    .hint("--python with the program's file, such as venv/bin/python")
            })?;
            let found = Self {
                program: named.to_path_buf(),
                uv,
                version,
            };
            return found.checked();
        }
        let mut oldest = None;
        for name in [
            "python3",
            "python",
            "python3.13",
            "python3.12",
            "python3.11",
        ] {
            let Some(program) = on_path(session, name) else {
                continue;
            };
            if let Some(version) = version(&program) {
                let found = Self {
                    program,
                    uv: uv.clone(),
                    version,
                };
                if version >= OLDEST {
                    return Ok(found);
                }
                oldest.get_or_insert(found);
            }
        }
        if let Some(program) = uv.as_deref().and_then(python_of_uv)
            && let Some(version) = version(&program)
        {
            return Self {
                program,
                uv,
                version,
            }
            .checked();
        }
        match oldest {
            Some(found) => found.checked(),
            None => Err(Failure::new(Class::NotFound, "there is no Python on PATH").hint(
                "install Python 3.11 or newer (Debian: apt install python3 python3-venv; or `uv python install 3.12`), or \
                 name one with --python",
            )),
        }
    }

    fn checked(self) -> Result<Self, Failure> {
        let (major, minor) = self.version;
        if self.version >= OLDEST {
            return Ok(self);
        }
        Err(Failure::new(
            Class::NotFound,
            format!(
                "{} is Python {major}.{minor}; {}.{} is the oldest that works",
                self.program.display(),
                OLDEST.0,
                OLDEST.1
            ),
        )
        .hint("install a newer one, or name one with --python"))
    }

    /// Where the environment of this Python and the lock file is or will be.
    pub(super) fn folder(&self, session: &Session) -> PathBuf {
        let (major, minor) = self.version;
        let digest = short([tune::LOCK]);
        session
            .home
            .cache_dir()
            .join("tune")
            .join(format!("packages-{digest}-{major}.{minor}"))
    }

    /// The same Python with the packages, installed if they are not there.
    pub(super) fn with_packages(self, session: &Session, project: &Path) -> Result<Self, Failure> {
        let folder = self.folder(session);
        if !is_complete(&folder) {
            let _alone = alone(session, &folder)?;
            // Whoever was waited for may have done it.
            if !is_complete(&folder) {
                self.install(session, project, &folder)?;
            }
        }
        Ok(Self {
            program: program_in(&folder),
            ..self
        })
    }

    fn install(&self, session: &Session, project: &Path, folder: &Path) -> Result<(), Failure> {
        if session.offline {
            return Err(Failure::failed(
                "the Python packages are not installed, and --offline forbids to fetch them",
            )
            .hint("run it once without --offline, or name a Python that has them with --python"));
        }
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| write::cannot_write(folder, &error))?;
        }
        fs::create_dir_all(folder).map_err(|error| write::cannot_write(folder, &error))?;
        self.enough_space(folder)?;
        session.output.note(
            "installing torch and other packages, 6 GB, once: this takes minutes and uses the package index",
        );
        let step = session.output.step("installing packages");
        let lock = project.join("locks/train.txt");
        for mut command in self.installation(folder, &lock) {
            finished(&mut command)?;
        }
        drop(step);
        write::replace(&folder.join(STAMP), b"")
    }

    fn installation(&self, folder: &Path, lock: &Path) -> [Command; 2] {
        let python = program_in(folder);
        if let Some(uv) = &self.uv {
            let mut venv = Command::new(uv);
            venv.args(["venv", "--quiet", "--allow-existing", "--python"])
                .arg(&self.program)
                .arg(folder);
            let mut packages = Command::new(uv);
            packages
                .args(["pip", "sync", "--quiet", "--require-hashes", "--python"])
                .arg(python)
                .arg(lock);
            return [venv, packages];
        }
        let mut venv = isolated(&self.program);
        venv.args(["-m", "venv"]).arg(folder);
        let mut packages = isolated(&python);
        packages
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--require-hashes", "-r"])
            .arg(lock);
        [venv, packages]
    }

    /// Refuses before gigabytes are fetched in vain.
    fn enough_space(&self, folder: &Path) -> Result<(), Failure> {
        let script = "import shutil, sys; print(shutil.disk_usage(sys.argv[1]).free)";
        let output = isolated(&self.program)
            .args(["-c", script])
            .arg(folder)
            .output();
        let free = output.ok().and_then(|output| {
            String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse::<u64>()
                .ok()
        });
        match free {
            Some(free) if free < PACKAGES => Err(Failure::failed(format!(
                "the Python packages need {}, and there are {} free where {} is",
                human_size(PACKAGES),
                human_size(free),
                folder.display()
            ))
            .hint("free some space, set ZERO_HOME to a larger disk, or name a Python that has the packages with --python")),
            _ => Ok(()),
        }
    }
}

fn is_complete(folder: &Path) -> bool {
    folder.join(STAMP).is_file()
}

/// A lock beside the environment until it is dropped: an installation removes what an interrupted one left, and must not
/// take one under way for that.
fn alone(session: &Session, folder: &Path) -> Result<File, Failure> {
    let mut name = folder.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let cannot = |error: &std::io::Error| write::cannot_write(&path, error);
    let file = File::create(&path).map_err(|error| cannot(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            session
                .output
                .note("another `tune` is installing the packages: waiting for it");
            file.lock().map_err(|error| cannot(&error))?;
        }
        Err(TryLockError::Error(error)) => return Err(cannot(&error)),
    }
    Ok(file)
}

/// Python without the current folder, the user's packages and variables of its own: a `venv.py` that lies where this
/// program was started must not run.
fn isolated(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("-I");
    // `-I` is not for the interpreters that pip and venv start in turn.
    command.env("PYTHONSAFEPATH", "1");
    command
}

fn finished(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::failed(format!("cannot start {program}")).because(&error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::failed("the Python packages cannot be installed")
        .cause(format!("{program}: {}", output.status))
        .details(last_lines(&output))
        .hint("see what it says; Debian keeps `venv` in the package python3-venv. --python takes an environment of your own"))
}

fn last_lines(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN)..].join("\n")
}

/// Major and minor version; `None` if this is no Python.
fn version(program: &Path) -> Option<(u32, u32)> {
    let script = "import sys; print(*sys.version_info[:2])";
    let output = isolated(program)
        .args(["-c", script])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// One that uv manages, without fetching any.
fn python_of_uv(uv: &Path) -> Option<PathBuf> {
    let request = format!(">={}.{}", OLDEST.0, OLDEST.1);
    let output = Command::new(uv)
        // `--system`: not the `.venv` that lies where this program was started.
        .args(["python", "find", "--offline", "--system"])
        .arg(request)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim()))
}

fn on_path(session: &Session, name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = session.env.path.as_deref().unwrap_or(OsStr::new(""));
    std::env::split_paths(path)
        .map(|folder| folder.join(&file))
        .find(|file| file.is_file())
}

fn program_in(folder: &Path) -> PathBuf {
    if cfg!(windows) {
        folder.join("Scripts").join("python.exe")
    } else {
        folder.join("bin").join("python")
    }
}

fn short<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut whole = Vec::new();
    for text in texts {
        whole.extend_from_slice(text.as_bytes());
        whole.push(0);
    }
    let mut name = Digest::of(&whole).to_string();
    name.truncate(16);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python() -> Python {
        Python {
            program: PathBuf::from("python3"),
            uv: None,
            version: OLDEST,
        }
    }

    #[test]
    fn every_python_of_an_installation_is_isolated() {
        for command in python().installation(Path::new("folder"), Path::new("lock")) {
            assert_eq!(command.get_args().next(), Some(OsStr::new("-I")));
        }
    }

    /// Where there is no Python, there is nothing to attack.
    #[test]
    fn a_module_in_the_current_folder_does_not_run() {
        let here = tempfile::tempdir().unwrap();
        for name in ["venv.py", "pip.py", "shutil.py", "sitecustomize.py"] {
            let attack = "open('attacked', 'w').close()\n";
            fs::write(here.path().join(name), attack).unwrap();
        }
        let folder = here.path().join("environment");
        let mut commands = python()
            .installation(&folder, Path::new("lock"))
            .into_iter()
            .collect::<Vec<_>>();
        let mut space = isolated(Path::new("python3"));
        space.args(["-c", "import shutil"]);
        commands.push(space);
        for command in &mut commands {
            command.current_dir(here.path()).env("PYTHONPATH", ".");
            let _ = command.output();
            assert!(!here.path().join("attacked").exists(), "{command:?}");
        }
    }
}
