//! What a record must be to be part of the dataset (spec/dataset.md, sections 2 and 6).

mod curate;
mod minhash;
mod words;

pub use curate::Curation;
pub(crate) use curate::Curator;
pub(crate) use words::{Instruction, instruction};
