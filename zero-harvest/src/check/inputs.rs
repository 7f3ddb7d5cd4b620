//! Inputs for a function, from a seed: numbers at their boundaries, buffers, lengths that fit them, texts, structures.

mod random;
mod values;

use super::Role;
use super::execute::{Argument, Input, after};
use crate::extract::Shape;
use crate::limits;
use crate::record::Abi;
use random::Random;
use values::{Block, Style, narrow};

/// Elements of the largest buffer.
const MOST: u32 = 16;
/// Pages between a module's own memory and the buffers: what it allocates comes from there.
const HEAP: u32 = 2;

/// Why a function cannot be given inputs.
pub(super) type Unsuited = String;

struct Builder<'a> {
    random: Random,
    style: Style,
    /// Elements of this input's buffers.
    elements: u32,
    /// A parameter says how many those are.
    told: bool,
    /// Bytes of the last output buffer in elements of it.
    room: Option<u32>,
    next: u32,
    /// Bytes of all buffers.
    passed: usize,
    input: Input,
    abi: &'a [Abi],
}

/// Input number `number` of a function whose memory has so many pages.
pub(super) fn input(abi: &[Abi], seed: &str, number: usize, pages: u32) -> Result<Input, Unsuited> {
    let mut random = Random::new(seed, number);
    // Nothing, one, and the boundary of a word are where mistakes are.
    let elements = match number {
        0 => 1,
        1 => 4,
        2 => MOST,
        _ => random.below(MOST + 1),
    };
    let heap = if pages == 0 { 0 } else { HEAP };
    let mut builder = Builder {
        random,
        style: Style::of(number),
        elements,
        told: abi.iter().any(|param| param.role == Role::Length),
        room: None,
        next: after(pages.saturating_add(heap)),
        passed: 0,
        input: Input {
            args: Vec::new(),
            buffers: Vec::new(),
            pages,
        },
        abi,
    };
    builder.build()?;
    let end = builder.next;
    builder.input.pages = end.div_ceil(after(1)).max(pages);
    Ok(builder.input)
}

impl Builder<'_> {
    fn build(&mut self) -> Result<(), Unsuited> {
        let Some((result, params)) = self.abi.split_last() else {
            return Ok(());
        };
        // A structure is returned through memory that the caller provides.
        if result.wasm.is_empty() && result.ty.shape != Shape::Void {
            let size = result
                .ty
                .shape
                .size()
                .filter(|size| *size <= limits::STRUCTURE);
            let size = size.and_then(|size| usize::try_from(size).ok());
            let size =
                size.ok_or_else(|| format!("nobody knows the size of a {}", result.ty.ctype))?;
            let room = Block {
                bytes: vec![0; size],
                addresses: Vec::new(),
            };
            let address = self.place(room, false);
            self.input.args.push(address_of(address));
        }
        for param in params {
            let argument = self.argument(param).ok_or_else(|| {
                format!(
                    "nothing can be passed as `{}` ({})",
                    param.name, param.ty.ctype
                )
            })?;
            self.input.args.push(argument);
        }
        Ok(())
    }

    fn argument(&mut self, param: &Abi) -> Option<Argument> {
        match (&param.ty.shape, param.role) {
            (_, Role::Length) => Some(whole(&param.wasm, u64::from(self.elements))),
            (_, Role::Capacity) => {
                let room = self.room.unwrap_or(self.elements);
                // Too little room is worth a try.
                let short = self.random.below(4) == 0;
                let told = if short { self.elements.min(room) } else { room };
                Some(whole(&param.wasm, u64::from(told)))
            }
            // No function of ours is in the module, and nothing is known that could stand here.
            (Shape::Pointer { .. }, Role::Callback | Role::Opaque) => Some(address_of(0)),
            (Shape::Pointer { to, readonly }, role) => self.pointer(param, to, role, *readonly),
            (shape @ Shape::Record { .. }, Role::In) => {
                let copy = self.block(shape, Role::In, 1)?;
                Some(address_of(self.place(copy, false)))
            }
            (shape, _) => self.scalar(shape.single()?, &param.wasm),
        }
    }

    fn pointer(&mut self, param: &Abi, to: &Shape, role: Role, readonly: bool) -> Option<Argument> {
        // A length that comes back tells, on the way in, how much room there is.
        if let Shape::Int { bits, .. } = to
            && super::roles::is_length(&param.name)
            && role == Role::InOut
        {
            let width = usize::try_from(bits / 8).unwrap_or(4).clamp(1, 8);
            let room = u64::from(self.room.unwrap_or(self.elements)).to_le_bytes();
            let block = Block {
                bytes: room[..width].to_vec(),
                addresses: Vec::new(),
            };
            return Some(address_of(self.place(block, false)));
        }
        let block = self.block(to, role, 0)?;
        if matches!(role, Role::Out | Role::InOut) {
            let width = to.size().unwrap_or(1).max(1);
            let bytes = u64::try_from(block.bytes.len()).unwrap_or(0);
            self.room = u32::try_from(bytes / width).ok();
        }
        let readonly = readonly || matches!(role, Role::In | Role::String);
        Some(address_of(self.place(block, readonly)))
    }

    fn scalar(&mut self, shape: &Shape, wasm: &str) -> Option<Argument> {
        Some(match shape {
            Shape::Bool => whole(wasm, self.random.bits() & 1),
            Shape::Char => whole(wasm, u64::from(self.random.letter())),
            Shape::Int { bits, signed } => whole(wasm, self.random.integer(*bits, *signed)),
            Shape::Float { bits: 32 } => Argument::F32(narrow(self.random.float()).to_bits()),
            Shape::Float { bits: 64 } => Argument::F64(self.random.float().to_bits()),
            Shape::Pointer { .. } => address_of(0),
            _ => return None,
        })
    }
}

