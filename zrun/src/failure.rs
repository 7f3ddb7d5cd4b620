//! What the user sees when something goes wrong, in the form that all of Zero uses: `error:`, causes, `hint:`.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use serde_json::json;
use zero_format::printable_lines;
use zrun::exit;

/// An error of this program, ready to be printed.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    message: String,
    causes: Vec<String>,
    details: Option<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: u8, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            causes: Vec::new(),
            details: None,
            hint: None,
        }
    }

    /// An error of a library: what it says, then what lies below it.
    pub(crate) fn of(exit: u8, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit, format!("failed to {error}"));
        let mut cause = error.source();
        while let Some(error) = cause {
            failure.causes.push(error.to_string());
            cause = error.source();
        }
        failure
    }

    #[must_use]
    pub(crate) fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// Prints the error; a closed stream is no reason for another one.
    pub(crate) fn report(&self, as_json: bool) -> ExitCode {
        if as_json {
            let mut message = self.message.clone();
            for cause in &self.causes {
                let _ = write!(message, ": {cause}");
            }
            let error = json!({ "code": class(self.exit), "message": message, "hint": self.hint });
            let _ = writeln!(
                std::io::stdout(),
                "{}",
                json!({ "ok": false, "error": error })
            );
        } else {
            let _ = std::io::stderr().write_all(self.text().as_bytes());
        }
        ExitCode::from(self.exit)
    }

    fn text(&self) -> String {
        // Writing to a string cannot fail.
        let mut text = format!("error: {}\n", indented(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "  because: {}", indented(cause));
        }
        if let Some(details) = &self.details {
            for line in printable_lines(details).lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "\nhint: {}", printable_lines(hint));
        }
        text
    }
}

/// A message, in which names of the program may stand: its further lines are indented, so that none passes for ours.
fn indented(message: &str) -> String {
    printable_lines(message).replace('\n', "\n    ")
}

/// The stable name of an error in `--json` output.
fn class(exit: u8) -> &'static str {
    match exit {
        exit::USAGE => "usage",
        exit::UNREACHABLE => "unreachable",
        exit::LIMIT => "limit",
        exit::NOT_TRUSTED => "untrusted",
        exit::DENIED => "denied",
        exit::NOT_FOUND => "not-found",
        exit::TRAPPED => "trapped",
        _ => "failed",
    }
}
