//! The whole run: every source becomes a part, all parts become the dataset.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::check::Level;
use crate::extract::WorkerError;
use crate::filter::Curation;
use crate::license::Licenses;
use crate::limits::{Budget, Sizes};
use crate::output::{self, Format, Opening, OutputError, Plan, Style};
use crate::recipe::Recipe;
use crate::record::{Counts, SCHEMA_VERSION};
use crate::repository::{self, Workers};
use crate::source::{Checkout, Source, SourceError};
use crate::toolchain::{self, Toolchain};

/// What to harvest, and how.
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    /// Repositories.
    pub sources: Vec<Source>,
    /// The dataset's folder.
    pub out: PathBuf,
    /// Recipes; earlier ones are preferred.
    pub recipes: Vec<Recipe>,
    /// Threads, and processes that read sources.
    pub jobs: usize,
    /// The compiler.
    pub toolchain: Toolchain,
    /// The command line of a process that ends in [`crate::extract::serve`].
    pub worker: Vec<OsString>,
    /// What each level of nesting is indented with.
    pub indent: String,
    /// Only functions that import nothing.
    pub self_contained: bool,
    /// Licences that files may have.
    pub licenses: Licenses,
    /// How large a module may be.
    pub sizes: Sizes,
    /// What reading or compiling one source may take.
    pub budget: Budget,
    /// How far to verify.
    pub verify: Level,
    /// How far a record must be verified to be kept.
    pub level: Level,
    /// Take over what an earlier run finished.
    pub resume: bool,
    /// Only this part of the sources, and no dataset: a later run makes that of all parts.
    pub shard: Option<Shard>,
    /// What the dataset is written as.
    pub formats: Vec<Format>,
    /// What training programs read, besides.
    pub styles: Vec<Style>,
    /// Which records of all repositories stay.
    pub curation: Curation,
    /// Where clones are kept for later runs.
    pub cache: Option<PathBuf>,
}

/// One of so many runs that share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// Whether the source at this position is its work.
    fn takes(self, position: usize) -> bool {
        position % self.of == self.number
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    /// Reads `1/4`: the first of four.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<usize>().ok();
        match text.split_once('/').map(|(a, b)| (number(a), number(b))) {
            Some((Some(number), Some(of))) if (1..=of).contains(&number) => Ok(Self {
                number: number - 1,
                of,
            }),
            _ => Err(String::from("a shard is one of some, as in 1/4")),
        }
    }
}

impl Options {
    /// What is needed, with the defaults of everything else.
    pub fn new(
        sources: Vec<Source>,
        out: PathBuf,
        toolchain: Toolchain,
        worker: Vec<OsString>,
    ) -> Self {
        Self {
            sources,
            out,
            recipes: Vec::new(),
            jobs: 1,
            toolchain,
            worker,
            indent: String::new(),
            self_contained: false,
            licenses: Licenses::default(),
            sizes: Sizes::default(),
            budget: Budget::default(),
            verify: Level::L2,
            level: Level::L1,
            resume: false,
            shard: None,
            formats: vec![Format::Jsonl],
            styles: Vec::new(),
            curation: Curation::default(),
            cache: None,
        }
    }
}

impl Options {
    /// Everything besides the sources that decides what is made of a repository: what an earlier run made is taken over
    /// only if that was the same.
    fn shape(&self, repository: &str, libclang: &str) -> String {
        let recipe = Recipe::choose(&self.recipes, repository);
        format!(
            "{SCHEMA_VERSION} {} {} {} {libclang} {:?} {} {:?} {:?} {:?} {:?} {:?} {recipe:?}",
            env!("CARGO_PKG_VERSION"),
            self.toolchain.version(),
            self.toolchain.libc(),
            self.indent,
            self.self_contained,
            self.licenses,
            self.sizes,
            self.budget,
            self.verify,
            self.level,
        )
    }
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// Cloning or unpacking.
    Fetch,
    /// Reading sources.
    Read,
    /// Compiling them.
    Compile,
    /// Slicing, printing and checking.
    Slice,
    /// Writing the dataset.
    Write,
}

/// Is told how far a run is.
pub trait Progress: Sync {
    /// The next repository.
    fn repository(&self, name: &str, number: usize, of: usize);
    /// A phase of it, with this many steps.
    fn phase(&self, phase: Phase, steps: usize);
    /// One step.
    fn advance(&self);
}

