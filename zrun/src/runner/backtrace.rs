//! The calls that led to a trap, as a person reads them. All names come from the program.

use std::fmt::{self, Write as _};

use wasmtime::{FrameInfo, WasmBacktrace};
use zero_format::printable;

/// Most bytes of one name: a mangled name of a few bytes can stand for gigabytes.
const MAX_NAME: usize = 512;

/// One call a line, innermost first.
pub(super) fn frames(backtrace: &WasmBacktrace) -> String {
    let lines: Vec<String> = backtrace.frames().iter().map(frame).collect();
    lines.join("\n")
}

fn frame(frame: &FrameInfo) -> String {
    match frame.func_name() {
        Some(name) => format!("at {}", readable(name)),
        None => format!("at function {}", frame.func_index()),
    }
}

/// The name as its language writes it, without what could steer a terminal.
fn readable(name: &str) -> String {
    let mut text = Bounded(String::new());
    // A name that turns out too long is cut: that is the only error there is.
    let _ = if let Ok(rust) = rustc_demangle::try_demangle(name) {
        // Without the hash at its end.
        write!(text, "{rust:#}")
    } else if let Ok(cpp) = cpp_demangle::Symbol::new(name) {
        cpp.structured_demangle(&mut text, &cpp_demangle::DemangleOptions::default())
    } else {
        text.write_str(name)
    };
    printable(&text.0)
}

/// Takes so much text and then fails, so that whoever writes stops.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.0.len() + c.len_utf8() > MAX_NAME {
                self.0.push('…');
                return Err(fmt::Error);
            }
            self.0.push(c);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rust_and_cpp_are_read_as_they_were_written() {
        for (mangled, name) in [
            (
                "_ZN4core9panicking9panic_fmt17h0123456789abcdefE",
                "core::panicking::panic_fmt",
            ),
            ("_RNvC6_123foo3bar", "123foo::bar"),
            ("_ZN3foo3barEi", "foo::bar(int)"),
            ("main", "main"),
            ("_Zbroken", "_Zbroken"),
        ] {
            assert_eq!(readable(mangled), name);
        }
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(
            readable("a\u{1b}[2J\u{202e}b\nc"),
            "a\u{fffd}[2J\u{fffd}b c"
        );
    }

    #[test]
    fn a_short_name_that_stands_for_an_endless_one_is_cut() {
        // Each substitution names the type before it twice.
        let mut bomb = String::from("_Z1fSt4pairIiiE");
        for at in 0..20 {
            let reference = match at {
                0 => "S_".to_owned(),
                n => format!(
                    "S{}_",
                    char::from_digit(n - 1, 36).unwrap().to_ascii_uppercase()
                ),
            };
            let _ = write!(bomb, "St4pairI{reference}{reference}E");
        }
        let shown = readable(&bomb);
        assert!(shown.len() <= MAX_NAME + '…'.len_utf8(), "{}", shown.len());
        assert_eq!(readable(&"x".repeat(1000)).chars().count(), MAX_NAME + 1);
    }
}
