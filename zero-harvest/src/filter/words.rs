//! The instruction: what the documentation says, without what belongs to its authors.

use crate::extract::Doc;
use crate::limits;
use crate::record::{InstructionSource, Reason};

/// The words of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    pub(crate) text: String,
    pub(crate) source: InstructionSource,
}

/// Makes an instruction of a comment, or says why it has none.
pub(crate) fn instruction(doc: &Doc, name: &str) -> Result<Instruction, Reason> {
    let brief = clean(&doc.brief, name);
    let (text, source) = if brief.is_empty() {
        let returns = clean(doc.returns.as_deref().unwrap_or_default(), name);
        (returns, InstructionSource::Returns)
    } else {
        (brief, InstructionSource::Brief)
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.len() < limits::DOC_WORDS.0 {
        return Err(Reason::DocShort);
    }
    if words.len() > limits::DOC_WORDS.1 {
        return Err(Reason::DocLong);
    }
    if only_restates(&words, name) {
        return Err(Reason::DocEmpty);
    }
    let text = if source == InstructionSource::Returns {
        format!("Returns {text}")
    } else {
        text
    };
    Ok(Instruction { text, source })
}

/// Without addresses of people and pages, and without `name() -` in front.
fn clean(text: &str, name: &str) -> String {
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !is_address(word))
        .collect();
    let text = words.join(" ");
    let bare = text
        .strip_prefix(name)
        .map(|rest| rest.trim_start_matches("()").trim_start())
        .and_then(|rest| rest.strip_prefix(['-', ':', '–', '—']))
        .unwrap_or(&text);
    let bare = bare.trim_start_matches(['-', ':', '*', '=', ' ']);
    bare.trim_end_matches(['*', '=', '-', ' ']).to_owned()
}

fn is_address(word: &str) -> bool {
    word.contains("://")
        || word.starts_with("www.")
        || word
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
}

/// Whether every word that carries meaning is part of the function's name.
fn only_restates(words: &[&str], name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let empty = [
        "a", "an", "the", "this", "function", "of", "to", "is", "it", "and",
    ];
    words.iter().all(|word| {
        let word: String = word
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let stem = word.strip_suffix('s').unwrap_or(&word);
        word.is_empty() || empty.contains(&word.as_str()) || name.contains(stem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(brief: &str, name: &str) -> Result<String, Reason> {
        let doc = Doc {
            brief: String::from(brief),
            ..Doc::default()
        };
        instruction(&doc, name).map(|instruction| instruction.text)
    }

    #[test]
    fn a_comment_must_say_something() {
        assert_eq!(
            of("Calculate hamming distance", "hd").unwrap(),
            "Calculate hamming distance"
        );
        assert_eq!(
            of("hd() - Calculate hamming distance", "hd").unwrap(),
            "Calculate hamming distance"
        );
        assert_eq!(of("", "hd"), Err(Reason::DocShort));
        assert_eq!(of("Gets the name", "get_name"), Err(Reason::DocEmpty));
        assert_eq!(of(&"word ".repeat(257), "hd"), Err(Reason::DocLong));
    }

    #[test]
    fn addresses_are_left_out() {
        let text = "Sorts a list, see https://x.example/y or me@x.example for more";
        assert_eq!(of(text, "f").unwrap(), "Sorts a list, see or for more");
    }
}
