//! Language models that write WebAssembly.
//!
//! - [`decode`] holds a model, or any other text, to what can still become a valid module.
//! - [`task`] is what a model is asked, [`judge`] tries an answer by running it, [`eval`] counts (spec/eval.md).

#![forbid(unsafe_code)]

pub mod decode;
pub mod eval;
pub mod judge;
pub mod task;
