//! Components: wrapping a preview-1 module, and reading back what a component exports.

use std::path::Path;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::{Function, FunctionKind, Handle, Resolve, Type, TypeDefKind, WorldId, WorldItem};

use super::exports::Found;
use crate::report::Failure;

/// Whether these bytes are a component: the fifth to eighth byte say so.
pub(super) fn is_component(wasm: &[u8]) -> bool {
    wasmparser::Parser::is_component(wasm)
}

/// Makes a component of a module that imports preview 1.
///
/// A module that brings no description of its world (wit-bindgen embeds one) gets the world of `wit`, if there is
/// one.
pub(super) fn wrap(
    module: &[u8],
    wit: Option<&Path>,
    world: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let mut module = module.to_vec();
    if let Some(wit) = wit.filter(|_| !describes_world(&module)) {
        let (resolve, package) = parse_wit(wit)?;
        let world = resolve.select_world(&[package], world).map_err(|error| {
            failed(
                &format!("cannot choose the world of {}", wit.display()),
                &error,
            )
            .hint("name it in Zero.toml: [build] world = \"NAME\"")
        })?;
        wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .map_err(|error| failed("cannot describe the module's world", &error))?;
    }
    let adapter = if exports_start(&module) {
        WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
    } else {
        WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
    };
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| {
            failed("cannot make a component of the module", &error).hint(
                "its imports and exports must be preview 1 and what the project's WIT world says",
            )
        })
}

/// anyhow-like errors of the wit crates, as causes.
fn failed(what: &str, error: &(impl std::fmt::Display + ?Sized)) -> Failure {
    // `{:#}` puts the whole chain in one line.
    Failure::failed(what).cause(format!("{error:#}"))
}

fn describes_world(module: &[u8]) -> bool {
    wasmparser::Parser::new(0).parse_all(module).any(|payload| {
        matches!(payload, Ok(wasmparser::Payload::CustomSection(section)) if section.name().starts_with("component-type"))
    })
}

fn exports_start(module: &[u8]) -> bool {
    wasmparser::Parser::new(0).parse_all(module).any(|payload| {
        let Ok(wasmparser::Payload::ExportSection(exports)) = payload else {
            return false;
        };
        exports
            .into_iter()
            .any(|export| export.is_ok_and(|export| export.name == "_start"))
    })
}

fn parse_wit(path: &Path) -> Result<(Resolve, wit_parser::PackageId), Failure> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(path).map_err(|error| {
        failed(
            &format!("cannot read the WIT of {}", path.display()),
            &error,
        )
    })?;
    Ok((resolve, package))
}

/// The functions that a component exports, with what its own WIT and the project's say about them. Interfaces of
/// WASI itself are left out.
pub(super) fn exports(component: &[u8], wit: Option<&Path>) -> Result<Vec<Found>, Failure> {
    let decoded = wit_component::decode(component)
        .map_err(|error| failed("cannot read the component's types", &error))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err(Failure::failed("the file is a WIT package, not a program"));
    };
    let mut found = functions(&resolve, world);
    if let Some(wit) = wit {
        // Compilers drop the comments on the way; the sources still have them.
        let (sources, _) = parse_wit(wit)?;
        for (_, interface) in &sources.interfaces {
            let Some(name) = interface.name.as_ref().zip(interface.package) else {
                continue;
            };
            let id = sources.id_of_name(name.1, name.0);
            for function in interface.functions.values() {
                document(&mut found, &format!("{id}#{}", function.name), function);
            }
        }
        for (_, world) in &sources.worlds {
            for item in world.exports.values() {
                if let WorldItem::Function(function) = item {
                    document(&mut found, &function.name, function);
                }
            }
        }
    }
    Ok(found)
}

fn document(found: &mut [Found], name: &str, function: &Function) {
    if let Some(export) = found
        .iter_mut()
        .find(|export| export.name == name && export.doc.is_none())
    {
        export.doc = docs(function);
    }
}

