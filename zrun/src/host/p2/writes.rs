//! Writing to files, counted against the write limit.

use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    self as files, ErrorCode, HostDescriptor as _,
};
use wasmtime_wasi::p2::pipe::ClosedOutputStream;
use wasmtime_wasi::p2::{DynOutputStream, FsResult};

use super::{Context, Host};

type File = Resource<Descriptor>;

pub(super) fn guard_writes(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap(
        "[method]descriptor.write",
        |mut store: Context<'_>, (file, bytes, offset): (File, Vec<u8>, u64)| {
            let host = store.data_mut();
            let taken = bytes.len() as u64;
            host.shared.quota.take(taken)?;
            let outcome = host.filesystem().write(file, bytes, offset);
            let written = *outcome.as_ref().unwrap_or(&0);
            host.shared.quota.give_back(taken.saturating_sub(written));
            told(host, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.set-size",
        |mut store: Context<'_>, (file, size): (File, u64)| {
            let host = store.data_mut();
            let taken = size.saturating_sub(length(host, &file));
            host.shared.quota.take(taken)?;
            let outcome = host.filesystem().set_size(file, size);
            if outcome.is_err() {
                host.shared.quota.give_back(taken);
            }
            told(host, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.write-via-stream",
        |mut store: Context<'_>, (file, offset): (File, u64)| {
            let host = store.data_mut();
            let outcome = host.filesystem().write_via_stream(file, offset);
            metered(host, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.append-via-stream",
        |mut store: Context<'_>, (file,): (File,)| {
            let host = store.data_mut();
            let outcome = host.filesystem().append_via_stream(file);
            metered(host, outcome)
        },
    )
}

/// How long a file is now; what is no file of the program has no length.
fn length(host: &Host, file: &File) -> u64 {
    match host.table.get(file) {
        Ok(Descriptor::File(file)) => file.file.metadata().map_or(0, |metadata| metadata.len()),
        _ => 0,
    }
}

fn metered(
    host: &mut Host,
    outcome: FsResult<Resource<DynOutputStream>>,
) -> wasmtime::Result<(Result<Resource<DynOutputStream>, ErrorCode>,)> {
    if let Ok(stream) = &outcome {
        let quota = host.shared.quota.clone();
        let slot = host.table.get_mut(stream)?;
        let inner = std::mem::replace(slot, Box::new(ClosedOutputStream));
        *slot = quota.meter(inner);
    }
    told(host, outcome)
}

fn told<T>(host: &mut Host, outcome: FsResult<T>) -> wasmtime::Result<(Result<T, ErrorCode>,)> {
    match outcome {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(files::Host::convert_error_code(
            &mut host.filesystem(),
            error,
        )?),)),
    }
}
