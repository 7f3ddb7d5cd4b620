//! Waiting: no longer than the run's time limit.

use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi_io::bindings::wasi::io::poll as async_poll;

use super::{Context, Host};

pub(super) fn guard_poll(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap(
        "poll",
        |mut store: Context<'_>, (pollables,): (Vec<Resource<DynPollable>>,)| {
            let host = store.data_mut();
            let deadline = host.shared.deadline;
            let ready = deadline.wait(async_poll::Host::poll(&mut host.table, pollables))??;
            Ok((ready,))
        },
    )?;
    instance.func_wrap(
        "[method]pollable.block",
        |mut store: Context<'_>, (pollable,): (Resource<DynPollable>,)| {
            let host = store.data_mut();
            let deadline = host.shared.deadline;
            deadline.wait(async_poll::HostPollable::block(&mut host.table, pollable))??;
            Ok(())
        },
    )
}
