//! Signed events: what publishers say about their packages (spec/registry.md, "Events").
//!
//! An event is one line of text and one leaf of the log. Its body is kept as the string that was
//! signed, so nothing here depends on a canonical form of JSON.

mod body;

pub use body::{Action, Distrust, EventBody, ReleaseInfo};

use thiserror::Error;
use zero_format::{Digest, Minisig, MinisigError, SecretKey};

use crate::json::{self, JsonError};
use crate::limits::{MAX_EVENT_SIGNATURES, MAX_LEAF_BYTES, MAX_SIGNATURE_BYTES};
use crate::schema::{EVENT_TAG, EventLine};

/// An event with its signatures, as one line. Its form is sound; whether the right keys signed it
/// is for [`PackageState::apply`](crate::PackageState::apply) to say.
#[derive(Clone, Debug)]
pub struct SignedEvent {
    line: Vec<u8>,
    text: String,
    body: EventBody,
    signatures: Vec<Minisig>,
}

/// Why a line is not an event.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EventError {
    /// The body has a member that its kind has not, or lacks one that it needs.
    #[error("read the event: a `{kind}` event {problem}")]
    Body {
        /// Kind of the event.
        kind: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The body is not JSON of the expected form.
    #[error("read the event")]
    Json(#[from] JsonError),
    /// It is longer than any event.
    #[error("read the event: its line has {0} bytes, allowed are {MAX_LEAF_BYTES}")]
    Length(usize),
    /// The line is not `{"e":"…","s":["…"]}` in its one form.
    #[error("read the event: its line is not in the one form that an event line has")]
    Line,
    /// A signature is malformed.
    #[error("read signature {index} of the event")]
    Signature {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        source: MinisigError,
    },
    /// There is no signature, there are too many, or one is too long.
    #[error("read the event: it has no signatures, or too many or too long ones")]
    Signatures,
}

impl SignedEvent {
    /// Signs an event with each of these keys.
    ///
    /// # Errors
    /// When the event would break one of the format's limits.
    pub fn sign(body: &EventBody, keys: &[&SecretKey]) -> Result<Self, EventError> {
        let text = body.encode();
        let comment = format!("{EVENT_TAG} {} {} {}", body.origin, body.name, body.seq);
        let message = message(&text);
        let signatures = keys
            .iter()
            .map(|key| Minisig::sign(key, &message, &comment));
        let line = EventLine {
            s: signatures.collect(),
            e: text,
        };
        Self::parse(&line.encode())
    }

    /// Adds signatures to an event, as each of several key holders does in turn.
    ///
    /// # Errors
    /// When the event would break one of the format's limits.
    pub fn sign_also(&self, keys: &[&SecretKey]) -> Result<Self, EventError> {
        let added = Self::sign(&self.body, keys)?;
        let mut line: EventLine = parse_line(&self.line)?;
        let more: EventLine = parse_line(&added.line)?;
        line.s.extend(more.s);
        Self::parse(&line.encode())
    }

    /// Reads an event line, its line feed included.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn parse(line: &[u8]) -> Result<Self, EventError> {
        if line.len() > MAX_LEAF_BYTES {
            return Err(EventError::Length(line.len()));
        }
        let parsed = parse_line(line)?;
        if parsed.encode() != line || parsed.e.chars().any(char::is_control) {
            return Err(EventError::Line);
        }
        let long = |text: &String| text.len() > MAX_SIGNATURE_BYTES;
        if parsed.s.is_empty() || parsed.s.len() > MAX_EVENT_SIGNATURES || parsed.s.iter().any(long)
        {
            return Err(EventError::Signatures);
        }
        let body = EventBody::decode(&parsed.e)?;
        let signatures = parsed.s.iter().enumerate().map(|(index, text)| {
            Minisig::parse(text).map_err(|source| EventError::Signature { index, source })
        });
        Ok(Self {
            signatures: signatures.collect::<Result<_, _>>()?,
            line: line.to_vec(),
            text: parsed.e,
            body,
        })
    }

    /// The line, its line feed included: the leaf of the log, verbatim.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// SHA-256 of the line, which the next event of the package names as `prev`.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.line)
    }

    /// What is signed: the body and a line feed.
    pub fn message(&self) -> Vec<u8> {
        message(&self.text)
    }

    /// The body.
    pub fn body(&self) -> &EventBody {
        &self.body
    }

    /// The signatures.
    pub fn signatures(&self) -> &[Minisig] {
        &self.signatures
    }
}

impl EventLine {
    /// The line, its line feed included, in the one form that it has.
    fn encode(&self) -> Vec<u8> {
        json::encode_line(self)
    }
}

fn message(text: &str) -> Vec<u8> {
    let mut message = text.as_bytes().to_vec();
    message.push(b'\n');
    message
}

fn parse_line(line: &[u8]) -> Result<EventLine, EventError> {
    serde_json::from_slice(line).map_err(|_| EventError::Line)
}

#[cfg(test)]
mod tests;
