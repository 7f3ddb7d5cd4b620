//! Container registries: arguments of `oci`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Take artifacts to container registries, and back
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Credentials are those of `docker login`, `podman login` or the like. A registry on this machine is asked without TLS."
)]
pub(crate) enum Oci {
    Push(PushOci),
    Pull(PullOci),
}

/// Put a signed artifact into a container registry, as a layer of WebAssembly
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero oci push csvstat-1.2.3.zero ghcr.io/acme/csvstat\n  cargo zero oci push csvstat-1.2.3.zero localhost:5000/csvstat:edge\n\nThe layer is the file, byte for byte: whoever pulls it with any tool has a module or component that runs."
)]
pub(crate) struct PushOci {
    /// The artifact
    #[arg(value_name = "FILE.zero")]
    pub(crate) file: PathBuf,
    /// Where to: the registry's name, a path, and a tag [default tag: the version]
    #[arg(value_name = "REGISTRY/PATH[:TAG]")]
    pub(crate) place: String,
}

/// Get an artifact out of a container registry
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  cargo zero oci pull ghcr.io/acme/csvstat:1.2.3\n  cargo zero oci pull ghcr.io/acme/csvstat:1.2.3 -o csvstat.zero && cargo zero run csvstat.zero\n\nWhere it came from proves nothing: the file runs if you trust one of its signers, as any other file does."
)]
pub(crate) struct PullOci {
    /// Where from: the registry's name, a path, and a tag or digest
    #[arg(value_name = "REGISTRY/PATH[:TAG|@DIGEST]")]
    pub(crate) place: String,
    /// Write it to this file [default: NAME-VERSION.zero]
    #[arg(short, long, value_name = "FILE.zero")]
    pub(crate) output: Option<PathBuf>,
}
