//! What the user sees: results, errors with causes and a hint, exit codes (spec/cli.md, "Output").
//!
//! The only place of this program that prints. Everything else returns a [`Report`] or a [`Failure`].

mod progress;

pub(crate) use progress::{Bar, Step};

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value};
use zero_format::printable_lines;

/// What went wrong, as far as a script cares: each class has one exit code and one `error.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// A capability or the user's consent was denied before the program started.
    Denied,
    /// Anything without a code of its own.
    Failed,
    /// A limit of the program was reached.
    Limit,
    /// No such package, version or file.
    NotFound,
    /// The program trapped.
    Trapped,
    /// The registry cannot be reached.
    Unreachable,
    /// Malformed, unsigned, forged, stale, revoked: nothing of it runs.
    Untrusted,
    /// The command line is wrong.
    Usage,
}

impl Class {
    /// The exit code of the process.
    pub(crate) const fn exit(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unreachable => 69,
            Self::Limit => 124,
            Self::Untrusted => 125,
            Self::Denied => 126,
            Self::NotFound => 127,
            Self::Trapped => 134,
        }
    }

    /// The stable name in `--json` output.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Limit => "limit",
            Self::NotFound => "not-found",
            Self::Trapped => "trapped",
            Self::Unreachable => "unreachable",
            Self::Untrusted => "untrusted",
            Self::Usage => "usage",
        }
    }
}

/// A command that did not do what it was asked: what, why, and what to type next.
#[derive(Debug)]
pub(crate) struct Failure {
    class: Class,
    message: String,
    causes: Vec<String>,
    details: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// A failure of this class.
    pub(crate) fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            causes: Vec::new(),
            details: None,
            hint: None,
        }
    }

    /// A failure without a code of its own.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Class::Failed, message)
    }

    /// A wrong command line.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Class::Usage, message)
    }

    /// Adds an error and everything below it as causes.
    #[must_use]
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            // Some libraries repeat their source in their own text; once is enough.
            if !self
                .causes
                .last()
                .is_some_and(|above| above.contains(&text))
            {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds one cause in words.
    #[must_use]
    pub(crate) fn cause(mut self, text: impl Into<String>) -> Self {
        self.causes.push(text.into());
        self
    }

    /// Adds lines that are printed as they are, such as an excerpt of the user's file.
    #[must_use]
    pub(crate) fn details(mut self, text: impl Into<String>) -> Self {
        self.details = Some(text.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what to do next if there is something to say.
    #[must_use]
    pub(crate) fn hint_if(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into).or(self.hint);
        self
    }

    /// What sort of failure it is.
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// What happened, in one line.
    pub(crate) fn message(&self) -> String {
        std::iter::once(&self.message)
            .chain(&self.causes)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(": ")
    }

    /// What to do next.
    pub(crate) fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    fn json(&self) -> Value {
        serde_json::json!({
            "ok": false,
            "error": {
                "code": self.class.code(),
                "message": self.message(),
                "details": self.details,
                "hint": self.hint,
            },
        })
    }

    fn text(&self, paint: Paint) -> String {
        let mut text = format!("{} {}\n", paint.error("error:"), quoted(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "  because: {}", quoted(cause));
        }
        if let Some(details) = &self.details {
            let _ = writeln!(text, "{}", printable_lines(details.trim_end()));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "\n{} {}", paint.hint("hint:"), printable_lines(hint));
        }
        text
    }
}

/// A message, in which names of strangers may stand: its further lines are indented, so that none passes for ours.
fn quoted(message: &str) -> String {
    printable_lines(message).replace('\n', "\n    ")
}

/// A command that did what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Fields of the `--json` object, after `"ok": true`.
    fields: Map<String, Value>,
    /// The human view, ending in a newline unless empty.
    text: String,
    /// Only if not quiet: what to type next.
    next: Option<String>,
    /// The exit code: a program's own for `run`.
    exit: u8,
    /// The program had standard output for itself.
    silent: bool,
}

impl Report {
    /// A result with its two views; `fields` is a JSON object.
    pub(crate) fn new(fields: Value, text: impl Into<String>) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            other => Map::from_iter([(String::from("result"), other)]),
        };
        Self {
            fields,
            text: text.into(),
            ..Self::default()
        }
    }

    /// The program wrote its own output; this is its exit code.
    pub(crate) fn exit(code: u8) -> Self {
        Self {
            exit: code,
            silent: true,
            ..Self::default()
        }
    }

    /// Adds what the user will probably want to type next.
    #[must_use]
    pub(crate) fn next(mut self, command: impl Into<String>) -> Self {
        self.next = Some(command.into());
        self
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    /// Where the output is a terminal and `NO_COLOR` is not set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How the user wants to be told.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub(crate) struct Output {
    /// One JSON object on standard output.
    pub(crate) json: bool,
    /// Only what was asked for, and errors.
    pub(crate) quiet: bool,
    /// Say more about what happens.
    pub(crate) verbose: bool,
    paint: Paint,
    progress: bool,
}

/// Colours, if they are wanted.
#[derive(Clone, Copy, Debug, Default)]
struct Paint(bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn error(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    fn warning(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default().bold(), text)
    }

    fn hint(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default().bold(), text)
    }
}

