//! `cargo zero`: build, sign, publish and run `.zero` packages (spec/cli.md).

#![forbid(unsafe_code)]
#![expect(
    clippy::format_push_string,
    reason = "a report is a dozen lines: what they look like matters, an allocation does not"
)]

mod build;
mod cli;
mod commands;
mod config;
mod host;
mod keyring;
mod launchers;
mod listen;
mod lock;
mod manifest_edit;
mod packages;
mod project;
mod publisher;
mod registries;
mod report;
mod write;

fn main() -> std::process::ExitCode {
    commands::main()
}
