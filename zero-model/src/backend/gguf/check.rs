//! Whether a file is a model that llama.cpp can be trusted with, or an adapter for it.
//!
//! What is checked are the numbers with which llama.cpp computes shapes, divides and indexes, and the vocabulary; that
//! the tensors have the shapes which follow from them, it checks itself, with an error.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::error::GgufError;
use super::header::{Header, Shape, Value};

/// The architectures of which we know that one sequence of tokens is all they read: Llama (with CodeLlama and Mistral),
/// and relatives.
const ARCHITECTURES: &[&str] = &["llama", "mistral3", "qwen2", "qwen3"];
const ROPE_SCALING: &[&str] = &["none", "linear", "yarn", "longrope"];

/// What we need to know of a model.
#[derive(Debug)]
pub(super) struct Facts {
    /// Tokens that it was trained to read.
    pub(super) context: u32,
    /// Its chat template.
    pub(super) template: Option<String>,
    architecture: String,
    header: Header,
}

/// Reads a header from a file.
pub(super) fn header(path: &Path) -> Result<Header, GgufError> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    Header::read(BufReader::new(file), len)
}

/// Checks that a header is that of a model.
pub(super) fn model(header: Header) -> Result<Facts, GgufError> {
    let architecture = purpose(&header, "model", "a model")?;
    if !ARCHITECTURES.contains(&architecture.as_str()) {
        return Err(GgufError::Unsupported(format!(
            "the architecture {}",
            shown(&architecture)
        )));
    }
    if header
        .get("split.count")
        .is_some_and(|value| *value != Value::Whole(1))
    {
        return Err(GgufError::Unsupported(
            "a model that is split into several files".to_owned(),
        ));
    }
    let keys = Keys {
        header: &header,
        architecture: &architecture,
    };
    let context = keys.hyperparameters()?;
    vocabulary(&header)?;
    Ok(Facts {
        context,
        template: template(&header)?,
        architecture,
        header,
    })
}

/// Checks that a header is that of an adapter for this model.
pub(super) fn adapter(header: &Header, facts: &Facts) -> Result<(), GgufError> {
    let architecture = purpose(header, "adapter", "an adapter")?;
    if architecture != facts.architecture {
        return Err(GgufError::Mismatch(format!(
            "its architecture is {}, the model's {}",
            shown(&architecture),
            facts.architecture
        )));
    }
    if header.text("adapter.type") != Some("lora") {
        return Err(key("adapter.type", "not \"lora\""));
    }
    match header.get("adapter.lora.alpha") {
        Some(Value::Float(alpha)) if alpha.is_finite() => {}
        _ => return Err(key("adapter.lora.alpha", "no number")),
    }
    if header.get("adapter.alora.invocation_tokens").is_some() {
        return Err(GgufError::Unsupported(
            "an adapter that a text activates".to_owned(),
        ));
    }
    if header.tensors.is_empty() {
        return Err(GgufError::Mismatch("it has no tensors".to_owned()));
    }
    for (name, shape) in &header.tensors {
        if !name.ends_with("_norm.weight") {
            pair(header, facts, name, shape)?;
        }
    }
    Ok(())
}

/// One half of a pair of matrices must have its other half, and the weights that both are added to.
fn pair(header: &Header, facts: &Facts, name: &str, shape: &Shape) -> Result<(), GgufError> {
    let mismatch =
        |reason: &str| GgufError::Mismatch(format!("its tensor {} {reason}", shown(name)));
    let (base, down) = match (name.strip_suffix(".lora_a"), name.strip_suffix(".lora_b")) {
        (Some(base), _) => (base, true),
        (_, Some(base)) => (base, false),
        _ => return Err(mismatch("is none of an adapter")),
    };
    let other = format!("{base}{}", if down { ".lora_b" } else { ".lora_a" });
    let other = header.tensors.get(&other);
    let other = other.ok_or_else(|| mismatch("has no counterpart"))?;
    let weights = facts.header.tensors.get(base);
    let weights = weights.ok_or_else(|| mismatch("belongs to weights that the model has not"))?;
    let flat = [shape, other, weights].map(|shape| shape.dimensions == 2);
    if flat != [true; 3] {
        return Err(mismatch("is no matrix"));
    }
    if !down {
        // The pair is looked at once.
        return Ok(());
    }
    let [width, height, ..] = weights.lengths;
    let [a_width, a_height, ..] = shape.lengths;
    let [b_width, b_height, ..] = other.lengths;
    let fits = if base.ends_with("token_embd.weight") {
        // The two are stored the other way round there.
        width == b_height && height == a_height && a_width == b_width
    } else {
        width == a_width && height == b_height && a_height == b_width
    };
    if fits {
        Ok(())
    } else {
        Err(mismatch("has another shape than the model's weights"))
    }
}

