//! End-to-end tests: our own binaries, real peers (minisign, wasm-tools, wasmtime, wasmsign2, nginx, openssl, jq,
//! llama.cpp) and faults that only a real system has (signals, full disks, taken ports).
//!
//! `cargo xtask test` installs the peers and makes a missing one an error; plain `cargo test` leaves such tests out and
//! says so.

mod ask;
#[path = "../attacks/mod.rs"]
mod attacks;
mod capabilities;
mod consent;
mod copies;
mod deterministic;
mod drills;
mod eval;
mod faults;
mod harness;
mod harvest;
mod http;
mod install;
mod learn;
mod llama;
mod lock;
mod mcp;
mod oci;
mod packages;
mod peers;
mod progress;
mod publishing;
mod registry;
mod service;
mod sockets;
mod tls;
#[path = "../wasi/mod.rs"]
mod wasi;
mod writers;
