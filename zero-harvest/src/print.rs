//! The text of a module in the one style of the dataset: linear, without comments, without indentation unless wished.

use wasmprinter::{Config, PrintFmtWrite};

/// Why a module has no text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrintError {
    /// The text cannot be read back.
    #[error("read the text back: {0}")]
    Parse(String),
    /// The module cannot be printed.
    #[error("print the module: {0}")]
    Print(String),
    /// The text stands for other bytes.
    #[error("the text stands for other bytes than the module's")]
    Unstable,
}

/// Prints a module, and makes sure that its text gives the very same bytes.
///
/// # Errors
/// When it cannot be printed, or does not come back.
pub(crate) fn print(wasm: &[u8], indent: &str) -> Result<String, PrintError> {
    let mut text = String::with_capacity(wasm.len() * 8);
    Config::new()
        .indent_text(indent)
        .print(wasm, &mut PrintFmtWrite(&mut text))
        .map_err(|error| PrintError::Print(error.to_string()))?;
    let text = without_comments(&text);
    let back = wat::parse_str(&text).map_err(|error| PrintError::Parse(error.to_string()))?;
    if back == wasm {
        Ok(text)
    } else {
        Err(PrintError::Unstable)
    }
}

/// Drops `(;0;)` and `;; label = @1`, with the blank before them; strings stay as they are.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['"', ';']) {
        let (before, from) = rest.split_at(at);
        if from.starts_with('"') {
            let end = string_end(from);
            out.push_str(before);
            out.push_str(&from[..end]);
            rest = &from[end..];
        } else if let Some(before) = before.strip_suffix('(') {
            out.push_str(before.trim_end_matches(' '));
            let end = from.find(";)").map_or(from.len(), |end| end + 2);
            rest = &from[end..];
        } else {
            out.push_str(before.trim_end_matches(' '));
            rest = from.find('\n').map_or("", |end| &from[end..]);
        }
    }
    out.push_str(rest);
    out
}

/// Length of the string that `text` starts with, quotes included.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_strings_stay() {
        let text =
            "(func (;0;) (type 0)\nblock ;; label = @1\nbr 0 (;@1;)\n(data \"a\\\";; (;x;)\")";
        assert_eq!(
            without_comments(text),
            "(func (type 0)\nblock\nbr 0\n(data \"a\\\";; (;x;)\")"
        );
    }

    #[test]
    fn the_text_gives_the_same_bytes() {
        let wasm = wat::parse_str(
            r#"(module (memory (export "memory") 1) (data (i32.const 8) ";;(;\"")
            (func $f (export "f") (param $a i32) (result i32)
              (block (br_if 0 (local.get $a)) (return (i32.const 1))) (i32.const 2)))"#,
        )
        .unwrap();
        let text = print(&wasm, "").unwrap();
        assert!(
            text.contains("(func $f (type 0) (param $a i32) (result i32)\nblock\n"),
            "{text}"
        );
        assert_eq!(wat::parse_str(&text).unwrap(), wasm);
    }
}
