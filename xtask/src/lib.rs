//! The project's own chores, in plain std: what `cargo xtask …` does, and the pieces that the end-to-end tests in
//! `tests/e2e` share with it (where the binaries and peers are, how nginx is started).

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line tool prints")]

mod bench;
mod chores;
mod closed_loop;
mod demo;
mod failure;
mod host;
mod nginx;
mod setup;
mod shell;

pub use failure::{Failure, Result};
pub use host::Host;
pub use nginx::{Nginx, Tls};

use setup::Need;
use setup::python::Lock;

/// Whether a compiler for `wasm32-wasip1` is here, so that packages in Rust can be built.
pub fn builds_rust(host: &Host) -> bool {
    setup::wasm_rustc(host).is_some()
}

/// What `cargo xtask help` prints.
const HELP: &str = "\
The project's chores. Each command installs what it needs first, and says what and why.

  cargo xtask demo          the main job, end to end: build, sign, publish, serve with nginx, run from a fresh machine
  cargo xtask test          everything: format, lints, vectors, unit, documentation and end-to-end tests with real peers
  cargo xtask lint          only the format, the lints, and the licences and sources of the dependencies
  cargo xtask loop          harvest a library, tune a tiny model on it, ask and judge it: the figures before and after
  cargo xtask tune [torch]  only the fine-tuning project: lints, types, tests (torch: the tests that train, too)
  cargo xtask advisories    what is known against the dependencies (fetches the list from the network)
  cargo xtask soak [KILLS [SEED]]
                            kill a registry's writers, service, mirror and readers at random, 1000 times unless told
  cargo xtask bench [NAME]  measure against other programs; results go to benches/results
  cargo xtask setup [all]   install what demo and test need (all: what bench needs, too)
  cargo xtask help          this text

Tools are kept in the user's cache folder; CARGO_TARGET_DIR and XDG_CACHE_HOME are respected.";

/// Runs one chore named by the command line's arguments.
///
/// # Errors
/// Returns the first step that failed, with a hint where a person can act on it.
pub fn run(args: &[String], host: &Host) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        ["bench"] => bench::run(host, None),
        ["bench", name] => bench::run(host, Some(name)),
        ["demo"] => demo::run(host),
        ["loop"] => closed_loop::run(host),
        ["lint"] => chores::lint(host),
        ["advisories"] => chores::advisories(host),
        ["setup"] => setup::ensure(
            host,
            &[
                Need::CToWasm,
                Need::Cpp,
                Need::WasmTarget,
                Need::Demo,
                Need::Peers,
                Need::Deny,
            ],
        ),
        ["setup", "all"] => setup::ensure(
            host,
            &[
                Need::CToWasm,
                Need::Cpp,
                Need::WasmTarget,
                Need::Demo,
                Need::Peers,
                Need::Deny,
                Need::Bench,
            ],
        ),
        ["soak"] => chores::soak(host, "1000", "1"),
        ["soak", kills] => chores::soak(host, kills, "1"),
        ["soak", kills, seed] => chores::soak(host, kills, seed),
        ["test"] => chores::test(host),
        ["tune"] => chores::tune(host, Lock::Check),
        ["tune", "torch"] => chores::tune(host, Lock::Train),
        _ => Err(
            Failure::new(format!("unknown arguments: {}", args.join(" "))).hint("cargo xtask help"),
        ),
    }
}
