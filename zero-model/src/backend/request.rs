//! Requests and answers as OpenAI-compatible servers have them.

use serde_json::{Value as Json, json};

use super::plain::{prompt, role};
use crate::model::{Completion, Message, Sampling};

/// Which of the two interfaces is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Api {
    /// Conversations, for which the server knows the model's template.
    #[default]
    Chat,
    /// Texts, for models without a template.
    Completions,
}

impl Api {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Completions => "completions",
        }
    }
}

/// The body of a request.
pub(super) fn body(
    api: Api,
    model: Option<&str>,
    conversation: &[Message],
    sampling: &Sampling,
) -> Json {
    let mut body = json!({
        "stream": true,
        "stream_options": { "include_usage": true },
        "temperature": round(sampling.temperature),
        "top_p": round(sampling.top_p),
        "max_tokens": sampling.max_tokens,
        "seed": sampling.seed,
    });
    if let Some(model) = model {
        body["model"] = model.into();
    }
    match api {
        Api::Chat => {
            let message =
                |message: &Message| json!({"role": role(message.role), "content": message.text});
            body["messages"] = conversation.iter().map(message).collect();
        }
        Api::Completions => body["prompt"] = prompt(conversation).into(),
    }
    body
}

/// 0.8 is not to become 0.800000011920929.
fn round(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

/// An answer that is put together from its parts.
#[derive(Debug, Default)]
pub(super) struct Answer {
    completion: Completion,
    /// A part said how it ends.
    pub(super) finished: bool,
}

impl Answer {
    /// Takes one part, or a whole answer that is not streamed.
    pub(super) fn take(&mut self, part: &Json) -> Result<(), String> {
        if let Some(error) = part.get("error").filter(|error| !error.is_null()) {
            return Err(message(error));
        }
        if !part.is_object() {
            return Err("a part of it is no object".to_owned());
        }
        if let Some(choice) = part.pointer("/choices/0") {
            let text = ["/delta/content", "/message/content", "/text"];
            let text = text.iter().find_map(|path| choice.pointer(path)?.as_str());
            self.completion.text += text.unwrap_or_default();
            if let Some(reason) = choice.get("finish_reason").and_then(Json::as_str) {
                self.finished = true;
                self.completion.cut |= reason == "length";
            }
        }
        let count = |name: &str| part.get("usage")?.get(name)?.as_u64();
        let completion = &mut self.completion;
        completion.prompt_tokens = count("prompt_tokens").or(completion.prompt_tokens);
        completion.completion_tokens = count("completion_tokens").or(completion.completion_tokens);
        Ok(())
    }

    /// Bytes of text so far.
    pub(super) fn len(&self) -> usize {
        self.completion.text.len()
    }

    pub(super) fn completion(self) -> Completion {
        self.completion
    }
}

/// What an error object says, in one line that is not too long.
pub(super) fn message(error: &Json) -> String {
    let text = error
        .get("message")
        .and_then(Json::as_str)
        .or(error.as_str());
    let text = text.map_or_else(|| error.to_string(), str::to_owned);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_whole_answers_give_the_same() {
        let mut parts = Answer::default();
        for part in [
            json!({"choices":[{"delta":{"role":"assistant"}}]}),
            json!({"choices":[{"delta":{"content":"(mod"}}]}),
            json!({"choices":[{"delta":{"content":"ule)"},"finish_reason":"stop"}]}),
            json!({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}),
        ] {
            parts.take(&part).expect("it is well-formed");
        }
        let mut whole = Answer::default();
        whole
            .take(&json!({"choices":[{"message":{"content":"(module)"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2}}))
            .expect("it is well-formed");
        assert!(parts.finished && whole.finished);
        assert_eq!(parts.completion(), whole.completion());
    }

    #[test]
    fn an_error_in_a_stream_is_said() {
        let mut answer = Answer::default();
        let error = answer.take(&json!({"error":{"message":"out of\nmemory"}}));
        assert_eq!(error, Err("out of memory".to_owned()));
    }
}
