//! Calls of one export with JSON values: what documented examples and `--invoke` need.

use serde_json::Value as Json;
use wasmtime::component::{self, Component};
use wasmtime::{Module, Store, Val};
use zero_format::Metadata;

use super::ended::{ended, gone, unprintable};
use super::start::{call_if_there, instantiate};
use super::{RunError, Runner, arguments, told};
use crate::program::Code;
use crate::value::Value;
use crate::{wave, wit_value};

/// What a call returned, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    results: Vec<Returned>,
    /// Units of work, if they were counted.
    pub fuel: Option<u64>,
    /// Bytes of linear memory at its end, which is its peak: memories never shrink.
    pub memory: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Returned {
    Core(Value),
    /// The value, and its JSON.
    Wit(component::Val, Json),
}

/// An argument, before the type that it must have is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given<'a> {
    Json(&'a Json),
    Text(&'a str),
}

impl Called {
    /// The results: `null` for none, an array for several.
    pub fn to_json(&self) -> Json {
        let json = |result: &Returned| match result {
            Returned::Core(value) => value.to_json(),
            Returned::Wit(_, json) => json.clone(),
        };
        match self.results.as_slice() {
            [] => Json::Null,
            [one] => json(one),
            several => several.iter().map(json).collect(),
        }
    }

    /// The results as text, one a line: strings as they are, other values of a component as WAVE has them.
    pub fn to_text(&self) -> String {
        let line = |result: &Returned| match result {
            Returned::Core(value) => format!("{value}\n"),
            Returned::Wit(value, _) => format!("{}\n", wave::print(value)),
        };
        self.results.iter().map(line).collect()
    }

    /// Whether a documented result means what was returned.
    pub fn returned(&self, expected: &Json) -> bool {
        let same = |result: &Returned, expected: &Json| match result {
            Returned::Core(value) => value.equals_json(expected),
            Returned::Wit(_, json) => wit_value::same(json, expected),
        };
        match (self.results.as_slice(), expected) {
            ([], expected) => expected.is_null(),
            ([one], expected) => same(one, expected),
            (several, Json::Array(expected)) => {
                several.len() == expected.len()
                    && several
                        .iter()
                        .zip(expected)
                        .all(|(one, expected)| same(one, expected))
            }
            _ => false,
        }
    }
}

impl Runner<'_> {
    /// Calls one export of a module or component with JSON arguments.
    ///
    /// In a component, an export is named as in the metadata, `package:name/interface@1.0.0#function`, or by its
    /// function alone where that is clear.
    ///
    /// # Errors
    /// When there is no such export, the arguments do not fit, or the call does not return.
    pub fn call(self, export: &str, args: &[Json]) -> Result<Called, RunError> {
        let given: Vec<_> = args.iter().map(Given::Json).collect();
        self.call_given(export, &given)
    }

    /// The same with arguments as text: numbers, strings as they are, other values of a component as WAVE has them
    /// (spec/cli.md, "Calls"). An argument may be `NAME=VALUE`.
    ///
    /// # Errors
    /// As [`Runner::call`].
    pub fn call_text(self, export: &str, args: &[String]) -> Result<Called, RunError> {
        let given: Vec<_> = args.iter().map(|text| Given::Text(text)).collect();
        self.call_given(export, &given)
    }

    fn call_given(self, export: &str, args: &[Given<'_>]) -> Result<Called, RunError> {
        let recorder = self.begin()?;
        let called = self.check().and_then(|()| match self.program.code() {
            Code::Component(component) => self.call_component(component, export, args),
            Code::Module(module) => self.call_module(module, export, args),
        });
        told(&recorder, called.as_ref().map(|called| (0, called.fuel)))?;
        called
    }

    fn call_module(
        self,
        module: &Module,
        export: &str,
        args: &[Given<'_>],
    ) -> Result<Called, RunError> {
        let values = arguments::of_module(module, self.program.metadata(), export, args)?;
        let functions = self.program.functions();
        let (mut run, watch) = self.store_p1(module)?;
        let limits = run.limits;
        let called = instantiate(&mut run.store, module, functions).and_then(|instance| {
            call_if_there(&mut run.store, &instance, "_initialize")?;
            let function = instance
                .get_func(&mut run.store, export)
                .ok_or_else(|| gone(export))?;
            let mut results = vec![Val::I32(0); function.ty(&run.store).results().len()];
            function.call(&mut run.store, &values, &mut results)?;
            Ok(results)
        });
        drop(watch);
        let called = called.map_err(|error| ended(error, &limits))?;
        let core = |val| {
            Value::from_val(val)
                .map(Returned::Core)
                .ok_or_else(|| unprintable(export))
        };
        Ok(Called {
            results: called.iter().map(core).collect::<Result<_, _>>()?,
            fuel: used(limits.fuel, &run.store),
            memory: run.store.data().shared.meter.memory(),
        })
    }

    fn call_component(
        mut self,
        component: &Component,
        export: &str,
        args: &[Given<'_>],
    ) -> Result<Called, RunError> {
        let index = find(component, self.program.metadata(), export)?;
        let limits = self.limits;
        let (mut store, watch) = self.store_p2(component)?;
        let instance = self
            .program
            .linked(component)
            .and_then(|linked| linked.instantiate(&mut store))
            .map_err(|error| ended(error, &limits))?;
        let function = instance
            .get_func(&mut store, index)
            .ok_or_else(|| no_export(self.program.metadata(), export))?;
        let ty = function.ty(&store);
        let values = arguments::of_component(export, &ty, args)?;
        let mut results = vec![component::Val::Bool(false); ty.results().len()];
        let called = function.call(&mut store, &values, &mut results);
        drop(watch);
        called.map_err(|error| ended(error, &limits))?;
        let wit = |val| {
            let json = wit_value::to_json(&val).ok_or_else(|| unprintable(export))?;
            Ok(Returned::Wit(val, json))
        };
        Ok(Called {
            results: results
                .into_iter()
                .map(wit)
                .collect::<Result<_, RunError>>()?,
            fuel: used(limits.fuel, &store),
            memory: store.data().shared.meter.memory(),
        })
    }
}

fn used<T>(limit: Option<u64>, store: &Store<T>) -> Option<u64> {
    limit
        .zip(store.get_fuel().ok())
        .map(|(limit, left)| limit.saturating_sub(left))
}

fn find(
    component: &Component,
    metadata: &Metadata,
    export: &str,
) -> Result<component::ComponentExportIndex, RunError> {
    let name = full_name(metadata, export)?;
    let index = match name.rsplit_once('#') {
        Some((interface, function)) => component
            .get_export_index(None, interface)
            .and_then(|interface| component.get_export_index(Some(&interface), function)),
        None => component.get_export_index(None, name.as_str()),
    };
    index.ok_or_else(|| no_export(metadata, export))
}

/// The whole name of an export of a component that may be named by its function alone.
fn full_name(metadata: &Metadata, export: &str) -> Result<String, RunError> {
    if metadata.export(export).is_some() || export.contains('#') {
        return Ok(export.to_owned());
    }
    let mut matching = metadata.exports.iter().filter(|known| {
        known
            .name
            .rsplit_once('#')
            .is_some_and(|(_, function)| function == export)
    });
    match (matching.next(), matching.next()) {
        (Some(one), None) => Ok(one.name.clone()),
        // Not every export is documented: the component itself knows.
        (None, _) => Ok(export.to_owned()),
        (Some(_), Some(_)) => Err(no_export(metadata, export)),
    }
}

fn no_export(metadata: &Metadata, export: &str) -> RunError {
    let exports = metadata
        .exports
        .iter()
        .map(|export| export.name.clone())
        .collect();
    RunError::NoExport {
        export: export.to_owned(),
        exports,
    }
}
