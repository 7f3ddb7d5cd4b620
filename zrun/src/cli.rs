//! The arguments of `run` and `zrun`: one definition for both commands (spec/capabilities.md, "Grants").

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use zero_format::{Access, GuestPath, HostPattern};

use crate::limits::Ceiling;
use crate::policy::{Asked, Refusal, Rule};

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
    /// Deny the network, or one host, address or network [repeatable]
    #[arg(long, value_name = "HOST[:PORT]|CIDR", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Grants")]
    pub deny_net: Vec<DenyNetFlag>,
    /// Deny all environment variables, or one [repeatable]
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "", help_heading = "Grants")]
    pub deny_env: Vec<String>,
    /// Deny the clocks
    #[arg(long, help_heading = "Grants")]
    pub deny_clock: bool,
    /// Deny random numbers
    #[arg(long, help_heading = "Grants")]
    pub deny_random: bool,
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
    /// Call one export of a module with the arguments that follow, instead of starting the program
    #[arg(long, value_name = "EXPORT")]
    pub invoke: Option<String>,
    /// Use no network
    #[arg(long)]
    pub offline: bool,
    /// Use exactly the version that was used before
    #[arg(long)]
    pub locked: bool,
    /// Ask the registry for a newer version
    #[arg(long, conflicts_with_all = ["offline", "locked"])]
    pub update: bool,
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

impl RunArgs {
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

/// The value of `--allow-fs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsFlag {
    /// The path on this machine.
    pub host: PathBuf,
    /// Where the program sees it.
    pub guest: Option<GuestPath>,
    /// Read, or read and write.
    pub access: Access,
}

impl FromStr for FsFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A path may hold `=`: only what follows it and starts with `/` is a guest path.
        let (rest, guest) = match text.rsplit_once('=') {
            Some((rest, guest)) if guest.starts_with('/') => {
                let guest = guest.parse().map_err(|error| format!("{guest}: {error}"))?;
                (rest, Some(guest))
            }
            _ => (text, None),
        };
        let (path, access) = if let Some(path) = rest.strip_suffix(":rw") {
            (path, Access::ReadWrite)
        } else {
            (rest.strip_suffix(":ro").unwrap_or(rest), Access::Read)
        };
        if path.is_empty() {
            return Err("the path is empty".to_owned());
        }
        Ok(Self {
            host: PathBuf::from(path),
            guest,
            access,
        })
    }
}

/// The value of `--allow-net`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetFlag {
    /// A name, an address or a network.
    pub host: HostPattern,
    /// Any port when absent.
    pub port: Option<u16>,
}

impl FromStr for NetFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |host: &str| host.parse().map_err(|error| format!("{host}: {error}"));
        // An IPv6 address holds colons itself: with a port it stands in brackets.
        if let Some(rest) = text.strip_prefix('[') {
            let (host, port) = rest.split_once(']').ok_or("`]` is missing")?;
            let port = match port.strip_prefix(':') {
                Some(port) => Some(parse_port(port)?),
                None if port.is_empty() => None,
                None => return Err("only `:PORT` may follow `]`".to_owned()),
            };
            return Ok(Self {
                host: parse(host)?,
                port,
            });
        }
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => Ok(Self {
                host: parse(host)?,
                port: Some(parse_port(port)?),
            }),
            _ => Ok(Self {
                host: parse(text)?,
                port: None,
            }),
        }
    }
}

/// The value of `--deny-net`: nothing means the whole network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyNetFlag(pub Option<NetFlag>);

impl FromStr for DenyNetFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse().map(|flag| Self(Some(flag)))
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("`{text}` is not a port")),
    }
}

fn parse_count(text: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    digits
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))
}

/// `512`, `64KiB`, `256 MiB`, `1 GiB`; `K`, `M` and `G` alone mean the same.
fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split_unit(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        _ => return Err(format!("`{unit}` is not a size: use KiB, MiB or GiB")),
    };
    parse_count(number)?
        .checked_mul(1 << shift)
        .ok_or_else(|| format!("`{text}` is too large"))
}

/// `500ms`, `30s`, `5 min`, `2h`; a bare number is seconds.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split_unit(text);
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{unit}` is not a duration: use ms, s, min or h")),
    };
    match parse_count(number)?.checked_mul(millis) {
        None => Err(format!("`{text}` is too long")),
        Some(0) => Err("a time limit of zero lets nothing run".to_owned()),
        Some(millis) => Ok(Duration::from_millis(millis)),
    }
}

fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
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
    fn fs_flags_name_host_access_and_guest() {
        let flag: FsFlag = "./d a=t:rw=/data".parse().unwrap();
        assert_eq!(flag.host, PathBuf::from("./d a=t"));
        assert_eq!(flag.access, Access::ReadWrite);
        assert_eq!(flag.guest.unwrap().as_str(), "/data");
        let plain: FsFlag = "a=b".parse().unwrap();
        assert_eq!(
            (plain.host, plain.access),
            (PathBuf::from("a=b"), Access::Read)
        );
        assert!(":rw".parse::<FsFlag>().is_err());
        assert!("d=/a/../b".parse::<FsFlag>().is_err());
    }

    #[test]
    fn net_flags_take_names_addresses_and_networks() {
        for (text, port) in [
            ("api.example.org:443", Some(443)),
            ("10.0.0.0/8", None),
            ("[::1]:80", Some(80)),
            ("::1", None),
        ] {
            assert_eq!(text.parse::<NetFlag>().unwrap().port, port, "{text}");
        }
        for text in ["host:0", "host:70000", "[::1", "[::1]x", ""] {
            assert!(text.parse::<NetFlag>().is_err(), "{text}");
        }
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

    #[test]
    fn sizes_and_durations_have_units() {
        assert_eq!(parse_size("256 MiB"), Ok(256 << 20));
        assert_eq!(parse_size("1_000"), Ok(1000));
        assert!(parse_size("5 MB").is_err());
        assert!(parse_size("99999999999 GiB").is_err());
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("2 h"), Ok(Duration::from_hours(2)));
        assert!(parse_duration("0s").is_err());
    }
}
