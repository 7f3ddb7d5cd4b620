//! `harvest`: documented C to records (spec/dataset.md).

mod show;
mod stats;
mod table;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use serde_json::{Value, json};
use zero_format::printable;
use zero_harvest::check::Level;
use zero_harvest::recipe::{self, Recipe};
use zero_harvest::source::Source;
use zero_harvest::stats::ReadError;
use zero_harvest::{
    Format, HarvestError, Options, Phase, Progress, Style, Summary, Toolchain, chain, extract,
};
use zero_model::task::{Task, WAT_EVAL};

use crate::cli::{Harvest, HarvestCommand, HarvestFormat, HarvestLevel, HarvestStyle};
use crate::host::Session;
use crate::report::{Bar, Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &Harvest) -> Result<Report, Failure> {
    match &args.command {
        Some(HarvestCommand::Stats(args)) => return stats::run(args),
        Some(HarvestCommand::Show(args)) => return show::run(args),
        None => {}
    }
    let options = options(session, args)?;
    let watcher = Watcher::new(session.output.bar());
    let summary = zero_harvest::harvest(&options, &watcher).map_err(|error| failure(&error))?;
    let seconds = watcher.finish();
    if summary.repositories.is_empty()
        && let Some((name, error)) = summary.failed.first()
    {
        return Err(
            Failure::failed(format!("cannot harvest {}", printable(name)))
                .because(error)
                .hint_if(error.hint()),
        );
    }
    for (name, error) in &summary.failed {
        let text = format!("{name} is left out: {}", chain(error));
        session.output.warn(&printable(&text));
    }
    Ok(report(args, &summary, &seconds))
}

fn failure(error: &HarvestError) -> Failure {
    let class = match error {
        HarvestError::Worker(_) => Class::NotFound,
        _ => Class::Failed,
    };
    Failure::new(class, "cannot harvest")
        .because(error)
        .hint_if(error.hint())
}

/// Why a dataset cannot be read.
fn unreadable(error: &ReadError) -> Failure {
    Failure::new(Class::NotFound, "cannot read the dataset")
        .because(error)
        .hint_if(error.hint())
}

/// The process that `run` starts to read sources.
pub(crate) fn reader() -> Result<Report, Failure> {
    extract::serve(io::stdin().lock(), io::stdout().lock())
        .map_err(|error| Failure::failed("cannot talk to `cargo zero harvest`").because(&error))?;
    Ok(Report::exit(0))
}

fn options(session: &Session, args: &Harvest) -> Result<Options, Failure> {
    let mut sources = Vec::new();
    for text in &args.sources {
        let parsed = Source::parse(text).map_err(|error| {
            Failure::new(Class::NotFound, "cannot read a source")
                .because(&error)
                .hint_if(error.hint())
        })?;
        sources.extend(parsed);
    }
    let mut recipes = Vec::new();
    for folder in &args.recipes {
        recipes.extend(
            Recipe::load(folder)
                .map_err(|error| Failure::failed("cannot read the recipes").because(&error))?,
        );
    }
    recipes.extend(recipe::shipped());
    let toolchain = Toolchain::find(
        args.clang.as_deref(),
        args.sysroot.as_deref(),
        session.env.path.as_deref(),
    )
    .map_err(|error| {
        Failure::new(Class::NotFound, "there is no compiler for C")
            .because(&error)
            .hint(error.hint())
    })?;
    let out = args.out.clone().unwrap_or_default();
    let mut options = Options::new(sources, out, toolchain, worker()?);
    options.recipes = recipes;
    options.jobs = args
        .jobs
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZeroUsize::get);
    options.indent = " ".repeat(args.indent.min(8));
    options.self_contained = args.self_contained;
    options.licenses = args.licenses.clone();
    options.sizes.functions = args.max_functions;
    options.sizes.instructions = args.max_instructions;
    options.sizes.data = args.max_data;
    options.sizes.text = args.max_text;
    options.budget.time = Duration::from_secs(args.max_seconds);
    options.budget.memory = args.max_memory.saturating_mul(1 << 20);
    options.level = level(args.level);
    // What must be reached must be tried.
    options.verify = level(args.verify).max(options.level);
    options.resume = args.resume;
    options.shard = args.shard;
    options.formats = args.format.iter().copied().map(format).collect();
    options.styles = args.style.iter().copied().map(style).collect();
    options.curation.duplicates = !args.keep_duplicates;
    options.curation.most = args.max_per_repository;
    options.curation.benchmarks = benchmarks(&args.decontaminate)?;
    options.cache.clone_from(&args.cache);
    Ok(options)
}

