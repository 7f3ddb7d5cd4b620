//! The imports of modules and components.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::{Capabilities, check_imports, required_imports};

fuzz_target!(|data: &[u8]| {
    if let Ok(imports) = required_imports(data) {
        let _ = check_imports(&imports, &Capabilities::default());
    }
});
