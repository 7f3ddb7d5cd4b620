//! Records as training programs like to read them.

use serde_json::json;

use crate::check::Level;
use crate::record::Record;

/// What one line of training data looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// `instruction`, `input` and `output`.
    Alpaca,
    /// `messages` of a user and an assistant.
    Messages,
    /// `prompt` and `completion`.
    PromptCompletion,
    /// `prompt` and `tests`: what a module must do, for those that execute it. Verified records only.
    Rl,
}

impl Style {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Alpaca => "alpaca",
            Self::Messages => "messages",
            Self::PromptCompletion => "prompt-completion",
            Self::Rl => "rl",
        }
    }

    /// A record in this style; `None` if it has nothing for it.
    pub(super) fn line(self, record: &Record) -> Option<String> {
        let prompt = || prompt(record);
        let value = match self {
            Self::Alpaca => json!({
                "instruction": record.instruction,
                "input": record.signature_c,
                "output": record.output,
            }),
            Self::Messages => json!({ "messages": [
                { "role": "user", "content": prompt() },
                { "role": "assistant", "content": record.output },
            ]}),
            Self::PromptCompletion => json!({ "prompt": prompt(), "completion": record.output }),
            Self::Rl if record.verify.level < Level::L2 => return None,
            Self::Rl => json!({
                "prompt": prompt(),
                "export": record.provenance.symbol,
                "signature_wasm": record.signature_wasm,
                "heap_base": record.heap_base,
                "tests": record.io_examples,
                "id": record.id,
            }),
        };
        Some(value.to_string())
    }
}

/// The task in words: the instruction alone would leave open what is called how.
fn prompt(record: &Record) -> String {
    format!(
        "{}\n\nWrite a WebAssembly module in text format that exports `{}` as the function `{}`.",
        record.instruction, record.signature_c, record.provenance.symbol
    )
}
