//! Number literals, a byte at a time: a byte after which no literal in range can follow is refused.

use super::word::Val;

/// What number may stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A literal of a value type.
    Literal(Val),
    /// A power of two up to a natural alignment.
    Power(u64),
    /// A decimal number between two bounds.
    Within(u64, u64),
}

/// A number that has begun.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Float {
        wide: bool,
        at: FloatAt,
    },
    Int {
        wide: bool,
        negative: bool,
        at: IntAt,
        value: u64,
    },
    Power {
        max: u64,
    },
    Within {
        low: u64,
        high: u64,
        value: u64,
        begun: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntAt {
    Sign,
    Zero,
    Decimal,
    HexPrefix,
    Hex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatAt {
    Sign,
    Zero,
    Whole(u8),
    Dot(u8),
    Fraction(u8),
    Exponent,
    Minus,
    Plus,
    /// The exponent's digits so far, whether it is negative, whether there are any.
    Digits {
        value: u32,
        negative: bool,
    },
    HexPrefix,
    HexWhole(u8),
    HexDot(u8),
    HexFraction(u8),
    /// Bytes of `inf` or `nan` that were read.
    Word {
        nan: bool,
        read: u8,
    },
    /// Bytes of `:0x` that were read.
    Payload(u8),
    PayloadDigits(u64),
}

/// Digits of a decimal significand.
const DECIMAL_DIGITS: u8 = 60;
/// Digits of a hexadecimal significand: all of them fit 128 bits.
const HEX_DIGITS: u8 = 32;
/// The largest exponent that can be written.
const EXPONENT: u32 = 99_999;

impl Number {
    /// Begins a number with its first byte.
    pub(crate) fn start(wanted: Wanted, byte: u8) -> Option<Self> {
        Self::open(wanted)?.push(byte, &[])
    }

    /// A number of which nothing was read.
    pub(crate) fn open(wanted: Wanted) -> Option<Self> {
        Some(match wanted {
            Wanted::Literal(val @ (Val::F32 | Val::F64)) => Self::Float {
                wide: val == Val::F64,
                at: FloatAt::Sign,
            },
            Wanted::Literal(Val::Any) => return None,
            Wanted::Literal(val) => Self::Int {
                wide: val == Val::I64,
                negative: false,
                at: IntAt::Sign,
                value: 0,
            },
            Wanted::Power(max) => Self::Power { max },
            Wanted::Within(low, high) => Self::Within {
                low,
                high,
                value: 0,
                begun: false,
            },
        })
    }

    /// Takes one more byte; `text` is what was read before it.
    pub(crate) fn push(self, byte: u8, text: &[u8]) -> Option<Self> {
        match self {
            Self::Float { wide, at } => {
                let at = at.push(byte, text, wide)?;
                Some(Self::Float { wide, at })
            }
            Self::Int {
                wide,
                negative,
                at,
                value,
            } => integer(wide, negative, at, value, byte, text.is_empty()),
            Self::Power { max } => {
                let digit = u64::from(byte.checked_sub(b'0')?);
                (text.is_empty() && digit <= max && digit < 10 && digit.is_power_of_two())
                    .then_some(self)
            }
            Self::Within {
                low,
                high,
                value,
                begun,
            } => {
                let value = append(value, begun, byte)?;
                reachable(value, |from, to| from <= high && to >= low).then_some(Self::Within {
                    low,
                    high,
                    value,
                    begun: true,
                })
            }
        }
    }

    /// Its value as it ends here; of literals only whether they may end here counts.
    pub(crate) fn end(self, text: &[u8]) -> Option<u64> {
        match self {
            Self::Float { wide, at } => at.may_end(text, wide).then_some(0),
            Self::Int { at, value, .. } => {
                matches!(at, IntAt::Zero | IntAt::Decimal | IntAt::Hex).then_some(value)
            }
            Self::Power { .. } => (!text.is_empty()).then_some(0),
            Self::Within {
                low,
                high,
                value,
                begun,
            } => (begun && (low..=high).contains(&value)).then_some(value),
        }
    }
}

/// One more decimal digit of a number without leading zeros.
pub(crate) fn append(value: u64, begun: bool, byte: u8) -> Option<u64> {
    if !byte.is_ascii_digit() || (begun && value == 0) {
        return None;
    }
    value.checked_mul(10)?.checked_add(u64::from(byte - b'0'))
}

/// Whether a number that begins with the digits of `value` can be in one of the ranges that `hit` knows. Ranges with
/// more digits come later; beyond 32 bits there is nothing.
pub(crate) fn reachable(value: u64, hit: impl Fn(u64, u64) -> bool) -> bool {
    let (mut low, mut high) = (value, value);
    while u32::try_from(low).is_ok() {
        if hit(low, high) {
            return true;
        }
        if value == 0 {
            return false;
        }
        (low, high) = (low * 10, high * 10 + 9);
    }
    false
}

fn integer(
    wide: bool,
    negative: bool,
    at: IntAt,
    value: u64,
    byte: u8,
    first: bool,
) -> Option<Number> {
    let max = match (wide, negative) {
        (false, false) => u64::from(u32::MAX),
        (false, true) => 1 << 31,
        (true, false) => u64::MAX,
        (true, true) => 1 << 63,
    };
    let next = |at, negative, value| {
        (value <= max).then_some(Number::Int {
            wide,
            negative,
            at,
            value,
        })
    };
    let longer = |base: u64, digit: u64| value.checked_mul(base)?.checked_add(digit);
    match (at, byte) {
        (IntAt::Sign, b'+' | b'-') if first => next(IntAt::Sign, byte == b'-', 0),
        (IntAt::Sign, b'0') => next(IntAt::Zero, negative, 0),
        (IntAt::Zero, b'x') => next(IntAt::HexPrefix, negative, 0),
        (IntAt::Sign | IntAt::Zero | IntAt::Decimal, b'0'..=b'9') => next(
            IntAt::Decimal,
            negative,
            longer(10, u64::from(byte - b'0'))?,
        ),
        (IntAt::HexPrefix | IntAt::Hex, _) => next(IntAt::Hex, negative, longer(16, hex(byte)?)?),
        _ => None,
    }
}

impl FloatAt {
    fn push(self, byte: u8, text: &[u8], wide: bool) -> Option<Self> {
        let digit = byte.is_ascii_digit();
        let next = match (self, byte) {
            (Self::Sign, b'+' | b'-') if text.is_empty() => Self::Sign,
            (Self::Sign, b'i' | b'n') => Self::Word {
                nan: byte == b'n',
                read: 1,
            },
            (Self::Sign, b'0') => Self::Zero,
            (Self::Sign | Self::Zero, _) if digit => Self::Whole(1),
            (Self::Zero, b'x') => Self::HexPrefix,
            (Self::Zero, b'.') => Self::Dot(1),
            (Self::Whole(n), b'.') => Self::Dot(n),
            (Self::Whole(n), _) if digit => Self::Whole(more(n, DECIMAL_DIGITS)?),
            (Self::Dot(n) | Self::Fraction(n), _) if digit => {
                Self::Fraction(more(n, DECIMAL_DIGITS)?)
            }
            (Self::HexPrefix, _) => hex(byte).map(|_| Self::HexWhole(1))?,
            (Self::HexWhole(n), b'.') => Self::HexDot(n),
            (Self::Zero | Self::Whole(_) | Self::Dot(_) | Self::Fraction(_), b'e' | b'E')
            | (Self::HexWhole(_) | Self::HexDot(_) | Self::HexFraction(_), b'p' | b'P') => {
                Self::Exponent
            }
            (Self::HexWhole(n), _) => hex(byte).and(more(n, HEX_DIGITS)).map(Self::HexWhole)?,
            (Self::HexDot(n) | Self::HexFraction(n), _) => {
                hex(byte).and(more(n, HEX_DIGITS)).map(Self::HexFraction)?
            }
            (Self::Exponent, b'-') => Self::Minus,
            (Self::Exponent, b'+') => Self::Plus,
            (Self::Exponent | Self::Plus, _) if digit => exponent(0, false, byte)?,
            (Self::Minus, _) if digit => exponent(0, true, byte)?,
            (Self::Digits { value, negative }, _) if digit => exponent(value, negative, byte)?,
            (Self::Word { nan, read }, _) => word(nan, read, byte)?,
            (Self::Payload(1), b'0') => Self::Payload(2),
            (Self::Payload(2), b'x') => Self::Payload(3),
            (Self::Payload(3), _) => payload(0, byte, wide)?,
            (Self::PayloadDigits(value), _) => payload(value, byte, wide)?,
            _ => return None,
        };
        // More digits of an exponent that is not negative only make the number larger.
        let grows = match next {
            Self::Plus => overflows(&[text, b"+0"].concat(), wide),
            Self::Digits {
                negative: false, ..
            } => overflows(&[text, &[byte]].concat(), wide),
            _ => false,
        };
        (!grows).then_some(next)
    }

    fn may_end(self, text: &[u8], wide: bool) -> bool {
        match self {
            Self::Zero
            | Self::Whole(_)
            | Self::Dot(_)
            | Self::Fraction(_)
            | Self::Digits { .. }
            | Self::HexWhole(_)
            | Self::HexDot(_)
            | Self::HexFraction(_) => !overflows(text, wide),
            Self::Word { read, .. } => read == 3,
            Self::PayloadDigits(_) => true,
            _ => false,
        }
    }
}

fn more(digits: u8, max: u8) -> Option<u8> {
    (digits < max).then_some(digits + 1)
}

fn hex(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

fn exponent(value: u32, negative: bool, byte: u8) -> Option<FloatAt> {
    let value = value * 10 + u32::from(byte - b'0');
    (value <= EXPONENT).then_some(FloatAt::Digits { value, negative })
}

fn word(nan: bool, read: u8, byte: u8) -> Option<FloatAt> {
    let word: &[u8] = if nan { b"nan" } else { b"inf" };
    if nan && read == 3 && byte == b':' {
        return Some(FloatAt::Payload(1));
    }
    (word.get(usize::from(read)) == Some(&byte)).then_some(FloatAt::Word {
        nan,
        read: read + 1,
    })
}

fn payload(value: u64, byte: u8, wide: bool) -> Option<FloatAt> {
    let value = value.checked_mul(16)?.checked_add(hex(byte)?)?;
    let bits = if wide { 52 } else { 23 };
    // Zero is no payload: zeros before it would be a place to stay in for ever.
    (value != 0 && value < 1 << bits).then_some(FloatAt::PayloadDigits(value))
}

/// Whether a whole literal is too large for its type.
fn overflows(text: &[u8], wide: bool) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return true;
    };
    let unsigned = text.trim_start_matches(['+', '-']);
    match unsigned.strip_prefix("0x") {
        Some(digits) => hex_overflows(digits, wide),
        None if wide => !unsigned.parse::<f64>().is_ok_and(f64::is_finite),
        None => !unsigned.parse::<f32>().is_ok_and(f32::is_finite),
    }
}

/// The same for hexadecimal digits with a fraction and an exponent.
fn hex_overflows(digits: &str, wide: bool) -> bool {
    let (precision, largest) = if wide { (53, 1023) } else { (24, 127) };
    let (significand, exponent) = digits.split_once(['p', 'P']).unwrap_or((digits, "0"));
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    let Ok(value) = u128::from_str_radix(&format!("{whole}{fraction}"), 16) else {
        return true;
    };
    let Ok(exponent) = exponent.parse::<i64>() else {
        return true;
    };
    if value == 0 {
        return false;
    }
    let bits = 128 - value.leading_zeros();
    let fraction_bits = i64::try_from(fraction.len() * 4).unwrap_or(i64::MAX);
    let top = i64::from(bits) - 1 + exponent - fraction_bits;
    // At the largest exponent, a significand of ones that rounds up is too large as well.
    top > largest || (top == largest && bits > precision && rounds_over(value, bits - precision))
}

/// Whether the bits above the lowest `cut` are all ones, and the next one is too.
fn rounds_over(value: u128, cut: u32) -> bool {
    let kept = value >> cut;
    kept & (kept + 1) == 0 && (value >> (cut - 1)) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(val: Val, text: &str) -> bool {
        let mut number = Number::open(Wanted::Literal(val));
        for (at, byte) in text.bytes().enumerate() {
            number = number.and_then(|number| number.push(byte, &text.as_bytes()[..at]));
        }
        number.is_some_and(|number| number.end(text.as_bytes()).is_some())
    }

    /// The text parser's own opinion.
    fn peer(val: Val, text: &str) -> bool {
        wat::parse_str(format!("(module (func {}.const {text} drop))", val.name())).is_ok()
    }

    #[test]
    fn literals_at_the_edges_are_as_the_text_parser_says() {
        let ints = [
            "0",
            "-1",
            "4294967295",
            "4294967296",
            "-2147483648",
            "-2147483649",
            "0xffffffff",
            "0x100000000",
            "-0x80000000",
            "18446744073709551615",
            "18446744073709551616",
            "-9223372036854775809",
            "+7",
            "00012",
            "0x",
            "-",
        ];
        let floats = [
            "0",
            "1.5",
            "-0x1p-1074",
            "0x1.fffffep127",
            "0x1.ffffffp127",
            "0x1.fffffefp127",
            "1e38",
            "3.5e38",
            "1e308",
            "1e309",
            "0x1.fffffffffffffp1023",
            "0x1.fffffffffffff8p1023",
            "0x1.fffffffffffff7p1023",
            "inf",
            "-nan",
            "nan:0x1",
            "nan:0x7fffff",
            "nan:0x800000",
            "nan:0x0",
            "nan:0xfffffffffffff",
            "1e-400",
            "0x1p-99999",
            "1.",
            "1.e5",
            "0x1.",
            "0x1.p+3",
            ".5",
            "0x.8",
            "1e",
            "0x0p+99999",
            "1000000000000000000000000000000000000000e-5",
        ];
        for (vals, texts) in [
            ([Val::I32, Val::I64], ints.as_slice()),
            ([Val::F32, Val::F64], &floats),
        ] {
            for (val, text) in vals
                .iter()
                .flat_map(|val| texts.iter().map(move |text| (*val, *text)))
            {
                assert_eq!(accepts(val, text), peer(val, text), "{val:?} {text}");
            }
        }
    }

    #[test]
    fn a_byte_that_leads_out_of_range_is_refused() {
        let refused_at = |val, text: &str| {
            let mut number = Number::open(Wanted::Literal(val)).unwrap();
            for (at, byte) in text.bytes().enumerate() {
                match number.push(byte, &text.as_bytes()[..at]) {
                    Some(next) => number = next,
                    None => return Some(at),
                }
            }
            None
        };
        assert_eq!(refused_at(Val::I32, "4294967296"), Some(9));
        assert_eq!(refused_at(Val::F64, "1e309"), Some(4));
        assert_eq!(refused_at(Val::F32, "1e39"), Some(3));
        assert_eq!(refused_at(Val::F64, "1e-30999"), None);
        assert_eq!(refused_at(Val::F32, "nan:0x01"), Some(6));
    }

    #[test]
    fn bounds_look_ahead() {
        let within = |low, high, text: &str| {
            let mut number = Number::open(Wanted::Within(low, high)).unwrap();
            for byte in text.bytes() {
                number = number.push(byte, &[])?;
            }
            Some(number.end(text.as_bytes()).is_some())
        };
        assert_eq!(within(10, 65_536, "7"), Some(false));
        assert_eq!(within(10, 65_536, "70000"), None);
        assert_eq!(within(10, 65_536, "65536"), Some(true));
        assert_eq!(within(0, 9, "0"), Some(true));
        assert_eq!(within(0, 9, "00"), None);
    }
}
