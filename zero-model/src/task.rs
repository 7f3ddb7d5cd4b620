//! Tasks: what a model is asked, and how its answer is tried (spec/eval.md).

use std::fmt;

use serde::{Deserialize, Serialize};

mod value;

pub use value::{Buffer, MAX_BUFFER, Value};

/// The set of tasks that comes with the crate (spec/eval.md).
pub const WAT_EVAL: &str = include_str!("../wat-eval/tasks.jsonl");

/// One thing to write a function for.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// A name that no other task of the set has.
    pub id: String,
    /// How hard.
    pub tier: Tier,
    /// What the function is to do, for the model.
    pub prompt: String,
    /// The export and its type.
    pub signature: Signature,
    /// Calls that the model is shown.
    #[serde(default)]
    pub examples: Vec<Call>,
    /// Calls that it is not shown.
    pub tests: Vec<Call>,
    /// A function in C that is right, for comparison with C that a model writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c: Option<String>,
    /// An answer that is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// What a task needs besides numbers.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Numbers in, a number out.
    Scalar,
    /// Buffers of the caller in memory that the module exports.
    Memory,
    /// Results in memory that the function finds room for.
    Alloc,
}

impl Tier {
    /// As it is written in a task.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Memory => "memory",
            Self::Alloc => "alloc",
        }
    }
}

/// The function that an answer exports.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Its name.
    pub name: String,
    /// The types of its parameters.
    pub params: Vec<Type>,
    /// The type of its result.
    pub result: Type,
}

/// A type of numbers.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
}

/// A call and what it returns.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its arguments.
    pub args: Vec<Value>,
    /// Its result; absent where only memory is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// What each buffer among the arguments holds afterwards, in their order; `null` where it does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Option<Value>>,
}

/// A set of tasks that is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// A line is no task; the message of the source names the field.
    #[error("read line {line} of the tasks")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A task contradicts itself or another one.
    #[error("read line {line} of the tasks: {field}: {reason}")]
    Field {
        /// The line, from 1.
        line: usize,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no task at all.
    #[error("read the tasks: there are none")]
    Empty,
}

impl Task {
    /// Reads a set of tasks: JSON, one a line.
    ///
    /// # Errors
    /// At the first line that is no task, or when there is none.
    pub fn parse_set(text: &str) -> Result<Vec<Self>, TaskError> {
        let mut tasks: Vec<Self> = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() {
                continue;
            }
            let task: Self =
                serde_json::from_str(text).map_err(|source| TaskError::Line { line, source })?;
            task.consistent()
                .map_err(|(field, reason)| TaskError::Field {
                    line,
                    field,
                    reason,
                })?;
            if tasks.iter().any(|other| other.id == task.id) {
                let reason = format!("another task is called {} as well", task.id);
                return Err(TaskError::Field {
                    line,
                    field: "id",
                    reason,
                });
            }
            tasks.push(task);
        }
        if tasks.is_empty() {
            Err(TaskError::Empty)
        } else {
            Ok(tasks)
        }
    }

    /// Whether its calls are calls of its function.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self) -> Result<(), String> {
        let mut calls = self.examples.iter().chain(&self.tests);
        calls.try_for_each(|call| call.fits(&self.signature))
    }

    fn consistent(&self) -> Result<(), (&'static str, String)> {
        if self.id.is_empty() {
            return Err(("id", "it is empty".to_owned()));
        }
        if self.tests.is_empty() {
            return Err(("tests", "there are none".to_owned()));
        }
        for (field, calls) in [("examples", &self.examples), ("tests", &self.tests)] {
            for call in calls {
                call.fits(&self.signature)
                    .map_err(|reason| (field, reason))?;
            }
        }
        Ok(())
    }
}

impl Call {
    fn fits(&self, signature: &Signature) -> Result<(), String> {
        signature.takes(&self.args)?;
        if let Some(result) = &self.result {
            result.is(signature.result)?;
        }
        let buffers: Vec<&Buffer> = self.args.iter().filter_map(Value::buffer).collect();
        if self.after.len() > buffers.len() {
            return Err(format!(
                "`after` has {} entries for {} buffers",
                self.after.len(),
                buffers.len()
            ));
        }
        for (after, before) in self.after.iter().zip(buffers) {
            let same_size = |value: &Value| {
                value
                    .buffer()
                    .is_some_and(|after| after.bytes().len() == before.bytes().len())
            };
            if !after.as_ref().is_none_or(same_size) {
                return Err(
                    "an entry of `after` is no buffer of the size of its argument".to_owned(),
                );
            }
        }
        if self.result.is_none() && self.after.iter().all(Option::is_none) {
            return Err("a call has neither a result nor an entry of `after`".to_owned());
        }
        Ok(())
    }
}

impl Signature {
    /// Its type alone: `(i32, i32) -> i32`.
    pub(crate) fn ty(&self) -> String {
        let params: Vec<&str> = self.params.iter().map(|ty| ty.name()).collect();
        format!("({}) -> {}", params.join(", "), self.result.name())
    }

    /// Whether these can be its arguments.
    ///
    /// # Errors
    /// What does not fit.
    pub fn takes(&self, args: &[Value]) -> Result<(), String> {
        let (given, wanted) = (args.len(), self.params.len());
        if given != wanted {
            return Err(format!("a call has {given} arguments instead of {wanted}"));
        }
        let mut typed = args.iter().zip(&self.params);
        typed.try_for_each(|(value, ty)| value.is(*ty))
    }
}

/// As it is written in C and in many prompts: `add(i32, i32) -> i32`.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.ty())
    }
}

impl Type {
    /// As it is written in WebAssembly text.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I32 => "i32",
            Self::I64 => "i64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = r#"{"id":"a","tier":"scalar","prompt":"add","signature":{"name":"add","params":["i32","i32"],"result":"i32"},"tests":[{"args":[1,2],"result":3}]}"#;

    #[test]
    fn the_line_and_the_field_of_a_malformed_task_are_named() {
        let message = |text: &str| {
            let error = Task::parse_set(text).unwrap_err();
            let source = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            format!("{error}: {source}")
        };
        let second = format!("{TASK}\n{}", TASK.replace("\"prompt\":\"add\",", ""));
        assert!(
            message(&second).starts_with("read line 2 of the tasks: missing field `prompt`"),
            "{}",
            message(&second)
        );
        assert!(
            message(&format!("{TASK}\n\n{TASK}"))
                .starts_with("read line 3 of the tasks: id: another task is called a")
        );
        assert!(
            message(&TASK.replace("[1,2]", "[1]"))
                .starts_with("read line 1 of the tasks: tests: a call has 1 arguments")
        );
        assert!(message("").starts_with("read the tasks: there are none"));
    }
}
