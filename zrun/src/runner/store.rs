//! The stores that programs run in: grants become what the program meets, limits are armed.

use std::sync::atomic::Ordering;

use wasmtime::component::Component;
use wasmtime::{Module, Store, UpdateDeadline};
use wasmtime_wasi::WasiCtxBuilder;

use super::ended::{Cancelled, engine_error};
use super::{RunError, Runner};
use crate::deterministic;
use crate::exit;
use crate::host::deadline::Deadline;
use crate::host::denial::Denials;
use crate::host::fs::View;
use crate::host::stdio::Streams;
use crate::host::{self, Shared, p1, p2};
use crate::limits::{LimitReached, Limits};
use crate::timekeeper::Cancel;
use crate::watch::{OnTime, Watch};

/// A store for a preview 1 module, and the limits that it was armed with.
pub(super) struct RunP1 {
    pub(super) store: Store<p1::Host>,
    pub(super) limits: Limits,
}

impl Runner<'_> {
    pub(super) fn store_p2(
        &mut self,
        component: &Component,
    ) -> Result<(Store<p2::Host>, Option<Watch>), RunError> {
        let engine = self.program.engine();
        let deadline = self.deadline();
        let (view, args) = self.view(p2::needs_files(engine, component))?;
        let watch = self.watch(&view)?;
        let (mut shared, net) = {
            let io = std::mem::take(&mut self.io);
            let streams = Streams::new(io, self.limits.output);
            let denials = self.denials(&streams);
            let net = host::net::Net::new(&self.grants, denials.clone());
            (
                Shared::new(&self.grants, &self.limits, denials, streams, view),
                net,
            )
        };
        shared.deadline = deadline;
        let mut builder = self.context(&args, &shared)?;
        net.apply(&mut builder);
        let mut store = Store::new(engine, p2::Host::new(builder.build(), shared, net));
        store.limiter(|host| &mut host.shared.meter);
        self.arm(&mut store, watch.as_ref());
        Ok((store, watch))
    }

    pub(super) fn store_p1(mut self, module: &Module) -> Result<(RunP1, Option<Watch>), RunError> {
        let needs_files = module
            .imports()
            .any(|import| import.module() == p1::MODULE && p1::needs_files(import.name()));
        let (view, args) = self.view(needs_files)?;
        let deadline = self.deadline();
        let watch = self.watch(&view)?;
        let streams = Streams::new(std::mem::take(&mut self.io), self.limits.output);
        let denials = self.denials(&streams);
        let mut shared = Shared::new(&self.grants, &self.limits, denials, streams, view);
        shared.deadline = deadline;
        let mut builder = self.context(&args, &shared)?;
        let mut store = Store::new(
            self.program.engine(),
            p1::Host::new(builder.build_p1(), shared),
        );
        store.limiter(|host| &mut host.shared.meter);
        self.arm(&mut store, watch.as_ref());
        Ok((
            RunP1 {
                store,
                limits: self.limits,
            },
            watch,
        ))
    }

    /// How long a call may wait. If the process ends at the time limit, that is not the call's concern.
    fn deadline(&self) -> Deadline {
        if self.on_time.is_some() {
            return Deadline::default();
        }
        Deadline::after(self.limits.time)
    }

    fn context(&self, args: &[String], shared: &Shared) -> Result<WasiCtxBuilder, RunError> {
        let mut builder = host::context(args, &self.grants, &shared.streams, &shared.view)
            .map_err(|error| engine_error(&error))?;
        if let Some(seed) = self.seed {
            deterministic::apply(&mut builder, &self.grants, seed);
        }
        Ok(builder)
    }

    /// The file system and the arguments, the program's name first.
    fn view(&self, needs_files: bool) -> Result<(View, Vec<String>), RunError> {
        let name = self
            .name
            .clone()
            .unwrap_or_else(|| self.program.metadata().package.name.to_string());
        let (view, args) = if needs_files {
            let scratch = self
                .scratch
                .as_deref()
                .or(self.program.scratch())
                .ok_or(RunError::NoScratch)?;
            View::build(scratch, &self.grants, self.program.bundled(), &self.args)?
        } else {
            View::none(&self.args)?
        };
        Ok((view, std::iter::once(name).chain(args).collect()))
    }

    fn denials(&self, streams: &Streams) -> Denials {
        let declared = self.program.metadata().capabilities.clone();
        Denials::new(
            declared,
            self.grants.refused.clone(),
            streams.stderr(),
            self.quiet,
            self.strict,
            self.recorder.clone(),
        )
        .after(self.said.clone())
    }

    /// What ends the process at the time limit; those who listen are told first.
    fn at_time_limit(&mut self) -> Option<OnTime> {
        let action = self.on_time.take()?;
        if !self.recorder.is_on() {
            return Some(action);
        }
        let recorder = self.recorder.clone();
        Some(Box::new(move |limit| {
            // The process ends now, whether or not that can be recorded.
            let _ = recorder.ended(Some(limit), "limit", exit::LIMIT.into(), None);
            action(limit);
        }))
    }

    fn watch(&mut self, view: &View) -> Result<Option<Watch>, RunError> {
        self.program.improve();
        Watch::start(
            self.limits.time,
            self.program.timekeeper(),
            self.at_time_limit(),
            view.staging(),
        )
        .map_err(|error| RunError::Engine {
            reason: format!("the time limit cannot be kept: {error}"),
        })
    }

    /// Sets the limits that are the store's to keep.
    fn arm<T>(&self, store: &mut Store<T>, watch: Option<&Watch>) {
        if let Some(fuel) = self.limits.fuel {
            // `check` has made sure that fuel is counted.
            let _ = store.set_fuel(fuel);
        }
        let expired = watch.and_then(Watch::expired);
        if expired.is_none() && self.cancel.is_none() {
            return;
        }
        let limit = self.limits.time;
        let cancel = self.cancel.clone();
        if let Some(cancel) = &cancel {
            cancel.covers(self.program.engine());
        }
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            // The engine may be shared with other runs, whose time has come before ours.
            if expired
                .as_ref()
                .is_some_and(|expired| expired.load(Ordering::Acquire))
            {
                return Err(wasmtime::Error::new(LimitReached::Time { limit }));
            }
            if cancel.as_ref().is_some_and(Cancel::is_cancelled) {
                return Err(wasmtime::Error::new(Cancelled));
            }
            Ok(UpdateDeadline::Continue(1))
        });
    }
}