/// The architecture, if the file is for this purpose.
fn purpose(header: &Header, wanted: &str, called: &'static str) -> Result<String, GgufError> {
    let purpose = match header.get("general.type") {
        None => "model",
        Some(_) => header
            .text("general.type")
            .ok_or_else(|| key("general.type", "no text"))?,
    };
    if purpose != wanted {
        return Err(GgufError::Purpose {
            found: format!("of the type \"{}\"", shown(purpose)),
            wanted: called,
        });
    }
    header
        .text("general.architecture")
        .map(str::to_owned)
        .ok_or_else(|| key("general.architecture", "missing or no text"))
}

fn template(header: &Header) -> Result<Option<String>, GgufError> {
    const KEY: &str = "tokenizer.chat_template";
    match (header.get(KEY), header.text(KEY)) {
        (None, _) => Ok(None),
        (Some(_), Some(text)) => Ok(Some(text.to_owned())),
        (Some(_), None) => Err(key(KEY, "no text")),
    }
}

fn key(key: &str, problem: impl Into<String>) -> GgufError {
    GgufError::Key {
        key: key.to_owned(),
        problem: problem.into(),
    }
}

/// A text out of a file, short and without what moves a cursor.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// Numbers under the name of the architecture.
struct Keys<'h> {
    header: &'h Header,
    architecture: &'h str,
}

