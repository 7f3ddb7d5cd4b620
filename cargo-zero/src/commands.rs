//! One file for each subcommand: arguments → library call → report.

mod ask;
pub(crate) mod asked;
mod build;
mod cache;
mod check;
mod documents;
mod eval;
mod grants;
mod harvest;
mod info;
mod inspect;
mod install;
mod key;
mod launch;
mod list;
mod mcp;
mod model;
mod new;
mod oci;
mod owner;
mod publish;
mod registry;
mod run;
mod search;
mod serve;
mod sign;
mod target;
mod tune;
mod uninstall;
mod update;
mod verify;
mod withdraw;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::host::{Environment, Session};
use crate::report::{Failure, Output, Report};

/// Parses, executes, renders.
pub(crate) fn main() -> ExitCode {
    let arguments = arguments();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&arguments, &error),
    };
    let env = Environment::read();
    let global = &cli.global;
    let output = Output::new(
        global.json,
        global.quiet,
        global.verbose,
        global.color,
        env.no_color,
    );
    let result = Session::open(global, env, output)
        .and_then(|session| execute(&session, cli.command, &arguments));
    output.finish(result)
}

/// What the user typed; `cargo zero` puts a word before it that is not for us.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "zero") {
        arguments.remove(1);
    }
    arguments
}

/// clap's own message; as JSON if that was asked for.
fn refuse(arguments: &[OsString], error: &clap::Error) -> ExitCode {
    let json = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json");
    if json && error.use_stderr() {
        let text = error.to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let message = lines
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        let tip = lines
            .find_map(|line| line.strip_prefix("tip: "))
            .map(str::to_owned);
        let failure =
            Failure::usage(message).hint(tip.unwrap_or_else(|| String::from("cargo zero --help")));
        return Output::new(true, true, false, crate::report::Colour::Never, true)
            .finish(Err(failure));
    }
    // Writing help to a closed pipe is no failure of ours.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn execute(session: &Session, command: Command, arguments: &[OsString]) -> Result<Report, Failure> {
    match command {
        Command::New(args) => new::run(session, &args),
        Command::Build(args) => build::run(session, &args),
        Command::Check(_) => check::run(session),
        Command::Inspect(args) => inspect::run(session, &args),
        Command::Sign(args) => sign::run(session, &args),
        Command::Verify(args) => verify::run(session, &args),
        Command::Key(args) => key::run(session, &args),
        Command::Publish(args) => publish::run(session, &args),
        Command::Yank(args) => withdraw::yank(session, &args),
        Command::Unyank(args) => withdraw::unyank(session, &args),
        Command::Revoke(args) => withdraw::revoke(session, &args),
        Command::Owner(args) => owner::run(session, &args),
        Command::Search(args) => search::run(session, &args),
        Command::Info(args) => info::run(session, &args),
        Command::Run(args) => run::run(session, &args, arguments),
        Command::Serve(args) => serve::run(session, &args, arguments),
        Command::Mcp(args) => mcp::run(session, &args),
        Command::Install(args) => install::run(session, &args, arguments),
        Command::Uninstall(args) => uninstall::run(session, &args),
        Command::List(_) => list::run(session),
        Command::Update(args) => update::run(session, &args),
        Command::Launch(args) => launch::run(session, &args),
        Command::Registry(args) => registry::run(session, &args),
        Command::Grants(args) => grants::run(session, &args, arguments),
        Command::Cache(args) => cache::run(session, &args),
        Command::Ask(args) => ask::run(session, &args),
        Command::Oci(args) => oci::run(session, &args),
        Command::Eval(args) => eval::run(session, &args),
        Command::Harvest(args) => harvest::run(session, &args),
        Command::HarvestReader => harvest::reader(),
        Command::Tune(args) => tune::run(session, &args),
        Command::Completions(args) => documents::completions(&args),
        Command::Man(args) => documents::man(&args),
    }
}
