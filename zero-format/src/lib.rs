//! The `.zero` container, manifest, capabilities, keys and signatures: bytes in, values out.
