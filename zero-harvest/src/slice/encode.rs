//! Writes the module: every index and address in its shortest form, so that its text gives the same bytes.

use std::collections::HashMap;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, Encode as _, EntityType,
    ExportKind, ExportSection, FunctionSection, GlobalSection, GlobalType, ImportSection,
    MemorySection, MemoryType, Module, RefType, TableSection, TableType, TypeSection, ValType,
};
use wasmparser::{BinaryReader, FuncType, FunctionBody, Operator};

use super::closure::{Body, Callee, Closure, Code, Data, Referent};
use super::layout::Layout;
use super::{SliceError, Sliced, names};
use crate::object::{ObjectError, Reloc, RelocKind};

/// Function types in the order of their first use.
#[derive(Default)]
struct Types<'a> {
    known: HashMap<&'a FuncType, u32>,
    section: TypeSection,
}

impl<'a> Types<'a> {
    fn index(&mut self, ty: &'a FuncType) -> Result<u32, SliceError> {
        if let Some(known) = self.known.get(ty) {
            return Ok(*known);
        }
        let index = count(self.known.len());
        let values = |values: &[wasmparser::ValType]| {
            values
                .iter()
                .copied()
                .map(value)
                .collect::<Result<Vec<_>, _>>()
        };
        let (params, results) = (values(ty.params())?, values(ty.results())?);
        self.section.ty().function(params, results);
        self.known.insert(ty, index);
        Ok(index)
    }
}

fn value(ty: wasmparser::ValType) -> Result<ValType, ObjectError> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        _ => return Err(ObjectError::Unsupported("a type that is no number")),
    })
}

/// What the bodies turn out to need.
#[derive(Default)]
struct Seen {
    instructions: usize,
    memory: bool,
}

struct Encoder<'c, 'a> {
    closure: &'c Closure<'a>,
    layout: &'c Layout,
    types: Types<'a>,
    seen: Seen,
    /// How many instructions there may be.
    most: usize,
}

pub(super) fn encode(
    closure: &Closure<'_>,
    layout: &Layout,
    parameters: &[String],
    most: usize,
) -> Result<Sliced, SliceError> {
    let mut encoder = Encoder {
        closure,
        layout,
        types: Types::default(),
        seen: Seen::default(),
        most,
    };
    let (imports, functions, code) = (encoder.imports()?, encoder.functions()?, encoder.code()?);
    let memory = encoder.seen.memory || closure.uses_stack || !closure.data.is_empty();
    let data = encoder.data()?;
    let mut module = Module::new();
    module.section(&encoder.types.section);
    if !imports.is_empty() {
        module.section(&imports);
    }
    module.section(&functions);
    if closure.uses_table {
        module.section(&encoder.table());
    }
    if memory {
        module.section(&encoder.memory());
    }
    if closure.uses_stack {
        module.section(&encoder.stack_pointer());
    }
    module.section(&encoder.exports(memory));
    if !closure.slots.is_empty() {
        module.section(&encoder.elements());
    }
    module.section(&code);
    if !data.is_empty() {
        module.section(&data);
    }
    module.section(&names::section(closure, parameters));
    let first = closure.bodies.first().ok_or(SliceError::Undefined)?;
    Ok(Sliced {
        ty: first.ty.clone(),
        wasm: module.finish(),
        imports: closure
            .imports
            .iter()
            .map(|import| (import.module.to_owned(), import.name.to_owned()))
            .collect(),
        units: Vec::new(),
        functions: closure.bodies.len(),
        instructions: encoder.seen.instructions,
        heap_base: memory.then_some(layout.heap_base),
    })
}

