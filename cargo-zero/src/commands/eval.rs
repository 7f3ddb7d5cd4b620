//! `eval`: what a model can do, by running what it writes (spec/eval.md).

mod folder;
mod in_c;
mod serve;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use zero_format::Digest;
use zero_model::eval::{self, DrawError, DrawOptions, Judged, Sample, Summary};
use zero_model::judge::Judge;
use zero_model::model::Sampling;
use zero_model::prompt::Language;
use zero_model::task::{Task, WAT_EVAL};

use self::folder::Folder;
use super::model::{self, Opened};
use crate::cli::{AnswerLanguage, Eval, EvalCommand, Measure};
use crate::host::Session;
use crate::report::{Class, Failure, Report};

/// The name of no server: every task is answered with its reference.
const REFERENCE: &str = "reference";

pub(crate) fn run(session: &Session, args: &Eval) -> Result<Report, Failure> {
    match &args.command {
        Some(EvalCommand::Serve(args)) => serve::run(session, args),
        None => measure(session, &args.measure),
    }
}

fn measure(session: &Session, args: &Measure) -> Result<Report, Failure> {
    let set = Set::read(args.tasks.as_deref())?;
    let mut folder = args
        .out
        .as_deref()
        .map(|dir| Folder::open(dir, args.resume))
        .transpose()?;
    let compiler = match args.language {
        AnswerLanguage::C => Some(in_c::compiler(session)?),
        AnswerLanguage::Wat => None,
    };
    let judge = match &compiler {
        Some(compiler) => Judge::default().compiled(Arc::clone(compiler) as _),
        None => Judge::default(),
    };
    let (model, samples) = samples(session, args, &set, &judge, folder.as_mut())?;
    let step = session
        .output
        .step(&format!("judging {} answers", samples.len()));
    let begun = Instant::now();
    let judged = eval::judge(&judge, &set.tasks, samples, jobs(args.jobs))
        .map_err(|error| Failure::failed("cannot judge the samples").because(&error))?;
    if let Some(compiler) = &compiler {
        compiler.check()?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    drop(step);
    let ks: Vec<usize> = args.k.iter().copied().map(usize::from).collect();
    let summary = Summary::of(&set.tasks, &judged, &ks);
    let markdown = summary.markdown(&model);
    let fields = fields(&model, &summary, &judged, seconds);
    if let Some(folder) = &folder {
        folder.finish(&judged, &markdown, &summary.svg(&model), &fields)?;
    }
    Ok(Report::new(fields, text(&markdown, &judged)))
}

/// As many threads as there are cores, unless the user says otherwise.
fn jobs(wanted: Option<usize>) -> usize {
    wanted.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

/// A set of tasks.
struct Set {
    tasks: Vec<Task>,
    /// Of its text.
    digest: Digest,
}

impl Set {
    /// The tasks in a file; WAT-Eval if none is named.
    fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let (text, name) = match path {
            Some(path) => (read(path)?, path.display().to_string()),
            None => (WAT_EVAL.to_owned(), "WAT-Eval".to_owned()),
        };
        let tasks = Task::parse_set(&text)
            .map_err(|error| Failure::failed(format!("cannot use {name}")).because(&error))?;
        let digest = Digest::of(text.as_bytes());
        Ok(Self { tasks, digest })
    }
}

/// The answers, and whose they are.
fn samples(
    session: &Session,
    args: &Measure,
    set: &Set,
    judge: &Judge,
    folder: Option<&mut Folder>,
) -> Result<(String, Vec<Sample>), Failure> {
    if let Some(path) = &args.samples {
        return Ok((path.display().to_string(), lines(path)?));
    }
    if args.model.model.as_deref() == Some(REFERENCE) {
        return Ok((REFERENCE.to_owned(), eval::references(&set.tasks)));
    }
    drawn(session, args, set, judge, folder)
}

/// Asks a model; what a run before this one left in the folder is not asked for again.
fn drawn(
    session: &Session,
    args: &Measure,
    set: &Set,
    judge: &Judge,
    mut folder: Option<&mut Folder>,
) -> Result<(String, Vec<Sample>), Failure> {
    let typed = args.language == AnswerLanguage::Wat;
    if args.model.header && !typed {
        return Err(
            Failure::usage("--header is for answers in WebAssembly text")
                .hint("leave it out with --language c"),
        );
    }
    let Opened { model, interface } = model::open(session, &args.model, typed)?;
    let name = model.name().to_owned();
    let several = args.n.get() > 1;
    let options = DrawOptions {
        samples: if several { args.n.get().into() } else { 0 },
        header: args.model.header,
        repair: args.repair,
        sampling: Sampling {
            temperature: args.temperature,
            max_tokens: args.model.max_tokens,
            seed: args.model.seed,
            ..Sampling::default()
        },
        parallel: args.parallel,
        language: match args.language {
            AnswerLanguage::C => Language::C,
            AnswerLanguage::Wat => Language::Wat,
        },
    };
    let mut samples = match &mut folder {
        Some(folder) => folder.begin(&json!({
            "model": name,
            "language": format!("{:?}", args.language).to_lowercase(),
            "interface": interface,
            "header": args.model.header,
            "temperature": args.temperature,
            "max_tokens": args.model.max_tokens,
            "seed": args.model.seed,
            "tasks": set.digest,
        }))?,
        None => Vec::new(),
    };
    let bar = session.output.bar();
    bar.title(name.clone());
    bar.phase("answers", set.tasks.len() * (1 + options.samples));
    let have = samples.clone();
    let kept = eval::draw(
        model.as_ref(),
        judge,
        &set.tasks,
        &options,
        &have,
        |sample| {
            bar.advance();
            if let Some(folder) = &mut folder {
                folder.add(&sample)?;
            }
            samples.push(sample);
            Ok(())
        },
    );
    drop(bar);
    kept.map_err(|error| match error {
        DrawError::Keep(failure) => failure,
        DrawError::Model(error) => {
            let failure = model::failure(&error);
            match &args.out {
                Some(dir) => {
                    let first = failure.hint_text().map(|hint| format!("{hint}; "));
                    let hint = format!(
                        "{}what was answered is in {}: the same command with --resume goes on there",
                        first.unwrap_or_default(),
                        dir.display()
                    );
                    failure.hint(hint)
                }
                None => failure,
            }
        }
    })?;
    Ok((name, samples))
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
        .map(|one| json!({"task": one.sample.task, "verdict": one.verdict, "diagnostic": one.diagnostic}))
        .collect();
    fields
}

fn failures(judged: &[Judged]) -> impl Iterator<Item = &Judged> {
    judged.iter().filter(|one| !one.passed())
}

fn text(markdown: &str, judged: &[Judged]) -> String {
    let mut text = markdown.to_owned();
    for one in failures(judged).take(10) {
        let first = one.diagnostic.lines().next().unwrap_or_default();
        text += &format!("\n{} {}: {first}", one.sample.task, one.verdict);
    }
    zero_format::printable_lines(&text)
}
