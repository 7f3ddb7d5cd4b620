//! Models: whatever turns a conversation into text.

use std::time::Duration;

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The model.
    Assistant,
    /// Standing instructions.
    System,
    /// Whoever asks.
    User,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What.
    pub text: String,
}

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 for the likeliest token, always.
    pub temperature: f32,
    /// The share of probability that is chosen from.
    pub top_p: f32,
    /// Tokens of an answer at the most.
    pub max_tokens: u32,
    /// What random choices start from, where a model can do that.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            max_tokens: 2048,
            seed: 0,
        }
    }
}

/// What a model said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// Tokens of the conversation before it, if the model counts them.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the text.
    pub completion_tokens: Option<u64>,
    /// It would have said more, but reached the limit of tokens.
    pub cut: bool,
}

/// A model.
pub trait Model: Sync {
    /// What to call it in reports and records.
    fn name(&self) -> &str;

    /// Goes on with a conversation. Where the last turn is the model's own, it is the beginning of an answer: the completion
    /// is that answer as a whole. Only models in files promise to go on with it.
    ///
    /// # Errors
    /// When there is no answer, or only a part of one.
    fn complete(
        &self,
        conversation: &[Message],
        sampling: &Sampling,
    ) -> Result<Completion, ModelError>;
}

/// Why a model gave no answer. Addresses in it have lost their passwords.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The address is none that a model can be at.
    #[error("use {url} as the address of a model: {reason}")]
    Address {
        /// The address.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The answer ended before its end.
    #[error("read the answer of {url}: it ends in the middle")]
    Cut {
        /// The address.
        url: String,
    },
    /// Nobody is there, or cannot be reached.
    #[error("reach the model at {url}")]
    Connect {
        /// The address.
        url: String,
        /// What the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A model in a file cannot be used, or gives no answer.
    #[cfg(feature = "gguf")]
    #[error("use {}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        source: crate::backend::GgufError,
    },
    /// It does not want to be asked so often.
    #[error("ask {url}: it is asked too often (429){}", after(*.wait))]
    Limited {
        /// The address.
        url: String,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// The answer is none.
    #[error("read the answer of {url}: {reason}")]
    Malformed {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It refused the request.
    #[error("ask {url}: it answered {status}{}{}", said(.message), after(*.wait))]
    Status {
        /// The address.
        url: String,
        /// The status of HTTP.
        status: u16,
        /// What it said.
        message: String,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
    /// It took too long.
    #[error("read the answer of {url}: it was not there after {limit:?}")]
    Timeout {
        /// The address.
        url: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The answer does not end.
    #[error("read the answer of {url}: it is longer than {limit} bytes")]
    TooLong {
        /// The address.
        url: String,
        /// Bytes that are read at the most.
        limit: usize,
    },
    /// The key is missing, or is not taken.
    #[error("ask {url}: it does not take {} ({status})", if *.with_key { "the key" } else { "requests without a key" })]
    Unauthorized {
        /// The address.
        url: String,
        /// The status of HTTP.
        status: u16,
        /// Whether a key was sent.
        with_key: bool,
    },
}

fn after(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| {
        format!(", and says to wait {} s", wait.as_secs())
    })
}

fn said(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    }
}

impl ModelError {
    /// Whether the same request may do better in a moment.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Cut { .. } | Self::Limited { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 500..=599),
            // Among them one that took too long: the user says how long is waited, and would wait several times that.
            _ => false,
        }
    }

    /// How long the model wants to be left alone.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Limited { wait, .. } | Self::Status { wait, .. } => *wait,
            _ => None,
        }
    }

    /// Whether other requests may well be answered: this one was too much for the model.
    pub fn is_of_this_answer(&self) -> bool {
        #[cfg(feature = "gguf")]
        if let Self::File { source, .. } = self {
            return source.is_of_this_answer();
        }
        matches!(
            self,
            Self::TooLong { .. }
                | Self::Status {
                    status: 400 | 413 | 422,
                    ..
                }
        )
    }

    /// Whether nobody was there.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Timeout { .. })
    }

    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        #[cfg(feature = "gguf")]
        if let Self::File { source, .. } = self {
            return source.is_missing();
        }
        false
    }

    /// What the user can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized {
                with_key: false, ..
            } => Some("put the key into the variable ZERO_MODEL_KEY"),
            Self::Unauthorized { .. } => {
                Some("look whether ZERO_MODEL_KEY is right, and meant for this address")
            }
            Self::Limited { .. } => Some("wait, or ask less at once: --candidates 1"),
            Self::Connect { .. } => {
                Some("start the model's server, or name another: --model http://HOST:PORT/v1")
            }
            Self::Status { status: 404, .. } => Some(
                "the address ends with the version, such as http://127.0.0.1:8080/v1; --model-name says which model of it",
            ),
            Self::Malformed { .. } => Some(
                "the address must be that of an OpenAI-compatible server; --api completions is for those without a chat template",
            ),
            Self::Address { .. } => Some("an address is such as http://127.0.0.1:8080/v1"),
            Self::Timeout { .. } => Some("--model-timeout waits longer"),
            #[cfg(feature = "gguf")]
            Self::File { source, .. } => source.hint(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_asked_again_and_what_took_too_long_is_not() {
        let status = |status| ModelError::Status {
            url: String::new(),
            status,
            message: String::new(),
            wait: None,
        };
        let late = ModelError::Timeout {
            url: String::new(),
            limit: Duration::from_mins(5),
        };
        for code in [408, 500, 503, 529, 599] {
            assert!(status(code).is_transient(), "{code}");
        }
        for error in [status(302), status(404), status(422), late] {
            assert!(!error.is_transient(), "{error}");
        }
    }
}