/// The prompts of WAT-Eval and of the user's own files: one a line, or a field of JSON lines.
fn benchmarks(files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let own = Task::parse_set(WAT_EVAL)
        .map_err(|error| Failure::failed("cannot use WAT-Eval").because(&error))?;
    let mut prompts: Vec<String> = own.into_iter().map(|task| task.prompt).collect();
    for path in files {
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::new(Class::NotFound, format!("cannot read {}", path.display())).because(&error)
        })?;
        prompts.extend(text.lines().filter_map(prompt));
    }
    Ok(prompts)
}

fn prompt(line: &str) -> Option<String> {
    let text = match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(fields)) => {
            let field = ["prompt", "instruction", "text"]
                .iter()
                .find_map(|name| fields.get(*name));
            field.and_then(Value::as_str)?.to_owned()
        }
        _ => line.trim().to_owned(),
    };
    (!text.is_empty()).then_some(text)
}

fn format(format: HarvestFormat) -> Format {
    match format {
        HarvestFormat::Jsonl => Format::Jsonl,
        HarvestFormat::JsonlZst => Format::JsonlZst,
        HarvestFormat::Parquet => Format::Parquet,
    }
}

fn style(style: HarvestStyle) -> Style {
    match style {
        HarvestStyle::Alpaca => Style::Alpaca,
        HarvestStyle::Messages => Style::Messages,
        HarvestStyle::PromptCompletion => Style::PromptCompletion,
        HarvestStyle::Rl => Style::Rl,
    }
}

fn level(level: HarvestLevel) -> Level {
    match level {
        HarvestLevel::L1 => Level::L1,
        HarvestLevel::L2 => Level::L2,
    }
}

/// This very program, as a process that reads sources.
fn worker() -> Result<Vec<OsString>, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed("cannot find this program's file").because(&error))?;
    Ok(vec![program.into(), OsString::from("harvest-reader")])
}

/// Shows how far the run is, and remembers how long each phase took.
struct Watcher {
    bar: Bar,
    clock: Mutex<Clock>,
}

struct Clock {
    phase: &'static str,
    since: Instant,
    seconds: BTreeMap<&'static str, f64>,
}

impl Clock {
    fn turn(&mut self, phase: &'static str) {
        let now = Instant::now();
        let passed = now.duration_since(self.since).as_secs_f64();
        *self.seconds.entry(self.phase).or_default() += passed;
        (self.phase, self.since) = (phase, now);
    }
}

impl Watcher {
    fn new(bar: Bar) -> Self {
        let clock = Mutex::new(Clock {
            phase: "start",
            since: Instant::now(),
            seconds: BTreeMap::new(),
        });
        Self { bar, clock }
    }

    fn turn(&self, phase: &'static str) {
        if let Ok(mut clock) = self.clock.lock() {
            clock.turn(phase);
        }
    }

    /// Seconds by phase.
    fn finish(self) -> BTreeMap<&'static str, f64> {
        self.turn("end");
        let clock = self.clock.into_inner();
        clock.map(|clock| clock.seconds).unwrap_or_default()
    }
}

impl Progress for Watcher {
    fn repository(&self, name: &str, number: usize, of: usize) {
        let title = format!("[{number}/{of}] {}", printable(name));
        self.bar.title(title);
    }

    fn phase(&self, phase: Phase, steps: usize) {
        let name = match phase {
            Phase::Fetch => "fetch",
            Phase::Read => "read",
            Phase::Compile => "compile",
            Phase::Slice => "slice",
            _ => "write",
        };
        self.turn(name);
        self.bar.phase(name, steps);
    }

    fn advance(&self) {
        self.bar.advance();
    }
}

fn report(args: &Harvest, summary: &Summary, seconds: &BTreeMap<&str, f64>) -> Report {
    let repositories: Vec<_> = summary
        .repositories
        .iter()
        .map(|(repo, counts)| json!({ "repo": repo, "counts": counts }))
        .collect();
    let failed: Vec<_> = summary
        .failed
        .iter()
        .map(|(repo, error)| json!({ "repo": repo, "error": chain(error) }))
        .collect();
    let fields = json!({
        "out": args.out,
        "repositories": repositories,
        "total": summary.total,
        "failed": failed,
        "seconds": seconds,
    });
    Report::new(fields, table::text(summary))
}
