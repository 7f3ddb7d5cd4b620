//! The edge: environment, clock, terminal, randomness and directories are read here, once, and passed on.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use zrun::{Home, Secret};

use crate::cli::Global;
use crate::report::{Class, Failure, Output};

/// The variables that Zero reads, and those that find the compilers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// `ZERO_REGISTRY`: what `--registry` is when it is not given.
    pub(crate) registry: Option<String>,
    /// `ZERO_KEY`: the name or file of the signing key.
    pub(crate) key: Option<String>,
    /// `ZERO_KEY_PASSWORD`: opens it without a prompt.
    pub(crate) key_password: Option<String>,
    /// `ZERO_MODEL_URL`: what `--model` is when it is not given.
    pub(crate) model_url: Option<String>,
    /// `ZERO_MODEL_KEY`: proves to the model's server that we may ask.
    pub(crate) model_key: Option<String>,
    /// `AWS_…`, `GOOGLE_…`, `AZURE_…`: what the tools of object stores read.
    pub(crate) stores: Vec<(String, String)>,
    /// `NO_COLOR` is set.
    pub(crate) no_color: bool,
    /// `CARGO`: the cargo that called us.
    pub(crate) cargo: Option<OsString>,
    /// `RUSTC`: the compiler that the user wants.
    pub(crate) rustc: Option<OsString>,
    /// `PATH`, to find tools on it.
    pub(crate) path: Option<OsString>,
    /// Where cargo keeps the sources of dependencies: `CARGO_HOME`, else `.cargo` in the home folder.
    pub(crate) cargo_homes: Vec<PathBuf>,
}

impl Environment {
    /// The variables of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub(crate) fn read() -> Self {
        let text = |name| {
            env::var(name)
                .ok()
                .filter(|value: &String| !value.is_empty())
        };
        let path = |name| env::var_os(name).filter(|value| !value.is_empty());
        Self {
            registry: text("ZERO_REGISTRY"),
            key: text("ZERO_KEY"),
            // An empty password is a password.
            key_password: env::var("ZERO_KEY_PASSWORD").ok(),
            model_url: text("ZERO_MODEL_URL"),
            model_key: text("ZERO_MODEL_KEY"),
            stores: stores(),
            no_color: path("NO_COLOR").is_some(),
            cargo: path("CARGO"),
            rustc: path("RUSTC"),
            path: path("PATH"),
            cargo_homes: path("CARGO_HOME")
                .map(PathBuf::from)
                .or_else(|| {
                    path("HOME")
                        .or_else(|| path("USERPROFILE"))
                        .map(|home| PathBuf::from(home).join(".cargo"))
                })
                .into_iter()
                .collect(),
        }
    }
}

fn stores() -> Vec<(String, String)> {
    let theirs = |name: &str| {
        ["AWS_", "GOOGLE_", "AZURE_"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| theirs(name))
        .collect()
}

impl Environment {
    /// The cargo to call.
    pub(crate) fn cargo(&self) -> OsString {
        self.cargo
            .clone()
            .unwrap_or_else(|| OsString::from("cargo"))
    }
}

/// Everything around one command.
#[derive(Debug)]
pub(crate) struct Session {
    /// How to tell the user.
    pub(crate) output: Output,
    /// The variables.
    pub(crate) env: Environment,
    /// The user's state.
    pub(crate) home: Home,
    /// Seconds since 1970, read once.
    pub(crate) now: u64,
    /// A person sits at standard input and error.
    pub(crate) interactive: bool,
    /// `--registry`, or the variable.
    pub(crate) registry: Option<String>,
    /// `--offline`.
    pub(crate) offline: bool,
    /// `--manifest-path`.
    pub(crate) manifest_path: Option<PathBuf>,
}

impl Session {
    /// Reads clock, terminal and directories.
    pub(crate) fn open(global: &Global, env: Environment, output: Output) -> Result<Self, Failure> {
        let home = Home::locate(&variable).map_err(|error| {
            Failure::failed("cannot find the folder for keys and settings")
                .because(&error)
                .hint_if(error.hint())
        })?;
        home.check().map_err(|error| {
            Failure::new(Class::Untrusted, format!("failed to {error}")).hint_if(error.hint())
        })?;
        Ok(Self {
            output,
            home,
            now: now(),
            interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            registry: global.registry.clone().or_else(|| env.registry.clone()),
            offline: global.offline,
            manifest_path: global.manifest_path.clone(),
            env,
        })
    }

    /// The user's secret, which opens and seals what is kept in the home.
    pub(crate) fn secret(&self) -> Result<Secret, Failure> {
        self.home.secret().map_err(|error| {
            Failure::failed("cannot use the home")
                .because(&error)
                .hint_if(error.hint())
        })
    }

    /// Asks a question whose answer is no unless the user types y.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        Ok(matches!(
            self.ask(&format!("{question} [y/N] "))?.as_str(),
            "y" | "Y" | "yes"
        ))
    }

    /// Asks a question and reads one line. Fails without a terminal.
    pub(crate) fn ask(&self, question: &str) -> Result<String, Failure> {
        if !self.interactive {
            return Err(Failure::new(Class::Denied, "a question needs a terminal"));
        }
        self.output.question(question);
        let mut line = String::new();
        io::stdin()
            .read_line(&mut line)
            .map_err(|error| Failure::failed("cannot read the answer").because(&error))?;
        Ok(line.trim().to_owned())
    }

    /// The password of an existing key: the variable, or a prompt.
    pub(crate) fn password(&self, prompt: &str) -> Result<String, Failure> {
        if let Some(password) = &self.env.key_password {
            return Ok(password.clone());
        }
        self.prompt_password(prompt)
    }

    /// A new password: the variable, or a prompt, twice.
    pub(crate) fn new_password(&self, prompt: &str) -> Result<String, Failure> {
        if let Some(password) = &self.env.key_password {
            return Ok(password.clone());
        }
        self.ask_new_password(prompt)
    }

    /// A new password from a prompt, twice, whatever the variable says.
    pub(crate) fn ask_new_password(&self, prompt: &str) -> Result<String, Failure> {
        let first = self.prompt_password(prompt)?;
        if first.is_empty() {
            return Err(Failure::usage("an empty password protects nothing")
                .hint("choose a password, or say `--no-password`"));
        }
        if self.prompt_password("The same password again: ")? != first {
            return Err(Failure::failed("the two passwords differ").hint("try again"));
        }
        Ok(first)
    }

    fn prompt_password(&self, prompt: &str) -> Result<String, Failure> {
        if !self.interactive {
            return Err(
                Failure::failed("a password is needed and there is no terminal to ask at")
                    .hint("set ZERO_KEY_PASSWORD"),
            );
        }
        rpassword::prompt_password(prompt)
            .map_err(|error| Failure::failed("cannot read the password").because(&error))
    }
}

/// One variable of the environment, for grants that name it.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Bytes from the system's random source.
pub(crate) fn entropy<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::failed("cannot read random bytes from the system").because(&error)
    })?;
    Ok(bytes)
}

/// Writes a document (man page, completions) or a program's result to standard output.
pub(crate) fn stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed("cannot write to standard output").because(&error))
        }
        _ => Ok(()),
    }
}
