//! One module for one function: everything that it reaches, and nothing else (spec/dataset.md, "Modules").
//!
//! A linker does this for a program, in a process of its own. Here the objects are in memory, so a function costs a
//! walk over what it uses: [`closure`] finds that, [`layout`] gives it addresses, [`encode`] writes the module.

mod closure;
mod encode;
mod layout;
mod names;
mod pool;

pub(crate) use pool::{Pool, UnitId};

use crate::limits::Sizes;
use crate::object::ObjectError;

/// Why a function has no module.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SliceError {
    /// Its data is set up by a function that runs before `main`.
    #[error("it uses data that a constructor sets up")]
    Constructor,
    /// Data that nobody defines.
    #[error("nothing defines the data `{0}`")]
    MissingData(Box<str>),
    /// A global other than the stack pointer.
    #[error("it uses the global `{0}`")]
    MissingGlobal(Box<str>),
    /// An object that cannot be read.
    #[error("read an object")]
    Object(#[from] ObjectError),
    /// A function that is called with one type and defined with another.
    #[error("`{0}` is called with another type than it has")]
    SignatureMismatch(Box<str>),
    /// It reaches more than a record may hold.
    #[error("it reaches more {0} than a record may hold")]
    TooLarge(&'static str),
    /// The compiler left the function out.
    #[error("the object does not define it")]
    Undefined,
}

/// A function's module, and what is known of it.
#[derive(Debug)]
pub(crate) struct Sliced {
    /// The function's type.
    pub(crate) ty: wasmparser::FuncType,
    /// The module, with names.
    pub(crate) wasm: Vec<u8>,
    /// What it imports: module and name.
    pub(crate) imports: Vec<(String, String)>,
    /// The units of the repository that it takes anything from, in the order in which they were reached.
    pub(crate) units: Vec<UnitId>,
    /// How many functions it holds.
    pub(crate) functions: usize,
    /// Instructions in all of them.
    pub(crate) instructions: usize,
    /// The first address that is free for the caller's buffers; `None` without memory.
    pub(crate) heap_base: Option<u32>,
}

/// Makes the module of one function of a unit. `parameters` are its names in the source, for those that debug
/// information does not have, and `sizes` what it may reach.
///
/// # Errors
/// [`SliceError`]: why it cannot stand alone.
pub(crate) fn slice(
    pool: &Pool<'_>,
    unit: UnitId,
    symbol: &str,
    parameters: &[String],
    sizes: &Sizes,
) -> Result<Sliced, SliceError> {
    let closure = closure::close(pool, unit, symbol, sizes.functions)?;
    let layout = layout::lay_out(&closure, sizes.data)?;
    let mut sliced = encode::encode(&closure, &layout, parameters, sizes.instructions)?;
    sliced.units = closure.units(pool);
    Ok(sliced)
}

#[cfg(test)]
mod tests;
