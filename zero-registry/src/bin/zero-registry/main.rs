//! `zero-registry`: what an operator does with a registry directory.
//!
//! The formats and rules are the library's; here are arguments, key files, the clock and the printing.

#![forbid(unsafe_code)]

mod bar;
mod cli;
mod commands;
mod host;
mod init;
mod keys;
mod mirror;
mod place;
mod report;
mod root;
mod serve;
mod witness;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let json = host::wants_json();
    match cli::Cli::try_parse() {
        Ok(cli) => report::finish(json, commands::run(&cli)),
        Err(error) => report::usage(json, &error),
    }
}
