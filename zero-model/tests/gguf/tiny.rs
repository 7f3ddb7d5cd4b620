//! GGUF files of a tiny Llama and of an adapter for it, with random weights, written here byte by byte.

use std::path::{Path, PathBuf};

pub(crate) const WIDTH: usize = 32;
const HIDDEN: usize = 64;
const CONTEXT: u32 = 1024;

/// How large a model is.
pub(crate) struct Size {
    pub(crate) width: usize,
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    /// Of the vocabulary, with words that mean nothing.
    pub(crate) tokens: usize,
}

const TINY: Size = Size {
    width: WIDTH,
    hidden: HIDDEN,
    layers: 1,
    heads: 2,
    tokens: 0,
};

/// Words beside the 256 bytes; `_` is a blank.
const WORDS: &str = "(module|_(func|(func|_(export|_\"|f|g|\"|)|))|_(param|_(result|_i32|_i64|_f64|_local|.get|_0|_1|_2|i32|.add|.const\
    |i64|.|_mul|mul|add|sub|_drop|drop|_end|end|_block|_if|_return|_call|_unreachable|eqz|_br|_select|nop|_nop|_(memory|module";

/// A value of a header.
#[derive(Clone)]
pub(crate) enum Value {
    Bool(bool),
    F32(f32),
    F32s(Vec<f32>),
    I32s(Vec<i32>),
    Text(String),
    Texts(Vec<String>),
    U32(u32),
}

/// A matrix: its width, its height, its rows.
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) weights: Vec<f32>,
}

/// A file that is not written yet.
pub(crate) struct File {
    pub(crate) values: Vec<(String, Value)>,
    pub(crate) tensors: Vec<Tensor>,
}

impl File {
    pub(crate) fn set(mut self, key: &str, value: Value) -> Self {
        self = self.without(key);
        self.values.push((key.to_owned(), value));
        self
    }

    pub(crate) fn without(mut self, key: &str) -> Self {
        self.values.retain(|(name, _)| name != key);
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(count(self.tensors.len()));
        bytes.extend(count(self.values.len()));
        for (key, value) in &self.values {
            text(&mut bytes, key);
            self::value(&mut bytes, value);
        }
        let mut data = Vec::new();
        for tensor in &self.tensors {
            text(&mut bytes, &tensor.name);
            bytes.extend(
                u32::try_from(tensor.shape.len())
                    .expect("it is small")
                    .to_le_bytes(),
            );
            for length in &tensor.shape {
                bytes.extend(count(*length));
            }
            bytes.extend(0_u32.to_le_bytes());
            pad(&mut data);
            bytes.extend(count(data.len()));
            data.extend(tensor.weights.iter().flat_map(|w| w.to_le_bytes()));
        }
        pad(&mut bytes);
        pad(&mut data);
        bytes.extend(data);
        bytes
    }

    pub(crate) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        write(folder, name, &self.encode())
    }

    fn tensor(&mut self, name: &str, shape: &[usize], weights: impl FnMut() -> f32) {
        let weights = std::iter::repeat_with(weights);
        self.tensors.push(Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            weights: weights.take(shape.iter().product()).collect(),
        });
    }
}

pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("the folder can be written to");
    path
}

fn count(n: usize) -> [u8; 8] {
    u64::try_from(n).expect("it is small").to_le_bytes()
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(count(text.len()));
    bytes.extend(text.as_bytes());
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(32), 0);
}

fn value(bytes: &mut Vec<u8>, value: &Value) {
    let kind = |bytes: &mut Vec<u8>, kind: u32| bytes.extend(kind.to_le_bytes());
    match value {
        Value::U32(n) => {
            kind(bytes, 4);
            bytes.extend(n.to_le_bytes());
        }
        Value::F32(x) => {
            kind(bytes, 6);
            bytes.extend(x.to_le_bytes());
        }
        Value::Bool(bit) => {
            kind(bytes, 7);
            bytes.push(u8::from(*bit));
        }
        Value::Text(one) => {
            kind(bytes, 8);
            text(bytes, one);
        }
        Value::I32s(list) => {
            kind(bytes, 9);
            kind(bytes, 5);
            bytes.extend(count(list.len()));
            bytes.extend(list.iter().flat_map(|n| n.to_le_bytes()));
        }
        Value::F32s(list) => {
            kind(bytes, 9);
            kind(bytes, 6);
            bytes.extend(count(list.len()));
            bytes.extend(list.iter().flat_map(|x| x.to_le_bytes()));
        }
        Value::Texts(list) => {
            kind(bytes, 9);
            kind(bytes, 8);
            bytes.extend(count(list.len()));
            for one in list {
                text(bytes, one);
            }
        }
    }
}

