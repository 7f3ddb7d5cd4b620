//! Doxygen comments: brief, parameters, return value, notes.

use clang_sys as c;
use serde::{Deserialize, Serialize};

use super::libclang::{Comment, Cursor};
use crate::limits;

/// What a comment says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Doc {
    /// The comment as it stands in the source.
    pub raw: String,
    /// Its brief, or its first paragraph.
    pub brief: String,
    /// Its other paragraphs, one a line.
    pub details: Vec<String>,
    /// Documented parameters.
    pub params: Vec<ParamDoc>,
    /// What is returned.
    pub returns: Option<String>,
    /// Everything else: `note`, `warning`, `pre`, …
    pub notes: Vec<Note>,
}

/// A documented parameter.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ParamDoc {
    /// Its name.
    pub name: String,
    /// Its direction, where the comment says so.
    pub direction: Option<Direction>,
    /// What it is.
    pub text: String,
}

/// Which way a parameter carries data.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Direction {
    /// Into the function.
    In,
    /// Both ways.
    InOut,
    /// Out of it.
    Out,
}

/// Another paragraph with a name.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Note {
    /// The command's name, such as `note`.
    pub kind: String,
    /// Its text.
    pub text: String,
}

impl Doc {
    /// The documentation of a function, from any of its declarations.
    pub(super) fn of(cursor: Cursor<'_>) -> Option<Self> {
        let mut doc = Self {
            raw: cursor.raw_comment()?,
            ..Self::default()
        };
        for block in cursor.comment().children() {
            doc.block(block);
        }
        if doc.brief.is_empty() && !doc.details.is_empty() {
            doc.brief = doc.details.remove(0);
        }
        Some(doc)
    }

    /// Whether it has words of its own for the function.
    pub(super) fn says_something(&self) -> bool {
        let words = |text: &str| text.split_whitespace().count() >= limits::DOC_WORDS.0;
        words(&self.brief) || self.returns.as_deref().is_some_and(words)
    }

    fn block(&mut self, block: Comment<'_>) {
        match block.kind() {
            c::CXComment_Paragraph => {
                let text = paragraph(block);
                if !text.is_empty() {
                    self.details.push(text);
                }
            }
            c::CXComment_ParamCommand => self.params.push(ParamDoc {
                name: block.param_name(),
                direction: block.param_direction().map(|direction| match direction {
                    c::CXCommentParamPassDirection_InOut => Direction::InOut,
                    c::CXCommentParamPassDirection_Out => Direction::Out,
                    _ => Direction::In,
                }),
                text: paragraph(block.paragraph()),
            }),
            c::CXComment_BlockCommand => {
                self.command(&block.command(), paragraph(block.paragraph()));
            }
            _ => {}
        }
    }

    fn command(&mut self, name: &str, text: String) {
        match name {
            "brief" | "short" if self.brief.is_empty() => self.brief = text,
            "brief" | "short" | "details" => {
                self.details.extend((!text.is_empty()).then_some(text));
            }
            "return" | "returns" | "result" => {
                let before = self.returns.take().map(|before| before + " ");
                self.returns = Some(before.unwrap_or_default() + &text);
            }
            _ => self.notes.push(Note {
                kind: name.to_owned(),
                text,
            }),
        }
    }
}

/// The words of a paragraph, in one line.
fn paragraph(comment: Comment<'_>) -> String {
    let mut words = String::new();
    for part in comment.children() {
        match part.kind() {
            c::CXComment_Text => words.push_str(&part.text()),
            c::CXComment_InlineCommand => {
                words.push(' ');
                words.push_str(&part.inline_arguments().join(" "));
            }
            // Markup of web pages.
            _ => {}
        }
        words.push(' ');
    }
    let mut line = String::with_capacity(words.len());
    for word in words.split_whitespace() {
        // An inline command's word is followed by the rest of its sentence: `\p x , which`.
        let closes = word.chars().all(|mark| ".,;:!?)".contains(mark));
        if !line.is_empty() && !closes {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}
