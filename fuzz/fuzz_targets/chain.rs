//! The events of a package, applied one after the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_registry::{ChainContext, PackageState, Root, SignedEvent};

fuzz_target!(|data: &[u8]| {
    let root =
        Root::decode(include_bytes!("../../spec/vectors/chain/root.json")).expect("a good root");
    let name = "acme/tool".parse().expect("a good name");
    let mut state = PackageState::empty(&name);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let Ok(event) = SignedEvent::parse(line) else {
            return;
        };
        assert_eq!(event.line(), line);
        state = match state.apply(&event, &ChainContext::writer(&root)) {
            Ok(next) => next,
            Err(_) => return,
        };
    }
});
