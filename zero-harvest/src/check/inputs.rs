//! Inputs for a function, from a seed: numbers at their boundaries, buffers, lengths that fit them, texts.

use super::Role;
use super::execute::{Argument, Input, after};
use crate::extract::Shape;
use crate::limits;
use crate::record::Abi;

/// Bytes between buffers, so that running over the end of one is not writing into the next.
const GAP: u32 = 64;
/// Elements of the largest buffer.
const MOST: u32 = 16;

/// Why a function cannot be given inputs.
pub(super) type Unsuited = String;

/// Random numbers that only depend on the seed.
struct Random(blake3::OutputReader);

impl Random {
    fn new(seed: &str, number: usize) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("zero-harvest inputs 1");
        hasher.update(seed.as_bytes());
        hasher.update(&u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
        Self(hasher.finalize_xof())
    }

    fn bits(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.bits() % u64::from(end.max(1))).unwrap_or(0)
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(u32::try_from(from.len()).unwrap_or(1))).unwrap_or(0)]
    }
}

struct Builder<'a> {
    random: Random,
    /// Elements of this input's buffers.
    elements: u32,
    next: u32,
    input: Input,
    abi: &'a [Abi],
}

/// Input number `number` of a function, its buffers after the first `pages` of memory.
pub(super) fn input(abi: &[Abi], seed: &str, number: usize, pages: u32) -> Result<Input, Unsuited> {
    let mut random = Random::new(seed, number);
    // Nothing, one, and the boundary of a word are where mistakes are.
    let elements = match number {
        0 => 1,
        1 => 4,
        2 => MOST,
        _ => random.below(MOST + 1),
    };
    let mut builder = Builder {
        random,
        elements,
        next: after(pages),
        input: Input {
            args: Vec::new(),
            buffers: Vec::new(),
            pages,
        },
        abi,
    };
    let params = abi.split_last().map_or(abi, |(_, params)| params);
    for param in params {
        let argument = builder.argument(param)?;
        builder.input.args.push(argument);
    }
    let end = builder.next;
    builder.input.pages = end.div_ceil(after(1)).max(pages);
    Ok(builder.input)
}

