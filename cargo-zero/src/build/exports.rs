//! What a program exports, and what its author says about it: together the `exports` of the metadata.

use std::path::Path;

use wasmparser::{ExternalKind, FuncType, Parser, Payload, TypeRef, ValType};
use zero_format::{Export, ExportSpec};

use super::component;
use crate::report::Failure;

/// An exported function, as the binary and the WIT describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The full name: `add`, or `local:math/numbers#add` in a component.
    pub(super) name: String,
    /// The function's own name.
    pub(super) short: String,
    /// Its type in text.
    pub(super) ty: String,
    /// What its WIT says.
    pub(super) doc: Option<String>,
    /// Names and types of what it takes.
    pub(super) params: Vec<(String, String)>,
    /// The types of what it returns.
    pub(super) results: Vec<String>,
}

/// The exports of a module or component with the documentation of Zero.toml (and of WIT, for a component).
pub(super) fn describe(
    wasm: &[u8],
    specs: &[ExportSpec],
    wit: Option<&Path>,
) -> Result<Vec<Export>, Failure> {
    let component = component::is_component(wasm);
    let found = if component {
        component::exports(wasm, wit)?
    } else {
        functions(wasm)?
    };
    let mut exports: Vec<(Found, Option<&ExportSpec>)> =
        found.into_iter().map(|export| (export, None)).collect();
    for spec in specs {
        let name = &spec.name;
        let matching: Vec<usize> = exports
            .iter()
            .enumerate()
            .filter(|(_, (export, _))| export.name == *name || export.short == *name)
            .map(|(index, _)| index)
            .collect();
        match matching.as_slice() {
            [index] => {
                if let Some((_, slot)) = exports.get_mut(*index) {
                    *slot = Some(spec);
                }
            }
            [] => return Err(unknown(name, &exports)),
            _ => {
                return Err(
                    Failure::failed(format!("several interfaces export `{name}`")).hint(format!(
                        "write the full name in Zero.toml: [exports.\"{}\"]",
                        exports
                            .iter()
                            .find(|(export, _)| export.short == *name)
                            .map_or("", |(export, _)| &export.name)
                    )),
                );
            }
        }
    }
    // A command's helper functions are nobody's interface; what is documented, or a library's, is.
    let command = !component && has_start(wasm)?;
    exports
        .into_iter()
        .filter(|(_, spec)| spec.is_some() || !command)
        .map(|(export, spec)| merge(export, spec))
        .collect()
}

fn unknown(name: &str, exports: &[(Found, Option<&ExportSpec>)]) -> Failure {
    let names: Vec<&str> = exports
        .iter()
        .map(|(export, _)| export.short.as_str())
        .collect();
    let hint = if names.is_empty() {
        String::from("the program exports no function; remove the table from Zero.toml")
    } else {
        format!("it exports {}", names.join(", "))
    };
    Failure::failed(format!(
        "[exports.{name}] in Zero.toml describes a function that the program does not export"
    ))
    .hint(hint)
}

fn merge(found: Found, spec: Option<&ExportSpec>) -> Result<Export, Failure> {
    let types: Vec<String> = found.params.iter().map(|(_, ty)| ty.clone()).collect();
    let silent = ExportSpec::default();
    let spec = spec.unwrap_or(&silent);
    let mut export = spec
        .typed(&found.ty, &types, &found.results)
        .map_err(|error| {
            Failure::failed(format!(
                "[exports.{}] in Zero.toml does not fit the function",
                found.short
            ))
            .because(&error)
            .hint(format!("its type is {}", found.ty))
        })?;
    export.name = found.name;
    export.doc = export.doc.or(found.doc);
    if spec.params.is_empty() {
        // WIT names its parameters.
        for (param, (name, _)) in export.params.iter_mut().zip(found.params) {
            param.name = name;
        }
    }
    Ok(export)
}

