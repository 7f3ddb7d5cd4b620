//! The examples of the exports, executed in the sandbox: a wrong one fails the build.

use std::path::Path;

use serde_json::Value as Json;
use zero_format::{Artifact, Example, Metadata, Resources, SecretKey};
use zrun::{Called, EngineOptions, Limits, Program, Runner};

use super::assemble;
use crate::host::entropy;
use crate::report::Failure;

/// Work that one example may take: a wrong loop must end, and the count must not depend on the machine.
const FUEL: u64 = 10_000_000_000;

/// What the examples showed.
#[derive(Default)]
pub(super) struct Executed {
    /// How many there were.
    pub(super) count: usize,
    /// The most that one of them used; none if there was none.
    pub(super) resources: Option<Resources>,
}

/// Executes every example of every export. Programs get no capability and none of their bundled files.
pub(super) fn execute(wasm: &[u8], metadata: &Metadata) -> Result<Executed, Failure> {
    let mut executed = Executed::default();
    if metadata
        .exports
        .iter()
        .all(|export| export.examples.is_empty())
    {
        return Ok(executed);
    }
    let program = program(wasm, metadata)?;
    // A component that merely links the file system wants a folder for it, which stays empty.
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::failed("cannot make a temporary folder").because(&error))?;
    let (mut fuel, mut memory) = (0, 0);
    for export in &metadata.exports {
        for example in &export.examples {
            let called = call(&program, scratch.path(), &export.name, example)?;
            if !called.returned(&example.result) {
                return Err(wrong(&export.name, example, &called.to_json()));
            }
            fuel = fuel.max(called.fuel.unwrap_or_default());
            memory = memory.max(called.memory);
            executed.count += 1;
        }
    }
    executed.resources = Some(Resources {
        peak_memory: Some(memory),
        fuel: Some(fuel),
        ..Resources::default()
    });
    Ok(executed)
}

/// Only verified programs run, so this one is signed with a key that nobody keeps.
fn program(wasm: &[u8], metadata: &Metadata) -> Result<Program, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::failed("cannot execute the examples").because(error)
    };
    let key = SecretKey::generate(entropy()?);
    let bytes = zero_format::sign(&assemble(wasm, metadata, None)?, &[&key])
        .map_err(|error| failed(&error))?;
    let artifact = Artifact::decode(bytes).map_err(|error| failed(&error))?;
    let verified =
        zero_format::verify(artifact, &[key.public_key()]).map_err(|error| failed(&error))?;
    let options = EngineOptions {
        interruptible: true,
        fuel: true,
        ..EngineOptions::default()
    };
    Program::compile(&verified, options).map_err(|error| failed(&error))
}

fn call(
    program: &Program,
    scratch: &Path,
    export: &str,
    example: &Example,
) -> Result<Called, Failure> {
    let limits = Limits::of(&program.metadata().limits, &zrun::Ceiling::default());
    let limits = Limits {
        fuel: Some(limits.fuel.unwrap_or(FUEL)),
        ..limits
    };
    Runner::new(program)
        .limits(limits)
        .quiet(true)
        .scratch(scratch)
        .call(export, &example.args)
        .map_err(|error| {
            Failure::failed(format!(
                "the example {} does not return",
                written(export, example)
            ))
            .because(&error)
            .hint_if(error.hint())
        })
}

fn wrong(export: &str, example: &Example, actual: &Json) -> Failure {
    Failure::failed(format!("the example {} is wrong", written(export, example)))
        .details(format!(
            "  expected {}\n  actual   {actual}",
            example.result
        ))
        .hint("correct the function, or the `result` of the example in Zero.toml")
}

fn written(export: &str, example: &Example) -> String {
    let args: Vec<String> = example.args.iter().map(Json::to_string).collect();
    format!("{export}({})", args.join(", "))
}
