//! Witnesses: others who look at the log before readers do (spec/registry.md, "Witnesses").
//!
//! A witness signs each tree that continues the one it signed before, and nothing else. Where the
//! root demands cosignatures, whoever holds the log key can no longer show two histories to two
//! readers. The formats are those of C2SP: tlog-cosignature, tlog-witness, tlog-policy.

mod cosignature;
#[cfg(feature = "http")]
mod http;
mod memory;
mod policy;
mod request;

pub(crate) use cosignature::{ED25519, is_name, key_id};
pub use cosignature::{VerifierKey, VerifierKeyError};
#[cfg(feature = "http")]
pub use http::HttpWitnesses;
pub use memory::{Witness, WitnessAnswer, WitnessError};
pub(crate) use policy::PolicyWitness;
pub use policy::{PolicyError, WitnessPolicy};
pub use request::{AddCheckpoint, AddCheckpointError};

/// A way to reach witnesses. Writers ask through it; what comes back is not trusted.
pub trait AskWitness: Send + Sync {
    /// Sends a request to the witness at this address, and returns status code and body.
    ///
    /// # Errors
    /// When it cannot be reached.
    fn ask(&self, url: &str, request: &[u8]) -> std::io::Result<(u16, Vec<u8>)>;
}
