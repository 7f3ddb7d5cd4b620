//! The functions that a program offers: what its signed metadata says about them, and their types.
//!
//! `--invoke` makes its help of it; `--json` shows it all, with a JSON Schema for each parameter.

mod help;
mod schema;

pub use help::{list, quoted};

use serde::Serialize;
use serde_json::{Value as Json, json};
use wasmtime::component::Type;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use zero_format::{Example, Export};

use crate::program::{Code, Program};
use crate::{wave, wit_value};

/// A function that can be called by name. Its texts are those of the signed metadata, safe to print.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Function {
    /// Its name, such as `add`, or `local:math/numbers#add` in a component.
    pub name: String,
    /// What it does; may have several lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// What it takes.
    pub params: Vec<Parameter>,
    /// What it returns.
    pub results: Vec<Parameter>,
    /// Calls that were executed when the artifact was built.
    pub examples: Vec<Call>,
    /// Whether the result depends on the arguments alone.
    pub pure: bool,
}

/// A parameter, or a result, which has no name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// The JSON values that it takes, as a JSON Schema.
    pub schema: Json,
    /// What it means; may have several lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// What it is measured in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A call as it is typed, and what it prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// The arguments, before a shell's quotes.
    pub args: Vec<String>,
    /// The result.
    pub result: String,
}

impl Program {
    /// The functions of the program that its metadata names.
    pub fn exports(&self) -> Vec<Function> {
        let exports = &self.metadata().exports;
        exports.iter().map(|export| self.function(export)).collect()
    }

    fn function(&self, export: &Export) -> Function {
        match self.code() {
            Code::Component(component) => {
                let ty = component_function(component, &export.name);
                let params: Vec<Type> = ty
                    .iter()
                    .flat_map(ComponentFunc::params)
                    .map(|(_, ty)| ty)
                    .collect();
                let results: Vec<Type> = ty.iter().flat_map(ComponentFunc::results).collect();
                describe(export, &params, &results, &WIT)
            }
            Code::Module(_) => {
                let types = |types: &mut dyn Iterator<Item = &String>| -> Vec<String> {
                    types.cloned().collect()
                };
                let params = types(&mut export.params.iter().map(|param| &param.ty));
                let results = types(&mut export.results.iter().map(|result| &result.ty));
                describe(export, &params, &results, &CORE)
            }
        }
    }
}

/// Whether a command line with `--invoke` asks to be shown something instead of calling it: all functions where no name
/// is given, one where the only argument is `--help`.
pub fn is_asked(invoke: &str, args: &[std::ffi::OsString]) -> bool {
    invoke.is_empty() || matches!(args, [only] if only == "--help" || only == "-h")
}

/// What a command line with `--invoke` asks to be shown instead of called: all functions where no name is given, one
/// where the only argument is `--help`. `command` is what is typed before the arguments of a function.
pub fn asked<'f>(
    functions: &'f [Function],
    invoke: &str,
    args: &[std::ffi::OsString],
    command: &dyn Fn(&str) -> String,
) -> Option<(&'f [Function], String)> {
    if invoke.is_empty() {
        return Some((functions, list(functions, command)));
    }
    if !is_asked(invoke, args) {
        return None;
    }
    let named = |function: &Function| function.name == invoke || function.short() == invoke;
    let at = functions.iter().position(named)?;
    let one = functions.get(at..=at)?;
    let text = one.iter().map(|function| function.help(&command(invoke)));
    Some((one, text.collect()))
}

impl Function {
    /// The name within its interface: what stands after the `#`.
    pub fn short(&self) -> &str {
        self.name
            .rsplit_once('#')
            .map_or(&self.name, |(_, short)| short)
    }
}

pub(crate) fn component_function(
    component: &wasmtime::component::Component,
    name: &str,
) -> Option<ComponentFunc> {
    let item = match name.rsplit_once('#') {
        Some((interface, function)) => {
            let (_, interface) = component.get_export(None, interface)?;
            component.get_export(Some(&interface), function)?.0
        }
        None => component.get_export(None, name)?.0,
    };
    match item {
        ComponentItem::ComponentFunc(function) => Some(function),
        _ => None,
    }
}

/// How types of one sort of program are written, and values of them.
struct Words<T> {
    name: fn(&T) -> String,
    schema: fn(&T) -> Json,
    text: fn(&Json, Option<&T>) -> String,
}

const WIT: Words<Type> = Words {
    name: wave::name,
    schema: schema::of,
    text: |json, ty| {
        let value = ty.and_then(|ty| wit_value::from_json(json, ty));
        value.map_or_else(|| json.to_string(), |value| wave::argument(&value))
    },
};

const CORE: Words<String> = Words {
    name: Clone::clone,
    schema: |ty| schema::core(ty),
    // Infinities and such are strings in JSON, as it has no numbers for them.
    text: |json, _| match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    },
};

fn describe<T>(export: &Export, params: &[T], results: &[T], words: &Words<T>) -> Function {
    let unknown = || json!({});
    let schema = |ty: Option<&T>| ty.map_or_else(unknown, words.schema);
    let name = |ty: Option<&T>, documented: &str| ty.map_or(documented.to_owned(), words.name);
    let param = |(at, param): (usize, &zero_format::Param)| Parameter {
        name: param.name.clone(),
        ty: name(params.get(at), &param.ty),
        schema: schema(params.get(at)),
        doc: param.doc.clone(),
        unit: param.unit.clone(),
    };
    let result = |(at, result): (usize, &zero_format::Returned)| Parameter {
        name: String::new(),
        ty: name(results.get(at), &result.ty),
        schema: schema(results.get(at)),
        doc: result.doc.clone(),
        unit: result.unit.clone(),
    };
    let call = |example: &Example| {
        let args = example.args.iter().enumerate();
        let several = results.len() > 1;
        let printed: Vec<String> = match &example.result {
            Json::Null if results.is_empty() => Vec::new(),
            Json::Array(all) if several => all
                .iter()
                .zip(results)
                .map(|(json, ty)| (words.text)(json, Some(ty)))
                .collect(),
            one => vec![(words.text)(one, results.first())],
        };
        Call {
            args: args
                .map(|(at, json)| (words.text)(json, params.get(at)))
                .collect(),
            result: printed.join("\n"),
        }
    };
    Function {
        name: export.name.clone(),
        doc: export.doc.clone(),
        params: export.params.iter().enumerate().map(param).collect(),
        results: export.results.iter().enumerate().map(result).collect(),
        examples: export.examples.iter().map(call).collect(),
        pure: export.pure,
    }
}
