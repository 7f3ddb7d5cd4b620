//! `tune`: a dataset to a fine-tuned model, by the Python project that comes with this program.
//!
//! This side finds or makes the Python environment, starts the project, shows its events, and ends with its result. What
//! is computed, and every check of data and settings, is the project's: `zero-model/tune`.

mod arguments;
mod child;
mod environment;
mod view;

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::Tune;
use crate::host::Session;
use crate::report::{Failure, Report};

use child::Child;
use environment::Python;

pub(crate) fn run(session: &Session, args: &Tune) -> Result<Report, Failure> {
    let project = environment::unpack(session)?;
    let mut python = Python::find(session, args.python.as_deref())?;
    let plan = plan(session, args, &python, &project)?;
    if args.dry_run {
        return Ok(dry_run(args, &plan));
    }
    session.output.note(&view::brief(&plan));
    if args.python.is_none() {
        python = python.with_packages(session, &project)?;
    }
    let child = Child {
        session,
        python: &python,
        project: &project,
    };
    let done = child.run(&arguments::training(args)?, args.processes)?;
    Ok(result(args, &plan, &done))
}

/// Checks the data or tasks and estimates, with nothing but Python itself.
fn plan(session: &Session, args: &Tune, python: &Python, project: &Path) -> Result<Value, Failure> {
    let child = Child {
        session,
        python,
        project,
    };
    child.run(&arguments::plan(args), 1)
}

fn dry_run(args: &Tune, plan: &Value) -> Report {
    let steps = view::steps(args, plan);
    let mut text = view::estimate(plan);
    for (number, step) in (1..).zip(&steps) {
        text += &format!("  {number}. {step}\n");
    }
    let fields = json!({ "dry_run": true, "plan": plan, "steps": steps });
    Report::new(fields, text)
}

fn result(args: &Tune, plan: &Value, done: &Value) -> Report {
    let fields = json!({
        "out": args.out,
        "plan": plan,
        "metrics": done["metrics"],
        "files": done["files"],
    });
    Report::new(fields, view::result(args, done))
}
