//! What every JSON text of the registry must satisfy before its fields are looked at
//! (spec/registry.md, "Conventions"): no duplicate member, no deep nesting, no invisible
//! characters, and a leading type tag.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use thiserror::Error;

/// Deepest nesting of objects and arrays.
const MAX_DEPTH: u8 = 32;
/// The members that are lists, in any of the documents. Elsewhere an array would be read as an
/// object whose members stand in the order of a Rust struct, which is no part of the formats.
const LISTS: [&str; 11] = [
    "clock", "distrust", "env", "fs", "http", "keys", "methods", "mirrors", "net", "ports",
    "witness",
];

/// Why a JSON text is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is not JSON of the expected form.
    #[error("read the JSON of a {expected} document")]
    Form {
        /// The type tag of the expected document.
        expected: &'static str,
        /// What the parser found.
        source: serde_json::Error,
    },
    /// Its first member is not the expected type tag.
    #[error("read a {expected} document: its first member is not \"type\":\"{expected}\"")]
    Tag {
        /// The type tag that should lead.
        expected: &'static str,
    },
}

/// Decodes a document whose first member is `"type":"<tag>"`. The type `T` refuses unknown
/// members itself and carries a `type` member of its own.
pub(crate) fn decode<T: DeserializeOwned>(tag: &'static str, bytes: &[u8]) -> Result<T, JsonError> {
    if leading_tag(bytes) != Some(tag) {
        return Err(JsonError::Tag { expected: tag });
    }
    let mut walker = serde_json::Deserializer::from_slice(bytes);
    let strict = Strict {
        depth: 0,
        is_list: false,
    };
    strict
        .deserialize(&mut walker)
        .and_then(|()| walker.end())
        .map_err(|source| JsonError::Form {
            expected: tag,
            source,
        })?;
    from_slice(tag, bytes)
}

/// Decodes a document that only writers read, whose strings are texts of other formats.
pub(crate) fn decode_raw<T: DeserializeOwned>(
    tag: &'static str,
    bytes: &[u8],
) -> Result<T, JsonError> {
    if leading_tag(bytes) != Some(tag) {
        return Err(JsonError::Tag { expected: tag });
    }
    from_slice(tag, bytes)
}

fn from_slice<T: DeserializeOwned>(tag: &'static str, bytes: &[u8]) -> Result<T, JsonError> {
    serde_json::from_slice(bytes).map_err(|source| JsonError::Form {
        expected: tag,
        source,
    })
}

/// A document on one line, its line feed included.
pub(crate) fn encode_line(value: &impl Serialize) -> Vec<u8> {
    finish_line(serde_json::to_vec(value))
}

/// A document that people read, its line feed included.
pub(crate) fn encode_pretty(value: &impl Serialize) -> Vec<u8> {
    finish_line(serde_json::to_vec_pretty(value))
}

fn finish_line(json: serde_json::Result<Vec<u8>>) -> Vec<u8> {
    let mut bytes = json.expect("wire types hold strings, numbers and lists only");
    bytes.push(b'\n');
    bytes
}

/// The value of the first member of an object when that member is `type`. Signatures over one sort
/// of document can so never be taken for signatures over another.
fn leading_tag(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let space = [' ', '\n', '\r', '\t'];
    let text = text.strip_prefix('{')?.trim_start_matches(space);
    let text = text.strip_prefix("\"type\"")?.trim_start_matches(space);
    let text = text.strip_prefix(':')?.trim_start_matches(space);
    text.strip_prefix('"')?.split_once('"').map(|(tag, _)| tag)
}

/// Whether a text may be shown to people: the rule of spec/artifact.md, "Text".
pub(crate) fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    })
}

/// A seed that walks any JSON value and keeps nothing of it.
#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
    /// Whether an array may stand here.
    is_list: bool,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < MAX_DEPTH {
            Ok(Self {
                depth: self.depth + 1,
                is_list: false,
            })
        } else {
            Err(E::custom("nested too deeply"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        Err(E::custom("a negative number"))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Err(E::custom("a number that is not whole"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if is_plain(text) {
            Ok(())
        } else {
            Err(E::custom(
                "a string with control or bidirectional characters",
            ))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if !self.is_list {
            return Err(A::Error::custom("an array where none can stand"));
        }
        let deeper = self.deeper()?;
        while items.next_element_seed(deeper)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let deeper = self.deeper()?;
        let mut seen = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            self.visit_str(&name)?;
            members.next_value_seed(Self {
                is_list: LISTS.contains(&name.as_str()),
                ..deeper
            })?;
            if !seen.insert(name) {
                return Err(A::Error::custom("a member that appears twice"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn accepts(text: &str) -> bool {
        decode::<Value>("t/1", text.as_bytes()).is_ok()
    }

    #[test]
    fn the_type_tag_leads() {
        assert!(accepts(r#"{"type":"t/1","a":1}"#));
        assert!(accepts("{\n  \"type\": \"t/1\"\n}\n"));
        for text in [
            "",
            "[]",
            "{}",
            r#"{"a":1,"type":"t/1"}"#,
            r#"{"type":"t/2"}"#,
            r#"{"t\u0079pe":"t/1"}"#,
            r#" {"type":"t/1"}"#,
        ] {
            assert!(!accepts(text), "{text}");
        }
    }

    #[test]
    fn doubtful_json_is_refused() {
        for rest in [
            r#""a":1,"a":2"#,
            r#""a":{"b":1,"b":1}"#,
            r#""a":-1"#,
            r#""a":1.5"#,
            r#""a":1e400"#,
            r#""a":"\u001b[2J""#,
            r#""a":"\u202e""#,
            r#""\u0000":1"#,
            r#""a":"#,
        ] {
            assert!(!accepts(&format!(r#"{{"type":"t/1",{rest}}}"#)), "{rest}");
        }
        assert!(!accepts(r#"{"type":"t/1"} x"#));
        let deep = |n: usize| {
            let (open, close) = (r#"{"a":"#.repeat(n), "}".repeat(n));
            accepts(&format!(r#"{{"type":"t/1","a":{open}1{close}}}"#))
        };
        assert!(deep(31) && !deep(32) && !deep(100_000));
    }

    #[test]
    fn arrays_stand_for_lists_only() {
        assert!(accepts(r#"{"type":"t/1","keys":[{"ports":[1]}]}"#));
        for rest in [r#""a":[]"#, r#""keys":[[]]"#, r#""keys":[{"a":[]}]"#] {
            assert!(!accepts(&format!(r#"{{"type":"t/1",{rest}}}"#)), "{rest}");
        }
    }
}
