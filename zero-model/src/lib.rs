//! Language models that write WebAssembly.
//!
//! [`decode`] holds a model, or any other text, to what can still become a valid module.

#![forbid(unsafe_code)]

pub mod decode;
