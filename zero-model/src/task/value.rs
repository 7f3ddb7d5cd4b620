//! Arguments and results: numbers, and buffers in the module's memory (spec/eval.md, "Calls").

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Type;

/// Bytes that one buffer may have: inputs stay small, so that a judge's time goes to answers.
pub const MAX_BUFFER: usize = 64 << 10;

/// What a call is given or returns.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Json", into = "Json")]
pub enum Value {
    /// A number; infinities and NaN are texts, as JSON has none.
    Number(Json),
    /// Bytes in memory: as an argument their address, as a result the block at the address that was returned.
    Buffer(Buffer),
}

/// Bytes, as the elements that they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Buffer {
    /// Bytes, in hexadecimal digits.
    Bytes(Vec<u8>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// UTF-8.
    Text(String),
}

impl Value {
    /// The buffer, if it is one.
    pub fn buffer(&self) -> Option<&Buffer> {
        match self {
            Self::Buffer(buffer) => Some(buffer),
            Self::Number(_) => None,
        }
    }

    /// Whether it can be a value of this type: numbers in range, addresses are `i32`.
    pub(super) fn is(&self, ty: Type) -> Result<(), String> {
        let fits = match self {
            Self::Buffer(_) => ty == Type::I32,
            Self::Number(json) => ty.bits(json).is_some(),
        };
        fits.then_some(())
            .ok_or_else(|| format!("{self} is no {}", ty.name()))
    }
}

impl Type {
    /// A number as the bits of this type; `None` if it is none. Integers are signed or unsigned.
    pub(crate) fn bits(self, json: &Json) -> Option<u64> {
        match self {
            Self::I32 => {
                let wide = json.as_i64()?;
                let narrow = i32::try_from(wide).map(i32::cast_unsigned);
                narrow.or_else(|_| u32::try_from(wide)).ok().map(u64::from)
            }
            Self::I64 => json
                .as_i64()
                .map(i64::cast_unsigned)
                .or_else(|| json.as_u64()),
            Self::F32 => text(json)?
                .parse::<f32>()
                .ok()
                .map(|float| float.to_bits().into()),
            Self::F64 => text(json)?.parse::<f64>().ok().map(f64::to_bits),
        }
    }

    /// Bits of this type as JSON.
    pub(crate) fn json(self, bits: u64) -> Json {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the upper half of 32-bit values is empty"
        )]
        let narrow = bits as u32;
        let float = |value: f64| {
            serde_json::Number::from_f64(value)
                .map_or_else(|| value.to_string().into(), Json::Number)
        };
        match self {
            Self::I32 => narrow.cast_signed().into(),
            Self::I64 => bits.cast_signed().into(),
            Self::F32 => float(f32::from_bits(narrow).into()),
            Self::F64 => float(f64::from_bits(bits)),
        }
    }

    /// Whether two values are the same: bit by bit, except that one NaN is as good as another.
    pub(crate) fn same(self, a: u64, b: u64) -> bool {
        let nan = |bits: u64| match self {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the upper half of 32-bit values is empty"
            )]
            Self::F32 => f32::from_bits(bits as u32).is_nan(),
            Self::F64 => f64::from_bits(bits).is_nan(),
            Self::I32 | Self::I64 => false,
        };
        a == b || (nan(a) && nan(b))
    }
}

fn text(json: &Json) -> Option<String> {
    match json {
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => Some(text.clone()),
        _ => None,
    }
}

impl Buffer {
    /// The bytes as they are in memory.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::F64(all) => all.iter().flat_map(|one| one.to_le_bytes()).collect(),
            Self::I32(all) => all.iter().flat_map(|one| one.to_le_bytes()).collect(),
            Self::I64(all) => all.iter().flat_map(|one| one.to_le_bytes()).collect(),
            Self::Text(text) => text.as_bytes().to_vec(),
        }
    }

    /// Bytes of memory as a buffer of the same sort, for people to compare.
    #[must_use]
    pub fn like(&self, bytes: &[u8]) -> Self {
        let whole = |size: usize| bytes.len().is_multiple_of(size);
        match self {
            Self::F64(_) if whole(8) => Self::F64(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|one| f64::from_le_bytes(*one))
                    .collect(),
            ),
            Self::I32(_) if whole(4) => Self::I32(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|one| i32::from_le_bytes(*one))
                    .collect(),
            ),
            Self::I64(_) if whole(8) => Self::I64(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|one| i64::from_le_bytes(*one))
                    .collect(),
            ),
            Self::Text(_) => String::from_utf8(bytes.to_vec())
                .map_or_else(|_| Self::Bytes(bytes.to_vec()), Self::Text),
            _ => Self::Bytes(bytes.to_vec()),
        }
    }
}

impl TryFrom<Json> for Value {
    type Error = String;

