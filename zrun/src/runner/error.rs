//! Why a run did not end by itself.

use crate::audit::Unrecorded;
use crate::exit;
use crate::host::denial::DeniedTrap;
use crate::host::fs::{OutputError, ViewError};
use crate::limits::LimitReached;
use crate::value::ValueError;
use zero_format::printable;

/// Why a run did not end by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The number of arguments of an export is another.
    #[error("call {export}: it takes {expected} arguments, {given} were given")]
    Arguments {
        /// The export.
        export: String,
        /// How many it takes.
        expected: usize,
        /// How many there are.
        given: usize,
        /// How it is to be called.
        usage: String,
    },
    /// An argument of an export is of another type.
    #[error("call {export}: its argument `{param}` does not fit")]
    Argument {
        /// The export.
        export: String,
        /// The parameter.
        param: String,
        /// What is wrong with it.
        source: Box<ValueError>,
        /// How it is to be called.
        usage: String,
    },
    /// The embedding program called the run off.
    #[error("run the program: it was cancelled")]
    Cancelled,
    /// A use that was denied, with `--strict` or in a function that cannot fail.
    #[error("run the program: it used what it may not use")]
    Denied {
        /// What it tried.
        source: DeniedTrap,
    },
    /// The runtime itself failed.
    #[error("run the program: {reason}")]
    Engine {
        /// What wasmtime says.
        reason: String,
    },
    /// A fuel limit needs a program that was compiled to count.
    #[error("limit the fuel: the program was not compiled to count it")]
    FuelUncounted,
    /// An import that no version of WASI has.
    #[error("run the program: it imports `{module}` `{name}`, which nothing provides")]
    Import {
        /// The module of the import.
        module: String,
        /// Its name.
        name: String,
    },
    /// What the program wrote cannot be put where it belongs.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A limit was reached.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// There is no such export.
    #[error("find the export `{export}`")]
    NoExport {
        /// The export.
        export: String,
        /// Those that there are.
        exports: Vec<String>,
    },
    /// A deterministic run needs a program that was compiled for it.
    #[error("run the program deterministically: it was not compiled for that")]
    NotDeterministic,
    /// The program is a library: nothing in it is to be started.
    #[error("start the program: it is a library")]
    NotACommand {
        /// What can be called.
        exports: Vec<String>,
    },
    /// Exports of components cannot be called from the command line.
    #[error("call {export}: exports can be called in modules only, and this is a component")]
    ComponentExport {
        /// The export.
        export: String,
    },
    /// The program trapped.
    #[error("run the program: {reason}")]
    Trap {
        /// Which trap.
        reason: String,
        /// The calls that led there, innermost first, one a line.
        backtrace: String,
    },
    /// Nothing would stop the program at its time limit.
    #[error("limit the time: the program was not compiled to be interrupted")]
    Uninterruptible,
    /// What the program does cannot be recorded.
    #[error(transparent)]
    Unrecorded(#[from] Unrecorded),
    /// Its file system cannot be built.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A program with files needs a directory of its own.
    #[error("run the program: it may use files, and no directory for private copies was given")]
    NoScratch,
}

impl RunError {
    /// The exit code that stands for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Limit(_) => exit::LIMIT,
            Self::Denied { .. } | Self::Trap { .. } => exit::TRAPPED,
            Self::Argument { .. } | Self::Arguments { .. } => exit::USAGE,
            Self::NoExport { .. } => exit::NOT_FOUND,
            Self::View(ViewError::Grant { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                exit::NOT_FOUND
            }
            _ => exit::FAILED,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Argument { usage, .. } | Self::Arguments { usage, .. } => Some(usage.clone()),
            Self::Limit(limit) => limit.hint(),
            Self::NoExport { export, exports } if near(export, exports).is_some() => {
                near(export, exports).map(|name| {
                    format!("did you mean `{name}`? `--invoke=` without a name shows all that can be called")
                })
            }
            Self::NoExport { exports, .. } | Self::NotACommand { exports }
                if !exports.is_empty() =>
            {
                let names: Vec<String> = exports.iter().map(|name| printable(name)).collect();
                Some(format!(
                    "call one of its exports with --invoke: {}",
                    names.join(", ")
                ))
            }
            Self::Output(output) => output.hint(),
            Self::Unrecorded(_) => Some(
                "make room for the audit, or name another file: with --audit nothing goes on unrecorded"
                    .to_owned(),
            ),
            Self::View(view) => view.hint(),
            _ => None,
        }
    }

    /// A name for programs to match on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Argument { .. } | Self::Arguments { .. } => "usage",
            Self::Cancelled => "cancelled",
            Self::Denied { .. } => "denied",
            Self::Limit(_) => "limit",
            Self::NoExport { .. } => "not-found",
            Self::Trap { .. } => "trapped",
            _ => "failed",
        }
    }
}

/// The export that was probably meant: by its name, or by what stands after the `#`.
fn near<'e>(export: &str, exports: &'e [String]) -> Option<&'e str> {
    const ALIKE: f64 = 0.8;
    let short = |name: &'e str| name.rsplit_once('#').map_or(name, |(_, short)| short);
    let alike = |name: &str| strsim::jaro_winkler(export, name);
    exports
        .iter()
        .flat_map(|name| [name.as_str(), short(name)])
        .map(|name| (alike(name), name))
        .filter(|(score, _)| *score > ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_with_what_was_meant() {
        let exports = ["count-words".to_owned(), "local:text/t#shout".to_owned()];
        assert_eq!(near("cout-words", &exports), Some("count-words"));
        assert_eq!(near("shot", &exports), Some("shout"));
        assert_eq!(near("x", &exports), None);
    }
}
