//! `root`: the arguments of its steps.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Root {
    Propose(Propose),
    Show(Show),
    Sign(Sign),
    Finish(Finish),
}

/// Write a proposal for the next root, which nothing changes yet
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zero-registry root propose packages -o next.json --add-root-key second.pub --threshold 2
  zero-registry root propose packages -o next.json --log-key new-log.pub
  zero-registry root propose packages -o next.json --anchor

What is not named stays as it is; the root's expiry is counted from now. Mail the file to the holders
of the root keys, old and new: each signs it with `zero-registry root sign`.")]
pub(crate) struct Propose {
    /// The registry's directory, or a copy of it
    pub(crate) directory: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// A root key to add: a .pub file, or its line
    #[arg(long = "add-root-key", value_name = "PUB")]
    pub(crate) add: Vec<String>,
    /// A root key to remove: a .pub file, or its line
    #[arg(long = "remove-root-key", value_name = "PUB")]
    pub(crate) remove: Vec<String>,
    /// How many root keys must sign a root
    #[arg(long, value_name = "N")]
    pub(crate) threshold: Option<u32>,
    /// Another key that signs the log: a .pub file, or its line. Implies --anchor
    #[arg(long, value_name = "PUB")]
    pub(crate) log_key: Option<String>,
    /// Let the root keys vouch for the log as it is now, or for its first SIZE leaves, which must
    /// end with a commit
    #[arg(long, value_name = "SIZE", num_args = 0..=1)]
    #[expect(
        clippy::option_option,
        reason = "a flag with a value that may be left out"
    )]
    pub(crate) anchor: Option<Option<u64>>,
    /// Days that a head is valid
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=92))]
    pub(crate) head_days: Option<u16>,
    /// Days that the root is valid, from now
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) root_days: u16,
    /// Who may claim a package name
    #[arg(long, value_enum)]
    pub(crate) claims: Option<ClaimsPolicy>,
    /// With --claims keys: a key that must sign claims
    #[arg(
        long = "claims-key",
        value_name = "PUB",
        required_if_eq("claims", "keys")
    )]
    pub(crate) claims_keys: Vec<String>,
    /// With --claims keys: how many of them must
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) claims_threshold: u32,
    /// The policy that says which witnesses must cosign a head, in place of the one so far
    #[arg(long, value_name = "FILE", conflicts_with = "no_witnesses")]
    pub(crate) witnesses: Option<PathBuf>,
    /// Demand no cosignatures any more
    #[arg(long)]
    pub(crate) no_witnesses: bool,
    /// Where copies are served, in place of the places named so far
    #[arg(long = "mirror", value_name = "URL")]
    pub(crate) mirrors: Vec<String>,
}

/// Who may claim a package name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClaimsPolicy {
    /// Whoever has the signatures of the keys named by --claims-key too
    Keys,
    /// Anyone, first come, first served
    Open,
    /// Whoever has the signatures of the root keys too
    Root,
}

/// Say what a proposal changes and who has signed it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  zero-registry root show next.json")]
pub(crate) struct Show {
    /// The proposal
    pub(crate) file: PathBuf,
}

/// Check a proposal, say what it changes, and sign it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  zero-registry root sign next.json --key root.key

The file carries the root in force with the signatures that put it there, so that it can be checked
on a machine that has nothing but the file and the key.")]
pub(crate) struct Sign {
    /// The proposal; the signature is added to it
    pub(crate) file: PathBuf,
    /// The secret root key (may be repeated)
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// Sign without being asked
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Put a proposal that enough keys have signed in force, and make a head under it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  zero-registry root finish next.json packages --log-key log.key")]
pub(crate) struct Finish {
    /// The proposal
    pub(crate) file: PathBuf,
    /// The registry's directory
    pub(crate) directory: PathBuf,
    /// The secret key that signs the log from now on
    #[arg(long, value_name = "FILE", default_value = "log.key")]
    pub(crate) log_key: PathBuf,
    /// With a new log key: drop what the old one signed beyond the anchor
    #[arg(long)]
    pub(crate) discard: bool,
}
