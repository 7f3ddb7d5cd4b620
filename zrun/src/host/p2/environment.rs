//! The environment holds what was granted; that it is read is told to those who listen.

use wasmtime::component::LinkerInstance;
use wasmtime_wasi::cli::WasiCliView as _;
use wasmtime_wasi::p2::bindings::cli::environment;

use super::{Context, Host};

pub(super) fn guard_environment(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap("get-environment", |mut store: Context<'_>, (): ()| {
        let host = store.data_mut();
        host.shared.reads_environment()?;
        Ok((environment::Host::get_environment(&mut host.cli())?,))
    })
}
