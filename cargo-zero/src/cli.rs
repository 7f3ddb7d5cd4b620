//! The command line: clap types only (spec/cli.md).

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::report::Colour;

mod harvest;
mod install;
mod model;
mod oci;
mod owner;
mod tune;

pub(crate) use harvest::{
    Harvest, HarvestCommand, HarvestFormat, HarvestLevel, HarvestStyle, ShowRecord, Stats,
};
pub(crate) use install::{Install, Launch, List, Uninstall, Update};
pub(crate) use model::{
    AnswerLanguage, Ask, Eval, EvalCommand, Measure, ModelApi, ModelArgs, ServeEval, VARIED,
};
pub(crate) use oci::{Oci, PullOci, PushOci};
pub(crate) use owner::{ChangeOwner, Info, Owner, Search, SignOwner};
pub(crate) use tune::Tune;

/// `cargo zero …`, or `cargo-zero …`.
#[derive(Debug, Parser)]
#[command(
    name = "cargo-zero",
    bin_name = "cargo zero",
    version,
    about = "Build, sign, publish and run .zero packages",
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Start here:\n  cargo zero new hello && cd hello && cargo zero run\n  cargo zero run PACKAGE@1.2 -- ARGUMENTS\n\nExit codes: 0 done, 1 failed, 2 usage, 69 registry unreachable, 124 limit reached,\n125 not trusted, 126 denied, 127 not found, 134 trapped."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command has.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Global {
    /// Print one JSON object on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print only what was asked for, and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more about what happens
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Colour,
    /// The registry: a name of your configuration, a folder or a URL
    #[arg(long, global = true, value_name = "NAME|DIR|URL")]
    pub(crate) registry: Option<String>,
    /// Use no network
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// The Zero.toml to use, instead of the nearest one above the current folder
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) manifest_path: Option<PathBuf>,
}

/// One variant for each subcommand.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(New),
    Build(Build),
    Check(Check),
    Inspect(Inspect),
    Sign(Sign),
    Verify(Verify),
    #[command(subcommand)]
    Key(Key),
    Publish(Publish),
    Yank(Yank),
    Unyank(Yank),
    Revoke(Revoke),
    #[command(subcommand)]
    Owner(Owner),
    Search(Search),
    Info(Info),
    Run(Box<Run>),
    Serve(Box<Serve>),
    Mcp(Box<Mcp>),
    Install(Install),
    Uninstall(Uninstall),
    List(List),
    Update(Update),
    #[command(hide = true)]
    Launch(Launch),
    #[command(subcommand)]
    Registry(Registry),
    #[command(subcommand)]
    Oci(Oci),
    #[command(subcommand)]
    Grants(Grants),
    #[command(subcommand)]
    Cache(Cache),
    Ask(Box<Ask>),
    Eval(Eval),
    Harvest(Box<Harvest>),
    /// Read sources for `harvest`, which starts this by itself
    #[command(hide = true)]
    HarvestReader,
    Tune(Box<Tune>),
    Completions(Completions),
    Man(Man),
}

/// Make a project that builds and runs at once
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero new hello\n  cargo zero new sum --lang c\n  cargo zero new greeter --component"
)]
pub(crate) struct New {
    /// Folder to make; its last part is the package's name
    pub(crate) path: PathBuf,
    /// Language of the project
    #[arg(long, value_enum, default_value_t)]
    pub(crate) lang: Language,
    /// Make a WASI 0.2 component instead of a module (Rust only)
    #[arg(long)]
    pub(crate) component: bool,
}

/// What a new project is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// Rust, built by cargo
    #[default]
    Rust,
    /// C, built by clang
    C,
    /// WebAssembly text
    Wat,
}

