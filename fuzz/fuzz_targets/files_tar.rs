//! Bundled files: the archive alone, inside an artifact that is otherwise good.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zero_format::{Artifact, FileEntry};

/// An unsigned integer as WebAssembly writes it.
fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fuzz_target!(|data: &[u8]| {
    let metadata =
        br#"{"zero":1,"kind":"module","package":{"name":"a","version":"1.0.0"},"capabilities":{}}"#;
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (name, payload) in [("zero", metadata.as_slice()), ("zero-files", data)] {
        bytes.push(0);
        bytes.extend(leb(1 + name.len() + payload.len()));
        bytes.extend(leb(name.len()));
        bytes.extend(name.as_bytes());
        bytes.extend(payload);
    }
    let artifact = Artifact::decode(bytes).expect("a good container");
    let files = artifact.files().expect("bundled files");
    // A few entries only: a small archive may unpack to half a gibibyte, which is allowed and slow.
    for entry in files.entries().take(64).flatten() {
        if let FileEntry::File { path, .. } | FileEntry::Folder { path } = entry {
            let path = path.as_str();
            assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
        }
    }
});
