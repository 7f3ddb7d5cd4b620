//! `serve`: its arguments.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  zero-registry serve packages
  zero-registry serve packages --listen 127.0.0.1:0     # a free port; the address is printed
  zero-registry serve packages --publish --log-key log.key --operator 127.0.0.1:9090 --log
  zero-registry serve packages --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key key.pem
  zero-registry serve s3://bucket/packages --publish    # a private bucket; only the server has its credentials

Any web server can serve the files as well; only head, checkpoint and root/ may change. With --publish
signed events are taken too: who may do what, the package's keys and the claim policy decide.")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches of the command line"
)]
pub(crate) struct Serve {
    /// The registry's directory or bucket
    pub(crate) directory: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Take signed events and package files too, and keep the head fresh
    #[arg(long)]
    pub(crate) publish: bool,
    /// With --publish: the secret key that signs the log
    #[arg(
        long,
        value_name = "FILE",
        default_value = "log.key",
        requires = "publish"
    )]
    pub(crate) log_key: PathBuf,
    /// With --publish: requests to publish or upload that one address may make in a minute
    #[arg(long, value_name = "N", default_value_t = 600, requires = "publish", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// With --publish: bytes of package files that may be on their way at once
    #[arg(long, value_name = "BYTES", default_value_t = 2 << 30, requires = "publish")]
    pub(crate) upload_bytes: u64,
    /// With --publish: where package files wait that are on their way; by default in the registry's own
    /// directory, or for a bucket in a temporary one
    #[arg(long, value_name = "DIR", requires = "publish")]
    pub(crate) upload_dir: Option<PathBuf>,
    /// With --publish: let names be claimed that could be taken for others
    #[arg(long, requires = "publish")]
    pub(crate) allow_similar: bool,
    /// With --publish: make no pages for people
    #[arg(long, requires = "publish")]
    pub(crate) no_site: bool,
    /// Where to tell /metrics and /health; keep it away from the public
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) operator: Option<SocketAddr>,
    /// Connections at once; further ones wait
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// The certificate chain for TLS, in PEM; SIGHUP has it and its key read again
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Write a line of JSON to standard error for each request and each commit
    #[arg(long)]
    pub(crate) log: bool,
}
