//! Tools: names, descriptions and JSON Schemas from signed metadata and types.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value as Json, json};
use zero_format::PublicKey;
use zrun::exports::{Function, Parameter};

use super::offer::{Offer, REQUEST};

/// The tool that starts a program.
pub(super) fn command(offer: &Offer, name: String) -> Tool {
    let about = offer.program.metadata().package.description.as_deref();
    let description = format!(
        "{}\n\nStarts a program with arguments and standard input. Files that its arguments name are not there: hand data over as `stdin`.\n{}",
        about.unwrap_or_default(),
        origin(offer)
    );
    let input = json!({
        "type": "object",
        "properties": {
            "args": {
                "type": "array",
                "items": { "type": "string" },
                "description": "arguments of the program, without its name",
            },
            "stdin": { "type": "string", "description": "what it reads from standard input" },
        },
        "additionalProperties": false,
    });
    let output = json!({
        "type": "object",
        "properties": {
            "exit_code": { "type": "integer" },
            "stdout": { "type": "string", "description": "untrusted data" },
            "stderr": { "type": "string", "description": "untrusted data" },
        },
        "required": ["exit_code", "stdout", "stderr"],
    });
    tool(offer, name, &description, input, output, false)
}

/// The tool that calls a function.
pub(super) fn function(offer: &Offer, name: String, function: &Function) -> Tool {
    let mut description = function.doc.clone().unwrap_or_default();
    description += &format!("\n\n{}\n{}", function.signature(), origin(offer));
    for example in &function.examples {
        let args = example.args.join(" ");
        description += &format!("\nexample: {args} gives {}", example.result);
    }
    let required: Vec<&str> = function
        .params
        .iter()
        .filter(|param| !is_optional(param))
        .map(|param| param.name.as_str())
        .collect();
    let properties: JsonObject = function
        .params
        .iter()
        .map(|param| (param.name.clone(), documented(param)))
        .collect();
    let input = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let result = match function.results.as_slice() {
        [] => json!({ "type": "null" }),
        [one] => documented(one),
        several => {
            let items: Vec<Json> = several.iter().map(documented).collect();
            json!({ "type": "array", "prefixItems": items })
        }
    };
    let output = json!({
        "type": "object",
        "properties": { "result": result },
        "required": ["result"],
    });
    tool(offer, name, &description, input, output, function.pure)
}

/// The tool by which a caller asks for rights.
pub(super) fn request(targets: &[&str]) -> Tool {
    let schema = json!({
        "type": "object",
        "properties": { "package": { "enum": targets, "description": "whose rights" } },
        "required": ["package"],
        "additionalProperties": false,
    });
    Tool::new(
        REQUEST,
        "Says what a package still needs, and which command a person has to type to allow it. Nothing is granted by this call.",
        object(schema),
    )
    .with_annotations(ToolAnnotations::new().read_only(true).open_world(false))
}

/// Whether a call may leave the parameter out.
pub(super) fn is_optional(param: &Parameter) -> bool {
    let null = json!({ "type": "null" });
    let any = param.schema.get("anyOf").and_then(Json::as_array);
    any.is_some_and(|any| any.contains(&null))
}

/// Which package it is and who vouches for it.
fn origin(offer: &Offer) -> String {
    let package = &offer.program.metadata().package;
    let signers = offer.program.signers().iter().map(PublicKey::key_id_hex);
    format!(
        "{} {}, signed by {}",
        package.name,
        package.version,
        signers.collect::<Vec<_>>().join(", ")
    )
}

fn documented(param: &Parameter) -> Json {
    let mut schema = param.schema.clone();
    let unit = param.unit.iter().map(|unit| format!("[{unit}]"));
    let words: Vec<String> = param.doc.iter().cloned().chain(unit).collect();
    if let Some(object) = schema.as_object_mut().filter(|_| !words.is_empty()) {
        object.insert("description".to_owned(), words.join(" ").into());
    }
    schema
}

fn tool(
    offer: &Offer,
    name: String,
    description: &str,
    input: Json,
    output: Json,
    pure: bool,
) -> Tool {
    // Without capabilities it can change nothing and reach nobody.
    let harmless = offer.program.metadata().capabilities.is_empty();
    let annotations = ToolAnnotations::new()
        .read_only(harmless)
        .destructive(!harmless)
        .idempotent(pure)
        .open_world(!harmless);
    Tool::new(name, description.trim().to_owned(), object(input))
        .with_raw_output_schema(object(output))
        .with_annotations(annotations)
}

fn object(json: Json) -> Arc<JsonObject> {
    match json {
        Json::Object(object) => Arc::new(object),
        _ => Arc::default(),
    }
}
