//! The fields of a module, apart from functions.

use super::super::module::{Global, Ref, Sig, Space};
use super::super::spot::{Group, Init, Item, Owner, Spot, Stage};
use super::super::word::{Key, Op, Val};
use super::Sem;

impl Sem {
    /// An opening parenthesis with its keyword.
    pub(super) fn open(&mut self, key: Key) -> bool {
        self.spot = match (self.spot, key) {
            (Spot::Start, _) => Spot::Fields { named: false },
            (Spot::Fields { .. }, _) => return self.open_field(key),
            (Spot::TypeHead { .. }, _) => self.begin_header(Owner::Type, Stage::Params),
            (Spot::ImportItem, Key::Func) => self.begin_header(Owner::Import, Stage::Name),
            (Spot::ImportItem | Spot::ExportItem, _) => self.open_item(key),
            (Spot::Signature { owner, .. }, Key::Type) => Spot::Use {
                owner,
                given: false,
            },
            (Spot::Signature { .. }, Key::Export) => Spot::InlineExport {
                item: Item::Func,
                given: false,
            },
            (Spot::Signature { owner, .. }, _) => Self::open_group(owner, key),
            (Spot::Item { item, .. }, Key::Export) => Spot::InlineExport { item, given: false },
            (Spot::Item { .. }, _) => Spot::GlobalMut { given: false },
            (Spot::Block { .. }, _) => Spot::BlockResult { given: false },
            (Spot::IndirectOpen, _) => Spot::IndirectType,
            _ => return false,
        };
        true
    }

    fn open_field(&mut self, key: Key) -> bool {
        self.spot = match key {
            Key::Data => Spot::Init {
                init: Init::Data,
                named: false,
            },
            Key::Elem => Spot::Init {
                init: Init::Elem,
                named: false,
            },
            Key::Export => Spot::ExportName,
            Key::Import => Spot::ImportModule,
            Key::Start => Spot::StartIndex,
            Key::Type => Spot::TypeHead { named: false },
            Key::Func => self.begin_header(Owner::Func, Stage::Name),
            _ => self.open_item(key),
        };
        if matches!(key, Key::Func | Key::Global | Key::Memory | Key::Table) {
            self.module_mut().defined = true;
        }
        true
    }

    fn open_item(&mut self, key: Key) -> Spot {
        let item = match key {
            Key::Func => Item::Func,
            Key::Global => Item::Global,
            Key::Memory => Item::Memory,
            _ => Item::Table,
        };
        match self.spot {
            Spot::ExportItem => Spot::ExportIndex(item),
            _ => Spot::Item { item, named: false },
        }
    }

    fn open_group(owner: Owner, key: Key) -> Spot {
        let group = match key {
            Key::Local => Group::Local,
            Key::Param => Group::Param,
            _ => Group::Result,
        };
        Spot::Group {
            owner,
            group,
            named: false,
            count: 0,
        }
    }

    /// A keyword without a parenthesis.
    pub(super) fn key(&mut self, key: Key) -> bool {
        self.spot = match (self.spot, key) {
            (Spot::Memarg { max, .. }, Key::Offset) => Spot::Offset { max },
            (Spot::Memarg { max, .. }, _) => Spot::Align { max },
            (_, Key::Funcref) => Spot::ItemClose(Item::Table),
            _ => Spot::ElemList,
        };
        true
    }

    pub(super) fn value_type(&mut self, val: Val) -> bool {
        self.spot = match self.spot {
            Spot::BlockResult { .. } => {
                self.block_result(val);
                Spot::BlockResult { given: true }
            }
            Spot::GlobalMut { .. } => {
                self.global = (val, true);
                Spot::GlobalMut { given: true }
            }
            Spot::Group {
                owner,
                group,
                named,
                count,
            } => {
                self.group_value(group, val);
                Spot::Group {
                    owner,
                    group,
                    named,
                    count: count + 1,
                }
            }
            _ => {
                self.global = (val, false);
                self.global_typed()
            }
        };
        true
    }

    fn global_typed(&self) -> Spot {
        if self.imported {
            Spot::ItemClose(Item::Global)
        } else {
            Spot::Init {
                init: Init::Global(self.global.0),
                named: true,
            }
        }
    }

    /// The instruction of a constant expression.
    pub(super) fn constant(&mut self, init: Init, op: Op, open: bool) -> bool {
        self.spot = match op {
            Op::GlobalGet => Spot::InitGlobal { init, open },
            _ => Spot::InitNumber { init, open },
        };
        true
    }

