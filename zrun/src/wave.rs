//! WAVE, the text of component values (spec/cli.md, "Calls"), as far as it goes beyond what the library does: text that
//! is given and printed as it is.

use wasmtime::component::wasm_wave::{self, wasm::DisplayType};
use wasmtime::component::{Type, Val};

use crate::wit_value;

/// Reads an argument.
///
/// A `string` or a `char` that does not begin with a quote is meant as it is: shells have quotes of their own.
pub(crate) fn parse(text: &str, ty: &Type) -> Result<Val, String> {
    match ty {
        Type::String if !text.starts_with('"') => return Ok(Val::String(text.to_owned())),
        Type::Char if !text.starts_with('\'') => {
            let mut characters = text.chars();
            return match (characters.next(), characters.next()) {
                (Some(one), None) => Ok(Val::Char(one)),
                _ => Err("one character is wanted".to_owned()),
            };
        }
        _ => {}
    }
    if !is_wave(ty) {
        return Err("values of this type have no text".to_owned());
    }
    wasm_wave::from_str(ty, text.trim()).map_err(|error| error.to_string())
}

/// The text of a value: a string as it is, everything else as WAVE has it.
pub(crate) fn print(value: &Val) -> String {
    match value {
        Val::String(text) => text.clone(),
        value => write(value),
    }
}

/// The text of a value by which [`parse`] reads it back, a string too.
pub(crate) fn argument(value: &Val) -> String {
    match value {
        Val::String(text) if !text.starts_with('"') => text.clone(),
        value => write(value),
    }
}

fn write(value: &Val) -> String {
    let text = has_text(value)
        .then(|| wasm_wave::to_string(value).ok())
        .flatten();
    text.or_else(|| wit_value::to_json(value).map(|json| json.to_string()))
        .unwrap_or_default()
}

/// A type as WIT writes it.
pub(crate) fn name(ty: &Type) -> String {
    if is_wave(ty) {
        DisplayType(ty).to_string()
    } else {
        "a type that has no text".to_owned()
    }
}

/// Whether the library knows the type, and all within it.
fn is_wave(ty: &Type) -> bool {
    let maybe = |ty: &Option<Type>| ty.as_ref().is_none_or(is_wave);
    match ty {
        Type::List(list) => is_wave(&list.ty()),
        Type::Record(record) => record.fields().all(|field| is_wave(&field.ty)),
        Type::Tuple(tuple) => tuple.types().all(|ty| is_wave(&ty)),
        Type::Variant(variant) => variant.cases().all(|case| maybe(&case.ty)),
        Type::Option(option) => is_wave(&option.ty()),
        Type::Result(result) => maybe(&result.ok()) && maybe(&result.err()),
        Type::Own(_)
        | Type::Borrow(_)
        | Type::Stream(_)
        | Type::Future(_)
        | Type::ErrorContext
        | Type::Map(_)
        | Type::FixedLengthList(_) => false,
        _ => true,
    }
}

fn has_text(value: &Val) -> bool {
    let maybe = |value: &Option<Box<Val>>| value.as_deref().is_none_or(has_text);
    match value {
        Val::List(values) | Val::Tuple(values) => values.iter().all(has_text),
        Val::Record(fields) => fields.iter().all(|(_, value)| has_text(value)),
        Val::Variant(_, value) | Val::Option(value) | Val::Result(Ok(value) | Err(value)) => {
            maybe(value)
        }
        Val::Bool(_)
        | Val::S8(_)
        | Val::U8(_)
        | Val::S16(_)
        | Val::U16(_)
        | Val::S32(_)
        | Val::U32(_)
        | Val::S64(_)
        | Val::U64(_)
        | Val::Float32(_)
        | Val::Float64(_)
        | Val::Char(_)
        | Val::String(_)
        | Val::Enum(_)
        | Val::Flags(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_given_as_they_are_or_quoted() {
        for (text, means) in [
            ("", ""),
            ("hello", "hello"),
            ("it's \"so\"", "it's \"so\""),
            ("\"a\\\"b\\u{e9}\"", "a\"bé"),
        ] {
            assert_eq!(
                parse(text, &Type::String),
                Ok(Val::String(means.to_owned())),
                "{text}"
            );
        }
        assert!(parse("\"open", &Type::String).is_err());
        assert_eq!(parse("x", &Type::Char), Ok(Val::Char('x')));
        assert_eq!(parse("'''", &Type::Char).ok(), None);
        assert!(parse("xy", &Type::Char).is_err());
    }

    #[test]
    fn what_is_printed_as_an_argument_is_read_back() {
        for text in ["", "plain", "\"quoted\"", "a\\b", "'", "{x}"] {
            let value = Val::String(text.to_owned());
            assert_eq!(parse(&argument(&value), &Type::String), Ok(value));
        }
    }

    #[test]
    fn numbers_must_fit_and_floats_have_their_names() {
        assert_eq!(parse("255", &Type::U8), Ok(Val::U8(255)));
        assert!(parse("256", &Type::U8).is_err());
        assert!(parse("-1", &Type::U64).is_err());
        assert_eq!(parse(" true ", &Type::Bool), Ok(Val::Bool(true)));
        assert_eq!(
            parse("-inf", &Type::Float64),
            Ok(Val::Float64(f64::NEG_INFINITY))
        );
        assert!(parse("1 2", &Type::U8).is_err());
        assert!(parse("", &Type::U8).is_err());
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = "(".repeat(100_000);
        assert!(parse(&deep, &Type::U8).is_err());
    }

    #[test]
    fn values_print_as_wave() {
        let value = Val::Record(vec![
            ("some".to_owned(), Val::Option(Some(Box::new(Val::U8(1))))),
            (
                "text".to_owned(),
                Val::List(vec![Val::String("a b".to_owned())]),
            ),
            ("end".to_owned(), Val::Result(Err(None))),
        ]);
        assert_eq!(print(&value), r#"{some: some(1), text: ["a b"], end: err}"#);
        assert_eq!(print(&Val::String("a b".to_owned())), "a b");
    }
}
