//! String literals, a byte at a time: escapes, and UTF-8 where a name is meant.

/// A string that has begun. Raw bytes are printable ASCII; everything else is written as an escape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text {
    /// Whether the bytes that it stands for must be UTF-8.
    name: bool,
    at: At,
    utf8: Utf8,
}

#[derive(Clone, Copy, Debug)]
enum At {
    Plain,
    Escape,
    Hex(u8),
    UnicodeOpen,
    Unicode { value: u32, begun: bool },
}

/// What the next byte of UTF-8 may be.
#[derive(Clone, Copy, Debug)]
struct Utf8 {
    missing: u8,
    low: u8,
    high: u8,
}

/// What a byte did to a string.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pushed {
    Closed,
    Inside(Text),
}

impl Text {
    pub(crate) fn new(name: bool) -> Self {
        Self {
            name,
            at: At::Plain,
            utf8: Utf8::START,
        }
    }

    pub(crate) fn push(self, byte: u8) -> Option<Pushed> {
        let inside = |text| Some(Pushed::Inside(text));
        match (self.at, byte) {
            (At::Plain, b'"') => (!self.name || self.utf8.missing == 0).then_some(Pushed::Closed),
            (At::Plain, b'\\') => inside(self.at(At::Escape)),
            (At::Plain, 0x20..=0x7e) => inside(self.emit(byte)?),
            (At::Escape, b'n' | b't' | b'r' | b'"' | b'\'' | b'\\') => inside(self.emit(b'a')?),
            (At::Escape, b'u') if self.utf8.missing == 0 => inside(self.at(At::UnicodeOpen)),
            (At::Escape, _) => {
                let high = digit(byte)?;
                // Some second digit must do.
                let possible = (0..16).any(|low| self.emit(high << 4 | low).is_some());
                possible.then_some(Pushed::Inside(self.at(At::Hex(high))))
            }
            (At::Hex(high), _) => inside(self.emit(high << 4 | digit(byte)?)?),
            (At::UnicodeOpen, b'{') => inside(self.at(At::Unicode {
                value: 0,
                begun: false,
            })),
            (At::Unicode { value, begun: true }, b'}') => {
                char::from_u32(value).map(|_| Pushed::Inside(self.at(At::Plain)))
            }
            // Zeros before a number would be a place to stay in for ever.
            (
                At::Unicode {
                    value: 0,
                    begun: true,
                },
                _,
            ) => None,
            (At::Unicode { value, .. }, _) => {
                let value = value << 4 | u32::from(digit(byte)?);
                (value <= 0x0010_ffff)
                    .then_some(Pushed::Inside(self.at(At::Unicode { value, begun: true })))
            }
            _ => None,
        }
    }

    fn at(self, at: At) -> Self {
        Self { at, ..self }
    }

    /// The string stands for one more byte.
    fn emit(self, byte: u8) -> Option<Self> {
        let utf8 = if self.name {
            self.utf8.push(byte)?
        } else {
            self.utf8
        };
        Some(Self {
            at: At::Plain,
            utf8,
            ..self
        })
    }
}

impl Utf8 {
    const START: Self = Self::expecting(0, 0x80, 0xbf);

    const fn expecting(missing: u8, low: u8, high: u8) -> Self {
        Self { missing, low, high }
    }

    /// The table of well-formed byte sequences of the Unicode standard.
    fn push(self, byte: u8) -> Option<Self> {
        if self.missing > 0 {
            let next = Self::expecting(self.missing - 1, 0x80, 0xbf);
            return (self.low..=self.high).contains(&byte).then_some(next);
        }
        Some(match byte {
            0..=0x7f => Self::START,
            0xc2..=0xdf => Self::expecting(1, 0x80, 0xbf),
            0xe0 => Self::expecting(2, 0xa0, 0xbf),
            0xed => Self::expecting(2, 0x80, 0x9f),
            0xe1..=0xef => Self::expecting(2, 0x80, 0xbf),
            0xf0 => Self::expecting(3, 0x90, 0xbf),
            0xf1..=0xf3 => Self::expecting(3, 0x80, 0xbf),
            0xf4 => Self::expecting(3, 0x80, 0x8f),
            _ => return None,
        })
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The bytes that the inside of an accepted string stands for.
pub(crate) fn unescape(inside: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let [kind, after @ ..] = rest else { break };
        rest = after;
        match kind {
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'r' => bytes.push(b'\r'),
            b'u' => {
                let end = rest
                    .iter()
                    .position(|byte| *byte == b'}')
                    .unwrap_or(rest.len());
                let value = rest[..end]
                    .iter()
                    .filter_map(|byte| digit(*byte))
                    .fold(0, |value, digit| value << 4 | u32::from(digit));
                let mut utf8 = [0; 4];
                bytes.extend(
                    char::from_u32(value)
                        .unwrap_or_default()
                        .encode_utf8(&mut utf8)
                        .bytes(),
                );
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            b'"' | b'\'' | b'\\' => bytes.push(*kind),
            high => {
                let low = rest
                    .first()
                    .and_then(|byte| digit(*byte))
                    .unwrap_or_default();
                bytes.push(digit(*high).unwrap_or_default() << 4 | low);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(name: bool, inside: &str) -> bool {
        let mut text = Text::new(name);
        for byte in inside.bytes() {
            match text.push(byte) {
                Some(Pushed::Inside(next)) => text = next,
                _ => return false,
            }
        }
        matches!(text.push(b'"'), Some(Pushed::Closed))
    }

    #[test]
    fn names_are_utf8_and_data_is_not() {
        assert!(accepts(true, "caf\\c3\\a9 \\u{1f600} \\n"));
        assert!(!accepts(true, "\\c3"));
        assert!(!accepts(true, "\\c3a"));
        assert!(!accepts(true, "\\u{d800}"));
        assert!(accepts(true, "\\u{0}") && !accepts(true, "\\u{041}"));
        assert!(accepts(false, "\\c3\\ff\\00"));
    }

    #[test]
    fn an_escape_that_cannot_end_well_is_refused_at_its_first_digit() {
        let text = Text::new(true);
        let Some(Pushed::Inside(escape)) = text.push(b'\\') else {
            panic!()
        };
        assert!(escape.push(b'9').is_none(), "no character begins with \\9x");
        assert!(escape.push(b'c').is_some());
    }

    #[test]
    fn what_a_string_stands_for() {
        assert_eq!(
            unescape(b"a\\n\\\"\\41\\u{e9}z"),
            "a\n\"A\u{e9}z".as_bytes()
        );
    }
}
