//! Runs what passed, as every other program is run: in zrun, without any right.
//!
//! zrun runs only what is signed. A sandbox has a key of its own in memory, so that an answer takes the way of every
//! program and the runtime has no way in for what is not verified.

use std::time::Duration;

use serde_json::Value as Json;
use zero_format::{Artifact, Kind, Metadata, Package, SecretKey, Verified};
use zrun::{Called, EngineOptions, Limits, Program, RunError, Runner};

const FUEL: u64 = 1_000_000_000;
const MEMORY: u64 = 64 << 20;
const TIME: Duration = Duration::from_secs(10);

/// Runs modules.
pub struct Sandbox {
    key: SecretKey,
    limits: Limits,
}

/// Why a module did not run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// It cannot be made ready.
    #[error("prepare the module: {reason}")]
    Prepare {
        /// Why not.
        reason: String,
    },
    /// The call did not return.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Sandbox {
    /// A sandbox with 40 random bytes for its key.
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

    /// Calls an export of a module in binary.
    ///
    /// # Errors
    /// When the module cannot be compiled, or the call does not return.
    pub fn call(&self, wasm: &[u8], export: &str, args: &[Json]) -> Result<Called, SandboxError> {
        let program = self.program(wasm)?;
        let runner = Runner::new(&program).limits(self.limits).quiet(true);
        Ok(runner.call(export, args)?)
    }

    fn program(&self, wasm: &[u8]) -> Result<Program, SandboxError> {
        let prepare = |reason: String| SandboxError::Prepare { reason };
        let verified = self.sign(wasm).map_err(prepare)?;
        let options = EngineOptions {
            fuel: true,
            ..EngineOptions::default()
        };
        Program::compile(&verified, options).map_err(|error| prepare(error.to_string()))
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

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
