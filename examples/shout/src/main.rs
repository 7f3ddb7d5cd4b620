//! `shout`: a component that is both a command and a library.
//!
//! `main` makes it a command (the adapter turns it into `wasi:cli/run`); the world in `wit/world.wit` makes
//! `shout` and `count-words` callable by other components, by `zrun --invoke` and by tools that read metadata.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

mod bindings {
    wit_bindgen::generate!({ world: "shout", path: "wit" });
}

struct Text;

impl bindings::exports::zero::shout::text::Guest for Text {
    fn shout(s: String) -> String {
        shout(&s)
    }

    fn count_words(s: String) -> u32 {
        u32::try_from(s.split_whitespace().count()).unwrap_or(u32::MAX)
    }
}

bindings::export!(Text with_types_in bindings);

fn shout(text: &str) -> String {
    let mut louder = text.to_uppercase();
    louder.push('!');
    louder
}

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shout: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments as one line, or else each line of standard input.
fn run(words: Vec<String>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if words.is_empty() {
        for line in io::stdin().lock().lines() {
            writeln!(out, "{}", shout(&line?))?;
        }
        return Ok(());
    }
    writeln!(out, "{}", shout(&words.join(" ")))
}
