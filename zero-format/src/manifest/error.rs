//! Faults in a `Zero.toml`, shown as compilers show them: place, line, caret, advice.

use std::fmt::{self, Write as _};

use super::Span;

/// Most characters of a source line that are shown.
const WINDOW: usize = 100;

/// One fault in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong: a fragment in lower case.
    pub message: String,
    /// Where, in bytes of the text.
    pub span: Span,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The whole line, without its end.
    pub source_line: String,
    /// How many characters of the line are meant; at least 1.
    pub width: usize,
    /// What to type instead.
    pub hint: Option<String>,
}

impl Problem {
    /// A fault at a place in a text: other files of the user are judged in the same form.
    pub fn new(text: &str, span: Span, message: String) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end.max(span.start));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = text.get(line_start..).unwrap_or_default();
        let source_line = rest.split(['\n', '\r']).next().unwrap_or_default();
        let count = |range: Span| text.get(range).unwrap_or_default().chars().count();
        let line_end = line_start + source_line.len();
        Self {
            message,
            span: start..end,
            line: before.matches('\n').count() + 1,
            column: count(line_start..start) + 1,
            source_line: source_line.to_owned(),
            width: count(start..end.min(line_end.max(start))).max(1),
            hint: None,
        }
    }

    pub(super) fn syntax(text: &str, fault: &toml::de::Error) -> Self {
        let message = fault.message().trim().replace('\n', ", ");
        Self::new(text, fault.span().unwrap_or(0..0), message)
    }

    #[must_use]
    pub(super) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// The fault in several lines, for a terminal. `path` names the file.
    pub fn render(&self, path: &str) -> String {
        let mut out = format!("{path}:{}:{}: {}\n", self.line, self.column, self.message);
        let margin = " ".repeat(self.line.to_string().len());
        let skipped = self.column.saturating_sub(WINDOW * 3 / 4);
        let skipped = if self.source_line.chars().count() > WINDOW {
            skipped
        } else {
            0
        };
        let shown: String = self
            .source_line
            .chars()
            .skip(skipped)
            .take(WINDOW)
            .map(visible)
            .collect();
        let caret = " ".repeat(self.column - 1 - skipped.min(self.column - 1));
        let marks = "^".repeat(self.width.min(WINDOW - caret.len().min(WINDOW - 1)));
        let _ = write!(
            out,
            "{margin} |\n{} | {shown}\n{margin} | {caret}{marks}\n",
            self.line
        );
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "{margin} = hint: {hint}");
        }
        out
    }
}

/// One column for each character: a tab, or something that would move the cursor, becomes a space.
fn visible(character: char) -> char {
    if crate::text::is_unsafe(character) {
        ' '
    } else {
        character
    }
}

/// The nearest character boundary at or below.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )
    }
}

/// Why a `Zero.toml` was refused: one fault or more, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    // Boxed: the error travels in every result, and is rare.
    first: Box<Problem>,
    rest: Vec<Problem>,
}

impl ManifestError {
    /// Sorts the faults. Without any there is no error to make, so an empty list becomes a nameless one.
    pub(super) fn from_problems(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span.start);
        problems.dedup();
        let mut problems = problems.into_iter();
        let first = problems
            .next()
            .unwrap_or_else(|| Problem::new("", 0..0, "the file is malformed".to_owned()));
        Self {
            first: Box::new(first),
            rest: problems.collect(),
        }
    }

    /// The first fault.
    pub fn first(&self) -> &Problem {
        &self.first
    }

    /// All faults.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(self.first()).chain(&self.rest)
    }

    /// What the author can do about the first fault.
    pub fn hint(&self) -> Option<&str> {
        self.first.hint.as_deref()
    }

    /// All faults in several lines each, for a terminal. `path` names the file.
    pub fn render(&self, path: &str) -> String {
        self.problems()
            .map(|problem| problem.render(path))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read Zero.toml: {}", self.first)?;
        match self.rest.len() {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more fault)"),
            more => write!(f, " (and {more} more faults)"),
        }
    }
}

impl std::error::Error for ManifestError {}
