//! Removes what compilers say about themselves: it differs between machines and no run needs it.
//!
//! Kept are `name` (backtraces of traps are symbolised with it), `target_features` and everything that is not
//! listed here. All other sections stay byte for byte as they were.

use wasmparser::{BinaryReader, BinaryReaderError};

use crate::report::Failure;

/// The module or component without those custom sections of its outermost level.
pub(super) fn strip(wasm: &[u8]) -> Result<Vec<u8>, Failure> {
    without(wasm, is_superfluous)
}

/// The module without the versions of its toolchain, but with the description of its world.
pub(super) fn strip_producers(wasm: &[u8]) -> Result<Vec<u8>, Failure> {
    without(wasm, |name| {
        is_superfluous(name) && !name.starts_with("component-type")
    })
}

fn without(wasm: &[u8], superfluous: impl Fn(&str) -> bool) -> Result<Vec<u8>, Failure> {
    try_without(wasm, superfluous).map_err(|error| {
        Failure::failed("the compiler's output is not WebAssembly").because(&error)
    })
}

fn try_without(
    wasm: &[u8],
    superfluous: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut reader = BinaryReader::new(wasm, 0);
    let mut kept = reader.read_bytes(8)?.to_vec();
    while !reader.eof() {
        let start = reader.current_position();
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        let content = reader.read_bytes(usize::try_from(size).unwrap_or(usize::MAX))?;
        let end = reader.current_position();
        let drop = id == 0 && superfluous(BinaryReader::new(content, 0).read_string()?);
        if !drop {
            kept.extend_from_slice(wasm.get(start..end).unwrap_or_default());
        }
    }
    Ok(kept)
}

fn is_superfluous(name: &str) -> bool {
    matches!(
        name,
        "producers" | "linking" | "sourceMappingURL" | "external_debug_info"
    ) || [".debug_", "reloc.", "component-type"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_compilers_own_sections_go() {
        let text = r#"(module (@custom "producers" "x") (func $f) (@custom "keep" "y") (@custom ".debug_info" "z"))"#;
        let wasm = wat::parse_str(text).unwrap();
        let stripped = strip(&wasm).unwrap();
        let kept = wat::parse_str(r#"(module (func $f) (@custom "keep" "y"))"#).unwrap();
        assert_eq!(stripped, kept);
    }

    #[test]
    fn garbage_is_an_error() {
        assert!(strip(b"\0asm\x01\0\0\0\x00\xff\xff\xff\xff\x0f").is_err());
        assert!(strip(b"no").is_err());
    }
}
