//! The header of a GGUF file, read before llama.cpp sees the file.
//!
//! llama.cpp ends the whole process on some files that are damaged in the right place. Whatever it relies on without an
//! error of its own is therefore checked here and in `check.rs`, by a reader that believes no length in the file.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::error::GgufError;

/// Bytes before the tensors, at the most: the largest vocabularies have some twenty megabytes.
const MAX_HEADER: u64 = 256 << 20;
/// Bytes of one text; chat templates are the longest.
const MAX_TEXT: u64 = 1 << 20;
/// Values and tensors, at the most.
const MAX_ENTRIES: u64 = 1 << 16;
/// Elements of a list.
const MAX_ELEMENTS: u64 = 1 << 24;
/// Bytes of a tensor's name that llama.cpp has room for.
const MAX_NAME: usize = 63;
/// The list whose elements are kept: others are only counted.
const TOKENS: &str = "tokenizer.ggml.tokens";

/// One value of the header.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Float(f64),
    /// A list that was skipped.
    List(u64),
    Text(Vec<u8>),
    /// The list of the vocabulary.
    Tokens(Vec<Vec<u8>>),
    Whole(i128),
}

/// A tensor's shape; lengths beyond its dimensions are 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) lengths: [u64; 4],
    pub(super) dimensions: u32,
}

/// What stands before the tensors.
#[derive(Debug)]
pub(super) struct Header {
    values: BTreeMap<String, Value>,
    pub(super) tensors: BTreeMap<String, Shape>,
}

impl Header {
    /// Reads the header of a file with this many bytes, and checks that every tensor lies in it.
    pub(super) fn read(input: impl Read, len: u64) -> Result<Self, GgufError> {
        let mut source = Source {
            input,
            at: 0,
            end: len,
        };
        if source.bytes(4).ok().as_deref() != Some(b"GGUF") {
            return Err(GgufError::NotGguf);
        }
        let version = source.u32()?;
        if !matches!(version, 2 | 3) {
            return Err(GgufError::Version(version));
        }
        let tensors = source.count(MAX_ENTRIES, "tensors")?;
        let values = source.count(MAX_ENTRIES, "values")?;
        let values = source.values(values)?;
        let mut header = Self {
            values,
            tensors: BTreeMap::new(),
        };
        let alignment = header.alignment(&source)?;
        // Where the data of the last tensor ends; the padding after it may be missing.
        let mut end = 0;
        for _ in 0..tensors {
            let begin = padded(end, alignment);
            let (name, shape, bytes) = source.tensor(begin)?;
            end = begin + bytes;
            if header.tensors.insert(name, shape).is_some() {
                return Err(source.malformed("two tensors have the same name"));
            }
        }
        let needed = padded(source.at, alignment) + end;
        if needed > len {
            return Err(GgufError::Truncated { len, needed });
        }
        Ok(header)
    }

