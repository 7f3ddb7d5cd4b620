//! Numbers that go into and come out of a module's exports.

use std::fmt;

use serde_json::Value as Json;
use wasmtime::{Val, ValType};

/// A number of one of the four types of core WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    F64(f64),
    /// A 32-bit integer.
    I32(i32),
    /// A 64-bit integer.
    I64(i64),
}

/// Why an argument does not fit a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The text is no such number.
    #[error("`{text}` is no {ty}{}", .reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}")))]
    Text {
        /// What was given, cut where it is long.
        text: String,
        /// What is expected.
        ty: String,
        /// What is wrong with it, if there is more to say.
        reason: Option<String>,
    },
    /// The type is none that a command line can express.
    #[error("a value of type {ty} cannot be given: only i32, i64, f32 and f64 can")]
    Type {
        /// The type.
        ty: String,
    },
}

impl ValueError {
    /// The error for a text, which is repeated as far as a reader needs it and without what moves a cursor.
    pub(crate) fn text(text: &str, ty: String, reason: Option<String>) -> Self {
        const SHOWN: usize = 60;
        let mut shown: String = text
            .chars()
            .take(SHOWN)
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        Self::Text {
            text: shown,
            ty,
            reason,
        }
    }
}

impl Value {
    /// Reads an argument. Integers may be signed or unsigned, decimal or hexadecimal with `0x`.
    pub(crate) fn parse(text: &str, ty: &ValType) -> Result<Self, ValueError> {
        let wrong = || ValueError::text(text, ty.to_string(), None);
        match ty {
            ValType::I32 => {
                let wide = integer(text).ok_or_else(wrong)?;
                // The bits count: 4294967295 and -1 are the same i32.
                let signed =
                    i32::try_from(wide).or_else(|_| u32::try_from(wide).map(u32::cast_signed));
                signed.map(Self::I32).map_err(|_| wrong())
            }
            ValType::I64 => {
                let wide = integer(text).ok_or_else(wrong)?;
                let signed =
                    i64::try_from(wide).or_else(|_| u64::try_from(wide).map(u64::cast_signed));
                signed.map(Self::I64).map_err(|_| wrong())
            }
            ValType::F32 => text.parse().map(Self::F32).map_err(|_| wrong()),
            ValType::F64 => text.parse().map(Self::F64).map_err(|_| wrong()),
            _ => Err(ValueError::Type { ty: ty.to_string() }),
        }
    }

    /// The value as JSON; floats that JSON does not know become text.
    pub fn to_json(self) -> Json {
        match self {
            Self::F32(value) => float(f64::from(value), value.to_string()),
            Self::F64(value) => float(value, value.to_string()),
            Self::I32(value) => value.into(),
            Self::I64(value) => value.into(),
        }
    }

    /// Whether a documented result means this value: numerically, with integers signed or unsigned.
    pub fn equals_json(self, expected: &Json) -> bool {
        match self {
            Self::I32(value) => {
                expected.as_i64() == Some(value.into())
                    || expected.as_u64() == Some(value.cast_unsigned().into())
            }
            Self::I64(value) => {
                expected.as_i64() == Some(value) || expected.as_u64() == Some(value.cast_unsigned())
            }
            Self::F32(value) => same_float(f64::from(value), expected, &|text| {
                text.parse::<f32>().ok().map(f64::from)
            }),
            Self::F64(value) => same_float(value, expected, &|text| text.parse().ok()),
        }
    }

    pub(crate) fn to_val(self) -> Val {
        match self {
            Self::F32(value) => Val::F32(value.to_bits()),
            Self::F64(value) => Val::F64(value.to_bits()),
            Self::I32(value) => Val::I32(value),
            Self::I64(value) => Val::I64(value),
        }
    }

    pub(crate) fn from_val(val: &Val) -> Option<Self> {
        Some(match *val {
            Val::F32(bits) => Self::F32(f32::from_bits(bits)),
            Val::F64(bits) => Self::F64(f64::from_bits(bits)),
            Val::I32(value) => Self::I32(value),
            Val::I64(value) => Self::I64(value),
            _ => return None,
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F32(value) => value.fmt(f),
            Self::F64(value) => value.fmt(f),
            Self::I32(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
        }
    }
}

fn float(value: f64, text: String) -> Json {
    serde_json::Number::from_f64(value).map_or(Json::String(text), Json::Number)
}

fn same_float(value: f64, expected: &Json, parse: &dyn Fn(&str) -> Option<f64>) -> bool {
    let expected = match expected {
        Json::Number(number) => parse(&number.to_string()),
        Json::String(text) => parse(text),
        _ => None,
    };
    expected.is_some_and(|expected| {
        expected.to_bits() == value.to_bits() || (expected.is_nan() && value.is_nan())
    })
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None => digits.parse::<u64>().ok()?,
    };
    let magnitude = i128::from(magnitude);
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_signed_or_unsigned_and_in_range() {
        assert_eq!(Value::parse("-1", &ValType::I32), Ok(Value::I32(-1)));
        assert_eq!(
            Value::parse("4294967295", &ValType::I32),
            Ok(Value::I32(-1))
        );
        assert_eq!(Value::parse("0xff", &ValType::I64), Ok(Value::I64(255)));
        assert_eq!(
            Value::parse("18446744073709551615", &ValType::I64),
            Ok(Value::I64(-1))
        );
        for text in ["4294967296", "", "1.5", "x", "--1", "+-1"] {
            assert!(Value::parse(text, &ValType::I32).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_repeats_what_was_given_as_far_as_it_is_safe() {
        let long = format!("\u{1b}[2J{}", "9".repeat(100));
        let error = Value::parse(&long, &ValType::I32).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("`\u{fffd}[2J999"), "{text}");
        assert!(text.ends_with("…` is no i32"), "{text}");
    }

    #[test]
    fn documented_results_compare_by_number() {
        assert!(Value::I32(-1).equals_json(&Json::from(4_294_967_295_u64)));
        assert!(Value::I32(2).equals_json(&Json::from(2)));
        assert!(!Value::I32(2).equals_json(&Json::from("2")));
        assert!(Value::F32(0.1).equals_json(&Json::from(0.1)));
        assert!(Value::F64(f64::NAN).equals_json(&Json::from("NaN")));
        assert!(!Value::F64(0.5).equals_json(&Json::from(0.25)));
    }
}
