//! Level 2: the module and a build that traps where behaviour is undefined agree on inputs that are defined.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::execute::{Argument, Input, Outcome, Program, Sandbox};
use super::{IoExample, Level, Role, inputs};
use crate::extract::Shape;
use crate::limits;
use crate::record::{Abi, Verify};

/// A function in two builds.
pub(crate) struct Subject<'a> {
    /// The module of the record.
    pub(crate) release: &'a [u8],
    /// The one that traps.
    pub(crate) checked: &'a [u8],
    /// The function's export.
    pub(crate) name: &'a str,
    /// Its parameters and result.
    pub(crate) abi: &'a [Abi],
    /// What the inputs come from.
    pub(crate) seed: &'a str,
}

struct Comparison<'a> {
    sandbox: &'a Sandbox,
    subject: &'a Subject<'a>,
    release: Program,
    checked: Program,
    /// The result is the address of a text, or any other address.
    text: bool,
    pointer: bool,
}

/// Verifies a function by execution.
pub(crate) fn verify(sandbox: &Sandbox, subject: &Subject<'_>) -> (Verify, Vec<IoExample>) {
    let mut verify = Verify {
        level: Level::L1,
        seed: subject.seed.to_owned(),
        inputs: 0,
        survived: 0,
        distinct_outputs: 0,
        reason: None,
    };
    let programs = (sandbox.load(subject.release), sandbox.load(subject.checked));
    let (Some(release), Some(checked)) = programs else {
        verify.reason = Some(String::from(
            "it needs imports, or more than the sandbox gives",
        ));
        return (verify, Vec::new());
    };
    let shape = subject.abi.last().map(|result| &result.ty.shape);
    let comparison = Comparison {
        sandbox,
        subject,
        release,
        checked,
        pointer: matches!(shape, Some(Shape::Pointer { .. })),
        text: matches!(shape, Some(Shape::Pointer { to, .. }) if **to == Shape::Char),
    };
    match comparison.run(&mut verify) {
        Ok(examples) => {
            verify.level = Level::L2;
            (verify, examples)
        }
        Err(reason) => {
            verify.reason = Some(reason);
            (verify, Vec::new())
        }
    }
}

impl Comparison<'_> {
    fn run(&self, verify: &mut Verify) -> Result<Vec<IoExample>, String> {
        let pages = self.release.pages.max(self.checked.pages);
        let mut examples = Vec::new();
        let mut distinct = HashSet::new();
        let mut stopped = 0;
        for number in 0..limits::INPUTS {
            let input = inputs::input(self.subject.abi, self.subject.seed, number, pages)?;
            verify.inputs += 1;
            let checked = self.call(&self.checked, &input);
            if checked == Outcome::Stopped {
                stopped += 1;
                // Each costs all the fuel there is: a function that never ends must not cost 64 times that.
                if stopped == limits::STOPPED {
                    return Err(String::from("it does not end, or needs too much memory"));
                }
                continue;
            }
            if checked == Outcome::Trapped {
                continue;
            }
            let release = self.call(&self.release, &input);
            if release == Outcome::Stopped {
                continue;
            }
            if self.observed(&release, &input) != self.observed(&checked, &input) {
                return Err(String::from("the builds disagree on a defined input"));
            }
            verify.survived += 1;
            distinct.insert(self.effect(&release, &input));
            examples.extend(self.example(&input, &release));
        }
        verify.distinct_outputs = distinct.len();
        if verify.survived < limits::SURVIVORS {
            return Err(String::from("too few inputs are defined"));
        }
        if distinct.len() < limits::DISTINCT {
            return Err(String::from("every input gives the same"));
        }
        Ok(examples)
    }

    fn call(&self, program: &Program, input: &Input) -> Outcome {
        self.sandbox
            .call(program, self.subject.name, input, self.text)
    }

    /// What both builds must agree on. Addresses of their own data differ; where a buffer is does not.
    fn observed(&self, outcome: &Outcome, input: &Input) -> Outcome {
        let mut outcome = outcome.clone();
        if self.pointer
            && let Outcome::Returned {
                result: Some(Argument::I32(address)),
                ..
            } = &mut outcome
        {
            let inside = input.buffers.iter().any(|(start, bytes)| {
                let end = start.saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                (*start..=end).contains(&address.cast_unsigned())
            });
            if !inside && *address != 0 {
                *address = -1;
            }
        }
        outcome
    }

    /// What tells outcomes apart: the result and what changed, not what was passed in.
    fn effect(&self, outcome: &Outcome, input: &Input) -> Outcome {
        let mut outcome = self.observed(outcome, input);
        if let Outcome::Returned { buffers, .. } = &mut outcome {
            for (after, (_, before)) in buffers.iter_mut().zip(&input.buffers) {
                if after == before {
                    after.clear();
                }
            }
        }
        outcome
    }

    fn example(&self, input: &Input, outcome: &Outcome) -> Option<IoExample> {
        let Outcome::Returned {
            result,
            buffers,
            text,
        } = outcome
        else {
            return None;
        };
        let readonly = |number: usize| {
            let pointers = self.subject.abi.iter().filter(|param| {
                matches!(param.ty.shape, Shape::Pointer { .. }) && param.role != Role::Return
            });
            pointers
                .clone()
                .nth(number)
                .is_some_and(|param| matches!(param.role, Role::In | Role::String))
        };
        let after = input
            .buffers
            .iter()
            .zip(buffers)
            .enumerate()
            .filter(|(number, ((_, before), after))| !readonly(*number) && before != *after)
            .map(|(_, ((address, _), after))| (*address, hex(after)))
            .collect();
        Some(IoExample {
            args: input.args.iter().map(|arg| arg.text()).collect(),
            pages: input.pages,
            memory: input
                .buffers
                .iter()
                .map(|(address, bytes)| (*address, hex(bytes)))
                .collect(),
            result: result.map(Argument::text),
            result_text: text.as_deref().map(hex),
            memory_after: after,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
