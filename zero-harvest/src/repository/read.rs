//! Reads units: extraction, with the search for missing headers.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Mutex;

use super::{Read, Run};
use crate::compile;
use crate::extract::{Extraction, Request, Worker, WorkerError};
use crate::harvest::Phase;
use crate::limits::{self, Budget};
use crate::parallel;
use crate::recipe::Comments;
use crate::units::{self, HeaderMode, Headers, Unit};

/// Worker processes that wait for a unit.
#[derive(Debug)]
pub(crate) struct Workers {
    command: Vec<OsString>,
    budget: Budget,
    idle: Mutex<Vec<Worker>>,
    version: String,
}

impl Workers {
    /// Starts the first one, to know that it works.
    pub(crate) fn start(command: &[OsString], budget: Budget) -> Result<Self, WorkerError> {
        let first = Worker::start(command, budget)?;
        Ok(Self {
            command: command.to_vec(),
            budget,
            version: first.version().to_owned(),
            idle: Mutex::new(vec![first]),
        })
    }

    /// The version of libclang.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// What is read in a unit; `None` if the worker dies of it. Such a one is not put back: the next unit starts another.
    ///
    /// # Errors
    /// When none can be started, which says nothing about the unit.
    fn extract(&self, request: &Request) -> Result<Option<Extraction>, WorkerError> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut worker = match idle {
            Some(worker) => worker,
            None => Worker::start(&self.command, self.budget)?,
        };
        let extraction = worker.extract(request).ok();
        if extraction.is_some()
            && let Ok(mut idle) = self.idle.lock()
        {
            idle.push(worker);
        }
        Ok(extraction)
    }
}

impl Run<'_> {
    /// Reads every unit.
    pub(super) fn read(&self, workers: &Workers, units: &[Unit]) -> Result<Vec<Read>, WorkerError> {
        let headers = Headers::new(&self.checkout.files);
        self.progress.phase(Phase::Read, units.len());
        let work = |_, unit: &Unit| {
            let read = self.unit(workers, &headers, unit.clone());
            self.progress.advance();
            read
        };
        parallel::map(self.options.jobs, units, |unit| self.bytes(unit), work)
            .into_iter()
            .collect()
    }

    /// How large a unit's source is.
    pub(super) fn bytes(&self, unit: &Unit) -> u64 {
        std::fs::metadata(self.checkout.root.join(&unit.path)).map_or(0, |data| data.len())
    }

    fn unit(
        &self,
        workers: &Workers,
        headers: &Headers<'_>,
        mut unit: Unit,
    ) -> Result<Read, WorkerError> {
        let path = self.checkout.root.join(&unit.path);
        if self.bytes(&unit) > limits::SOURCE_BYTES {
            return Ok(crashed(unit, "it is larger than a source may be"));
        }
        for _ in 0..limits::SEARCHED_HEADERS {
            let request = Request {
                path: path.to_string_lossy().into_owned(),
                root: self.checkout.root.to_string_lossy().into_owned(),
                args: self.arguments(&unit),
            };
            let Some(extraction) = workers.extract(&request)? else {
                return Ok(crashed(unit, &WorkerError::Died.to_string()));
            };
            if let Some(missing) = &extraction.missing {
                let from = self
                    .inside(&missing.from)
                    .unwrap_or_else(|| unit.path.clone());
                let folder = headers.folder(&missing.header, &from);
                let flag = folder.map(units::include);
                if let Some(flag) = flag.filter(|flag| !unit.flags.contains(flag)) {
                    unit.flags.push(flag);
                    unit.mode = HeaderMode::Search;
                    continue;
                }
            }
            return Ok(Read {
                unit,
                extraction,
                crashed: None,
            });
        }
        Ok(crashed(unit, "it needs more headers than are looked for"))
    }

    /// The parser's arguments, which are the compiler's.
    pub(super) fn arguments(&self, unit: &Unit) -> Vec<String> {
        let mut args = self.options.toolchain.language();
        args.extend(self.fence.arguments());
        args.push(String::from(compile::NO_ASSERTIONS));
        if self
            .recipe
            .is_some_and(|recipe| recipe.comments == Comments::All)
        {
            args.push(String::from("-fparse-all-comments"));
        }
        args.extend(self.flags(unit));
        args
    }

    /// The unit's own flags, for this machine.
    pub(super) fn flags(&self, unit: &Unit) -> Vec<String> {
        let mut flags = Vec::new();
        if let Some(overlay) = &self.overlay {
            flags.push(format!("-I{}", overlay.display()));
        }
        flags.extend(units::localised(&unit.flags, &self.checkout.root));
        flags
    }

    /// A path of the repository as libclang writes it, from the root.
    fn inside(&self, file: &str) -> Option<String> {
        let path = std::fs::canonicalize(Path::new(file)).ok()?;
        let inside = path.strip_prefix(&self.checkout.root).ok()?;
        Some(inside.to_str()?.replace('\\', "/"))
    }
}

fn crashed(unit: Unit, why: &str) -> Read {
    Read {
        unit,
        extraction: Extraction {
            error: Some(why.to_owned()),
            ..Extraction::default()
        },
        crashed: Some(why.to_owned()),
    }
}
