//! WASI preview 1. Only the functions that a module imports are built, each around the one of wasmtime-wasi.
//!
//! Going function by function has three uses: a use that was not granted is seen and named; the functions that cannot
//! wait run without any asynchronous runtime; and output goes to its stream without being copied in between.

mod writes;

use std::collections::BTreeSet;

use std::time::Duration;

use wasmtime::{AsContextMut as _, Caller, Extern, Func, Store, bail};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as wasi, WasiSnapshotPreview1 as _};
use wasmtime_wasi::runtime::with_ambient_tokio_runtime;
use wiggle::GuestMemory;
use zero_format::Clock;

use super::denial::Denied;
use super::fs::{Failure, Intent, join};
use super::stdio::WriteError;
use super::{Shared, drive};
use crate::audit::Use;
use crate::limits::LimitReached;

/// The module name of all functions here.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";

/// The first file descriptor that is not a standard stream; directories that a program starts with follow from here.
const FIRST_DIRECTORY: u32 = 3;

const SUCCESS: i32 = 0;
const ACCES: i32 = 2;
const IO: i32 = 29;
const NOENT: i32 = 44;
const PERM: i32 = 63;
const PIPE: i32 = 64;
const NOTCAPABLE: i32 = 76;

const CLOCK_REALTIME: i32 = 0;
const CLOCK_MONOTONIC: i32 = 1;

const OFLAGS_CREAT: i32 = 1;
const OFLAGS_DIRECTORY: i32 = 2;
const OFLAGS_TRUNC: i32 = 8;
const RIGHTS_FD_WRITE: i64 = 1 << 6;

/// The state of a store that runs a preview 1 module.
pub(crate) struct Host {
    wasi: WasiP1Ctx,
    pub(crate) shared: Shared,
    /// Descriptors that the program has opened.
    opened: BTreeSet<i32>,
    /// Whether descriptors 1 and 2 are still the streams that the program started with.
    streams_untouched: bool,
}

impl Host {
    pub(crate) fn new(wasi: WasiP1Ctx, mut shared: Shared) -> Self {
        let preopens = shared
            .view
            .preopens()
            .iter()
            .map(|preopen| preopen.guest.clone());
        shared.directories = (FIRST_DIRECTORY..).zip(preopens).collect();
        Self {
            wasi,
            shared,
            opened: BTreeSet::new(),
            streams_untouched: true,
        }
    }
}

/// Whether a function can name a file or ask which directories there are.
pub(crate) fn needs_files(function: &str) -> bool {
    function.starts_with("path_") || function.starts_with("fd_prestat_")
}

fn enter<'a>(
    caller: &'a mut Caller<'_, Host>,
) -> wasmtime::Result<(GuestMemory<'a>, &'a mut Host)> {
    let fuel = caller.as_context_mut().hostcall_fuel();
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        bail!("the module exports no memory");
    };
    let (bytes, host) = memory.data_and_store_mut(caller);
    host.wasi.set_hostcall_fuel(fuel);
    Ok((GuestMemory::Unshared(bytes), host))
}

/// Calls the function of wasmtime-wasi.
macro_rules! original {
    (plain $name:ident $caller:ident ($($arg:expr),*)) => {{
        let (mut memory, host) = enter(&mut $caller)?;
        wasi::$name(&mut host.wasi, &mut memory, $($arg),*)
    }};
    (wait $name:ident $caller:ident ($($arg:expr),*)) => {{
        let (mut memory, host) = enter(&mut $caller)?;
        drive(wasi::$name(&mut host.wasi, &mut memory, $($arg),*))
    }};
}

