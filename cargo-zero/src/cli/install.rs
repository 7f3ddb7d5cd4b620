//! Installed packages: arguments of `install`, `uninstall`, `list` and `update`.

use std::path::PathBuf;

use clap::Args;

/// Put a package on PATH: a launcher that starts without cargo
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero install csvstat@1.2\n  cargo zero install acme/ls --as acme-ls\n  cargo zero install csvstat --bin-dir ~/bin\n  cargo zero install site --allow-declared --allow-fs ./www:ro=/www\n\nYou are asked once for what it declares; the launcher then runs exactly this version until `cargo zero update`."
)]
pub(crate) struct Install {
    /// The package; what it asks for is also what `update` asks for later
    #[arg(value_name = "PKG[@REQ]")]
    pub(crate) package: String,
    /// Call the launcher this instead of the package's name
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) launcher: Option<String>,
    /// Put the launcher into the folder `bin` below this one
    #[arg(long, value_name = "DIR", conflicts_with = "bin_dir")]
    pub(crate) root: Option<PathBuf>,
    /// Put the launcher into this folder [default: ZERO_HOME/bin, else the platform's folder for a user's programs]
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,
    /// Consent to all that the package declares, without a question
    #[arg(long)]
    pub(crate) allow_declared: bool,
    /// Let the program use a file or directory, now and later [repeatable]
    #[arg(long, value_name = "PATH[:ro|:rw][=GUEST]")]
    pub(crate) allow_fs: Vec<zrun::FsFlag>,
    /// Choose only releases that have been published for so long, such as `3d` [default: the registry's setting]
    #[arg(long, value_name = "AGE", value_parser = zrun::parse_age)]
    pub(crate) min_age: Option<std::time::Duration>,
}

/// Remove an installed package's launcher
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  cargo zero uninstall csvstat\n\nConsent stays; `cargo zero grants revoke csvstat` takes it back."
)]
pub(crate) struct Uninstall {
    /// The launcher's name, as `cargo zero list` shows it
    #[arg(value_name = "NAME", required = true)]
    pub(crate) launchers: Vec<String>,
}

/// List the installed packages
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  cargo zero list\n  cargo zero list --json")]
pub(crate) struct List {}

/// Move installed packages, what Zero.lock names, and remembered versions to the newest that they may have
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero update\n  cargo zero update csvstat\n\nWhat the new version may do more is shown and asked for; without a Yes the old one stays."
)]
pub(crate) struct Update {
    /// Only these: names of packages or launchers [default: all]
    #[arg(value_name = "PKG")]
    pub(crate) packages: Vec<String>,
    /// Consent to all that the new versions declare, without a question
    #[arg(long)]
    pub(crate) allow_declared: bool,
    /// Choose only releases that have been published for so long, such as `3d` [default: the registry's setting]
    #[arg(long, value_name = "AGE", value_parser = zrun::parse_age)]
    pub(crate) min_age: Option<std::time::Duration>,
}

/// What a launcher becomes when it cannot start its program by itself
#[derive(Args, Debug)]
pub(crate) struct Launch {
    /// The launcher's name
    pub(crate) launcher: String,
    /// The program's arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<std::ffi::OsString>,
}