/// Build the project into one .zero file
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero build\n  cargo zero build --no-sign -o /tmp/x.zero\n\nThe file is signed with your default key if you have one (`cargo zero key generate`)."
)]
pub(crate) struct Build {
    /// Write the file here instead of target/zero/NAME-VERSION.zero
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Leave the file unsigned
    #[arg(long, conflicts_with = "key")]
    pub(crate) no_sign: bool,
    /// Sign with this key: a name from `cargo zero key list`, or a file
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// Compare imports with declared capabilities and execute the examples; write nothing
#[derive(Args, Debug)]
pub(crate) struct Check {}

/// Say what a package is, who signed it and what it can and cannot do
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero inspect target/zero/hello-0.1.0.zero\n  cargo zero inspect csvstat@1.2 --json"
)]
pub(crate) struct Inspect {
    /// A .zero file, or a package of a registry
    #[arg(value_name = "FILE|PKG[@REQ]")]
    pub(crate) target: String,
}

/// Sign a .zero file; an existing signature is replaced
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero sign hello-0.1.0.zero\n  cargo zero sign --key release --key second hello-0.1.0.zero\n  cargo zero sign --detached hello-0.1.0.zero"
)]
pub(crate) struct Sign {
    /// The file
    pub(crate) file: PathBuf,
    /// Sign with this key (may be repeated): a name or a file
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// Write FILE.minisig beside the file, for `minisign -V`, instead of changing the file
    #[arg(long)]
    pub(crate) detached: bool,
}

/// Check the signature of a file or of a registry's package
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero verify hello-0.1.0.zero --key RWQ...\n  cargo zero verify csvstat@1.2\n  cargo zero verify hello-0.1.0.zero.minisig --key maker.pub"
)]
pub(crate) struct Verify {
    /// A .zero file, a .minisig beside its file, or a package of a registry
    #[arg(value_name = "FILE|PKG[@REQ]")]
    pub(crate) target: String,
    /// Accept only this key (may be repeated): a name, a .pub file or the line itself.
    /// Without it: your own keys and those that you trust
    #[arg(long, value_name = "PUB")]
    pub(crate) key: Vec<String>,
}

/// Make, list, import and export signing keys (minisign's)
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key pair; the first one becomes the default
    Generate {
        /// What to call it
        #[arg(default_value = "default")]
        name: String,
        /// Store the secret key unencrypted
        #[arg(long)]
        no_password: bool,
    },
    /// List your keys and those that you trust
    List,
    /// Import a secret key of your own, or trust somebody's public key
    #[command(
        after_help = "Examples:\n  cargo zero key import ~/.minisign/minisign.key --name mine\n  cargo zero key import maker.pub --name maker\n  cargo zero key import RWQ... --name maker"
    )]
    Import {
        /// A .key or .pub file, or a public key's base64 line
        #[arg(value_name = "FILE|RW…")]
        source: String,
        /// What to call it [default: the file's name]
        #[arg(long)]
        name: Option<String>,
    },
    /// Print a public key, or the secret key's file
    Export {
        /// Which key [default: the default one]
        name: Option<String>,
        /// Print the secret key instead, encrypted as it is stored
        #[arg(long)]
        secret: bool,
        /// Write it to this file, which must not exist yet
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Change a key's password
    Password {
        /// Which key [default: the default one]
        name: Option<String>,
        /// Store the secret key unencrypted
        #[arg(long)]
        no_password: bool,
    },
    /// Make a key the default one
    Default {
        /// Which key
        name: String,
    },
}

/// Publish the project, or a built file, in a registry
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero publish --registry team --dry-run\n  cargo zero publish --registry /srv/zero --log-key log.key\n\nWhoever holds the registry's log key writes to its folder or bucket; a registry at an address takes what you sign with your\nown key when its operator runs `zero-registry serve --publish`."
)]
pub(crate) struct Publish {
    /// Publish this file instead of building the project
    #[arg(value_name = "FILE.zero")]
    pub(crate) file: Option<PathBuf>,
    /// The same, said by name
    #[arg(long, value_name = "FILE.zero", conflicts_with = "file")]
    pub(crate) from: Option<PathBuf>,
    /// Do everything but write
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) writer: Writer,
}

