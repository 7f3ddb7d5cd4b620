//! Zero.toml.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::Manifest;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Err(error) = Manifest::parse(text) {
        assert!(!error.render("Zero.toml").contains('\u{1b}'));
    }
});
