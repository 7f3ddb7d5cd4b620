//! The checker of WebAssembly text: what it accepts to the end is a valid module.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_model::decode::{Checker, Options};

fuzz_target!(|data: &[u8]| {
    let mut checker = Checker::new(Options::default());
    // Bytes that cannot come next are left out, so that most inputs go deep.
    for byte in data {
        let _ = checker.push(*byte);
    }
    if checker.is_complete() {
        let text = std::str::from_utf8(checker.text()).expect("the subset is ASCII");
        let wasm = wat::parse_str(text).expect("the text parses");
        wasmparser::validate(&wasm).expect("the module validates");
    }
});
