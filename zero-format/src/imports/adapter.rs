//! Components that were made from a preview 1 module by the adapter.
//!
//! The adapter is one more core module inside the component. It imports some functions for cases that the program
//! never reaches: whoever only sleeps gets an import of the wall clock. So a function that the adapter alone imports
//! counts only when the program imports something of the same kind from preview 1.

use std::collections::BTreeSet;

use super::table::{PREVIEW1, preview1, split_version};
use super::{Import, ImportClass};
use crate::capability::CapabilityKind;

/// What one core module inside a component imports and exports.
#[derive(Debug, Default)]
pub(super) struct CoreModule {
    pub(super) imports: Vec<(String, String)>,
    pub(super) exports_preview1: bool,
}

/// What the core modules of a component, taken together, say about its imports.
#[derive(Debug, Default)]
pub(super) struct Adapted {
    /// Kinds that the program needs of preview 1.
    kinds: BTreeSet<CapabilityKind>,
    /// What modules other than the adapter import, without versions.
    direct: BTreeSet<(String, String)>,
    /// What adapters import, without versions.
    by_adapter: BTreeSet<(String, String)>,
}

impl Adapted {
    pub(super) fn add(&mut self, module: CoreModule) {
        for (from, name) in module.imports {
            if from == PREVIEW1 {
                if let ImportClass::Needs(kind) = preview1(&name) {
                    self.kinds.insert(kind);
                }
            } else if let Some((interface, _)) = split_version(&from) {
                let import = (interface.to_owned(), name);
                let set = if module.exports_preview1 {
                    &mut self.by_adapter
                } else {
                    &mut self.direct
                };
                set.insert(import);
            }
        }
    }

    /// The import, neutral where only the adapter wants it.
    pub(super) fn judge(&self, import: Import) -> Import {
        let (Some(kind), Some((interface, _))) = (import.kind, split_version(&import.module))
        else {
            return import;
        };
        let function = (interface.to_owned(), import.name.clone());
        let adapter_only = self.by_adapter.contains(&function) && !self.direct.contains(&function);
        if adapter_only && !self.kinds.contains(&kind) {
            return Import {
                kind: None,
                class: ImportClass::Neutral,
                ..import
            };
        }
        import
    }
}
