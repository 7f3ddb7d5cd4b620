//! The root of trust of a registry.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_registry::Root;

fuzz_target!(|data: &[u8]| {
    if let Ok(root) = Root::decode(data) {
        assert_eq!(Root::decode(&root.encode()).expect("its own text"), root);
    }
});
