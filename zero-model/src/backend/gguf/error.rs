//! Why a file is no model, or gives no answer.

use std::io;

/// Why a model in a file cannot be used, or gives no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GgufError {
    /// The conversation is longer than the model can read.
    #[error("the conversation has {tokens} tokens, and there is room for {limit} with the answer")]
    Context {
        /// Tokens of the conversation.
        tokens: usize,
        /// Tokens that there is room for.
        limit: usize,
    },
    /// A value that llama.cpp needs is missing or impossible.
    #[error("{key} is {problem}")]
    Key {
        /// The value's name.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// It passed the checks, but llama.cpp refuses it.
    #[error("llama.cpp does not load it")]
    Load,
    /// The header contradicts itself.
    #[error("it is damaged at byte {offset}: {reason}")]
    Malformed {
        /// Bytes before the fault.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The adapter belongs to another model.
    #[error("the adapter is for another model: {0}")]
    Mismatch(String),
    /// The magic number is missing.
    #[error("it is no GGUF file")]
    NotGguf,
    /// A GGUF file for another purpose.
    #[error("it is {found}, not {wanted}")]
    Purpose {
        /// What it is.
        found: String,
        /// What was expected.
        wanted: &'static str,
    },
    /// The file cannot be read.
    #[error("read it")]
    Read(#[from] io::Error),
    /// There is not enough memory for the context, or the arithmetic failed.
    #[error("llama.cpp stopped: {0}")]
    Stopped(String),
    /// No token of the vocabulary can come next.
    #[error("no token of its vocabulary continues `{0}`")]
    Stuck(String),
    /// The chat template fails.
    #[error("render its chat template: {0}")]
    Template(String),
    /// A count that no file has.
    #[error("it claims to have {count} {what}; the most is {most}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: u64,
        /// The most.
        most: u64,
    },
    /// The file ends too early.
    #[error("it has {len} bytes, but should have {needed} or more")]
    Truncated {
        /// Bytes that are there.
        len: u64,
        /// Bytes that there should be.
        needed: u64,
    },
    /// Something that is not supported in process.
    #[error("{0} is not supported in process")]
    Unsupported(String),
    /// A version that is not read.
    #[error("it has version {0} of GGUF; versions 2 and 3 are read")]
    Version(u32),
}

impl GgufError {
    /// Whether other requests may well be answered.
    pub fn is_of_this_answer(&self) -> bool {
        matches!(self, Self::Context { .. } | Self::Stuck(_))
    }

    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Read(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Context { .. } => Some(
                "show fewer examples, --shots 1, or make room with --context, as far as the model was trained for it",
            ),
            Self::Key { .. }
            | Self::Load
            | Self::Malformed { .. }
            | Self::TooMany { .. }
            | Self::Truncated { .. } => Some(
                "fetch or convert the file again, and compare its checksum with the one where it came from",
            ),
            Self::Mismatch(_) => Some(
                "--lora takes an adapter that was trained on the model of --model, or on its base",
            ),
            Self::NotGguf | Self::Version(_) => Some(
                "llama.cpp's convert_hf_to_gguf.py makes a GGUF file of a model's folder, convert_lora_to_gguf.py of an adapter's",
            ),
            Self::Purpose { .. } => Some(
                "--model takes a language model, --lora an adapter that `cargo zero tune` made",
            ),
            Self::Read(_) => {
                Some("--model takes the address of a server, or a file whose name ends with .gguf")
            }
            Self::Stopped(_) => Some("a smaller --context needs less memory"),
            Self::Stuck(_) => Some("--no-mask lets the model write anything"),
            Self::Template(_) => Some("--api completions asks without the template"),
            Self::Unsupported(_) => Some(
                "start `llama-server -m FILE.gguf --jinja` and name its address: --model http://127.0.0.1:8080/v1",
            ),
        }
    }
}
