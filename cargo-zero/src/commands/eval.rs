//! `eval`: what a model can do, by running what it writes (spec/eval.md).

use std::io;
use std::path::Path;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use zero_model::eval::{self, Judged, Sample, Summary};
use zero_model::judge::Judge;
use zero_model::task::{Task, WAT_EVAL};

use crate::cli::Eval;
use crate::host::Session;
use crate::report::{Class, Failure, Report};
use crate::write;

pub(crate) fn run(session: &Session, args: &Eval) -> Result<Report, Failure> {
    let tasks = tasks(args)?;
    let (model, samples) = samples(args, &tasks)?;
    let jobs = args
        .jobs
        .unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let step = session
        .output
        .step(&format!("judging {} answers", samples.len()));
    let begun = Instant::now();
    let judged = eval::judge(&Judge::default(), &tasks, samples, jobs)
        .map_err(|error| Failure::failed("cannot judge the samples").because(&error))?;
    let seconds = begun.elapsed().as_secs_f64();
    drop(step);
    let ks: Vec<usize> = args.k.iter().copied().map(usize::from).collect();
    let summary = Summary::of(&tasks, &judged, &ks);
    let markdown = summary.markdown(&model);
    let fields = fields(&model, &summary, &judged, seconds);
    if let Some(dir) = &args.out {
        save(dir, &judged, &markdown, &fields)?;
    }
    Ok(Report::new(fields, text(&markdown, &judged)))
}

fn tasks(args: &Eval) -> Result<Vec<Task>, Failure> {
    let (text, name) = match &args.tasks {
        Some(path) => (read(path)?, path.display().to_string()),
        None => (WAT_EVAL.to_owned(), "WAT-Eval".to_owned()),
    };
    Task::parse_set(&text)
        .map_err(|error| Failure::failed(format!("cannot use {name}")).because(&error))
}

fn samples(args: &Eval, tasks: &[Task]) -> Result<(String, Vec<Sample>), Failure> {
    match (&args.samples, args.model.as_deref()) {
        (Some(path), _) => Ok((path.display().to_string(), lines(path)?)),
        (None, Some("reference")) => Ok(("reference".to_owned(), eval::references(tasks))),
        (None, Some(other)) => Err(Failure::usage(format!("there is no model {other}"))
            .hint("cargo zero eval --model reference")),
        (None, None) => Err(Failure::usage("no model and no samples were named").hint(
            "cargo zero eval --samples FILE, with a line {\"task\":…,\"answer\":…} for each answer",
        )),
    }
}

fn lines(path: &Path) -> Result<Vec<Sample>, Failure> {
    let text = read(path)?;
    let lines = (1..)
        .zip(text.lines())
        .filter(|(_, text)| !text.trim().is_empty());
    let sample = |(line, text): (usize, &str)| {
        serde_json::from_str(text).map_err(|error| {
            Failure::failed(format!("cannot read line {line} of {}", path.display()))
                .because(&error)
        })
    };
    lines.map(sample).collect()
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let class = if error.kind() == io::ErrorKind::NotFound {
            Class::NotFound
        } else {
            Class::Failed
        };
        Failure::new(class, format!("cannot read {}", path.display())).because(&error)
    })
}

fn fields(model: &str, summary: &Summary, judged: &[Judged], seconds: f64) -> Value {
    let mut fields = json!(summary);
    fields["model"] = json!(model);
    fields["seconds"] = json!(seconds);
    fields["failures"] = failures(judged)
        .map(|one| json!({"task": one.task, "verdict": one.verdict, "diagnostic": one.diagnostic}))
        .collect();
    fields
}

fn failures(judged: &[Judged]) -> impl Iterator<Item = &Judged> {
    judged.iter().filter(|one| one.verdict != "passed")
}

fn text(markdown: &str, judged: &[Judged]) -> String {
    let mut text = markdown.to_owned();
    for one in failures(judged).take(10) {
        let first = one.diagnostic.lines().next().unwrap_or_default();
        text += &format!("\n{} {}: {first}", one.task, one.verdict);
    }
    text
}

fn save(dir: &Path, judged: &[Judged], markdown: &str, fields: &Value) -> Result<(), Failure> {
    std::fs::create_dir_all(dir).map_err(|error| write::cannot_write(dir, &error))?;
    let mut samples = String::new();
    for one in judged {
        samples += &json!(one).to_string();
        samples.push('\n');
    }
    write::replace(&dir.join("samples.jsonl"), samples.as_bytes())?;
    write::replace(&dir.join("report.md"), markdown.as_bytes())?;
    write::replace(&dir.join("report.json"), fields.to_string().as_bytes())
}
