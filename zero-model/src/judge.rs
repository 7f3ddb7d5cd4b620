//! Tries an answer: does it parse, is it valid, does it compute the right thing?
//!
//! Whatever a model wrote runs in zrun's sandbox without any right, in a fresh instance for every call, under limits of
//! fuel, memory and time. zrun runs only what is signed: each judge has a key of its own in memory, so that an answer
//! takes the way of every other program and nothing else can run in its place.

use zero_format::{Artifact, Kind, Metadata, Package, SecretKey, Verified};
use zrun::{EngineOptions, Limits, Program, RunError, Runner};

use crate::task::{Call, Task};

/// Bytes of an answer that are looked at: compiling must stay cheap.
pub const MAX_TEXT: usize = 256 << 10;

/// What one call of an answer may use up.
const FUEL: u64 = 10_000_000;
const MEMORY: u64 = 64 << 20;
const TIME: std::time::Duration = std::time::Duration::from_secs(5);

/// Tries answers.
pub struct Judge {
    key: SecretKey,
    limits: Limits,
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
        /// What the validator says.
        reason: String,
    },
    /// It imports something: nothing was granted.
    Imports {
        /// The first import.
        import: String,
    },
    /// The function is missing or has another type.
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
    /// A call returned something else.
    Wrong {
        /// The call.
        call: usize,
        /// What it returned.
        actual: String,
    },
    /// Every call returned what it should.
    Passed,
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
        let call = |at: usize| task.examples.iter().chain(&task.tests).nth(at);
        let shown = |at: usize| call(at).map_or_else(String::new, |call| arguments(task, call));
        match self {
            Self::Unparsed { reason } | Self::Invalid { reason } | Self::Signature { reason } => {
                reason.clone()
            }
            Self::Imports { import } => {
                format!("the module imports {import}; it must import nothing")
            }
            Self::Stopped { call, reason, .. } => format!("{}: {reason}", shown(*call)),
            Self::Wrong { call: at, actual } => {
                let expected = call(*at).map_or_else(String::new, |call| call.result.to_string());
                format!("{} returned {actual}, expected {expected}", shown(*at))
            }
            Self::Passed => String::new(),
        }
    }
}

fn arguments(task: &Task, call: &Call) -> String {
    let args: Vec<String> = call.args.iter().map(ToString::to_string).collect();
    format!("{}({})", task.signature.name, args.join(", "))
}

impl Judge {
    /// A judge with 40 random bytes for its key.
    pub fn new(entropy: [u8; 40]) -> Self {
        Self {
            key: SecretKey::generate(entropy),
            limits: Limits {
                memory: MEMORY,
                time: TIME,
                output: 0,
                fuel: Some(FUEL),
                ..Limits::default()
            },
        }
    }

    /// Tries an answer with the examples and tests of a task, in this order.
    pub fn judge(&self, task: &Task, answer: &str) -> Verdict {
        let program = match self.program(task, answer) {
            Ok(program) => program,
            Err(verdict) => return verdict,
        };
        let calls = task.examples.iter().chain(&task.tests);
        for (at, call) in calls.enumerate() {
            let called = Runner::new(&program)
                .limits(self.limits)
                .quiet(true)
                .call(&task.signature.name, &call.args);
            match called {
                Ok(called) if called.returned(&call.result) => {}
                Ok(called) => {
                    return Verdict::Wrong {
                        call: at,
                        actual: called.to_json().to_string(),
                    };
                }
                Err(error) => return stopped(at, &error),
            }
        }
        Verdict::Passed
    }

    /// Everything before the first call.
    fn program(&self, task: &Task, answer: &str) -> Result<Program, Verdict> {
        let wasm = parse(answer)?;
        validate(&wasm)?;
        interface(task, &wasm)?;
        let invalid = |reason: String| Verdict::Invalid { reason };
        let verified = self.sign(&wasm).map_err(invalid)?;
        let options = EngineOptions {
            fuel: true,
            ..EngineOptions::default()
        };
        Program::compile(&verified, options).map_err(|error| invalid(error.to_string()))
    }

    fn sign(&self, wasm: &[u8]) -> Result<Verified<Artifact>, String> {
        let package = Package::new(
            "answer".parse().map_err(|_| "no such name")?,
            "0.0.0".parse().map_err(|_| "no such version")?,
        );
        let metadata = Metadata::new(Kind::Module, package);
        let unsigned =
            zero_format::assemble(wasm, &metadata, None).map_err(|error| error.to_string())?;
        let bytes =
            zero_format::sign(&unsigned, &[&self.key]).map_err(|error| error.to_string())?;
        let artifact = Artifact::decode(bytes).map_err(|error| error.to_string())?;
        zero_format::verify(artifact, &[self.key.public_key()]).map_err(|error| error.to_string())
    }
}

fn parse(answer: &str) -> Result<Vec<u8>, Verdict> {
    let unparsed = |reason| Verdict::Unparsed { reason };
    if answer.len() > MAX_TEXT {
        return Err(unparsed(format!(
            "the answer is longer than {MAX_TEXT} bytes"
        )));
    }
    wat::parse_str(answer).map_err(|error| unparsed(error.to_string()))
}

fn validate(wasm: &[u8]) -> Result<(), Verdict> {
    let validated = wasmparser::validate(wasm).map(|_| ());
    validated.map_err(|error| Verdict::Invalid {
        reason: error.to_string(),
    })?;
    if wasmparser::Parser::is_component(wasm) {
        return Err(Verdict::Invalid {
            reason: "it is a component, not a module".to_owned(),
        });
    }
    Ok(())
}

/// No imports; the function is there. Its type shows in the calls, whose number of arguments is checked first.
fn interface(task: &Task, wasm: &[u8]) -> Result<(), Verdict> {
    let mut exported = false;
    for payload in wasmparser::Parser::new(0).parse_all(wasm).flatten() {
        match payload {
            wasmparser::Payload::ImportSection(imports) => {
                if let Some(Ok(import)) = imports.into_imports().next() {
                    let import = format!("\"{}\" \"{}\"", import.module, import.name);
                    return Err(Verdict::Imports { import });
                }
            }
            wasmparser::Payload::ExportSection(exports) => {
                let name = task.signature.name.as_str();
                exported |= exports.into_iter().flatten().any(|export| {
                    export.name == name && export.kind == wasmparser::ExternalKind::Func
                });
            }
            _ => {}
        }
    }
    let reason = || {
        format!(
            "the module does not export a function \"{}\"",
            task.signature.name
        )
    };
    if exported {
        Ok(())
    } else {
        Err(Verdict::Signature { reason: reason() })
    }
}

fn stopped(call: usize, error: &RunError) -> Verdict {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    match error {
        RunError::Limit(_) => Verdict::Stopped {
            call,
            class: "limit",
            reason,
        },
        RunError::Trap { .. } => Verdict::Stopped {
            call,
            class: "trapped",
            reason,
        },
        _ => Verdict::Signature { reason },
    }
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
