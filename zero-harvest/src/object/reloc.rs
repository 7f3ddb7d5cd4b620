//! Relocations: the places in code and data whose value depends on what is linked.

use wasmparser::{RelocationEntry, RelocationType};

use super::ObjectError;

/// One place to fill in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reloc {
    /// Offset in the contents of its section.
    pub(crate) offset: usize,
    /// What to write there.
    pub(crate) kind: RelocKind,
    /// The symbol; of [`RelocKind::Type`], the type.
    pub(crate) index: u32,
    /// Added to an address.
    pub(crate) addend: i64,
}

/// What a relocation writes, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelocKind {
    /// Index of a function, as LEB128.
    Function,
    /// Index of a global, as LEB128.
    Global,
    /// Address of data, as an unsigned LEB128: the offset of a load or store.
    AddressUnsigned,
    /// Address of data, as a signed LEB128: an `i32.const`.
    AddressSigned,
    /// Address of data, as four bytes.
    AddressWord,
    /// Slot of a function in the table, as a signed LEB128.
    SlotSigned,
    /// Slot of a function in the table, as four bytes.
    SlotWord,
    /// Index of the table, as LEB128.
    Table,
    /// Index of a type, as LEB128.
    Type,
}

impl Reloc {
    /// Takes over an entry of a `reloc.` section.
    pub(super) fn read(entry: &RelocationEntry) -> Result<Self, ObjectError> {
        let kind = match entry.ty {
            RelocationType::FunctionIndexLeb => RelocKind::Function,
            RelocationType::GlobalIndexLeb => RelocKind::Global,
            RelocationType::MemoryAddrLeb => RelocKind::AddressUnsigned,
            RelocationType::MemoryAddrSleb => RelocKind::AddressSigned,
            RelocationType::MemoryAddrI32 => RelocKind::AddressWord,
            RelocationType::TableIndexSleb => RelocKind::SlotSigned,
            RelocationType::TableIndexI32 => RelocKind::SlotWord,
            RelocationType::TableNumberLeb => RelocKind::Table,
            RelocationType::TypeIndexLeb => RelocKind::Type,
            _ => return Err(ObjectError::Unsupported("this kind of relocation")),
        };
        Ok(Self {
            offset: usize::try_from(entry.offset)
                .map_err(|_| ObjectError::OutOfRange("relocation"))?,
            kind,
            index: entry.index,
            addend: entry.addend,
        })
    }

    /// Bytes that the placeholder takes: LEB128 is padded to five.
    pub(crate) fn width(&self) -> usize {
        match self.kind {
            RelocKind::AddressWord | RelocKind::SlotWord => 4,
            _ => 5,
        }
    }
}
