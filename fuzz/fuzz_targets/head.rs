//! `head`, the mutable file of a registry.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_registry::Head;

fuzz_target!(|data: &[u8]| {
    if let Ok(head) = Head::decode(data) {
        assert_eq!(head.encode(), data);
    }
});
