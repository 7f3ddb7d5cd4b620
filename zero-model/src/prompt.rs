//! What a model is told, and where in its answer the module is.

use crate::judge::shown;
use crate::model::{Message, Role};
use crate::retrieve::Record;
use crate::task::{Call, Signature, Task, Tier, Type, Value};

/// What of an answer a model is shown again, at the most.
const MAX_SHOWN: usize = 16 << 10;

/// The style is that of the dataset: it is what tuned models write, what typed decoding reads, and short.
const RULES: &str = "\
You write WebAssembly text. Answer with one module and nothing else: no explanation, no comments.
Write instructions one after another, one a line, not nested in parentheses. The module must import nothing.
Use only core WebAssembly: i32, i64, f32, f64, one memory, no SIMD.";

/// The same for a model that answers in C.
const C_RULES: &str = "\
You write C. Answer with one source file and nothing else: no explanation. It has no main and does no input or output; the
headers of the C library may be included.";

const C_ALLOC: &str = "\
The block that is returned comes from malloc: its length in bytes as an int32_t, then the bytes.";

const MEMORY: &str = "\
Export the memory as \"memory\", with at least one page and no maximum. Where an argument is a buffer, the function gets
its address; its length is another argument where it is needed. Write nowhere outside the buffers and your own memory.";

const ALLOC: &str = "\
Where the result is a buffer, return the address of a block that you found room for in your own memory: its length in
bytes as an i32 in four bytes, then the bytes.";

/// What a model answers in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// C, for comparison: a compiler makes the module.
    C,
    /// WebAssembly text.
    #[default]
    Wat,
}

impl Language {
    /// The conversation that asks for a task without examples from a dataset.
    pub fn conversation(self, task: &Task) -> Vec<Message> {
        match self {
            Self::C => vec![
                message(Role::System, C_RULES.to_owned()),
                message(Role::User, question_in_c(task)),
            ],
            Self::Wat => conversation(task, &[]),
        }
    }

    /// The two turns after an answer that was not right: the answer, and what is wrong with it.
    pub fn correction(self, answer: &str, diagnostic: &str) -> [Message; 2] {
        match self {
            Self::C => corrected("source", answer, diagnostic),
            Self::Wat => correction(answer, diagnostic),
        }
    }

    /// What of an answer is meant to be compiled.
    pub fn code_in(self, answer: &str) -> &str {
        match self {
            Self::C => block(answer).unwrap_or(answer).trim(),
            Self::Wat => module_in(answer),
        }
    }
}

/// The conversation that asks for a module: rules, records of a dataset as examples, the task.
pub fn conversation(task: &Task, records: &[&Record]) -> Vec<Message> {
    let mut messages = vec![message(Role::System, RULES.to_owned())];
    for record in records {
        let request = asked(&record.instruction, record.name(), &record.signature);
        messages.push(message(Role::User, request));
        messages.push(message(Role::Assistant, fenced(&record.output)));
    }
    messages.push(message(Role::User, question(task)));
    messages
}

/// How the shortest module for a task begins, up to the end of the function's type; nothing for tasks about buffers, where
/// more than that has to come first.
pub fn header(task: &Task) -> Option<String> {
    if task.tier != Tier::Scalar {
        return None;
    }
    let Signature {
        name,
        params,
        result,
    } = &task.signature;
    let result = result.name();
    let params: Vec<&str> = params.iter().map(|ty| ty.name()).collect();
    let params = match params.join(" ") {
        none if none.is_empty() => none,
        some => format!(" (param {some})"),
    };
    Some(format!(
        "(module (func (export \"{name}\"){params} (result {result})"
    ))
}

/// A conversation in which the answer has been begun.
pub fn begun(turns: &[Message], header: Option<&str>) -> Vec<Message> {
    let begin = header.map(|header| message(Role::Assistant, header.to_owned()));
    turns.iter().cloned().chain(begin).collect()
}

/// The two turns after an answer that was not right: the answer, and what is wrong with it.
pub fn correction(answer: &str, diagnostic: &str) -> [Message; 2] {
    corrected("module", answer, diagnostic)
}

