//! The text of a module in the one style of the dataset: linear, without comments, without indentation unless wished.

use std::{fmt, io};

use wasmprinter::{Config, Print};

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
    let mut plain = Plain {
        text: String::with_capacity(wasm.len() * 8),
        in_comment: false,
    };
    Config::new()
        .indent_text(indent)
        .print(wasm, &mut plain)
        .map_err(|error| PrintError::Print(error.to_string()))?;
    let text = plain.text;
    let back = wat::parse_str(&text).map_err(|error| PrintError::Parse(error.to_string()))?;
    if back == wasm {
        Ok(text)
    } else {
        Err(PrintError::Unstable)
    }
}

/// Text without comments: of `(;0;)` and `;; label = @1` nothing is kept, nor the blank before them.
struct Plain {
    text: String,
    in_comment: bool,
}

impl Plain {
    /// Drops blanks from the end.
    fn trim(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
    }
}

impl Print for Plain {
    fn write_str(&mut self, text: &str) -> io::Result<()> {
        if !self.in_comment {
            self.text.push_str(text);
        }
        Ok(())
    }

    // Each byte of data comes this way, and by itself: what starts like a comment is one, announced or not.
    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> io::Result<()> {
        if self.in_comment {
            return Ok(());
        }
        let before = self.text.len();
        fmt::Write::write_fmt(&mut self.text, arguments).map_err(io::Error::other)?;
        if self.text[before..].starts_with("(;") {
            self.text.truncate(before);
            self.trim();
        }
        Ok(())
    }

    fn start_comment(&mut self) -> io::Result<()> {
        self.in_comment = true;
        self.trim();
        Ok(())
    }

    fn reset_color(&mut self) -> io::Result<()> {
        self.in_comment = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_no_comments_and_gives_the_same_bytes() {
        let wasm = wat::parse_str(
            r#"(module (import "env" "g" (global i32)) (import "env" "i" (func (param f64)))
            (memory (export "memory") 1) (table 1 funcref) (global (mut f32) (f32.const inf)) (elem (i32.const 0) 1)
            (data (i32.const 8) ";;(;\"")
            (func (call 0 (f64.const 0.1)))
            (func $f (export "f") (param $a i32) (result i32) (local i64)
              (if (local.get 0) (then (loop (br 1))))
              (block (br_if 0 (local.get $a)) (return (i32.const 1))) (i32.const 2)))"#,
        )
        .unwrap();
        let text = print(&wasm, "").unwrap();
        let outside = text.replace(r#"";;(;\22""#, "");
        assert!(!outside.contains(';'), "{text}");
        assert!(
            text.contains(
                "(func $f (type 2) (param $a i32) (result i32)\n(local i64)\nlocal.get $a\nif\n"
            ),
            "{text}"
        );
        assert_eq!(wat::parse_str(&text).unwrap(), wasm);
    }
}
