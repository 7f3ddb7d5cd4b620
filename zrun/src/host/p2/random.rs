//! Random numbers are asked for: their functions have no error, so a denied use ends the program.

use wasmtime::component::LinkerInstance;
use wasmtime_wasi::p2::bindings::random;

use super::{Context, Host};
use crate::audit::Use;
use crate::host::denial::Denied;

pub(super) fn guard_random(
    interface: &str,
    mut instance: LinkerInstance<'_, Host>,
) -> wasmtime::Result<()> {
    fn ask(host: &Host) -> wasmtime::Result<()> {
        if host.shared.random {
            host.shared.recorder.used(|| Use::Random)
        } else {
            Err(host.shared.denials.trap(Denied::Random))
        }
    }
    match interface {
        "wasi:random/random" => {
            instance.func_wrap(
                "get-random-bytes",
                |mut store: Context<'_>, (len,): (u64,)| {
                    ask(store.data())?;
                    Ok((random::random::Host::get_random_bytes(
                        store.data_mut().ctx.random(),
                        len,
                    )?,))
                },
            )?;
            instance.func_wrap("get-random-u64", |mut store: Context<'_>, (): ()| {
                ask(store.data())?;
                Ok((random::random::Host::get_random_u64(
                    store.data_mut().ctx.random(),
                )?,))
            })
        }
        "wasi:random/insecure" => {
            instance.func_wrap(
                "get-insecure-random-bytes",
                |mut store: Context<'_>, (len,): (u64,)| {
                    ask(store.data())?;
                    Ok((random::insecure::Host::get_insecure_random_bytes(
                        store.data_mut().ctx.random(),
                        len,
                    )?,))
                },
            )?;
            instance.func_wrap(
                "get-insecure-random-u64",
                |mut store: Context<'_>, (): ()| {
                    ask(store.data())?;
                    Ok((random::insecure::Host::get_insecure_random_u64(
                        store.data_mut().ctx.random(),
                    )?,))
                },
            )
        }
        _ => instance.func_wrap("insecure-seed", |mut store: Context<'_>, (): ()| {
            ask(store.data())?;
            Ok((random::insecure_seed::Host::insecure_seed(
                store.data_mut().ctx.random(),
            )?,))
        }),
    }
}
