//! `harvest`: documented C to records (spec/dataset.md).

use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::num::NonZeroUsize;
use std::thread;

use serde_json::json;
use zero_format::printable;
use zero_harvest::check::Level;
use zero_harvest::recipe::Recipe;
use zero_harvest::record::Counts;
use zero_harvest::source::Source;
use zero_harvest::{HarvestError, Options, Phase, Progress, Summary, Toolchain, extract};

use crate::cli::{Harvest, HarvestLevel};
use crate::host::Session;
use crate::report::{Bar, Class, Failure, Report};

pub(crate) fn run(session: &Session, args: &Harvest) -> Result<Report, Failure> {
    let options = options(session, args)?;
    let watcher = Watcher(session.output.bar());
    let summary = zero_harvest::harvest(&options, &watcher).map_err(|error| failure(&error))?;
    drop(watcher);
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
    Ok(report(args, &summary))
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

/// An error and what it comes from, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
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
    let mut options = Options::new(sources, args.out.clone(), toolchain, worker()?);
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
    options.level = level(args.level);
    // What must be reached must be tried.
    options.verify = level(args.verify).max(options.level);
    options.resume = args.resume;
    Ok(options)
}

fn level(level: HarvestLevel) -> Level {
    match level {
        HarvestLevel::L0 => Level::L0,
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

/// Shows how far the run is.
struct Watcher(Bar);

impl Progress for Watcher {
    fn repository(&self, name: &str, number: usize, of: usize) {
        self.0.title(format!("[{number}/{of}] {}", printable(name)));
    }

    fn phase(&self, phase: Phase, steps: usize) {
        let name = match phase {
            Phase::Fetch => "fetch",
            Phase::Read => "read",
            Phase::Compile => "compile",
            Phase::Slice => "slice",
            _ => "write",
        };
        self.0.phase(name, steps);
    }

    fn advance(&self) {
        self.0.advance();
    }
}

fn report(args: &Harvest, summary: &Summary) -> Report {
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
    });
    Report::new(fields, table(summary))
}

const COLUMNS: [&str; 7] = [
    "documented",
    "compilable",
    "L1",
    "self-contained",
    "L2",
    "records",
    "rejected",
];

fn table(summary: &Summary) -> String {
    let total = ("all", &summary.total);
    let rows: Vec<(&str, &Counts)> = summary
        .repositories
        .iter()
        .map(|(name, counts)| (name.as_str(), counts))
        .chain((summary.repositories.len() > 1).then_some(total))
        .collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0).max("repository".len());
    let mut text = format!("{:<width$}", "repository");
    for column in COLUMNS {
        text += &format!("  {column}");
    }
    text.push('\n');
    for (name, counts) in rows {
        text += &format!("{:<width$}", printable(name));
        let rejected = counts.rejected.values().sum();
        let cells = [
            counts.documented,
            counts.compilable,
            counts.l1,
            counts.self_contained,
            counts.l2,
            counts.records,
            rejected,
        ];
        for (column, cell) in COLUMNS.iter().zip(cells) {
            text += &format!("  {cell:>width$}", width = column.len());
        }
        text.push('\n');
    }
    let mut reasons: Vec<(&String, &usize)> = summary.total.rejected.iter().collect();
    reasons.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
    for (reason, count) in reasons {
        text += &format!("  {count:>6} {reason}\n");
    }
    text += &sources(&summary.total);
    text
}

/// What the table does not show: why there is less than expected.
fn sources(total: &Counts) -> String {
    let (units, compiled) = (total.units, total.compiled_units);
    let mut text = String::new();
    if compiled < units {
        text += &format!(
            "{compiled} of {units} sources compile; rejects.jsonl says why the others do not\n"
        );
    }
    if total.documented == 0 {
        text += "no function has a documentation comment: /** … */, /*! … */, /// or //!\n";
    }
    text
}
