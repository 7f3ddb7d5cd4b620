//! Where in a text the instruction is that a validator refuses.

use wast::core::{Expression, Func, FuncKind, ModuleField, ModuleKind};
use wast::parser::{self, ParseBuffer};
use wast::{Wat, token::Span};

/// The reason with line, column and instruction, as far as they can be found; the offset in the binary goes.
pub(super) fn in_text(text: &str, wasm: &[u8], reason: &str) -> String {
    let Some((reason, offset)) = split(reason) else {
        return reason.to_owned();
    };
    match offset.and_then(|offset| find(text, wasm, offset)) {
        Some(span) => {
            let (line, column) = span.linecol_in(text);
            let shown = text.lines().nth(line).unwrap_or_default().trim();
            format!(
                "line {}, column {}: {reason}\n  | {shown}",
                line + 1,
                column + 1
            )
        }
        None => reason.to_owned(),
    }
}

/// `type mismatch (at offset 0x2a)` in its two parts.
fn split(reason: &str) -> Option<(&str, Option<usize>)> {
    let (reason, offset) = reason.split_once(" (at offset ")?;
    let digits = offset.split(')').next()?.strip_prefix("0x")?;
    Some((reason, usize::from_str_radix(digits, 16).ok()))
}

fn find(text: &str, wasm: &[u8], offset: usize) -> Option<Span> {
    let (function, instruction) = numbers(wasm, offset)?;
    let mut buffer = ParseBuffer::new(text).ok()?;
    buffer.track_instr_spans(true);
    let wat: Wat<'_> = parser::parse(&buffer).ok()?;
    let Wat::Module(module) = wat else {
        return None;
    };
    let ModuleKind::Text(fields) = &module.kind else {
        return None;
    };
    let mut bodies = fields.iter().filter_map(body);
    let (function, expression) = bodies.nth(function)?;
    let spans = expression.instr_spans.as_deref()?;
    // The `end` of a function is not written: what is wrong there is wrong at its last instruction.
    spans
        .get(instruction)
        .or(spans.last())
        .copied()
        .or(Some(function.span))
}

fn body<'a, 'b>(field: &'b ModuleField<'a>) -> Option<(&'b Func<'a>, &'b Expression<'a>)> {
    match field {
        ModuleField::Func(function) => match &function.kind {
            FuncKind::Inline { expression, .. } => Some((function, expression)),
            FuncKind::Import(..) => None,
        },
        _ => None,
    }
}

/// The number of the function with a body that holds this offset, and of the instruction in it.
fn numbers(wasm: &[u8], offset: usize) -> Option<(usize, usize)> {
    let bodies = wasmparser::Parser::new(0)
        .parse_all(wasm)
        .flatten()
        .filter_map(|payload| match payload {
            wasmparser::Payload::CodeSectionEntry(body) => Some(body),
            _ => None,
        });
    let (function, body) = bodies
        .enumerate()
        .find(|(_, body)| body.range().contains(&offset))?;
    let operators = body.get_operators_reader().ok()?.into_iter_with_offsets();
    let before = operators.flatten().take_while(|(_, at)| *at < offset);
    Some((function, before.count()))
}
