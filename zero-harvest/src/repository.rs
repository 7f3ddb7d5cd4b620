//! One repository, from its files to its records: the stages in their order.

mod build;
mod judge;
mod read;

use std::collections::HashSet;
use std::path::PathBuf;

use crate::check::Sandbox;
use crate::extract::{Extraction, Function};
use crate::fence::Fence;
use crate::harvest::{HarvestError, Options, Phase, Progress};
use crate::license::{Evidence, License};
use crate::object::Object;
use crate::parallel;
use crate::recipe::{self, Recipe};
use crate::record::{Counts, Reason, Record, Reject};
use crate::slice::Pool;
use crate::source::Checkout;
use crate::units::{self, Unit};

pub(crate) use read::Workers;

/// What comes of one repository.
#[derive(Debug, Default)]
pub(crate) struct Harvested {
    pub(crate) records: Vec<Record>,
    pub(crate) rejects: Vec<Reject>,
    pub(crate) counts: Counts,
}

impl Harvested {
    /// Accounts for a function that is no record.
    fn reject(&mut self, reject: Reject) {
        self.counts.reject(reject.reason);
        self.rejects.push(reject);
    }
}

/// What all stages need.
struct Run<'a> {
    options: &'a Options,
    progress: &'a dyn Progress,
    checkout: &'a Checkout,
    recipe: Option<&'a Recipe>,
    /// What is known of the licences of its files.
    evidence: Evidence<'a>,
    /// Headers of the recipe.
    overlay: Option<PathBuf>,
    fence: Fence,
}

/// What the units compile to, in their order.
struct Objects {
    /// For release; why not, where there is none.
    objects: Vec<Result<Object, (Reason, String)>>,
    /// The builds that trap where behaviour is undefined.
    checked: Vec<Option<Object>>,
}

/// A unit and what was read in it.
struct Read {
    unit: Unit,
    extraction: Extraction,
    /// The parser did not survive it.
    crashed: Option<String>,
}

/// Where modules come from and run.
struct Pools<'a> {
    /// Paths of the units.
    paths: Vec<&'a str>,
    release: Pool<'a>,
    checked: Pool<'a>,
    sandbox: Option<Sandbox>,
}

/// Harvests a repository.
///
/// # Errors
/// When this machine fails, whatever the repository holds.
pub(crate) fn harvest(
    options: &Options,
    workers: &Workers,
    progress: &dyn Progress,
    checkout: &Checkout,
) -> Result<Harvested, HarvestError> {
    let recipe = Recipe::choose(&options.recipes, &checkout.name);
    let fence =
        Fence::around(&options.toolchain, Some(checkout)).map_err(HarvestError::Temporary)?;
    let run = Run {
        options,
        progress,
        checkout,
        recipe,
        evidence: Evidence::new(checkout, recipe),
        overlay: recipe::overlay(recipe, checkout, fence.headers())
            .map_err(HarvestError::Temporary)?,
        fence,
    };
    let units = units::find(checkout, recipe);
    let reads = run.read(workers, &units)?;
    let owned = run.owners(&reads);
    progress.phase(Phase::Compile, reads.len());
    let build = |number, read: &Read| {
        let built = run.build(read, &functions(&owned, &reads, number));
        progress.advance();
        built
    };
    let objects = parallel::map(options.jobs, &reads, |read| run.bytes(&read.unit), build);
    let objects: Vec<_> = objects.into_iter().collect::<Result<_, _>>()?;
    let (objects, checked) = objects.into_iter().unzip();
    Ok(run.records(&reads, &owned, &Objects { objects, checked }))
}

impl Run<'_> {
    /// Which functions belong to which unit: one in a header belongs to the first unit that compiles with it, if there
    /// is one to the first whose licence is allowed.
    fn owners(&self, reads: &[Read]) -> Vec<Vec<usize>> {
        let rank = |read: &Read| {
            let licence = self.evidence.of(&read.unit.path).expression;
            match (
                &read.extraction.error,
                self.options.licenses.allow(&licence),
            ) {
                (None, true) => 0,
                (None, false) => 1,
                (Some(_), _) => 2,
            }
        };
        let ranks: Vec<u8> = reads.iter().map(rank).collect();
        let mut order: Vec<usize> = (0..reads.len()).collect();
        order.sort_by_key(|number| ranks[*number]);
        let mut taken = HashSet::new();
        let mut owned = vec![Vec::new(); reads.len()];
        for number in order {
            for (position, function) in reads[number].extraction.functions.iter().enumerate() {
                if taken.insert((&function.path, function.line_start, &function.name)) {
                    owned[number].push(position);
                }
            }
        }
        owned
    }
}

fn functions<'r>(owned: &[Vec<usize>], reads: &'r [Read], unit: usize) -> Vec<&'r Function> {
    owned[unit]
        .iter()
        .map(|position| &reads[unit].extraction.functions[*position])
        .collect()
}

impl Run<'_> {
    fn records(&self, reads: &[Read], owned: &[Vec<usize>], built: &Objects) -> Harvested {
        let paths = reads.iter().map(|read| read.unit.path.as_str());
        let archives = &self.options.toolchain.archives;
        let pools = Pools {
            paths: paths.clone().collect(),
            release: Pool::new(
                paths
                    .clone()
                    .zip(built.objects.iter().map(|object| object.as_ref().ok()))
                    .collect(),
                archives,
            ),
            checked: Pool::new(
                paths
                    .zip(built.checked.iter().map(Option::as_ref))
                    .collect(),
                archives,
            )
            .trapping(),
            sandbox: Sandbox::new(),
        };
        let tasks: Vec<(usize, &Function)> = (0..reads.len())
            .flat_map(|unit| {
                functions(owned, reads, unit)
                    .into_iter()
                    .map(move |one| (unit, one))
            })
            .collect();
        self.progress.phase(Phase::Slice, tasks.len());
        // How much a function reaches is not known yet.
        let judged = parallel::map(
            self.options.jobs,
            &tasks,
            |_| 0,
            |_, (unit, function)| {
                let object = built.objects[*unit].as_ref();
                let judged = self.judge(&pools, *unit, &reads[*unit], function, object.err());
                self.progress.advance();
                judged
            },
        );
        let mut all = self.units(reads, built);
        for one in judged {
            all.counts.add(&one.counts);
            all.records.extend(one.records);
            all.rejects.extend(one.rejects);
        }
        all
    }

    /// The licence of the file that defines a function.
    fn license(&self, function: &Function) -> License {
        self.evidence.of(&function.path)
    }

    /// What is to be said of the units themselves: of one without an object none of the functions becomes a record.
    fn units(&self, reads: &[Read], built: &Objects) -> Harvested {
        let mut all = Harvested::default();
        for (read, object) in reads.iter().zip(&built.objects) {
            all.counts.units += 1;
            match object {
                Ok(_) => all.counts.compiled_units += 1,
                Err((reason, detail)) => all.rejects.push(Reject {
                    repo: self.checkout.name.clone(),
                    commit: self.checkout.commit.clone(),
                    path: read.unit.path.clone(),
                    line: 0,
                    function: None,
                    reason: *reason,
                    detail: detail.clone(),
                }),
            }
        }
        all
    }
}
