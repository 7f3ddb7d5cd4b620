//! Whole runs of small programs: rights, limits, the cache and the binary. Each program is signed like any other.

mod binary;
mod cache;
mod files;
mod limits;
mod rights;
mod support;
