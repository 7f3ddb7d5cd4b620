//! What metadata must keep to beyond its shape: characters, lengths, names (spec/artifact.md, "Text").

use std::collections::BTreeSet;

use serde_json::Value;

use super::read::field;
use super::{Export, Metadata, MetadataError, Package};
use crate::capability::Capabilities;
use crate::limits::{MAX_AUTHORS, MAX_LINE, MAX_RULE_ITEMS, MAX_TYPE, MAX_VERSION};
use crate::text;

/// What may stand where the walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Members that this format defines.
    Defined,
    /// A text that may have several lines.
    Lines,
    /// Values that belong to the program or to a later version: arguments, results, hints.
    Free,
}

/// Checks every text and key of the whole value, and that `null` and nested arrays stand in free places only.
pub(super) fn texts(value: &Value) -> Result<(), MetadataError> {
    walk(value, "", Place::Defined)
}

/// Recursion is bounded by the depth that the parser allows.
fn walk(value: &Value, path: &str, place: Place) -> Result<(), MetadataError> {
    match value {
        Value::String(text) => characters(text, path, place),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(at, item)| {
            let path = format!("{path}[{at}]");
            if item.is_array() && place != Place::Free {
                return Err(field(&path, "it is an array inside an array"));
            }
            walk(item, &path, place)
        }),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            characters(
                key,
                if path.is_empty() { "metadata" } else { path },
                Place::Defined,
            )?;
            let inner = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            walk(member, &inner, below(path, key, place))
        }),
        Value::Null if place != Place::Free => Err(field(
            path,
            "it is null; a member without a value is left out",
        )),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The place of the member `key` of the object at `path`.
fn below(path: &str, key: &str, place: Place) -> Place {
    match (path, key) {
        _ if place == Place::Free => Place::Free,
        ("", "hints") => Place::Free,
        ("package", "readme") => Place::Lines,
        (_, "doc") if path.starts_with("exports[") => Place::Lines,
        (_, "args" | "result") if path.contains("].examples[") => Place::Free,
        _ => Place::Defined,
    }
}

fn characters(text: &str, path: &str, place: Place) -> Result<(), MetadataError> {
    let allowed =
        |c: char| !text::is_unsafe(c) || (place != Place::Defined && matches!(c, '\n' | '\t'));
    match text.chars().find(|&c| !allowed(c)) {
        Some(c) => Err(MetadataError::Character {
            path: text::excerpt(path),
            code: c.into(),
        }),
        None => Ok(()),
    }
}

/// Checks lengths and names of metadata that has the right shape.
pub(super) fn metadata(metadata: &Metadata) -> Result<(), MetadataError> {
    package(&metadata.package)?;
    capabilities(&metadata.capabilities)?;
    let mut names = BTreeSet::new();
    for (at, item) in metadata.exports.iter().enumerate() {
        let path = format!("exports[{at}]");
        export(item, &path)?;
        if !names.insert(&item.name) {
            return Err(field(
                &format!("{path}.name"),
                "another export has this name",
            ));
        }
    }
    let build = &metadata.build;
    for (name, text) in [
        ("target", &build.target),
        ("toolchain", &build.toolchain),
        ("vcs_commit", &build.vcs_commit),
        ("builder", &build.builder),
    ] {
        line(text.as_ref(), || format!("build.{name}"))?;
    }
    Ok(())
}

fn package(package: &Package) -> Result<(), MetadataError> {
    at_most(package.version.to_string().len(), MAX_VERSION, || {
        "package.version".to_owned()
    })?;
    line(package.description.as_ref(), || {
        "package.description".to_owned()
    })?;
    line(package.license.as_ref(), || "package.license".to_owned())?;
    line(package.repository.as_ref(), || {
        "package.repository".to_owned()
    })?;
    at_most(package.authors.len(), MAX_AUTHORS, || {
        "package.authors".to_owned()
    })?;
    package
        .authors
        .iter()
        .enumerate()
        .try_for_each(|(at, author)| line(Some(author), || format!("package.authors[{at}]")))
}

fn capabilities(capabilities: &Capabilities) -> Result<(), MetadataError> {
    for (at, rule) in capabilities.net.iter().enumerate() {
        at_most(rule.ports.len(), MAX_RULE_ITEMS, || {
            format!("capabilities.net[{at}].ports")
        })?;
        if rule.ports.contains(&0) {
            return Err(field(
                &format!("capabilities.net[{at}].ports"),
                "0 is no port",
            ));
        }
    }
    for (at, rule) in capabilities.http.iter().enumerate() {
        at_most(rule.methods.len(), MAX_RULE_ITEMS, || {
            format!("capabilities.http[{at}].methods")
        })?;
        if !rule.methods.iter().all(|method| is_method(method)) {
            return Err(field(
                &format!("capabilities.http[{at}].methods"),
                "a method is a word in capitals, such as `GET`",
            ));
        }
    }
    for need in capabilities.needs() {
        let length = need.reason.map_or(0, str::len);
        at_most(length, MAX_LINE, || {
            format!("capabilities.{}: a reason", need.kind)
        })?;
    }
    Ok(())
}

fn is_method(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
        && text.starts_with(|c: char| c.is_ascii_uppercase())
}

fn export(export: &Export, path: &str) -> Result<(), MetadataError> {
    if export.name.is_empty() {
        return Err(field(&format!("{path}.name"), "it is empty"));
    }
    line(Some(&export.name), || format!("{path}.name"))?;
    at_most(export.ty.len(), MAX_TYPE, || format!("{path}.type"))?;
    for (at, param) in export.params.iter().enumerate() {
        line(Some(&param.name), || format!("{path}.params[{at}].name"))?;
        at_most(param.ty.len(), MAX_TYPE, || {
            format!("{path}.params[{at}].type")
        })?;
        line(param.unit.as_ref(), || format!("{path}.params[{at}].unit"))?;
    }
    for (at, result) in export.results.iter().enumerate() {
        at_most(result.ty.len(), MAX_TYPE, || {
            format!("{path}.results[{at}].type")
        })?;
        line(result.unit.as_ref(), || {
            format!("{path}.results[{at}].unit")
        })?;
    }
    Ok(())
}

fn line(text: Option<&String>, path: impl Fn() -> String) -> Result<(), MetadataError> {
    at_most(text.map_or(0, String::len), MAX_LINE, path)
}

fn at_most(size: usize, max: usize, path: impl Fn() -> String) -> Result<(), MetadataError> {
    if size > max {
        Err(MetadataError::Limit { path: path(), max })
    } else {
        Ok(())
    }
}
