//! Tries an answer: does it parse, is it valid, does it compute the right thing?
//!
//! Whatever a model wrote is interpreted without anything to import, in a fresh instance for every call, under limits of
//! work, memory and depth that are counted and not timed: a verdict depends on the answer alone, whatever else the
//! machine does (spec/eval.md, "Judging"). An interpreter starts a small module in microseconds, where compiling it
//! would take longer than all of its tests: spec/decisions/0007-answers-are-interpreted.md.

mod arena;
mod place;

use std::fmt;
use std::sync::Arc;

use crate::task::{Call, Signature, Task, Value};
use arena::Arena;

/// Bytes of an answer that are looked at: reading it must stay cheap.
pub const MAX_TEXT: usize = 256 << 10;

/// What an answer may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Units of work, about one an instruction, for each call.
    pub fuel: u64,
    /// Units of work for all calls of an answer together.
    pub total_fuel: u64,
    /// Bytes of all memories of an instance.
    pub memory: usize,
    /// Elements of all tables of an instance.
    pub table: usize,
    /// Calls within calls.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 10_000_000,
            total_fuel: 500_000_000,
            memory: 64 << 20,
            table: 10_000,
            depth: 10_000,
        }
    }
}

/// What makes modules of answers that are not WebAssembly text.
pub trait Compiler: fmt::Debug + Send + Sync {
    /// The module that an answer to a task becomes; the error is for the model.
    ///
    /// # Errors
    /// What is wrong with the answer.
    fn compile(&self, task: &Task, answer: &str) -> Result<Vec<u8>, String>;
}

/// Tries answers.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    limits: Limits,
    compiler: Option<Arc<dyn Compiler>>,
}

/// How an answer did; the later, the better.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is no WebAssembly text.
    Unparsed {
        /// What the parser says.
        reason: String,
    },
    /// It is no valid module.
    Invalid {
        /// What the validator says, and where.
        reason: String,
    },
    /// It imports something: nothing was granted.
    Imports {
        /// The first import.
        import: String,
    },
    /// The function or the memory is missing, or has another type.
    Signature {
        /// What is wrong.
        reason: String,
    },
    /// A call did not return.
    Stopped {
        /// The call.
        call: usize,
        /// `trapped` or `limit`.
        class: &'static str,
        /// Which trap or limit.
        reason: String,
    },
    /// A call returned or left something else.
    Wrong {
        /// The call.
        call: usize,
        /// What it did, and what was expected.
        reason: String,
    },
    /// Every call returned what it should.
    Passed,
}

/// A verdict and what was counted on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// How the answer did.
    pub verdict: Verdict,
    /// Units of work of all calls.
    pub fuel: u64,
    /// Instructions of the module, if it is valid.
    pub instructions: Option<usize>,
}

impl Verdict {
    /// Whether the text parsed.
    pub fn parses(&self) -> bool {
        !matches!(self, Self::Unparsed { .. })
    }

    /// Whether the module is valid.
    pub fn validates(&self) -> bool {
        self.parses() && !matches!(self, Self::Invalid { .. })
    }

    /// Whether everything was right.
    pub fn passed(&self) -> bool {
        *self == Self::Passed
    }

