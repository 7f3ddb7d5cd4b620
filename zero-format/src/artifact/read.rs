//! Where everything is in an artifact (spec/artifact.md, "Decoding").

use std::ops::Range;

use super::cursor::{Cursor, Fault};
use super::signature::SignatureSection;
use super::{
    DELIMITER_SECTION, DecodeError, FILES_SECTION, METADATA_SECTION, RESERVED_PREFIX,
    SIGNATURE_SECTION,
};
use crate::limits::{MAX_ARTIFACT, MAX_SECTION_NAME, MAX_SECTIONS};
use crate::metadata::{Kind, Metadata};
use crate::text::excerpt;

/// `\0asm`, version 1, layer 0.
const MODULE: [u8; PREAMBLE_LEN] = *b"\0asm\x01\0\0\0";
/// `\0asm`, version 13, layer 1.
const COMPONENT: [u8; PREAMBLE_LEN] = *b"\0asm\x0d\0\x01\0";
/// How long either preamble is.
pub(super) const PREAMBLE_LEN: usize = 8;

/// Where the parts of an artifact are. All ranges lie within the bytes that were read.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    kind: Kind,
    signature: Option<Range<usize>>,
    body: usize,
    metadata: Range<usize>,
    files: Option<Range<usize>>,
}

/// One section at the top level.
pub(super) struct Section<'a> {
    /// Where it starts, at its id.
    pub(super) start: usize,
    /// The name of a custom section.
    pub(super) name: Option<&'a str>,
    /// What follows the name.
    payload: Range<usize>,
}

/// The sections at the top level, one after the other. Nested modules and components are bytes like any other.
pub(super) struct Sections<'a> {
    cursor: Cursor<'a>,
    count: usize,
}

impl Layout {
    /// Finds the parts. Only framing is read: the cost depends on the number of sections, not on their sizes.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, DecodeError> {
        let kind = kind(bytes)?;
        let mut sections = Sections::new(bytes);
        let mut next = sections.next()?;
        let signature = sections.expect(&mut next, SIGNATURE_SECTION)?;
        let body = next.as_ref().map_or(bytes.len(), |section| section.start);
        let metadata = sections
            .expect(&mut next, METADATA_SECTION)?
            .ok_or(DecodeError::MissingMetadata { offset: body })?;
        let files = sections.expect(&mut next, FILES_SECTION)?;
        sections.refuse_reserved(next)?;
        Ok(Self {
            kind,
            signature,
            body,
            metadata,
            files,
        })
    }

    /// Reads the metadata and compares its kind with the preamble, which no signature covers.
    pub(super) fn metadata(&self, bytes: &[u8]) -> Result<Metadata, DecodeError> {
        let offset = self.metadata.start;
        let metadata = Metadata::decode(slice(bytes, &self.metadata))
            .map_err(|source| DecodeError::Metadata { offset, source })?;
        if metadata.kind == self.kind {
            Ok(metadata)
        } else {
            Err(DecodeError::Kind {
                declared: metadata.kind,
                found: self.kind,
            })
        }
    }

    pub(super) fn signature(&self, bytes: &[u8]) -> Result<Option<SignatureSection>, DecodeError> {
        self.signature
            .as_ref()
            .map(|range| SignatureSection::decode(slice(bytes, range), range.start))
            .transpose()
    }

    pub(super) fn files<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.files.as_ref().map(|range| slice(bytes, range))
    }

    /// What the signature covers: everything after it.
    pub(super) fn body<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.body..).unwrap_or_default()
    }

    /// Where that starts.
    pub(super) fn body_start(&self) -> usize {
        self.body
    }
}

/// A range that was found in these bytes.
fn slice<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    bytes.get(range.clone()).unwrap_or_default()
}

