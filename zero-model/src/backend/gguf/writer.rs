//! An answer under way: which token comes next, and whether it may.

use super::error::GgufError;
use super::sampler::Sampler;
use crate::decode::{Mask, Options, Vocabulary};
use crate::judge::MAX_TEXT;

/// Tokens that are tried before the mask is computed for the whole vocabulary: what a model finds likely is mostly
/// possible, and to try a token costs much less.
const TRIES: usize = 4;

/// What the tokens of a model say.
pub(super) struct Words {
    /// None for what ends an answer.
    pieces: Vec<Option<Vec<u8>>>,
    vocabulary: Option<Vocabulary>,
}

impl Words {
    pub(super) fn new(pieces: Vec<Option<Vec<u8>>>, mask: bool) -> Self {
        let vocabulary = mask.then(|| {
            let bytes: Vec<Vec<u8>> = pieces
                .iter()
                .map(|piece| piece.clone().unwrap_or_default())
                .collect();
            let end = pieces.iter().position(Option::is_none).unwrap_or(0);
            Vocabulary::new(&bytes, u32::try_from(end).unwrap_or(0))
        });
        Self { pieces, vocabulary }
    }

    fn piece(&self, token: u32) -> Option<&[u8]> {
        let at = usize::try_from(token).ok()?;
        self.pieces.get(at)?.as_deref()
    }
}

/// An answer under way.
pub(super) struct Writer<'w> {
    words: &'w Words,
    mask: Option<Mask<'w>>,
    /// The text so far, where no mask has it.
    text: Vec<u8>,
    tokens: usize,
}

impl<'w> Writer<'w> {
    /// An answer that has been begun with this text.
    pub(super) fn new(words: &'w Words, begun: &str) -> Result<Self, GgufError> {
        let vocabulary = words.vocabulary.as_ref();
        let mut mask = vocabulary.map(|vocabulary| Mask::new(vocabulary, Options::GENERATION));
        let fits = mask.as_mut().is_none_or(|mask| mask.begin(begun));
        if !fits {
            return Err(GgufError::Stuck(begun.to_owned()));
        }
        let text = match mask {
            Some(_) => Vec::new(),
            None => begun.as_bytes().to_vec(),
        };
        Ok(Self {
            words,
            mask,
            text,
            tokens: 0,
        })
    }

    /// Writes the next token, and gives it if the answer can go on after it.
    pub(super) fn write(
        &mut self,
        sampler: &mut Sampler,
        logits: &[f32],
    ) -> Result<Option<i32>, GgufError> {
        sampler.begin(logits);
        let token = match &self.mask {
            Some(_) => self.choose(sampler),
            None => sampler.draw(),
        };
        let Some(token) = token else {
            let text = String::from_utf8_lossy(self.text());
            let begin = text.char_indices().rev().nth(60).map_or(0, |(at, _)| at);
            return Err(GgufError::Stuck(
                text.get(begin..).unwrap_or_default().to_owned(),
            ));
        };
        let Some(piece) = self.words.piece(token) else {
            return Ok(None);
        };
        self.tokens += 1;
        if self.mask.is_none() {
            self.text.extend_from_slice(piece);
        }
        let complete = self.mask.as_ref().is_some_and(Mask::is_complete);
        Ok(i32::try_from(token).ok().filter(|_| !complete))
    }

    /// Draws a token that the mask allows, and takes it.
    fn choose(&mut self, sampler: &mut Sampler) -> Option<u32> {
        if !sampler.is_relative() {
            for _ in 0..TRIES {
                let token = sampler.draw()?;
                if self.take(token) {
                    return Some(token);
                }
                sampler.refuse(token);
            }
        }
        let allowed = self.mask.as_mut()?.compute();
        sampler.keep(|token| allowed.is_allowed(token));
        sampler.draw().filter(|token| self.take(*token))
    }

    fn take(&mut self, token: u32) -> bool {
        self.mask.as_mut().is_some_and(|mask| mask.take(token))
    }

    /// Tokens so far.
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Whether it is longer than anything that is judged.
    pub(super) fn is_full(&self) -> bool {
        self.text().len() > MAX_TEXT
    }

    pub(super) fn text(&self) -> &[u8] {
        self.mask.as_ref().map_or(&self.text, Mask::text)
    }
}
