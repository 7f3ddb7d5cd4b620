//! Which characters may reach a person's terminal (spec/artifact.md, "Text").

/// Whether a character is kept out of every text: it moves the cursor, reorders what is read, or cannot be seen.
///
/// Zero-width joiners (U+200C, U+200D) stay allowed: several scripts and emoji are spelled with them.
pub(crate) fn is_unsafe(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}'            // C0 controls, newline and tab included
        | '\u{7f}'..='\u{9f}'         // DEL and C1 controls
        | '\u{ad}'                    // soft hyphen
        | '\u{61c}'                   // Arabic letter mark
        | '\u{180e}'                  // Mongolian vowel separator
        | '\u{200b}'                  // zero-width space
        | '\u{200e}' | '\u{200f}'     // left-to-right and right-to-left marks
        | '\u{2028}'..='\u{202e}'     // line and paragraph separators, embeddings, overrides
        | '\u{2060}'..='\u{206f}'     // invisible operators, isolates, deprecated format characters
        | '\u{feff}'                  // byte order mark
        | '\u{fff9}'..='\u{fffb}'     // interlinear annotation
        | '\u{e0000}'..='\u{e007f}'   // tags
    )
}

/// A text of strangers (a package, a server, a file's name) as it may be shown on one line of a terminal: without
/// characters that move the cursor, reorder what is read, or cannot be seen.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if is_unsafe(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// The same for a text of several lines. Where lines have a meaning, what strangers put into them goes through
/// [`printable`] first.
pub fn printable_lines(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if is_unsafe(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// What of a text may be quoted in an error: its beginning, without characters that deceive.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX: usize = 200;
    let mut excerpt: String = text
        .chars()
        .take(MAX)
        .map(|c| {
            if is_unsafe(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if text.chars().nth(MAX).is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// Gives a string newtype its way through serde.
macro_rules! newtype {
    ($name:ident, $error:ty) => {
        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

pub(crate) use newtype;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_real_writing_through() {
        assert!(
            "Grüße, 世界! שלום नमस्ते 👩\u{200d}💻 — “quoted”"
                .chars()
                .all(|c| !is_unsafe(c))
        );
    }

    #[test]
    fn excerpts_are_short_and_plain() {
        assert_eq!(excerpt("a\u{1b}b"), "a\u{fffd}b");
        assert_eq!(excerpt(&"x".repeat(200)), "x".repeat(200));
        assert_eq!(excerpt(&"ä".repeat(201)), format!("{}…", "ä".repeat(200)));
    }

    #[test]
    fn what_is_shown_keeps_lines_only_where_they_are_meant() {
        let text = "a\u{1b}[31mb\u{202e}c\nd";
        assert_eq!(printable(text), "a\u{fffd}[31mb\u{fffd}c d");
        assert_eq!(printable_lines(text), "a\u{fffd}[31mb\u{fffd}c\nd");
    }

    #[test]
    fn stops_what_deceives_a_terminal() {
        for c in [
            '\u{1b}',
            '\n',
            '\r',
            '\u{9b}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert!(is_unsafe(c), "{c:?}");
        }
    }
}
