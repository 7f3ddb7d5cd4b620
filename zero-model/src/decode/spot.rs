//! Where in the grammar a text stands, and what may come next.

use std::sync::Arc;

use super::number::Wanted;
use super::targets::Targets;
use super::word::{Op, Set, Val};

/// What is exported or imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Func,
    Global,
    Memory,
    Table,
}

/// Whose signature it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Func,
    Import,
    Type,
}

/// How far a function's header is; what was passed does not come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Name,
    Exports,
    Params,
    Results,
    Locals,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Local,
    Param,
    Result,
}

/// What a constant expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Init {
    Data,
    Elem,
    Global(Val),
}

impl Init {
    /// The type of its value.
    pub(crate) fn ty(self) -> Val {
        match self {
            Self::Data | Self::Elem => Val::I32,
            Self::Global(ty) => ty,
        }
    }
}

/// A place in the grammar of spec/wat-subset.md; `given` says that the one thing in a pair of parentheses was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    Align {
        max: u64,
    },
    Block {
        labelled: bool,
    },
    BlockResult {
        given: bool,
    },
    Body,
    Data,
    Done,
    ElemFunc,
    ElemList,
    ExportClose,
    ExportIndex(Item),
    ExportIndexClose,
    ExportItem,
    ExportName,
    Fields {
        named: bool,
    },
    GlobalMut {
        given: bool,
    },
    Group {
        owner: Owner,
        group: Group,
        named: bool,
        count: u32,
    },
    ImportClose,
    ImportItem,
    ImportModule,
    ImportName,
    IndirectClose,
    IndirectOpen,
    IndirectType,
    Init {
        init: Init,
        named: bool,
    },
    InitClose(Init),
    InitGlobal {
        init: Init,
        open: bool,
    },
    InitNumber {
        init: Init,
        open: bool,
    },
    InlineExport {
        item: Item,
        given: bool,
    },
    /// A table, a memory or a global begins.
    Item {
        item: Item,
        named: bool,
    },
    ItemClose(Item),
    Labels {
        arity: Option<usize>,
    },
    Limits {
        item: Item,
        least: u64,
    },
    Memarg {
        max: u64,
        offset: bool,
    },
    Number(Val),
    Offset {
        max: u64,
    },
    Operand(Op),
    Signature {
        owner: Owner,
        stage: Stage,
    },
    Start,
    StartClose,
    StartIndex,
    TableType,
    TypeClose,
    TypeHead {
        named: bool,
    },
    Use {
        owner: Owner,
        given: bool,
    },
}

/// What may come next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expect {
    /// Words.
    pub(crate) words: Set,
    /// Words after an opening parenthesis.
    pub(crate) open: Set,
    /// A closing parenthesis.
    pub(crate) close: bool,
    /// A new identifier.
    pub(crate) define: bool,
    pub(crate) number: Option<Wanted>,
    /// A string; whether it is a name.
    pub(crate) string: Option<bool>,
    /// References to something.
    pub(crate) targets: Option<Arc<Targets>>,
}