impl<'a> Encoder<'_, 'a> {
    fn imports(&mut self) -> Result<ImportSection, SliceError> {
        let mut section = ImportSection::new();
        for import in &self.closure.imports {
            let ty = EntityType::Function(self.types.index(import.ty)?);
            section.import(import.module, import.name, ty);
        }
        Ok(section)
    }

    fn functions(&mut self) -> Result<FunctionSection, SliceError> {
        let mut section = FunctionSection::new();
        for body in &self.closure.bodies {
            section.function(self.types.index(body.ty)?);
        }
        Ok(section)
    }

    fn table(&self) -> TableSection {
        let mut section = TableSection::new();
        section.table(TableType {
            element_type: RefType::FUNCREF,
            minimum: u64::from(count(self.closure.slots.len() + 1)),
            maximum: None,
            table64: false,
            shared: false,
        });
        section
    }

    fn memory(&self) -> MemorySection {
        let mut section = MemorySection::new();
        section.memory(MemoryType {
            minimum: u64::from(self.layout.pages.max(1)),
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        section
    }

    fn stack_pointer(&self) -> GlobalSection {
        let mut section = GlobalSection::new();
        let ty = GlobalType {
            val_type: ValType::I32,
            mutable: true,
            shared: false,
        };
        section.global(ty, &ConstExpr::i32_const(self.layout.stack.cast_signed()));
        section
    }

    fn exports(&self, memory: bool) -> ExportSection {
        let mut section = ExportSection::new();
        if memory {
            section.export("memory", ExportKind::Memory, 0);
        }
        if self.closure.uses_table {
            section.export("table", ExportKind::Table, 0);
        }
        if let Some(first) = self.closure.bodies.first() {
            section.export(first.name, ExportKind::Func, self.function(Callee::Body(0)));
        }
        section
    }

    fn elements(&self) -> ElementSection {
        let functions: Vec<u32> = self
            .closure
            .slots
            .iter()
            .map(|slot| self.function(*slot))
            .collect();
        let mut section = ElementSection::new();
        section.active(
            None,
            &ConstExpr::i32_const(1),
            Elements::Functions(functions.into()),
        );
        section
    }

    fn code(&mut self) -> Result<CodeSection, SliceError> {
        let mut section = CodeSection::new();
        for body in &self.closure.bodies {
            section.raw(&self.body(body)?);
        }
        Ok(section)
    }

    fn body(&mut self, body: &Body<'a>) -> Result<Vec<u8>, SliceError> {
        let Some(code) = &body.code else {
            // No locals, `unreachable`, `end`.
            return Ok(vec![0x00, 0x00, 0x0b]);
        };
        let (bytes, relocs) = code.home.object.body(code.range);
        self.look(bytes)?;
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for (reloc, referent) in relocs.iter().zip(&code.referents) {
            let start = reloc.offset - code.range.start;
            out.extend_from_slice(part(bytes, at, start)?);
            self.fill(code, reloc, referent, &mut out)?;
            at = start + reloc.width();
        }
        out.extend_from_slice(part(bytes, at, bytes.len())?);
        Ok(out)
    }

    /// Counts instructions and looks for those that need a memory.
    fn look(&mut self, bytes: &[u8]) -> Result<(), SliceError> {
        let body = FunctionBody::new(BinaryReader::new(bytes, 0));
        let mut operators = body.get_operators_reader().map_err(ObjectError::from)?;
        while !operators.eof() {
            let operator = operators.read().map_err(ObjectError::from)?;
            self.seen.instructions += 1;
            self.seen.memory |= needs_memory(&operator);
        }
        if self.seen.instructions > self.most {
            return Err(SliceError::TooLarge("instructions"));
        }
        Ok(())
    }

    fn fill(
        &mut self,
        code: &Code<'a>,
        reloc: &Reloc,
        referent: &Referent,
        out: &mut Vec<u8>,
    ) -> Result<(), SliceError> {
        match (reloc.kind, referent) {
            (RelocKind::AddressUnsigned, _) => self.address(reloc, referent).encode(out),
            (RelocKind::AddressSigned, _) => {
                self.address(reloc, referent).cast_signed().encode(out);
            }
            (_, Referent::Function(callee)) => self.function(*callee).encode(out),
            (_, Referent::Slot(slot)) => count(*slot).cast_signed().encode(out),
            (_, Referent::Type(index)) => {
                let ty = code.home.object.type_at(*index)?;
                self.types.index(ty)?.encode(out);
            }
            // One global, one table.
            _ => 0_u32.encode(out),
        }
        Ok(())
    }

    fn data(&self) -> Result<DataSection, SliceError> {
        let mut section = DataSection::new();
        for (data, address) in self.closure.data.iter().zip(&self.layout.segments) {
            let bytes = self.segment(data)?;
            // Memory starts as zeros: neither they nor a tail of them has to be written.
            let end = bytes.iter().rposition(|byte| *byte != 0);
            if let Some(end) = end {
                let offset = ConstExpr::i32_const(address.cast_signed());
                section.active(0, &offset, bytes[..=end].iter().copied());
            }
        }
        Ok(section)
    }

    fn segment(&self, data: &Data<'a>) -> Result<Vec<u8>, SliceError> {
        let (bytes, relocs) = data.home.object.segment_bytes(data.segment);
        let mut bytes = bytes.to_vec();
        for (reloc, referent) in relocs.iter().zip(&data.referents) {
            let value = match referent {
                Referent::Slot(slot) => count(*slot),
                _ => self.address(reloc, referent),
            };
            let start = reloc.offset - data.segment.range.start;
            bytes
                .get_mut(start..start + 4)
                .ok_or(ObjectError::OutOfRange("relocation"))?
                .copy_from_slice(&value.to_le_bytes());
        }
        Ok(bytes)
    }

    fn address(&self, reloc: &Reloc, referent: &Referent) -> u32 {
        if *referent == Referent::Null {
            return 0;
        }
        // wasm32 addresses wrap; so does what is added to them.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the low 32 bits are the address"
        )]
        let addend = reloc.addend as u32;
        self.layout.address(referent).wrapping_add(addend)
    }

    fn function(&self, callee: Callee) -> u32 {
        count(match callee {
            Callee::Import(number) => number,
            Callee::Body(number) => self.closure.imports.len() + number,
        })
    }
}

fn part(bytes: &[u8], start: usize, end: usize) -> Result<&[u8], ObjectError> {
    bytes
        .get(start..end)
        .ok_or(ObjectError::OutOfRange("relocation"))
}

/// Counts come from an object whose own indices are 32 bits wide.
fn count(number: usize) -> u32 {
    u32::try_from(number).expect("no object holds 2^32 items")
}

fn needs_memory(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::I32Load { .. }
            | O::I64Load { .. }
            | O::F32Load { .. }
            | O::F64Load { .. }
            | O::I32Load8S { .. }
            | O::I32Load8U { .. }
            | O::I32Load16S { .. }
            | O::I32Load16U { .. }
            | O::I64Load8S { .. }
            | O::I64Load8U { .. }
            | O::I64Load16S { .. }
            | O::I64Load16U { .. }
            | O::I64Load32S { .. }
            | O::I64Load32U { .. }
            | O::I32Store { .. }
            | O::I64Store { .. }
            | O::F32Store { .. }
            | O::F64Store { .. }
            | O::I32Store8 { .. }
            | O::I32Store16 { .. }
            | O::I64Store8 { .. }
            | O::I64Store16 { .. }
            | O::I64Store32 { .. }
            | O::MemorySize { .. }
            | O::MemoryGrow { .. }
            | O::MemoryCopy { .. }
            | O::MemoryFill { .. }
    )
}
