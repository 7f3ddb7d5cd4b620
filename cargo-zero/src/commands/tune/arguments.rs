//! The command line of the Python project.

use std::ffi::OsString;
use std::fmt::Display;

use clap::ValueEnum as _;

use crate::cli::Tune;
use crate::report::Failure;

/// `plan`, which needs no packages.
pub(super) fn plan(args: &Tune) -> Vec<OsString> {
    let mut line = vec![OsString::from("plan")];
    common(&mut line, args);
    line
}

/// `train`, or `grpo` where there are tasks instead of data.
pub(super) fn training(args: &Tune) -> Result<Vec<OsString>, Failure> {
    let mut line = vec![OsString::from(if args.tasks.is_some() {
        "grpo"
    } else {
        "train"
    })];
    common(&mut line, args);
    if args.tasks.is_some() {
        let judge = std::env::current_exe()
            .map_err(|error| Failure::failed("cannot find this program's file").because(&error))?;
        push(&mut line, "--judge", judge.as_os_str());
    }
    flag(&mut line, "--fsdp", args.fsdp);
    option(&mut line, "--merge", args.merge.as_deref());
    Ok(line)
}

fn common(line: &mut Vec<OsString>, args: &Tune) {
    let settings = &args.settings;
    if let Some(data) = &args.data {
        push(line, "--data", data.as_os_str());
    }
    if let Some(tasks) = &args.tasks {
        push(line, "--tasks", tasks.as_os_str());
        option(line, "--generations", args.generations);
    }
    push(line, "--base", args.base.as_ref());
    let method = args.method.to_possible_value();
    option(
        line,
        "--method",
        method.as_ref().map(clap::builder::PossibleValue::get_name),
    );
    option(line, "--template", settings.template.as_deref());
    option(line, "--rank", settings.rank);
    option(line, "--learning-rate", settings.learning_rate);
    option(line, "--epochs", settings.epochs);
    option(line, "--max-steps", settings.max_steps);
    option(line, "--batch", settings.batch);
    option(line, "--accumulation", settings.accumulation);
    option(line, "--max-length", settings.max_length);
    option(line, "--evaluations", settings.evaluations);
    option(line, "--patience", settings.patience);
    option(line, "--seed", settings.seed);
    flag(line, "--no-packing", settings.no_packing);
    flag(line, "--no-checkpointing", settings.no_checkpointing);
    flag(line, "--drop-leaks", args.drop_leaks);
    flag(line, "--pool-splits", args.pool_splits);
    push(line, "--out", args.out.as_os_str());
    flag(line, "--resume", args.resume);
}

/// `--name=value` in one word, so that a value that begins with a hyphen is none of the options.
fn push(line: &mut Vec<OsString>, name: &str, value: &std::ffi::OsStr) {
    let mut word = OsString::from(name);
    word.push("=");
    word.push(value);
    line.push(word);
}

fn option(line: &mut Vec<OsString>, name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        push(line, name, value.to_string().as_ref());
    }
}

fn flag(line: &mut Vec<OsString>, name: &str, given: bool) {
    if given {
        line.push(OsString::from(name));
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn tune(words: &[&str]) -> Box<Tune> {
        let line = ["cargo-zero", "tune", "--base", "b", "--out", "o"];
        match Cli::try_parse_from(line.iter().chain(words))
            .unwrap()
            .command
        {
            Command::Tune(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_reach_the_project_and_defaults_are_its_own() {
        let args = tune(&[
            "--data", "d", "--method", "qlora", "--rank", "8", "--resume",
        ]);
        let line = training(&args).unwrap();
        let expected = [
            "train",
            "--data=d",
            "--base=b",
            "--method=qlora",
            "--rank=8",
            "--out=o",
            "--resume",
        ];
        assert_eq!(line, expected.map(OsString::from));
    }

    #[test]
    fn a_value_that_looks_like_an_option_stays_a_value() {
        let args = tune(&["--data=--resume"]);
        let line = plan(&args);
        assert!(line.contains(&OsString::from("--data=--resume")));
    }

    #[test]
    fn tasks_are_learned_by_reward_and_this_program_judges() {
        let args = tune(&["--tasks", "t", "--generations", "4"]);
        let line = training(&args).unwrap();
        assert_eq!(line[0], "grpo");
        let words: Vec<_> = line.iter().map(|word| word.to_string_lossy()).collect();
        assert!(words.iter().any(|word| word.starts_with("--judge=")));
        // The plan checks the same tasks, before anything is installed.
        for line in [&line, &plan(&args)] {
            assert!(line.contains(&OsString::from("--tasks=t")));
            assert!(line.contains(&OsString::from("--generations=4")));
        }
    }
}
