//! Values in memory: numbers, texts, structures with what they point to.

use super::Builder;
use crate::check::execute::Buffer;
use crate::check::roles::{Role, is_length};
use crate::extract::{Field, Shape};
use crate::limits;

/// Bytes between buffers, so that running over the end of one is not writing into the next.
const GAP: u32 = 64;
/// Addresses in structures behind addresses in structures are followed this far.
const DEPTH: u8 = 4;

/// How the numbers of a structure are chosen. Most structures have states that a caller never sees; one that is all
/// zeros is what a caller starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Whatever their type allows.
    Any,
    /// Sizes are those of the buffers beside them, the rest is small.
    Fitting,
    /// Small numbers.
    Small,
    /// Zeros, and null pointers.
    Zero,
}

impl Style {
    /// That of one input.
    pub(super) fn of(number: usize) -> Self {
        match number % 8 {
            0 => Self::Zero,
            1 | 4 => Self::Small,
            7 => Self::Any,
            _ => Self::Fitting,
        }
    }
}

/// Bytes that are not in memory yet.
#[derive(Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// Where in them addresses stand.
    pub(super) addresses: Vec<usize>,
}

impl Block {
    fn set(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

impl Builder<'_> {
    /// What a parameter of a role may point to; `None` where nobody can say.
    pub(super) fn block(&mut self, to: &Shape, role: Role, depth: u8) -> Option<Block> {
        let count = usize::try_from(self.elements).ok()?;
        let mut block = match to {
            Shape::Char => return Some(self.characters(role)),
            Shape::Void => self.numbers(
                &Shape::Int {
                    bits: 8,
                    signed: false,
                },
                count,
            ),
            Shape::Bool | Shape::Float { .. } | Shape::Int { .. } => self.numbers(to, count),
            Shape::Pointer { to, readonly } => self.pointers(to, *readonly, role, depth)?,
            Shape::Record {
                size: Some(size), ..
            } if *size <= limits::STRUCTURE => self.structures(to, *size, depth)?,
            Shape::Array { of, count } if is_number(of) => {
                let count = usize::try_from(*count)
                    .ok()
                    .filter(|count| *count <= 4096)?;
                self.numbers(of, count)
            }
            Shape::Array { .. } => {
                let size = to.size().filter(|size| *size <= limits::STRUCTURE)?;
                let mut block = Block {
                    bytes: vec![0; usize::try_from(size).ok()?],
                    addresses: Vec::new(),
                };
                self.fill(&mut block, 0, to, "", depth);
                block
            }
            _ => return None,
        };
        if role == Role::Out {
            block = Block {
                bytes: vec![0; block.bytes.len()],
                addresses: block.addresses,
            };
        }
        if matches!(role, Role::Out | Role::InOut)
            && !matches!(to, Shape::Array { .. } | Shape::Record { .. })
        {
            // Room for more than comes in: an encoder writes two digits for each byte, and a NUL.
            let room = block.bytes.len() * 4 + limits::ROOM;
            block.bytes.resize(room, 0);
        }
        Some(block)
    }

    fn characters(&mut self, role: Role) -> Block {
        let mut bytes = match role {
            Role::Out => Vec::new(),
            _ => self.text(),
        };
        if role != Role::String {
            bytes.resize(limits::ROOM.max(bytes.len()), 0);
        }
        Block {
            bytes,
            addresses: Vec::new(),
        }
    }

    /// A text that ends in NUL. A function that is told a length is told that of the text.
    fn text(&mut self) -> Vec<u8> {
        let length = if self.told {
            self.elements
        } else {
            self.random.below(13)
        };
        let mut text = self.random.text(length);
        text.push(0);
        text
    }

    fn numbers(&mut self, of: &Shape, count: usize) -> Block {
        let mut bytes = Vec::new();
        for _ in 0..count {
            match of {
                Shape::Float { bits: 32 } => {
                    bytes.extend(narrow(self.random.float()).to_le_bytes());
                }
                Shape::Float { .. } => bytes.extend(self.random.float().to_le_bytes()),
                Shape::Int { bits, signed } => {
                    let width = usize::try_from(bits / 8).unwrap_or(1).clamp(1, 8);
                    let value = self.random.integer(*bits, *signed).to_le_bytes();
                    bytes.extend_from_slice(&value[..width]);
                }
                _ => bytes.push(self.random.letter() & 1),
            }
        }
        Block {
            bytes,
            addresses: Vec::new(),
        }
    }

    /// Addresses of things: several where a length is told, and a null pointer after the last.
    fn pointers(&mut self, to: &Shape, readonly: bool, role: Role, depth: u8) -> Option<Block> {
        let count = if self.told && role != Role::Out {
            usize::try_from(self.elements).ok()?
        } else {
            1
        };
        let mut block = Block {
            bytes: vec![0; 4 * (count + 1)],
            addresses: (0..count).map(|number| number * 4).collect(),
        };
        for number in 0..count {
            if role != Role::Out {
                let address = self.behind(to, readonly, depth + 1);
                block.set(number * 4, &address.to_le_bytes());
            }
        }
        Some(block)
    }

    /// A structure, or as many as a length says.
    fn structures(&mut self, shape: &Shape, size: u64, depth: u8) -> Option<Block> {
        let size = usize::try_from(size).ok()?;
        let count = match usize::try_from(self.elements).ok()? {
            count if self.told && depth == 0 && count * size <= 4096 => count.max(1),
            _ => 1,
        };
        let mut block = Block {
            bytes: vec![0; size * count],
            addresses: Vec::new(),
        };
        for number in 0..count {
            self.fill(&mut block, number * size, shape, "", depth);
        }
        Some(block)
    }

    /// Writes one value into a block.
    fn fill(&mut self, block: &mut Block, at: usize, shape: &Shape, name: &str, depth: u8) {
        if let Shape::Pointer { .. } = shape {
            block.addresses.push(at);
        }
        match shape {
            Shape::Record { fields, also, .. } => {
                let places = also.iter().filter_map(|place| usize::try_from(*place).ok());
                block.addresses.extend(places.map(|place| at + place));
                self.fields(block, at, fields, depth);
            }
            Shape::Array { of, count } => self.array(block, at, of, *count, depth),
            _ if self.style == Style::Zero => {}
            Shape::Bool => block.set(at, &[self.random.letter() & 1]),
            Shape::Char => block.set(at, &[self.random.letter()]),
            Shape::Int { bits, signed } => {
                let width = usize::try_from(bits / 8).unwrap_or(1).clamp(1, 8);
                let value = self.member(*bits, *signed, name).to_le_bytes();
                block.set(at, &value[..width]);
            }
            Shape::Float { bits: 32 } => {
                block.set(at, &narrow(self.random.float()).to_le_bytes());
            }
            Shape::Float { .. } => block.set(at, &self.random.float().to_le_bytes()),
            Shape::Pointer { to, readonly } => {
                let address = self.behind(to, *readonly, depth + 1);
                block.set(at, &address.to_le_bytes());
            }
            Shape::Function | Shape::Other | Shape::Void => {}
        }
    }

    fn fields(&mut self, block: &mut Block, at: usize, fields: &[Field], depth: u8) {
        for field in fields {
            if let Ok(offset) = usize::try_from(field.offset) {
                self.fill(block, at + offset, &field.shape, &field.name, depth);
            }
        }
    }

    fn array(&mut self, block: &mut Block, at: usize, of: &Shape, count: u64, depth: u8) {
        let size = of.size().and_then(|size| usize::try_from(size).ok());
        let Some(size) = size.filter(|size| *size > 0) else {
            return;
        };
        if *of == Shape::Char && self.style != Style::Zero {
            let most = u32::try_from(count).unwrap_or(0).saturating_sub(1);
            let length = self.random.below(most.min(12) + 1);
            let text = self.random.text(length);
            return block.set(at, &text);
        }
        for number in 0..usize::try_from(count).unwrap_or(0).min(1024) {
            self.fill(block, at + number * size, of, "", depth);
        }
    }

    /// A whole number in a structure.
    fn member(&mut self, bits: u64, signed: bool, name: &str) -> u64 {
        let step = ["stride", "step", "inc", "refcount", "ref_count", "refs"];
        match self.style {
            Style::Any => self.random.integer(bits, signed),
            Style::Fitting if is_length(name) => u64::from(self.elements),
            Style::Fitting if step.contains(&name) => 1,
            Style::Fitting => u64::from(self.random.below(self.elements + 1)),
            Style::Small => u64::from(self.random.below(3)),
            Style::Zero => 0,
        }
    }

    /// The address of a new value; 0 where there is none, and sometimes where there could be one.
    fn behind(&mut self, to: &Shape, readonly: bool, depth: u8) -> u32 {
        let enough = depth > DEPTH || self.passed > limits::PASSED;
        if enough || (depth > 1 && self.random.below(4) == 0) {
            return 0;
        }
        let role = match to {
            Shape::Char => Role::String,
            _ if readonly => Role::In,
            _ => Role::InOut,
        };
        match self.block(to, role, depth) {
            Some(block) => self.place(block, readonly),
            None => 0,
        }
    }

    /// Puts bytes where nothing else is; their address.
    pub(super) fn place(&mut self, block: Block, readonly: bool) -> u32 {
        let address = self.next;
        self.passed += block.bytes.len();
        let length = u32::try_from(block.bytes.len()).unwrap_or(u32::MAX);
        self.next = (address.saturating_add(length).saturating_add(GAP)) & !15;
        self.input.buffers.push(Buffer {
            address,
            bytes: block.bytes,
            addresses: block.addresses,
            readonly,
        });
        address
    }
}

fn is_number(shape: &Shape) -> bool {
    matches!(shape, Shape::Bool | Shape::Float { .. } | Shape::Int { .. })
}

/// The nearest number of 32 bits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the nearest value that fits is as good"
)]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}