/// Numbers from a seed, evenly between -1 and 1.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn unit(&mut self) -> f32 {
        let high = u16::try_from(self.bits() >> 48).expect("it is small");
        f32::from(high) / 32768.0 - 1.0
    }
}

/// Words that mean nothing, each another.
fn nonsense(at: usize) -> String {
    let mut word = if at.is_multiple_of(2) { "\u{2581}" } else { "" }.to_owned();
    let mut rest = at;
    for _ in 0..5 {
        word.push(char::from(b"abcdefghij"[rest % 10]));
        rest /= 10;
    }
    word
}

/// The vocabulary: three special tokens, the bytes, the words.
pub(crate) fn tokens() -> Vec<String> {
    let special = ["<unk>", "<s>", "</s>"].map(str::to_owned);
    let bytes = (u8::MIN..=u8::MAX).map(|byte| format!("<0x{byte:02X}>"));
    let words = WORDS.split('|').map(|word| word.replace('_', "\u{2581}"));
    special.into_iter().chain(bytes).chain(words).collect()
}

/// How much likelier than others a token is.
fn bias(token: &str) -> f32 {
    match token {
        "(module" => 6.0,
        ")" | "))" | "end" | "\u{2581}end" => 2.0,
        "\u{2581}(func" | "(func" => 4.0,
        word if word.starts_with('<') => -4.0,
        _ => 1.0,
    }
}

/// What each token is.
fn kinds(tokens: &[String]) -> Value {
    let kind = |token: &String| match token.as_str() {
        "<unk>" => 2,
        "<s>" | "</s>" => 3,
        byte if byte.starts_with("<0x") => 6,
        _ => 1,
    };
    Value::I32s(tokens.iter().map(kind).collect())
}

/// A Llama with one layer.
pub(crate) fn model(seed: u64) -> File {
    sized(&TINY, seed)
}

/// A Llama.
pub(crate) fn sized(size: &Size, seed: u64) -> File {
    let mut tokens = tokens();
    let missing = size.tokens.saturating_sub(tokens.len());
    tokens.extend((0..missing).map(nonsense));
    let u32 = |n| Value::U32(u32::try_from(n).expect("it is small"));
    let numbers = [
        ("block_count", u32(size.layers)),
        ("context_length", Value::U32(CONTEXT)),
        ("embedding_length", u32(size.width)),
        ("feed_forward_length", u32(size.hidden)),
        ("attention.head_count", u32(size.heads)),
    ];
    let mut file = File {
        values: Vec::new(),
        tensors: Vec::new(),
    };
    for (key, number) in numbers {
        file = file.set(&format!("llama.{key}"), number);
    }
    let eps = Value::F32(1e-5);
    file = file
        .set("general.architecture", Value::Text("llama".to_owned()))
        .set("llama.attention.layer_norm_rms_epsilon", eps)
        .set("tokenizer.ggml.model", Value::Text("llama".to_owned()))
        .set("tokenizer.ggml.tokens", Value::Texts(tokens.clone()))
        .set(
            "tokenizer.ggml.scores",
            Value::F32s(vec![0.0; tokens.len()]),
        )
        .set("tokenizer.ggml.token_type", kinds(&tokens))
        .set("tokenizer.ggml.add_space_prefix", Value::Bool(false));
    weights(&mut file, size, &tokens, seed);
    file
}

