//! Clocks are asked for: their functions have no error, so a denied use ends the program.

use wasmtime::component::LinkerInstance;
use wasmtime_wasi::clocks::WasiClocksView as _;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};

use zero_format::Clock;

use super::{Context, Host};
use crate::audit::Use;
use crate::host::denial::Denied;

pub(super) fn guard_monotonic(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    fn ask(host: &Host) -> wasmtime::Result<()> {
        if host.shared.monotonic_clock {
            host.shared.recorder.used(|| Use::Clock(Clock::Monotonic))
        } else {
            Err(host.shared.denials.trap(Denied::MonotonicClock))
        }
    }
    instance.func_wrap("now", |mut store: Context<'_>, (): ()| {
        ask(store.data())?;
        Ok((monotonic_clock::Host::now(&mut store.data_mut().clocks())?,))
    })?;
    instance.func_wrap("resolution", |mut store: Context<'_>, (): ()| {
        ask(store.data())?;
        Ok((monotonic_clock::Host::resolution(
            &mut store.data_mut().clocks(),
        )?,))
    })
}

pub(super) fn guard_wall(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    fn ask(host: &Host) -> wasmtime::Result<()> {
        if host.shared.wall_clock {
            host.shared.recorder.used(|| Use::Clock(Clock::Wall))
        } else {
            Err(host.shared.denials.trap(Denied::WallClock))
        }
    }
    instance.func_wrap("now", |mut store: Context<'_>, (): ()| {
        ask(store.data())?;
        Ok((wall_clock::Host::now(&mut store.data_mut().clocks())?,))
    })?;
    instance.func_wrap("resolution", |mut store: Context<'_>, (): ()| {
        ask(store.data())?;
        Ok((wall_clock::Host::resolution(
            &mut store.data_mut().clocks(),
        )?,))
    })
}
