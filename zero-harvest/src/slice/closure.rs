//! What a function reaches: functions, data, table slots, imports.

use std::collections::HashMap;
use std::ops::Range;

use wasmparser::FuncType;

use super::SliceError;
use super::pool::{Member, Pool, UnitId, is_defined};
use crate::object::{DataPlace, Origin, Reloc, RelocKind, Segment, SymbolIndex, Target};

/// Symbols that a linker makes up, not an object.
const LINKER_DATA: [&str; 7] = [
    "__data_end",
    "__dso_handle",
    "__global_base",
    "__heap_base",
    "__heap_end",
    "__stack_high",
    "__stack_low",
];

/// What `assert` calls when it fails: it would print a message, which needs a host.
const ASSERTION: &str = "__assert_fail";

/// A function of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    /// The import of this number.
    Import(usize),
    /// The body of this number.
    Body(usize),
}

/// What a relocation stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Referent {
    /// A function.
    Function(Callee),
    /// A slot of the table; 0 is the null pointer.
    Slot(usize),
    /// An offset in a segment of the module.
    Data { segment: usize, offset: u32 },
    /// An address that the layout decides.
    Linker(&'static str),
    /// Weak data that nobody defines has the address 0, whatever is added to it.
    Null,
    /// The stack pointer.
    StackPointer,
    /// The table.
    Table,
    /// A type of the object.
    Type(u32),
}

/// A function that the module contains.
#[derive(Debug)]
pub(super) struct Body<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its type.
    pub(super) ty: &'a FuncType,
    /// Where its code is; `None` is a stub for a weak function that nobody defines, which traps.
    pub(super) code: Option<Code<'a>>,
}

/// A body in an object.
#[derive(Debug)]
pub(super) struct Code<'a> {
    pub(super) home: Member<'a>,
    pub(super) range: &'a Range<usize>,
    /// Names of locals from debug information.
    pub(super) locals: &'a [(u32, Box<str>)],
    /// What each relocation of the body stands for, in order.
    pub(super) referents: Vec<Referent>,
}

/// Data that the module contains.
#[derive(Debug)]
pub(super) struct Data<'a> {
    pub(super) home: Member<'a>,
    pub(super) segment: &'a Segment,
    /// What each relocation of the segment stands for, in order.
    pub(super) referents: Vec<Referent>,
}

/// A function that the module imports.
#[derive(Debug)]
pub(super) struct Import<'a> {
    pub(super) module: &'a str,
    pub(super) name: &'a str,
    pub(super) ty: &'a FuncType,
}

/// Everything that one function reaches, in the order in which it was found.
#[derive(Debug)]
pub(super) struct Closure<'a> {
    pub(super) bodies: Vec<Body<'a>>,
    pub(super) data: Vec<Data<'a>>,
    pub(super) imports: Vec<Import<'a>>,
    /// Functions whose address is taken; the first has slot 1.
    pub(super) slots: Vec<Callee>,
    pub(super) uses_stack: bool,
    pub(super) uses_table: bool,
}

impl Closure<'_> {
    /// The units of the repository, not of the C library, that it takes anything from.
    pub(super) fn units(&self, pool: &Pool<'_>) -> Vec<UnitId> {
        let code = self.bodies.iter().filter_map(|body| body.code.as_ref());
        let homes = code.map(|code| code.home.id);
        let mut units: Vec<UnitId> = Vec::new();
        for id in homes.chain(self.data.iter().map(|data| data.home.id)) {
            if pool.unit(id).is_some() && !units.contains(&id) {
                units.push(id);
            }
        }
        units
    }
}

struct Walk<'a, 'p> {
    pool: &'p Pool<'a>,
    /// How many functions may be reached.
    most: usize,
    closure: Closure<'a>,
    known: HashMap<(usize, u32), Callee>,
    imported: HashMap<&'a str, usize>,
    stubs: HashMap<&'a str, usize>,
    segments: HashMap<(usize, u32), usize>,
}