    /// Which trap or limit stopped a call.
    pub fn stopped(&self) -> Option<&str> {
        match self {
            Self::Stopped { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// What an answer is worth where a model learns by reward: from 0 to 1 (spec/eval.md, "Rewards").
    ///
    /// Nothing is given for single calls that are right: a constant, a table of the examples or an empty function would
    /// earn it. Length costs something only among answers that passed.
    pub fn reward(&self, answer: &str) -> f64 {
        /// What all of the length can cost.
        const LENGTH: f64 = 0.1;
        /// The bytes that cost half of it.
        const HALF: f64 = 1024.0;
        match self {
            Self::Unparsed { .. } => 0.0,
            Self::Invalid { .. } | Self::Imports { .. } => 0.05,
            Self::Signature { .. } => 0.1,
            Self::Stopped { .. } | Self::Wrong { .. } => 0.2,
            Self::Passed => {
                let size = f64::from(u32::try_from(answer.len()).unwrap_or(u32::MAX));
                1.0 - LENGTH * size / (size + HALF)
            }
        }
    }

    /// How far the answer got: a later step is a higher number, and among calls a later call.
    pub fn rank(&self) -> (u8, usize) {
        match self {
            Self::Unparsed { .. } => (0, 0),
            Self::Invalid { .. } => (1, 0),
            Self::Imports { .. } => (2, 0),
            Self::Signature { .. } => (3, 0),
            Self::Stopped { call, .. } | Self::Wrong { call, .. } => (4, *call),
            Self::Passed => (5, 0),
        }
    }

    /// A name for tables and programs.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Unparsed { .. } => "unparsed",
            Self::Invalid { .. } => "invalid",
            Self::Imports { .. } => "imports",
            Self::Signature { .. } => "signature",
            Self::Stopped { class, .. } => class,
            Self::Wrong { .. } => "wrong",
            Self::Passed => "passed",
        }
    }

    /// What a model can learn from it; empty if it passed.
    pub fn diagnostic(&self, task: &Task) -> String {
        let shown = |at: usize| {
            let call = task.examples.iter().chain(&task.tests).nth(at);
            call.map_or_else(String::new, |call| shown(&task.signature, call))
        };
        match self {
            Self::Unparsed { reason } | Self::Invalid { reason } | Self::Signature { reason } => {
                reason.clone()
            }
            Self::Imports { import } => {
                format!("the module imports {import}; it must import nothing")
            }
            Self::Stopped { call, reason, .. } => format!("{}: {reason}", shown(*call)),
            Self::Wrong { call, reason } => format!("{} {reason}", shown(*call)),
            Self::Passed => String::new(),
        }
    }
}

/// A call as it is written in C.
pub(crate) fn shown(signature: &Signature, call: &Call) -> String {
    let args: Vec<String> = call.args.iter().map(Value::to_string).collect();
    format!("{}({})", signature.name, args.join(", "))
}

impl Judge {
    /// A judge with these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            compiler: None,
        }
    }

    /// A judge of answers in another language.
    #[must_use]
    pub fn compiled(self, compiler: Arc<dyn Compiler>) -> Self {
        Self {
            compiler: Some(compiler),
            ..self
        }
    }

    /// The binary that an answer stands for.
    fn module(&self, task: &Task, answer: &str) -> Result<Vec<u8>, Verdict> {
        let Some(compiler) = &self.compiler else {
            return parse(answer);
        };
        within(answer)?;
        compiler
            .compile(task, answer)
            .map_err(|reason| Verdict::Unparsed { reason })
    }

    /// Tries an answer with the examples and tests of a task, in this order.
    pub fn judge(&self, task: &Task, answer: &str) -> Judgement {
        let without_calls = |verdict| Judgement {
            verdict,
            fuel: 0,
            instructions: None,
        };
        let wasm = match self.module(task, answer) {
            Ok(wasm) => wasm,
            Err(verdict) => return without_calls(verdict),
        };
        let judgement = self.judge_binary(task, &wasm);
        match judgement.verdict {
            // Where a validator counts bytes, a model sees lines.
            Verdict::Invalid { reason } if self.compiler.is_none() => {
                without_calls(Verdict::Invalid {
                    reason: place::in_text(answer, &wasm, &reason),
                })
            }
            _ => judgement,
        }
    }

    /// The same for a module in binary.
    pub fn judge_binary(&self, task: &Task, wasm: &[u8]) -> Judgement {
        let mut judgement = Judgement {
            verdict: Verdict::Passed,
            fuel: 0,
            instructions: None,
        };
        let arena = match Arena::open(self.limits, &task.signature, needs_memory(task), wasm) {
            Ok(arena) => arena,
            Err(verdict) => {
                judgement.verdict = verdict;
                return judgement;
            }
        };
        judgement.instructions = Some(instructions(wasm));
        for (at, call) in task.examples.iter().chain(&task.tests).enumerate() {
            let left = self.limits.total_fuel - judgement.fuel;
            let (fuel, outcome) = arena.call(at, call, left.min(self.limits.fuel));
            judgement.fuel += fuel;
            if let Err(verdict) = outcome {
                judgement.verdict = verdict;
                break;
            }
        }
        judgement
    }
}

/// Whether the calls of a task put anything into memory, or look for it there.
fn needs_memory(task: &Task) -> bool {
    let mut calls = task.examples.iter().chain(&task.tests);
    calls.any(|call| {
        call.args
            .iter()
            .chain(&call.result)
            .any(|value| value.buffer().is_some())
    })
}

/// The binary of a text.
///
/// # Errors
/// [`Verdict::Unparsed`].
pub fn parse(answer: &str) -> Result<Vec<u8>, Verdict> {
    within(answer)?;
    wat::parse_str(answer).map_err(|error| Verdict::Unparsed {
        reason: error.to_string(),
    })
}

/// Whether an answer is short enough to be looked at.
fn within(answer: &str) -> Result<(), Verdict> {
    if answer.len() > MAX_TEXT {
        return Err(Verdict::Unparsed {
            reason: format!("the answer is longer than {MAX_TEXT} bytes"),
        });
    }
    Ok(())
}

/// Instructions in all functions of a valid module.
pub(crate) fn instructions(wasm: &[u8]) -> usize {
    let bodies = wasmparser::Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload {
            Ok(wasmparser::Payload::CodeSectionEntry(body)) => body.get_operators_reader().ok(),
            _ => None,
        });
    bodies.map(|operators| operators.into_iter().count()).sum()
}
