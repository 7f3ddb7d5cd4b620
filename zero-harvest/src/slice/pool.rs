//! Where symbols are looked up: the unit itself, then the repository's other units, then the C library.

use std::collections::HashMap;

use crate::archive::Archive;
use crate::object::{Object, SymbolIndex, Target};
use crate::units;

/// Number of a translation unit in its repository.
pub(crate) type UnitId = usize;

/// One object among all of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    /// Unique in the pool.
    pub(crate) id: usize,
    /// The object.
    pub(crate) object: &'a Object,
}

/// A repository's objects and the libraries below them.
#[derive(Debug)]
pub(crate) struct Pool<'a> {
    units: Vec<(&'a str, Option<&'a Object>)>,
    archives: &'a [Archive],
    index: HashMap<&'a str, Vec<Definition>>,
    assertions_trap: bool,
}

#[derive(Clone, Copy, Debug)]
struct Definition {
    unit: UnitId,
    symbol: SymbolIndex,
    weak: bool,
}

impl<'a> Pool<'a> {
    /// A pool of units, given with their paths; those that did not compile have no object.
    pub(crate) fn new(units: Vec<(&'a str, Option<&'a Object>)>, archives: &'a [Archive]) -> Self {
        let mut index: HashMap<&str, Vec<Definition>> = HashMap::new();
        for (unit, (_, object)) in units.iter().enumerate() {
            let Some(object) = object else { continue };
            for (name, symbol) in &object.exports {
                let weak = object.symbol(*symbol).is_ok_and(|symbol| symbol.weak);
                index.entry(name).or_default().push(Definition {
                    unit,
                    symbol: *symbol,
                    weak,
                });
            }
        }
        Self {
            units,
            archives,
            index,
            assertions_trap: false,
        }
    }

    /// The same, where an assertion that fails is a trap: for the build that shows what is undefined.
    pub(crate) fn trapping(self) -> Self {
        Self {
            assertions_trap: true,
            ..self
        }
    }

    /// Whether an assertion that fails is a trap.
    pub(crate) fn assertions_trap(&self) -> bool {
        self.assertions_trap
    }

    /// A unit's object.
    pub(crate) fn unit(&self, unit: UnitId) -> Option<Member<'a>> {
        let object = self.units.get(unit)?.1?;
        Some(Member { id: unit, object })
    }

    /// What defines a name that the object `from` leaves undefined.
    pub(crate) fn find(&self, from: Member<'a>, name: &str) -> Option<(Member<'a>, SymbolIndex)> {
        if let Some(own) = from.object.exports.get(name) {
            return Some((from, *own));
        }
        if let Some(definition) = self.in_repository(from.id, name) {
            return Some((self.unit(definition.unit)?, definition.symbol));
        }
        let mut base = self.units.len();
        for archive in self.archives {
            if let Some((number, object)) = archive.find(name) {
                let id = base + number;
                let symbol = *object.exports.get(name)?;
                return Some((Member { id, object }, symbol));
            }
            base += archive.len();
        }
        None
    }

    /// A repository often holds several programs, and so several functions of one name. The nearest one is meant; where
    /// two are as near, none is.
    fn in_repository(&self, from: usize, name: &str) -> Option<Definition> {
        let all = self.index.get(name)?;
        let strong: Vec<&Definition> = all.iter().filter(|one| !one.weak).collect();
        let candidates = if strong.is_empty() {
            all.iter().collect()
        } else {
            strong
        };
        let Some((home, _)) = self.units.get(from) else {
            // From the C library: a repository that defines `malloc` itself means that one, if it is only one.
            return (candidates.len() == 1).then(|| *candidates[0]);
        };
        let near = |one: &&Definition| units::shared(home, self.units[one.unit].0);
        let nearest = candidates.iter().map(near).max()?;
        let mut best = candidates.iter().filter(|one| near(one) == nearest);
        match (best.next(), best.next()) {
            (Some(one), None) => Some(**one),
            _ => None,
        }
    }
}

/// Whether a symbol is defined where it stands.
pub(crate) fn is_defined(target: Target) -> bool {
    match target {
        Target::Function { defined, .. } => defined,
        Target::Data(place) => place.is_some(),
        _ => false,
    }
}
