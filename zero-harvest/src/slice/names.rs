//! The name section: what the source calls functions, parameters and variables.

use std::collections::HashSet;

use wasm_encoder::{IndirectNameMap, NameMap, NameSection};

use super::closure::{Body, Closure};

/// Names of functions, locals and the stack pointer. `parameters` are those of the first function.
pub(super) fn section(closure: &Closure<'_>, parameters: &[String]) -> NameSection {
    let mut section = NameSection::new();
    let mut functions = NameMap::new();
    let mut locals = IndirectNameMap::new();
    let mut taken = HashSet::new();
    let all = closure
        .imports
        .iter()
        .map(|import| import.name)
        .chain(closure.bodies.iter().map(|body| body.name));
    for (index, name) in (0..).zip(all) {
        functions.append(index, &unique(&mut taken, name));
    }
    let first = closure.imports.len();
    let mut any = false;
    for (number, body) in closure.bodies.iter().enumerate() {
        let parameters = if number == 0 { parameters } else { &[] };
        let names = of_body(body, parameters);
        if !names.is_empty() {
            let index = u32::try_from(first + number).unwrap_or(u32::MAX);
            locals.append(index, &names);
            any = true;
        }
    }
    section.functions(&functions);
    if any {
        section.locals(&locals);
    }
    if closure.uses_stack {
        let mut globals = NameMap::new();
        globals.append(0, "__stack_pointer");
        section.globals(&globals);
    }
    section
}

fn of_body(body: &Body<'_>, parameters: &[String]) -> NameMap {
    let mut names = NameMap::new();
    let Some(code) = &body.code else {
        return names;
    };
    let mut all: Vec<(u32, &str)> = code
        .locals
        .iter()
        .map(|(local, name)| (*local, &**name))
        .collect();
    // A result or a struct that travels through memory adds parameters: then positions say nothing.
    if parameters.len() == body.ty.params().len() {
        let given: Vec<(u32, &str)> = (0..)
            .zip(parameters)
            .filter(|(_, name)| !name.is_empty())
            .map(|(local, name)| (local, name.as_str()))
            .collect();
        all.retain(|(local, _)| given.iter().all(|(known, _)| known != local));
        all.splice(..0, given);
    }
    // Parameters first, so that a variable of the same name is the one that is numbered.
    let mut taken = HashSet::new();
    let mut all: Vec<(u32, String)> = all
        .into_iter()
        .map(|(local, name)| (local, unique(&mut taken, name)))
        .collect();
    all.sort_by_key(|(local, _)| *local);
    for (local, name) in all {
        names.append(local, &name);
    }
    names
}

/// A name that nothing else has: a second `x` is `x.2`.
fn unique(taken: &mut HashSet<String>, name: &str) -> String {
    let mut candidate = name.to_owned();
    let mut count = 1;
    while !taken.insert(candidate.clone()) {
        count += 1;
        candidate = format!("{name}.{count}");
    }
    candidate
}
