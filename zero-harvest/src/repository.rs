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
    let objects = parallel::map(options.jobs, &reads, |number, read| {
        let built = run.build(read, &functions(&owned, &reads, number));
        progress.advance();
        built
    });
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
        self.progress.phase(Phase::Slice, reads.len());
        let judged = parallel::map(self.options.jobs, reads, |number, read| {
            let functions = functions(owned, reads, number);
            let (allowed, others): (Vec<&Function>, Vec<&Function>) =
                functions.into_iter().partition(|function| {
                    self.options
                        .licenses
                        .allow(&self.license(function).expression)
                });
            let mut judged = match &built.objects[number] {
                Ok(_) => self.judge(&pools, number, read, &allowed),
                Err((reason, detail)) => self.lost(read, &allowed, *reason, detail),
            };
            for function in others {
                judged.counts.documented += 1;
                let detail = self.license(function).to_string();
                judged.reject(self.reject(function, Reason::License, detail));
            }
            self.progress.advance();
            judged
        });
        let mut all = Harvested::default();
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

    /// A unit without an object: none of its functions becomes a record.
    fn lost(
        &self,
        read: &Read,
        functions: &[&Function],
        reason: Reason,
        detail: &str,
    ) -> Harvested {
        let mut lost = Harvested::default();
        lost.counts.units = 1;
        lost.counts.documented = functions.len();
        for function in functions {
            lost.reject(self.reject(function, reason, detail.to_owned()));
        }
        lost.rejects.push(Reject {
            repo: self.checkout.name.clone(),
            commit: self.checkout.commit.clone(),
            path: read.unit.path.clone(),
            line: 0,
            function: None,
            reason,
            detail: detail.to_owned(),
        });
        lost
    }
}