/// The functions that need no judgement, by how they are called.
macro_rules! functions {
    ($($kind:ident $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {
        fn plain_function(store: &mut Store<Host>, name: &str) -> Option<Func> {
            Some(match name {
                $(stringify!($name) => Func::wrap(
                    &mut *store,
                    |mut caller: Caller<'_, Host>, $($arg: $ty),*| -> wasmtime::Result<$ret> {
                        original!($kind $name caller ($($arg),*))
                    },
                ),)*
                _ => return None,
            })
        }
    };
}

functions! {
    plain args_get(a: i32, b: i32) -> i32;
    plain args_sizes_get(a: i32, b: i32) -> i32;
    wait fd_advise(a: i32, b: i64, c: i64, d: i32) -> i32;
    plain fd_allocate(a: i32, b: i64, c: i64) -> i32;
    wait fd_datasync(a: i32) -> i32;
    wait fd_fdstat_get(a: i32, b: i32) -> i32;
    plain fd_fdstat_set_flags(a: i32, b: i32) -> i32;
    plain fd_fdstat_set_rights(a: i32, b: i64, c: i64) -> i32;
    wait fd_filestat_get(a: i32, b: i32) -> i32;
    wait fd_filestat_set_times(a: i32, b: i64, c: i64, d: i32) -> i32;
    wait fd_pread(a: i32, b: i32, c: i32, d: i64, e: i32) -> i32;
    plain fd_prestat_get(a: i32, b: i32) -> i32;
    plain fd_prestat_dir_name(a: i32, b: i32, c: i32) -> i32;
    wait fd_read(a: i32, b: i32, c: i32, d: i32) -> i32;
    wait fd_seek(a: i32, b: i64, c: i32, d: i32) -> i32;
    wait fd_sync(a: i32) -> i32;
    plain fd_tell(a: i32, b: i32) -> i32;
    plain proc_raise(a: i32) -> i32;
    plain sched_yield() -> i32;
    plain sock_accept(a: i32, b: i32, c: i32) -> i32;
    plain sock_recv(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> i32;
    plain sock_send(a: i32, b: i32, c: i32, d: i32, e: i32) -> i32;
    plain sock_shutdown(a: i32, b: i32) -> i32;
}

/// The functions that take a path: called, then judged if they failed.
macro_rules! path_functions {
    ($($intent:ident $name:ident($($arg:ident: $ty:ty),*) at $dir:ident, $path:ident, $len:ident;)*) => {
        fn path_function(store: &mut Store<Host>, name: &str) -> Option<Func> {
            Some(match name {
                $(stringify!($name) => Func::wrap(
                    &mut *store,
                    |mut caller: Caller<'_, Host>, $($arg: $ty),*| -> wasmtime::Result<i32> {
                        let errno = original!(wait $name caller ($($arg),*))?;
                        judge(&mut caller, errno, Intent::$intent, ($dir, $path, $len))
                    },
                ),)*
                _ => return None,
            })
        }
    };
}

path_functions! {
    Write path_create_directory(fd: i32, path: i32, len: i32) at fd, path, len;
    Read path_filestat_get(fd: i32, flags: i32, path: i32, len: i32, out: i32) at fd, path, len;
    Write path_filestat_set_times(fd: i32, flags: i32, path: i32, len: i32, a: i64, m: i64, which: i32) at fd, path, len;
    Rename path_link(from: i32, flags: i32, old: i32, old_len: i32, fd: i32, path: i32, len: i32) at fd, path, len;
    Read path_readlink(fd: i32, path: i32, len: i32, out: i32, size: i32, used: i32) at fd, path, len;
    Write path_remove_directory(fd: i32, path: i32, len: i32) at fd, path, len;
    Rename path_rename(from: i32, old: i32, old_len: i32, fd: i32, path: i32, len: i32) at fd, path, len;
    Rename path_symlink(old: i32, old_len: i32, fd: i32, path: i32, len: i32) at fd, path, len;
    Write path_unlink_file(fd: i32, path: i32, len: i32) at fd, path, len;
}

/// Builds one imported function; `None` if preview 1 has none of that name.
pub(crate) fn function(store: &mut Store<Host>, name: &str) -> Option<Func> {
    plain_function(store, name)
        .or_else(|| path_function(store, name))
        .or_else(|| told_function(store, name))
        .or_else(|| judged_function(store, name))
        .or_else(|| exit_function(store, name))
}

/// Ends with the program's own code. wasmtime-wasi lets only those below 126 through; a process can end with 0 to 255.
fn exit_function(store: &mut Store<Host>, name: &str) -> Option<Func> {
    (name == "proc_exit").then(|| {
        Func::wrap(store, |code: i32| -> wasmtime::Result<()> {
            Err(match u8::try_from(code) {
                Ok(code) => I32Exit(code.into()).into(),
                Err(_) => wasmtime::Error::msg("exit with a code that is not from 0 to 255"),
            })
        })
    })
}

/// The functions that need no judgement, but are told to those who listen.
fn told_function(store: &mut Store<Host>, name: &str) -> Option<Func> {
    Some(match name {
        "environ_get" => Func::wrap(
            &mut *store,
            |mut caller: Caller<'_, Host>, list: i32, bytes: i32| {
                caller.data().shared.reads_environment()?;
                original!(plain environ_get caller (list, bytes))
            },
        ),
        "environ_sizes_get" => Func::wrap(
            &mut *store,
            |mut caller: Caller<'_, Host>, count: i32, size: i32| {
                caller.data().shared.reads_environment()?;
                original!(plain environ_sizes_get caller (count, size))
            },
        ),
        "fd_readdir" => Func::wrap(
            &mut *store,
            |mut caller: Caller<'_, Host>,
             fd: i32,
             buffer: i32,
             len: i32,
             cookie: i64,
             out: i32| {
                caller.data().shared.lists(fd.cast_unsigned())?;
                original!(wait fd_readdir caller (fd, buffer, len, cookie, out))
            },
        ),
        _ => return None,
    })
}

