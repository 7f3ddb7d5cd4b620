//! `--save`: a package with the module, its calls as examples that every build executes, and where it came from.

use std::path::Path;

use serde_json::{Value as Json, json};
use toml::{Table, Value as Toml};
use zero_format::PackageName;
use zero_model::ask::{Asked, Attempt};
use zero_model::task::{Call, Signature, Type, Value};

use super::Made;
use crate::host::Session;
use crate::report::Failure;
use crate::write;

const SOURCE: &str = "main.wat";
/// Bytes that a line of Zero.toml may have (spec/manifest.md).
const MAX_LINE: usize = 1024;

/// The package's name: that of the folder, which must not be there yet.
pub(super) fn package(folder: &Path) -> Result<PackageName, Failure> {
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if folder.exists() {
        return Err(
            Failure::failed(format!("{} exists already", folder.display()))
                .hint("choose another folder: it is never overwritten"),
        );
    }
    name.parse().map_err(|error: zero_format::NameError| {
        Failure::usage(format!("`{name}` cannot be the name of a package"))
            .because(&error)
            .hint(error.hint())
    })
}

/// Writes the package. It is made beside its place and renamed: a half-made one never appears.
pub(super) fn save(
    session: &Session,
    folder: &Path,
    package: &PackageName,
    made: &Made<'_>,
    asked: &Asked,
) -> Result<(), Failure> {
    let manifest = manifest(package, made);
    let manifest = toml::to_string_pretty(&manifest)
        .map_err(|error| Failure::failed("cannot write Zero.toml").because(&error))?;
    let files = [
        ("Zero.toml", manifest),
        (SOURCE, format!("{}\n", made.answer.module.trim_end())),
        ("README.md", readme(package, made)),
        (".gitignore", "/target\n".to_owned()),
        ("ask.jsonl", transcript(asked)),
    ];
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let cannot = |error: &std::io::Error| write::cannot_write(folder, error);
    std::fs::create_dir_all(parent).map_err(|error| cannot(&error))?;
    let scratch = tempfile::Builder::new()
        .prefix(".zero-ask-")
        .tempdir_in(parent)
        .map_err(|error| cannot(&error))?;
    let whole = scratch.path().join("package");
    for (file, text) in &files {
        write::create(&whole.join(file), text.as_bytes())?;
    }
    std::fs::rename(&whole, folder).map_err(|error| cannot(&error))?;
    session
        .output
        .detail(&format!("wrote {}", files.map(|(file, _)| file).join(", ")));
    Ok(())
}

fn manifest(package: &PackageName, made: &Made<'_>) -> Table {
    let description = line(&made.task.prompt);
    let examples = made
        .task
        .examples
        .iter()
        .chain(&made.task.tests)
        .map(|call| example(&made.task.signature, call));
    let export = table([
        ("doc", description.clone().into()),
        ("examples", Toml::Array(examples.map(Toml::Table).collect())),
    ]);
    let origin = table([
        ("model", line(made.model).into()),
        ("prompt", description.clone().into()),
        // A seed may be larger than any integer of TOML.
        ("seed", made.answer.seed.to_string().into()),
        (
            "temperature",
            format!("{:.2}", made.options.sampling.temperature).into(),
        ),
        (
            "attempt",
            i64::try_from(made.answer.round).unwrap_or(i64::MAX).into(),
        ),
        (
            "records",
            Toml::Array(
                made.records
                    .iter()
                    .map(|record| line(&record.id).into())
                    .collect(),
            ),
        ),
    ]);
    table([
        (
            "package",
            Toml::Table(table([
                ("name", package.to_string().into()),
                ("version", "0.1.0".into()),
                ("description", description.into()),
                ("readme", "README.md".into()),
            ])),
        ),
        (
            "build",
            Toml::Table(table([
                ("kind", "module".into()),
                ("module", SOURCE.into()),
            ])),
        ),
        ("capabilities", Toml::Table(Table::new())),
        (
            "exports",
            Toml::Table(Table::from_iter([(
                made.task.signature.name.clone(),
                Toml::Table(export),
            )])),
        ),
        (
            "hints",
            Toml::Table(table([("origin", Toml::Table(origin))])),
        ),
    ])
}

fn table<const N: usize>(entries: [(&str, Toml); N]) -> Table {
    entries
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn example(signature: &Signature, call: &Call) -> Table {
    let args = call.args.iter().zip(&signature.params);
    let args = args.map(|(value, ty)| number(value, *ty)).collect();
    let mut entries = table([("args", Toml::Array(args))]);
    if let Some(result) = &call.result {
        entries.insert("result".to_owned(), number(result, signature.result));
    }
    entries
}

/// A number of TOML. Integers beyond its own are the signed ones with the same bits; a float keeps its value, however it
/// is written.
fn number(value: &Value, ty: Type) -> Toml {
    match Json::from(value.clone()) {
        Json::Number(number) if matches!(ty, Type::F32 | Type::F64) => {
            number.as_f64().unwrap_or_default().into()
        }
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(signed), _) => signed.into(),
            (None, Some(unsigned)) => unsigned.cast_signed().into(),
            (None, None) => number.as_f64().unwrap_or_default().into(),
        },
        other => other.as_str().unwrap_or_default().into(),
    }
}

/// A text as a line that a manifest takes.
fn line(text: &str) -> String {
    let printable = zero_format::printable_lines(text);
    let words = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .get(..words.floor_char_boundary(MAX_LINE))
        .unwrap_or_default()
        .to_owned()
}

fn readme(package: &PackageName, made: &Made<'_>) -> String {
    let examples = made.task.examples.iter().chain(&made.task.tests).take(1);
    let call = examples.map(|call| {
        let args: Vec<String> = call.args.iter().map(ToString::to_string).collect();
        let result = call
            .result
            .as_ref()
            .map(|result| format!("{result}\n"))
            .unwrap_or_default();
        format!(
            "\n```console\n$ cargo zero run --invoke {} -- {}\n{result}```\n",
            made.task.signature.name,
            args.join(" ")
        )
    });
    format!(
        "# {package}\n\n{}\n\nWritten by the model {} and tried by `cargo zero ask`; `ask.jsonl` has its answers. The examples in Zero.toml\n\
         are executed at every build.\n{}",
        line(&made.task.prompt),
        line(made.model),
        call.collect::<String>(),
    )
}

/// Every answer and what was wrong with it.
fn transcript(asked: &Asked) -> String {
    let line = |attempt: &Attempt| {
        let one = json!({
            "attempt": attempt.round, "seed": attempt.seed, "answer": attempt.completion.text,
            "verdict": attempt.judgement.verdict.class(), "diagnostic": attempt.diagnostic,
        });
        format!("{one}\n")
    };
    asked.attempts.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_value_in_the_type_of_the_function() {
        let written = |json: Json, ty| number(&Value::Number(json), ty);
        assert_eq!(written(u64::MAX.into(), Type::I64), Toml::Integer(-1));
        assert_eq!(written(7.into(), Type::I32), Toml::Integer(7));
        assert_eq!(written(7.into(), Type::F64), Toml::Float(7.0));
        assert_eq!(
            written(10_000_000_000_000_000_000_u64.into(), Type::F64),
            Toml::Float(1e19)
        );
        assert_eq!(
            written("inf".into(), Type::F64),
            Toml::String("inf".to_owned())
        );
    }
}
