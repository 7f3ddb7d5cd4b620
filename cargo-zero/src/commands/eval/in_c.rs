//! Answers in C, which clang makes modules of: what the same model can do in a language that it has read more of.

use std::sync::Arc;
use std::time::Duration;

use zero_harvest::limits::Budget;
use zero_harvest::{Lone, LoneError, PACKAGES, Toolchain};
use zero_model::judge::{Compiler, Judge};
use zero_model::task::Task;

use crate::host::Session;
use crate::report::Failure;

/// What compiling one answer may take.
const TIME: Duration = Duration::from_secs(20);
const MEMORY: u64 = 1 << 30;

/// A judge that compiles first.
pub(super) fn judge(session: &Session) -> Result<Judge, Failure> {
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
    Ok(Judge::default().compiled(Arc::new(InC(lone))))
}

#[derive(Debug)]
struct InC(Lone);

impl Compiler for InC {
    fn compile(&self, task: &Task, answer: &str) -> Result<Vec<u8>, String> {
        self.0
            .module(answer, &task.signature.name)
            .map_err(|error| match error {
                LoneError::Source(reason) => reason,
                other => format!("this machine could not compile it: {other}"),
            })
    }
}