    fn try_from(json: Json) -> Result<Self, String> {
        match json {
            Json::Number(_) | Json::String(_) => Ok(Self::Number(json)),
            Json::Object(_) => buffer(&json).map(Self::Buffer),
            other => Err(format!("{other} is neither a number nor a buffer")),
        }
    }
}

fn buffer(json: &Json) -> Result<Buffer, String> {
    let members = json.as_object().filter(|members| members.len() == 1);
    let (kind, value) = members
        .and_then(|members| members.iter().next())
        .ok_or("a buffer has one member: bytes, text, i32, i64 or f64")?;
    let wrong = || format!("{kind} of a buffer holds what it cannot hold");
    let list = |json: &Json| json.as_array().cloned().ok_or_else(wrong);
    let buffer = match kind.as_str() {
        "bytes" => Buffer::Bytes({
            let digits = value.as_str().ok_or_else(wrong)?;
            hex::decode(digits).map_err(|_| wrong())?
        }),
        "text" => Buffer::Text(value.as_str().ok_or_else(wrong)?.to_owned()),
        "i32" => Buffer::I32(
            numbers(&list(value)?, |one| i32::try_from(one.as_i64()?).ok()).ok_or_else(wrong)?,
        ),
        "i64" => Buffer::I64(numbers(&list(value)?, Json::as_i64).ok_or_else(wrong)?),
        "f64" => Buffer::F64(
            numbers(&list(value)?, |one| Type::F64.bits(one).map(f64::from_bits))
                .ok_or_else(wrong)?,
        ),
        other => {
            return Err(format!(
                "{other} is no sort of buffer: bytes, text, i32, i64 and f64 are"
            ));
        }
    };
    if buffer.bytes().len() > MAX_BUFFER {
        return Err(format!("a buffer has more than {MAX_BUFFER} bytes"));
    }
    Ok(buffer)
}

fn numbers<T>(list: &[Json], read: impl Fn(&Json) -> Option<T>) -> Option<Vec<T>> {
    list.iter().map(read).collect()
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Number(json) => json,
            Value::Buffer(buffer) => buffer.into(),
        }
    }
}

impl From<Buffer> for Json {
    fn from(buffer: Buffer) -> Self {
        let (kind, value) = match buffer {
            Buffer::Bytes(bytes) => ("bytes", hex::encode(bytes).into()),
            Buffer::F64(all) => (
                "f64",
                all.iter()
                    .map(|one| Type::F64.json(one.to_bits()))
                    .collect(),
            ),
            Buffer::I32(all) => ("i32", all.into()),
            Buffer::I64(all) => ("i64", all.into()),
            Buffer::Text(text) => ("text", text.into()),
        };
        Self::Object([(kind.to_owned(), value)].into_iter().collect())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(json) => json.fmt(f),
            Self::Buffer(buffer) => buffer.fmt(f),
        }
    }
}

/// As a model reads it: texts in quotes, lists in brackets.
impl fmt::Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => {
                let bytes: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
                write!(f, "[{}]", bytes.join(", "))
            }
            Self::F64(all) => write!(f, "{all:?}"),
            Self::I32(all) => write!(f, "{all:?}"),
            Self::I64(all) => write!(f, "{all:?}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn buffers_are_the_bytes_of_their_elements() {
        let bytes = |text| read(text).map(|value| value.buffer().map(Buffer::bytes));
        assert_eq!(
            bytes(r#"{"i32":[1,-1]}"#),
            Ok(Some(vec![1, 0, 0, 0, 255, 255, 255, 255]))
        );
        assert_eq!(bytes(r#"{"text":"hé"}"#), Ok(Some(vec![b'h', 0xc3, 0xa9])));
        assert_eq!(bytes(r#"{"bytes":"00ff"}"#), Ok(Some(vec![0, 255])));
        assert_eq!(bytes("7"), Ok(None));
    }

    #[test]
    fn what_is_no_buffer_is_refused_by_name() {
        for (text, says) in [
            (r#"{"i32":[2147483648]}"#, "i32 of a buffer"),
            (r#"{"bytes":"0"}"#, "bytes of a buffer"),
            (r#"{"bytes":"+1"}"#, "bytes of a buffer"),
            (r#"{"bytes":"é"}"#, "bytes of a buffer"),
            (r#"{"words":[1]}"#, "words is no sort"),
            ("{}", "one member"),
            ("true", "neither a number"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn integers_are_signed_or_unsigned_and_in_range() {
        assert_eq!(
            Type::I32.bits(&4_294_967_295_u32.into()),
            Type::I32.bits(&(-1).into())
        );
        assert_eq!(Type::I32.bits(&4_294_967_296_u64.into()), None);
        assert_eq!(Type::I64.bits(&u64::MAX.into()), Some(u64::MAX));
        assert!(Type::F64.same(f64::NAN.to_bits(), (-f64::NAN).to_bits()));
        assert!(!Type::F64.same(0.0_f64.to_bits(), (-0.0_f64).to_bits()));
    }
}
