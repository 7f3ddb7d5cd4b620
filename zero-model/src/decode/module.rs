//! The module so far: what its index spaces hold, and what it still owes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::word::Val;

/// A function's type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sig {
    pub(crate) params: Vec<Val>,
    pub(crate) results: Vec<Val>,
}

/// The position of a type among the distinct ones.
pub(crate) type SigId = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Global {
    pub(crate) ty: Val,
    pub(crate) mutable: bool,
    pub(crate) imported: bool,
}

/// The spaces of identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Data,
    Elem,
    Func,
    Global,
    Memory,
    Table,
    Type,
}

/// How a function is named that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Forward {
    Index(u32),
    Name(Arc<str>),
}

/// One way to give types to the functions that were called before they were there.
pub(crate) type Assigned = Arc<Vec<(Forward, SigId)>>;

/// A reference as it was written.
#[derive(Clone, Debug)]
pub(crate) enum Ref {
    Index(u32),
    Name(Arc<str>),
}

impl Ref {
    pub(crate) fn forward(self) -> Forward {
        match self {
            Self::Index(index) => Forward::Index(index),
            Self::Name(name) => Forward::Name(name),
        }
    }
}

pub(crate) type Names = BTreeMap<Arc<str>, u32>;

#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says whether one thing is there"
)]
pub(crate) struct Module {
    /// Every distinct function type that was seen.
    pub(crate) sigs: Vec<Sig>,
    pub(crate) types: Vec<SigId>,
    pub(crate) funcs: Vec<SigId>,
    pub(crate) globals: Vec<Global>,
    pub(crate) memory: bool,
    pub(crate) table: bool,
    pub(crate) elems: u32,
    pub(crate) datas: u32,
    /// Something was defined: imports come before that.
    pub(crate) defined: bool,
    pub(crate) started: bool,
    pub(crate) exports: BTreeSet<Vec<u8>>,
    names: [Names; 7],
    /// Functions that were named and are not there yet.
    owed: BTreeSet<Arc<str>>,
    owed_data: BTreeSet<Arc<str>>,
    /// How many functions and data segments there must be at the end.
    least_funcs: u32,
    least_datas: u32,
    /// The types that functions which are not there yet can have; at least one way is left.
    pub(crate) worlds: Vec<Assigned>,
}

impl Default for Module {
    fn default() -> Self {
        Self {
            sigs: Vec::new(),
            types: Vec::new(),
            funcs: Vec::new(),
            globals: Vec::new(),
            memory: false,
            table: false,
            elems: 0,
            datas: 0,
            defined: false,
            started: false,
            exports: BTreeSet::new(),
            names: Default::default(),
            owed: BTreeSet::new(),
            owed_data: BTreeSet::new(),
            least_funcs: 0,
            least_datas: 0,
            worlds: vec![Assigned::default()],
        }
    }
}

impl Module {
    pub(crate) fn names(&self, space: Space) -> &Names {
        &self.names[space as usize]
    }

    /// How many items a space has.
    pub(crate) fn count(&self, space: Space) -> u32 {
        let len = match space {
            Space::Data => return self.datas,
            Space::Elem => return self.elems,
            Space::Func => self.funcs.len(),
            Space::Global => self.globals.len(),
            Space::Memory => usize::from(self.memory),
            Space::Table => usize::from(self.table),
            Space::Type => self.types.len(),
        };
        u32::try_from(len).unwrap_or(u32::MAX)
    }

    /// Names the item of a space that comes next.
    pub(crate) fn name(&mut self, space: Space, name: &str) -> bool {
        let index = self.count(space);
        let name: Arc<str> = name.into();
        match space {
            Space::Func => drop(self.owed.remove(&name)),
            Space::Data => drop(self.owed_data.remove(&name)),
            _ => {}
        }
        self.names[space as usize].insert(name, index).is_none()
    }

    pub(crate) fn sig(&self, id: SigId) -> &Sig {
        &self.sigs[id as usize]
    }

