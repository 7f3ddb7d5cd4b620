//! The checker of whole texts and of prefixes.

use super::Options;
use super::state::State;

/// Reads a text byte by byte; see the [module](super).
#[derive(Clone, Debug)]
pub struct Checker {
    state: State,
    text: Vec<u8>,
}

/// A text that no valid module begins with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read line {line}, column {column}: {found} cannot stand here{context}; {expected}")]
#[non_exhaustive]
pub struct Rejected {
    /// Where the first impossible byte is.
    pub offset: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in bytes, from 1.
    pub column: usize,
    /// What stands there.
    pub found: String,
    /// What is known about the place, to be read after the rest; often nothing.
    pub context: String,
    /// What could stand there.
    pub expected: String,
}

impl Checker {
    /// A checker that has read nothing.
    pub fn new(options: Options) -> Self {
        Self {
            state: State::new(options),
            text: Vec::new(),
        }
    }

    /// Checks a whole text.
    ///
    /// # Errors
    /// At the first byte after which no valid module of the subset can follow, or at the end if the module is not
    /// complete.
    pub fn check(text: &str, options: Options) -> Result<(), Rejected> {
        let mut checker = Self::new(options);
        checker.push_str(text)?;
        checker.finish()
    }

    /// Takes one more byte.
    ///
    /// # Errors
    /// When no valid module begins with the text and this byte; the checker stays where it is.
    pub fn push(&mut self, byte: u8) -> Result<(), Rejected> {
        let mut next = self.state.clone();
        if !next.advance(byte, &self.text) {
            return Err(self.rejected(Some(byte)));
        }
        self.state = next;
        self.text.push(byte);
        Ok(())
    }

    /// Takes more text.
    ///
    /// # Errors
    /// At the first impossible byte; everything before it was taken.
    pub fn push_str(&mut self, text: &str) -> Result<(), Rejected> {
        text.bytes().try_for_each(|byte| self.push(byte))
    }

    /// Whether the text may end here.
    pub fn is_complete(&self) -> bool {
        self.state.is_done()
    }

    /// The text so far.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether a byte can come next.
    pub fn allows(&self, byte: u8) -> bool {
        self.state.clone().advance(byte, &self.text)
    }

    /// The bytes that can come next.
    pub fn allowed(&self) -> Vec<u8> {
        (0..=u8::MAX).filter(|byte| self.allows(*byte)).collect()
    }

    /// Ends the text.
    ///
    /// # Errors
    /// When the module is not complete.
    pub fn finish(&self) -> Result<(), Rejected> {
        if self.is_complete() {
            Ok(())
        } else {
            Err(self.rejected(None))
        }
    }

    fn rejected(&self, byte: Option<u8>) -> Rejected {
        let last_line = self
            .text
            .rsplit(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let token = String::from_utf8_lossy(self.state.token(&self.text));
        let found = match byte {
            None => "the end of the text".to_owned(),
            Some(byte) => format!("`{token}{}`", byte.escape_ascii()),
        };
        Rejected {
            offset: self.text.len(),
            line: self.text.split(|byte| *byte == b'\n').count(),
            column: last_line.len() + 1,
            found,
            context: self.context(),
            expected: self.expected(),
        }
    }

    fn context(&self) -> String {
        let sem = self.state.sem();
        if sem.in_body() {
            return match sem.body.stack().as_str() {
                "" => " with no operands".to_owned(),
                stack => format!(" with operands [{stack}]"),
            };
        }
        match sem.module.owing() {
            Some(owing) => format!(" while {owing} is missing"),
            None => String::new(),
        }
    }

    fn expected(&self) -> String {
        let expect = &self.state.sem().expect;
        let token = String::from_utf8_lossy(self.state.token(&self.text)).into_owned();
        let open: Vec<String> = expect.open.texts().map(|text| format!("({text}")).collect();
        let words = expect.words.texts().map(str::to_owned);
        let targets = expect.targets.iter().flat_map(|targets| targets.texts());
        let mut all: Vec<String> = targets
            .chain(words)
            .chain(open)
            .filter(|text| text.starts_with(&token))
            .collect();
        all.extend(
            expect
                .close
                .then(|| ")".to_owned())
                .filter(|_| token.is_empty()),
        );
        all.extend(
            expect
                .define
                .then(|| "$identifier".to_owned())
                .filter(|_| token.is_empty()),
        );
        all.extend(expect.number.map(|_| "a number in range".to_owned()));
        all.extend(expect.string.map(|_| "a string".to_owned()));
        let more = all.len() > 16;
        all.truncate(16);
        match all.as_slice() {
            [] => "nothing can".to_owned(),
            some => format!(
                "possible: {}{}",
                some.join(" "),
                if more { " …" } else { "" }
            ),
        }
    }
}
