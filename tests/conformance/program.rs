//! `spec/vectors/{manifest,import}`: what an author writes, and what a program imports.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use zero_format::{
    Capabilities, CapabilityKind, ImportClass, ImportsError, Manifest, check_imports,
    required_imports,
};

use crate::class::class;
use crate::index::{check, read, read_text, vectors};

fn json(value: &impl Serialize) -> Option<Value> {
    serde_json::to_value(value).ok()
}

#[test]
fn every_manifest_has_its_outcome() {
    check(&vectors("manifest"), |vector| {
        let text = read_text("manifest", vector.file.as_deref().expect("a file"));
        let manifest = Manifest::parse(&text).map_err(|error| {
            let line: Option<usize> = vector.find("line");
            let found = error.first().line;
            if line == Some(found) {
                "refused".to_owned()
            } else {
                format!("{error}")
            }
        })?;
        if let Some(expected) = vector.find::<Value>("capabilities") {
            assert_eq!(
                json(&manifest.capabilities),
                Some(expected),
                "{}",
                vector.name()
            );
        }
        if let Some(expected) = vector.find::<Value>("limits") {
            assert_eq!(json(&manifest.limits), Some(expected), "{}", vector.name());
        }
        if let Some(expected) = vector.find::<String>("build") {
            assert_eq!(class(&manifest.build.kind), expected, "{}", vector.name());
        }
        Ok(())
    });
}

#[test]
fn every_program_needs_what_it_must() {
    check(&vectors("import"), |vector| {
        let wasm = read("import", vector.file.as_deref().expect("a file"));
        let imports = required_imports(&wasm).map_err(|error| match error {
            ImportsError::Malformed { .. } | ImportsError::Truncated => "malformed".to_owned(),
            error => error.to_string(),
        })?;
        let kinds = |of: fn(ImportClass) -> Option<CapabilityKind>| -> BTreeSet<String> {
            let kinds = imports.iter().filter_map(|import| of(import.class));
            kinds.map(|kind| kind.to_string()).collect()
        };
        let needs = kinds(|class| match class {
            ImportClass::Needs(kind) => Some(kind),
            _ => None,
        });
        let uses = kinds(|class| match class {
            ImportClass::Uses(kind) => Some(kind),
            _ => None,
        });
        let unknown = imports
            .iter()
            .filter(|import| import.class == ImportClass::Unknown);
        let unknown: Vec<String> = unknown.map(|import| import.name.clone()).collect();
        assert_eq!(needs, vector.get("needs"), "{}", vector.name());
        assert_eq!(
            uses,
            vector.find("uses").unwrap_or_default(),
            "{}",
            vector.name()
        );
        assert_eq!(
            unknown,
            vector.get::<Vec<String>>("unknown"),
            "{}",
            vector.name()
        );
        if let Some(declared) = vector.find::<Capabilities>("declared") {
            let report = check_imports(&imports, &declared);
            let mut missing = report.undeclared.iter().map(|missing| missing.kind);
            let words = |kinds: &mut dyn Iterator<Item = CapabilityKind>| -> Vec<String> {
                kinds.map(|kind| kind.to_string()).collect()
            };
            let undeclared = words(&mut missing);
            assert_eq!(
                undeclared,
                vector.get::<Vec<String>>("undeclared"),
                "{}",
                vector.name()
            );
            let unused = words(&mut report.unused.iter().copied());
            assert_eq!(
                unused,
                vector.get::<Vec<String>>("unused"),
                "{}",
                vector.name()
            );
            assert_eq!(report.is_ok(), undeclared.is_empty());
        }
        Ok(())
    });
}
