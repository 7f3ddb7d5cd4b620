//! The arguments of `run` and `zrun`: one definition for both commands (spec/capabilities.md, "Grants").

mod values;

pub use values::{DenyHttpFlag, DenyNetFlag, FsFlag, HttpFlag, NetFlag, parse_age, parse_size};
pub(crate) use values::{parse_count, parse_duration};

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::deterministic::DETERMINISTIC_FUEL;
use crate::engine::EngineOptions;
use crate::exit;
use crate::limits::{Ceiling, Limits, least};
use crate::policy::{self, Answers, Asked, PolicyError, Refusal, Rule};

/// What the user allows, denies and limits for one run.
#[derive(Args, Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct GrantArgs {
    /// Let the program use a file or directory [repeatable]
    #[arg(long, value_name = "PATH[:ro|:rw][=GUEST]", help_heading = "Grants")]
    pub allow_fs: Vec<FsFlag>,
    /// Let the program connect to a host, an address or a network [repeatable]
    #[arg(long, value_name = "HOST[:PORT]|CIDR", help_heading = "Grants")]
    pub allow_net: Vec<NetFlag>,
    /// Let the program send HTTP requests, with any method or those named [repeatable]
    #[arg(long, value_name = "[METHODS ]URL", help_heading = "Grants")]
    pub allow_http: Vec<HttpFlag>,
    /// Let the program see an environment variable [repeatable]
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Grants")]
    pub allow_env: Vec<String>,
    /// Let the program read the wall clock and the monotonic clock
    #[arg(long, help_heading = "Grants")]
    pub allow_clock: bool,
    /// Let the program draw random numbers
    #[arg(long, help_heading = "Grants")]
    pub allow_random: bool,
    /// Allow all that the package declares
    #[arg(long, help_heading = "Grants")]
    pub allow_declared: bool,
    /// Deny all files, or only those named as arguments (`args`)
    #[arg(long, value_name = "args", value_parser = ["", "args"], num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Grants")]
    pub deny_fs: Vec<String>,
    /// Deny the network, HTTP included, or one host, address or network [repeatable]
    #[arg(long, value_name = "HOST[:PORT]|CIDR", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Grants")]
    pub deny_net: Vec<DenyNetFlag>,
    /// Deny all HTTP requests, or those to a URL [repeatable]
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Grants")]
    pub deny_http: Vec<DenyHttpFlag>,
    /// Deny all environment variables, or one [repeatable]
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Grants")]
    pub deny_env: Vec<String>,
    /// Deny the clocks
    #[arg(long, help_heading = "Grants")]
    pub deny_clock: bool,
    /// Deny random numbers
    #[arg(long, help_heading = "Grants")]
    pub deny_random: bool,
    /// Take grants, refusals and limits from a TOML file as well
    #[arg(long, value_name = "FILE", help_heading = "Grants")]
    pub policy: Option<PathBuf>,
    /// Trap when the program uses what it was not granted, instead of returning an error to it
    #[arg(long, help_heading = "Grants")]
    pub strict: bool,

    /// Bytes of memory [default: the package's, else 1 GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Limits")]
    pub limit_memory: Option<u64>,
    /// Wall time [default: the package's, else 1 h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = "Limits")]
    pub limit_time: Option<Duration>,
    /// Units of work, about one for each instruction [default: the package's, else no limit]
    #[arg(long, value_name = "UNITS", value_parser = parse_count, help_heading = "Limits")]
    pub limit_fuel: Option<u64>,
    /// Bytes written to stdout and stderr together [default: the package's, else 4 GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Limits")]
    pub limit_output: Option<u64>,
    /// Bytes written to files [default: the package's, else 4 GiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Limits")]
    pub limit_write: Option<u64>,
    /// Files, sockets and streams open at the same time [default: the package's, else 1000]
    #[arg(long, value_name = "NUMBER", value_parser = parse_count, help_heading = "Limits")]
    pub limit_handles: Option<u64>,
}

/// Why flags and policy file together make no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// Something of a kind is granted, and all of it refused.
    #[error("obey both --allow-{kind} and --deny-{kind}")]
    Contradiction {
        /// The kind.
        kind: &'static str,
    },
    /// The policy file cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl GrantError {
    /// The mistakes in the policy file with their lines, for a person.
    pub fn details(&self) -> Option<String> {
        match self {
            Self::Contradiction { .. } => None,
            Self::Policy(error) => error.details(),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Contradiction { kind } => Some(format!(
                "--deny-{kind} refuses every use, whatever is granted: leave one of the two out"
            )),
            Self::Policy(error) => error.hint(),
        }
    }

    /// The exit code that stands for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Contradiction { .. } => exit::USAGE,
            Self::Policy(error) => error.exit_code(),
        }
    }
}

