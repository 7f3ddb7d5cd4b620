//! Writing to files, counted against the write limit.

use wasmtime::{Caller, bail};
use wasmtime_wasi::p1::types::Fd;
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self as wasi, WasiSnapshotPreview1};
use wiggle::GuestMemory;

use super::{Host, SUCCESS, enter, number, vector};
use crate::host::drive;

pub(super) fn fd_write(
    mut caller: Caller<'_, Host>,
    fd: i32,
    vectors: i32,
    count: i32,
    out: i32,
) -> wasmtime::Result<i32> {
    counted(&mut caller, (vectors, count, out), |host, memory| {
        drive(wasi::fd_write(
            &mut host.wasi,
            memory,
            fd,
            vectors,
            count,
            out,
        ))
    })
}

pub(super) fn fd_pwrite(
    mut caller: Caller<'_, Host>,
    fd: i32,
    vectors: i32,
    count: i32,
    offset: i64,
    out: i32,
) -> wasmtime::Result<i32> {
    counted(&mut caller, (vectors, count, out), |host, memory| {
        drive(wasi::fd_pwrite(
            &mut host.wasi,
            memory,
            fd,
            vectors,
            count,
            offset,
            out,
        ))
    })
}

/// Takes what a call wants to write, and gives back what it did not.
fn counted(
    caller: &mut Caller<'_, Host>,
    (vectors, count, out): (i32, i32, i32),
    call: impl FnOnce(&mut Host, &mut GuestMemory<'_>) -> wasmtime::Result<i32>,
) -> wasmtime::Result<i32> {
    let (mut memory, host) = enter(caller)?;
    let wanted = wanted(&memory, vectors, count)?;
    host.shared.quota.take(wanted)?;
    let errno = call(host, &mut memory)?;
    let written = match errno {
        SUCCESS => number(&memory, out).unwrap_or_default().into(),
        _ => 0,
    };
    host.shared.quota.give_back(wanted.saturating_sub(written));
    Ok(errno)
}

/// How many bytes an array of `ciovec` points to.
fn wanted(memory: &GuestMemory<'_>, vectors: i32, count: i32) -> wasmtime::Result<u64> {
    let GuestMemory::Unshared(memory) = memory else {
        bail!("the module exports no memory");
    };
    let mut total: u64 = 0;
    for at in 0..count.cast_unsigned() {
        let Some(bytes) = vector(memory, vectors, at) else {
            bail!("fd_write was given a pointer outside the memory");
        };
        total = total.saturating_add(bytes.len() as u64);
    }
    Ok(total)
}

pub(super) fn fd_filestat_set_size(
    mut caller: Caller<'_, Host>,
    fd: i32,
    size: i64,
) -> wasmtime::Result<i32> {
    let (mut memory, host) = enter(&mut caller)?;
    let stat = WasiSnapshotPreview1::fd_filestat_get(
        &mut host.wasi,
        &mut memory,
        Fd::from(fd.cast_unsigned()),
    );
    // What has no length fails below, with the right error.
    let now = drive(stat).map_or(0, |stat| stat.size);
    let taken = size.cast_unsigned().saturating_sub(now);
    host.shared.quota.take(taken)?;
    let errno = drive(wasi::fd_filestat_set_size(
        &mut host.wasi,
        &mut memory,
        fd,
        size,
    ))?;
    if errno != SUCCESS {
        host.shared.quota.give_back(taken);
    }
    Ok(errno)
}
