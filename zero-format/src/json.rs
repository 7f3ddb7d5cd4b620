//! Strict JSON: one reading only (spec/artifact.md, "Strict JSON").
//!
//! Two programs must never read two meanings out of one signed text, so a repeated key, a number that does not
//! survive a round trip and anything after the value are refused, as are depth and size beyond the limits.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::limits::MAX_JSON_DEPTH;
use crate::text::excerpt;

/// Why a text is not strict JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct JsonError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1; 0 at the very start.
    pub column: usize,
    /// What is wrong, in words that quote nothing unsafe.
    pub reason: String,
}

/// Reads one JSON value and nothing else.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .map_err(|error| located(&error))?;
    deserializer.end().map_err(|error| located(&error))?;
    check_integers(bytes)?;
    Ok(value)
}

fn located(error: &serde_json::Error) -> JsonError {
    let text = error.to_string();
    // serde_json appends the place to its message; here it has fields of its own.
    let reason = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(reason, _)| reason);
    JsonError {
        line: error.line(),
        column: error.column(),
        reason: excerpt(reason),
    }
}

/// Builds a [`Value`] under the rules; `depth` counts the arrays and objects around it.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > MAX_JSON_DEPTH {
            Err(E::custom(format_args!(
                "nested deeper than {MAX_JSON_DEPTH} levels"
            )))
        } else {
            Ok(Self { depth })
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "the key {key:?} stands twice in one object"
                )));
            }
            let value = map.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Refuses integers beyond 64 bits, which would silently become floating-point numbers, and `-0`, which would
/// become one too. The text is known to be JSON by now.
fn check_integers(bytes: &[u8]) -> Result<(), JsonError> {
    let mut scan = Numbers { bytes, at: 0 };
    while let Some((start, number)) = scan.next_number() {
        let integer = !number.contains(['.', 'e', 'E']);
        if integer
            && (number == "-0"
                || (number.parse::<u64>().is_err() && number.parse::<i64>().is_err()))
        {
            let before = bytes.get(..start).unwrap_or_default();
            let line_start = before
                .iter()
                .rposition(|&b| b == b'\n')
                .map_or(0, |newline| newline.saturating_add(1));
            return Err(JsonError {
                line: before.split(|&b| b == b'\n').count(),
                column: start.saturating_sub(line_start).saturating_add(1),
                reason: "an integer that does not fit 64 bits".to_owned(),
            });
        }
    }
    Ok(())
}

/// Walks over the numbers of a JSON text, past its strings.
struct Numbers<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Numbers<'a> {
    fn next_number(&mut self) -> Option<(usize, &'a str)> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            let offset = rest
                .iter()
                .position(|b| matches!(b, b'"' | b'-' | b'0'..=b'9'))?;
            let start = self.at.saturating_add(offset);
            let token = rest.get(offset..)?;
            if token.first() == Some(&b'"') {
                self.at = start.saturating_add(string_len(token));
            } else {
                let len = token
                    .iter()
                    .position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
                    .unwrap_or(token.len());
                self.at = start.saturating_add(len);
                return Some((start, std::str::from_utf8(token.get(..len)?).ok()?));
            }
        }
    }
}

/// The length of the string literal at the start, quotes included.
fn string_len(token: &[u8]) -> usize {
    let mut escaped = false;
    for (at, &byte) in token.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at.saturating_add(1),
            _ => {}
        }
    }
    token.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().reason
    }

    #[test]
    fn reads_plain_json() {
        let text = r#"{"a":[1,-2,0.1,1e3,"x\"1\\",null,true],"b":{}}"#;
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            serde_json::from_str::<Value>(text).unwrap()
        );
        assert_eq!(
            parse(b"18446744073709551615").unwrap(),
            Value::from(u64::MAX)
        );
        assert_eq!(
            parse(b" -9223372036854775808 ").unwrap(),
            Value::from(i64::MIN)
        );
    }

    #[test]
    fn refuses_repeated_keys_at_any_depth() {
        assert!(reason(r#"{"a":1,"a":1}"#).contains("twice"));
        assert!(reason(r#"[{"x":{"a":1,"\u0061":2}}]"#).contains("twice"));
        assert!(parse(br#"{"a":{"a":{"a":1}}}"#).is_ok());
    }

    #[test]
    fn refuses_depth_beyond_the_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert!(reason(&nested(33)).contains("deeper than 32"));
        assert!(parse("[".repeat(1 << 20).as_bytes()).is_err());
        assert!(parse(r#"{"a":"#.repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn refuses_numbers_that_change_on_the_way() {
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            "[1, -0]",
            "1e400",
            "01",
            "+1",
            "NaN",
            "1.",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(br#"{"s":"18446744073709551616 \" -0"}"#).is_ok());
        assert_eq!(
            parse(b"[1,\n 18446744073709551616]")
                .unwrap_err()
                .to_string(),
            "line 2, column 2: an integer that does not fit 64 bits"
        );
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            " ",
            "{} x",
            "{}{}",
            "{'a':1}",
            "[1,]",
            "\u{feff}{}",
            "// c\n{}",
            r#""\ud800""#,
            "\"a\nb\"",
            "nul",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn quotes_nothing_unsafe() {
        assert!(!reason("{\"a\u{202e}\":1,\"a\u{202e}\":1}").contains('\u{202e}'));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn agrees_with_a_lenient_reader(text in r#"[\[\]{}:,"a0-9.eE\\ -]{0,40}"#) {
            if let Ok(value) = parse(text.as_bytes()) {
                proptest::prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
            }
        }
    }
}
