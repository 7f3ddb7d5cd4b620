//! Level 2: the module and a build that traps where behaviour is undefined agree on inputs that are defined.

use std::collections::HashSet;

use super::execute::{Argument, Behind, Buffer, Input, Outcome, Program, Sandbox};
use super::{IoExample, Level, inputs};
use crate::extract::Shape;
use crate::limits;
use crate::record::{Abi, Verify};

/// Zeros that are worth a new part.
const ZEROS: usize = 16;

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
    /// The result is an address.
    pointer: bool,
    /// What is there.
    behind: Behind,
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
        behind: shape.map_or(Behind::Nothing, behind),
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

/// What can be read behind a result of this type.
fn behind(shape: &Shape) -> Behind {
    let Shape::Pointer { to, .. } = shape else {
        return Behind::Nothing;
    };
    if **to == Shape::Char {
        return Behind::Text;
    }
    match to.size().and_then(|size| usize::try_from(size).ok()) {
        Some(size @ 1..=limits::BEHIND) => Behind::Bytes(size, places(to)),
        _ => Behind::Nothing,
    }
}

/// Where a value holds addresses.
fn places(shape: &Shape) -> Vec<usize> {
    let places = shape.addresses().into_iter();
    places.filter_map(|at| usize::try_from(at).ok()).collect()
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
            .call(program, self.subject.name, input, &self.behind)
    }

    /// What both builds must agree on. Addresses of their own data and of what they allocate differ; where something is
    /// in a buffer does not.
    fn observed(&self, outcome: &Outcome, input: &Input) -> Outcome {
        let mut outcome = outcome.clone();
        let Outcome::Returned {
            result,
            buffers,
            behind,
        } = &mut outcome
        else {
            return outcome;
        };
        let own = |address: u32| {
            address != 0 && !input.buffers.iter().any(|buffer| buffer.holds(address))
        };
        if self.pointer
            && let Some(Argument::I32(address)) = result
            && own(address.cast_unsigned())
        {
            *address = -1;
        }
        for (bytes, buffer) in buffers.iter_mut().zip(&input.buffers) {
            forget(bytes, &buffer.addresses, own);
        }
        if let (Some(bytes), Behind::Bytes(_, places)) = (behind, &self.behind) {
            forget(bytes, places, own);
        }
        outcome
    }

    /// What tells outcomes apart: the result and what changed, not what was passed in.
    fn effect(&self, outcome: &Outcome, input: &Input) -> Outcome {
        let mut outcome = self.observed(outcome, input);
        if let Outcome::Returned { buffers, .. } = &mut outcome {
            for (after, before) in buffers.iter_mut().zip(&input.buffers) {
                if *after == before.bytes {
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
            behind,
        } = outcome
        else {
            return None;
        };
        let after = input
            .buffers
            .iter()
            .zip(buffers)
            .filter(|(before, _)| !before.readonly)
            .filter_map(|(before, after)| changed(before, after))
            .collect();
        let behind = behind.as_deref().map(hex::encode);
        let (result_text, result_bytes) = match self.behind {
            Behind::Text => (behind, None),
            _ => (None, behind),
        };
        Some(IoExample {
            args: input.args.iter().map(|arg| arg.text()).collect(),
            pages: input.pages,
            memory: input.buffers.iter().flat_map(written).collect(),
            result: result.map(Argument::text),
            result_text,
            result_bytes,
            memory_after: after,
        })
    }
}

/// What has to be written so that memory, which starts as zeros, holds a buffer: stretches of zeros are left out.
fn written(buffer: &Buffer) -> Vec<(u32, String)> {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for (at, _) in buffer
        .bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte != 0)
    {
        match parts.last_mut() {
            Some((_, end)) if at < *end + ZEROS => *end = at + 1,
            _ => parts.push((at, at + 1)),
        }
    }
    let address = |start: usize| buffer.address + u32::try_from(start).unwrap_or(0);
    let part =
        |(start, end): (usize, usize)| (address(start), hex::encode(&buffer.bytes[start..end]));
    parts.into_iter().map(part).collect()
}

/// From the first byte that differs to the last.
fn changed(before: &Buffer, after: &[u8]) -> Option<(u32, String)> {
    let differs = |at: &usize| before.bytes.get(*at) != after.get(*at);
    let start = (0..after.len()).find(differs)?;
    let end = (0..after.len()).rev().find(differs)?;
    let address = before.address + u32::try_from(start).ok()?;
    Some((address, hex::encode(&after[start..=end])))
}

/// Overwrites addresses of a build's own.
fn forget(bytes: &mut [u8], places: &[usize], own: impl Fn(u32) -> bool) {
    for place in places {
        let word = bytes.get_mut(*place..place.saturating_add(4));
        if let Some(word) = word.and_then(|word| <&mut [u8; 4]>::try_from(word).ok())
            && own(u32::from_le_bytes(*word))
        {
            *word = [0xff; 4];
        }
    }
}