/// The functions whose use is a capability of its own, or that change what the others mean.
fn judged_function(store: &mut Store<Host>, name: &str) -> Option<Func> {
    Some(match name {
        "clock_res_get" => Func::wrap(
            &mut *store,
            |mut caller: Caller<'_, Host>, id: i32, out: i32| match clock(&mut caller, id)? {
                SUCCESS => original!(plain clock_res_get caller (id, out)),
                denied => Ok(denied),
            },
        ),
        "clock_time_get" => Func::wrap(
            &mut *store,
            |mut caller: Caller<'_, Host>, id: i32, precision: i64, out: i32| match clock(
                &mut caller,
                id,
            )? {
                SUCCESS => original!(plain clock_time_get caller (id, precision, out)),
                denied => Ok(denied),
            },
        ),
        "random_get" => Func::wrap(
            &mut *store,
            |mut caller: Caller<'_, Host>, buffer: i32, len: i32| {
                let shared = &mut caller.data_mut().shared;
                if !shared.random {
                    shared.denials.deny(Denied::Random)?;
                    return Ok(NOTCAPABLE);
                }
                shared.recorder.used(|| Use::Random)?;
                original!(plain random_get caller (buffer, len))
            },
        ),
        "poll_oneoff" => Func::wrap(
            &mut *store,
            |mut caller: Caller<'_, Host>,
             subscriptions: i32,
             events: i32,
             count: i32,
             out: i32| {
                let (mut memory, host) = enter(&mut caller)?;
                let deadline = host.shared.deadline;
                if let (1, Some(nap)) = (count, nap(&memory, subscriptions)) {
                    // WASI sleeps through a single relative wait on this very thread.
                    deadline.allow(nap)?;
                }
                let poll = wasi::poll_oneoff(
                    &mut host.wasi,
                    &mut memory,
                    subscriptions,
                    events,
                    count,
                    out,
                );
                // Timers belong to the runtime from the moment they are made.
                with_ambient_tokio_runtime(|| deadline.drive(poll)).flatten()
            },
        ),
        "fd_write" => Func::wrap(&mut *store, fd_write),
        "fd_pwrite" => Func::wrap(&mut *store, writes::fd_pwrite),
        "fd_filestat_set_size" => Func::wrap(&mut *store, writes::fd_filestat_set_size),
        "fd_close" => Func::wrap(&mut *store, |mut caller: Caller<'_, Host>, fd: i32| {
            moved(&mut caller, fd);
            caller.data_mut().opened.remove(&fd);
            original!(wait fd_close caller (fd))
        }),
        "fd_renumber" => Func::wrap(
            &mut *store,
            |mut caller: Caller<'_, Host>, from: i32, to: i32| {
                let directory = caller
                    .data()
                    .shared
                    .directories
                    .get(&from.cast_unsigned())
                    .cloned();
                moved(&mut caller, from);
                moved(&mut caller, to);
                let counted = caller.data_mut().opened.remove(&from);
                let errno: wasmtime::Result<i32> = original!(wait fd_renumber caller (from, to));
                if counted {
                    let now = if matches!(errno, Ok(SUCCESS)) {
                        to
                    } else {
                        from
                    };
                    caller.data_mut().opened.insert(now);
                }
                if let (Ok(SUCCESS), Some(directory)) = (&errno, directory) {
                    caller
                        .data_mut()
                        .shared
                        .directories
                        .insert(to.cast_unsigned(), directory);
                }
                errno
            },
        ),
        "path_open" => Func::wrap(&mut *store, path_open),
        _ => return None,
    })
}