fn weights(file: &mut File, size: &Size, tokens: &[String], seed: u64) {
    let (width, hidden) = (size.width, size.hidden);
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let random = &mut random;
    // The first dimension is the same for all tokens, so that the last matrix can make some likelier whatever comes.
    let mut at = 0;
    file.tensor("token_embd.weight", &[width, tokens.len()], || {
        at += 1;
        if at % width == 1 { 4.0 } else { random.unit() }
    });
    file.tensor("output_norm.weight", &[width], || 1.0);
    let mut at = 0;
    file.tensor("output.weight", &[width, tokens.len()], || {
        at += 1;
        if at % width == 1 {
            bias(&tokens[at / width]) / 4.0
        } else {
            random.unit() * 0.6
        }
    });
    for layer in 0..size.layers {
        for (name, shape) in [
            ("attn_q", [width, width]),
            ("attn_k", [width, width]),
            ("attn_v", [width, width]),
            ("attn_output", [width, width]),
            ("ffn_gate", [width, hidden]),
            ("ffn_up", [width, hidden]),
            ("ffn_down", [hidden, width]),
        ] {
            file.tensor(&format!("blk.{layer}.{name}.weight"), &shape, || {
                random.unit() * 0.3
            });
        }
        file.tensor(&format!("blk.{layer}.attn_norm.weight"), &[width], || 1.0);
        file.tensor(&format!("blk.{layer}.ffn_norm.weight"), &[width], || 1.0);
    }
}

/// The same with a vocabulary of the other kind, as Llama 3 and Qwen have it: bytes are characters.
pub(crate) fn byte_level(seed: u64) -> File {
    let mut next = 0_u32..;
    let letters: Vec<char> = (u8::MIN..=u8::MAX)
        .map(|byte| match byte {
            b'!'..=b'~' | 0xA1..=0xAC | 0xAE.. => char::from(byte),
            _ => next
                .next()
                .and_then(|n| char::from_u32(256 + n))
                .expect("there are few"),
        })
        .collect();
    let spell = |text: &str| {
        text.bytes()
            .map(|byte| letters[usize::from(byte)])
            .collect()
    };
    let special = ["<unk>", "<s>", "</s>"].map(str::to_owned);
    let words = WORDS.split('|').filter(|word| word.len() > 1);
    let words = words.map(|word| spell(&word.replace('_', " ")));
    let bytes = letters.iter().map(char::to_string);
    let tokens: Vec<String> = special.into_iter().chain(bytes).chain(words).collect();
    let mut file = model(seed)
        .without("tokenizer.ggml.scores")
        .set("tokenizer.ggml.model", Value::Text("gpt2".to_owned()))
        .set("tokenizer.ggml.pre", Value::Text("llama-bpe".to_owned()))
        .set(
            "tokenizer.ggml.merges",
            Value::Texts(vec!["i 3".to_owned(), "i3 2".to_owned()]),
        )
        .set("tokenizer.ggml.bos_token_id", Value::U32(1))
        .set("tokenizer.ggml.eos_token_id", Value::U32(2))
        .set("tokenizer.ggml.token_type", kinds(&tokens))
        .set("tokenizer.ggml.tokens", Value::Texts(tokens.clone()));
    file.tensors.clear();
    weights(&mut file, &TINY, &tokens, seed);
    file
}

/// An adapter for the matrix after the layer's hidden one; `strength` 0 changes nothing.
pub(crate) fn adapter(seed: u64, strength: f32) -> File {
    const RANK: usize = 4;
    let mut file = File {
        values: Vec::new(),
        tensors: Vec::new(),
    }
    .set("general.type", Value::Text("adapter".to_owned()))
    .set("general.architecture", Value::Text("llama".to_owned()))
    .set("adapter.type", Value::Text("lora".to_owned()))
    .set("adapter.lora.alpha", Value::F32(4.0));
    let mut random = Random(seed | 1);
    let name = "blk.0.ffn_down.weight";
    file.tensor(&format!("{name}.lora_a"), &[HIDDEN, RANK], || random.unit());
    file.tensor(&format!("{name}.lora_b"), &[RANK, WIDTH], || {
        random.unit() * strength
    });
    file
}
