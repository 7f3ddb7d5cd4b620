//! JSON values as values of WIT types, and back (spec/artifact.md, "Examples").
//!
//! Records are objects, tuples and lists arrays, options the value or `null`, which a record may leave out. Enums and cases of a variant without a
//! payload are their names; other cases, and results, are objects with one member: `{"some-case": 1}`, `{"ok": 1}`.

use serde_json::{Map, Value as Json};
use wasmtime::component::{Type, Val};

/// The value of this type that is meant; none if there is none.
pub(crate) fn from_json(json: &Json, ty: &Type) -> Option<Val> {
    Some(match ty {
        Type::Bool => Val::Bool(json.as_bool()?),
        Type::S8 => Val::S8(integer(json)?),
        Type::U8 => Val::U8(integer(json)?),
        Type::S16 => Val::S16(integer(json)?),
        Type::U16 => Val::U16(integer(json)?),
        Type::S32 => Val::S32(integer(json)?),
        Type::U32 => Val::U32(integer(json)?),
        Type::S64 => Val::S64(integer(json)?),
        Type::U64 => Val::U64(integer(json)?),
        Type::Float32 => Val::Float32(float_text(json)?.parse().ok()?),
        Type::Float64 => Val::Float64(float_text(json)?.parse().ok()?),
        Type::Char => {
            let mut characters = json.as_str()?.chars();
            Val::Char(characters.next().filter(|_| characters.next().is_none())?)
        }
        Type::String => Val::String(json.as_str()?.to_owned()),
        Type::List(list) => Val::List(all(json, &list.ty())?),
        Type::FixedLengthList(list) => {
            let values = all(json, &list.ty())?;
            Val::FixedLengthList(Some(values).filter(|v| u32::try_from(v.len()) == Ok(list.len()))?)
        }
        Type::Record(record) => {
            let object = json.as_object()?;
            let mut fields = Vec::new();
            let mut met = 0;
            for field in record.fields() {
                let value = match (object.get(field.name), &field.ty) {
                    (Some(json), ty) => {
                        met += 1;
                        from_json(json, ty)?
                    }
                    (None, Type::Option(_)) => Val::Option(None),
                    (None, _) => return None,
                };
                fields.push((field.name.to_owned(), value));
            }
            Val::Record(Some(fields).filter(|_| met == object.len())?)
        }
        Type::Tuple(tuple) => {
            let array = json
                .as_array()
                .filter(|array| array.len() == tuple.types().len())?;
            let values = array
                .iter()
                .zip(tuple.types())
                .map(|(json, ty)| from_json(json, &ty));
            Val::Tuple(values.collect::<Option<_>>()?)
        }
        Type::Option(option) if json.is_null() => {
            let _ = option;
            Val::Option(None)
        }
        Type::Option(option) => Val::Option(Some(Box::new(from_json(json, &option.ty())?))),
        Type::Enum(list) => {
            let name = json.as_str()?;
            Val::Enum(list.names().find(|known| *known == name)?.to_owned())
        }
        Type::Flags(flags) => {
            let names = json.as_array()?.iter().map(|name| {
                let name = name.as_str()?;
                flags
                    .names()
                    .find(|known| *known == name)
                    .map(str::to_owned)
            });
            Val::Flags(names.collect::<Option<_>>()?)
        }
        Type::Variant(variant) => {
            let (name, payload) = case(json)?;
            let known = variant.cases().find(|known| known.name == name)?;
            Val::Variant(name.to_owned(), payload_of(payload, known.ty.as_ref())?)
        }
        Type::Result(result) => match case(json)? {
            ("ok", payload) => Val::Result(Ok(payload_of(payload, result.ok().as_ref())?)),
            ("err", payload) => Val::Result(Err(payload_of(payload, result.err().as_ref())?)),
            _ => return None,
        },
        _ => return None,
    })
}

fn all(json: &Json, ty: &Type) -> Option<Vec<Val>> {
    json.as_array()?
        .iter()
        .map(|json| from_json(json, ty))
        .collect()
}

/// A case: its name, or an object whose only member is its name.
fn case(json: &Json) -> Option<(&str, Option<&Json>)> {
    if let Some(name) = json.as_str() {
        return Some((name, None));
    }
    let object = json.as_object().filter(|object| object.len() == 1)?;
    object
        .iter()
        .next()
        .map(|(name, payload)| (name.as_str(), Some(payload)))
}

