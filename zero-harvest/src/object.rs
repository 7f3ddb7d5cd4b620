//! A relocatable WebAssembly object, as clang writes it: code, data, symbols and relocations (tool-conventions,
//! `Linking.md`).

mod dwarf;
mod read;
mod reloc;

pub(crate) use reloc::{Reloc, RelocKind};

use std::collections::HashMap;
use std::ops::Range;

use wasmparser::FuncType;

/// Index of a symbol in its object.
pub(crate) type SymbolIndex = u32;

/// Why an object cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ObjectError {
    /// The bytes are no WebAssembly.
    #[error("malformed WebAssembly object")]
    Malformed(#[from] wasmparser::Error),
    /// An index or a range that points outside what it should point into.
    #[error("{0} outside the object")]
    OutOfRange(&'static str),
    /// A module without a `linking` section: linked already, or no object at all.
    #[error("not a relocatable object")]
    NotRelocatable,
    /// Something that C for wasm32 does not need.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
}

/// One object file.
#[derive(Debug, Default)]
pub(crate) struct Object {
    /// Function types.
    pub(crate) types: Vec<FuncType>,
    /// Imported functions, then the defined ones: the index space of functions.
    pub(crate) functions: Vec<Function>,
    /// Data segments.
    pub(crate) segments: Vec<Segment>,
    /// Symbols.
    pub(crate) symbols: Vec<Symbol>,
    /// Names that other objects can see, with the symbol that defines them.
    pub(crate) exports: HashMap<Box<str>, SymbolIndex>,
    /// The object has functions that a linker would call before `main`.
    pub(crate) has_constructors: bool,
    /// Contents of the code section, and relocations by their offset in it.
    code: Vec<u8>,
    code_relocs: Vec<Reloc>,
    data: Vec<u8>,
    data_relocs: Vec<Reloc>,
}

/// A function of the index space.
#[derive(Debug)]
pub(crate) struct Function {
    /// Index of its type.
    pub(crate) type_index: u32,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Where a function comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// Module and name of an import.
    Import { module: Box<str>, name: Box<str> },
    /// Its body in the code section, and what debug information calls its locals.
    Body {
        range: Range<usize>,
        locals: Vec<(u32, Box<str>)>,
    },
}

/// A run of initialised or zero bytes that is kept or left out as a whole.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Bytes in the data section.
    pub(crate) range: Range<usize>,
    /// Alignment as a power of two.
    pub(crate) align: u32,
}

/// A name for a function, some data, or a global.
#[derive(Debug)]
pub(crate) struct Symbol {
    /// Its name; sections have none.
    pub(crate) name: Box<str>,
    /// What it stands for.
    pub(crate) target: Target,
    /// Another definition may take its place, or it may stay undefined.
    pub(crate) weak: bool,
}

/// What a symbol stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A function of this object's index space: imported if undefined.
    Function { index: u32, defined: bool },
    /// An offset in a segment; `None` if another object defines it.
    Data(Option<DataPlace>),
    /// A global of this name: only the stack pointer is known.
    Global,
    /// The table of functions.
    Table,
    /// Anything else: sections, tags.
    Other,
}

/// Where a data symbol lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DataPlace {
    /// Index of the segment.
    pub(crate) segment: u32,
    /// Offset in it.
    pub(crate) offset: u32,
}

impl Object {
    /// Reads an object file.
    ///
    /// # Errors
    /// When it is malformed, linked already, or uses what C for wasm32 does not need.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ObjectError> {
        read::object(bytes)
    }

    /// A symbol that a relocation names.
    pub(crate) fn symbol(&self, index: SymbolIndex) -> Result<&Symbol, ObjectError> {
        get(&self.symbols, index).ok_or(ObjectError::OutOfRange("symbol"))
    }

    /// A function of the index space.
    pub(crate) fn function(&self, index: u32) -> Result<&Function, ObjectError> {
        get(&self.functions, index).ok_or(ObjectError::OutOfRange("function"))
    }

    /// The type of a function.
    pub(crate) fn function_type(&self, index: u32) -> Result<&FuncType, ObjectError> {
        self.type_at(self.function(index)?.type_index)
    }

    /// A type.
    pub(crate) fn type_at(&self, index: u32) -> Result<&FuncType, ObjectError> {
        get(&self.types, index).ok_or(ObjectError::OutOfRange("type"))
    }

    /// A segment.
    pub(crate) fn segment(&self, index: u32) -> Result<&Segment, ObjectError> {
        get(&self.segments, index).ok_or(ObjectError::OutOfRange("segment"))
    }

    /// The bytes of a function's body, and the relocations in it.
    pub(crate) fn body(&self, range: &Range<usize>) -> (&[u8], &[Reloc]) {
        part(&self.code, &self.code_relocs, range)
    }

    /// The bytes of a segment, and the relocations in it.
    pub(crate) fn segment_bytes(&self, segment: &Segment) -> (&[u8], &[Reloc]) {
        part(&self.data, &self.data_relocs, &segment.range)
    }
}

fn get<T>(items: &[T], index: u32) -> Option<&T> {
    items.get(usize::try_from(index).ok()?)
}

fn part<'a>(bytes: &'a [u8], relocs: &'a [Reloc], range: &Range<usize>) -> (&'a [u8], &'a [Reloc]) {
    let first = relocs.partition_point(|reloc| reloc.offset < range.start);
    let end = relocs.partition_point(|reloc| reloc.offset < range.end);
    (
        bytes.get(range.clone()).unwrap_or_default(),
        relocs.get(first..end).unwrap_or_default(),
    )
}
