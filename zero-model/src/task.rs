//! Tasks: what a model is asked, and how its answer is tried (spec/eval.md).

use serde::{Deserialize, Serialize};

mod signature;
mod value;

pub use signature::{Prototype, Signature, Type};
pub use value::{Buffer, MAX_BUFFER, Value};

/// The set of tasks that comes with the crate (spec/eval.md).
pub const WAT_EVAL: &str = include_str!("../wat-eval/tasks.jsonl");

/// One thing to write a function for.
#[derive(Clone, Debug, PartialEq, Serialize)]
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

/// A task as it is written: what follows from the rest may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<String>,
    tier: Option<Tier>,
    prompt: String,
    signature: Signature,
    #[serde(default)]
    examples: Vec<Call>,
    tests: Vec<Call>,
    c: Option<String>,
    reference: Option<String>,
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
            let task: Line =
                serde_json::from_str(text).map_err(|source| TaskError::Line { line, source })?;
            let task = task.complete(line);
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

impl Line {
    /// The whole task; one without a name is called after its line.
    fn complete(self, line: usize) -> Task {
        let calls = || self.examples.iter().chain(&self.tests);
        let buffer = |value: &Value| value.buffer().is_some();
        let tier = if calls().any(|call| call.result.as_ref().is_some_and(buffer)) {
            Tier::Alloc
        } else if calls().any(|call| call.args.iter().any(buffer)) {
            Tier::Memory
        } else {
            Tier::Scalar
        };
        Task {
            tier: self.tier.unwrap_or(tier),
            id: self.id.unwrap_or_else(|| format!("line-{line}")),
            prompt: self.prompt,
            signature: self.signature,
            examples: self.examples,
            tests: self.tests,
            c: self.c,
            reference: self.reference,
        }
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
        assert!(message(&TASK.replace("\"i32\"}", "\"i31\"}")).contains("unknown variant `i31`"));
    }

    #[test]
    fn what_follows_from_the_rest_may_be_left_out() {
        let brief = r#"{"prompt":"add","signature":"add(i32, i32) -> i32","tests":[{"args":[1,2],"result":3}]}"#;
        let mut tasks = Task::parse_set(&format!("\n{brief}")).expect("it is one");
        assert_eq!(tasks[0].id, "line-2");
        let whole = Task::parse_set(TASK).expect("it is one").remove(0);
        tasks[0].id.clone_from(&whole.id);
        assert_eq!(tasks[0], whole);
        let result = brief.replace("\"result\":3", "\"result\":{\"text\":\"x\"}");
        let tasks = Task::parse_set(&result).expect("it is one");
        assert_eq!(tasks[0].tier, Tier::Alloc);
        let nameless = brief.replace("add(", "(");
        let error = Task::parse_set(&nameless).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert!(source.is_some_and(|text| text.contains("name")));
    }
}
