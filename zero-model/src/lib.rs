//! Language models that write WebAssembly.
//!
//! - [`decode`] holds a model, or any other text, to what can still become a valid module.
//! - [`model`] is what models have in common, [`backend`] where they are; [`ask`] asks one until its answer is right,
//!   with [`prompt`]s that [`retrieve`] finds examples for.
//! - [`task`] is what a model is asked, [`judge`] tries an answer by running it, [`eval`] asks a model and
//!   counts, [`reward`] says what answers are worth (spec/eval.md); [`sandbox`] runs what passed.
//! - [`tune`] holds the Python project that fine-tunes models.

#![forbid(unsafe_code)]

pub mod ask;
pub mod backend;
pub mod decode;
pub mod eval;
pub mod judge;
pub mod model;
pub mod prompt;
pub mod retrieve;
pub mod reward;
pub mod sandbox;
pub mod task;
pub mod tune;
