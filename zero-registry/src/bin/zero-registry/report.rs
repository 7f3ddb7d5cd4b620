//! The only place that prints: results, errors with causes and hints, exit codes.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use serde_json::{Map, Value, json};
use zero_format::printable_lines;
use zero_registry::{ErrorClass, Timestamp};

/// What a command has done: the same for people and for machines.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Lines for people.
    pub(crate) text: String,
    /// Members of the JSON object.
    pub(crate) members: Map<String, Value>,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    class: Class,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

/// What a failure means for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// One of the library's classes.
    Of(ErrorClass),
    /// The arguments make no sense together.
    Usage,
}

impl Class {
    fn exit_code(self) -> u8 {
        match self {
            Self::Of(class) => class.exit_code(),
            Self::Usage => 2,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Of(class) => class.code(),
            Self::Usage => "usage",
        }
    }
}

impl Failure {
    /// A failure that an error of the library explains.
    pub(crate) fn of(class: ErrorClass, error: &dyn Error, hint: Option<String>) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self {
            class: Class::Of(class),
            message: format!("failed to {error}"),
            causes,
            hint,
        }
    }

    /// A failure of the arguments.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            class: Class::Usage,
            message: message.into(),
            causes: Vec::new(),
            hint: Some(hint.into()),
        }
    }

    /// A failure in plain words.
    pub(crate) fn plain(class: ErrorClass, message: String, hint: Option<String>) -> Self {
        Self {
            class: Class::Of(class),
            message,
            causes: Vec::new(),
            hint,
        }
    }

    /// The same with a cause.
    #[must_use]
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        self.causes.push(error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            self.causes.push(cause.to_string());
            source = cause.source();
        }
        self
    }

    /// The same, said of a file.
    #[must_use]
    pub(crate) fn about(mut self, path: &Path) -> Self {
        self.message = format!("{}: {}", path.display(), self.message);
        self
    }

    fn to_text(&self) -> String {
        let mut text = format!("error: {}\n", self.message);
        for cause in &self.causes {
            let _ = writeln!(text, "  caused by: {cause}");
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "\nhint: {hint}");
        }
        text
    }

    fn to_json(&self) -> Value {
        json!({
            "ok": false,
            "error": {
                "code": self.class.code(),
                "message": std::iter::once(&self.message).chain(&self.causes).cloned().collect::<Vec<_>>().join(": "),
                "hint": self.hint,
            },
        })
    }
}

/// Prints what a command has done, and says how the process ends.
pub(crate) fn finish(json: bool, outcome: Result<Report, Failure>) -> ExitCode {
    match outcome {
        Ok(report) => {
            say(json, &report);
            ExitCode::SUCCESS
        }
        Err(failure) if json => {
            out(&format!("{}\n", failure.to_json()));
            ExitCode::from(failure.class.exit_code())
        }
        Err(failure) => {
            // Where even stderr is closed there is nobody to tell.
            let _ = io::stderr().write_all(printable_lines(&failure.to_text()).as_bytes());
            ExitCode::from(failure.class.exit_code())
        }
    }
}

/// Prints an interim result: what a server that keeps running has to say.
pub(crate) fn say(json: bool, report: &Report) {
    if json {
        let mut object = Map::from_iter([("ok".to_owned(), Value::Bool(true))]);
        object.extend(report.members.clone());
        out(&format!("{}\n", Value::Object(object)));
    } else {
        out(&printable_lines(&report.text));
    }
}

/// Writes a line of the server's log to standard error.
pub(crate) fn log(object: &Value, now: Timestamp) {
    let mut line = Map::from_iter([("time".to_owned(), json!(now))]);
    if let Value::Object(members) = object {
        line.extend(members.clone());
    }
    let line = format!("{}\n", Value::Object(line));
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Help, the version, or an error of the arguments.
pub(crate) fn usage(json: bool, error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        out(&error.to_string());
        return ExitCode::SUCCESS;
    }
    if json {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(message);
        let failure = Failure::usage(message, "zero-registry --help");
        out(&format!("{}\n", failure.to_json()));
    } else {
        let _ = io::stderr().write_all(error.to_string().as_bytes());
    }
    ExitCode::from(2)
}

/// A reader that has seen enough (`| head`) is no error.
fn out(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}
