//! The test vectors of `spec/vectors`, and what must hold for every byte string near them.
//!
//! An independent program generates the vectors from the specification. A vector that is refused for another reason
//! than the one it was made for fails here, and so does one that is accepted against expectation.

mod artifact;
mod chain;
mod class;
mod decoders;
mod head;
mod index;
mod key;
mod log;
mod map;
mod metadata;
mod program;
mod registry;
mod root;
mod strict;
mod text;