    /// The number of a function type, which may be new.
    pub(crate) fn intern(&mut self, sig: Sig) -> SigId {
        let known = self.sigs.iter().position(|known| *known == sig);
        let at = known.unwrap_or_else(|| {
            self.sigs.push(sig);
            self.sigs.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// The index that a reference to something that is there means.
    pub(crate) fn resolve(&self, space: Space, to: &Ref) -> Option<u32> {
        match to {
            Ref::Index(index) => (*index < self.count(space)).then_some(*index),
            Ref::Name(name) => self.names(space).get(name).copied(),
        }
    }

    /// Notes that a function or a data segment must be there at the end.
    pub(crate) fn owe(&mut self, space: Space, to: &Ref) {
        if self.resolve(space, to).is_some() {
            return;
        }
        let (names, least) = match space {
            Space::Data => (&mut self.owed_data, &mut self.least_datas),
            _ => (&mut self.owed, &mut self.least_funcs),
        };
        match to {
            Ref::Index(index) => *least = (*least).max(index.saturating_add(1)),
            Ref::Name(name) => drop(names.insert(name.clone())),
        }
    }

    /// Whether nothing is owed any more.
    pub(crate) fn settled(&self) -> bool {
        self.owed.is_empty()
            && self.owed_data.is_empty()
            && self.least_funcs <= self.count(Space::Func)
            && self.least_datas <= self.datas
    }

    /// What is owed, in words.
    pub(crate) fn owing(&self) -> Option<String> {
        let missing = |what: &str, names: &BTreeSet<Arc<str>>, least: u32, have: u32| {
            names
                .first()
                .map(|name| format!("{what} ${name}"))
                .or_else(|| (least > have).then(|| format!("{what} {}", least - 1)))
        };
        missing(
            "function",
            &self.owed,
            self.least_funcs,
            self.count(Space::Func),
        )
        .or_else(|| {
            missing(
                "data segment",
                &self.owed_data,
                self.least_datas,
                self.datas,
            )
        })
    }

    /// The types that the function with the next index and perhaps a name can have; `None` for any.
    pub(crate) fn expected(&self, name: Option<&str>) -> Option<Vec<SigId>> {
        let index = self.count(Space::Func);
        let mut sigs = Vec::new();
        let mut free = false;
        for world in &self.worlds {
            match wanted(world, index, name) {
                Wants::Anything => free = true,
                Wants::Nothing => {}
                Wants::Type(sig) if sigs.contains(&sig) => {}
                Wants::Type(sig) => sigs.push(sig),
            }
        }
        (!free).then_some(sigs)
    }

    /// The next function is there and has a type; ways that gave it another one are gone.
    pub(crate) fn define(&mut self, name: Option<&str>, sig: SigId) {
        let index = self.count(Space::Func);
        self.worlds
            .retain(|world| match wanted(world, index, name) {
                Wants::Anything => true,
                Wants::Nothing => false,
                Wants::Type(wanted) => wanted == sig,
            });
        for world in &mut self.worlds {
            if world.iter().any(|(forward, _)| is(forward, index, name)) {
                Arc::make_mut(world).retain(|(forward, _)| !is(forward, index, name));
            }
        }
        self.merge();
        self.funcs.push(sig);
    }

    /// Only ways in which a function that is not there yet has a type.
    pub(crate) fn assign(&mut self, forward: &Forward, sig: SigId) {
        self.worlds.retain_mut(|world| {
            if let Some(other) = assigned(world, forward) {
                return other == sig;
            }
            Arc::make_mut(world).push((forward.clone(), sig));
            true
        });
    }

    /// Keeps each way once.
    pub(crate) fn merge(&mut self) {
        let mut kept: Vec<Assigned> = Vec::with_capacity(self.worlds.len());
        for world in std::mem::take(&mut self.worlds) {
            if !kept.contains(&world) {
                kept.push(world);
            }
        }
        self.worlds = kept;
    }
}

/// The type that one way gives to a function that is not there yet.
pub(crate) fn assigned(world: &Assigned, forward: &Forward) -> Option<SigId> {
    let found = world.iter().find(|(known, _)| known == forward);
    found.map(|(_, sig)| *sig)
}

enum Wants {
    Anything,
    Nothing,
    Type(SigId),
}

/// A function may be called by its index and by its name: both must have meant the same type.
fn wanted(world: &Assigned, index: u32, name: Option<&str>) -> Wants {
    let mut wants = Wants::Anything;
    for (_, sig) in world.iter().filter(|(forward, _)| is(forward, index, name)) {
        wants = match wants {
            Wants::Anything => Wants::Type(*sig),
            Wants::Type(other) if other == *sig => wants,
            _ => Wants::Nothing,
        };
    }
    wants
}

fn is(forward: &Forward, index: u32, name: Option<&str>) -> bool {
    match forward {
        Forward::Index(known) => *known == index,
        Forward::Name(known) => Some(&**known) == name,
    }
}
