//! `[hints]`, and TOML values as JSON.

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::reader::{Item, Reader, integer};
use crate::metadata::{Compile, Hints, Resources};

pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Hints {
    let mut hints = Hints::default();
    for (key, item) in table {
        if !reader.free_text(key.span(), key.get_ref()) {
            continue;
        }
        let Some(value) = json(reader, item) else {
            continue;
        };
        misspelled(reader, item);
        match key.get_ref().as_ref() {
            "compile" => hints.compile = typed::<Compile>(reader, item, value, "compile"),
            "resources" => hints.resources = typed::<Resources>(reader, item, value, "resources"),
            other => {
                hints.other.insert(other.to_owned(), value);
            }
        }
    }
    hints
}

/// Unknown members of a hint are kept, so a known one with a hyphen would silently do nothing.
fn misspelled(reader: &mut Reader<'_>, item: &Item<'_>) {
    const KNOWN: [&str; 3] = ["opt_level", "peak_memory", "time_ms"];
    for key in item
        .get_ref()
        .as_table()
        .into_iter()
        .flat_map(DeTable::keys)
    {
        let likely = key.get_ref().replace('-', "_");
        if likely != *key.get_ref() && KNOWN.contains(&likely.as_str()) {
            let message = format!("unknown key `{}`", key.get_ref().escape_debug());
            reader.fault(
                key.span(),
                message,
                Some(format!("did you mean `{likely}`?")),
            );
        }
    }
}

fn typed<T: serde::de::DeserializeOwned>(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    value: Value,
    what: &str,
) -> Option<T> {
    serde_json::from_value(value)
        .inspect_err(|error| reader.fault(item.span(), format!("`{what}`: {error}"), None))
        .ok()
}

/// The JSON value that a TOML value means; dates, infinities and NaN have none.
pub(super) fn json(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Value> {
    match item.get_ref() {
        DeValue::Array(items) => Some(Value::Array(
            items
                .iter()
                .map(|item| json(reader, item))
                .collect::<Option<_>>()?,
        )),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::Datetime(_) => {
            reader.fault(
                item.span(),
                "a date cannot stand here",
                Some("write it as a string".to_owned()),
            );
            None
        }
        DeValue::Float(float) => {
            let number = float.as_str().parse().ok().and_then(Number::from_f64);
            if number.is_none() {
                let hint = "infinities and NaN have no JSON form".to_owned();
                reader.fault(
                    item.span(),
                    format!("`{float}` cannot stand here"),
                    Some(hint),
                );
            }
            number.map(Value::Number)
        }
        DeValue::Integer(_) => {
            let number = integer::<i64>(item)
                .map(Number::from)
                .or_else(|| integer::<u64>(item).map(Number::from));
            if number.is_none() {
                reader.fault(item.span(), "the integer has more than 64 bits", None);
            }
            number.map(Value::Number)
        }
        DeValue::String(text) => reader
            .free_text(item.span(), text)
            .then(|| Value::String(text.clone().into_owned())),
        DeValue::Table(table) => {
            let mut members = Map::new();
            for (key, item) in table {
                if !reader.free_text(key.span(), key.get_ref()) {
                    return None;
                }
                members.insert(key.get_ref().clone().into_owned(), json(reader, item)?);
            }
            Some(Value::Object(members))
        }
    }
}
