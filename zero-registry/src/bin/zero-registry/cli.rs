//! The arguments and nothing else.

use std::path::PathBuf;

mod mirror;
mod root;
mod serve;
mod site;
mod witness;

pub(crate) use mirror::Mirror;
pub(crate) use root::{ClaimsPolicy, Finish, Propose, Root, Show, Sign};
pub(crate) use serve::Serve;
pub(crate) use site::Site;
pub(crate) use witness::Witness;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps a package registry that is one static directory, and serves it
#[derive(Debug, Parser)]
#[command(
    name = "zero-registry",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:
  zero-registry init packages --origin packages.example.org
  zero-registry serve packages --listen 0.0.0.0:8080
  zero-registry refresh packages        # from a daily job, before the head expires
  zero-registry verify packages
  zero-registry init s3://bucket/packages --origin packages.example.org
  zero-registry mirror https://packages.example.org/ copy --root-key RW…
  zero-registry root propose packages -o next-root.json --add-root-key second.pub --threshold 2

Exit codes: 0 done, 1 failed, 2 wrong usage, 69 unreachable, 125 not trusted, 127 not found."
)]
pub(crate) struct Cli {
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a registry: its keys where they are missing, its root, an empty first commit
    Init(Init),
    /// Make a key pair: for another root key, another log key
    Key(Key),
    /// Copy a registry, or bring a copy up to date, checking everything
    Mirror(Mirror),
    /// Sign the head again, so that readers do not refuse it as expired
    Refresh(Refresh),
    /// Change the keys and rules of a registry: propose, let the key holders sign, put in force
    #[command(subcommand)]
    Root(Root),
    /// Serve the files of a registry until told to end (ctrl-c, SIGTERM)
    Serve(Box<Serve>),
    /// Make the catalogue: pages for people, a search, records for programs
    Site(Site),
    /// Rebuild everything from the log and compare it with the directory
    Verify(Verify),
    /// Watch logs for others: sign what continues them, refuse everything else
    Witness(Witness),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zero-registry init packages --origin packages.example.org
  zero-registry init packages --origin team --root-key a.pub --root-key b.key --threshold 1

Key files are those of minisign. A secret key that is named and does not exist is made, with its
public half beside it. Keep the root keys offline afterwards: only a new root needs them. New keys
are encrypted with a password, from ZERO_KEY_PASSWORD or asked for.

In place of a directory all commands take a bucket: s3://BUCKET/PREFIX, gs://…, az://…, with the
variables of the store's own tools (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT;
AWS_ALLOW_HTTP=true for plain http). The store must honour If-None-Match and If-Match: init tries that.")]
pub(crate) struct Init {
    /// The directory to make
    pub(crate) directory: PathBuf,
    /// The registry's name for itself, such as packages.example.org/team: never changed, always signed
    #[arg(long)]
    pub(crate) origin: String,
    /// A root key: a secret key file signs the root, a public one is only listed
    #[arg(long = "root-key", value_name = "FILE", default_value = "root.key")]
    pub(crate) root_keys: Vec<PathBuf>,
    /// How many root keys must sign a root
    #[arg(long, default_value_t = 1)]
    pub(crate) threshold: u32,
    /// The secret key that signs the log; it stays with whoever publishes
    #[arg(long, value_name = "FILE", default_value = "log.key")]
    pub(crate) log_key: PathBuf,
    /// Days that a head is valid; refresh it more often than that
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=92))]
    pub(crate) head_days: u16,
    /// Days that the root is valid
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) root_days: u16,
    /// Who may claim a package name
    #[arg(long, value_enum, default_value_t = Claims::Open)]
    pub(crate) claims: Claims,
    /// Where copies will be served
    #[arg(long = "mirror", value_name = "URL")]
    pub(crate) mirrors: Vec<String>,
    /// The policy that says which witnesses must cosign a head
    #[arg(long, value_name = "FILE")]
    pub(crate) witnesses: Option<PathBuf>,
    /// Leave new secret keys unencrypted
    #[arg(long)]
    pub(crate) no_password: bool,
}

/// Who may claim a package name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Claims {
    /// Whoever can write to the registry, first come, first served
    Open,
    /// Whoever has the signatures of the root keys too
    Root,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  zero-registry key second.key

Makes the secret key second.key and its public half second.pub, in the formats of minisign.")]
pub(crate) struct Key {
    /// The secret key file to make
    pub(crate) file: PathBuf,
    /// Leave the secret key unencrypted
    #[arg(long)]
    pub(crate) no_password: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  zero-registry refresh packages --log-key log.key")]
pub(crate) struct Refresh {
    /// The registry's directory
    pub(crate) directory: PathBuf,
    /// The secret key that signs the log
    #[arg(long, value_name = "FILE", default_value = "log.key")]
    pub(crate) log_key: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  zero-registry verify packages")]
pub(crate) struct Verify {
    /// The registry's directory
    pub(crate) directory: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
