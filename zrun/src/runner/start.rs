//! Starting a program: its instance, its entry point, and what is released at its end.

use wasmtime::component::Component;
use wasmtime::{Instance, Module, Store};
use wasmtime_wasi::p2::bindings::sync::CommandPre;

use super::arguments::functions;
use super::ended::{UnknownImport, outcome};
#[cfg(feature = "http")]
use super::told;
use super::{Outcome, RunError, Runner};
use crate::functions::Functions;
use crate::host::fs::OutputError;
use crate::host::{Shared, p1};
use crate::watch::Watch;

impl Runner<'_> {
    pub(super) fn run_module(self, module: &Module) -> Result<Outcome, RunError> {
        if module.get_export("_start").is_none() {
            return Err(RunError::NotACommand {
                exports: functions(module),
            });
        }
        let functions = self.program.functions();
        let (mut run, watch) = self.store_p1(module)?;
        let limits = run.limits;
        let ended_with = instantiate(&mut run.store, module, functions).and_then(|instance| {
            instance
                .get_typed_func::<(), ()>(&mut run.store, "_start")?
                .call(&mut run.store, ())
        });
        let left = run.store.get_fuel().ok();
        let outcome = outcome(ended_with.map(|()| 0), &limits, left);
        put_away(run.store, |host| &mut host.shared, watch, &outcome)?;
        outcome
    }

    pub(super) fn run_component(mut self, component: &Component) -> Result<Outcome, RunError> {
        let (mut store, watch) = self.store_p2(component)?;
        let ended_with = self
            .program
            .linked(component)
            .and_then(|linked| CommandPre::new(linked.clone())?.instantiate(&mut store))
            .and_then(|command| command.wasi_cli_run().call_run(&mut store));
        let left = store.get_fuel().ok();
        let code = ended_with.map(|result| i32::from(result.is_err()));
        let outcome = outcome(code, &self.limits, left);
        put_away(store, |host| &mut host.shared, watch, &outcome)?;
        outcome
    }

    /// Has a component answer a request: `call` makes an instance and calls it.
    #[cfg(feature = "http")]
    pub(crate) fn handle(
        mut self,
        component: &Component,
        call: impl FnOnce(&mut Store<crate::host::p2::Host>) -> wasmtime::Result<()>,
    ) -> Result<(), RunError> {
        let recorder = self.begin()?;
        let outcome = self.store_p2(component).and_then(|(mut store, watch)| {
            let ended_with = call(&mut store);
            let left = store.get_fuel().ok();
            let outcome = outcome(ended_with.map(|()| 0), &self.limits, left);
            put_away(store, |host| &mut host.shared, watch, &outcome)?;
            outcome
        });
        let end = outcome.as_ref().map(|outcome| (outcome.code, outcome.fuel));
        told(&recorder, end)?;
        outcome.map(drop)
    }
}

/// Keeps what a program that ended well has written, and releases what the run used. Of a process that ends with its
/// program only the files have to go.
fn put_away<T>(
    mut store: Store<T>,
    shared: impl FnOnce(&mut T) -> &mut Shared,
    watch: Option<Watch>,
    outcome: &Result<Outcome, RunError>,
) -> Result<(), RunError> {
    let ends_process = watch
        .as_ref()
        .is_some_and(|watch| watch.expired().is_none());
    match watch {
        Some(watch) if ends_process => watch.abandon(),
        // From here on no limit of time may interfere.
        other => drop(other),
    }
    let shared = shared(store.data_mut());
    let kept = shared.keep_outputs(outcome.as_ref().ok().map(|outcome| outcome.code));
    if ends_process {
        drop(std::mem::take(&mut shared.view));
        std::mem::forget(store);
    }
    kept.map_err(|error| match error {
        OutputError::Limit(limit) => limit.into(),
        error => error.into(),
    })
}

pub(super) fn instantiate(
    store: &mut Store<p1::Host>,
    module: &Module,
    functions: &Functions,
) -> wasmtime::Result<Instance> {
    let mut imports = Vec::with_capacity(module.imports().len());
    for import in module.imports() {
        let function = if import.module() == p1::MODULE {
            p1::function(store, import.name())
        } else {
            functions.build(store, import.module(), import.name())
        };
        let function = function.ok_or_else(|| wasmtime::Error::new(UnknownImport::of(&import)))?;
        imports.push(function.into());
    }
    Instance::new(store, module, &imports)
}

pub(super) fn call_if_there(
    store: &mut Store<p1::Host>,
    instance: &Instance,
    name: &str,
) -> wasmtime::Result<()> {
    match instance.get_typed_func::<(), ()>(&mut *store, name) {
        Ok(function) => function.call(store, ()),
        Err(_) => Ok(()),
    }
}
