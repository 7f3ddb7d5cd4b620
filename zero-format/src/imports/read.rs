//! Reading imports out of WebAssembly: the import section of a core module, the instance types of a component.

use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::TypesRef;
use wasmparser::{
    BinaryReaderError, Encoding, Parser, Payload, ValidPayload, Validator, WasmFeatures,
};

use super::adapter::{Adapted, CoreModule};
use super::table::preview1;
use super::{Import, ImportClass, ImportsError};

impl From<BinaryReaderError> for ImportsError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Malformed {
            offset: error.offset(),
            message: error.message().to_owned(),
        }
    }
}

/// What a core module or a component imports, sorted, each import once.
///
/// # Errors
/// [`ImportsError`] when the bytes are no WebAssembly. Function bodies are not looked at.
pub fn required_imports(wasm: &[u8]) -> Result<Vec<Import>, ImportsError> {
    let mut imports = if Parser::is_component(wasm) {
        component(wasm)?
    } else {
        module(wasm)?
    };
    imports.sort();
    imports.dedup();
    Ok(imports)
}

fn module(wasm: &[u8]) -> Result<Vec<Import>, ImportsError> {
    let mut imports = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    imports.push(match import.ty {
                        wasmparser::TypeRef::Func(_) => Import::core(import.module, import.name),
                        _ => Import::new(import.module, import.name, ImportClass::Unknown),
                    });
                }
            }
            Payload::End(_) => return Ok(imports),
            _ => {}
        }
    }
    Err(ImportsError::Truncated)
}

fn component(wasm: &[u8]) -> Result<Vec<Import>, ImportsError> {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut modules: Vec<Option<CoreModule>> = Vec::new();
    let mut adapted = Adapted::default();
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        let valid = validator.payload(&payload)?;
        match payload {
            Payload::Version { encoding, .. } => {
                modules.push((encoding == Encoding::Module).then(CoreModule::default));
            }
            Payload::ComponentImportSection(section) if modules.len() == 1 => {
                for import in section {
                    names.push(import?.name.name);
                }
            }
            Payload::ImportSection(section) => {
                if let Some(Some(module)) = modules.last_mut() {
                    for import in section.into_imports() {
                        let import = import?;
                        module
                            .imports
                            .push((import.module.to_owned(), import.name.to_owned()));
                    }
                }
            }
            Payload::ExportSection(section) => {
                if let Some(Some(module)) = modules.last_mut() {
                    for export in section {
                        module.exports_preview1 |= preview1(export?.name) != ImportClass::Unknown;
                    }
                }
            }
            Payload::End(_) => {
                if let Some(Some(module)) = modules.pop() {
                    adapted.add(module);
                }
                if let (ValidPayload::End(types), true) = (valid, modules.is_empty()) {
                    return Ok(functions(&names, types.as_ref(), &adapted));
                }
            }
            _ => {}
        }
    }
    Err(ImportsError::Truncated)
}

/// The functions behind a component's imports.
fn functions(names: &[&str], types: TypesRef<'_>, adapted: &Adapted) -> Vec<Import> {
    let mut imports = Vec::new();
    for name in names {
        match types.component_item_for_import(name).map(|item| item.ty) {
            // A type carries no authority.
            Some(ComponentEntityType::Type { .. }) => {}
            Some(ComponentEntityType::Instance(id)) => {
                let Some(instance) = types.get(id) else {
                    continue;
                };
                for (function, item) in &instance.exports {
                    match item.ty {
                        ComponentEntityType::Type { .. } => {}
                        ComponentEntityType::Func(_) => {
                            imports.push(adapted.judge(Import::component(name, function)));
                        }
                        _ => imports.push(Import::new(name, function, ImportClass::Unknown)),
                    }
                }
            }
            _ => imports.push(Import::new("", name, ImportClass::Unknown)),
        }
    }
    imports
}
