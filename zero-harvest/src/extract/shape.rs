//! What a C type comes to on wasm32: enough to pass an argument of it.

use clang_sys as c;
use serde::{Deserialize, Serialize};

use super::libclang::Type;

/// Pointers to pointers are followed this far.
const DEPTH: u8 = 3;

/// What a type comes to.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Shape {
    /// `_Bool`.
    Bool,
    /// A floating-point number of 32 or 64 bits.
    Float {
        /// Its width.
        bits: u64,
    },
    /// An integer or an enumeration.
    Int {
        /// Its width.
        bits: u64,
        /// It can be negative.
        signed: bool,
    },
    /// A pointer.
    Pointer {
        /// The function promises not to write through it.
        readonly: bool,
        /// What it points to.
        to: Box<Shape>,
    },
    /// `char`, which is what text consists of.
    Char,
    /// A function, behind a pointer.
    Function,
    /// A structure or union of this many bytes; `None` if it is only declared.
    Record {
        /// Its size.
        size: Option<u64>,
        /// It holds numbers only: any bytes are a value of it.
        plain: bool,
    },
    /// Anything else.
    Other,
    /// `void`.
    Void,
}

impl Shape {
    pub(super) fn of(ty: Type<'_>) -> Self {
        Self::at(ty.canonical(), DEPTH)
    }

    fn at(ty: Type<'_>, depth: u8) -> Self {
        let bits = ty.size().unwrap_or(0) * 8;
        match ty.kind() {
            c::CXType_Void => Self::Void,
            c::CXType_Bool => Self::Bool,
            c::CXType_Char_S | c::CXType_Char_U => Self::Char,
            c::CXType_SChar
            | c::CXType_Short
            | c::CXType_Int
            | c::CXType_Long
            | c::CXType_LongLong => Self::Int { bits, signed: true },
            c::CXType_UChar
            | c::CXType_UShort
            | c::CXType_UInt
            | c::CXType_ULong
            | c::CXType_ULongLong
            | c::CXType_Enum => Self::Int {
                bits,
                signed: false,
            },
            c::CXType_Float | c::CXType_Double => Self::Float { bits },
            c::CXType_Record => Self::Record {
                size: ty.size(),
                plain: is_plain(ty, DEPTH),
            },
            c::CXType_FunctionProto | c::CXType_FunctionNoProto => Self::Function,
            c::CXType_Pointer if depth > 0 => {
                let to = ty.pointee();
                Self::Pointer {
                    readonly: to.is_const(),
                    to: Box::new(Self::at(to.canonical(), depth - 1)),
                }
            }
            _ => Self::Other,
        }
    }
}

fn is_plain(ty: Type<'_>, depth: u8) -> bool {
    match ty.kind() {
        c::CXType_Record => {
            depth > 0
                && ty
                    .fields()
                    .into_iter()
                    .all(|field| is_plain(field.canonical(), depth - 1))
        }
        c::CXType_ConstantArray => is_plain(ty.element().canonical(), depth),
        // An address is none of ours to make up; `_Bool` has two values, an enumeration as many as it names.
        c::CXType_Pointer | c::CXType_Bool | c::CXType_Enum => false,
        _ => true,
    }
}
