//! `[package]`.

use toml::de::DeTable;

use super::ManifestPackage;
use super::reader::{Item, Reader, list};
use crate::limits::{MAX_AUTHORS, MAX_VERSION};
use crate::package::{NameError, PackageName};

const KEYS: [&str; 7] = [
    "name",
    "version",
    "description",
    "license",
    "repository",
    "authors",
    "readme",
];

pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> ManifestPackage {
    reader.known_keys(table, "[package]", &KEYS);
    let mut package = ManifestPackage::default();
    for key in KEYS {
        let Some(item) = table.get(key) else { continue };
        if item.get_ref().is_table() {
            if inherits(reader, item, key) {
                package.inherited.insert(key);
            }
            continue;
        }
        match key {
            "name" => package.name = name(reader, item),
            "version" => package.version = version(reader, item),
            "description" => package.description = reader.line(item, key),
            "license" => package.license = reader.line(item, key),
            "repository" => package.repository = reader.line(item, key),
            "authors" => package.authors = authors(reader, item),
            _ => package.readme = reader.relative_path(item, key),
        }
    }
    package
}

/// `{ workspace = true }`: from Cargo's package, which resolves its own workspace.
fn inherits(reader: &mut Reader<'_>, item: &Item<'_>, key: &str) -> bool {
    let hint =
        format!("write `{key} = {{ workspace = true }}` to take it from Cargo.toml, or a string");
    let table = item.get_ref().as_table();
    let workspace = table
        .and_then(|table| table.get("workspace"))
        .and_then(|value| value.get_ref().as_bool());
    let only = table.is_some_and(|table| table.len() == 1);
    if key == "readme" || workspace != Some(true) || !only {
        let hint = if key == "readme" {
            "write the path of the file as a string".to_owned()
        } else {
            hint
        };
        reader.fault(
            item.span(),
            format!("`{key}` cannot be this table"),
            Some(hint),
        );
        return false;
    }
    true
}

fn name(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<PackageName> {
    reader.parsed(item, "name", |error: &NameError| {
        Some(error.hint().to_owned())
    })
}

fn version(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<semver::Version> {
    let version: semver::Version = reader.parsed(item, "version", |_| {
        Some(
            "write three numbers, such as `1.2.0`, and a pre-release if need be: `1.2.0-beta.1`"
                .to_owned(),
        )
    })?;
    if version.to_string().len() > MAX_VERSION {
        reader.fault(
            item.span(),
            format!("`version` has more than {MAX_VERSION} bytes"),
            None,
        );
        return None;
    }
    Some(version)
}

fn authors(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Vec<String>> {
    let items = list(item);
    if items.len() > MAX_AUTHORS {
        reader.fault(
            item.span(),
            format!(
                "`authors` has {} entries, {MAX_AUTHORS} are allowed",
                items.len()
            ),
            None,
        );
        return None;
    }
    Some(
        items
            .into_iter()
            .filter_map(|author| reader.line(author, "authors"))
            .collect(),
    )
}
