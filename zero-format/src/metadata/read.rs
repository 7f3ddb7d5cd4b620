//! From JSON to [`Metadata`], with the path of whatever is wrong.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    BuildInfo, Export, FormatVersion, Hints, Kind, Limits, METADATA_VERSION, Metadata,
    MetadataError, Package, check,
};
use crate::capability::{Capabilities, ClockRule, EnvRule, FsRule, HttpRule, NetRule, RandomRule};
use crate::json;
use crate::limits::{MAX_EXPORTS, MAX_METADATA, MAX_RULES};
use crate::text::excerpt;

pub(super) fn metadata(bytes: &[u8]) -> Result<Metadata, MetadataError> {
    if bytes.len() > MAX_METADATA {
        return Err(MetadataError::Size { size: bytes.len() });
    }
    let value = json::parse(bytes)?;
    // The version comes first: a newer format may differ in everything else.
    version(value.get("zero"))?;
    // Before anything is quoted in an error: texts and keys are safe to print.
    check::texts(&value)?;
    let mut members = object("metadata", value)?;
    members.shift_remove("zero");
    let metadata = Metadata {
        zero: FormatVersion,
        kind: required::<Kind>(&mut members, "kind")?,
        package: required::<Package>(&mut members, "package")?,
        capabilities: capabilities(required(&mut members, "capabilities")?)?,
        limits: optional::<Limits>(&mut members, "limits")?,
        exports: list::<Export>("exports", members.shift_remove("exports"), MAX_EXPORTS)?,
        hints: hints(members.shift_remove("hints"))?,
        build: optional::<BuildInfo>(&mut members, "build")?,
    };
    if let Some((name, _)) = members.into_iter().next() {
        return Err(field(&name, "this version knows no such member"));
    }
    check::metadata(&metadata)?;
    Ok(metadata)
}

fn version(value: Option<&Value>) -> Result<(), MetadataError> {
    match value {
        None => Err(field("zero", "the version of the format is missing")),
        Some(value) if *value == METADATA_VERSION => Ok(()),
        Some(Value::Number(found)) => Err(MetadataError::Version {
            found: found.to_string(),
        }),
        Some(_) => Err(field("zero", "the version of the format is a number")),
    }
}

/// The hints that this version knows. Unlike the others they must have their shape, and `null` is none.
fn hints(value: Option<Value>) -> Result<Hints, MetadataError> {
    let Some(value) = value else {
        return Ok(Hints::default());
    };
    for (name, known) in [
        ("resources", ["peak_memory", "fuel", "time_ms"]),
        ("compile", ["opt_level", "features", "baseline"]),
    ] {
        let Some(hint) = value.get(name) else {
            continue;
        };
        if !hint.is_object() {
            return Err(field(&format!("hints.{name}"), "it is not an object"));
        }
        if let Some(member) = known
            .iter()
            .find(|&member| hint.get(member).is_some_and(Value::is_null))
        {
            return Err(field(&format!("hints.{name}.{member}"), "it is null"));
        }
    }
    typed("hints", value)
}

fn capabilities(value: Value) -> Result<Capabilities, MetadataError> {
    let mut members = object("capabilities", value)?;
    let mut rules = |kind: &str| members.shift_remove(kind);
    let capabilities = Capabilities {
        fs: list::<FsRule>("capabilities.fs", rules("fs"), MAX_RULES)?,
        net: list::<NetRule>("capabilities.net", rules("net"), MAX_RULES)?,
        http: list::<HttpRule>("capabilities.http", rules("http"), MAX_RULES)?,
        env: list::<EnvRule>("capabilities.env", rules("env"), MAX_RULES)?,
        clock: list::<ClockRule>("capabilities.clock", rules("clock"), MAX_RULES)?,
        random: rules("random")
            .map(|value| typed::<RandomRule>("capabilities.random", value))
            .transpose()?,
    };
    match members.into_iter().next() {
        Some((name, _)) => Err(MetadataError::UnknownCapability {
            name: excerpt(&name),
        }),
        None => Ok(capabilities),
    }
}

fn required<T: DeserializeOwned>(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<T, MetadataError> {
    match members.shift_remove(name) {
        Some(value) => typed(name, value),
        None => Err(field(name, "it is missing")),
    }
}

fn optional<T: DeserializeOwned + Default>(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<T, MetadataError> {
    members
        .shift_remove(name)
        .map_or_else(|| Ok(T::default()), |value| typed(name, value))
}

/// Each item on its own, so that an error can say which one.
fn list<T: DeserializeOwned>(
    path: &str,
    value: Option<Value>,
    max: usize,
) -> Result<Vec<T>, MetadataError> {
    let items = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(field(path, "it is not an array")),
    };
    if items.len() > max {
        return Err(MetadataError::Limit {
            path: path.to_owned(),
            max,
        });
    }
    items
        .into_iter()
        .enumerate()
        .map(|(at, item)| typed(&format!("{path}[{at}]"), item))
        .collect()
}

fn typed<T: DeserializeOwned>(path: &str, value: Value) -> Result<T, MetadataError> {
    // serde would also read a struct from an array of its fields, which JSON here never means.
    if let Value::Array(_) = value {
        return Err(field(path, "it is an array"));
    }
    serde_json::from_value(value).map_err(|error| field(path, &error.to_string()))
}

fn object(path: &str, value: Value) -> Result<Map<String, Value>, MetadataError> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(field(path, "it is not an object")),
    }
}

pub(super) fn field(path: &str, reason: &str) -> MetadataError {
    MetadataError::Field {
        path: excerpt(path),
        reason: excerpt(reason),
    }
}
