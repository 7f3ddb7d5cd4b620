//! Walks a translation unit and collects its function definitions.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clang_sys as c;

use super::dependencies::{self, Macros};
use super::doc::Doc;
use super::libclang::{Cursor, Extent, Library, Storage, Unit};
use super::shape::Shape;
use super::{CType, Extraction, Function, Linkage, Missing, Parameter, Request};

/// The repository's files as they are needed: their paths from its root, and their bytes.
pub(super) struct Sources {
    root: PathBuf,
    files: HashMap<String, Option<(String, Vec<u8>)>>,
}

impl Sources {
    fn file(&mut self, name: &str) -> Option<&(String, Vec<u8>)> {
        let root = &self.root;
        self.files
            .entry(name.to_owned())
            .or_insert_with(|| read(root, name))
            .as_ref()
    }

    /// The path and the text of what stands in a file of the repository.
    pub(super) fn text(&mut self, extent: &Extent) -> Option<(String, String)> {
        let (path, bytes) = self.file(extent.start.file.as_deref()?)?;
        let bytes = bytes.get(extent.start.offset..extent.end.offset)?;
        Some((path.clone(), String::from_utf8_lossy(bytes).into_owned()))
    }
}

fn read(root: &Path, name: &str) -> Option<(String, Vec<u8>)> {
    let path = std::fs::canonicalize(name).ok()?;
    let inside = path.strip_prefix(root).ok()?;
    let inside = inside.to_str()?.replace('\\', "/");
    Some((inside, std::fs::read(&path).ok()?))
}

/// Reads one unit.
///
/// # Errors
/// When libclang crashed: what comes after would not be worth much.
pub(super) fn extract(library: &Library, request: &Request) -> io::Result<Extraction> {
    let Some(unit) = library.parse(&request.path, &request.args)? else {
        return Ok(Extraction {
            error: Some(String::from("clang cannot read it")),
            ..Extraction::default()
        });
    };
    let mut extraction = Extraction::default();
    errors(&unit, &mut extraction);
    if extraction.missing.is_none() {
        extraction.functions = functions(&unit, Path::new(&request.root));
    }
    Ok(extraction)
}

fn errors(unit: &Unit<'_>, extraction: &mut Extraction) {
    for error in unit.errors() {
        // The one message that has to be understood; it has had this form in every release.
        let missing = error
            .text
            .strip_suffix("' file not found")
            .and_then(|text| text.strip_prefix('\''));
        if let Some(header) = missing {
            extraction.missing = Some(Missing {
                header: header.to_owned(),
                from: error.file.clone().unwrap_or_default(),
            });
        }
        if extraction.error.is_none() {
            let file = error.file.as_deref().map(Path::new);
            let name = file.and_then(Path::file_name).unwrap_or_default();
            let place = format!("{}:{}", name.to_string_lossy(), error.line);
            extraction.error = Some(format!("{place}: {}", error.text));
        }
    }
}

fn functions(unit: &Unit<'_>, root: &Path) -> Vec<Function> {
    let mut macros = Macros::default();
    let mut definitions = Vec::new();
    let mut declarations: HashMap<String, Vec<Cursor<'_>>> = HashMap::new();
    unit.root().visit(|cursor| {
        match cursor.kind() {
            _ if cursor.in_system_header() => {}
            c::CXCursor_MacroDefinition | c::CXCursor_MacroExpansion => macros.add(cursor),
            c::CXCursor_FunctionDecl if cursor.is_definition() => definitions.push(cursor),
            c::CXCursor_FunctionDecl => {
                declarations.entry(cursor.name()).or_default().push(cursor);
            }
            _ => {}
        }
        ControlFlow::Continue(false)
    });
    let mut sources = Sources {
        root: root.to_owned(),
        files: HashMap::new(),
    };
    definitions
        .into_iter()
        .filter_map(|cursor| {
            let others = declarations.get(&cursor.name());
            let doc = documentation(cursor, others.map_or(&[], Vec::as_slice))?;
            function(cursor, doc, &macros, &mut sources)
        })
        .collect()
}

/// What says most about a function: a comment at its definition may only say which group it belongs to.
fn documentation(definition: Cursor<'_>, others: &[Cursor<'_>]) -> Option<Doc> {
    // Most functions are not documented; nothing else of those is needed.
    let own = Doc::of(definition)?;
    if own.says_something() {
        return Some(own);
    }
    let mut docs = others.iter().filter_map(|cursor| Doc::of(*cursor));
    Some(docs.find(Doc::says_something).unwrap_or(own))
}

fn function(
    cursor: Cursor<'_>,
    doc: Doc,
    macros: &Macros,
    sources: &mut Sources,
) -> Option<Function> {
    let extent = cursor.extent();
    let (path, source) = sources.text(&extent)?;
    let dependencies = dependencies::of(cursor, &extent, macros, sources);
    let ty = cursor.ty();
    Some(Function {
        name: cursor.name(),
        symbol: cursor.symbol(),
        signature: cursor.declaration(),
        path,
        line_start: extent.start.line,
        line_end: extent.end.line,
        source,
        dependencies,
        params: cursor
            .params()
            .into_iter()
            .map(|param| Parameter {
                name: param.name(),
                ty: CType {
                    ctype: param.ty().spelling(),
                    shape: Shape::of_parameter(param.ty()),
                },
            })
            .collect(),
        result: ctype(ty.result()),
        variadic: ty.is_variadic(),
        linkage: match cursor.storage() {
            Storage::Static => Linkage::Static,
            Storage::None if cursor.is_inline() => Linkage::Inline,
            Storage::None | Storage::Extern => Linkage::External,
        },
        doc,
    })
}

fn ctype(ty: super::libclang::Type<'_>) -> CType {
    CType {
        ctype: ty.spelling(),
        shape: Shape::of(ty),
    }
}
