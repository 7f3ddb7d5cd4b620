//! How many tokens a second a model in a file writes, free and held to valid modules. Prints a line of JSON for each of two
//! models with random weights: they find nothing likely that is possible, so that the mask is computed for every token,
//! which is the worst case. A trained model mostly writes what is possible, and asks for the mask rarely.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that fails has nothing to clean up, and prints"
)]

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use zero_model::backend::{Gguf, GgufOptions};
use zero_model::model::{Message, Model as _, Role, Sampling};

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../zero-model/tests/gguf/tiny.rs"]
mod tiny;

const ROUNDS: u64 = 8;
const TOKENS: u32 = 48;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    for (width, layers, tokens) in [(512, 8, 32_000), (768, 12, 32_000)] {
        let size = tiny::Size {
            width,
            hidden: width * 8 / 3 / 32 * 32,
            layers,
            heads: width / 64,
            tokens,
        };
        let path = tiny::sized(&size, 1).write(folder.path(), "model.gguf");
        let mut figures = json!({
            "width": width, "layers": layers, "vocabulary": tokens,
            "megabytes": path.metadata().unwrap().len() >> 20,
        });
        let [free, typed] = [false, true].map(|mask| open(&path, mask));
        let (mut best_free, mut best_typed) = (0.0_f64, 0.0_f64);
        // In turns, and the best of them: what else the machine does is not to be measured.
        for seed in 0..ROUNDS {
            best_free = best_free.max(rate(&free, seed));
            best_typed = best_typed.max(rate(&typed, seed));
        }
        figures["free tokens/s"] = json!(best_free);
        figures["typed tokens/s"] = json!(best_typed);
        figures["share"] = json!(best_typed / best_free);
        println!("{figures}");
    }
}

fn open(path: &Path, mask: bool) -> Gguf {
    let options = GgufOptions {
        mask,
        // Waiting for one another would measure what else the machine does, too.
        threads: 1,
        ..GgufOptions::new(path)
    };
    Gguf::open(&options).unwrap()
}

/// Tokens a second, without those that it takes to read the prompt.
fn rate(gguf: &Gguf, seed: u64) -> f64 {
    let conversation = [Message {
        role: Role::User,
        text: "Add two numbers.".to_owned(),
    }];
    let ask = |max_tokens| {
        let sampling = Sampling {
            temperature: 0.8,
            seed,
            max_tokens,
            ..Sampling::default()
        };
        let begun = Instant::now();
        let answer = gguf.complete(&conversation, &sampling).unwrap();
        let tokens = u32::try_from(answer.completion_tokens.unwrap()).unwrap();
        (f64::from(tokens), begun.elapsed().as_secs_f64())
    };
    let (one, prompt) = ask(1);
    let (all, whole) = ask(TOKENS);
    if all < 16.0 {
        // Too short to say anything.
        return 0.0;
    }
    (all - one) / (whole - prompt)
}
