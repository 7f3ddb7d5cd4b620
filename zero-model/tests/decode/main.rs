//! What the checker of `decode` accepts is exactly what the reference tools accept, within its subset.

mod corpus;
mod forward;
#[cfg(feature = "mask")]
mod mask;
mod rejects;
mod specification;
mod walk;

use zero_model::decode::{Checker, Options, Rejected};

/// Checks a text; every prefix is accepted on the way, since the checker only ever sees prefixes.
fn check(text: &str) -> Result<(), Rejected> {
    Checker::check(text, Options::default())
}

/// What the reference parser and validator say.
fn reference(text: &str) -> Result<Vec<u8>, String> {
    let wasm = wat::parse_str(text).map_err(|error| error.to_string())?;
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::default())
        .validate_all(&wasm)
        .map_err(|error| error.to_string())?;
    Ok(wasm)
}

fn print(wasm: &[u8], indent: &str) -> String {
    let mut text = String::new();
    wasmprinter::Config::new()
        .indent_text(indent)
        .print(wasm, &mut wasmprinter::PrintFmtWrite(&mut text))
        .expect("valid modules can be printed");
    text
}
