//! The arguments of an export: in their order or by the names that are documented, each read by its type.

use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{self, Type};
use wasmtime::{FuncType, Module, Val};
use zero_format::{Export, Metadata};

use super::RunError;
use super::call::Given;
use crate::value::{Value, ValueError};
use crate::{wave, wit_value};

/// An export that is about to be called.
struct Target<'a> {
    name: &'a str,
    /// Names of the parameters, as far as they are known.
    params: Vec<String>,
    /// The whole type, for usage lines.
    usage: String,
}

/// Reads the arguments of a function of a module.
pub(super) fn of_module(
    module: &Module,
    metadata: &Metadata,
    name: &str,
    args: &[Given<'_>],
) -> Result<Vec<Val>, RunError> {
    let Some(ty) = module.get_export(name).and_then(|ty| ty.func().cloned()) else {
        return Err(RunError::NoExport {
            export: name.to_owned(),
            exports: functions(module),
        });
    };
    let target = Target::of_module(name, metadata.export(name), &ty);
    let types: Vec<_> = ty.params().collect();
    target.read(&types, args, |given, ty| match given {
        Given::Json(serde_json::Value::String(text)) => Value::parse(text, ty).map(Value::to_val),
        Given::Json(json) => Value::parse(&json.to_string(), ty).map(Value::to_val),
        Given::Text(text) => Value::parse(text, ty).map(Value::to_val),
    })
}

/// Reads the arguments of a function of a component.
pub(super) fn of_component(
    name: &str,
    ty: &ComponentFunc,
    args: &[Given<'_>],
) -> Result<Vec<component::Val>, RunError> {
    let target = Target::of_component(name, ty);
    let types: Vec<Type> = ty.params().map(|(_, ty)| ty).collect();
    target.read(&types, args, |given, ty| {
        let wrong = |text: &str, reason| ValueError::text(text, wave::name(ty), reason);
        match given {
            Given::Json(json) => {
                wit_value::from_json(json, ty).ok_or_else(|| wrong(&json.to_string(), None))
            }
            Given::Text(text) => wave::parse(text, ty).map_err(|reason| wrong(text, Some(reason))),
        }
    })
}

/// The functions that a module exports.
pub(super) fn functions(module: &Module) -> Vec<String> {
    let functions = module
        .exports()
        .filter(|export| export.ty().func().is_some());
    functions.map(|export| export.name().to_owned()).collect()
}

impl<'a> Target<'a> {
    fn of_module(name: &'a str, documented: Option<&Export>, ty: &FuncType) -> Self {
        let documented = documented.filter(|export| export.params.len() == ty.params().len());
        let params: Vec<String> = documented
            .iter()
            .flat_map(|export| &export.params)
            .map(|param| param.name.clone())
            .collect();
        let types = ty.params().map(|ty| ty.to_string());
        let results: Vec<String> = ty.results().map(|ty| ty.to_string()).collect();
        Self::new(name, params, types.collect(), &results)
    }

    fn of_component(name: &'a str, ty: &ComponentFunc) -> Self {
        let params = ty.params().map(|(name, _)| name.to_owned()).collect();
        let types = ty.params().map(|(_, ty)| wave::name(&ty)).collect();
        let results: Vec<String> = ty.results().map(|ty| wave::name(&ty)).collect();
        Self::new(name, params, types, &results)
    }

    fn new(name: &'a str, params: Vec<String>, types: Vec<String>, results: &[String]) -> Self {
        let list: Vec<String> = types
            .into_iter()
            .enumerate()
            .map(|(at, ty)| match params.get(at) {
                Some(name) => format!("{name}: {ty}"),
                None => ty,
            })
            .collect();
        let arrow = match results {
            [] => String::new(),
            [one] => format!(" -> {one}"),
            several => format!(" -> ({})", several.join(", ")),
        };
        Self {
            name,
            params,
            usage: format!("it is {name}({}){arrow}", list.join(", ")),
        }
    }

    /// Reads each argument by the type of its parameter.
    fn read<T, V>(
        &self,
        types: &[T],
        args: &[Given<'_>],
        read: impl Fn(&Given<'_>, &T) -> Result<V, ValueError>,
    ) -> Result<Vec<V>, RunError> {
        if args.len() != types.len() {
            return Err(RunError::Arguments {
                export: self.name.to_owned(),
                expected: types.len(),
                given: args.len(),
                usage: self.usage.clone(),
            });
        }
        let ordered = in_order(&self.params, args);
        let values = ordered.iter().zip(types).enumerate();
        values
            .map(|(at, (given, ty))| {
                read(given, ty).map_err(|source| RunError::Argument {
                    export: self.name.to_owned(),
                    param: self
                        .params
                        .get(at)
                        .cloned()
                        .unwrap_or_else(|| format!("number {}", at + 1)),
                    source: Box::new(source),
                    usage: self.usage.clone(),
                })
            })
            .collect()
    }
}

/// Arguments in the order of the parameters: `NAME=VALUE` goes to its name, the others fill the gaps.
fn in_order<'t>(params: &[String], args: &[Given<'t>]) -> Vec<Given<'t>> {
    let named = |given: &Given<'t>| {
        let Given::Text(text) = *given else {
            return None;
        };
        let (name, value) = text.split_once('=')?;
        let at = params.iter().position(|param| param == name)?;
        Some((at, Given::Text(value)))
    };
    let mut slots: Vec<Option<Given<'t>>> = vec![None; args.len()];
    let mut rest = Vec::new();
    for given in args {
        match named(given) {
            Some((at, value)) if slots.get(at).is_some_and(Option::is_none) => {
                if let Some(slot) = slots.get_mut(at) {
                    *slot = Some(value);
                }
            }
            _ => rest.push(*given),
        }
    }
    let mut rest = rest.into_iter();
    slots
        .into_iter()
        .filter_map(|slot| slot.or_else(|| rest.next()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(args: &[&str]) -> Vec<String> {
        let params = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let given: Vec<Given<'_>> = args.iter().map(|arg| Given::Text(arg)).collect();
        in_order(&params, &given)
            .into_iter()
            .map(|given| match given {
                Given::Text(text) => text.to_owned(),
                Given::Json(json) => json.to_string(),
            })
            .collect()
    }

    #[test]
    fn named_arguments_go_to_their_names_and_others_fill_the_gaps() {
        assert_eq!(ordered(&["1", "2", "3"]), ["1", "2", "3"]);
        assert_eq!(ordered(&["c=3", "1", "2"]), ["1", "2", "3"]);
        assert_eq!(ordered(&["b=2", "1", "x=3"]), ["1", "2", "x=3"]);
        // A second value for a name is a value of its own, and will not fit.
        assert_eq!(ordered(&["b=2", "b=3", "1"]), ["b=3", "2", "1"]);
        assert_eq!(ordered(&["a==", "2", "3"]), ["=", "2", "3"]);
    }
}
