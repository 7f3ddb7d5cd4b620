//! llama.cpp at work: what is loaded, and one conversation after another.

use std::num::NonZeroU32;
use std::sync::OnceLock;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaLoraAdapter, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;

use super::super::plain;
use super::GgufOptions;
use super::check::Facts;
use super::error::GgufError;
use super::sampler::Sampler;
use super::template::Template;
use super::writer::{Words, Writer};
use crate::model::{Completion, Message, Role, Sampling};

/// Tokens that are read at once. What two conversations begin with is read once only in such portions, so that a
/// conversation is always computed in the same way, whatever came before it.
const PORTION: usize = 128;

/// A process has one llama.cpp.
static LLAMA: OnceLock<Option<LlamaBackend>> = OnceLock::new();

fn llama() -> Result<&'static LlamaBackend, GgufError> {
    let llama = LLAMA.get_or_init(|| {
        let mut llama = LlamaBackend::init().ok()?;
        llama.void_logs();
        Some(llama)
    });
    llama.as_ref().ok_or(GgufError::Load)
}

/// A model and its adapter in memory.
pub(super) struct Loaded {
    model: LlamaModel,
    adapter: Option<LlamaLoraAdapter>,
}

impl Loaded {
    pub(super) fn open(options: &GgufOptions) -> Result<Self, GgufError> {
        let params = LlamaModelParams::default().with_n_gpu_layers(0);
        let mut model = LlamaModel::load_from_file(llama()?, &options.path, &params)
            .map_err(|_| GgufError::Load)?;
        let adapter = options
            .adapter
            .as_ref()
            .map(|path| model.lora_adapter_init(path))
            .transpose()
            .map_err(|_| GgufError::Mismatch("llama.cpp does not load it".to_owned()))?;
        Ok(Self { model, adapter })
    }

    /// Makes room for conversations, and hands it over.
    pub(super) fn run(
        &mut self,
        options: &GgufOptions,
        facts: &Facts,
        work: impl FnOnce(&mut Run<'_>),
    ) -> Result<(), GgufError> {
        let limit = options.context.clamp(1, facts.context);
        let threads = i32::try_from(options.threads.clamp(1, 512)).unwrap_or(1);
        let portion = u32::try_from(PORTION).unwrap_or(u32::MAX);
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(limit))
            .with_n_batch(portion)
            .with_n_ubatch(portion)
            .with_n_threads(threads)
            .with_n_threads_batch(threads)
            // Off: it divides the work by the number of threads, and sums in another order.
            .with_flash_attention_policy(0);
        let mut context = self
            .model
            .new_context(llama()?, params)
            .map_err(|_| GgufError::Stopped("there is not enough memory".to_owned()))?;
        if let Some(adapter) = &mut self.adapter {
            context
                .lora_adapter_set(adapter, 1.0)
                .map_err(|_| GgufError::Mismatch("llama.cpp does not apply it".to_owned()))?;
        }
        let vocabulary = self.model.vocab();
        let template = facts.template.clone().filter(|_| options.template);
        let template = template
            .map(|source| {
                let text = |token| text(&vocabulary, token);
                Template::new(source, text(vocabulary.bos()), text(vocabulary.eos()))
            })
            .transpose()?;
        let words = Words::new(pieces(&vocabulary), options.mask);
        work(&mut Run {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            engine: Engine {
                context,
                batch: LlamaBatch::new(PORTION, 1),
                read: Vec::new(),
            },
            vocabulary,
            template,
            words,
        });
        Ok(())
    }
}

