//! A text so far: its meaning and the token under way.

use std::sync::Arc;

use super::Options;
use super::module::Ref;
use super::number::{Number, append};
use super::sem::Sem;
use super::string::{Pushed, Text, unescape};
use super::word::{Key, Kind, Set, TABLE, WordId};

/// Where a text stands. Cloning costs a few words: what is large is shared and copied when it changes.
#[derive(Clone, Debug)]
pub(crate) struct State {
    sem: Arc<Sem>,
    token: Token,
    /// Where the token begins in the text.
    start: usize,
    /// White space in a row.
    blanks: u8,
}

/// The token under way.
#[derive(Clone, Copy, Debug)]
enum Token {
    BlockComment {
        last: u8,
    },
    /// Between tokens; a string needs something between it and the next word.
    Gap {
        after_string: bool,
    },
    /// A new identifier.
    Define,
    Index {
        value: u64,
    },
    LineComment,
    Number(Number),
    Open,
    Reference,
    Semicolon,
    Text(Text),
    Word {
        range: (u16, u16),
        open: bool,
    },
}

const GAP: Token = Token::Gap {
    after_string: false,
};

impl State {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            sem: Arc::new(Sem::new(options)),
            token: GAP,
            start: 0,
            blanks: 0,
        }
    }

    pub(crate) fn sem(&self) -> &Sem {
        &self.sem
    }

    /// Whether the module is complete.
    pub(crate) fn is_done(&self) -> bool {
        let between = matches!(self.token, Token::Gap { .. } | Token::LineComment);
        between && self.sem.spot == super::spot::Spot::Done
    }

    /// The part of the token under way that was read.
    pub(crate) fn token<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        match self.token {
            Token::Gap { .. } => &[],
            _ => text.get(self.start..).unwrap_or_default(),
        }
    }

    /// Takes one more byte of a text; `text` is what came before it. After `false` the state is of no more use.
    pub(crate) fn advance(&mut self, byte: u8, text: &[u8]) -> bool {
        let so_far = text.get(self.start..).unwrap_or_default();
        let ends = matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | b'(' | b')' | b';');
        match self.token {
            Token::Gap { after_string } => self.begin(byte, after_string, text.len()),
            Token::LineComment => self.stay(byte, |byte| {
                if byte == b'\n' {
                    GAP
                } else {
                    Token::LineComment
                }
            }),
            Token::BlockComment { last } => self.comment(byte, last),
            Token::Semicolon => {
                self.token = Token::LineComment;
                byte == b';'
            }
            Token::Open if byte == b';' => {
                self.token = Token::BlockComment { last: 0 };
                self.comments()
            }
            Token::Open => self.first_of_word(byte, self.sem.expect.open, true, text.len()),
            Token::Text(string) => self.inside(string, byte, so_far),
            _ if ends => self.finish(so_far) && self.begin(byte, false, text.len()),
            Token::Define => is_id(byte),
            Token::Reference => is_id(byte) && self.names(&[so_far, &[byte]].concat()),
            Token::Index { value } => self.index(append(value, true, byte)),
            Token::Number(number) => match number.push(byte, so_far) {
                Some(number) => {
                    self.token = Token::Number(number);
                    true
                }
                None => false,
            },
            Token::Word { range, open } => self.longer(range, open, so_far.len(), byte, text.len()),
        }
    }

    fn comments(&self) -> bool {
        self.sem.options().comments
    }

    fn stay(&mut self, byte: u8, next: impl Fn(u8) -> Token) -> bool {
        self.token = next(byte);
        matches!(byte, b' '..=b'~' | b'\t' | b'\n')
    }

    fn comment(&mut self, byte: u8, last: u8) -> bool {
        let ends = last == b';' && byte == b')';
        let nests = last == b'(' && byte == b';';
        !nests
            && self.stay(byte, |last| {
                if ends {
                    GAP
                } else {
                    Token::BlockComment { last }
                }
            })
    }

    /// The first byte of a token, or white space.
    fn begin(&mut self, byte: u8, after_string: bool, at: usize) -> bool {
        self.start = at;
        self.token = GAP;
        let blank = matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
        if blank {
            self.blanks = self.blanks.saturating_add(1);
            return !self.sem.options().compact || (self.blanks == 1 && byte == b' ');
        }
        self.blanks = 0;
        match byte {
            b'(' => {
                self.token = Token::Open;
                self.comments() || !self.sem.expect.open.is_empty()
            }
            b')' => self.sem.expect.close && self.sem_mut().close(),
            b';' => {
                self.token = Token::Semicolon;
                self.comments()
            }
            _ if after_string => false,
            _ => self.begin_atom(byte, at),
        }
    }

    fn begin_atom(&mut self, byte: u8, at: usize) -> bool {
        let expect = &self.sem.expect;
        match byte {
            b'"' => {
                let Some(name) = expect.string else {
                    return false;
                };
                self.token = Token::Text(Text::new(name));
                true
            }
            b'$' if expect.define => {
                self.token = Token::Define;
                true
            }
            b'$' => {
                self.token = Token::Reference;
                expect
                    .targets
                    .as_ref()
                    .is_some_and(|targets| targets.any_name())
            }
            b'0'..=b'9' if expect.targets.is_some() => self.index(append(0, false, byte)),
            _ => match expect.number.and_then(|wanted| Number::start(wanted, byte)) {
                Some(number) => {
                    self.token = Token::Number(number);
                    true
                }
                None => self.first_of_word(byte, expect.words, false, at),
            },
        }
    }

    fn first_of_word(&mut self, byte: u8, set: Set, open: bool, at: usize) -> bool {
        self.start = at;
        let range = TABLE.starting(byte);
        self.token = Token::Word { range, open };
        any(range, set)
    }

    fn longer(&mut self, range: (u16, u16), open: bool, read: usize, byte: u8, at: usize) -> bool {
        let range = TABLE.narrow(range, read, byte);
        self.token = Token::Word { range, open };
        if !any(range, self.expected(open)) {
            return false;
        }
        if byte != b'=' {
            return true;
        }
        // `offset=` and `align=` end here; their number follows at once.
        let taken = self.finish_word(range, open, read + 1);
        self.start = at + 1;
        let number = self.sem.expect.number.and_then(Number::open);
        self.token = number.map_or(GAP, Token::Number);
        taken
    }

    fn expected(&self, open: bool) -> Set {
        if open {
            self.sem.expect.open
        } else {
            self.sem.expect.words
        }
    }

    fn index(&mut self, value: Option<u64>) -> bool {
        let Some(value) = value else { return false };
        self.token = Token::Index { value };
        let targets = self.sem.expect.targets.as_ref();
        targets.is_some_and(|targets| targets.begins(value))
    }

    fn names(&self, text: &[u8]) -> bool {
        let targets = self.sem.expect.targets.as_ref();
        targets.is_some_and(|targets| targets.begins_name(identifier(text)))
    }

    fn inside(&mut self, string: Text, byte: u8, so_far: &[u8]) -> bool {
        match string.push(byte) {
            Some(Pushed::Inside(string)) => {
                self.token = Token::Text(string);
                true
            }
            Some(Pushed::Closed) => {
                self.token = Token::Gap { after_string: true };
                let bytes = unescape(so_far.get(1..).unwrap_or_default());
                self.sem_mut().string(bytes)
            }
            None => false,
        }
    }

    /// The token ends before the next byte.
    fn finish(&mut self, so_far: &[u8]) -> bool {
        let token = self.token;
        match token {
            Token::Define => so_far.len() > 1 && self.sem_mut().define(identifier(so_far)),
            Token::Reference => {
                let name = identifier(so_far);
                let targets = self.sem.expect.targets.as_ref();
                !name.is_empty()
                    && targets.is_some_and(|targets| targets.has_name(name))
                    && self.sem_mut().refer(Ref::Name(name.into()))
            }
            Token::Index { value } => {
                let Ok(index) = u32::try_from(value) else {
                    return false;
                };
                let targets = self.sem.expect.targets.as_ref();
                targets.is_some_and(|targets| targets.has_index(index))
                    && self.sem_mut().refer(Ref::Index(index))
            }
            Token::Number(number) => match number.end(so_far) {
                Some(value) => self.sem_mut().number(value),
                None => false,
            },
            Token::Word { range, open } => self.finish_word(range, open, so_far.len()),
            _ => false,
        }
    }

    /// The shortest word of a range is the one that was written, if any was.
    fn finish_word(&mut self, range: (u16, u16), open: bool, length: usize) -> bool {
        let Ok(id) = WordId::try_from(range.0) else {
            return false;
        };
        let word = TABLE.word(id);
        let keyed = matches!(word.kind, Kind::Key(Key::Align | Key::Offset));
        let whole = word.text.len() == length && keyed == word.text.ends_with('=');
        whole && self.expected(open).has(id) && self.sem_mut().word(id, open)
    }

    fn sem_mut(&mut self) -> &mut Sem {
        Arc::make_mut(&mut self.sem)
    }
}

fn any((from, to): (u16, u16), set: Set) -> bool {
    (from..to).any(|id| WordId::try_from(id).is_ok_and(|id| set.has(id)))
}

/// The identifier without its `$`; its bytes were checked one by one.
fn identifier(text: &[u8]) -> &str {
    std::str::from_utf8(text.get(1..).unwrap_or_default()).unwrap_or_default()
}

/// Bytes of identifiers.
fn is_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-./:<=>?@\\^_`|~".contains(&byte)
}
