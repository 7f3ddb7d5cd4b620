//! From bytes to an [`Object`].

use std::ops::Range;

use wasmparser::{
    CustomSectionReader, DataKind, KnownCustom, Linking, LinkingSectionReader, Parser, Payload,
    RelocSectionReader, SymbolFlags, SymbolInfo, TypeRef,
};

use super::{
    DataPlace, Function, Object, ObjectError, Origin, Reloc, Segment, Symbol, Target, dwarf,
};

/// What is collected on the way through the sections.
#[derive(Default)]
struct Reading<'a> {
    object: Object,
    linked: bool,
    section: u32,
    code_section: Option<u32>,
    data_section: Option<u32>,
    /// Types of the defined functions, until their bodies come.
    pending: Vec<u32>,
    code_start: usize,
    debug: dwarf::Sections<'a>,
}

pub(super) fn object(bytes: &[u8]) -> Result<Object, ObjectError> {
    let mut reading = Reading::default();
    for payload in Parser::new(0).parse_all(bytes) {
        reading.payload(bytes, payload?)?;
    }
    if !reading.linked {
        return Err(ObjectError::NotRelocatable);
    }
    let Reading {
        mut object, debug, ..
    } = reading;
    dwarf::name_locals(&mut object, &debug);
    Ok(object)
}

impl<'a> Reading<'a> {
    fn payload(&mut self, bytes: &'a [u8], payload: Payload<'a>) -> Result<(), ObjectError> {
        match payload {
            // Not a section of its own.
            Payload::Version { .. } | Payload::End(_) => return Ok(()),
            Payload::CodeSectionEntry(body) => return self.body(body.range()),
            Payload::TypeSection(types) => {
                for ty in types.into_iter_err_on_gc_types() {
                    self.object.types.push(ty?);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    if let TypeRef::Func(type_index) = import.ty {
                        self.object.functions.push(Function {
                            type_index,
                            origin: Origin::Import {
                                module: import.module.into(),
                                name: import.name.into(),
                            },
                        });
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                self.pending = functions.into_iter().collect::<Result<_, _>>()?;
                self.pending.reverse();
            }
            Payload::CodeSectionStart { range, .. } => {
                self.code_section = Some(self.section);
                self.code_start = range.start;
                self.object.code = slice(bytes, &range)?.to_vec();
            }
            Payload::DataSection(data) => {
                self.data_section = Some(self.section);
                let range = data.range();
                self.object.data = slice(bytes, &range)?.to_vec();
                for segment in data {
                    let segment = segment?;
                    if !matches!(segment.kind, DataKind::Active { .. }) {
                        return Err(ObjectError::Unsupported("a passive data segment"));
                    }
                    let end = segment.range.end - range.start;
                    self.object.segments.push(Segment {
                        range: end - segment.data.len()..end,
                        align: 0,
                    });
                }
            }
            Payload::CustomSection(custom) => self.custom(&custom)?,
            _ => {}
        }
        self.section += 1;
        Ok(())
    }

    fn body(&mut self, range: Range<usize>) -> Result<(), ObjectError> {
        let type_index = self
            .pending
            .pop()
            .ok_or(ObjectError::OutOfRange("function body"))?;
        self.object.functions.push(Function {
            type_index,
            origin: Origin::Body {
                range: range.start - self.code_start..range.end - self.code_start,
                locals: Vec::new(),
            },
        });
        Ok(())
    }

    fn custom(&mut self, custom: &CustomSectionReader<'a>) -> Result<(), ObjectError> {
        match custom.as_known() {
            KnownCustom::Linking(linking) => {
                self.linked = true;
                self.linking(&linking)
            }
            KnownCustom::Reloc(relocs) => self.relocs(&relocs),
            _ => {
                self.debug.add(custom.name(), custom.data());
                Ok(())
            }
        }
    }

    fn linking(&mut self, linking: &LinkingSectionReader<'a>) -> Result<(), ObjectError> {
        for entry in linking.subsections() {
            match entry? {
                Linking::SegmentInfo(infos) => {
                    for (segment, info) in self.object.segments.iter_mut().zip(infos) {
                        segment.align = info?.alignment.min(16);
                    }
                }
                Linking::InitFuncs(functions) => {
                    self.object.has_constructors = functions.count() > 0;
                }
                Linking::SymbolTable(symbols) => {
                    for symbol in symbols {
                        self.symbol(symbol?)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn symbol(&mut self, info: SymbolInfo<'a>) -> Result<(), ObjectError> {
        let (flags, name, target) = match info {
            SymbolInfo::Func { flags, index, name } => {
                let defined = !flags.contains(SymbolFlags::UNDEFINED);
                let function = self.object.function(index)?;
                let name = match (&function.origin, name) {
                    (_, Some(name)) => name,
                    (Origin::Import { name, .. }, None) => name,
                    (Origin::Body { .. }, None) => "",
                };
                (flags, name.to_owned(), Target::Function { index, defined })
            }
            SymbolInfo::Data {
                flags,
                name,
                symbol,
            } => {
                let place = symbol.map(|place| DataPlace {
                    segment: place.index,
                    offset: place.offset,
                });
                (flags, name.to_owned(), Target::Data(place))
            }
            SymbolInfo::Global { flags, name, .. } => (
                flags,
                name.unwrap_or("__stack_pointer").to_owned(),
                Target::Global,
            ),
            SymbolInfo::Table { flags, .. } => (flags, String::new(), Target::Table),
            SymbolInfo::Section { flags, .. } | SymbolInfo::Event { flags, .. } => {
                (flags, String::new(), Target::Other)
            }
        };
        self.add(flags, name.into(), target)
    }

    fn add(
        &mut self,
        flags: SymbolFlags,
        name: Box<str>,
        target: Target,
    ) -> Result<(), ObjectError> {
        let index = u32::try_from(self.object.symbols.len())
            .map_err(|_| ObjectError::OutOfRange("symbol"))?;
        let defines = match target {
            Target::Function { defined, .. } => defined,
            Target::Data(place) => place.is_some(),
            _ => false,
        };
        if defines && !flags.contains(SymbolFlags::BINDING_LOCAL) {
            self.object.exports.insert(name.clone(), index);
        }
        self.object.symbols.push(Symbol {
            name,
            target,
            weak: flags.contains(SymbolFlags::BINDING_WEAK),
        });
        Ok(())
    }

    fn relocs(&mut self, section: &RelocSectionReader<'a>) -> Result<(), ObjectError> {
        let of = Some(section.section_index());
        let (relocs, length) = if of == self.code_section {
            (&mut self.object.code_relocs, self.object.code.len())
        } else if of == self.data_section {
            (&mut self.object.data_relocs, self.object.data.len())
        } else {
            // Debug information: its place holders are right within one object.
            return Ok(());
        };
        for entry in section.entries() {
            let reloc = Reloc::read(&entry?)?;
            if reloc
                .offset
                .checked_add(reloc.width())
                .is_none_or(|end| end > length)
            {
                return Err(ObjectError::OutOfRange("relocation"));
            }
            relocs.push(reloc);
        }
        relocs.sort_by_key(|reloc| reloc.offset);
        Ok(())
    }
}

fn slice<'a>(bytes: &'a [u8], range: &Range<usize>) -> Result<&'a [u8], ObjectError> {
    bytes
        .get(range.clone())
        .ok_or(ObjectError::OutOfRange("section"))
}
