//! `completions` and `man`: made from the command line's own definition, so they cannot differ from it.

use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::generate;
use clap_mangen::Man;

use crate::cli::{self, Cli};
use crate::host;
use crate::report::{Failure, Report};
use crate::write;

/// Prints a completion script.
pub(crate) fn completions(args: &cli::Completions) -> Result<Report, Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "cargo-zero", &mut script);
    host::stdout(&script)?;
    Ok(Report::exit(0))
}

/// Prints the main page, or writes all pages.
pub(crate) fn man(args: &cli::Man) -> Result<Report, Failure> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.dir else {
        host::stdout(&page(command)?)?;
        return Ok(Report::exit(0));
    };
    let mut names = Vec::new();
    pages(&command, "cargo-zero", folder, &mut names)?;
    let text = format!("{} pages in {}\n", names.len(), folder.display());
    Ok(Report::new(
        serde_json::json!({ "folder": folder, "pages": names }),
        text,
    ))
}

fn pages(
    command: &clap::Command,
    name: &str,
    folder: &Path,
    names: &mut Vec<String>,
) -> Result<(), Failure> {
    let file = format!("{name}.1");
    write::replace(&folder.join(&file), &page(command.clone())?)?;
    names.push(file);
    for below in command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
    {
        pages(
            below,
            &format!("{name}-{}", below.get_name()),
            folder,
            names,
        )?;
    }
    Ok(())
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    Man::new(command)
        .render(&mut text)
        .map_err(|error| Failure::failed("cannot write the manual page").because(&error))?;
    Ok(text)
}
