//! The whole run: every source becomes a part, all parts become the dataset.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::check::Level;
use crate::extract::WorkerError;
use crate::license::Licenses;
use crate::limits::Sizes;
use crate::output::{self, OutputError};
use crate::recipe::Recipe;
use crate::record::{Counts, SCHEMA_VERSION};
use crate::repository::{self, Workers};
use crate::source::{Source, SourceError};
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
    /// How far to verify.
    pub verify: Level,
    /// How far a record must be verified to be kept.
    pub level: Level,
    /// Take over what an earlier run finished.
    pub resume: bool,
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
            verify: Level::L2,
            level: Level::L1,
            resume: false,
        }
    }
}

impl Options {
    /// Everything besides the sources that decides what is made of a repository: what an earlier run made is taken over
    /// only if that was the same.
    fn shape(&self, repository: &str, libclang: &str) -> String {
        let recipe = Recipe::choose(&self.recipes, repository);
        format!(
            "{SCHEMA_VERSION} {} {libclang} {:?} {} {:?} {:?} {:?} {:?} {recipe:?}",
            self.toolchain.version(),
            self.indent,
            self.self_contained,
            self.licenses,
            self.sizes,
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
    /// Temporary files cannot be written.
    #[error("write temporary files")]
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
    let workers = Workers::start(&options.worker)?;
    let parts = output::Parts::open(&options.out, options.resume)?;
    let mut failed = Vec::new();
    let mut keys = Vec::new();
    for (number, source) in options.sources.iter().enumerate() {
        let name = source.name();
        progress.repository(&name, number + 1, options.sources.len());
        progress.phase(Phase::Fetch, 1);
        let checkout = match source.fetch() {
            Ok(checkout) => checkout,
            Err(error) => {
                failed.push((name, error));
                continue;
            }
        };
        let key = output::key(
            &checkout.name,
            &checkout.commit,
            &options.shape(&checkout.name, workers.version()),
        );
        if !parts.has(&key) {
            let harvested = repository::harvest(options, &workers, progress, &checkout)
                .map_err(HarvestError::Temporary)?;
            parts.write(&key, &checkout, &harvested)?;
        }
        // The same repository twice is one.
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    progress.phase(Phase::Write, 1);
    let repositories = parts.assemble(&keys, options.toolchain.version(), workers.version())?;
    let mut total = Counts::default();
    for (_, counts) in &repositories {
        total.add(counts);
    }
    Ok(Summary {
        repositories,
        total,
        failed,
    })
}
