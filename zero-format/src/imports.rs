//! What a program imports, and which capability each import needs.
//!
//! Specification: `spec/capabilities.md`, section "Imports". An import says *kind*, the manifest says *scope*: the
//! comparison tells an author what is missing from `Zero.toml`. It protects nobody by itself: at run time a program
//! gets what was declared and granted, whatever it imports.
//!
//! The judgement is by function, not by interface. What obtains authority (opens a path, makes a socket, reads a
//! clock) needs a capability; what works on a handle that must have been obtained before is neutral, and so is what
//! is harmless when nothing was granted: arguments, standard streams, exit, waiting, an empty list of folders.

use core::fmt;
use std::collections::BTreeMap;

use crate::capability::{Capabilities, CapabilityKind};

mod adapter;
mod read;
mod table;
#[cfg(test)]
mod tests;

pub use read::required_imports;

/// How an import relates to the capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImportClass {
    /// It must be declared.
    Needs(CapabilityKind),
    /// It needs no declaration.
    Neutral,
    /// Zero does not provide it.
    Unknown,
    /// It needs no declaration and gives nothing without one, such as the list of environment variables.
    Uses(CapabilityKind),
}

/// One function, or other item, that a program imports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Import {
    /// The module, `wasi_snapshot_preview1`, or the interface, `wasi:filesystem/types@0.2.6`; empty when a component
    /// imports a function of its own.
    pub module: String,
    /// The function: `path_open`, `[method]descriptor.open-at`.
    pub name: String,
    /// The capability that must be declared for it.
    pub kind: Option<CapabilityKind>,
    /// How it was classified.
    pub class: ImportClass,
}

impl Import {
    /// The import of a function by a core module.
    pub fn core(module: &str, name: &str) -> Self {
        Self::new(module, name, table::core(module, name))
    }

    /// The import of a function by a component, through an interface.
    pub fn component(interface: &str, name: &str) -> Self {
        Self::new(interface, name, table::component(interface, name))
    }

    fn new(module: &str, name: &str, class: ImportClass) -> Self {
        let kind = match class {
            ImportClass::Needs(kind) => Some(kind),
            ImportClass::Neutral | ImportClass::Unknown | ImportClass::Uses(_) => None,
        };
        Self {
            module: module.to_owned(),
            name: name.to_owned(),
            kind,
            class,
        }
    }

    /// For an unknown import: what the author can do.
    pub fn hint(&self) -> Option<&'static str> {
        if self.class != ImportClass::Unknown {
            return None;
        }
        Some(match self.module.as_str() {
            "wasi_unstable" => {
                "this is WASI of 2019: rebuild with a current toolchain for wasm32-wasip1 or wasm32-wasip2"
            }
            "wbg" | "__wbindgen_placeholder__" => {
                "this is built for JavaScript: drop wasm-bindgen and build for wasm32-wasip1 or wasm32-wasip2"
            }
            "env" => {
                "it is undefined in the program: link the library that defines it, or remove the call"
            }
            module if module.starts_with("wasi:") && table::version_is_known(module) => {
                "Zero does not provide this function to this sort of program; a component gets wasi:cli, io, clocks, \
                 filesystem, random, sockets and http"
            }
            module if module.starts_with("wasi:") => {
                "Zero provides WASI 0.2 and 0.3: rebuild with a current toolchain"
            }
            _ => "Zero provides WASI only: link what the program needs into it",
        })
    }
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.module.is_empty() {
            write!(f, "{}", self.name.escape_debug())
        } else {
            write!(
                f,
                "{}#{}",
                self.module.escape_debug(),
                self.name.escape_debug()
            )
        }
    }
}

/// Why the imports of a program could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportsError {
    /// The bytes are no valid WebAssembly.
    #[error("read the imports: {message} (at byte {offset})")]
    Malformed {
        /// Where.
        offset: usize,
        /// What is wrong there.
        message: String,
    },
    /// The bytes end early.
    #[error("read the imports: the program is cut short")]
    Truncated,
}

/// A kind of capability that a program needs and its manifest does not declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeclared {
    /// The kind.
    pub kind: CapabilityKind,
    /// The imports that need it; never empty.
    pub imports: Vec<Import>,
    /// The line to add under `[capabilities]` in `Zero.toml`.
    pub line: &'static str,
}

impl fmt::Display for Undeclared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = self.imports.len().saturating_sub(1);
        if let Some(first) = self.imports.first() {
            write!(f, "the program imports `{first}`")?;
        }
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        write!(
            f,
            ", which the capability `{}` covers, and Zero.toml does not declare it",
            self.kind
        )
    }
}

/// The comparison of a program's imports with its declaration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// What is imported and not declared: errors, one for each kind.
    pub undeclared: Vec<Undeclared>,
    /// What is declared and no import can use: warnings.
    pub unused: Vec<CapabilityKind>,
    /// What Zero does not provide: errors.
    pub unknown: Vec<Import>,
}

impl ImportReport {
    /// Whether nothing is wrong. Unused declarations are no fault.
    pub fn is_ok(&self) -> bool {
        self.undeclared.is_empty() && self.unknown.is_empty()
    }
}

/// Compares imports with a declaration.
///
/// ```
/// use zero_format::{Capabilities, Import, check_imports};
///
/// let imports = [Import::core("wasi_snapshot_preview1", "random_get")];
/// let report = check_imports(&imports, &Capabilities::default());
/// assert_eq!(report.undeclared[0].line, "random = true");
/// ```
pub fn check_imports(imports: &[Import], declared: &Capabilities) -> ImportReport {
    let declared = declared.kinds();
    let mut undeclared: BTreeMap<CapabilityKind, Vec<Import>> = BTreeMap::new();
    let mut unused = declared.clone();
    let mut unknown = Vec::new();
    for import in imports {
        match import.class {
            ImportClass::Needs(kind) => {
                unused.remove(&kind);
                if !declared.contains(&kind) {
                    undeclared.entry(kind).or_default().push(import.clone());
                }
            }
            ImportClass::Uses(kind) => {
                unused.remove(&kind);
            }
            ImportClass::Neutral => {}
            ImportClass::Unknown => unknown.push(import.clone()),
        }
    }
    let undeclared = undeclared
        .into_iter()
        .map(|(kind, imports)| Undeclared {
            kind,
            imports,
            line: declaration(kind),
        })
        .collect();
    ImportReport {
        undeclared,
        unused: unused.into_iter().collect(),
        unknown,
    }
}

/// A declaration of this kind, ready to be completed by its author.
fn declaration(kind: CapabilityKind) -> &'static str {
    match kind {
        CapabilityKind::Clock => r#"clock = ["monotonic", "wall"]"#,
        CapabilityKind::Env => r#"env = ["LANG"]"#,
        CapabilityKind::Fs => {
            r#"fs = [{ from = "args", access = "read", reason = "reads the files you name" }]"#
        }
        CapabilityKind::Http => {
            r#"http = [{ url = "https://example.org/*", reason = "fetches …" }]"#
        }
        CapabilityKind::Net => {
            r#"net = [{ host = "example.org", ports = [443], reason = "talks to …" }]"#
        }
        CapabilityKind::Random => "random = true",
    }
}