    fn alignment(&self, source: &Source<impl Read>) -> Result<u64, GgufError> {
        let Some(value) = self.values.get("general.alignment") else {
            return Ok(32);
        };
        match value {
            Value::Whole(n @ (8 | 16 | 32 | 64 | 128 | 256 | 512 | 1024 | 2048 | 4096)) => {
                Ok(u64::try_from(*n).unwrap_or(32))
            }
            _ => Err(source.malformed("the alignment is no power of two between 8 and 4096")),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// The fractions under this prefix.
    pub(super) fn fractions(&self, prefix: &str) -> impl Iterator<Item = (&str, f64)> {
        self.values
            .iter()
            .filter(move |(key, _)| key.starts_with(prefix))
            .filter_map(|(key, value)| match value {
                Value::Float(fraction) => Some((key.as_str(), *fraction)),
                _ => None,
            })
    }

    /// A text that is UTF-8.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key)? {
            Value::Text(bytes) => str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The vocabulary.
    pub(super) fn tokens(&self) -> Option<&[Vec<u8>]> {
        match self.values.get(TOKENS)? {
            Value::Tokens(tokens) => Some(tokens),
            _ => None,
        }
    }
}

/// Up to the next multiple of a power of two.
fn padded(len: u64, alignment: u64) -> u64 {
    len.div_ceil(alignment).saturating_mul(alignment)
}

/// A file that is read from its beginning.
struct Source<R> {
    input: R,
    at: u64,
    end: u64,
}

impl<R: Read> Source<R> {
    fn malformed(&self, reason: &'static str) -> GgufError {
        GgufError::Malformed {
            offset: self.at,
            reason,
        }
    }

    /// Makes sure that there are so many bytes.
    fn need(&self, len: u64) -> Result<(), GgufError> {
        match self.at.checked_add(len) {
            Some(to) if to > self.end => Err(GgufError::Truncated {
                len: self.end,
                needed: to,
            }),
            Some(to) if to <= MAX_HEADER => Ok(()),
            _ => Err(self.malformed("the header is longer than 256 MiB")),
        }
    }

    fn bytes(&mut self, len: u64) -> Result<Vec<u8>, GgufError> {
        self.need(len)?;
        let mut bytes = Vec::new();
        let read = self.input.by_ref().take(len).read_to_end(&mut bytes)?;
        self.advance(u64::try_from(read).unwrap_or(len), len)?;
        Ok(bytes)
    }

    fn skip(&mut self, len: u64) -> Result<(), GgufError> {
        self.need(len)?;
        let read = io::copy(&mut self.input.by_ref().take(len), &mut io::sink())?;
        self.advance(read, len)
    }

    /// A file that became shorter while it was read is truncated as well.
    fn advance(&mut self, read: u64, wanted: u64) -> Result<(), GgufError> {
        self.at += read;
        if read < wanted {
            return Err(GgufError::Truncated {
                len: self.at,
                needed: self.at + (wanted - read),
            });
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let bytes = self.bytes(u64::try_from(N).unwrap_or(u64::MAX))?;
        bytes
            .try_into()
            .map_err(|_| self.malformed("it ends in the middle of a number"))
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn count(&mut self, most: u64, what: &'static str) -> Result<u64, GgufError> {
        let count = self.u64()?;
        if count > most {
            return Err(GgufError::TooMany { what, count, most });
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<Vec<u8>, GgufError> {
        let len = self.count(MAX_TEXT, "bytes of a text")?;
        self.bytes(len)
    }

    fn name(&mut self) -> Result<String, GgufError> {
        let bytes = self.text()?;
        let text = String::from_utf8(bytes).ok();
        text.filter(|text| !text.is_empty() && !text.contains('\0'))
            .ok_or_else(|| self.malformed("a name is empty or no text"))
    }

    fn values(&mut self, count: u64) -> Result<BTreeMap<String, Value>, GgufError> {
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = self.name()?;
            let kind = self.u32()?;
            let value = self.value(&key, kind)?;
            if values.insert(key, value).is_some() {
                return Err(self.malformed("two values have the same name"));
            }
        }
        Ok(values)
    }

    fn value(&mut self, key: &str, kind: u32) -> Result<Value, GgufError> {
        Ok(match kind {
            0 => Value::Whole(u8::from_le_bytes(self.array()?).into()),
            1 => Value::Whole(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Whole(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Whole(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Whole(self.u32()?.into()),
            5 => Value::Whole(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Bool(self.array::<1>()? != [0]),
            8 => Value::Text(self.text()?),
            9 => self.list(key)?,
            10 => Value::Whole(self.u64()?.into()),
            11 => Value::Whole(i64::from_le_bytes(self.array()?).into()),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => return Err(self.malformed("a value has a type that does not exist")),
        })
    }

    fn list(&mut self, key: &str) -> Result<Value, GgufError> {
        let kind = self.u32()?;
        let count = self.count(MAX_ELEMENTS, "elements of a list")?;
        let size = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            8 if key == TOKENS => {
                let tokens = (0..count).map(|_| self.text()).collect::<Result<_, _>>()?;
                return Ok(Value::Tokens(tokens));
            }
            8 => {
                for _ in 0..count {
                    let len = self.count(MAX_TEXT, "bytes of a text")?;
                    self.skip(len)?;
                }
                return Ok(Value::List(count));
            }
            _ => return Err(self.malformed("a list has elements of a type that does not exist")),
        };
        self.skip(count.saturating_mul(size))?;
        Ok(Value::List(count))
    }

    /// A tensor that begins at this offset of the data, and its bytes.
    fn tensor(&mut self, expected: u64) -> Result<(String, Shape, u64), GgufError> {
        let name = self.name()?;
        if name.len() > MAX_NAME {
            return Err(self.malformed("the name of a tensor is longer than 63 bytes"));
        }
        let dimensions = self.u32()?;
        if !(1..=4).contains(&dimensions) {
            return Err(self.malformed("a tensor has not between one and four dimensions"));
        }
        let mut lengths = [1; 4];
        for (_, length) in (0..dimensions).zip(&mut lengths) {
            *length = self.u64()?;
        }
        let shape = Shape {
            lengths,
            dimensions,
        };
        let kind = self.u32()?;
        let (block, size) = block(kind, dimensions).ok_or_else(|| {
            self.malformed("a tensor has a type that does not exist, or that weights cannot have")
        })?;
        let bytes = bytes(lengths, block, size)
            .ok_or_else(|| self.malformed("a tensor has an impossible shape"))?;
        if self.u64()? != expected {
            return Err(self.malformed("a tensor is not where the one before it ends"));
        }
        Ok((name, shape, bytes))
    }
}

/// Elements and bytes of a block, for the types that weights have. Vectors are never quantised.
fn block(kind: u32, dimensions: u32) -> Option<(u64, u64)> {
    let block = match kind {
        0 => (1, 4),           // F32
        1 | 30 => (1, 2),      // F16, BF16
        2 | 20 => (32, 18),    // Q4_0, IQ4_NL
        3 => (32, 20),         // Q4_1
        6 => (32, 22),         // Q5_0
        7 => (32, 24),         // Q5_1
        8 => (32, 34),         // Q8_0
        10 => (256, 84),       // Q2_K
        11 | 21 => (256, 110), // Q3_K, IQ3_S
        12 => (256, 144),      // Q4_K
        13 => (256, 176),      // Q5_K
        14 => (256, 210),      // Q6_K
        16 => (256, 66),       // IQ2_XXS
        17 => (256, 74),       // IQ2_XS
        18 => (256, 98),       // IQ3_XXS
        19 => (256, 50),       // IQ1_S
        22 => (256, 82),       // IQ2_S
        23 => (256, 136),      // IQ4_XS
        29 => (256, 56),       // IQ1_M
        _ => return None,
    };
    (dimensions > 1 || kind == 0).then_some(block)
}

fn bytes(lengths: [u64; 4], block: u64, size: u64) -> Option<u64> {
    // Far below 2^63 in all, so that sums of offsets cannot overflow either.
    let elements = lengths.iter().try_fold(1_u64, |all, n| {
        all.checked_mul(*n).filter(|n| *n <= 1 << 42)
    })?;
    let rows = lengths.first()?.is_multiple_of(block);
    (rows && elements > 0).then_some(elements / block * size)
}