fn address_of(address: u32) -> Argument {
    Argument::I32(address.cast_signed())
}

/// A whole number as a parameter of this type.
#[expect(
    clippy::cast_possible_truncation,
    reason = "an i32 holds the low 32 bits of a narrower number"
)]
fn whole(wasm: &str, value: u64) -> Argument {
    if wasm == "i64" {
        Argument::I64(value.cast_signed())
    } else {
        Argument::I32((value as u32).cast_signed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{CType, Field};

    const BYTE: Shape = Shape::Int {
        bits: 8,
        signed: false,
    };
    const WORD: Shape = Shape::Int {
        bits: 32,
        signed: false,
    };

    fn param(name: &str, shape: Shape, role: Role) -> Abi {
        Abi {
            name: String::from(name),
            ty: CType {
                ctype: String::from("?"),
                shape,
            },
            wasm: String::from("i32"),
            role,
        }
    }

    fn to(shape: Shape) -> Shape {
        Shape::Pointer {
            readonly: false,
            to: Box::new(shape),
        }
    }

    fn result(shape: Shape) -> Abi {
        Abi {
            wasm: String::new(),
            ..param("return", shape, Role::Return)
        }
    }

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn a_structure_leads_to_a_buffer_as_long_as_it_says() {
        let field = |name: &str, offset, shape| Field {
            name: String::from(name),
            offset,
            shape,
        };
        let shape = Shape::Record {
            size: Some(8),
            fields: vec![field("data", 0, to(WORD)), field("size", 4, WORD)],
            also: Vec::new(),
            choice: false,
        };
        let abi = [param("s", to(shape), Role::InOut), result(Shape::Void)];
        // The third input is one whose lengths fit.
        let input = input(&abi, "seed", 2, 1).unwrap();
        let Argument::I32(address) = input.args[0] else {
            panic!("{:?}", input.args)
        };
        let own = input
            .buffers
            .iter()
            .find(|one| one.address == address.cast_unsigned());
        let own = own.unwrap();
        assert_eq!(own.addresses, [0]);
        let data = input
            .buffers
            .iter()
            .find(|one| one.address == word(&own.bytes, 0));
        assert_eq!(word(&own.bytes, 4), MOST);
        assert!(data.unwrap().bytes.len() >= 4 * usize::try_from(MOST).unwrap());
        // It is all zeros in the first one.
        let first = super::input(&abi, "seed", 0, 1).unwrap();
        assert_eq!(first.buffers.len(), 1);
        assert_eq!(first.buffers[0].bytes, [0; 8]);
    }

    #[test]
    fn a_capacity_is_the_room_of_the_buffer_before_it() {
        let abi = [
            param("out", to(BYTE), Role::Out),
            param("outmax", WORD, Role::Capacity),
            param("in", to(BYTE), Role::In),
            param("inlen", WORD, Role::Length),
            result(Shape::Void),
        ];
        for number in 0..limits::INPUTS {
            let input = input(&abi, "seed", number, 1).unwrap();
            let (Argument::I32(room), Argument::I32(length)) = (input.args[1], input.args[3])
            else {
                panic!("{:?}", input.args)
            };
            let lengths: Vec<usize> = input.buffers.iter().map(|one| one.bytes.len()).collect();
            assert!(usize::try_from(room).unwrap() <= lengths[0]);
            assert_eq!(usize::try_from(length).unwrap(), lengths[1]);
            assert!(input.buffers[1].readonly && !input.buffers[0].readonly);
        }
    }

    #[test]
    fn a_structure_is_returned_into_room_of_its_own() {
        let pair = Shape::Record {
            size: Some(16),
            fields: Vec::new(),
            also: Vec::new(),
            choice: false,
        };
        let input = input(
            &[param("n", WORD, Role::Scalar), result(pair)],
            "seed",
            0,
            1,
        )
        .unwrap();
        assert_eq!(input.args.len(), 2);
        assert_eq!(input.buffers[0].bytes, [0; 16]);
    }
}
