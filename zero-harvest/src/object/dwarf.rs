//! What debug information calls the parameters and variables that live in a function's locals.

use std::collections::{HashMap, HashSet};

use gimli::{
    AttributeValue, DW_AT_abstract_origin, DW_AT_location, DW_AT_low_pc, DW_AT_name,
    DW_TAG_formal_parameter, DW_TAG_subprogram, DW_TAG_variable, Dwarf, EndianSlice, LittleEndian,
    Operation, SectionId, Unit, UnitOffset,
};

use super::{Object, Origin};

type Slice<'a> = EndianSlice<'a, LittleEndian>;
type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;

/// The debug sections of an object.
#[derive(Default)]
pub(super) struct Sections<'a>(HashMap<&'a str, &'a [u8]>);

impl<'a> Sections<'a> {
    pub(super) fn add(&mut self, name: &'a str, bytes: &'a [u8]) {
        if name.starts_with(".debug_") {
            self.0.insert(name, bytes);
        }
    }
}

/// Names of locals, by the function that holds an address.
struct Names {
    function: usize,
    locals: Vec<(u32, Box<str>)>,
}

/// Gives each function the names of its locals. Debug information that cannot be read costs names, nothing else.
pub(super) fn name_locals(object: &mut Object, sections: &Sections<'_>) {
    if sections.0.is_empty() {
        return;
    }
    let Ok(found) = collect(object, sections) else {
        return;
    };
    for names in found {
        if let Some(function) = object.functions.get_mut(names.function)
            && let Origin::Body { locals, .. } = &mut function.origin
        {
            *locals = unique(names.locals);
        }
    }
}

/// Text cannot give two locals one name: a second one is numbered.
fn unique(mut locals: Vec<(u32, Box<str>)>) -> Vec<(u32, Box<str>)> {
    // The first variable that lived in a local names it: that is the parameter, where there is one.
    locals.sort_by_key(|(index, _)| *index);
    locals.dedup_by_key(|(index, _)| *index);
    let mut taken = HashSet::new();
    for (_, name) in &mut locals {
        let mut count = 1;
        let base = name.clone();
        while !taken.insert(name.clone()) {
            count += 1;
            *name = format!("{base}.{count}").into();
        }
    }
    locals
}

fn collect(object: &Object, sections: &Sections<'_>) -> gimli::Result<Vec<Names>> {
    let dwarf = Dwarf::load(|id: SectionId| {
        let bytes = sections.0.get(id.name()).copied().unwrap_or_default();
        Ok::<_, gimli::Error>(EndianSlice::new(bytes, LittleEndian))
    })?;
    let mut found = Vec::new();
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        let unit = dwarf.unit(header)?;
        walk(&dwarf, &unit, object, &mut found)?;
    }
    Ok(found)
}

fn walk(
    dwarf: &Dwarf<Slice<'_>>,
    unit: &Unit<Slice<'_>>,
    object: &Object,
    found: &mut Vec<Names>,
) -> gimli::Result<()> {
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        if entry.tag() == DW_TAG_subprogram {
            if let Some(function) = function_at(dwarf, unit, object, entry)? {
                found.push(Names {
                    function,
                    locals: Vec::new(),
                });
            }
            continue;
        }
        if entry.tag() != DW_TAG_formal_parameter && entry.tag() != DW_TAG_variable {
            continue;
        }
        let Some(names) = found.last_mut() else {
            continue;
        };
        if let (Some(local), Some(name)) = (local(dwarf, unit, entry)?, name(dwarf, unit, entry)?) {
            names.locals.push((local, name));
        }
    }
    Ok(())
}

fn function_at(
    dwarf: &Dwarf<Slice<'_>>,
    unit: &Unit<Slice<'_>>,
    object: &Object,
    entry: &Entry<'_>,
) -> gimli::Result<Option<usize>> {
    let Some(value) = entry.attr_value(DW_AT_low_pc) else {
        return Ok(None);
    };
    let Some(address) = dwarf.attr_address(unit, value)? else {
        return Ok(None);
    };
    // The address is that of the body, or of its size before it: either way this is the first body that ends later.
    Ok(object
        .functions
        .iter()
        .position(|function| match &function.origin {
            Origin::Body { range, .. } => {
                usize::try_from(address).is_ok_and(|address| address < range.end)
            }
            Origin::Import { .. } => false,
        }))
}

/// The first local that holds the variable.
fn local(
    dwarf: &Dwarf<Slice<'_>>,
    unit: &Unit<Slice<'_>>,
    entry: &Entry<'_>,
) -> gimli::Result<Option<u32>> {
    let Some(value) = entry.attr_value(DW_AT_location) else {
        return Ok(None);
    };
    if let AttributeValue::Exprloc(expression) = value {
        return wasm_local(unit, expression);
    }
    if let Some(mut locations) = dwarf.attr_locations(unit, value)? {
        while let Some(location) = locations.next()? {
            if let Some(local) = wasm_local(unit, location.data)? {
                return Ok(Some(local));
            }
        }
    }
    Ok(None)
}

fn wasm_local(
    unit: &Unit<Slice<'_>>,
    expression: gimli::Expression<Slice<'_>>,
) -> gimli::Result<Option<u32>> {
    let mut operations = expression.operations(unit.encoding());
    Ok(match operations.next()? {
        Some(Operation::WasmLocal { index }) => Some(index),
        _ => None,
    })
}

/// The variable's name, or that of the inlined one that it is an instance of.
fn name(
    dwarf: &Dwarf<Slice<'_>>,
    unit: &Unit<Slice<'_>>,
    entry: &Entry<'_>,
) -> gimli::Result<Option<Box<str>>> {
    if let Some(value) = entry.attr_value(DW_AT_name) {
        let text = dwarf.attr_string(unit, value)?;
        return Ok(Some(text.to_string_lossy().into()));
    }
    let Some(AttributeValue::UnitRef(offset)) = entry.attr_value(DW_AT_abstract_origin) else {
        return Ok(None);
    };
    name_at(dwarf, unit, offset)
}

fn name_at(
    dwarf: &Dwarf<Slice<'_>>,
    unit: &Unit<Slice<'_>>,
    offset: UnitOffset,
) -> gimli::Result<Option<Box<str>>> {
    let entry = unit.entry(offset)?;
    let Some(value) = entry.attr_value(DW_AT_name) else {
        return Ok(None);
    };
    let text = dwarf.attr_string(unit, value)?;
    Ok(Some(text.to_string_lossy().into()))
}