/// How a command writes to a registry.
#[derive(Args, Debug)]
pub(crate) struct Writer {
    /// Sign with this key: a name or a file (may be repeated, where several must sign)
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// The registry's log key, to write to its folder or bucket: a name or a file [default: as configured by `registry add --log-key`]
    #[arg(long, value_name = "KEY")]
    pub(crate) log_key: Option<String>,
}

/// Withdraw a version: it is no longer chosen, but runs where it is locked (`unyank` takes it back)
#[derive(Args, Debug)]
pub(crate) struct Yank {
    /// The package and its exact version
    #[arg(value_name = "PKG@VERSION")]
    pub(crate) package: String,
    /// Why, for those who use it
    #[arg(long)]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) writer: Writer,
}

/// Forbid a version: it never runs again, not even where it is locked
#[derive(Args, Debug)]
pub(crate) struct Revoke {
    /// The package and its exact version
    #[arg(value_name = "PKG@VERSION")]
    pub(crate) package: String,
    /// Why, for those who use it
    #[arg(long)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) writer: Writer,
}

/// Run a package with exactly what it declares and you grant
#[derive(Args, Debug, Default)]
#[command(
    after_help = "Examples:\n  cargo zero run csvstat@1.2 -- data.csv\n  cargo zero run --allow-fs ./data:ro=/data tool.zero\n  cargo zero run                       (build and run this project)\n  cargo zero run -- ARGUMENTS          (the same, with arguments)\n  cargo zero run --learn               (what this project really uses, for its Zero.toml)\n  cargo zero run --policy ci.toml --audit run.jsonl tool@1.2\n\nThe program's own exit code passes through."
)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) args: zrun::RunArgs,
}

/// Answer web requests with a component, each by an instance of its own
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero serve echo@0.1\n  cargo zero serve --addr 127.0.0.1:8080 echo.zero\n  cargo zero serve                     (build and serve this project)\n\nIt ends at SIGINT or SIGTERM, when the requests that were begun are answered."
)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) addr: std::net::SocketAddr,
    /// Bytes that the body of a request may have [default: 16 MiB]
    #[arg(long, value_name = "SIZE", value_parser = zrun::parse_size, help_heading = "Limits")]
    pub(crate) limit_body: Option<u64>,
    /// Requests that are answered at the same time; others wait [default: 64]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    pub(crate) limit_requests: Option<std::num::NonZeroUsize>,
    #[command(flatten)]
    pub(crate) run: Run,
}

/// Offer packages to an agent, as tools of the Model Context Protocol
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero mcp csvstat@1.2 hamming\n  cargo zero mcp hamming#distance --audit calls.jsonl\n  cargo zero mcp --http 127.0.0.1:8080 csvstat@1.2\n\nAn agent is configured with the command `cargo-zero mcp PKG …`, or with the address that is printed. It can call what\nyou name here and ask for rights; only you can give them: `cargo zero grants allow PKG`."
)]
pub(crate) struct Mcp {
    /// The packages or files; `#EXPORT` after one offers that function only
    #[arg(value_name = "PKG[@REQ]|FILE.zero[#EXPORT]", required = true)]
    pub(crate) packages: Vec<String>,
    /// Answer over HTTP at this address of this machine, instead of over standard input and output; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) http: Option<std::net::SocketAddr>,
    /// Let web pages of this origin call too [repeatable]
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    pub(crate) allow_origin: Vec<String>,
    /// Append what the calls do with their rights to a file, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// Use exactly the versions in the project's Zero.lock; outside of projects those that were used before
    #[arg(long)]
    pub(crate) locked: bool,
    /// Ask the registry for newer versions, and lock those
    #[arg(long, conflicts_with_all = ["offline", "locked"])]
    pub(crate) update: bool,
    /// Choose only releases that have been published for so long, such as `3d` [default: the registry's setting]
    #[arg(long, value_name = "AGE", value_parser = zrun::parse_age)]
    pub(crate) min_age: Option<std::time::Duration>,
    #[command(flatten)]
    pub(crate) grants: zrun::GrantArgs,
}

