//! Naming what ended a program.

use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::backtrace::frames;
use super::{Outcome, RunError};
use crate::audit::Unrecorded;
use crate::host::denial::DeniedTrap;
use crate::limits::{LimitReached, Limits};

#[derive(Debug, thiserror::Error)]
#[error("unknown import")]
pub(super) struct UnknownImport {
    module: String,
    name: String,
}

impl UnknownImport {
    pub(super) fn of(import: &wasmtime::ImportType<'_>) -> Self {
        Self {
            module: import.module().to_owned(),
            name: import.name().to_owned(),
        }
    }
}

/// The embedding program called the run off.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
pub(super) struct Cancelled;

pub(super) fn gone(export: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the export {export} is gone"))
}

pub(super) fn unprintable(export: &str) -> RunError {
    RunError::Engine {
        reason: format!("{export} returned something that is not a number"),
    }
}

pub(super) fn engine_error(error: &wasmtime::Error) -> RunError {
    RunError::Engine {
        reason: format!("{error:#}"),
    }
}

pub(super) fn outcome(
    code: wasmtime::Result<i32>,
    limits: &Limits,
    left: Option<u64>,
) -> Result<Outcome, RunError> {
    let fuel = used(limits, left);
    let code = match code {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<I32Exit>() {
            Some(exit) => exit.0,
            None => return Err(ended(error, limits)),
        },
    };
    Ok(Outcome { code, fuel })
}

fn used(limits: &Limits, left: Option<u64>) -> Option<u64> {
    limits
        .fuel
        .zip(left)
        .map(|(limit, left)| limit.saturating_sub(left))
}

/// Names what ended a program.
pub(super) fn ended(error: wasmtime::Error, limits: &Limits) -> RunError {
    if let Some(limit) = error.downcast_ref::<LimitReached>() {
        return RunError::Limit(*limit);
    }
    if error.is::<Cancelled>() {
        return RunError::Cancelled;
    }
    if let Some(import) = error.downcast_ref::<UnknownImport>() {
        return RunError::Import {
            module: import.module.clone(),
            name: import.name.clone(),
        };
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let limit = limits.handles;
        return LimitReached::Handles { limit }.into();
    }
    if let Some(unrecorded) = error.downcast_ref::<Unrecorded>() {
        return RunError::Unrecorded(unrecorded.clone());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            return LimitReached::Fuel {
                fuel: limits.fuel.unwrap_or_default(),
            }
            .into();
        }
        Some(Trap::StackOverflow) => return LimitReached::Stack.into(),
        _ => {}
    }
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(frames);
    if error.is::<DeniedTrap>() {
        return match error.downcast::<DeniedTrap>() {
            Ok(source) => RunError::Denied { source },
            Err(error) => engine_error(&error),
        };
    }
    let reason = error.root_cause().to_string();
    match backtrace {
        Some(backtrace) => RunError::Trap { reason, backtrace },
        None => engine_error(&error),
    }
}