/// How long a subscription waits that is a clock's and not a point in time.
fn nap(memory: &GuestMemory<'_>, subscription: i32) -> Option<Duration> {
    const ABSOLUTE: u16 = 1;
    let subscription = bytes(memory, subscription, 48)?;
    let kind = subscription.get(8)?;
    let timeout = u64::from_le_bytes(subscription.get(24..32)?.try_into().ok()?);
    let flags = u16::from_le_bytes(subscription.get(40..42)?.try_into().ok()?);
    (*kind == 0 && flags & ABSOLUTE == 0).then(|| Duration::from_nanos(timeout))
}

/// A descriptor is about to mean something else.
fn moved(caller: &mut Caller<'_, Host>, fd: i32) {
    let host = caller.data_mut();
    host.shared.directories.remove(&fd.cast_unsigned());
    host.streams_untouched &= !(0..=2).contains(&fd);
}

fn clock(caller: &mut Caller<'_, Host>, id: i32) -> wasmtime::Result<i32> {
    let shared = &mut caller.data_mut().shared;
    let denied = match id {
        CLOCK_REALTIME if !shared.wall_clock => Denied::WallClock,
        CLOCK_MONOTONIC if !shared.monotonic_clock => Denied::MonotonicClock,
        CLOCK_REALTIME | CLOCK_MONOTONIC => {
            shared.recorder.used(|| {
                Use::Clock(match id {
                    CLOCK_REALTIME => Clock::Wall,
                    _ => Clock::Monotonic,
                })
            })?;
            return Ok(SUCCESS);
        }
        _ => return Ok(SUCCESS),
    };
    shared.denials.deny(denied)?;
    Ok(NOTCAPABLE)
}

#[expect(clippy::too_many_arguments, reason = "the signature is WASI's")]
fn path_open(
    mut caller: Caller<'_, Host>,
    dir: i32,
    lookup: i32,
    path: i32,
    len: i32,
    oflags: i32,
    rights: i64,
    inheriting: i64,
    fdflags: i32,
    out: i32,
) -> wasmtime::Result<i32> {
    let host = caller.data();
    let limit = host.shared.handles;
    if host.opened.len() as u64 >= limit {
        return Err(wasmtime::Error::new(LimitReached::Handles { limit }));
    }
    let errno: i32 = original!(wait path_open caller (dir, lookup, path, len, oflags, rights, inheriting, fdflags, out))?;
    if errno == SUCCESS {
        opened(&mut caller, dir, (path, len), out, oflags)?;
    }
    let writes = oflags & (OFLAGS_CREAT | OFLAGS_TRUNC) != 0 || rights & RIGHTS_FD_WRITE != 0;
    // A directory is opened with every right that there is; what changes in it is seen when it changes.
    let intent = if writes && oflags & OFLAGS_DIRECTORY == 0 {
        Intent::Write
    } else {
        Intent::Read
    };
    judge(&mut caller, errno, intent, (dir, path, len))
}

/// Counts what the program has opened, and remembers where it is if it is a directory.
fn opened(
    caller: &mut Caller<'_, Host>,
    dir: i32,
    path: (i32, i32),
    out: i32,
    oflags: i32,
) -> wasmtime::Result<()> {
    let (memory, host) = enter(caller)?;
    let fd = number(&memory, out);
    host.opened.extend(fd.map(u32::cast_signed));
    if oflags & OFLAGS_DIRECTORY == 0 {
        return Ok(());
    }
    let path = text(&memory, path.0, path.1);
    let base = host.shared.directories.get(&dir.cast_unsigned());
    if let (Some(fd), Some(path), Some(base)) = (fd, path, base) {
        let (full, _) = join(base, &path);
        host.shared.directories.insert(fd, full);
    }
    Ok(())
}

