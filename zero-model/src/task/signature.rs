//! What a function is called, takes and returns.

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Value;

/// The function that an answer exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// The types of its parameters.
    pub params: Vec<Type>,
    /// The type of its result.
    pub result: Type,
}

/// A type of numbers.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
}

/// A signature as people write it: `gcd(i32, i32) -> i32`, or without a name `(i32, i32) -> i32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prototype {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The types of its parameters.
    pub params: Vec<Type>,
    /// The type of its result.
    pub result: Type,
}

/// As text, or as an object with `name`, `params` and `result`.
impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            name: String,
            params: Vec<Type>,
            result: Type,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Signature;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a signature such as gcd(i32, i32) -> i32")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Signature, E> {
                let Prototype {
                    name,
                    params,
                    result,
                } = text.parse().map_err(E::custom)?;
                let name = name.ok_or_else(|| E::custom("the signature has no name"))?;
                Ok(Signature {
                    name,
                    params,
                    result,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Signature, A::Error> {
                let Parts {
                    name,
                    params,
                    result,
                } = Parts::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Signature {
                    name,
                    params,
                    result,
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl FromStr for Prototype {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "write it as gcd(i32, i32) -> i32".to_owned();
        let (name, rest) = text.split_once('(').ok_or_else(shape)?;
        let (params, result) = rest.split_once(')').ok_or_else(shape)?;
        let result = result.trim().strip_prefix("->").ok_or_else(shape)?;
        let params = params.split(',').map(str::trim).filter(|ty| !ty.is_empty());
        let name = name.trim();
        if name
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '"' || c == '\\')
        {
            return Err(format!("{name:?} cannot be the name of a function"));
        }
        Ok(Self {
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
            params: params.map(ty).collect::<Result<_, _>>()?,
            result: ty(result.trim())?,
        })
    }
}

fn ty(text: &str) -> Result<Type, String> {
    [Type::I32, Type::I64, Type::F32, Type::F64]
        .into_iter()
        .find(|ty| ty.name() == text)
        .ok_or_else(|| format!("{text} is no type: i32, i64, f32 and f64 are"))
}

impl Signature {
    /// Its type alone: `(i32, i32) -> i32`.
    pub(crate) fn ty(&self) -> String {
        let params: Vec<&str> = self.params.iter().map(|ty| ty.name()).collect();
        format!("({}) -> {}", params.join(", "), self.result.name())
    }

    /// Whether these can be its arguments.
    ///
    /// # Errors
    /// What does not fit.
    pub fn takes(&self, args: &[Value]) -> Result<(), String> {
        let (given, wanted) = (args.len(), self.params.len());
        if given != wanted {
            return Err(format!("a call has {given} arguments instead of {wanted}"));
        }
        let mut typed = args.iter().zip(&self.params);
        typed.try_for_each(|(value, ty)| value.is(*ty))
    }
}

/// As it is written in C and in many prompts: `add(i32, i32) -> i32`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.ty())
    }
}

impl Type {
    /// As it is written in WebAssembly text.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_prototype_is_said_to_be_none() {
        for (text, says) in [
            ("gcd", "write it as"),
            ("f(i31) -> i32", "i31 is no type"),
            ("a b() -> i32", "cannot be"),
        ] {
            assert!(
                text.parse::<Prototype>()
                    .is_err_and(|error| error.contains(says)),
                "{text}"
            );
        }
    }
}
