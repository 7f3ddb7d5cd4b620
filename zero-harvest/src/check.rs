//! What is known of a module: that it validates, and what it does (spec/dataset.md, "Verification").

mod execute;
mod inputs;
mod roles;
mod verify;

pub(crate) use execute::Sandbox;
pub use roles::Role;
pub(crate) use roles::abi;
pub(crate) use verify::{Subject, verify};

use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// How far a record was verified. Each level includes those before it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub enum Level {
    /// The module validates, and its text gives the same bytes.
    #[default]
    L1,
    /// Executed: it agrees with a build that traps where behaviour is undefined.
    L2,
}

/// One execution: arguments, memory before, and what came out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct IoExample {
    /// The arguments as WebAssembly constants: `i32.const 3`.
    pub args: Vec<String>,
    /// Pages that memory is grown to before.
    pub pages: u32,
    /// What is written to memory before: address and bytes in hexadecimal.
    pub memory: Vec<(u32, String)>,
    /// The result, if there is one.
    pub result: Option<String>,
    /// The text that the result points to, in hexadecimal and without its NUL.
    pub result_text: Option<String>,
    /// The value that the result points to, in hexadecimal.
    pub result_bytes: Option<String>,
    /// What those parts of memory hold afterwards, where that differs.
    pub memory_after: Vec<(u32, String)>,
}

/// A digest of a module without its names, in 32 hexadecimal digits.
pub(crate) fn body(wasm: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("zero-harvest body 1");
    for payload in Parser::new(0).parse_all(wasm).flatten() {
        match payload {
            Payload::CustomSection(_) | Payload::ExportSection(_) => {}
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    hasher.update(&[id]);
                    hasher.update(wasm.get(range).unwrap_or_default());
                }
            }
        }
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// The features that a module needs; none that is unusual, if it validates at all.
pub(crate) fn features(wasm: &[u8]) -> Result<Vec<String>, wasmparser::Error> {
    let valid = |features| Validator::new_with_features(features).validate_all(wasm);
    if valid(WasmFeatures::WASM1).is_ok() {
        return Ok(vec![String::from("mvp")]);
    }
    valid(WasmFeatures::WASM2)?;
    let extensions = [
        ("bulk-memory", WasmFeatures::BULK_MEMORY),
        ("multi-value", WasmFeatures::MULTI_VALUE),
        ("mutable-globals", WasmFeatures::MUTABLE_GLOBAL),
        ("nontrapping-fptoint", WasmFeatures::SATURATING_FLOAT_TO_INT),
        ("reference-types", WasmFeatures::REFERENCE_TYPES),
        ("sign-ext", WasmFeatures::SIGN_EXTENSION),
        ("simd128", WasmFeatures::SIMD),
    ];
    let needed = extensions
        .into_iter()
        .filter(|(_, feature)| valid(WasmFeatures::WASM2 & !*feature).is_err())
        .map(|(name, _)| name.to_owned());
    Ok(std::iter::once(String::from("mvp")).chain(needed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_tell_a_copy_and_code_does() {
        let module = |name: &str, value: u32| {
            let text =
                format!("(module (func $x (export \"{name}\") (result i32) i32.const {value}))");
            body(&wat::parse_str(text.replace("$x", &format!("${name}"))).unwrap())
        };
        assert_eq!(module("a", 1), module("b", 1));
        assert_ne!(module("a", 1), module("a", 2));
    }
}