    /// The name of anything but a function.
    pub(super) fn item_name(&mut self, name: &str) -> bool {
        let (space, next) = match self.spot {
            Spot::Fields { .. } => {
                self.spot = Spot::Fields { named: true };
                return true;
            }
            Spot::Init { init, .. } => (
                if init == Init::Data {
                    Space::Data
                } else {
                    Space::Elem
                },
                Spot::Init { init, named: true },
            ),
            Spot::Item { item, .. } => (item.space(), Spot::Item { item, named: true }),
            _ => (Space::Type, Spot::TypeHead { named: true }),
        };
        self.spot = next;
        !self.module.names(space).contains_key(name) && self.module_mut().name(space, name)
    }

    pub(super) fn field_number(&mut self, value: u64) -> bool {
        self.spot = match self.spot {
            Spot::InitNumber { init, open } => Self::initialised(init, open),
            Spot::Item { item, .. } => Spot::Limits { item, least: value },
            Spot::Limits {
                item: Item::Memory, ..
            } => Spot::ItemClose(Item::Memory),
            _ => Spot::TableType,
        };
        true
    }

    fn initialised(init: Init, open: bool) -> Spot {
        match init {
            _ if open => Spot::InitClose(init),
            Init::Data => Spot::Data,
            Init::Elem => Spot::ElemFunc,
            Init::Global(_) => Spot::ItemClose(Item::Global),
        }
    }

    pub(super) fn field_string(&mut self, bytes: Vec<u8>) -> bool {
        let exported = match self.spot {
            Spot::ExportName => Spot::ExportItem,
            Spot::InlineExport { item, .. } => Spot::InlineExport { item, given: true },
            Spot::ImportModule => {
                self.spot = Spot::ImportName;
                return true;
            }
            Spot::ImportName => {
                self.spot = Spot::ImportItem;
                self.imported = true;
                return true;
            }
            _ => {
                self.spot = Spot::Data;
                return true;
            }
        };
        self.spot = exported;
        !self.module.exports.contains(&bytes) && self.module_mut().exports.insert(bytes)
    }

    /// A reference in a field; the targets made sure that it is a possible one.
    pub(super) fn field_reference(&mut self, to: Ref) -> bool {
        match self.spot {
            Spot::ElemList => self.module_mut().owe(Space::Func, &to),
            Spot::ExportIndex(item) => {
                if item == Item::Func {
                    self.module_mut().owe(Space::Func, &to);
                }
                self.spot = Spot::ExportIndexClose;
            }
            Spot::InitGlobal { init, open } => self.spot = Self::initialised(init, open),
            Spot::StartIndex => self.start(to),
            _ => return self.use_type(&to),
        }
        true
    }

    fn start(&mut self, to: Ref) {
        self.spot = Spot::StartClose;
        let module = self.module_mut();
        module.started = true;
        if module.resolve(Space::Func, &to).is_none() {
            let nothing = module.intern(Sig::default());
            module.owe(Space::Func, &to);
            module.assign(&to.forward(), nothing);
        }
    }

    pub(super) fn close_field(&mut self) -> bool {
        self.spot = match self.spot {
            Spot::Fields { .. } => Spot::Done,
            Spot::ExportIndexClose => Spot::ExportClose,
            Spot::GlobalMut { .. } => self.global_typed(),
            Spot::InitClose(init) => Self::initialised(init, false),
            Spot::InlineExport {
                item: Item::Func, ..
            } => Spot::Signature {
                owner: Owner::Func,
                stage: Stage::Exports,
            },
            Spot::InlineExport { item, .. } => Spot::Item { item, named: true },
            Spot::ItemClose(item) | Spot::Limits { item, .. } => self.item_done(item),
            Spot::ImportClose => {
                self.imported = false;
                Spot::Fields { named: true }
            }
            Spot::Data | Spot::ElemList => {
                let data = self.spot == Spot::Data;
                let module = self.module_mut();
                *(if data {
                    &mut module.datas
                } else {
                    &mut module.elems
                }) += 1;
                Spot::Fields { named: true }
            }
            _ => Spot::Fields { named: true },
        };
        true
    }

    fn item_done(&mut self, item: Item) -> Spot {
        let (imported, (ty, mutable)) = (self.imported, self.global);
        let module = self.module_mut();
        match item {
            Item::Global => module.globals.push(Global {
                ty,
                mutable,
                imported,
            }),
            Item::Memory => module.memory = true,
            Item::Table | Item::Func => module.table = true,
        }
        if imported {
            Spot::ImportClose
        } else {
            Spot::Fields { named: true }
        }
    }
}

impl Item {
    pub(super) fn space(self) -> Space {
        match self {
            Self::Func => Space::Func,
            Self::Global => Space::Global,
            Self::Memory => Space::Memory,
            Self::Table => Space::Table,
        }
    }
}
