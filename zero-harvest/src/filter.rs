//! Which functions become records, and with which words.

mod words;

pub(crate) use words::{Instruction, instruction};
