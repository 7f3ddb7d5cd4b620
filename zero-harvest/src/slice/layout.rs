//! Addresses: as wasm-ld lays out a program, so that the two can be compared.

use super::SliceError;
use super::closure::{Closure, Referent};

/// Below this address nothing lies, so that a null pointer's neighbourhood is not data.
const FIRST: u32 = 1024;
/// Bytes of the stack.
const STACK: u32 = 65_536;
/// Bytes of a page of memory.
pub(super) const PAGE: u32 = 65_536;

/// Where everything lies.
#[derive(Debug)]
pub(super) struct Layout {
    /// The address of each segment.
    pub(super) segments: Vec<u32>,
    data_end: u32,
    /// Where the stack starts; it grows down to the data.
    pub(super) stack: u32,
    /// The first free address.
    pub(super) heap_base: u32,
    /// Pages of memory.
    pub(super) pages: u32,
}

/// Gives every segment an address, up to so many bytes.
pub(super) fn lay_out(closure: &Closure<'_>, most: u32) -> Result<Layout, SliceError> {
    let too_large = || SliceError::TooLarge("data");
    let mut at = FIRST;
    let mut segments = Vec::with_capacity(closure.data.len());
    for data in &closure.data {
        at = 1_u32
            .checked_shl(data.segment.align)
            .and_then(|align| aligned(at, align))
            .ok_or_else(too_large)?;
        segments.push(at);
        let size = u32::try_from(data.segment.range.len()).map_err(|_| too_large())?;
        at = at
            .checked_add(size)
            .filter(|end| *end <= FIRST.saturating_add(most))
            .ok_or_else(too_large)?;
    }
    let data_end = at;
    let mut stack = aligned(data_end, 16).ok_or_else(too_large)?;
    if closure.uses_stack {
        stack = stack.checked_add(STACK).ok_or_else(too_large)?;
    }
    Ok(Layout {
        segments,
        data_end,
        stack,
        heap_base: stack,
        pages: stack.div_ceil(PAGE),
    })
}

impl Layout {
    /// The value of a relocation that stands for an address.
    pub(super) fn address(&self, referent: &Referent) -> u32 {
        match referent {
            Referent::Data { segment, offset } => self.segments[*segment].wrapping_add(*offset),
            Referent::Linker(name) => match *name {
                "__data_end" | "__stack_low" => self.data_end,
                "__global_base" => FIRST,
                "__heap_base" => self.heap_base,
                "__heap_end" => self.pages * PAGE,
                "__stack_high" => self.stack,
                // `__dso_handle`: an address that only has to exist.
                _ => 0,
            },
            _ => 0,
        }
    }
}

fn aligned(at: u32, to: u32) -> Option<u32> {
    at.checked_next_multiple_of(to)
}