impl Keys<'_> {
    fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    /// A number that must be there.
    fn whole(&self, name: &str, most: u32) -> Result<u32, GgufError> {
        self.maybe(name, most)?
            .ok_or_else(|| key(&self.name(name), "missing"))
    }

    /// A number that may be missing, but is at least one otherwise.
    fn maybe(&self, name: &str, most: u32) -> Result<Option<u32>, GgufError> {
        let name = self.name(name);
        match self.header.get(&name) {
            None => Ok(None),
            Some(Value::Whole(n)) => match u32::try_from(*n) {
                Ok(n) if (1..=most).contains(&n) => Ok(Some(n)),
                _ => Err(key(&name, format!("{n}, not between 1 and {most}"))),
            },
            Some(_) => Err(key(&name, "no whole number")),
        }
    }

    /// A value that is zero, false or not there: what it would switch on is not supported.
    fn off(&self, name: &str) -> Result<(), GgufError> {
        let name = self.name(name);
        match self.header.get(&name) {
            None | Some(Value::Whole(0) | Value::Bool(false)) => Ok(()),
            Some(_) => Err(GgufError::Unsupported(format!("a model with {name}"))),
        }
    }

    /// Returns the length of the context.
    fn hyperparameters(&self) -> Result<u32, GgufError> {
        let context = self.whole("context_length", 1 << 24)?;
        self.whole("block_count", 512)?;
        self.whole("feed_forward_length", 1 << 20)?;
        let width = self.whole("embedding_length", 1 << 17)?;
        let heads = self.whole("attention.head_count", 1 << 10)?;
        let groups = self.maybe("attention.head_count_kv", heads)?;
        let groups = groups.unwrap_or(heads);
        if !width.is_multiple_of(heads) || !heads.is_multiple_of(groups) {
            return Err(key(
                &self.name("attention.head_count"),
                format!(
                    "{heads}, which divides no {width} dimensions, or is no multiple of {groups}"
                ),
            ));
        }
        self.head(width / heads)?;
        for (name, fraction) in self.header.fractions(&self.name("")) {
            if !fraction.is_finite() || fraction < 0.0 {
                return Err(key(name, format!("{fraction}, which no model has")));
            }
        }
        self.experts()?;
        self.rope()?;
        for name in [
            "attention.key_length_swa",
            "attention.value_length_swa",
            "embedding_length_out",
            "expert_group_count",
            "expert_group_used_count",
            "nextn_predict_layers",
            "pooling_type",
            "rope.dimension_count_swa",
        ] {
            self.off(name)?;
        }
        match self.header.get(&self.name("attention.causal")) {
            None | Some(Value::Bool(true)) => Ok(context),
            Some(_) => Err(GgufError::Unsupported(
                "a model that does not write from left to right".to_owned(),
            )),
        }
    }

    /// The dimensions of a head: even, and the same for keys, values and positions.
    fn head(&self, usual: u32) -> Result<(), GgufError> {
        let keys = self.maybe("attention.key_length", 1 << 12)?;
        let keys = keys.unwrap_or(usual);
        for name in ["attention.value_length", "rope.dimension_count"] {
            let other = self.maybe(name, 1 << 12)?;
            let usual = if name.starts_with("rope") {
                keys
            } else {
                usual
            };
            if other.unwrap_or(usual) != keys {
                return Err(key(
                    &self.name(name),
                    format!("not {keys}, as the keys of the attention have"),
                ));
            }
        }
        if keys.is_multiple_of(2) && keys <= 1 << 12 {
            Ok(())
        } else {
            Err(key(
                &self.name("attention.key_length"),
                format!("{keys}, an odd or very large number"),
            ))
        }
    }

    fn experts(&self) -> Result<(), GgufError> {
        if self.off("expert_count").is_ok() {
            return self.off("expert_used_count");
        }
        let all = self.whole("expert_count", 1024)?;
        self.whole("expert_used_count", all).map(drop)
    }

    fn rope(&self) -> Result<(), GgufError> {
        let name = self.name("rope.scaling.type");
        let known = match self.header.get(&name) {
            None => true,
            Some(_) => self
                .header
                .text(&name)
                .is_some_and(|text| ROPE_SCALING.contains(&text)),
        };
        if known {
            Ok(())
        } else {
            Err(key(&name, "none that exists"))
        }
    }
}

/// llama.cpp looks tokens up by their text, and expects to find each one.
fn vocabulary(header: &Header) -> Result<(), GgufError> {
    const TOKENS: &str = "tokenizer.ggml.tokens";
    let model = header.text("tokenizer.ggml.model");
    let bytes = match model {
        Some("llama") => true,
        Some("gpt2") => false,
        Some(other) => {
            return Err(GgufError::Unsupported(format!(
                "the tokenizer {}",
                shown(other)
            )));
        }
        None => return Err(key("tokenizer.ggml.model", "missing or no text")),
    };
    let tokens = header.tokens();
    let tokens = tokens.ok_or_else(|| key(TOKENS, "missing or no list of texts"))?;
    let mut known = HashSet::new();
    for token in tokens {
        if token.is_empty() || token.contains(&0) {
            return Err(key(
                TOKENS,
                "a list with an empty token, or one with a zero",
            ));
        }
        if !known.insert(token.as_slice()) {
            return Err(key(
                TOKENS,
                format!(
                    "a list that has \"{}\" twice",
                    shown(&String::from_utf8_lossy(token))
                ),
            ));
        }
    }
    if bytes {
        for byte in u8::MIN..=u8::MAX {
            let spelled = format!("<0x{byte:02X}>");
            if !known.contains(spelled.as_bytes()) && !known.contains([byte].as_slice()) {
                return Err(key(TOKENS, format!("a list without {spelled}")));
            }
        }
    }
    let width = u64::try_from(tokens.len()).unwrap_or(u64::MAX);
    match header.tensors.get("token_embd.weight") {
        Some(shape) if shape.lengths.get(1) == Some(&width) => Ok(()),
        Some(_) => Err(key(TOKENS, "not as long as the model's first matrix")),
        None => Err(GgufError::Purpose {
            found: "a file without weights".to_owned(),
            wanted: "a model",
        }),
    }
}
