//! What `--invoke` prints about functions.

use std::fmt::Write as _;

use super::{Function, Parameter};

impl Function {
    /// The function on one line: `add(a: i32, b: i32) -> i32`.
    pub fn signature(&self) -> String {
        let list: Vec<String> = self
            .params
            .iter()
            .map(|param| format!("{}: {}", param.name, param.ty))
            .collect();
        let results: Vec<&str> = self.results.iter().map(|one| one.ty.as_str()).collect();
        let arrow = match results.as_slice() {
            [] => String::new(),
            [one] => format!(" -> {one}"),
            several => format!(" -> ({})", several.join(", ")),
        };
        format!("{}({}){arrow}", self.name, list.join(", "))
    }

    /// Everything about the function. `command` is what is typed before its arguments.
    pub fn help(&self, command: &str) -> String {
        let mut text = format!("{}\n", self.signature());
        if let Some(doc) = &self.doc {
            text.push('\n');
            indented(&mut text, "  ", doc);
        }
        table(&mut text, "Arguments", &self.params);
        let documented = self
            .results
            .iter()
            .any(|one| one.doc.is_some() || one.unit.is_some());
        if documented {
            table(&mut text, "Returns", &self.results);
        }
        if !self.examples.is_empty() {
            text.push_str("\nExamples:\n");
        }
        for example in &self.examples {
            let words: Vec<String> = example.args.iter().map(|word| quoted(word)).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "  $ {}",
                format!("{command} {}", words.join(" ")).trim_end()
            );
            indented(&mut text, "  ", &example.result);
        }
        text
    }
}

/// All functions, each with the first line of its documentation and an example. `command` is what is typed before the
/// arguments of a function of this name.
pub fn list(functions: &[Function], command: &dyn Fn(&str) -> String) -> String {
    let mut text = String::new();
    for function in functions {
        let _ = writeln!(text, "{}", function.signature());
        if let Some(line) = function.doc.as_deref().and_then(|doc| doc.lines().next()) {
            indented(&mut text, "    ", line);
        }
        if let Some(example) = function.examples.first() {
            let words: Vec<String> = example.args.iter().map(|word| quoted(word)).collect();
            let call = format!("{} {}", command(function.short()), words.join(" "));
            let _ = writeln!(text, "    $ {}", call.trim_end());
        }
    }
    text
}

fn table(text: &mut String, title: &str, rows: &[Parameter]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}:");
    let width = |of: &dyn Fn(&Parameter) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let names = width(&|row| row.name.chars().count());
    let types = width(&|row| row.ty.chars().count());
    for row in rows {
        let unit = row.unit.as_ref().map(|unit| format!("[{unit}]"));
        let mut lines = row.doc.as_deref().unwrap_or_default().lines();
        let says: Vec<&str> = lines.next().into_iter().chain(unit.as_deref()).collect();
        let line = format!(
            "  {:names$}{}{:types$}  {}",
            row.name,
            if names > 0 { "  " } else { "" },
            row.ty,
            says.join(" "),
        );
        let _ = writeln!(text, "{}", line.trim_end());
        let rest: Vec<&str> = lines.collect();
        indented(text, &" ".repeat(names + types + 6), &rest.join("\n"));
    }
}

/// Text of the package stands apart from ours: every line of it is indented.
fn indented(text: &mut String, by: &str, lines: &str) {
    for line in lines.lines() {
        let _ = writeln!(text, "{}", format!("{by}{line}").trim_end());
    }
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exports::Call;

    fn scale() -> Function {
        let param = |name: &str, doc: Option<&str>, unit: Option<&str>| Parameter {
            name: name.to_owned(),
            ty: "f64".to_owned(),
            schema: json!({}),
            doc: doc.map(str::to_owned),
            unit: unit.map(str::to_owned),
        };
        Function {
            name: "local:math/numbers#scale".to_owned(),
            doc: Some("Scales a length.\n\nNever fails.".to_owned()),
            params: vec![
                param(
                    "length",
                    Some("What to scale.\nMay be negative."),
                    Some("mm"),
                ),
                param("by", None, None),
            ],
            results: vec![param("", Some("the scaled length"), Some("mm"))],
            examples: vec![Call {
                args: vec!["2".to_owned(), "it's".to_owned()],
                result: "4".to_owned(),
            }],
            pure: true,
        }
    }

    #[test]
    fn help_shows_types_units_docs_and_examples() {
        assert_eq!(
            scale().help("zrun --invoke scale math@1"),
            "local:math/numbers#scale(length: f64, by: f64) -> f64\n\
             \n  Scales a length.\n\n  Never fails.\n\
             \nArguments:\n  length  f64  What to scale. [mm]\n               May be negative.\n  by      f64\n\
             \nReturns:\n  f64  the scaled length [mm]\n\
             \nExamples:\n  $ zrun --invoke scale math@1 2 'it'\\''s'\n  4\n"
        );
    }

    #[test]
    fn the_list_has_a_line_of_each() {
        assert_eq!(
            list(&[scale()], &|name| format!("zrun --invoke {name} math@1")),
            "local:math/numbers#scale(length: f64, by: f64) -> f64\n    Scales a length.\n    $ zrun --invoke scale math@1 2 'it'\\''s'\n"
        );
    }
}