fn corrected(what: &str, answer: &str, diagnostic: &str) -> [Message; 2] {
    let text = format!(
        "That is not right yet:\n{}\nAnswer with the whole corrected {what} and nothing else.",
        cut(diagnostic)
    );
    [
        message(Role::Assistant, cut(answer).to_owned()),
        message(Role::User, text),
    ]
}

fn message(role: Role, text: String) -> Message {
    Message { role, text }
}

fn fenced(wat: &str) -> String {
    format!("```wat\n{}\n```", wat.trim())
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_SHOWN))
        .unwrap_or(text)
}

/// What to do, and the function's name and type if known: of a task, of a record of a dataset, and of what models are
/// tuned on (`tune/zero_tune/question.py`), so that a model sees one form.
fn asked(prompt: &str, name: &str, signature: &str) -> String {
    if name.is_empty() || signature.is_empty() {
        return prompt.to_owned();
    }
    format!("{prompt}\nExport it as \"{name}\", with the type {name}{signature}.")
}

/// A task as a model reads it.
pub fn question(task: &Task) -> String {
    let Signature { name, .. } = &task.signature;
    let mut text = asked(task.prompt.trim(), name, &task.signature.ty());
    let values = || {
        task.examples
            .iter()
            .flat_map(|call| call.args.iter().chain(&call.result))
    };
    if values().any(|value| value.buffer().is_some()) {
        text = format!("{text}\n{MEMORY}");
    }
    if task.examples.iter().any(|call| {
        call.result
            .as_ref()
            .is_some_and(|result| result.buffer().is_some())
    }) {
        text = format!("{text}\n{ALLOC}");
    }
    for call in &task.examples {
        text = format!("{text}\n{}", example(&task.signature, call));
    }
    text
}

/// A task as a model reads it that answers in C.
fn question_in_c(task: &Task) -> String {
    let declared = task.c.clone().unwrap_or_else(|| in_c(&task.signature));
    let mut text = format!("{}\nThe function: {declared}", task.prompt.trim());
    if task.tier == Tier::Alloc {
        text = format!("{text}\n{C_ALLOC}");
    }
    for call in &task.examples {
        text = format!("{text}\n{}", example(&task.signature, call));
    }
    text
}

/// The declaration that a signature has in C.
fn in_c(signature: &Signature) -> String {
    let name = |ty: Type| match ty {
        Type::F32 => "float",
        Type::F64 => "double",
        Type::I32 => "int32_t",
        Type::I64 => "int64_t",
    };
    let params: Vec<&str> = signature.params.iter().map(|ty| name(*ty)).collect();
    let params = params.join(", ");
    format!("{} {}({params})", name(signature.result), signature.name)
}

fn example(signature: &Signature, call: &Call) -> String {
    let mut text = shown(signature, call);
    if let Some(result) = &call.result {
        text = format!("{text} returns {result}");
    }
    let buffers = call.args.iter().filter(|value| value.buffer().is_some());
    for (before, after) in buffers.zip(&call.after) {
        if let Some(after) = after.as_ref().and_then(Value::buffer) {
            text = format!("{text}; {before} then holds {after}");
        }
    }
    text
}

/// The module in an answer: in a code block, or from its first parenthesis to the one that closes it. An answer without
/// a module is returned as it is, for the parser to say what is wrong with it.
pub fn module_in(answer: &str) -> &str {
    let begin = ["(module", "( module"]
        .iter()
        .filter_map(|start| answer.find(start))
        .min();
    let Some(rest) = begin.and_then(|begin| answer.get(begin..)) else {
        return block(answer).unwrap_or(answer).trim();
    };
    let end = close(rest).unwrap_or_else(|| rest.find("\n```").unwrap_or(rest.len()));
    rest.get(..end).unwrap_or(rest).trim_end()
}

fn block(answer: &str) -> Option<&str> {
    let (_, rest) = answer.split_once("```")?;
    let (_, body) = rest.split_once('\n')?;
    Some(body.split_once("```").map_or(body, |(body, _)| body))
}

