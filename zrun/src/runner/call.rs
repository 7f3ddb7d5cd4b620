//! Calls of one export with JSON values: what documented examples and `--invoke` need.

use serde_json::Value as Json;
use wasmtime::component::{self, Component};
use wasmtime::{Module, Store, Val};
use zero_format::Metadata;

use super::ended::{ended, gone, unprintable};
use super::start::{call_if_there, instantiate};
use super::{RunError, Runner, told};
use crate::program::Code;
use crate::value::{Value, ValueError};
use crate::wit_value;

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
    Wit(Json),
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
            Returned::Wit(value) => value.clone(),
        };
        match self.results.as_slice() {
            [] => Json::Null,
            [one] => json(one),
            several => several.iter().map(json).collect(),
        }
    }

    /// Whether a documented result means what was returned.
    pub fn returned(&self, expected: &Json) -> bool {
        let same = |result: &Returned, expected: &Json| match result {
            Returned::Core(value) => value.equals_json(expected),
            Returned::Wit(value) => wit_value::same(value, expected),
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

    /// The same with arguments as text: strings as they are, everything else as JSON.
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
        let texts: Vec<String> = args
            .iter()
            .map(|given| match given {
                Given::Json(Json::String(text)) => text.clone(),
                Given::Json(json) => json.to_string(),
                Given::Text(text) => (*text).to_owned(),
            })
            .collect();
        let values = self.values(module, export, &texts)?;
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
        let values = arguments(export, &ty, args)?;
        let mut results = vec![component::Val::Bool(false); ty.results().len()];
        let called = function.call(&mut store, &values, &mut results);
        drop(watch);
        called.map_err(|error| ended(error, &limits))?;
        let wit = |val| {
            wit_value::to_json(val)
                .map(Returned::Wit)
                .ok_or_else(|| unprintable(export))
        };
        Ok(Called {
            results: results.iter().map(wit).collect::<Result<_, _>>()?,
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
        _ => Err(no_export(metadata, export)),
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

fn arguments(
    export: &str,
    ty: &component::types::ComponentFunc,
    args: &[Given<'_>],
) -> Result<Vec<component::Val>, RunError> {
    let usage = || {
        let params: Vec<String> = ty
            .params()
            .map(|(name, ty)| format!("{name}: {}", wit_value::name(&ty)))
            .collect();
        format!("it is {export}({})", params.join(", "))
    };
    let expected = ty.params().len();
    if args.len() != expected {
        let (export, given) = (export.to_owned(), args.len());
        return Err(RunError::Arguments {
            export,
            expected,
            given,
            usage: usage(),
        });
    }
    let value = |((_, ty), given): ((&str, component::Type), &Given<'_>)| {
        wit_value::from(*given, &ty).ok_or_else(|| RunError::Argument {
            export: export.to_owned(),
            source: ValueError::Text {
                text: match given {
                    Given::Json(json) => json.to_string(),
                    Given::Text(text) => (*text).to_owned(),
                },
                ty: wit_value::name(&ty),
            },
            usage: usage(),
        })
    };
    ty.params().zip(args).map(value).collect()
}
