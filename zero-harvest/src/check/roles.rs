//! What each parameter is for: from its type, its name, and what the documentation says of it.

use serde::{Deserialize, Serialize};
use wasmparser::{FuncType, ValType};

use crate::extract::{CType, Direction, Doc, Function, ParamDoc, Parameter, Shape};
use crate::record::Abi;

/// What a parameter is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// A function to call: none is passed.
    Callback,
    /// How many elements fit into an output buffer.
    Capacity,
    /// Data to read.
    In,
    /// Data to read and write.
    InOut,
    /// How many elements a buffer before it has.
    Length,
    /// An address of something whose inside is not known: the null pointer is passed.
    Opaque,
    /// Room for what comes out.
    Out,
    /// The result.
    Return,
    /// A number.
    Scalar,
    /// Text that ends in NUL.
    String,
}

/// The parameters and the result of a function; `None` where C and WebAssembly disagree on how many there are.
pub(crate) fn abi(function: &Function, ty: &FuncType) -> Option<Vec<Abi>> {
    let mut wasm = ty.params().iter();
    let mut abi = Vec::new();
    let through_memory = ty.results().is_empty() && function.result.shape != Shape::Void;
    if through_memory {
        wasm.next()?;
    }
    for (position, param) in function.params.iter().enumerate() {
        abi.push(Abi {
            name: param.name.clone(),
            ty: param.ty.clone(),
            wasm: wasm.next()?.to_string(),
            role: role(&function.params, position, &function.doc),
        });
    }
    // What is left belongs to no parameter of C, except the list of further arguments.
    if wasm.count() != usize::from(function.variadic) {
        return None;
    }
    abi.push(result(&function.result, ty.results()));
    Some(abi)
}

fn result(ty: &CType, results: &[ValType]) -> Abi {
    Abi {
        name: String::from("return"),
        ty: ty.clone(),
        wasm: results.first().map(ToString::to_string).unwrap_or_default(),
        role: Role::Return,
    }
}

fn role(params: &[Parameter], position: usize, doc: &Doc) -> Role {
    let param = &params[position];
    let said = doc.params.iter().find(|said| said.name == param.name);
    match &param.ty.shape {
        Shape::Pointer { readonly, to } => pointer(param, *readonly, to, said),
        Shape::Int { .. } if follows_buffer(params, position) => number(params, position, said),
        // A structure of one number is that number; any other is copied to memory.
        Shape::Record { .. } => match param.ty.shape.single() {
            Some(_) => Role::Scalar,
            None => Role::In,
        },
        Shape::Bool | Shape::Char | Shape::Float { .. } | Shape::Int { .. } => Role::Scalar,
        _ => Role::Opaque,
    }
}

/// A number beside a buffer.
fn number(params: &[Parameter], position: usize, said: Option<&ParamDoc>) -> Role {
    let name = params[position].name.to_ascii_lowercase();
    let described = said.is_some_and(|said| describes_length(&said.text));
    let roomy = ["cap", "max", "avail", "room", "limit"]
        .iter()
        .any(|word| name.contains(word));
    let after_output = position > 0
        && matches!(
            &params[position - 1].ty.shape,
            Shape::Pointer {
                readonly: false,
                ..
            }
        )
        && is_output(&params[position - 1].name);
    if after_output && roomy {
        return Role::Capacity;
    }
    match described || is_length(&name) {
        true if after_output || roomy => Role::Capacity,
        true => Role::Length,
        false => Role::Scalar,
    }
}

fn pointer(param: &Parameter, readonly: bool, to: &Shape, said: Option<&ParamDoc>) -> Role {
    match to {
        Shape::Function => return Role::Callback,
        Shape::Char if readonly => return Role::String,
        Shape::Record { size: None, .. } | Shape::Other => return Role::Opaque,
        _ => {}
    }
    if readonly {
        return Role::In;
    }
    match said.and_then(|said| said.direction) {
        Some(Direction::In) => Role::In,
        Some(Direction::Out) => Role::Out,
        None if is_output(&param.name) => Role::Out,
        Some(Direction::InOut) | None => Role::InOut,
    }
}