/// Where the first parenthesis is closed, past strings and comments.
fn close(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut open) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at)?,
            b';' if bytes.get(at + 1) == Some(&b';') => at += text.get(at..)?.find('\n')?,
            b'(' if bytes.get(at + 1) == Some(&b';') => at += text.get(at..)?.find(";)")? + 1,
            b'(' => open += 1,
            b')' => {
                open = open.checked_sub(1)?;
                if open == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn string_end(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_and_the_task_ask_in_the_same_words() {
        let record = r#"{"id":"a","instruction":"Add them.","output":"(module)","signature_wasm":"(i32) -> i32","provenance":{"symbol":"add","line_start":1}}"#;
        let record: Record = serde_json::from_str(record).unwrap();
        let task = r#"{"id":"b","tier":"scalar","prompt":" Negate it.","signature":{"name":"neg","params":["i32"],"result":"i32"},"tests":[{"args":[1],"result":-1}]}"#;
        let task = Task::parse_set(task).unwrap().remove(0);
        let conversation = conversation(&task, &[&record]);
        assert_eq!(
            conversation[1].text,
            "Add them.\nExport it as \"add\", with the type add(i32) -> i32."
        );
        assert_eq!(
            conversation[3].text,
            "Negate it.\nExport it as \"neg\", with the type neg(i32) -> i32."
        );
        assert_eq!(asked("Add them.", "", "(i32) -> i32"), "Add them.");
    }

    #[test]
    fn training_asks_in_the_same_words() {
        #[derive(serde::Deserialize)]
        struct Line {
            task: serde_json::Value,
            question: String,
        }
        // `tune/tests/test_question.py` reads the same lines.
        let lines = include_str!("../tune/tests/data/questions.jsonl").lines();
        for line in lines {
            let line: Line = serde_json::from_str(line).unwrap();
            let task = Task::parse_set(&line.task.to_string()).unwrap().remove(0);
            assert_eq!(question(&task), line.question);
        }
    }

    #[test]
    fn an_answer_begins_as_those_do_that_models_are_trained_on() {
        let task = |tier: &str, signature: &str| {
            let text = format!(
                r#"{{"id":"a","tier":"{tier}","prompt":"x","signature":{signature},"tests":[{{"args":[],"result":1}}]}}"#
            );
            Task::parse_set(&text).map(|mut tasks| tasks.remove(0))
        };
        let none = task("scalar", r#"{"name":"one","params":[],"result":"i32"}"#).unwrap();
        assert_eq!(
            header(&none).unwrap(),
            r#"(module (func (export "one") (result i32)"#
        );
        let two = Task {
            signature: Signature {
                name: "sub".to_owned(),
                params: vec![Type::I32, Type::F64],
                result: Type::I64,
            },
            ..none.clone()
        };
        let begun = header(&two).unwrap();
        assert_eq!(
            begun,
            r#"(module (func (export "sub") (param i32 f64) (result i64)"#
        );
        // `tune/nano/function.py` writes its answers in the same way.
        let python = include_str!("../tune/nano/function.py");
        for part in [
            r#"(export "{self.name}")"#,
            "(param {' '.join(self.params)})",
        ] {
            assert!(python.contains(part), "{part}");
        }
        let alloc = Task {
            tier: Tier::Alloc,
            ..none
        };
        assert_eq!(header(&alloc), None);
        let turns = begun_turns(&begun);
        assert_eq!(turns.last().unwrap().role, Role::Assistant);
    }

    fn begun_turns(header: &str) -> Vec<Message> {
        begun(&[message(Role::User, "x".to_owned())], Some(header))
    }

    #[test]
    fn the_module_is_found_in_what_models_write_around_it() {
        let module = "(module ;; a ) in a comment\n (data (i32.const 0) \")\\\")\") (; ) ;) )";
        for answer in [
            module.to_owned(),
            format!("Sure! Here it is:\n```wat\n{module}\n```\nIt adds (two) numbers."),
            format!("<think>a (short) thought</think>{module}\n\n(and a remark)"),
        ] {
            assert_eq!(module_in(&answer), module, "{answer}");
        }
    }

    #[test]
    fn a_module_that_was_cut_is_taken_to_its_end() {
        assert_eq!(
            module_in("```\n(module (func\n```\nSorry."),
            "(module (func"
        );
        assert_eq!(module_in("(module \"abc"), "(module \"abc");
        assert_eq!(module_in("I cannot do that. "), "I cannot do that.");
        assert_eq!(module_in("```wat\n(func)\n```"), "(func)");
        assert_eq!(module_in("(module))) x"), "(module)");
    }
}