/// Add, remove and list registries
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    Add(AddRegistry),
    /// Forget a registry
    Remove {
        /// Which one
        name: String,
    },
    /// List the registries
    List,
    /// Show a registry's keys and state
    Show {
        /// Which one [default: the default one]
        name: Option<String>,
    },
}

/// Add a registry and pin its root keys
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero registry add team https://zero.example.org/ --root-key RWQ...\n  cargo zero registry add team /srv/zero --root-key root.pub --log-key log.key\n  cargo zero registry add team s3://bucket/packages --root-key root.pub\n\nA bucket (s3://, gs://, az://) is read with the variables of the store's own tools: AWS_ACCESS_KEY_ID and so on. One\nthat everybody may read has an address as well, which needs none."
)]
pub(crate) struct AddRegistry {
    /// What to call it
    pub(crate) name: String,
    /// A folder, a URL or a bucket; further ones are mirrors
    #[arg(value_name = "DIR|URL", required = true)]
    pub(crate) locations: Vec<String>,
    /// A root key (may be repeated): a .pub file or its base64 line
    #[arg(long, value_name = "PUB")]
    pub(crate) root_key: Vec<String>,
    /// How many of the root keys must have signed
    #[arg(long, default_value_t = 1)]
    pub(crate) threshold: u32,
    /// The registry's name for itself [default: what its root says]
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// You hold the log key, so that you can publish: a name or a file
    #[arg(long, value_name = "KEY")]
    pub(crate) log_key: Option<String>,
    /// Certificates (PEM) of the authority that vouches for its web servers, in place of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Choose only releases that it has held for so long, such as `3d`
    #[arg(long, value_name = "AGE", value_parser = zrun::parse_age, default_value = "0", hide_default_value = true)]
    pub(crate) min_age: std::time::Duration,
    /// Ask this one when no registry is named (the first one added always is)
    #[arg(long)]
    pub(crate) default: bool,
}

/// Give, show and revoke stored consent
#[derive(Debug, Subcommand)]
pub(crate) enum Grants {
    /// Consent to what a package declares, for all its later runs, without running it
    #[command(
        after_help = "Examples:\n  cargo zero grants allow moment\n  cargo zero grants allow site --allow-declared --allow-fs ./www:ro=/www"
    )]
    Allow {
        /// The package, or a file
        #[arg(value_name = "PKG[@REQ]|FILE.zero")]
        target: String,
        /// Consent to all that it declares, without a question
        #[arg(long)]
        allow_declared: bool,
        /// Let it use a file or directory [repeatable]
        #[arg(long, value_name = "PATH[:ro|:rw][=GUEST]")]
        allow_fs: Vec<zrun::FsFlag>,
    },
    /// List what was consented to
    List,
    /// Show one consent in full
    Show {
        /// The package's name
        package: String,
    },
    /// Forget a consent, or all: the next run asks again
    Revoke {
        /// The package's name
        #[arg(required_unless_present = "all")]
        package: Option<String>,
        /// Forget all of them
        #[arg(long, conflicts_with = "package")]
        all: bool,
    },
}

/// Show and clean the local store
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Say where the cache is and how large
    Info,
    /// Remove packages and compiled code; all of it can be fetched or made again
    Clean,
}

/// Print completions for a shell
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  cargo zero completions bash > ~/.local/share/bash-completion/completions/cargo-zero"
)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// Write the manual pages
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero man | man -l -\n  cargo zero man --dir ~/.local/share/man/man1"
)]
pub(crate) struct Man {
    /// Write one page for each command into this folder, instead of the main page to standard output
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