#[expect(
    clippy::option_option,
    reason = "no payload is one thing, a payload that does not fit another"
)]
fn payload_of(json: Option<&Json>, ty: Option<&Type>) -> Option<Option<Box<Val>>> {
    match (json, ty) {
        (None | Some(Json::Null), None) => Some(None),
        (Some(json), Some(ty)) => Some(Some(Box::new(from_json(json, ty)?))),
        _ => None,
    }
}

fn integer<T: TryFrom<i64> + TryFrom<u64>>(json: &Json) -> Option<T> {
    match json.as_i64() {
        Some(signed) => T::try_from(signed).ok(),
        None => json
            .as_u64()
            .and_then(|unsigned| T::try_from(unsigned).ok()),
    }
}

fn float_text(json: &Json) -> Option<String> {
    match json {
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The JSON of a value; none for handles, which mean nothing outside.
pub(crate) fn to_json(val: &Val) -> Option<Json> {
    let list = |values: &[Val]| {
        values
            .iter()
            .map(to_json)
            .collect::<Option<Vec<_>>>()
            .map(Json::Array)
    };
    let payload = |value: &Option<Box<Val>>| value.as_deref().map_or(Some(Json::Null), to_json);
    let member = |name: &str, value: Json| Json::Object(Map::from_iter([(name.to_owned(), value)]));
    Some(match val {
        Val::Bool(value) => (*value).into(),
        Val::S8(value) => (*value).into(),
        Val::U8(value) => (*value).into(),
        Val::S16(value) => (*value).into(),
        Val::U16(value) => (*value).into(),
        Val::S32(value) => (*value).into(),
        Val::U32(value) => (*value).into(),
        Val::S64(value) => (*value).into(),
        Val::U64(value) => (*value).into(),
        Val::Float32(value) => float(f64::from(*value), value.to_string()),
        Val::Float64(value) => float(*value, value.to_string()),
        Val::Char(value) => value.to_string().into(),
        Val::String(value) | Val::Enum(value) => value.as_str().into(),
        Val::List(values) | Val::Tuple(values) | Val::FixedLengthList(values) => list(values)?,
        Val::Record(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Some((name.clone(), to_json(value)?)));
            Json::Object(fields.collect::<Option<_>>()?)
        }
        Val::Option(value) => payload(value)?,
        Val::Flags(names) => names.iter().map(String::as_str).collect(),
        Val::Variant(name, None) => name.as_str().into(),
        Val::Variant(name, value) => member(name, payload(value)?),
        Val::Result(Ok(value)) => member("ok", payload(value)?),
        Val::Result(Err(value)) => member("err", payload(value)?),
        _ => return None,
    })
}

fn float(value: f64, text: String) -> Json {
    serde_json::Number::from_f64(value).map_or(Json::String(text), Json::Number)
}

/// Whether two values mean the same: numbers by value, members in any order.
pub(crate) fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            left == right
                || left
                    .as_f64()
                    .zip(right.as_f64())
                    .is_some_and(|(l, r)| l.to_bits() == r.to_bits())
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, left)| right.get(name).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_must_fit() {
        assert_eq!(from_json(&Json::from(255), &Type::U8), Some(Val::U8(255)));
        assert_eq!(from_json(&Json::from(256), &Type::U8), None);
        assert_eq!(from_json(&Json::from(-1), &Type::U64), None);
        assert_eq!(
            from_json(&Json::from(u64::MAX), &Type::U64),
            Some(Val::U64(u64::MAX))
        );
        assert_eq!(from_json(&Json::from(1.5), &Type::S32), None);
    }

    #[test]
    fn values_survive_the_way_to_json() {
        let value = Val::Record(vec![
            ("a".to_owned(), Val::Option(None)),
            (
                "b".to_owned(),
                Val::Result(Ok(Some(Box::new(Val::List(vec![Val::U8(1)]))))),
            ),
            (
                "c".to_owned(),
                Val::Variant("some".to_owned(), Some(Box::new(Val::Float64(0.5)))),
            ),
        ]);
        let json = to_json(&value).unwrap();
        assert_eq!(
            json.to_string(),
            r#"{"a":null,"b":{"ok":[1]},"c":{"some":0.5}}"#
        );
        assert!(same(
            &json,
            &serde_json::json!({"c": {"some": 0.5}, "b": {"ok": [1]}, "a": null})
        ));
    }
}