/// The command line after `zrun`, or after `cargo zero run`.
#[derive(Args, Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct RunArgs {
    /// Grants and limits.
    #[command(flatten)]
    pub grants: GrantArgs,
    /// Call one export with the arguments that follow, instead of starting the program; `--help` as its argument shows
    /// how, and `--invoke=` without a name what can be called
    #[arg(long, value_name = "EXPORT", num_args = 0..=1, default_missing_value = "")]
    pub invoke: Option<String>,
    /// Report what your own project really uses as a change of its Zero.toml; `add` and `write` make the change
    #[arg(long, value_name = "show|add|write", num_args = 0..=1, require_equals = true, default_missing_value = "show", hide_possible_values = true, conflicts_with_all = ["locked", "update"])]
    pub learn: Option<LearnMode>,
    /// Make clocks, random numbers and all else that depends on chance the same in every run
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    pub deterministic: Option<u64>,
    /// Append what the program does with its rights to a file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// Use no network
    #[arg(long)]
    pub offline: bool,
    /// Use exactly the version in the project's Zero.lock; outside of projects the one that was used before
    #[arg(long)]
    pub locked: bool,
    /// Ask the registry for a newer version, and lock that
    #[arg(long, conflicts_with_all = ["offline", "locked"])]
    pub update: bool,
    /// Choose only releases that have been published for so long, such as `3d` [default: the registry's setting]
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub min_age: Option<Duration>,
    /// The registry to ask: a configured name, a directory or a URL
    #[arg(long, value_name = "NAME|DIR|URL")]
    pub registry: Option<String>,
    /// Print errors as JSON
    #[arg(long)]
    pub json: bool,
    /// Print errors only
    #[arg(short, long)]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
    /// The package or file, and the program's own arguments
    #[arg(
        value_name = "PKG[@REQ]|FILE.zero [ARGS]",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub command: Vec<OsString>,
}

/// What `--learn` does with what it learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LearnMode {
    /// Adds to Zero.toml what is missing.
    Add,
    /// Shows the change.
    Show,
    /// Makes Zero.toml declare exactly what was used.
    Write,
}

impl RunArgs {
    /// The same with what its policy file says; see [`GrantArgs::resolved`].
    ///
    /// # Errors
    /// As [`GrantArgs::resolved`].
    pub fn resolved(mut self) -> Result<Self, GrantError> {
        self.grants = self.grants.resolved()?;
        Ok(self)
    }

    /// The limits of a run of a package that declares these.
    pub fn limits(&self, declared: &zero_format::Limits) -> Limits {
        let mut limits = Limits::of(declared, &self.grants.ceiling());
        if self.deterministic.is_some() {
            limits.fuel.get_or_insert(DETERMINISTIC_FUEL);
        }
        limits
    }

    /// How the code of such a package is compiled. The process ends with the program, so nothing has to be able to
    /// interrupt it; both commands use the same code.
    pub fn engine(&self, declared: &zero_format::Limits) -> EngineOptions {
        EngineOptions {
            interruptible: false,
            fuel: self.limits(declared).fuel.is_some(),
            deterministic: self.deterministic.is_some(),
            ..EngineOptions::default()
        }
    }

    /// The package or file, and the program's arguments: a first `--` among them is dropped.
    pub fn split(&self) -> (Option<&OsString>, &[OsString]) {
        let Some((target, rest)) = self.command.split_first() else {
            return (None, &[]);
        };
        match rest.split_first() {
            Some((first, rest)) if first == "--" => (Some(target), rest),
            _ => (Some(target), rest),
        }
    }
}

impl GrantArgs {
    /// The flags and the policy file together: grants and refusals of both, the lower of two limits.
    ///
    /// # Errors
    /// When flags contradict each other, or the policy file cannot be read.
    pub fn resolved(self) -> Result<Self, GrantError> {
        self.consistent()?;
        let Some(path) = &self.policy else {
            return Ok(self);
        };
        let mut all = policy::load(path)?;
        all.allow_fs.extend(self.allow_fs);
        all.allow_net.extend(self.allow_net);
        all.allow_http.extend(self.allow_http);
        all.allow_env.extend(self.allow_env);
        all.deny_fs.extend(self.deny_fs);
        all.deny_net.extend(self.deny_net);
        all.deny_http.extend(self.deny_http);
        all.deny_env.extend(self.deny_env);
        all.allow_clock |= self.allow_clock;
        all.allow_random |= self.allow_random;
        all.allow_declared |= self.allow_declared;
        all.deny_clock |= self.deny_clock;
        all.deny_random |= self.deny_random;
        all.strict |= self.strict;
        all.limit_memory = least(all.limit_memory, self.limit_memory);
        all.limit_time = least(all.limit_time, self.limit_time);
        all.limit_fuel = least(all.limit_fuel, self.limit_fuel);
        all.limit_output = least(all.limit_output, self.limit_output);
        all.limit_write = least(all.limit_write, self.limit_write);
        all.limit_handles = least(all.limit_handles, self.limit_handles);
        Ok(all)
    }

