//! `[exports.NAME]`: what a function means, and examples that are executed when the package is built.

use serde_json::Value;
use toml::de::DeTable;

use super::hints::json;
use super::reader::{Item, Reader, list};
use crate::limits::MAX_EXPORTS;
use crate::metadata::{Example, Export, Param, Returned};

const KEYS: [&str; 5] = ["doc", "params", "results", "examples", "pure"];
/// Most parameters, results or examples of one function.
const MAX_ENTRIES: usize = 1000;

/// What `[exports.NAME]` says about a function. Its types come from the compiled program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExportSpec {
    /// The name of the export.
    pub name: String,
    /// What it does.
    pub doc: Option<String>,
    /// What it takes; empty when nothing is said about its parameters.
    pub params: Vec<ParamSpec>,
    /// What it returns; empty when nothing is said about its results.
    pub results: Vec<ResultSpec>,
    /// Calls to execute.
    pub examples: Vec<Example>,
    /// Whether the result depends on the arguments alone.
    pub pure: bool,
}

/// A parameter in `[exports.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParamSpec {
    /// Its name.
    pub name: String,
    /// What it means.
    pub doc: Option<String>,
    /// What it is measured in.
    pub unit: Option<String>,
}

/// A result in `[exports.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSpec {
    /// What it means.
    pub doc: Option<String>,
    /// What it is measured in.
    pub unit: Option<String>,
}

/// A function whose description does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "describe the export `{name}`: it has {found} {what}, and [exports.{name}] describes {described}"
)]
pub struct TypeMismatch {
    /// The export.
    pub name: String,
    /// `parameters` or `results`.
    pub what: &'static str,
    /// How many the program has.
    pub found: usize,
    /// How many the manifest describes.
    pub described: usize,
}

impl ExportSpec {
    /// The export with the types that the compiled program gives it. Parameters that nobody named are `p0`, `p1`, ….
    ///
    /// # Errors
    /// [`TypeMismatch`] when the manifest describes another number of parameters or results.
    pub fn typed(
        &self,
        ty: &str,
        params: &[String],
        results: &[String],
    ) -> Result<Export, TypeMismatch> {
        let fits = |what, described: usize, found: usize| {
            if described == 0 || described == found {
                Ok(())
            } else {
                Err(TypeMismatch {
                    name: self.name.clone(),
                    what,
                    found,
                    described,
                })
            }
        };
        fits("parameters", self.params.len(), params.len())?;
        fits("results", self.results.len(), results.len())?;
        let param = |(at, ty): (usize, &String)| {
            let spec = self.params.get(at).cloned();
            let spec = spec.unwrap_or_else(|| ParamSpec {
                name: format!("p{at}"),
                ..ParamSpec::default()
            });
            Param {
                name: spec.name,
                ty: ty.clone(),
                doc: spec.doc,
                unit: spec.unit,
            }
        };
        let result = |(at, ty): (usize, &String)| {
            let spec = self.results.get(at).cloned().unwrap_or_default();
            Returned {
                ty: ty.clone(),
                doc: spec.doc,
                unit: spec.unit,
            }
        };
        Ok(Export {
            name: self.name.clone(),
            ty: ty.to_owned(),
            doc: self.doc.clone(),
            params: params.iter().enumerate().map(param).collect(),
            results: results.iter().enumerate().map(result).collect(),
            examples: self.examples.clone(),
            pure: self.pure,
        })
    }
}

pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Vec<ExportSpec> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    if let Some((key, _)) = entries.get(MAX_EXPORTS) {
        reader.fault(
            key.span(),
            format!("more than {MAX_EXPORTS} exports are described"),
            None,
        );
        return Vec::new();
    }
    let mut exports = Vec::new();
    for (key, item) in entries {
        let name = key.get_ref().as_ref();
        if name.is_empty() || name.chars().any(crate::text::is_unsafe) {
            reader.fault(key.span(), "this cannot be the name of an export", None);
        } else if let Some(table) =
            reader.table(item, name, Some(format!("write `[exports.{name}]`")))
        {
            exports.push(export(reader, name, table));
        }
    }
    exports
}

fn export(reader: &mut Reader<'_>, name: &str, table: &DeTable<'_>) -> ExportSpec {
    reader.known_keys(table, &format!("[exports.{name}]"), &KEYS);
    let mut export = ExportSpec {
        name: name.to_owned(),
        ..ExportSpec::default()
    };
    if let Some(item) = table.get("doc") {
        export.doc = reader.lines(item, "doc");
    }
    if let Some(item) = table.get("params") {
        export.params = entries(reader, item, "params", param);
    }
    if let Some(item) = table.get("results") {
        export.results = entries(reader, item, "results", result);
    }
    if let Some(item) = table.get("examples") {
        export.examples = entries(reader, item, "examples", example);
    }
    if let Some(item) = table.get("pure") {
        export.pure = reader.boolean(item, "pure").unwrap_or_default();
    }
    export
}

fn entries<T>(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    what: &str,
    read: impl Fn(&mut Reader<'_>, &Item<'_>) -> Option<T>,
) -> Vec<T> {
    let items = list(item);
    if items.len() > MAX_ENTRIES {
        reader.fault(
            item.span(),
            format!("`{what}` has more than {MAX_ENTRIES} entries"),
            None,
        );
        return Vec::new();
    }
    items
        .into_iter()
        .filter_map(|item| read(reader, item))
        .collect()
}

fn param(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<ParamSpec> {
    if item.get_ref().is_str() {
        return Some(ParamSpec {
            name: reader.line(item, "params")?,
            ..ParamSpec::default()
        });
    }
    let hint = r#"write `params = [{ name = "a", doc = "…" }]`"#.to_owned();
    let table = reader.table(item, "params", Some(hint.clone()))?;
    reader.known_keys(table, "a parameter", &["name", "doc", "unit"]);
    let Some(name) = table.get("name") else {
        reader.fault(item.span(), "the parameter has no `name`", Some(hint));
        return None;
    };
    Some(ParamSpec {
        name: reader.line(name, "name")?,
        doc: table.get("doc").and_then(|item| reader.lines(item, "doc")),
        unit: table.get("unit").and_then(|item| reader.line(item, "unit")),
    })
}

fn result(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<ResultSpec> {
    if item.get_ref().is_str() {
        return Some(ResultSpec {
            doc: reader.lines(item, "results"),
            unit: None,
        });
    }
    let table = reader.table(
        item,
        "results",
        Some(r#"write `results = [{ doc = "…" }]`"#.to_owned()),
    )?;
    reader.known_keys(table, "a result", &["doc", "unit"]);
    Some(ResultSpec {
        doc: table.get("doc").and_then(|item| reader.lines(item, "doc")),
        unit: table.get("unit").and_then(|item| reader.line(item, "unit")),
    })
}

fn example(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<Example> {
    let hint = "write `examples = [{ args = [11, 13], result = 2 }]`".to_owned();
    let table = reader.table(item, "examples", Some(hint.clone()))?;
    reader.known_keys(table, "an example", &["args", "result"]);
    let Some(args) = table.get("args") else {
        reader.fault(item.span(), "the example has no `args`", Some(hint));
        return None;
    };
    if !args.get_ref().is_array() {
        reader.wrong_type(args, "args", "an array", Some(hint));
        return None;
    }
    let Some(Value::Array(args)) = json(reader, args) else {
        return None;
    };
    let result = match table.get("result") {
        Some(result) => json(reader, result)?,
        None => Value::Null,
    };
    Some(Example { args, result })
}
