//! `zrun`: runs what is already here, at once; hands everything else over to `cargo-zero run`.
//!
//! There is no network code in this program: spec/decisions/0002-zrun-is-the-warm-path.md.

mod failure;
mod launch;

use std::process::ExitCode;

fn main() -> ExitCode {
    launch::main()
}
