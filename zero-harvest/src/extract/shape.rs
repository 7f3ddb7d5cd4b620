//! What a C type comes to on wasm32: enough to pass an argument of it.

use clang_sys as c;
use serde::{Deserialize, Serialize};

use super::libclang::{Member, Type};

/// Pointers to pointers are followed this far.
const DEPTH: u8 = 3;
/// Parts of one type that are described; what lies beyond is [`Shape::Other`].
const PARTS: usize = 256;
/// Addresses of one type that are told, as many as a block has room for: an array of pointers is a short text and a long
/// list.
const ADDRESSES: usize = 128 * 1024;

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
    /// An array inside a structure.
    Array {
        /// What it consists of.
        of: Box<Shape>,
        /// How many there are.
        count: u64,
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
        /// What it consists of, as far as that is known; the first alternative of a union.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<Field>,
        /// Where other alternatives of its unions hold addresses.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<u64>,
        /// It is a union of several alternatives.
        #[serde(default)]
        choice: bool,
    },
    /// Anything else.
    Other,
    /// `void`.
    Void,
}

/// A part of a structure.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Where it starts, in bytes.
    pub offset: u64,
    /// What it is.
    pub shape: Shape,
}

impl Shape {
    pub(super) fn of(ty: Type<'_>) -> Self {
        let mut describer = Describer {
            left: PARTS,
            addresses: ADDRESSES,
        };
        describer.shape(ty.canonical(), DEPTH)
    }

    /// What a parameter of a type comes to: an array is passed as its address.
    pub(super) fn of_parameter(ty: Type<'_>) -> Self {
        let canonical = ty.canonical();
        match canonical.kind() {
            c::CXType_ConstantArray => Self::Pointer {
                readonly: canonical.element().is_const(),
                to: Box::new(Self::of(ty)),
            },
            c::CXType_IncompleteArray => Self::Pointer {
                readonly: canonical.element().is_const(),
                to: Box::new(Self::of(canonical.element())),
            },
            _ => Self::of(ty),
        }
    }

    /// The same without what structures consist of: a record is no header file.
    #[must_use]
    pub(crate) fn brief(&self) -> Self {
        match self {
            Self::Pointer { readonly, to } => Self::Pointer {
                readonly: *readonly,
                to: Box::new(to.brief()),
            },
            Self::Array { of, count } => Self::Array {
                of: Box::new(of.brief()),
                count: *count,
            },
            Self::Record { size, choice, .. } => Self::Record {
                size: *size,
                choice: *choice,
                fields: Vec::new(),
                also: Vec::new(),
            },
            other => other.clone(),
        }
    }

    /// The number that a structure of one member is passed as.
    pub(crate) fn single(&self) -> Option<&Self> {
        match self {
            Self::Record {
                fields,
                choice: false,
                ..
            } => match fields.as_slice() {
                [only] => only.shape.single(),
                _ => None,
            },
            Self::Array { of, count: 1 } => of.single(),
            Self::Bool
            | Self::Char
            | Self::Float { .. }
            | Self::Int { .. }
            | Self::Pointer { .. } => Some(self),
            _ => None,
        }
    }

