//! `ask`: a model writes a function, which is tried before anybody relies on it (spec/eval.md, "Asking").

mod save;

use serde_json::{Value as Json, json};
use zero_format::{PackageName, printable_lines};
use zero_model::ask::{self, AskOptions, Asked, Attempt};
use zero_model::judge::{self, Judge};
use zero_model::model::Sampling;
use zero_model::prompt;
use zero_model::retrieve::{Library, Record};
use zero_model::sandbox::{Sandbox, SandboxError};
use zero_model::task::{Task, Value};
use zrun::RunError;

use super::asked::{self, Example};
use super::model;
use crate::cli::{Ask, VARIED};
use crate::host::{Session, entropy};
use crate::report::{Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &Ask) -> Result<Report, Failure> {
    let package = args.save.as_deref().map(save::package).transpose()?;
    let invoke = args.invoke.as_deref().map(asked::numbers).transpose();
    let invoke = invoke
        .map_err(|reason| Failure::usage(format!("--invoke: {reason}")).hint("--invoke 7,9"))?;
    let task = task(args, package.as_ref(), invoke.as_deref())?;
    if let Some(invoke) = &invoke {
        callable(&task, invoke)?;
    }
    let model = model::open(session, &args.model, true)?.model;
    let library = args.dataset.as_deref().map(library).transpose()?;
    let records = library
        .as_ref()
        .map(|library| library.nearest(&task.prompt, args.shots))
        .unwrap_or_default();
    let conversation = prompt::conversation(&task, &records);
    let options = options(args);
    let step = session.output.step(&format!("asking {}", model.name()));
    let mut tell = |attempt: &Attempt| session.output.note(&line(attempt));
    let asked = ask::ask(
        model.as_ref(),
        &Judge::default(),
        &task,
        conversation,
        &options,
        &mut tell,
    );
    drop(step);
    let asked = asked.map_err(|error| model::failure(&error))?;
    let answer = asked.answer().ok_or_else(|| failed(&asked, &task))?;
    let made = Made {
        task: &task,
        answer,
        model: model.name(),
        records: &records,
        options: &options,
    };
    if let (Some(folder), Some(package)) = (&args.save, &package) {
        save::save(session, folder, package, &made, &asked)?;
    }
    // Last: an answer that passed is not lost with a call that fails.
    let value = invoke
        .map(|invoke| call(&task, answer, &invoke))
        .transpose()
        .map_err(|failure| passed(failure, args, answer))?;
    let report = Report::new(
        fields(args, &made, &asked, value.as_ref()),
        text(args, &made, value.as_ref()),
    );
    Ok(match &args.save {
        Some(folder) => report.next(format!("cd {} && cargo zero build", folder.display())),
        None => report,
    })
}

/// Everything about an answer that passed.
struct Made<'a> {
    task: &'a Task,
    answer: &'a Attempt,
    model: &'a str,
    records: &'a [&'a Record],
    options: &'a AskOptions,
}

/// What a call returned.
struct Returned {
    call: String,
    json: Json,
    text: String,
    fuel: Option<u64>,
}

fn task(
    args: &Ask,
    package: Option<&PackageName>,
    invoke: Option<&[Json]>,
) -> Result<Task, Failure> {
    if args.prompt.trim().is_empty() {
        return Err(Failure::usage("the prompt is empty").hint("say what the function is to do: cargo zero ask \"greatest common divisor\" --example 12,18=>6"));
    }
    let name = package.map(|package| package.base().replace('-', "_"));
    let examples: (&[Example], &[Example]) = (&args.example, &args.test);
    asked::task(&args.prompt, name.as_deref(), args.signature.as_ref(), examples, invoke).map_err(|reason| {
        Failure::usage(reason).hint("give an example, --example '12,18=>6', or the type, --signature 'gcd(i32, i32) -> i32'")
    })
}

/// Before anything is asked: a call that cannot be made is no reason to pay for an answer.
fn callable(task: &Task, invoke: &[Json]) -> Result<(), Failure> {
    let values: Vec<Value> = invoke.iter().cloned().map(Value::Number).collect();
    task.signature.takes(&values).map_err(|reason| {
        Failure::usage(format!("--invoke: {reason}"))
            .hint(format!("the function is {}", task.signature))
    })
}

fn library(folder: &std::path::Path) -> Result<Library, Failure> {
    Library::open(folder).map_err(|error| {
        Failure::new(Class::NotFound, "cannot take examples from the dataset")
            .because(&error)
            .hint("--dataset takes a folder that `cargo zero harvest` made")
    })
}

