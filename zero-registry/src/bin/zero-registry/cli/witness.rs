//! `witness`: its arguments.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Example:
  zero-registry key witness.key
  zero-registry witness --name witness.example.org/w1 --key witness.key \\
      --log packages.example.org=RW… --state seen --new --listen 0.0.0.0:8081

A witness signs each state of a log that continues the one it signed before, and nothing else. Run it
away from the registry, for others than yourself. The line that it prints goes into their witness
policy. It speaks C2SP tlog-witness, so logs of other kinds can use it too. Keep its memory: one that
forgets what it has seen could be made to sign a second history. So --new is for its first start only;
without it a witness does not start where its memory, or a part of it, is gone.")]
pub(crate) struct Witness {
    /// Its name, such as witness.example.org/w1
    #[arg(long)]
    pub(crate) name: String,
    /// The secret key that it signs with; use it for nothing else
    #[arg(long, value_name = "FILE", default_value = "witness.key")]
    pub(crate) key: PathBuf,
    /// A log that it watches (may be repeated): its origin and its log key, a .pub file or its line,
    /// or its C2SP verifier key
    #[arg(long = "log", value_name = "ORIGIN=PUB|VKEY", required = true)]
    pub(crate) logs: Vec<String>,
    /// The directory in which it remembers what it has signed
    #[arg(long, value_name = "DIR", default_value = "witness")]
    pub(crate) state: PathBuf,
    /// Begin a memory there: for the first start, refused where there is one
    #[arg(long)]
    pub(crate) new: bool,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub(crate) listen: SocketAddr,
    /// Write a line of JSON to standard error for each request
    #[arg(long = "access-log")]
    pub(crate) access_log: bool,
}
