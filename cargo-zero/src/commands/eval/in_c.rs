//! Answers in C, which clang makes modules of: what the same model can do in a language that it has read more of.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use zero_harvest::limits::Budget;
use zero_harvest::{Lone, LoneError, PACKAGES, Toolchain};
use zero_model::judge::Compiler;
use zero_model::task::Task;

use crate::host::Session;
use crate::report::Failure;

/// What compiling one answer may take.
const TIME: Duration = Duration::from_secs(20);
const MEMORY: u64 = 1 << 30;

/// What compiles the answers.
pub(super) fn compiler(session: &Session) -> Result<Arc<InC>, Failure> {
    let path = session.env.path.as_deref();
    let toolchain = Toolchain::find(None, None, path).map_err(|error| {
        Failure::failed("cannot compile answers in C")
            .because(&error)
            .hint(error.hint())
    })?;
    let mut budget = Budget::default();
    (budget.time, budget.memory) = (TIME, MEMORY);
    let lone = Lone::new(toolchain, path, budget).map_err(|error| {
        Failure::failed("cannot link answers in C")
            .because(&error)
            .hint(PACKAGES)
    })?;
    Ok(Arc::new(InC {
        lone,
        broken: OnceLock::new(),
    }))
}

/// A compiler, and what this machine failed in first.
#[derive(Debug)]
pub(super) struct InC {
    lone: Lone,
    broken: OnceLock<LoneError>,
}

impl InC {
    /// Nothing that this machine failed in may count as a wrong answer.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match self.broken.get() {
            Some(error) => Err(Failure::failed("cannot compile answers in C").because(error)),
            None => Ok(()),
        }
    }
}

impl Compiler for InC {
    fn compile(&self, task: &Task, answer: &str) -> Result<Vec<u8>, String> {
        self.lone
            .module(answer, &task.signature.name)
            .map_err(|error| match error {
                LoneError::Source(reason) => reason,
                other => {
                    let reason = other.to_string();
                    let _ = self.broken.set(other);
                    reason
                }
            })
    }
}
