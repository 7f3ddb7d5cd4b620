//! Who speaks for a package, and what a registry holds: arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Writer;

/// Show and change the keys that speak for a package
#[derive(Debug, Subcommand)]
pub(crate) enum Owner {
    /// Show the keys, their thresholds and what each may do
    Show {
        /// The package
        #[arg(value_name = "PKG")]
        package: String,
    },
    Change(Box<ChangeOwner>),
    Sign(SignOwner),
    /// Send an event that enough keys have signed to the registry
    Submit {
        /// The file with the event
        file: PathBuf,
        #[command(flatten)]
        writer: Writer,
    },
}

/// Put other keys in force, and distrust old ones
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero owner change tool --release-key ci.pub --key admin --key ci\n  cargo zero owner change tool --release-key new.pub --distrust old.pub@7 --key admin --key new\n  cargo zero owner change tool --release-key new.pub --admin-key new.pub -o recovery.event --recover --key new\n\nThe admin keys in force sign, as many as their threshold says, and each key that is new. Keys that are not at hand\nsign the file that -o writes: `cargo zero owner sign FILE`, then `owner submit FILE`. With --recover the registry's\nroot keys sign in place of the admin keys."
)]
pub(crate) struct ChangeOwner {
    /// The package
    #[arg(value_name = "PKG")]
    pub(crate) package: String,
    /// A key that publishes from now on (may be repeated): a name, a .pub file or its line [default: as now]
    #[arg(long = "release-key", value_name = "PUB")]
    pub(crate) release: Vec<String>,
    /// How many release keys must sign a release [default: as now]
    #[arg(long, value_name = "N")]
    pub(crate) release_threshold: Option<u32>,
    /// A key that changes keys from now on (may be repeated) [default: as now]
    #[arg(long = "admin-key", value_name = "PUB")]
    pub(crate) admin: Vec<String>,
    /// How many admin keys must sign a change of keys [default: as now]
    #[arg(long, value_name = "N")]
    pub(crate) admin_threshold: Option<u32>,
    /// A key whose releases no longer count, from event SEQ on or all of them
    #[arg(long, value_name = "PUB[@SEQ]")]
    pub(crate) distrust: Vec<String>,
    /// Have the registry's root keys sign instead of the admin keys, which are lost
    #[arg(long)]
    pub(crate) recover: bool,
    /// Write the event to this file for others to sign, instead of sending it
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) writer: Writer,
}

/// Say what an event file changes, and sign it
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  cargo zero owner sign recovery.event --key root.key")]
pub(crate) struct SignOwner {
    /// The file with the event; the signature is added to it
    pub(crate) file: PathBuf,
    /// Sign with this key: a name or a file (may be repeated)
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// Sign without being asked
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Find packages by words of their names and descriptions
#[derive(Args, Debug)]
#[command(
    after_help = "Words are found by how they begin, parts of names anywhere. Where the registry serves no catalogue,\nnames alone are looked at.\n\nExamples:\n  cargo zero search csv\n  cargo zero search \"json parser\"\n  cargo zero search --registry team"
)]
pub(crate) struct Search {
    /// Words to look for [default: all packages]
    #[arg(default_value = "")]
    pub(crate) text: String,
    /// How many packages to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Say what a registry holds of a package: versions, signers, capabilities
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero info csvstat\n  cargo zero info team:acme/tool --json"
)]
pub(crate) struct Info {
    /// The package
    #[arg(value_name = "PKG")]
    pub(crate) package: String,
}
