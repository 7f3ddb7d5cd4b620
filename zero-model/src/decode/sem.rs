//! The meaning of a text so far: its module, the header and the body under way, and what may come next.

mod expect;
mod field;
mod function;
mod instruction;

use std::sync::Arc;

use super::Options;
use super::body::Body;
use super::module::{Module, Names, Ref, SigId};
use super::spot::{Expect, Spot};
use super::word::{Kind, TABLE, Val, WordId};

/// Everything but the token under way. Cloning it is cheap; the large parts are shared.
///
/// Each method below takes the token that just ended and answers whether it fits; the token's bytes were checked against
/// [`Sem::expect`] before, so that `false` is left for what only a whole token shows, such as an identifier used twice.
#[derive(Clone, Debug)]
pub(crate) struct Sem {
    pub(crate) module: Arc<Module>,
    pub(crate) body: Body,
    pub(crate) spot: Spot,
    pub(crate) expect: Expect,
    options: Options,
    header: Header,
    /// The item under way is imported.
    imported: bool,
    /// The type of the global under way.
    global: (Val, bool),
}

/// What was read of a function's header.
#[derive(Clone, Debug, Default)]
struct Header {
    name: Option<Arc<str>>,
    /// The types that the function can have, if it was called before.
    expected: Option<Vec<SigId>>,
    /// The type that it names.
    used: Option<SigId>,
    params: Vec<Val>,
    results: Vec<Val>,
    locals: Vec<Val>,
    names: Names,
}

impl Sem {
    pub(crate) fn new(options: Options) -> Self {
        let mut sem = Self {
            module: Arc::default(),
            body: Body::default(),
            spot: Spot::Start,
            expect: Expect::default(),
            options,
            header: Header::default(),
            imported: false,
            global: (Val::I32, false),
        };
        sem.refresh();
        sem
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Whether a function's body is being read.
    pub(crate) fn in_body(&self) -> bool {
        !self.body.frames.is_empty()
    }

    fn module_mut(&mut self) -> &mut Module {
        Arc::make_mut(&mut self.module)
    }

    /// A word, perhaps after an opening parenthesis.
    pub(crate) fn word(&mut self, id: WordId, open: bool) -> bool {
        let taken = match &TABLE.word(id).kind {
            Kind::Key(key) if open => self.open(*key),
            Kind::Key(key) => self.key(*key),
            Kind::Val(val) => self.value_type(*val),
            Kind::Op(op) => match self.spot {
                Spot::Init { init, .. } => self.constant(init, *op, open),
                _ => self.begin_body() && self.operation(*op),
            },
            Kind::Plain(plain) => self.begin_body() && self.plain(plain),
        };
        taken && self.refresh()
    }

    /// A new identifier.
    pub(crate) fn define(&mut self, name: &str) -> bool {
        let taken = match self.spot {
            Spot::Block { .. } => self.label(name),
            Spot::Group { .. } => self.local_name(name),
            Spot::Signature { .. } => self.function_name(name),
            _ => self.item_name(name),
        };
        taken && self.refresh()
    }

    /// A reference.
    pub(crate) fn refer(&mut self, to: Ref) -> bool {
        let taken = match self.spot {
            Spot::IndirectType | Spot::Labels { .. } | Spot::Operand(_) => self.operand(to),
            _ => self.field_reference(to),
        };
        taken && self.refresh()
    }

    /// A number.
    pub(crate) fn number(&mut self, value: u64) -> bool {
        let taken = match self.spot {
            Spot::Align { .. } | Spot::Number(_) | Spot::Offset { .. } => self.immediate(),
            _ => self.field_number(value),
        };
        taken && self.refresh()
    }

    /// A string, as the bytes that it stands for.
    pub(crate) fn string(&mut self, bytes: Vec<u8>) -> bool {
        self.field_string(bytes) && self.refresh()
    }

    /// A closing parenthesis.
    pub(crate) fn close(&mut self) -> bool {
        let taken = match self.spot {
            Spot::BlockResult { .. } | Spot::IndirectClose => {
                self.spot = Spot::Body;
                true
            }
            Spot::Block { .. } | Spot::Body | Spot::Labels { .. } | Spot::Memarg { .. } => {
                self.end_function()
            }
            Spot::Group { .. } | Spot::Signature { .. } | Spot::Use { .. } => self.close_header(),
            _ => self.close_field(),
        };
        taken && self.refresh()
    }

    fn refresh(&mut self) -> bool {
        self.expect = self.expectation();
        true
    }
}