/// The exported functions of a core module, without the entries that WASI defines.
fn functions(wasm: &[u8]) -> Result<Vec<Found>, Failure> {
    let failed = |error| Failure::failed("cannot read the module").because(&error);
    let mut types: Vec<Option<FuncType>> = Vec::new();
    let mut signatures: Vec<u32> = Vec::new();
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(failed)? {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group.map_err(failed)?.into_types() {
                        types.push(match ty.composite_type.inner {
                            wasmparser::CompositeInnerType::Func(function) => Some(function),
                            _ => None,
                        });
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(index) | TypeRef::FuncExact(index) =
                        import.map_err(failed)?.ty
                    {
                        signatures.push(index);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for index in section {
                    signatures.push(index.map_err(failed)?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(failed)?;
                    if export.kind != ExternalKind::Func || is_internal(export.name) {
                        continue;
                    }
                    let at = |index: u32| usize::try_from(index).ok();
                    let ty = at(export.index)
                        .and_then(|index| signatures.get(index))
                        .copied();
                    let ty = ty
                        .and_then(at)
                        .and_then(|index| types.get(index))
                        .and_then(Option::as_ref);
                    if let Some(ty) = ty {
                        found.push(function(export.name, ty));
                    }
                }
            }
            _ => {}
        }
    }
    found.sort_by(|left: &Found, right| left.name.cmp(&right.name));
    Ok(found)
}

/// Entries and helpers that toolchains export for the runtime's use.
fn is_internal(name: &str) -> bool {
    matches!(name, "_start" | "_initialize") || name.starts_with("__") || name.starts_with("cabi_")
}

fn has_start(wasm: &[u8]) -> Result<bool, Failure> {
    for payload in Parser::new(0).parse_all(wasm) {
        let payload =
            payload.map_err(|error| Failure::failed("cannot read the module").because(&error))?;
        if let Payload::ExportSection(section) = payload {
            return Ok(section
                .into_iter()
                .any(|export| export.is_ok_and(|export| export.name == "_start")));
        }
    }
    Ok(false)
}

fn function(name: &str, ty: &FuncType) -> Found {
    let text = |list: &[ValType]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (params, results) = (text(ty.params()), text(ty.results()));
    let arrow = match results.as_slice() {
        [] => String::new(),
        [one] => format!(" -> {one}"),
        several => format!(" -> ({})", several.join(", ")),
    };
    Found {
        name: name.to_owned(),
        short: name.to_owned(),
        ty: format!("({}){arrow}", params.join(", ")),
        doc: None,
        params: params
            .into_iter()
            .enumerate()
            .map(|(index, ty)| (format!("p{index}"), ty))
            .collect(),
        results,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(text: &str, specs: &[ExportSpec]) -> Result<Vec<Export>, Failure> {
        describe(&wat::parse_str(text).unwrap(), specs, None)
    }

    const LIBRARY: &str = r#"(module
        (import "env" "f" (func $f (param i64)))
        (memory (export "memory") 1)
        (func (export "_initialize"))
        (func (export "add") (param i32 i32) (result i32) local.get 0)
        (func (export "pair") (result i32 f64) i32.const 1 f64.const 2))"#;

    #[test]
    fn a_library_lists_its_functions_with_their_types() {
        let found: Vec<_> = exports(LIBRARY, &[])
            .unwrap()
            .into_iter()
            .map(|export| (export.name, export.ty))
            .collect();
        let text = |name: &str, ty: &str| (name.to_owned(), ty.to_owned());
        assert_eq!(
            found,
            [
                text("add", "(i32, i32) -> i32"),
                text("pair", "() -> (i32, f64)")
            ]
        );
    }

    #[test]
    fn a_command_lists_only_what_is_documented() {
        let text = LIBRARY.replace("_initialize", "_start");
        assert!(exports(&text, &[]).unwrap().is_empty());
        let spec = ExportSpec {
            name: String::from("add"),
            doc: Some(String::from("adds")),
            ..ExportSpec::default()
        };
        let found = exports(&text, &[spec]).unwrap();
        assert_eq!((found.len(), found[0].doc.as_deref()), (1, Some("adds")));
    }

    #[test]
    fn a_description_of_nothing_is_an_error() {
        let spec = ExportSpec {
            name: String::from("sub"),
            ..ExportSpec::default()
        };
        assert!(exports(LIBRARY, &[spec]).is_err());
    }
}
