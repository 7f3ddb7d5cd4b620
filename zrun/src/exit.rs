//! Exit codes of `run` and `zrun`. A program's own code passes through; these are the tools' own.

/// The program, or the command, finished without an error.
pub const DONE: u8 = 0;
/// The command failed for a reason that has no code of its own.
pub const FAILED: u8 = 1;
/// The command line does not make sense.
pub const USAGE: u8 = 2;
/// The registry could not be reached.
pub const UNREACHABLE: u8 = 69;
/// A limit was reached: memory, tables, instances, stack, time, output, writing, handles or fuel.
pub const LIMIT: u8 = 124;
/// The artifact is not trusted: malformed, unsigned, signed by an unknown key, or changed since it was signed.
pub const NOT_TRUSTED: u8 = 125;
/// A capability or the consent for it was denied before the program started.
pub const DENIED: u8 = 126;
/// The package, the version or the file does not exist.
pub const NOT_FOUND: u8 = 127;
/// The program trapped.
pub const TRAPPED: u8 = 134;
