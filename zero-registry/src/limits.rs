//! Every maximum of the registry formats, in one place (spec/registry.md, "Limits").
//!
//! A reader refuses a file that exceeds one of these before it allocates for it.

/// Bytes of a `root/<N>.json`.
pub const MAX_ROOT_BYTES: u64 = 64 * 1024;
/// Highest root version: a client that starts from version 1 reads at most this many roots.
pub const MAX_ROOT_VERSION: u64 = 1024;
/// Keys of one role, or of a root.
pub const MAX_KEYS: usize = 16;
/// Mirrors that a root names.
pub const MAX_MIRRORS: usize = 16;
/// Bytes of one minisign signature text.
pub const MAX_SIGNATURE_BYTES: usize = 2048;
/// Signatures on one event: two roles of new keys, and the keys that they replace.
pub const MAX_EVENT_SIGNATURES: usize = 48;

/// Bytes of `head`.
pub const MAX_HEAD_BYTES: u64 = 16 * 1024;
/// Signature lines of a checkpoint: the log's and those of witnesses.
pub const MAX_NOTE_SIGNATURES: usize = 16;
/// Lines of a witness policy, empty ones and comments not among them.
pub const MAX_POLICY_LINES: usize = 64;
/// Characters of one of them: keys of other types than ours are long.
pub const MAX_POLICY_LINE_CHARS: usize = 4096;
/// Hashes of an inclusion or consistency proof: a tree of 2^63 leaves needs one per level.
pub const MAX_PROOF_HASHES: usize = 64;
/// Leaves of the largest tree that this version reads.
pub const MAX_TREE_SIZE: u64 = 1 << 48;
/// How far ahead of the reader's clock the time of a `head` may be, in seconds.
pub const MAX_CLOCK_SKEW: u64 = 300;
/// Longest lifetime of a `head` that a root may allow, in seconds (92 days).
pub const MAX_HEAD_LIFETIME: u64 = 92 * 24 * 3600;

/// Bytes of one log entry, its line feed included.
pub const MAX_LEAF_BYTES: usize = 32 * 1024;
/// Bytes of an entry bundle: 256 entries, each with its 2-byte length.
pub const MAX_BUNDLE_BYTES: u64 = 256 * (MAX_LEAF_BYTES as u64 + 2);
/// Bytes of a tile of hashes.
pub const MAX_TILE_BYTES: u64 = 256 * 32;

/// Event lines of one segment of a package chain.
pub const SEGMENT_LINES: u64 = 128;
/// Segments of one package chain.
pub const MAX_SEGMENTS: u64 = 256;
/// Events of one package.
pub const MAX_EVENTS: u64 = SEGMENT_LINES * MAX_SEGMENTS;
/// Bytes of one segment.
pub const MAX_SEGMENT_BYTES: u64 = SEGMENT_LINES * MAX_LEAF_BYTES as u64;

/// Bytes of one map page.
pub const MAX_PAGE_BYTES: u64 = 4 * 1024 * 1024;
/// Deepest map.
pub const MAX_MAP_DEPTH: u8 = 2;

/// Bytes of one package file: the limit of the artifact format.
pub const MAX_BLOB_BYTES: u64 = zero_format::limits::MAX_ARTIFACT as u64;

/// Events that one commit may add.
pub const MAX_COMMIT_EVENTS: usize = 4096;
/// Bytes of a journal slot.
pub const MAX_JOURNAL_BYTES: u64 = 256 * 1024 * 1024;
/// How far ahead of its commit the time that an event states may be, in seconds.
pub const MAX_EVENT_AHEAD: u64 = 300;
/// How far behind its commit the time that an event states may be, in seconds (31 days: an
/// offline ceremony takes a while).
pub const MAX_EVENT_AGE: u64 = 31 * 24 * 3600;

/// Characters of a free text: a reason, a predicate type, a mirror's address.
pub const MAX_TEXT_CHARS: usize = 1024;

/// Events of one request to publish.
pub const MAX_PUBLISH_EVENTS: usize = 32;
/// Bytes of one request to publish, its package files not among them.
pub const MAX_PUBLISH_BYTES: usize = 2 * 1024 * 1024;
