//! The table of `spec/capabilities.md`, section "Imports": every function of WASI 0.1, 0.2 and 0.3 and its class.

use super::ImportClass::{self, Needs, Neutral, Unknown, Uses};
use crate::capability::CapabilityKind::{Clock, Env, Fs, Http, Net, Random};

/// The module name of WASI preview 1.
pub(super) const PREVIEW1: &str = "wasi_snapshot_preview1";

/// The class of a core module's import.
pub(super) fn core(module: &str, name: &str) -> ImportClass {
    if module == PREVIEW1 {
        preview1(name)
    } else {
        Unknown
    }
}

/// The class of a component's import.
pub(super) fn component(interface: &str, name: &str) -> ImportClass {
    match split_version(interface) {
        Some((path, version)) if known_version(version) => wit(path, name),
        _ => Unknown,
    }
}

pub(super) fn version_is_known(interface: &str) -> bool {
    split_version(interface).is_some_and(|(_, version)| known_version(version))
}

/// `wasi:cli/exit@0.2.6` in two.
pub(super) fn split_version(interface: &str) -> Option<(&str, &str)> {
    interface.split_once('@')
}

/// Releases of WASI 0.2 and 0.3; a pre-release is another interface under the same name.
fn known_version(version: &str) -> bool {
    matches!(version, "0.2" | "0.3")
        || ["0.2.", "0.3."].iter().any(|line| {
            version
                .strip_prefix(line)
                .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
        })
}

/// WASI 0.1: `wasi_snapshot_preview1`.
pub(super) fn preview1(name: &str) -> ImportClass {
    match name {
        "args_get"
        | "args_sizes_get"
        | "fd_advise"
        | "fd_allocate"
        | "fd_close"
        | "fd_datasync"
        | "fd_fdstat_get"
        | "fd_fdstat_set_flags"
        | "fd_fdstat_set_rights"
        | "fd_filestat_get"
        | "fd_filestat_set_size"
        | "fd_filestat_set_times"
        | "fd_pread"
        | "fd_prestat_dir_name"
        | "fd_prestat_get"
        | "fd_pwrite"
        | "fd_read"
        | "fd_renumber"
        | "fd_seek"
        | "fd_sync"
        | "fd_tell"
        | "fd_write"
        | "poll_oneoff"
        | "proc_exit"
        | "proc_raise"
        | "sched_yield" => Neutral,
        "environ_get" | "environ_sizes_get" => Uses(Env),
        "clock_res_get" | "clock_time_get" => Needs(Clock),
        "fd_readdir"
        | "path_create_directory"
        | "path_filestat_get"
        | "path_filestat_set_times"
        | "path_link"
        | "path_open"
        | "path_readlink"
        | "path_remove_directory"
        | "path_rename"
        | "path_symlink"
        | "path_unlink_file" => Needs(Fs),
        "random_get" => Needs(Random),
        "sock_accept" | "sock_recv" | "sock_send" | "sock_shutdown" => Needs(Net),
        _ => Unknown,
    }
}

/// WASI 0.2 and 0.3, by interface without its version.
fn wit(interface: &str, name: &str) -> ImportClass {
    match (interface, name) {
        ("wasi:filesystem/types", name) if is_path_method(name) => Needs(Fs),
        ("wasi:sockets/types", "[static]tcp-socket.create" | "[static]udp-socket.create") => {
            Needs(Net)
        }
        // A method works on a handle, a constructor makes plain data: neither obtains anything from outside.
        (interface, name) if name.starts_with('[') => {
            if INTERFACES.contains(&interface) {
                Neutral
            } else {
                Unknown
            }
        }
        ("wasi:cli/environment", "get-environment") => Uses(Env),
        ("wasi:cli/environment", "get-arguments" | "initial-cwd" | "get-initial-cwd")
        | ("wasi:cli/exit", "exit" | "exit-with-code")
        | ("wasi:cli/stdin", "get-stdin" | "read-via-stream")
        | ("wasi:cli/stdout", "get-stdout" | "write-via-stream")
        | ("wasi:cli/stderr", "get-stderr" | "write-via-stream")
        | ("wasi:cli/terminal-stdin", "get-terminal-stdin")
        | ("wasi:cli/terminal-stdout", "get-terminal-stdout")
        | ("wasi:cli/terminal-stderr", "get-terminal-stderr")
        | (
            "wasi:clocks/monotonic-clock",
            "subscribe-instant" | "subscribe-duration" | "wait-until" | "wait-for",
        )
        | ("wasi:filesystem/preopens", "get-directories")
        | ("wasi:filesystem/types", "filesystem-error-code")
        | ("wasi:http/types", "http-error-code")
        | ("wasi:io/poll", "poll")
        | ("wasi:sockets/network", "network-error-code") => Neutral,
        ("wasi:clocks/monotonic-clock" | "wasi:clocks/wall-clock", "now" | "resolution")
        | ("wasi:clocks/monotonic-clock" | "wasi:clocks/system-clock", "now" | "get-resolution")
        | ("wasi:clocks/timezone", "display" | "iana-id" | "to-debug-string" | "utc-offset") => {
            Needs(Clock)
        }
        ("wasi:http/outgoing-handler", "handle") | ("wasi:http/client", "send") => Needs(Http),
        ("wasi:random/random", "get-random-bytes" | "get-random-u64")
        | ("wasi:random/insecure", "get-insecure-random-bytes" | "get-insecure-random-u64")
        | ("wasi:random/insecure-seed", "insecure-seed" | "get-insecure-seed") => Needs(Random),
        ("wasi:sockets/instance-network", "instance-network")
        | ("wasi:sockets/ip-name-lookup", "resolve-addresses")
        | ("wasi:sockets/tcp-create-socket", "create-tcp-socket")
        | ("wasi:sockets/udp-create-socket", "create-udp-socket") => Needs(Net),
        _ => Unknown,
    }
}

/// What finds a file by its path, or lists a folder.
fn is_path_method(name: &str) -> bool {
    name.strip_prefix("[method]descriptor.")
        .is_some_and(|method| method.ends_with("-at") || method == "read-directory")
}

/// The interfaces with resources of their own.
const INTERFACES: [&str; 11] = [
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:filesystem/types",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/tcp",
    "wasi:sockets/types",
    "wasi:sockets/udp",
];
