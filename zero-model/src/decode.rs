//! Typed decoding: an incremental parser and validator of WebAssembly text.
//!
//! A [`Checker`] takes a text byte by byte and refuses the first byte after which no valid module can follow: not only
//! does the text parse, every instruction fits the operands before it, every index refers to something, every literal is in
//! range. A text that it takes to the end is a valid module. What it reads is the subset of WebAssembly text that
//! datasets are written in; `spec/wat-subset.md` is the normative text.
//!
//! ```
//! use zero_model::decode::{Checker, Options};
//!
//! let mut checker = Checker::new(Options::default());
//! checker.push_str("(module (func (result i32) i32.const 1 i32.").unwrap();
//! // With one operand on the stack there is no instruction that begins with `i32.a`: `i32.add` takes two.
//! let rejected = checker.push_str("add))").unwrap_err();
//! assert_eq!(rejected.offset, 43);
//! ```

mod body;
mod checker;
#[cfg(feature = "mask")]
mod mask;
mod module;
mod number;
mod sem;
mod spot;
mod state;
mod string;
mod targets;
mod word;

pub use checker::{Checker, Rejected};
#[cfg(feature = "mask")]
pub use mask::{Mask, Vocabulary};

/// What of the subset is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Comments. A model has no use for them.
    pub comments: bool,
    /// White space is one space where it is needed and nothing else: the text has one spelling.
    pub compact: bool,
    /// How far beyond the functions and data segments that are there an index may refer; 0 for not at all, by name neither.
    pub forward: u32,
}

impl Options {
    /// What a model is held to while it writes: nothing that would let it write for ever without saying anything.
    pub const GENERATION: Self = Self {
        comments: false,
        compact: true,
        forward: 16,
    };
}

impl Default for Options {
    fn default() -> Self {
        Self {
            comments: true,
            compact: false,
            forward: 100_000,
        }
    }
}
