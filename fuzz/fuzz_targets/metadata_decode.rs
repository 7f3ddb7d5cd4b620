//! The JSON of the `zero` section.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::Metadata;

fuzz_target!(|data: &[u8]| {
    if let Ok(metadata) = Metadata::decode(data) {
        assert_eq!(Metadata::decode(&metadata.encode()), Ok(metadata));
    }
});
