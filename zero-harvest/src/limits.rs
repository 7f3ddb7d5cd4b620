//! Every maximum in one place.

use std::time::Duration;

/// How large a record's module may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sizes {
    /// Functions in it.
    pub functions: usize,
    /// Instructions in them.
    pub instructions: usize,
    /// Bytes of its data, zeros included.
    pub data: u32,
    /// Bytes of its text.
    pub text: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            // Compressors inline themselves many times over, Unicode is a table of 300 KiB that becomes 1 MB of text:
            // what is as large as that is still one function with what it needs.
            functions: 1024,
            instructions: 100_000,
            data: 1 << 20,
            text: 2 << 20,
        }
    }
}

impl Sizes {
    /// For the build that traps, which is larger and is never part of a record.
    pub(crate) fn checked(self) -> Self {
        Self {
            functions: self.functions.saturating_mul(4),
            instructions: self.instructions.saturating_mul(16),
            data: self.data.saturating_mul(4),
            text: usize::MAX,
        }
    }
}

/// What reading or compiling one source may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Time.
    pub time: Duration,
    /// Bytes of memory.
    pub memory: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            time: Duration::from_mins(2),
            memory: 4 << 30,
        }
    }
}

/// Types and macros that a record quotes.
pub const DEPENDENCIES: usize = 64;
/// Headers that are looked for while one unit is read.
pub const SEARCHED_HEADERS: usize = 64;
/// Bytes of one source file.
pub const SOURCE_BYTES: u64 = 16 << 20;
/// Bytes of a file in which its licence is looked for.
pub const LICENSE_BYTES: u64 = 256 * 1024;
/// Bytes that an archive may unpack to, or a clone hold.
pub const ARCHIVE_BYTES: u64 = 4 << 30;
/// KiB of memory that reading an archive may take.
pub const ARCHIVE_MEMORY_KIB: u32 = 256 * 1024;
/// Bytes of what an archive says of one entry: its name, where a link leads.
pub const ARCHIVE_HEADER: u64 = 1 << 20;
/// Entries of an archive, or files of a clone.
pub const ARCHIVE_ENTRIES: usize = 500_000;
/// Bytes of a compiler's messages that are kept.
pub const COMPILER_OUTPUT: u64 = 64 * 1024;
/// Bytes of one object. What a unit has in static memory is spelled out in it, zeros included.
pub const OBJECT: u64 = 64 << 20;
/// Bytes of what the parser says of one unit.
pub const ANSWER: u64 = 128 << 20;
/// Bytes that a disk must have room for where a compiler failed.
pub const PROBE: usize = 1 << 20;
/// Words of an instruction, at least and at most.
pub const DOC_WORDS: (usize, usize) = (3, 256);
/// Records in one file of the dataset.
pub const SHARD_RECORDS: usize = 50_000;
/// Inputs that a function is tried on.
pub const INPUTS: usize = 64;
/// Inputs on which it must be defined, at least.
pub const SURVIVORS: usize = 8;
/// Different outcomes that it must have, at least.
pub const DISTINCT: usize = 2;
/// Calls that may run out of fuel before a function is given up.
pub const STOPPED: usize = 8;
/// Fuel of one call: about as many instructions.
pub const FUEL: u64 = 1_000_000;
/// Bytes of memory of one call.
pub const SANDBOX_MEMORY: usize = 16 << 20;
/// Bytes of a text that a result points to.
pub const TEXT: usize = 1024;
/// Bytes of a value that a result points to.
pub const BEHIND: usize = 1024;
/// Bytes of a structure that is passed.
pub const STRUCTURE: u64 = 512 * 1024;
/// Bytes of everything that is passed to one call.
pub const PASSED: usize = 1024 * 1024;
/// Bytes that an output buffer has at least.
pub const ROOM: usize = 128;