/// Notes what a call has used and changed; decides whether a failed one was denied, and what the program is told then.
fn judge(
    caller: &mut Caller<'_, Host>,
    errno: i32,
    intent: Intent,
    at: (i32, i32, i32),
) -> wasmtime::Result<i32> {
    let failure = match errno {
        SUCCESS if intent == Intent::Read && !caller.data().shared.recorder.is_on() => {
            return Ok(errno);
        }
        SUCCESS => None,
        NOENT => Some(Failure::NotFound),
        PERM | NOTCAPABLE => Some(Failure::NotPermitted),
        _ => Some(Failure::Other),
    };
    let (memory, host) = enter(caller)?;
    let (dir, path, len) = at;
    let shared = &mut host.shared;
    let (Some(path), Some(base)) = (
        text(&memory, path, len),
        shared.directories.get(&dir.cast_unsigned()),
    ) else {
        return Ok(errno);
    };
    let Some(failure) = failure else {
        shared.view.changed(base, &path, intent);
        shared.uses_path(base, &path, intent.access())?;
        return Ok(errno);
    };
    let Some(verdict) = shared.view.judge(base, &path, intent, failure) else {
        return Ok(errno);
    };
    let as_access = verdict.as_access;
    shared.denials.deny(verdict.denied)?;
    Ok(if as_access { ACCES } else { errno })
}

/// Output of the two standard streams goes straight from the program's memory; other files take the long way.
fn fd_write(
    mut caller: Caller<'_, Host>,
    fd: i32,
    vectors: i32,
    count: i32,
    out: i32,
) -> wasmtime::Result<i32> {
    let host = caller.data();
    let sink = match fd {
        1 if host.streams_untouched => host.shared.streams.stdout(),
        2 if host.streams_untouched => host.shared.streams.stderr(),
        _ => return writes::fd_write(caller, fd, vectors, count, out),
    };
    let (mut memory, _) = enter(&mut caller)?;
    let GuestMemory::Unshared(memory) = &mut memory else {
        bail!("the module exports no memory");
    };
    let mut written: u32 = 0;
    for at in 0..count.cast_unsigned() {
        let Some(bytes) = vector(memory, vectors, at) else {
            bail!("fd_write was given a pointer outside the memory");
        };
        // The sum of lengths may exceed what one call can report; what is reported is what was written.
        let Some(total) = u32::try_from(bytes.len())
            .ok()
            .and_then(|len| written.checked_add(len))
        else {
            break;
        };
        match sink.write_metered(bytes) {
            Ok(()) => written = total,
            Err(WriteError::Limit(limit)) => return Err(wasmtime::Error::new(limit)),
            Err(WriteError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                return Ok(PIPE);
            }
            Err(WriteError::Io(_)) => return Ok(IO),
        }
    }
    let out = out.cast_unsigned() as usize;
    let Some(slot) = memory
        .get_mut(out..)
        .and_then(|rest| rest.first_chunk_mut())
    else {
        bail!("fd_write was given a pointer outside the memory");
    };
    *slot = written.to_le_bytes();
    Ok(SUCCESS)
}

/// The bytes that the `at`-th entry of an array of `ciovec` points to.
fn vector(memory: &[u8], vectors: i32, at: u32) -> Option<&[u8]> {
    let entry = (vectors.cast_unsigned() as usize).checked_add((at as usize).checked_mul(8)?)?;
    let (start, rest) = memory.get(entry..)?.split_first_chunk()?;
    let start = u32::from_le_bytes(*start) as usize;
    let len = u32::from_le_bytes(*rest.first_chunk()?) as usize;
    memory.get(start..start.checked_add(len)?)
}

fn bytes<'m>(memory: &'m GuestMemory<'_>, start: i32, len: usize) -> Option<&'m [u8]> {
    let GuestMemory::Unshared(memory) = memory else {
        return None;
    };
    let start = start.cast_unsigned() as usize;
    memory.get(start..start.checked_add(len)?)
}

fn number(memory: &GuestMemory<'_>, at: i32) -> Option<u32> {
    let bytes = bytes(memory, at, 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn text(memory: &GuestMemory<'_>, start: i32, len: i32) -> Option<String> {
    let bytes = bytes(memory, start, len.cast_unsigned() as usize)?;
    String::from_utf8(bytes.to_vec()).ok()
}