fn describes_length(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words = [
        "length of",
        "size of",
        "number of",
        "length in",
        "size in",
        "count of",
        "bytes in",
        "maximum size",
        "maximum length",
    ];
    words.iter().any(|words| text.contains(words))
        || text.starts_with("length")
        || text.starts_with("size")
}

/// Whether a name is that of a number of elements.
pub(super) fn is_length(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let whole = [
        "n", "len", "l", "size", "sz", "length", "count", "cnt", "num", "nmemb", "bytes", "cap",
        "capacity", "avail", "used", "alloc", "limit", "nelem", "nelems", "nitems", "dim", "tda",
    ];
    let ends = [
        "_n", "len", "size", "length", "count", "_num", "_sz", "bytes", "capacity", "_max",
        "_used", "_alloc", "_avail",
    ];
    whole.contains(&name.as_str())
        || ends.iter().any(|end| name.ends_with(end))
        || ["n_", "num_", "max_", "len_", "avail_"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// Whether a name is that of room for results.
fn is_output(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let starts = ["out", "dst", "dest", "res", "ret", "output", "p_out"];
    starts.iter().any(|start| name.starts_with(start)) || name.ends_with("_out")
}

/// Whether one of the parameters around it is a buffer that it can be the length of.
fn follows_buffer(params: &[Parameter], position: usize) -> bool {
    let buffer = |param: &Parameter| matches!(&param.ty.shape, Shape::Pointer { to, .. } if **to != Shape::Function);
    params[..position].iter().any(buffer) || params.get(position + 1).is_some_and(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn param(name: &str, shape: Shape) -> Parameter {
        Parameter {
            name: String::from(name),
            ty: CType {
                ctype: String::new(),
                shape,
            },
        }
    }

    fn bytes(readonly: bool) -> Shape {
        Shape::Pointer {
            readonly,
            to: Box::new(Shape::Int {
                bits: 8,
                signed: false,
            }),
        }
    }

    const INT: Shape = Shape::Int {
        bits: 32,
        signed: true,
    };

    #[test]
    fn a_length_needs_a_buffer() {
        let params = [
            param("out", bytes(false)),
            param("outmax", INT),
            param("in", bytes(true)),
            param("inlen", INT),
        ];
        let doc = Doc::default();
        let roles: Vec<Role> = (0..4).map(|at| role(&params, at, &doc)).collect();
        assert_eq!(roles, [Role::Out, Role::Capacity, Role::In, Role::Length]);
        assert_eq!(role(&[param("n", INT)], 0, &doc), Role::Scalar);
    }

    #[test]
    fn the_documentation_tells_a_length_from_a_number() {
        let params = [param("in", bytes(true)), param("k", INT)];
        let mut doc = Doc::default();
        assert_eq!(role(&params, 1, &doc), Role::Scalar);
        doc.params.push(ParamDoc {
            name: String::from("k"),
            direction: None,
            text: String::from("The number of bytes to look at"),
        });
        assert_eq!(role(&params, 1, &doc), Role::Length);
    }

    #[test]
    fn a_structure_of_one_number_is_passed_as_that_number() {
        let field = |offset| crate::extract::Field {
            name: String::from("x"),
            offset,
            shape: INT,
        };
        let record = |fields: Vec<_>| Shape::Record {
            size: Some(4 * fields.len() as u64),
            fields,
            also: Vec::new(),
            choice: false,
        };
        let doc = Doc::default();
        let one = [param("p", record(vec![field(0)]))];
        let two = [param("p", record(vec![field(0), field(4)]))];
        assert_eq!(role(&one, 0, &doc), Role::Scalar);
        assert_eq!(role(&two, 0, &doc), Role::In);
    }
}
