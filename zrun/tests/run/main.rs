//! Whole runs of small programs: rights, limits, the cache and the binary. Each program is signed like any other.

#![expect(
    clippy::unwrap_used,
    reason = "a failed step fails the test that needs it"
)]

mod audit;
mod binary;
mod cache;
mod deterministic;
mod embedding;
mod files;
mod limits;
mod outputs;
mod rights;
mod support;