/// Why a run failed as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarvestError {
    /// The dataset cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Temporary files cannot be written, or the compiler not be started.
    #[error("compile with temporary files")]
    Temporary(#[source] std::io::Error),
    /// Sources cannot be read at all.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

impl HarvestError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Output(error) => error.hint(),
            Self::Temporary(_) => None,
            Self::Worker(_) => Some(toolchain::PACKAGES),
        }
    }
}

/// What came of a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Summary {
    /// The figures of each repository, in the order of the sources.
    pub repositories: Vec<(String, Counts)>,
    /// Those of all.
    pub total: Counts,
    /// Sources that could not be fetched.
    pub failed: Vec<(String, SourceError)>,
}

/// Harvests all sources into the folder of the dataset.
///
/// # Errors
/// When the dataset cannot be written, or no source can be read. A source that fails is part of the summary.
pub fn harvest(options: &Options, progress: &dyn Progress) -> Result<Summary, HarvestError> {
    let workers = Workers::start(&options.worker, options.budget)?;
    let opening = match (options.shard, options.resume) {
        (Some(_), _) => Opening::Shared,
        (None, true) => Opening::Resumed,
        (None, false) => Opening::New,
    };
    let parts = output::Parts::open(&options.out, opening)?;
    let mut finished = Finished::default();
    fetched(options, &parts, progress, |name, fetched| {
        let checkout = match fetched {
            Ok(checkout) => checkout,
            Err(error) => {
                finished.failed.push((name, error));
                return Ok(());
            }
        };
        let shape = options.shape(&checkout.name, workers.version());
        let key = output::key(&checkout.name, &checkout.commit, &shape);
        if !parts.has(&key) {
            let harvested = repository::harvest(options, &workers, progress, &checkout)?;
            if options.shard.is_some() {
                finished
                    .counts
                    .push((checkout.name.clone(), harvested.counts.clone()));
            }
            parts.write(&key, &checkout, &harvested)?;
        }
        // The same repository twice is one.
        if !finished.keys.contains(&key) {
            finished.keys.push(key);
        }
        Ok(())
    })?;
    progress.phase(Phase::Write, 1);
    let repositories = if options.shard.is_some() {
        finished.counts
    } else {
        parts.assemble(&Plan {
            keys: &finished.keys,
            formats: &options.formats,
            styles: &options.styles,
            curation: &options.curation,
            clang: options.toolchain.version(),
            libclang: workers.version(),
            libc: options.toolchain.libc(),
            failed: finished
                .failed
                .iter()
                .map(|(name, _)| name.as_str())
                .collect(),
        })?
    };
    let mut total = Counts::default();
    for (_, counts) in &repositories {
        total.add(counts);
    }
    Ok(Summary {
        repositories,
        total,
        failed: finished.failed,
    })
}

/// What a run has done so far.
#[derive(Default)]
struct Finished {
    keys: Vec<String>,
    counts: Vec<(String, Counts)>,
    failed: Vec<(String, SourceError)>,
}

/// Sources that are fetched while another is worked on.
const AHEAD: usize = 2;

/// Gives every source of this run to `each`, in their order; the next ones are fetched meanwhile.
fn fetched(
    options: &Options,
    parts: &output::Parts,
    progress: &dyn Progress,
    mut each: impl FnMut(String, Result<Checkout, SourceError>) -> Result<(), HarvestError>,
) -> Result<(), HarvestError> {
    let mine =
        |(position, _): &(usize, &Source)| options.shard.is_none_or(|shard| shard.takes(*position));
    let all = options.sources.iter().enumerate();
    let sources: Vec<&Source> = all.filter(mine).map(|(_, source)| source).collect();
    let (sender, receiver) = std::sync::mpsc::sync_channel(AHEAD - 1);
    std::thread::scope(|scope| {
        let cache = options.cache.as_deref();
        let queue = &sources;
        scope.spawn(move || {
            for source in queue {
                // Nobody listens any more when the run failed.
                if sender
                    .send(source.fetch(cache, || parts.temporary()))
                    .is_err()
                {
                    break;
                }
            }
        });
        // It ends with this block, whatever happens: the other thread must not wait for a listener for ever.
        let receiver = receiver;
        for (number, source) in sources.iter().enumerate() {
            let name = source.name();
            progress.repository(&name, number + 1, sources.len());
            progress.phase(Phase::Fetch, 1);
            let Ok(fetched) = receiver.recv() else { break };
            each(name, fetched)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_the_sources_without_overlap() {
        let shards: Vec<Shard> = (1..=3).map(|n| format!("{n}/3").parse().unwrap()).collect();
        for position in 0..10 {
            assert_eq!(
                shards.iter().filter(|shard| shard.takes(position)).count(),
                1
            );
        }
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