/// Walks from a function of a unit.
pub(super) fn close<'a>(
    pool: &Pool<'a>,
    unit: UnitId,
    symbol: &str,
    most: usize,
) -> Result<Closure<'a>, SliceError> {
    let home = pool.unit(unit).ok_or(SliceError::Undefined)?;
    let (index, name) = home
        .object
        .symbols
        .iter()
        .find_map(|candidate| match candidate.target {
            Target::Function {
                index,
                defined: true,
            } if &*candidate.name == symbol => Some((index, &*candidate.name)),
            _ => None,
        })
        .ok_or(SliceError::Undefined)?;
    let mut walk = Walk {
        pool,
        most,
        closure: Closure {
            bodies: Vec::new(),
            data: Vec::new(),
            imports: Vec::new(),
            slots: Vec::new(),
            uses_stack: false,
            uses_table: false,
        },
        known: HashMap::new(),
        imported: HashMap::new(),
        stubs: HashMap::new(),
        segments: HashMap::new(),
    };
    walk.body(home, index, name)?;
    walk.run()?;
    Ok(walk.closure)
}

impl<'a> Walk<'a, '_> {
    /// Resolves the relocations of everything found, which finds more, until nothing is left.
    fn run(&mut self) -> Result<(), SliceError> {
        let (mut body, mut segment) = (0, 0);
        loop {
            if let Some(found) = self.closure.bodies.get(body) {
                if let Some(code) = &found.code {
                    let home = code.home;
                    let relocs = home.object.body(code.range).1;
                    let referents = self.all(home, relocs)?;
                    if let Some(code) = &mut self.closure.bodies[body].code {
                        code.referents = referents;
                    }
                }
                body += 1;
            } else if let Some(found) = self.closure.data.get(segment) {
                let home = found.home;
                let relocs = home.object.segment_bytes(found.segment).1;
                self.closure.data[segment].referents = self.all(home, relocs)?;
                segment += 1;
            } else {
                return Ok(());
            }
        }
    }

    fn all(&mut self, home: Member<'a>, relocs: &[Reloc]) -> Result<Vec<Referent>, SliceError> {
        relocs
            .iter()
            .map(|reloc| self.referent(home, reloc))
            .collect()
    }

    fn referent(&mut self, home: Member<'a>, reloc: &Reloc) -> Result<Referent, SliceError> {
        match reloc.kind {
            RelocKind::Type => {
                self.closure.uses_table = true;
                Ok(Referent::Type(reloc.index))
            }
            RelocKind::Table => {
                self.closure.uses_table = true;
                Ok(Referent::Table)
            }
            RelocKind::Global => {
                let symbol = home.object.symbol(reloc.index)?;
                if &*symbol.name != "__stack_pointer" {
                    return Err(SliceError::MissingGlobal(symbol.name.clone()));
                }
                self.closure.uses_stack = true;
                Ok(Referent::StackPointer)
            }
            RelocKind::Function => Ok(Referent::Function(self.callee(home, reloc.index)?)),
            RelocKind::SlotSigned | RelocKind::SlotWord => self.slot(home, reloc.index),
            RelocKind::AddressSigned | RelocKind::AddressUnsigned | RelocKind::AddressWord => {
                self.address(home, reloc.index)
            }
        }
    }

    fn slot(&mut self, home: Member<'a>, symbol: SymbolIndex) -> Result<Referent, SliceError> {
        let named = home.object.symbol(symbol)?;
        if named.weak && !is_defined(named.target) && self.pool.find(home, &named.name).is_none() {
            return Ok(Referent::Slot(0));
        }
        let callee = self.callee(home, symbol)?;
        self.closure.uses_table = true;
        let known = self.closure.slots.iter().position(|slot| *slot == callee);
        let position = known.unwrap_or_else(|| {
            self.closure.slots.push(callee);
            self.closure.slots.len() - 1
        });
        Ok(Referent::Slot(position + 1))
    }

    fn callee(&mut self, home: Member<'a>, symbol: SymbolIndex) -> Result<Callee, SliceError> {
        let named = home.object.symbol(symbol)?;
        let Target::Function { index, defined } = named.target else {
            return Err(SliceError::MissingGlobal(named.name.clone()));
        };
        if defined {
            return self.body(home, index, &named.name);
        }
        let wanted = home.object.function_type(index)?;
        if &*named.name == ASSERTION && self.pool.assertions_trap() {
            return Ok(self.stub(&named.name, wanted));
        }
        if let Some((there, symbol)) = self.pool.find(home, &named.name) {
            let found = there.object.symbol(symbol)?;
            let Target::Function { index, .. } = found.target else {
                return Err(SliceError::SignatureMismatch(named.name.clone()));
            };
            if there.object.function_type(index)? != wanted {
                return Err(SliceError::SignatureMismatch(named.name.clone()));
            }
            return self.body(there, index, &found.name);
        }
        if named.weak {
            return Ok(self.stub(&named.name, wanted));
        }
        let Origin::Import { module, name } = &home.object.function(index)?.origin else {
            return Err(SliceError::Undefined);
        };
        self.import(module, name, &named.name, wanted)
    }

    fn import(
        &mut self,
        module: &'a str,
        name: &'a str,
        symbol: &'a str,
        ty: &'a FuncType,
    ) -> Result<Callee, SliceError> {
        if let Some(&known) = self.imported.get(symbol) {
            if self.closure.imports[known].ty != ty {
                return Err(SliceError::SignatureMismatch(symbol.into()));
            }
            return Ok(Callee::Import(known));
        }
        let number = self.closure.imports.len();
        self.closure.imports.push(Import { module, name, ty });
        self.imported.insert(symbol, number);
        Ok(Callee::Import(number))
    }

    fn stub(&mut self, name: &'a str, ty: &'a FuncType) -> Callee {
        let bodies = &mut self.closure.bodies;
        let number = *self.stubs.entry(name).or_insert_with(|| {
            bodies.push(Body {
                name,
                ty,
                code: None,
            });
            bodies.len() - 1
        });
        Callee::Body(number)
    }

    fn body(&mut self, home: Member<'a>, index: u32, name: &'a str) -> Result<Callee, SliceError> {
        if let Some(known) = self.known.get(&(home.id, index)) {
            return Ok(*known);
        }
        let Origin::Body { range, locals } = &home.object.function(index)?.origin else {
            return Err(SliceError::Undefined);
        };
        if self.closure.bodies.len() >= self.most {
            return Err(SliceError::TooLarge("functions"));
        }
        let callee = Callee::Body(self.closure.bodies.len());
        self.closure.bodies.push(Body {
            name,
            ty: home.object.function_type(index)?,
            code: Some(Code {
                home,
                range,
                locals,
                referents: Vec::new(),
            }),
        });
        self.known.insert((home.id, index), callee);
        Ok(callee)
    }

    fn address(&mut self, home: Member<'a>, symbol: SymbolIndex) -> Result<Referent, SliceError> {
        let named = home.object.symbol(symbol)?;
        let Target::Data(place) = named.target else {
            return Err(SliceError::MissingData(named.name.clone()));
        };
        if let Some(place) = place {
            return self.data(home, place);
        }
        if let Some((there, symbol)) = self.pool.find(home, &named.name)
            && let Target::Data(Some(place)) = there.object.symbol(symbol)?.target
        {
            return self.data(there, place);
        }
        if let Some(name) = LINKER_DATA.iter().find(|name| ***name == *named.name) {
            return Ok(Referent::Linker(name));
        }
        if named.weak {
            return Ok(Referent::Null);
        }
        Err(SliceError::MissingData(named.name.clone()))
    }

    fn data(&mut self, home: Member<'a>, place: DataPlace) -> Result<Referent, SliceError> {
        let key = (home.id, place.segment);
        let number = if let Some(known) = self.segments.get(&key) {
            *known
        } else {
            if home.object.has_constructors {
                return Err(SliceError::Constructor);
            }
            self.closure.data.push(Data {
                home,
                segment: home.object.segment(place.segment)?,
                referents: Vec::new(),
            });
            self.segments.insert(key, self.closure.data.len() - 1);
            self.closure.data.len() - 1
        };
        Ok(Referent::Data {
            segment: number,
            offset: place.offset,
        })
    }
}