impl Output {
    /// What the flags ask for, on this terminal.
    #[expect(
        clippy::fn_params_excessive_bools,
        reason = "they are the flags, in order"
    )]
    pub(crate) fn new(
        json: bool,
        quiet: bool,
        verbose: bool,
        colour: Colour,
        no_color: bool,
    ) -> Self {
        let terminal = io::stderr().is_terminal();
        let paint = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !no_color,
        };
        Self {
            json,
            quiet,
            verbose,
            paint: Paint(paint),
            progress: terminal && !quiet && !json,
        }
    }

    /// Prints a result while the command goes on, in the view that the user wants.
    pub(crate) fn now(self, fields: &Value, text: &str) {
        let line = if self.json {
            format!("{fields}\n")
        } else {
            text.to_owned()
        };
        let mut stdout = io::stdout().lock();
        // Who reads no more will see no more.
        let _ = stdout
            .write_all(line.as_bytes())
            .and_then(|()| stdout.flush());
    }

    /// Says something on standard error that the user would miss.
    pub(crate) fn warn(self, text: &str) {
        self.stderr(&format!("{} {text}\n", self.paint.warning("warning:")));
    }

    /// Says what is going on, unless the user wants quiet.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            self.stderr(&format!("{text}\n"));
        }
    }

    /// Says a detail, if the user asked for details.
    pub(crate) fn detail(self, text: &str) {
        if self.verbose && !self.quiet {
            self.stderr(&format!("{text}\n"));
        }
    }

    /// Text for a person at the terminal, without a line break: a question.
    pub(crate) fn question(self, text: &str) {
        self.stderr(text);
    }

    /// A spinner that appears if the step takes more than a moment and a person watches.
    pub(crate) fn step(self, text: &str) -> Step {
        if !self.progress {
            return Step::silent();
        }
        Step::start(text)
    }

    /// A bar for work whose length is known, if a person watches.
    pub(crate) fn bar(self) -> Bar {
        Bar::new(self.progress)
    }

    /// Prints the end of the command and turns it into the exit code.
    pub(crate) fn finish(self, result: Result<Report, Failure>) -> ExitCode {
        match result {
            Ok(report) => {
                if !report.silent {
                    self.print(&report);
                }
                ExitCode::from(report.exit)
            }
            Err(failure) => {
                self.fail(&failure);
                ExitCode::from(failure.class.exit())
            }
        }
    }

    /// Prints a failure and ends the process at once: the program's time is up while it still runs.
    pub(crate) fn die(self, failure: &Failure) {
        let code = i32::from(failure.class.exit());
        self.fail(failure);
        std::process::exit(code);
    }

    fn fail(self, failure: &Failure) {
        if self.json {
            self.stdout(&format!("{}\n", failure.json()));
        } else {
            self.stderr(&failure.text(self.paint));
        }
    }

    fn print(self, report: &Report) {
        if self.json {
            let mut object = Map::from_iter([(String::from("ok"), Value::Bool(report.exit == 0))]);
            object.extend(report.fields.clone());
            self.stdout(&format!("{}\n", Value::Object(object)));
            return;
        }
        self.stdout(&report.text);
        if let Some(next) = report.next.as_deref().filter(|_| !self.quiet) {
            self.stderr(&format!("\n{} {next}\n", self.paint.hint("next:")));
        }
    }

    /// A reader that went away (`| head`) is no error of ours.
    #[expect(
        clippy::unused_self,
        reason = "output goes through the one object that knows how"
    )]
    fn stdout(self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    #[expect(
        clippy::unused_self,
        reason = "output goes through the one object that knows how"
    )]
    fn stderr(self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Bytes as people read them.
pub(crate) fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes.saturating_mul(10) / 1024;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = next;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let table = [
            (Class::Failed, 1, "failed"),
            (Class::Usage, 2, "usage"),
            (Class::Unreachable, 69, "unreachable"),
            (Class::Limit, 124, "limit"),
            (Class::Untrusted, 125, "untrusted"),
            (Class::Denied, 126, "denied"),
            (Class::NotFound, 127, "not-found"),
            (Class::Trapped, 134, "trapped"),
        ];
        for (class, exit, code) in table {
            assert_eq!((class.exit(), class.code()), (exit, code));
        }
    }

    #[test]
    fn an_error_prints_causes_and_then_the_hint() {
        let inner = io::Error::other("disk on fire");
        let failure = Failure::failed("cannot write x")
            .because(&inner)
            .hint("put it out");
        assert_eq!(
            failure.text(Paint(false)),
            "error: cannot write x\n  because: disk on fire\n\nhint: put it out\n"
        );
    }

    #[test]
    fn an_error_is_one_json_object() {
        let failure = Failure::new(Class::NotFound, "no x")
            .cause("gone")
            .hint("make x");
        assert_eq!(
            failure.json().to_string(),
            r#"{"ok":false,"error":{"code":"not-found","message":"no x: gone","details":null,"hint":"make x"}}"#
        );
    }

    #[test]
    fn sizes_read_well() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (575_674, "562.1 KiB"),
            (1 << 20, "1.0 MiB"),
            (256 << 20, "256.0 MiB"),
            (u64::MAX, "1677721.5 TiB"),
        ];
        for (bytes, text) in table {
            assert_eq!(human_size(bytes), text);
        }
    }
}
