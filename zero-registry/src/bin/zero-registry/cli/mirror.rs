//! `mirror`: its arguments.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zero-registry mirror https://packages.example.org/ copy --root-key RW…
  zero-registry mirror https://packages.example.org/ copy            # from a job, every few minutes
  zero-registry mirror https://packages.example.org/ copy --package csvstat --rate 1000000

Only what is new is fetched. Roots, head, log, map, chains and package files are checked, and the head
is replaced last: a copy that is interrupted serves its older state, and the next run goes on. Any web
server can serve the copy; readers add its address after the registry's own.")]
pub(crate) struct Mirror {
    /// The registry or another copy: an address, a directory or a bucket
    #[arg(value_name = "URL|DIR")]
    pub(crate) upstream: String,
    /// The directory or bucket of the copy
    pub(crate) directory: PathBuf,
    /// A root key of the registry (may be repeated): a .pub file or its line. The first run needs it
    #[arg(long = "root-key", value_name = "PUB")]
    pub(crate) root_keys: Vec<String>,
    /// How many of the root keys must have signed
    #[arg(long, default_value_t = 1)]
    pub(crate) threshold: u32,
    /// Copy only the files of this package (may be repeated); the log is always copied whole
    #[arg(long = "package", value_name = "NAME")]
    pub(crate) packages: Vec<String>,
    /// Bytes per second that may be fetched
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1024..))]
    pub(crate) rate: Option<u64>,
    /// Certificates (PEM) of the authorities to trust in place of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}
