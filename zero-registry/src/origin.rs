//! A registry's name for itself, bound into everything that it signs (spec/registry.md, "Origin").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

/// A schema-less address such as `registry.example/team`. It is an identity, not a place: mirrors
/// elsewhere serve the same origin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Origin(String);

/// Why a text is not an origin.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "read an origin: {0:?} is not 1 to 128 of a-z, 0-9 and .-_:/ that begin and end with a letter or digit"
)]
pub struct OriginError(String);

impl Origin {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let ends =
            text.bytes().next().is_some_and(plain) && text.bytes().next_back().is_some_and(plain);
        let inner = text.bytes().all(|b| plain(b) || b".-_:/".contains(&b));
        if ends && inner && text.len() <= 128 {
            Ok(Self(text.to_owned()))
        } else {
            Err(OriginError(text.chars().take(40).collect()))
        }
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_plain_lower_case_address() {
        for text in ["a", "registry.example", "127.0.0.1:8080/team_x/a-b"] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), text);
        }
        for text in ["", "/a", "a/", "A", "a b", "a+b", "a\n", "é", "https://a "] {
            assert!(text.parse::<Origin>().is_err(), "{text:?}");
        }
        assert!("a".repeat(129).parse::<Origin>().is_err());
    }
}