fn options(args: &Ask) -> AskOptions {
    let several = args.candidates > 1;
    AskOptions {
        rounds: args.attempts.get(),
        candidates: args.candidates,
        header: args.model.header,
        sampling: Sampling {
            temperature: args
                .temperature
                .unwrap_or(if several { VARIED } else { 0.0 }),
            max_tokens: args.model.max_tokens,
            seed: args.model.seed,
            ..Sampling::default()
        },
    }
}

fn line(attempt: &Attempt) -> String {
    let first = attempt.diagnostic.lines().next().unwrap_or_default();
    let text = format!(
        "attempt {}: {} {first}",
        attempt.round,
        attempt.judgement.verdict.class()
    );
    printable_lines(text.trim_end())
}

fn failed(asked: &Asked, task: &Task) -> Failure {
    let tried = asked.attempts.len();
    let failure = Failure::failed(format!("none of {tried} answers was right"));
    let failure = match asked.best() {
        Some(best) => failure
            .cause(format!(
                "the best was {}: {}",
                best.judgement.verdict.class(),
                best.judgement.verdict.diagnostic(task)
            ))
            .details(printable_lines(&best.module)),
        None => failure,
    };
    failure.hint(
        "try more at once, --candidates 8, or show the model similar functions, --dataset DIR",
    )
}

/// The failure of a call, with the answer, which is right as far as it was tried.
fn passed(failure: Failure, args: &Ask, answer: &Attempt) -> Failure {
    let saved = args.save.as_deref();
    failure
        .details(printable_lines(&answer.module))
        .hint_if(saved.map(|folder| format!("the function is saved in {}", folder.display())))
}

/// Runs what passed in the runtime that runs every package, without any right.
fn call(task: &Task, answer: &Attempt, args: &[Json]) -> Result<Returned, Failure> {
    let name = &task.signature.name;
    let shown: Vec<String> = args.iter().map(ToString::to_string).collect();
    let shown = format!("{name}({})", shown.join(", "));
    let cannot = |class| Failure::new(class, format!("{shown} did not return"));
    let wasm = judge::parse(&answer.module).map_err(|_| cannot(Class::Failed))?;
    let called = Sandbox::new(entropy()?)
        .call(&wasm, name, args)
        .map_err(|error| {
            let class = match &error {
                SandboxError::Run(RunError::Limit(_)) => Class::Limit,
                SandboxError::Run(RunError::Trap { .. }) => Class::Trapped,
                _ => Class::Failed,
            };
            cannot(class).because(&error)
        })?;
    Ok(Returned {
        call: shown,
        json: called.to_json(),
        text: called.to_text(),
        fuel: called.fuel,
    })
}

fn checks(args: &Ask) -> Vec<String> {
    let count = |count: usize, one: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        many => Some(format!("{many} {one}s")),
    };
    let fixed = ["valid", "imports nothing", "has the type"].map(str::to_owned);
    let counted = [
        count(args.example.len(), "example"),
        count(args.test.len(), "test"),
    ];
    fixed
        .into_iter()
        .chain(counted.into_iter().flatten())
        .collect()
}

fn fields(args: &Ask, made: &Made<'_>, asked: &Asked, value: Option<&Returned>) -> Json {
    let attempt = |attempt: &Attempt| {
        json!({
            "attempt": attempt.round, "seed": attempt.seed, "verdict": attempt.judgement.verdict.class(),
            "diagnostic": attempt.diagnostic, "answer": attempt.completion.text,
            "tokens": attempt.completion.completion_tokens,
        })
    };
    json!({
        "wat": made.answer.module, "signature": made.task.signature.to_string(), "model": made.model,
        "checked": checks(args), "fuel": made.answer.judgement.fuel,
        "call": value.map(|value| &value.call), "result": value.map(|value| &value.json),
        "attempts": asked.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "records": made.records.iter().map(|record| &record.id).collect::<Vec<_>>(),
        "saved": args.save,
    })
}

fn text(args: &Ask, made: &Made<'_>, value: Option<&Returned>) -> String {
    let mut text = printable_lines(&made.answer.module);
    text += &format!(
        "\n\n  function  {}\n  checked   {}\n",
        made.task.signature,
        checks(args).join(", ")
    );
    if args.example.is_empty() && args.test.is_empty() {
        text +=
            "            nothing says what it is to return: give examples, --example '12,18=>6'\n";
    }
    if made.answer.judgement.fuel > 0 {
        text += &format!(
            "  work      {} units for these calls\n",
            made.answer.judgement.fuel
        );
    }
    if let Some(folder) = &args.save {
        text += &format!("  saved     {}\n", folder.display());
    }
    if let Some(value) = value {
        let fuel = value
            .fuel
            .map_or_else(String::new, |fuel| format!(" ({fuel} units of fuel)"));
        text += &format!("\n{} = {}{fuel}\n", value.call, value.text.trim_end());
    }
    text
}
