//! Preview 1 called as no compiler calls it: pointers beyond memory, lengths without end, descriptors that nobody gave.

use super::{DATA, Victim, nothing_escaped};
use crate::harness::Run;

/// All functions that take pointers, each with the type of its parameters.
const CALLS: [(&str, &[&str]); 26] = [
    ("args_get", &["i32", "i32"]),
    ("args_sizes_get", &["i32", "i32"]),
    ("environ_get", &["i32", "i32"]),
    ("environ_sizes_get", &["i32", "i32"]),
    ("fd_allocate", &["i32", "i64", "i64"]),
    ("fd_close", &["i32"]),
    ("fd_fdstat_get", &["i32", "i32"]),
    ("fd_fdstat_set_flags", &["i32", "i32"]),
    ("fd_filestat_get", &["i32", "i32"]),
    ("fd_filestat_set_size", &["i32", "i64"]),
    ("fd_pread", &["i32", "i32", "i32", "i64", "i32"]),
    ("fd_prestat_dir_name", &["i32", "i32", "i32"]),
    ("fd_prestat_get", &["i32", "i32"]),
    ("fd_pwrite", &["i32", "i32", "i32", "i64", "i32"]),
    ("fd_read", &["i32", "i32", "i32", "i32"]),
    ("fd_readdir", &["i32", "i32", "i32", "i64", "i32"]),
    ("fd_renumber", &["i32", "i32"]),
    ("fd_seek", &["i32", "i64", "i32", "i32"]),
    ("fd_write", &["i32", "i32", "i32", "i32"]),
    ("path_create_directory", &["i32", "i32", "i32"]),
    ("path_filestat_get", &["i32", "i32", "i32", "i32", "i32"]),
    (
        "path_open",
        &[
            "i32", "i32", "i32", "i32", "i32", "i64", "i64", "i32", "i32",
        ],
    ),
    ("path_readlink", &["i32", "i32", "i32", "i32", "i32", "i32"]),
    ("path_rename", &["i32", "i32", "i32", "i32", "i32", "i32"]),
    ("path_symlink", &["i32", "i32", "i32", "i32", "i32"]),
    ("poll_oneoff", &["i32", "i32", "i32", "i32"]),
];

/// What every parameter is, in turn: at the end of memory, beyond it, as large as can be, negative.
const VALUES: [&str; 6] = [
    "65532",
    "65536",
    "0x7fffffff",
    "0x80000000",
    "0xffffffff",
    "0xfffffff8",
];

/// A program that makes one call, with `value` for all parameters but the first `kept`, which get 3: the first folder.
fn caller(name: &str, parameters: &[&str], kept: usize, value: &str) -> String {
    let types = parameters.join(" ");
    let values: Vec<String> = parameters
        .iter()
        .enumerate()
        .map(|(at, kind)| {
            let value = if at < kept { "3" } else { value };
            format!("({kind}.const {value})")
        })
        .collect();
    format!(
        "(module
  (import \"wasi_snapshot_preview1\" \"{name}\" (func $call (param {types}) (result i32)))
  (memory (export \"memory\") 1)
  (func (export \"_start\") (drop (call $call {}))))",
        values.join(" ")
    )
}

/// One program for each value, with all calls as exports, so that one start makes one call.
#[test]
fn calls_with_pointers_beyond_memory_end_the_program_or_return_and_harm_nothing() {
    let victim = Victim::new();
    let before = victim.world.files("data");
    for (name, parameters) in CALLS {
        for (number, value) in VALUES.iter().enumerate() {
            // With a descriptor that is there and with one that is not.
            let kept = number % 2;
            let wat = caller(name, parameters, kept, value);
            let artifact = victim.world.built("call", "1.0.0", &wat, DATA);
            let run = victim.run::<&str>(&artifact, []);
            assert!(
                matches!(run.code, Some(0 | 124 | 134)),
                "{name}({value}): {run}"
            );
            nothing_escaped(&run);
        }
    }
    victim.is_unharmed();
    assert_eq!(victim.world.files("data"), before);
}

/// A vector of 2^28 waits, or of buffers, costs the host what the program's memory holds and no more.
#[test]
fn counts_without_end_cost_the_host_no_memory() {
    let victim = Victim::new();
    for wat in [
        caller("poll_oneoff", &["i32"; 4], 0, "0x0fffffff"),
        caller("fd_write", &["i32"; 4], 0, "0x0fffffff"),
        caller(
            "fd_readdir",
            &["i32", "i32", "i32", "i64", "i32"],
            1,
            "0x0fffffff",
        ),
    ] {
        let artifact = victim.world.built("count", "1.0.0", &wat, DATA);
        let mut limited = std::process::Command::new("sh");
        // A tenth of what such a vector would take; wasm's own reservations are address space, not memory.
        limited.args(["-c", "ulimit -d 1000000 && exec \"$@\"", "sh"]);
        let command = victim.command(&artifact);
        let run = Run::of(victim.world.instead(&command, &mut limited));
        assert!(matches!(run.code, Some(0 | 124 | 134)), "{run}");
    }
}
