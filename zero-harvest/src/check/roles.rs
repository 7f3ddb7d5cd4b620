//! What each parameter is for: from its type, its name, and what the documentation says of it.

use serde::{Deserialize, Serialize};
use wasmparser::{FuncType, ValType};

use crate::extract::{CType, Direction, Doc, Function, Parameter, Shape};
use crate::record::Abi;

/// What a parameter is for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// A function to call.
    Callback,
    /// Data to read.
    In,
    /// Data to read and write.
    InOut,
    /// How many elements a buffer before it has.
    Length,
    /// An address of something whose inside is not known.
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
            role: role(&function.params, position, function.doc.as_ref()),
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

fn role(params: &[Parameter], position: usize, doc: Option<&Doc>) -> Role {
    let param = &params[position];
    match &param.ty.shape {
        Shape::Pointer { readonly, to } => pointer(param, *readonly, to, doc),
        Shape::Int { .. } if is_length(&param.name) && follows_buffer(params, position) => {
            Role::Length
        }
        Shape::Bool | Shape::Char | Shape::Float { .. } | Shape::Int { .. } => Role::Scalar,
        _ => Role::Opaque,
    }
}

fn pointer(param: &Parameter, readonly: bool, to: &Shape, doc: Option<&Doc>) -> Role {
    match to {
        Shape::Function => return Role::Callback,
        Shape::Char if readonly => return Role::String,
        Shape::Record { size: None, .. } | Shape::Pointer { .. } | Shape::Other => {
            return Role::Opaque;
        }
        _ => {}
    }
    if readonly {
        return Role::In;
    }
    let said = doc.and_then(|doc| doc.params.iter().find(|said| said.name == param.name));
    match said.and_then(|said| said.direction) {
        Some(Direction::In) => Role::In,
        Some(Direction::Out) => Role::Out,
        None if is_output(&param.name) => Role::Out,
        Some(Direction::InOut) | None => Role::InOut,
    }
}

fn is_length(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let whole = [
        "n", "len", "l", "size", "sz", "length", "count", "cnt", "num", "nmemb", "bytes",
    ];
    let ends = [
        "_n", "len", "size", "length", "count", "_num", "_sz", "bytes",
    ];
    whole.contains(&name.as_str())
        || ends.iter().any(|end| name.ends_with(end))
        || name.starts_with("n_")
        || name.starts_with("num_")
}

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
            param("in", bytes(true)),
            param("inlen", INT),
        ];
        let roles: Vec<Role> = (0..3).map(|at| role(&params, at, None)).collect();
        assert_eq!(roles, [Role::Out, Role::In, Role::Length]);
        assert_eq!(role(&[param("n", INT)], 0, None), Role::Scalar);
    }
}
