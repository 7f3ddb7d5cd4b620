//! What a translation unit defines and documents, as libclang reads it.
//!
//! Sources are untrusted, and a parser in C++ may crash on them, never return, or take all memory. So it runs in a
//! process of its own, a [`worker`], which is replaced when it dies; only plain data comes back.

mod dependencies;
mod doc;
mod libclang;
mod shape;
mod walk;
mod worker;

pub use doc::{Direction, Doc, Note, ParamDoc};
pub use libclang::LibclangError;
pub use shape::{Field, Shape};
pub(crate) use worker::Worker;
pub use worker::{WorkerError, serve};

use serde::{Deserialize, Serialize};

/// A translation unit to read.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Request {
    /// The source file.
    pub(crate) path: String,
    /// The folder of the whole repository: what lies outside is not its own.
    pub(crate) root: String,
    /// The compiler's arguments.
    pub(crate) args: Vec<String>,
}

/// What was read.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Extraction {
    /// Documented functions that the unit defines in the repository's own files.
    pub(crate) functions: Vec<Function>,
    /// A header that was not found: reading ended there.
    pub(crate) missing: Option<Missing>,
    /// The first error, if the unit does not compile.
    pub(crate) error: Option<String>,
}

/// A header that was not found.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Missing {
    /// As the source names it.
    pub(crate) header: String,
    /// The file that includes it.
    pub(crate) from: String,
}

/// One function definition.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Function {
    /// Its name in the source.
    pub(crate) name: String,
    /// Its name in the object.
    pub(crate) symbol: String,
    /// The declaration, in one line.
    pub(crate) signature: String,
    /// The file, from the root of the repository.
    pub(crate) path: String,
    /// First line of the definition, from 1.
    pub(crate) line_start: u32,
    /// Last line.
    pub(crate) line_end: u32,
    /// The definition's text.
    pub(crate) source: String,
    /// Types and macros of the repository that it uses.
    pub(crate) dependencies: Vec<String>,
    /// Its parameters.
    pub(crate) params: Vec<Parameter>,
    /// What it returns.
    pub(crate) result: CType,
    /// It takes further arguments.
    pub(crate) variadic: bool,
    /// Who sees it.
    pub(crate) linkage: Linkage,
    /// The documentation of any of its declarations.
    pub(crate) doc: Doc,
}

/// Who sees a function.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Linkage {
    /// Every object.
    External,
    /// `inline` without `static`: no object holds it unless asked to.
    Inline,
    /// Its own unit only.
    Static,
}

/// One parameter.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Parameter {
    /// Its name; empty if it has none.
    pub(crate) name: String,
    /// Its type.
    #[serde(flatten)]
    pub(crate) ty: CType,
}

/// A type: as written, and what it comes to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CType {
    /// As written.
    pub ctype: String,
    /// What it comes to.
    pub shape: Shape,
}
