//! Types and macros of the repository that a function uses, as they stand in the source.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;

use clang_sys as c;

use super::libclang::{Cursor, Extent};
use super::walk::Sources;
use crate::limits;

/// Where macros are defined and used.
#[derive(Default)]
pub(super) struct Macros {
    definitions: HashMap<String, Extent>,
    uses: Vec<(Extent, String)>,
}

impl Macros {
    /// Remembers a node of the preprocessor.
    pub(super) fn add(&mut self, cursor: Cursor<'_>) {
        if cursor.kind() == c::CXCursor_MacroDefinition {
            self.definitions.insert(cursor.name(), cursor.extent());
        } else {
            self.uses.push((cursor.extent(), cursor.name()));
        }
    }

    fn within(&self, extent: &Extent) -> impl Iterator<Item = &Extent> {
        let (file, range) = (&extent.start.file, extent.start.offset..=extent.end.offset);
        self.uses
            .iter()
            .filter(move |(place, _)| {
                place.start.file == *file && range.contains(&place.start.offset)
            })
            .filter_map(|(_, name)| self.definitions.get(name))
    }
}

/// The texts, in the order of the source.
pub(super) fn of(
    function: Cursor<'_>,
    extent: &Extent,
    macros: &Macros,
    sources: &mut Sources,
) -> Vec<String> {
    let mut found = Found::default();
    for definition in macros.within(extent) {
        found.add(definition, "#define ", sources);
    }
    let mut open = vec![function];
    while let Some(cursor) = open.pop() {
        let mut next = Vec::new();
        cursor.visit(|below| {
            if let Some(declaration) = declaration(below)
                && found.add(&declaration.extent(), "", sources)
            {
                next.push(declaration);
            }
            if found.is_full() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(true)
            }
        });
        open.extend(next);
    }
    found.texts.into_values().collect()
}

/// The type, constant or variable that a reference names.
fn declaration(cursor: Cursor<'_>) -> Option<Cursor<'_>> {
    let kind = cursor.kind();
    if kind != c::CXCursor_TypeRef && kind != c::CXCursor_DeclRefExpr {
        return None;
    }
    let declaration = cursor.referenced()?;
    matches!(
        declaration.kind(),
        c::CXCursor_StructDecl
            | c::CXCursor_UnionDecl
            | c::CXCursor_EnumDecl
            | c::CXCursor_TypedefDecl
    )
    .then_some(declaration)
}

#[derive(Default)]
struct Found {
    seen: HashSet<(String, usize)>,
    texts: BTreeMap<(String, usize), String>,
}

impl Found {
    fn is_full(&self) -> bool {
        self.texts.len() >= limits::DEPENDENCIES
    }

    /// Whether it is new and of the repository.
    fn add(&mut self, extent: &Extent, before: &str, sources: &mut Sources) -> bool {
        let Some(file) = &extent.start.file else {
            return false;
        };
        let key = (file.clone(), extent.start.offset);
        if self.is_full() || !self.seen.insert(key) {
            return false;
        }
        let Some((path, text)) = sources.text(extent) else {
            return false;
        };
        self.texts
            .insert((path, extent.start.offset), format!("{before}{text}"));
        true
    }
}
