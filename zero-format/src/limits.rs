//! Every maximum of the format in one place (spec/artifact.md, "Limits").
//!
//! A decoder compares a declared length with these numbers, and with what is left of the input, before it looks at
//! the bytes; it never allocates from a declared length.

/// Bytes of a whole `.zero` file.
pub const MAX_ARTIFACT: usize = 256 << 20;
/// Sections at the top level of an artifact, its own ones included.
pub const MAX_SECTIONS: usize = 65_536;
/// Bytes of the name of any top-level custom section.
pub const MAX_SECTION_NAME: usize = 65_536;
/// Signatures in the `signature` section.
pub const MAX_SIGNATURES: usize = 16;
/// Bytes of the `signature` section's payload: 16 signatures, each in two records, rounded up.
pub const MAX_SIGNATURE_SECTION: usize = 4_096;

/// Bytes of the `zero` section's JSON text.
pub const MAX_METADATA: usize = 1 << 20;
/// Levels of nested arrays and objects in JSON.
pub const MAX_JSON_DEPTH: usize = 32;
/// Bytes of a one-line text: description, reason, author, parameter name.
pub const MAX_LINE: usize = 1_024;
/// Bytes of a type in `exports`.
pub const MAX_TYPE: usize = 16_384;
/// Entries in `exports`.
pub const MAX_EXPORTS: usize = 4_096;
/// Authors of a package.
pub const MAX_AUTHORS: usize = 64;

/// Bytes of one part of a package name.
pub const MAX_NAME_PART: usize = 64;
/// Bytes of a version.
pub const MAX_VERSION: usize = 128;
/// Bytes of a version requirement.
pub const MAX_VERSION_REQ: usize = 256;

/// Rules of one kind of capability.
pub const MAX_RULES: usize = 256;
/// Ports in one network rule, and methods in one HTTP rule.
pub const MAX_RULE_ITEMS: usize = 64;
/// Bytes of a path inside the guest.
pub const MAX_GUEST_PATH: usize = 1_024;
/// Bytes of a host name.
pub const MAX_HOST: usize = 253;
/// Bytes of a URL pattern.
pub const MAX_URL: usize = 2_048;
/// Bytes of the name of an environment variable.
pub const MAX_ENV_NAME: usize = 128;

/// Entries in the `zero-files` archive.
pub const MAX_FILES: usize = 16_384;
/// Bytes of all bundled files together, unpacked.
pub const MAX_FILES_TOTAL: u64 = 512 << 20;
/// Bytes of a bundled file's path.
pub const MAX_FILE_PATH: usize = 255;
/// Parts of a bundled file's path.
pub const MAX_FILE_DEPTH: usize = 32;

/// Bytes of a sealed receipt.
pub const MAX_RECEIPT: usize = MAX_METADATA + (64 << 10);

/// Bytes of a `Zero.toml`.
pub const MAX_MANIFEST: usize = 1 << 20;