impl Builder<'_> {
    fn argument(&mut self, param: &Abi) -> Result<Argument, Unsuited> {
        let unsuited = || {
            format!(
                "nothing can be passed as `{}` ({})",
                param.name, param.ty.ctype
            )
        };
        match (&param.ty.shape, param.role) {
            (_, Role::Length) => Ok(number(&param.wasm, u64::from(self.length()))),
            (Shape::Pointer { to, .. }, role) => {
                let bytes = self.buffer(to, role).ok_or_else(unsuited)?;
                Ok(self.place(bytes))
            }
            (Shape::Bool, _) => Ok(number(&param.wasm, self.random.bits() & 1)),
            (Shape::Char, _) => Ok(number(&param.wasm, u64::from(b' ' + self.letter()))),
            (Shape::Int { bits, signed }, _) => {
                let value = self.integer(*bits, *signed);
                Ok(number(&param.wasm, value))
            }
            (Shape::Float { bits: 32 }, _) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the nearest value that fits is as good"
                )]
                let value = self.float() as f32;
                Ok(Argument::F32(value.to_bits()))
            }
            (Shape::Float { bits: 64 }, _) => Ok(Argument::F64(self.float().to_bits())),
            _ => Err(unsuited()),
        }
    }

    /// A length in bytes, where the only buffers are of bytes or `void`; else in elements. They are the same number for
    /// bytes, and less than there is room for otherwise.
    fn length(&self) -> u32 {
        self.elements
    }

    fn integer(&mut self, bits: u64, signed: bool) -> u64 {
        let mask = u64::MAX >> (64 - bits.clamp(1, 64));
        let value = match self.random.below(8) {
            0 => self
                .random
                .choose(&[0, 1, mask, mask >> 1, (mask >> 1) + 1, 0x7f, 0x80, 0xff]),
            1 => self.random.bits(),
            2 if signed => u64::from(self.random.below(64)).wrapping_neg(),
            3 | 4 => u64::from(self.random.below(1000)),
            _ => u64::from(self.random.below(17)),
        } & mask;
        // What is narrower than its parameter is extended, as C promises its callee.
        if signed && value > mask >> 1 {
            value | !mask
        } else {
            value
        }
    }

    fn float(&mut self) -> f64 {
        let small = f64::from(self.random.below(2001)) - 1000.0;
        match self.random.below(6) {
            0 => self
                .random
                .choose(&[0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e10, -1e-10, 3.25]),
            1 => small * 1000.0,
            2 => small / 1024.0,
            3 => small / 8.0,
            _ => f64::from(self.random.below(100)),
        }
    }

    fn letter(&mut self) -> u8 {
        u8::try_from(self.random.below(95)).unwrap_or(0)
    }

    fn buffer(&mut self, to: &Shape, role: Role) -> Option<Vec<u8>> {
        let count = usize::try_from(self.elements).ok()?;
        let mut bytes = match to {
            Shape::Char if role == Role::String => return Some(self.text()),
            Shape::Char => {
                let mut text = self.text();
                text.resize(limits::ROOM, 0);
                return Some(text);
            }
            Shape::Void => self.elements(8, false, count),
            Shape::Bool => (0..count).map(|_| self.letter() & 1).collect(),
            Shape::Int { bits, signed } => self.elements(*bits, *signed, count),
            Shape::Float { bits } => self.floats(*bits, count),
            Shape::Record {
                size: Some(size),
                plain: true,
            } if *size <= 4096 => {
                let size = usize::try_from(*size).ok()?;
                self.elements(8, false, size)
            }
            _ => return None,
        };
        if role == Role::Out {
            bytes.fill(0);
        }
        if matches!(role, Role::Out | Role::InOut) {
            // Room for more than comes in: an encoder writes two digits for each byte, and a NUL.
            bytes.resize(bytes.len() * 4 + limits::ROOM, 0);
        }
        Some(bytes)
    }

    fn elements(&mut self, bits: u64, signed: bool, count: usize) -> Vec<u8> {
        let width = usize::try_from(bits / 8).unwrap_or(1).clamp(1, 8);
        (0..count)
            .flat_map(|_| {
                self.integer(bits, signed)
                    .to_le_bytes()
                    .into_iter()
                    .take(width)
            })
            .collect()
    }

    fn floats(&mut self, bits: u64, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            let value = self.float();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the nearest value that fits is as good"
            )]
            let narrow = value as f32;
            if bits == 32 {
                bytes.extend(narrow.to_le_bytes());
            } else {
                bytes.extend(value.to_le_bytes());
            }
        }
        bytes
    }

    /// A text that ends in NUL: words, digits, or anything that can be printed.
    fn text(&mut self) -> Vec<u8> {
        let alphabet: &[u8] = self.random.choose(&[
            &b"0123456789"[..],
            b"0123456789abcdef",
            b"abc xyz",
            b"-+.,0123456789eE",
            b"aAbB/:.?=%20&_\t\n\"\\'",
        ]);
        // A function that is told a length is told that of the text.
        let told = self.abi.iter().any(|param| param.role == Role::Length);
        let length = if told {
            self.elements
        } else {
            self.random.below(13)
        };
        let mut text: Vec<u8> = (0..length).map(|_| self.random.choose(alphabet)).collect();
        text.push(0);
        text
    }

    /// Puts bytes where nothing else is; their address.
    fn place(&mut self, bytes: Vec<u8>) -> Argument {
        let address = self.next;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.next = (address.saturating_add(length).saturating_add(GAP)) & !15;
        self.input.buffers.push((address, bytes));
        Argument::I32(address.cast_signed())
    }
}

/// A whole number as a parameter of this type.
#[expect(
    clippy::cast_possible_truncation,
    reason = "an i32 holds the low 32 bits of a narrower number"
)]
fn number(wasm: &str, value: u64) -> Argument {
    if wasm == "i64" {
        Argument::I64(value.cast_signed())
    } else {
        Argument::I32((value as u32).cast_signed())
    }
}
