//! Modules that other programs made: every one is accepted, prefix by prefix.

use proptest::prelude::*;
use wasm_smith::{Config, Module};

use crate::{check, print, reference};

fn accepted(what: &str, wasm: &[u8]) {
    for indent in ["", "  "] {
        let text = print(wasm, indent);
        check(&text).unwrap_or_else(|error| panic!("{what}: {error}\n{text}"));
        assert!(reference(&text).is_ok(), "{what}");
    }
}

/// Random modules of the subset's features.
fn config() -> Config {
    Config {
        bulk_memory_enabled: true,
        custom_page_sizes_enabled: false,
        disallow_traps: false,
        exceptions_enabled: false,
        export_everything: false,
        extended_const_enabled: false,
        gc_enabled: false,
        generate_custom_sections: false,
        max_memories: 1,
        max_tables: 1,
        max_data_segments: 4,
        max_element_segments: 0,
        memory64_enabled: false,
        multi_value_enabled: false,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_modules_are_accepted(seed in prop::collection::vec(any::<u8>(), 64..4000)) {
        let mut input = arbitrary::Unstructured::new(&seed);
        let Ok(module) = Module::new(config(), &mut input) else { return Ok(()) };
        let wasm = module.to_bytes();
        // The subset moves bytes of memory in bulk, not elements of tables; here the two come together.
        if print(&wasm, "").lines().any(|line| line.starts_with("table.")) {
            return Ok(());
        }
        accepted("a random module", &wasm);
    }
}

/// What clang makes of C, as wasmprinter prints it.
#[test]
fn compiled_c_is_accepted() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut seen = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "wat") {
            let text = std::fs::read_to_string(&path).unwrap();
            check(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            accepted(&path.display().to_string(), &reference(&text).unwrap());
            seen += 1;
        }
    }
    assert!(seen > 2, "the corpus is there");
}
