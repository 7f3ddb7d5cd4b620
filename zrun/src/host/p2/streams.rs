//! Standard streams. No right is at stake here: they never wait for a runtime, so they are used without starting one.

use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::p2::bindings::sync::io::streams;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, StreamError, StreamResult};
use wasmtime_wasi_io::bindings::wasi::io::streams as async_streams;

use super::{Context, Host};

pub(super) fn guard_streams(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Out = Resource<DynOutputStream>;
    instance.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        |mut store: Context<'_>, (out, bytes): (Out, Vec<u8>)| {
            let host = store.data_mut();
            let deadline = host.shared.deadline;
            let written =
                deadline.drive(async_streams::HostOutputStream::blocking_write_and_flush(
                    &mut host.table,
                    out,
                    bytes,
                ))?;
            stream(host, written)
        },
    )?;
    instance.func_wrap(
        "[method]output-stream.blocking-flush",
        |mut store: Context<'_>, (out,): (Out,)| {
            let host = store.data_mut();
            let deadline = host.shared.deadline;
            let flushed = deadline.drive(async_streams::HostOutputStream::blocking_flush(
                &mut host.table,
                out,
            ))?;
            stream(host, flushed)
        },
    )?;
    instance.func_wrap(
        "[method]input-stream.blocking-read",
        |mut store: Context<'_>, (input, len): (Resource<DynInputStream>, u64)| {
            let host = store.data_mut();
            let deadline = host.shared.deadline;
            let read = deadline.drive(async_streams::HostInputStream::blocking_read(
                &mut host.table,
                input,
                len,
            ))?;
            stream(host, read)
        },
    )?;
    guard_long_waits(instance)
}

/// The rarer calls that wait.
fn guard_long_waits(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type In = Resource<DynInputStream>;
    type Out = Resource<DynOutputStream>;
    instance.func_wrap(
        "[method]input-stream.blocking-skip",
        |mut store: Context<'_>, (input, len): (In, u64)| {
            let host = store.data_mut();
            let deadline = host.shared.deadline;
            let skipped = deadline.drive(async_streams::HostInputStream::blocking_skip(
                &mut host.table,
                input,
                len,
            ))?;
            stream(host, skipped)
        },
    )?;
    instance.func_wrap(
        "[method]output-stream.blocking-splice",
        |mut store: Context<'_>, (out, input, len): (Out, In, u64)| {
            let host = store.data_mut();
            let deadline = host.shared.deadline;
            let moved = deadline.drive(async_streams::HostOutputStream::blocking_splice(
                &mut host.table,
                out,
                input,
                len,
            ))?;
            stream(host, moved)
        },
    )?;
    instance.func_wrap(
        "[method]output-stream.blocking-write-zeroes-and-flush",
        |mut store: Context<'_>, (out, len): (Out, u64)| {
            let host = store.data_mut();
            let deadline = host.shared.deadline;
            let written = deadline.drive(
                async_streams::HostOutputStream::blocking_write_zeroes_and_flush(
                    &mut host.table,
                    out,
                    len,
                ),
            )?;
            stream(host, written)
        },
    )
}

/// Turns the outcome of a stream's function into what the program sees.
fn stream<T>(
    host: &mut Host,
    outcome: StreamResult<T>,
) -> wasmtime::Result<(Result<T, streams::StreamError>,)> {
    match outcome {
        Ok(value) => Ok((Ok(value),)),
        Err(StreamError::Closed) => Ok((Err(streams::StreamError::Closed),)),
        Err(StreamError::LastOperationFailed(error)) => {
            let error = host.table.push(error)?;
            Ok((Err(streams::StreamError::LastOperationFailed(error)),))
        }
        Err(StreamError::Trap(error)) => Err(error),
    }
}
