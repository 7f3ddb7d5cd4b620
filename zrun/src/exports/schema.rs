//! JSON Schemas (draft 2020-12) of the values that parameters take, in the form that `wit_value` reads and writes.

use serde_json::{Map, Value as Json, json};
use wasmtime::component::Type;

/// The values of a number type of core WebAssembly. Integers may be signed or not.
pub(super) fn core(ty: &str) -> Json {
    match ty {
        "i32" => integer(i32::MIN, u32::MAX),
        "i64" => integer(i64::MIN, u64::MAX),
        "f32" | "f64" => float(),
        _ => json!({}),
    }
}

/// The values of a type of a component.
pub(super) fn of(ty: &Type) -> Json {
    match ty {
        Type::Bool => json!({ "type": "boolean" }),
        Type::S8 => integer(i8::MIN, i8::MAX),
        Type::U8 => integer(u8::MIN, u8::MAX),
        Type::S16 => integer(i16::MIN, i16::MAX),
        Type::U16 => integer(u16::MIN, u16::MAX),
        Type::S32 => integer(i32::MIN, i32::MAX),
        Type::U32 => integer(u32::MIN, u32::MAX),
        Type::S64 => integer(i64::MIN, i64::MAX),
        Type::U64 => integer(u64::MIN, u64::MAX),
        Type::Float32 | Type::Float64 => float(),
        Type::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
        Type::String => json!({ "type": "string" }),
        Type::List(list) => json!({ "type": "array", "items": of(&list.ty()) }),
        Type::FixedLengthList(list) => {
            json!({ "type": "array", "items": of(&list.ty()), "minItems": list.len(), "maxItems": list.len() })
        }
        Type::Tuple(tuple) => {
            let items: Vec<Json> = tuple.types().map(|ty| of(&ty)).collect();
            let count = items.len();
            json!({ "type": "array", "prefixItems": items, "minItems": count, "maxItems": count })
        }
        Type::Record(record) => object(
            record
                .fields()
                .map(|field| (field.name.to_owned(), field.ty)),
        ),
        Type::Option(option) => json!({ "anyOf": [of(&option.ty()), { "type": "null" }] }),
        Type::Enum(list) => json!({ "enum": list.names().collect::<Vec<_>>() }),
        Type::Flags(flags) => {
            let names: Vec<&str> = flags.names().collect();
            json!({ "type": "array", "items": { "enum": names }, "uniqueItems": true })
        }
        Type::Variant(variant) => {
            let cases = variant.cases().map(|known| match &known.ty {
                None => json!({ "const": known.name }),
                Some(ty) => case(known.name, &of(ty)),
            });
            json!({ "oneOf": cases.collect::<Vec<_>>() })
        }
        Type::Result(result) => {
            let side = |name, ty: Option<Type>| {
                case(
                    name,
                    &ty.map_or_else(|| json!({ "type": "null" }), |ty| of(&ty)),
                )
            };
            json!({ "oneOf": [side("ok", result.ok()), side("err", result.err())] })
        }
        // Handles mean nothing outside: nothing fits.
        _ => json!({ "not": {} }),
    }
}

/// The values of an object with these members; those that may be absent are options.
fn object(fields: impl Iterator<Item = (String, Type)>) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, ty) in fields {
        if !matches!(ty, Type::Option(_)) {
            required.push(name.clone());
        }
        properties.insert(name, of(&ty));
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn case(name: &str, payload: &Json) -> Json {
    json!({
        "type": "object",
        "properties": { name: payload },
        "required": [name],
        "additionalProperties": false,
    })
}

fn integer(least: impl Into<Json>, most: impl Into<Json>) -> Json {
    json!({ "type": "integer", "minimum": least.into(), "maximum": most.into() })
}

/// JSON has no numbers for these three.
fn float() -> Json {
    json!({ "anyOf": [{ "type": "number" }, { "enum": ["NaN", "inf", "-inf"] }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_bounds() {
        assert_eq!(
            of(&Type::U8),
            json!({ "type": "integer", "minimum": 0, "maximum": 255 })
        );
        assert_eq!(core("i64")["maximum"], json!(u64::MAX));
        assert_eq!(core("funcref"), json!({}));
    }
}