fn docs(function: &Function) -> Option<String> {
    function
        .docs
        .contents
        .as_deref()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

fn functions(resolve: &Resolve, world: WorldId) -> Vec<Found> {
    let mut found = Vec::new();
    let Some(world) = resolve.worlds.get(world) else {
        return found;
    };
    for (key, item) in &world.exports {
        match item {
            WorldItem::Interface { id, .. } => {
                let name = resolve.name_world_key(key);
                if name.starts_with("wasi:") {
                    continue;
                }
                let Some(interface) = resolve.interfaces.get(*id) else {
                    continue;
                };
                for function in interface
                    .functions
                    .values()
                    .filter(|function| is_plain(function))
                {
                    found.push(describe(
                        resolve,
                        &format!("{name}#{}", function.name),
                        function,
                    ));
                }
            }
            WorldItem::Function(function) if is_plain(function) => {
                found.push(describe(resolve, &function.name, function));
            }
            _ => {}
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found
}

/// Methods of resources cannot be called from outside one by one.
fn is_plain(function: &Function) -> bool {
    matches!(function.kind, FunctionKind::Freestanding)
}

fn describe(resolve: &Resolve, name: &str, function: &Function) -> Found {
    let params: Vec<(String, String)> = function
        .params
        .iter()
        .map(|param| (param.name.clone(), type_text(resolve, param.ty)))
        .collect();
    let result = function.result.map(|ty| type_text(resolve, ty));
    let list: Vec<String> = params
        .iter()
        .map(|(name, ty)| format!("{name}: {ty}"))
        .collect();
    let arrow = result
        .as_ref()
        .map(|ty| format!(" -> {ty}"))
        .unwrap_or_default();
    Found {
        name: name.to_owned(),
        short: function.name.clone(),
        ty: format!("func({}){arrow}", list.join(", ")),
        doc: docs(function),
        params,
        results: result.into_iter().collect(),
    }
}

/// A type as WIT writes it.
fn type_text(resolve: &Resolve, ty: Type) -> String {
    let inner = |ty: &Type| type_text(resolve, *ty);
    let id = match ty {
        Type::Bool => return String::from("bool"),
        Type::U8 => return String::from("u8"),
        Type::U16 => return String::from("u16"),
        Type::U32 => return String::from("u32"),
        Type::U64 => return String::from("u64"),
        Type::S8 => return String::from("s8"),
        Type::S16 => return String::from("s16"),
        Type::S32 => return String::from("s32"),
        Type::S64 => return String::from("s64"),
        Type::F32 => return String::from("f32"),
        Type::F64 => return String::from("f64"),
        Type::Char => return String::from("char"),
        Type::String => return String::from("string"),
        Type::ErrorContext => return String::from("error-context"),
        Type::Id(id) => id,
    };
    let Some(definition) = resolve.types.get(id) else {
        return String::from("unknown");
    };
    if let Some(name) = &definition.name {
        return name.clone();
    }
    let optional = |ty: &Option<Type>| ty.as_ref().map_or(String::from("_"), inner);
    match &definition.kind {
        TypeDefKind::Option(ty) => format!("option<{}>", inner(ty)),
        TypeDefKind::List(ty) => format!("list<{}>", inner(ty)),
        TypeDefKind::FixedLengthList(ty, length) => format!("list<{}, {length}>", inner(ty)),
        TypeDefKind::Map(key, value) => format!("map<{}, {}>", inner(key), inner(value)),
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (None, None) => String::from("result"),
            (Some(ok), None) => format!("result<{}>", inner(ok)),
            (ok, err) => format!("result<{}, {}>", optional(ok), optional(err)),
        },
        TypeDefKind::Tuple(tuple) => {
            format!(
                "tuple<{}>",
                tuple.types.iter().map(inner).collect::<Vec<_>>().join(", ")
            )
        }
        TypeDefKind::Handle(Handle::Own(id)) => type_text(resolve, Type::Id(*id)),
        TypeDefKind::Handle(Handle::Borrow(id)) => {
            format!("borrow<{}>", type_text(resolve, Type::Id(*id)))
        }
        TypeDefKind::Type(ty) => inner(ty),
        other => other.as_str().to_owned(),
    }
}
