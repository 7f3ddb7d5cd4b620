//! Walking a TOML document: typed access that collects faults instead of stopping at the first.

use std::fmt::Display;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Span;
use super::error::Problem;
use crate::limits::MAX_LINE;
use crate::text;

/// A value with its place.
pub(super) type Item<'i> = Spanned<DeValue<'i>>;

/// Collects faults while a document is read.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            problems: Vec::new(),
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    pub(super) fn fault(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        self.problems
            .push(Problem::new(self.text, span, message.into()).with_hint(hint));
    }

    /// Reads a section that may be absent.
    pub(super) fn section<T: Default>(
        &mut self,
        document: &DeTable<'_>,
        name: &'static str,
        read: impl FnOnce(&mut Self, &DeTable<'_>) -> T,
    ) -> T {
        let Some(item) = document.get(name) else {
            return T::default();
        };
        let hint = format!("write it as a section: `[{name}]`");
        self.table(item, name, Some(hint))
            .map_or_else(T::default, |table| read(self, table))
    }

    /// Reports keys that do not belong here.
    pub(super) fn known_keys(&mut self, table: &DeTable<'_>, place: &str, known: &[&str]) {
        for key in table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()))
        {
            let what = if place == "Zero.toml" {
                "section"
            } else {
                "key"
            };
            let message = format!(
                "unknown {what} `{}` in {place}",
                key.get_ref().escape_debug()
            );
            self.fault(key.span(), message, Some(suggest(key.get_ref(), known)));
        }
    }

    /// The value as a table.
    pub(super) fn table<'v, 'i>(
        &mut self,
        item: &'v Item<'i>,
        what: &str,
        hint: Option<String>,
    ) -> Option<&'v DeTable<'i>> {
        let table = item.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(item, what, "a table", hint);
        }
        table
    }

    /// The value as a boolean.
    pub(super) fn boolean(&mut self, item: &Item<'_>, what: &str) -> Option<bool> {
        let value = item.get_ref().as_bool();
        if value.is_none() {
            let hint = matches!(item.get_ref().as_str(), Some("true" | "false"))
                .then(|| "drop the quotes".to_owned());
            self.wrong_type(item, what, "`true` or `false`", hint);
        }
        value
    }

    /// The value as any string.
    pub(super) fn raw_string<'v>(
        &mut self,
        item: &'v Item<'_>,
        what: &str,
        hint: Option<String>,
    ) -> Option<&'v str> {
        let value = item.get_ref().as_str();
        if value.is_none() {
            self.wrong_type(item, what, "a string", hint);
        }
        value
    }

    /// The value as a text of one line that is safe to print.
    pub(super) fn line(&mut self, item: &Item<'_>, what: &str) -> Option<String> {
        let value = self.raw_string(item, what, None)?;
        self.check_text(item.span(), value, what, false)
            .then(|| value.to_owned())
    }

    /// The value as a text that may have several lines.
    pub(super) fn lines(&mut self, item: &Item<'_>, what: &str) -> Option<String> {
        let value = self.raw_string(item, what, None)?;
        self.check_text(item.span(), value, what, true)
            .then(|| value.trim().to_owned())
    }

    /// Whether a text that belongs to the program can be printed: empty is fine, and so are several lines.
    pub(super) fn free_text(&mut self, span: Span, value: &str) -> bool {
        value.is_empty() || self.check_characters(span, value, "text", true)
    }

    fn check_text(&mut self, span: Span, value: &str, what: &str, lines: bool) -> bool {
        if !self.check_characters(span.clone(), value, what, lines) {
            return false;
        }
        if !lines && value.len() > MAX_LINE {
            self.fault(
                span,
                format!("`{what}` has {} bytes, {MAX_LINE} are allowed", value.len()),
                None,
            );
            return false;
        }
        if value.trim().is_empty() {
            self.fault(
                span,
                format!("`{what}` is empty"),
                Some("write something, or drop the key".to_owned()),
            );
            return false;
        }
        true
    }

    fn check_characters(&mut self, span: Span, value: &str, what: &str, lines: bool) -> bool {
        let unsafe_character =
            |c: &char| text::is_unsafe(*c) && !(lines && matches!(c, '\n' | '\t'));
        if let Some(character) = value.chars().find(unsafe_character) {
            let message = format!(
                "`{what}` holds the character U+{:04X}",
                u32::from(character)
            );
            let hint = if matches!(character, '\n' | '\r' | '\t') {
                "write it on one line, with spaces"
            } else {
                "remove it: control and invisible characters could deceive a reader"
            };
            self.fault(span, message, Some(hint.to_owned()));
            return false;
        }
        true
    }

    /// The value as a string that parses.
    pub(super) fn parsed<T>(
        &mut self,
        item: &Item<'_>,
        what: &str,
        hint: impl FnOnce(&T::Err) -> Option<String>,
    ) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let text = self.raw_string(item, what, None)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let hint = hint(&error);
                self.fault(item.span(), format!("`{what}`: {error}"), hint);
                None
            }
        }
    }

    /// The value as one of a few words.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        item: &Item<'_>,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let text = self.raw_string(item, what, None)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.fault(
            item.span(),
            format!("`{what}` cannot be `{}`", text.escape_debug()),
            Some(suggest(text, &known)),
        );
        None
    }

    pub(super) fn wrong_type(
        &mut self,
        item: &Item<'_>,
        what: &str,
        wanted: &str,
        hint: Option<String>,
    ) {
        let found = match item.get_ref() {
            DeValue::Array(_) => "an array",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Float(_) => "a float",
            DeValue::Integer(_) => "an integer",
            DeValue::String(_) => "a string",
            DeValue::Table(_) => "a table",
        };
        self.fault(
            item.span(),
            format!("`{what}` must be {wanted}, not {found}"),
            hint,
        );
    }
}

/// The value as a list; a single value stands for a list of one.
pub(super) fn list<'v, 'i>(item: &'v Item<'i>) -> Vec<&'v Item<'i>> {
    item.get_ref()
        .as_array()
        .map_or_else(|| vec![item], |array| array.iter().collect())
}

/// The value of an integer, in any of TOML's bases.
pub(super) fn integer<T: TryFrom<i128>>(item: &Item<'_>) -> Option<T> {
    let number = item.get_ref().as_integer()?;
    let value = i128::from_str_radix(number.as_str(), number.radix()).ok()?;
    T::try_from(value).ok()
}

/// The likeliest of the known words, or all of them.
pub(super) fn suggest(word: &str, known: &[&str]) -> String {
    let lower = word.to_lowercase().replace('_', "-");
    let score = |candidate: &&str| {
        let plain = candidate.replace('_', "-");
        // Nothing is like a text that is far longer, and comparing them would take long.
        if lower.len() > 64 {
            usize::MAX
        } else {
            strsim::damerau_levenshtein(&lower, &plain)
        }
    };
    let best = known
        .iter()
        .copied()
        .map(|candidate| (score(&candidate), candidate))
        .min();
    match best {
        Some((distance, candidate)) if distance <= (candidate.len() / 3).max(1) => {
            format!("did you mean `{candidate}`?")
        }
        _ => format!(
            "known here: {}",
            known
                .iter()
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}