    /// Bytes that it takes on wasm32.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::Array { of, count } => of.size()?.checked_mul(*count),
            Self::Bool | Self::Char => Some(1),
            Self::Float { bits } | Self::Int { bits, .. } => Some(bits / 8),
            Self::Pointer { .. } => Some(4),
            Self::Record { size, .. } => *size,
            Self::Function | Self::Other | Self::Void => None,
        }
    }

    /// Where it holds addresses, in bytes from its start; not all of them where there are more than a block may hold.
    pub(crate) fn addresses(&self) -> Vec<u64> {
        match self {
            Self::Array { of, count } => {
                let (inner, step) = (of.addresses(), of.size().unwrap_or(0));
                let most = if inner.is_empty() { 0 } else { *count };
                (0..most)
                    .flat_map(|number| inner.iter().map(move |at| number * step + at))
                    .take(ADDRESSES)
                    .collect()
            }
            Self::Pointer { .. } => vec![0],
            Self::Record { fields, also, .. } => fields
                .iter()
                .flat_map(|field| {
                    let inner = field.shape.addresses();
                    inner.into_iter().map(|at| field.offset + at)
                })
                .chain(also.iter().copied())
                .take(ADDRESSES)
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Describes types, up to a number of parts: structures of structures of structures would never end.
struct Describer {
    left: usize,
    addresses: usize,
}

impl Describer {
    fn shape(&mut self, ty: Type<'_>, depth: u8) -> Shape {
        if self.left == 0 {
            return Shape::Other;
        }
        self.left -= 1;
        let bits = ty.size().unwrap_or(0) * 8;
        match ty.kind() {
            c::CXType_Void => Shape::Void,
            c::CXType_Bool => Shape::Bool,
            c::CXType_Char_S | c::CXType_Char_U => Shape::Char,
            c::CXType_SChar
            | c::CXType_Short
            | c::CXType_Int
            | c::CXType_Long
            | c::CXType_LongLong => Shape::Int { bits, signed: true },
            c::CXType_UChar
            | c::CXType_UShort
            | c::CXType_UInt
            | c::CXType_ULong
            | c::CXType_ULongLong
            | c::CXType_Enum => Shape::Int {
                bits,
                signed: false,
            },
            c::CXType_Float | c::CXType_Double => Shape::Float { bits },
            c::CXType_Record => {
                let (fields, also) = self.fields(ty, depth);
                let members = ty.members();
                let apart = |pair: &[Member<'_>]| pair[0].offset != pair[1].offset;
                Shape::Record {
                    size: ty.size(),
                    fields,
                    also,
                    choice: members.len() > 1 && !members.windows(2).any(apart),
                }
            }
            c::CXType_FunctionProto | c::CXType_FunctionNoProto => Shape::Function,
            c::CXType_ConstantArray => Shape::Array {
                of: Box::new(self.shape(ty.element().canonical(), depth)),
                count: ty.count(),
            },
            c::CXType_Pointer if depth > 0 => {
                let to = ty.pointee();
                Shape::Pointer {
                    readonly: to.is_const(),
                    to: Box::new(self.shape(to.canonical(), depth - 1)),
                }
            }
            // Its address is still one.
            c::CXType_Pointer => Shape::Pointer {
                readonly: true,
                to: Box::new(Shape::Other),
            },
            _ => Shape::Other,
        }
    }

    /// The members, and where those that share their place with others hold addresses.
    fn fields(&mut self, ty: Type<'_>, depth: u8) -> (Vec<Field>, Vec<u64>) {
        let mut end = 0;
        let (mut fields, mut also) = (Vec::new(), Vec::new());
        for field in ty.members() {
            // A bit-field is left as it is.
            let Some(offset) = field.offset else { continue };
            let shape = self.shape(field.ty.canonical(), depth);
            // Of a union the first alternative is enough to make a value.
            if offset < end {
                let told = shape.addresses().into_iter().take(self.addresses);
                let before = also.len();
                also.extend(told.map(|at| offset + at));
                self.addresses -= also.len() - before;
                continue;
            }
            end = offset + shape.size().unwrap_or(1).max(1);
            fields.push(Field {
                name: field.name,
                offset,
                shape,
            });
        }
        (fields, also)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_structures_consist_of_is_no_part_of_a_brief_shape() {
        let record = |fields| Shape::Record {
            size: Some(4),
            fields,
            also: Vec::new(),
            choice: false,
        };
        let field = Field {
            name: String::from("x"),
            offset: 0,
            shape: Shape::Char,
        };
        let to = |shape| {
            let array = Shape::Array {
                of: Box::new(shape),
                count: 4,
            };
            Shape::Pointer {
                readonly: false,
                to: Box::new(array),
            }
        };
        assert_eq!(to(record(vec![field])).brief(), to(record(Vec::new())));
    }

    #[test]
    fn a_short_type_has_no_endless_list_of_addresses() {
        let to = Box::new(Shape::Void);
        let of = Box::new(Shape::Pointer { readonly: true, to });
        let array = Shape::Array { of, count: 1 << 40 };
        assert_eq!(array.addresses().len(), ADDRESSES);
    }
}