    /// On one command line, granting something of a kind and refusing all of it is a mistake. A policy file may well
    /// refuse what a flag grants: the refusal wins.
    fn consistent(&self) -> Result<(), GrantError> {
        let whole = |deny: &[String]| deny.iter().any(String::is_empty);
        let pairs = [
            ("fs", !self.allow_fs.is_empty(), whole(&self.deny_fs)),
            (
                "net",
                !self.allow_net.is_empty(),
                self.deny_net.contains(&DenyNetFlag(None)),
            ),
            (
                "http",
                !self.allow_http.is_empty(),
                self.deny_http.contains(&DenyHttpFlag(None)),
            ),
            ("env", !self.allow_env.is_empty(), whole(&self.deny_env)),
            ("clock", self.allow_clock, self.deny_clock),
            ("random", self.allow_random, self.deny_random),
        ];
        match pairs.iter().find(|(_, allow, deny)| *allow && *deny) {
            Some((kind, ..)) => Err(GrantError::Contradiction { kind }),
            None => Ok(()),
        }
    }

    /// What the flags ask for, for the policy to decide on.
    pub fn asked(&self) -> Asked {
        let mut allow = Vec::new();
        for FsFlag {
            host,
            guest,
            access,
        } in self.allow_fs.iter().cloned()
        {
            allow.push(Rule::Fs {
                host,
                guest,
                access,
            });
        }
        for NetFlag { host, port } in self.allow_net.iter().cloned() {
            allow.push(Rule::Net { host, port });
        }
        for HttpFlag { url, methods } in self.allow_http.iter().cloned() {
            allow.push(Rule::Http { url, methods });
        }
        for text in &self.allow_env {
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text.as_str(), None),
            };
            allow.push(Rule::Env {
                name: name.to_owned(),
                value,
            });
        }
        if self.allow_clock {
            allow.push(Rule::Clock);
        }
        if self.allow_random {
            allow.push(Rule::Random);
        }
        Asked {
            declared: self.allow_declared,
            answers: Answers::default(),
            allow,
            deny: self.refusals(),
        }
    }

    fn refusals(&self) -> Vec<Refusal> {
        let mut deny = Vec::new();
        for text in &self.deny_fs {
            deny.push(match text.as_str() {
                "args" => Refusal::Args,
                _ => Refusal::Fs,
            });
        }
        for DenyNetFlag(one) in self.deny_net.iter().cloned() {
            deny.push(match one {
                None => Refusal::Net,
                Some(NetFlag { host, port }) => Refusal::NetTo { host, port },
            });
        }
        for DenyHttpFlag(one) in self.deny_http.iter().cloned() {
            deny.push(match one {
                None => Refusal::Http,
                Some(url) => Refusal::HttpTo { url },
            });
        }
        for name in &self.deny_env {
            deny.push(match name.as_str() {
                "" => Refusal::Env,
                name => Refusal::EnvNamed(name.to_owned()),
            });
        }
        if self.deny_clock {
            deny.push(Refusal::Clock);
        }
        if self.deny_random {
            deny.push(Refusal::Random);
        }
        deny
    }

    /// The user's ceiling on the limits.
    pub fn ceiling(&self) -> Ceiling {
        Ceiling {
            memory: self.limit_memory,
            time: self.limit_time,
            output: self.limit_output,
            write: self.limit_write,
            handles: self.limit_handles,
            fuel: self.limit_fuel,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        run: RunArgs,
    }

    fn parse(args: &[&str]) -> RunArgs {
        let all = std::iter::once("zrun").chain(args.iter().copied());
        Cli::try_parse_from(all).unwrap().run
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_the_package_belongs_to_the_program() {
        let args = parse(&["--allow-clock", "csvstat@1.2", "--allow-random", "-x"]);
        assert!(args.grants.allow_clock && !args.grants.allow_random);
        let (target, rest) = args.split();
        assert_eq!(target.unwrap(), "csvstat@1.2");
        assert_eq!(rest, ["--allow-random", "-x"]);
    }

    #[test]
    fn only_the_first_double_dash_is_dropped() {
        let args = parse(&["pkg", "--", "a", "--", "b"]);
        assert_eq!(args.split().1, ["a", "--", "b"]);
    }

    #[test]
    fn a_bare_deny_flag_denies_the_whole_kind() {
        let asked = parse(&["--deny-net", "--deny-fs=args", "--deny-env=HOME", "p"])
            .grants
            .asked();
        assert_eq!(
            asked.deny,
            [
                Refusal::Args,
                Refusal::Net,
                Refusal::EnvNamed("HOME".to_owned())
            ]
        );
    }
}
