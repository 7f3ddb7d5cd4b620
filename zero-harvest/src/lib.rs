//! Documented C to WebAssembly text: records of instruction and module, with their provenance (spec/dataset.md).
//!
//! One process, one stage after the other: [`source`] → units → [`extract`] → compile → slice → print → [`check`] →
//! filter → output. [`harvest`] runs them all.

#![deny(unsafe_code)]

mod archive;
mod cause;
pub mod check;
mod compile;
pub mod extract;
mod fence;
mod filter;
mod harvest;
mod license;
pub mod limits;
mod lone;
mod object;
mod output;
mod parallel;
mod print;
mod process;
pub mod recipe;
pub mod record;
mod repository;
mod slice;
pub mod source;
pub mod stats;
mod toolchain;
mod units;

pub use archive::ArchiveError;
pub use cause::chain;
pub use filter::Curation;
pub use harvest::{HarvestError, Options, Phase, Progress, Shard, Summary, harvest};
pub use license::{Licenses, UnknownLicense};
pub use lone::{Lone, LoneError};
pub use output::{Format, OutputError, Style};
pub use toolchain::{PACKAGES, Toolchain, ToolchainError};
pub use units::HeaderMode;