/// The text of a special token, which a model may not have.
fn text(vocabulary: &LlamaVocab<'_>, token: LlamaToken) -> String {
    if token.0 < 0 {
        return String::new();
    }
    let text = vocabulary.text(token);
    text.map(|text| text.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The bytes of each token; none for those that end an answer or control the model.
fn pieces(vocabulary: &LlamaVocab<'_>) -> Vec<Option<Vec<u8>>> {
    let piece = |token| {
        let ends = vocabulary.is_eog(token);
        (!ends).then(|| vocabulary.token_to_piece(token, false, None))
    };
    vocabulary.tokens().map(piece).collect()
}

/// A model that answers.
pub(super) struct Run<'m> {
    limit: usize,
    engine: Engine<'m>,
    vocabulary: LlamaVocab<'m>,
    template: Option<Template>,
    words: Words,
}

impl Run<'_> {
    pub(super) fn complete(
        &mut self,
        conversation: &[Message],
        sampling: &Sampling,
    ) -> Result<Completion, GgufError> {
        // An answer that has been begun is part of what the model reads.
        let (conversation, begun) = match conversation.split_last() {
            Some((last, before)) if last.role == Role::Assistant => (before, last.text.as_str()),
            _ => (conversation, ""),
        };
        let prompt = self.prompt(conversation, begun)?;
        if prompt.is_empty() || prompt.len() >= self.limit {
            return Err(GgufError::Context {
                tokens: prompt.len(),
                limit: self.limit,
            });
        }
        let room = self.limit - prompt.len();
        let most = usize::try_from(sampling.max_tokens).unwrap_or(usize::MAX);
        let mut sampler = Sampler::new(sampling);
        let mut writer = Writer::new(&self.words, begun)?;
        self.engine.read(&prompt)?;
        let mut cut = false;
        while let Some(token) = writer.write(&mut sampler, self.engine.logits())? {
            cut = writer.is_full() || writer.tokens() >= most.min(room);
            if cut {
                break;
            }
            let at = prompt.len() + writer.tokens() - 1;
            self.engine.decode(&[LlamaToken(token)], at)?;
        }
        Ok(Completion {
            prompt_tokens: u64::try_from(prompt.len()).ok(),
            completion_tokens: u64::try_from(writer.tokens()).ok(),
            text: String::from_utf8_lossy(writer.text()).into_owned(),
            cut,
        })
    }

    /// The conversation as the model reads it, and what is there of the answer.
    fn prompt(&self, conversation: &[Message], begun: &str) -> Result<Vec<LlamaToken>, GgufError> {
        let mut text = match &self.template {
            Some(template) => template.render(conversation)?,
            None => plain::prompt(conversation),
        };
        text += begun;
        let mut tokens = self.vocabulary.tokenize(text.as_bytes(), false, true);
        let bos = self.vocabulary.bos();
        // A template may have written it already.
        if bos.0 >= 0 && self.vocabulary.should_add_bos() && tokens.first() != Some(&bos) {
            tokens.insert(0, bos);
        }
        Ok(tokens)
    }
}

/// What computes.
struct Engine<'m> {
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    /// The tokens of whole portions that the context holds.
    read: Vec<LlamaToken>,
}

impl Engine<'_> {
    /// Reads a prompt, as far as it is not what the one before began with.
    fn read(&mut self, prompt: &[LlamaToken]) -> Result<(), GgufError> {
        // The last token is always read: what follows it is computed with it.
        let common = self
            .read
            .iter()
            .zip(
                prompt
                    .get(..prompt.len().saturating_sub(1))
                    .unwrap_or_default(),
            )
            .take_while(|(old, new)| old == new)
            .count();
        let mut kept = common / PORTION * PORTION;
        let from = u32::try_from(kept).ok();
        if self.context.kv_cache_seq_rm(0, from, None).is_err() {
            self.context.clear_kv_cache();
            kept = 0;
        }
        self.read.truncate(kept);
        let mut at = kept;
        while let Some(portion) = prompt.get(at..).filter(|rest| !rest.is_empty()) {
            let portion = portion.get(..PORTION).unwrap_or(portion);
            self.decode(portion, at)?;
            at += portion.len();
            if portion.len() == PORTION {
                self.read.extend(portion);
            }
        }
        Ok(())
    }

    fn decode(&mut self, tokens: &[LlamaToken], at: usize) -> Result<(), GgufError> {
        let stopped = |reason: &dyn std::fmt::Display| GgufError::Stopped(reason.to_string());
        self.batch.clear();
        for (offset, token) in tokens.iter().enumerate() {
            let position = i32::try_from(at + offset).map_err(|error| stopped(&error))?;
            let last = offset + 1 == tokens.len();
            self.batch
                .add(*token, position, &[0], last)
                .map_err(|error| stopped(&error))?;
        }
        self.context.decode(&mut self.batch).map_err(|error| {
            // What is in the context now, nobody knows.
            self.read.clear();
            stopped(&error)
        })
    }

    /// How likely each token is to come next.
    fn logits(&self) -> &[f32] {
        self.context.get_logits_ith(self.batch.n_tokens() - 1)
    }
}
