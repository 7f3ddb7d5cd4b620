//! The arguments of an export of a module, by its own type and the names that are documented.

use wasmtime::{Module, Val};
use zero_format::Export;

use super::{RunError, Runner};
use crate::value::Value;

impl Runner<'_> {
    /// Reads the arguments of an export by its own type; those with documented names may be `NAME=VALUE`.
    pub(super) fn values(
        &self,
        module: &Module,
        export: &str,
        args: &[String],
    ) -> Result<Vec<Val>, RunError> {
        let Some(ty) = module.get_export(export).and_then(|ty| ty.func().cloned()) else {
            let exports = functions(module);
            return Err(RunError::NoExport {
                export: export.to_owned(),
                exports,
            });
        };
        let documented = self.program.metadata().export(export);
        let usage = usage(export, documented, &ty);
        let expected = ty.params().len();
        if args.len() != expected {
            let (export, given) = (export.to_owned(), args.len());
            return Err(RunError::Arguments {
                export,
                expected,
                given,
                usage,
            });
        }
        let ordered = in_order(documented, args);
        let parse = |(ty, text): (_, &&str)| Value::parse(text, &ty).map(Value::to_val);
        let values: Result<_, _> = ty.params().zip(&ordered).map(parse).collect();
        values.map_err(|source| RunError::Argument {
            export: export.to_owned(),
            source,
            usage,
        })
    }
}

pub(super) fn functions(module: &Module) -> Vec<String> {
    let functions = module
        .exports()
        .filter(|export| export.ty().func().is_some());
    functions.map(|export| export.name().to_owned()).collect()
}

fn usage(export: &str, documented: Option<&Export>, ty: &wasmtime::FuncType) -> String {
    let mut text = format!("{export} takes");
    for (at, ty) in ty.params().enumerate() {
        let name = documented
            .and_then(|export| export.params.get(at))
            .map(|param| param.name.as_str());
        text.push_str(&name.map_or_else(|| format!(" {ty}"), |name| format!(" {name}:{ty}")));
    }
    if ty.params().len() == 0 {
        text.push_str(" no arguments");
    }
    text
}

/// Arguments in the order of the parameters: `NAME=VALUE` goes to its name, the others fill the gaps.
fn in_order<'t>(documented: Option<&Export>, args: &'t [String]) -> Vec<&'t str> {
    let Some(export) = documented.filter(|export| export.params.len() == args.len()) else {
        return args.iter().map(String::as_str).collect();
    };
    let at = |name: &str| export.params.iter().position(|param| param.name == name);
    let named = |text: &'t str| {
        text.split_once('=')
            .and_then(|(name, value)| Some((at(name)?, value)))
    };
    let mut slots: Vec<Option<&str>> = vec![None; args.len()];
    let mut rest = Vec::new();
    for text in args {
        match named(text) {
            Some((at, value)) if slots.get(at) == Some(&None) => {
                if let Some(slot) = slots.get_mut(at) {
                    *slot = Some(value);
                }
            }
            _ => rest.push(text.as_str()),
        }
    }
    let mut rest = rest.into_iter();
    slots
        .into_iter()
        .filter_map(|slot| slot.or_else(|| rest.next()))
        .collect()
}
