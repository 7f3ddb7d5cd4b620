//! Token masks: which tokens of a vocabulary can come next.
//!
//! The vocabulary is a trie of [`toktrie`], the one of llguidance, which walks it with our [`Mask`] as its recognizer.

use std::fmt;

use toktrie::{Recognizer, SimpleVob, TokRxInfo, TokTrie};

use super::Options;
use super::state::State;

/// A model's vocabulary.
pub struct Vocabulary {
    trie: TokTrie,
    end: u32,
}

impl Vocabulary {
    /// A vocabulary from the bytes of each token; special tokens are empty. `end` ends a text.
    pub fn new(tokens: &[Vec<u8>], end: u32) -> Self {
        let size = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
        Self {
            trie: TokTrie::from(&TokRxInfo::new(size, end), tokens),
            end,
        }
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.trie.vocab_size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The token that ends a text.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// The bytes of a token.
    pub fn token(&self, id: u32) -> &[u8] {
        self.trie.token(id)
    }
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// A text under way and the tokens that can continue it.
pub struct Mask<'a> {
    vocabulary: &'a Vocabulary,
    /// The states after each byte that the walk through the trie has pushed; the first is where the text stands.
    states: Vec<State>,
    text: Vec<u8>,
    allowed: SimpleVob,
}

impl<'a> Mask<'a> {
    /// A mask for the beginning of a module.
    pub fn new(vocabulary: &'a Vocabulary, options: Options) -> Self {
        Self {
            vocabulary,
            states: vec![State::new(options)],
            text: Vec::new(),
            allowed: vocabulary.trie.alloc_token_set(),
        }
    }

    /// Takes text that no token was chosen for; `false` if no module begins like that.
    pub fn begin(&mut self, text: &str) -> bool {
        let fits = text.bytes().all(|byte| self.try_push_byte(byte));
        self.collapse();
        fits
    }

    /// The tokens that can come next. The end is among them exactly if the module is complete.
    pub fn compute(&mut self) -> &SimpleVob {
        let mut allowed = std::mem::replace(&mut self.allowed, SimpleVob::new());
        allowed.set_all(false);
        self.vocabulary.trie.add_bias(self, &mut allowed, &[]);
        if self.is_complete() {
            allowed.allow_token(self.vocabulary.end);
        }
        self.allowed = allowed;
        &self.allowed
    }

    /// Takes a token; `false` if it is not a possible one.
    pub fn take(&mut self, token: u32) -> bool {
        let vocabulary = self.vocabulary;
        let bytes = vocabulary.token(token);
        let before = self.text.len();
        let fits = !bytes.is_empty() && bytes.iter().all(|byte| self.try_push_byte(*byte));
        if fits {
            self.collapse();
        } else {
            self.pop_bytes(self.text.len() - before);
        }
        fits
    }

    /// Whether the module is complete.
    pub fn is_complete(&self) -> bool {
        self.states.last().is_some_and(State::is_done)
    }

    /// The text so far.
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

impl Recognizer for Mask<'_> {
    fn pop_bytes(&mut self, num: usize) {
        self.states.truncate(self.states.len() - num);
        self.text.truncate(self.text.len() - num);
    }

    fn collapse(&mut self) {
        self.states.drain(..self.states.len() - 1);
    }

    fn trie_finished(&mut self) {
        self.pop_bytes(self.states.len() - 1);
    }

    fn try_push_byte(&mut self, byte: u8) -> bool {
        let Some(mut next) = self.states.last().cloned() else {
            return false;
        };
        let taken = next.advance(byte, &self.text);
        if taken {
            self.states.push(next);
            self.text.push(byte);
        }
        taken
    }
}

impl fmt::Debug for Mask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mask")
            .field("text", &String::from_utf8_lossy(&self.text))
            .finish_non_exhaustive()
    }
}