/// What the preamble says.
pub(super) fn kind(bytes: &[u8]) -> Result<Kind, DecodeError> {
    if bytes.len() > MAX_ARTIFACT {
        return Err(DecodeError::Size { size: bytes.len() });
    }
    match bytes.first_chunk::<PREAMBLE_LEN>() {
        Some(&MODULE) => Ok(Kind::Module),
        Some(&COMPONENT) => Ok(Kind::Component),
        _ => Err(DecodeError::Preamble),
    }
}

impl<'a> Sections<'a> {
    /// The sections that follow the preamble.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            cursor: Cursor::new(bytes, PREAMBLE_LEN),
            count: 0,
        }
    }

    /// The next section; `None` exactly at the end.
    pub(super) fn next(&mut self) -> Result<Option<Section<'a>>, DecodeError> {
        if self.cursor.is_at_end() {
            return Ok(None);
        }
        let start = self.cursor.offset();
        self.count = self.count.saturating_add(1);
        if self.count > MAX_SECTIONS {
            return Err(DecodeError::TooManySections { offset: start });
        }
        let id = self
            .cursor
            .byte()
            .map_err(|fault| located(fault, start, start))?;
        let size_at = self.cursor.offset();
        let (size, size_is_short) = self
            .cursor
            .integer()
            .map_err(|fault| located(fault, start, size_at))?;
        let content = self.cursor.offset();
        self.cursor
            .take(size)
            .map_err(|fault| located(fault, start, start))?;
        let end = self.cursor.offset();
        if id != 0 {
            return Ok(Some(Section {
                start,
                name: None,
                payload: content..end,
            }));
        }
        let (name, name_is_short, after) = self
            .cursor
            .named(content, end)
            .ok_or(DecodeError::SectionName { offset: start })?;
        if is_reserved(name) && !(size_is_short && name_is_short) {
            return Err(DecodeError::Integer {
                offset: if size_is_short { content } else { size_at },
            });
        }
        Ok(Some(Section {
            start,
            name: Some(name),
            payload: after..end,
        }))
    }

    /// Takes the payload of `next` if it has this name, and moves on.
    fn expect(
        &mut self,
        next: &mut Option<Section<'a>>,
        name: &str,
    ) -> Result<Option<Range<usize>>, DecodeError> {
        match next {
            Some(section) if section.name == Some(name) => {
                let payload = section.payload.clone();
                *next = self.next()?;
                Ok(Some(payload))
            }
            _ => Ok(None),
        }
    }

    /// Goes to the end and refuses reserved names on the way.
    pub(super) fn refuse_reserved(
        &mut self,
        mut next: Option<Section<'a>>,
    ) -> Result<(), DecodeError> {
        while let Some(section) = next {
            if let Some(name) = section.name.filter(|name| is_reserved(name)) {
                return Err(DecodeError::ReservedSection {
                    name: excerpt(name),
                    offset: section.start,
                });
            }
            next = self.next()?;
        }
        Ok(())
    }
}

impl<'a> Cursor<'a> {
    /// The name of the custom section whose content is `content..end`: the name, whether its length is in the
    /// shortest form, and where the payload starts.
    fn named(&self, content: usize, end: usize) -> Option<(&'a str, bool, usize)> {
        let mut inside = self.within(content, end)?;
        let (length, is_short) = inside.integer().ok()?;
        if length > MAX_SECTION_NAME {
            return None;
        }
        let name = std::str::from_utf8(inside.take(length).ok()?).ok()?;
        Some((name, is_short, inside.offset()))
    }
}

/// Names that belong to Zero, now or later.
fn is_reserved(name: &str) -> bool {
    matches!(
        name,
        SIGNATURE_SECTION | DELIMITER_SECTION | METADATA_SECTION
    ) || name.starts_with(RESERVED_PREFIX)
}

fn located(fault: Fault, section: usize, at: usize) -> DecodeError {
    match fault {
        Fault::End => DecodeError::Truncated { offset: section },
        Fault::Integer => DecodeError::Integer { offset: at },
    }
}
