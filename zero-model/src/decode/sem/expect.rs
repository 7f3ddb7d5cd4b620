//! What may come next, computed once per token.

use std::sync::Arc;

use super::super::body::{Body, MAX_WORLDS};
use super::super::module::{Forward, SigId, Space};
use super::super::number::Wanted;
use super::super::spot::{Expect, Group, Init, Item, Owner, Spot, Stage};
use super::super::targets::Targets;
use super::super::word::{Key, Op, Set, TABLE, Val};
use super::Sem;

/// Pages of a memory.
const MAX_PAGES: u64 = 65_536;
/// Elements that a table may have from the beginning, as wasmparser has it. What it may grow to has no such bound.
const MAX_ELEMENTS: u64 = 10_000_000;

impl Sem {
    pub(super) fn expectation(&self) -> Expect {
        let mut expect = Expect::default();
        let e = &mut expect;
        match self.spot {
            Spot::Start => e.open = TABLE.keys(&[Key::Module]),
            Spot::Done => {}
            Spot::Fields { named } => self.fields(e, named),
            Spot::Signature { owner, stage } => self.header_next(e, owner, stage),
            Spot::Group {
                owner,
                group,
                named,
                count,
            } => self.group_next(e, owner, group, named, count),
            Spot::Item { item, named } => self.item_next(e, item, named),
            Spot::Init { init, named } => self.init_next(e, init, named),
            Spot::Limits {
                item: Item::Memory,
                least,
            } => {
                e.number = Some(Wanted::Within(least, MAX_PAGES));
                e.close = true;
            }
            Spot::Limits { least, .. } => {
                e.number = Some(Wanted::Within(least, u32::MAX.into()));
                e.words = TABLE.keys(&[Key::Funcref]);
            }
            Spot::TypeHead { named } => {
                e.define = !named;
                e.open = TABLE.keys(&[Key::Func]);
            }
            Spot::ImportItem => e.open = self.importable(),
            Spot::ExportItem => e.open = self.exportable(),
            Spot::ImportModule
            | Spot::ImportName
            | Spot::ExportName
            | Spot::InlineExport { given: false, .. } => e.string = Some(true),
            Spot::GlobalMut { given: false } | Spot::BlockResult { given: false } => {
                e.words = TABLE.vals(|_| true);
            }
            Spot::TableType => e.words = TABLE.keys(&[Key::Funcref]),
            Spot::ElemFunc => e.words = TABLE.keys(&[Key::Func]),
            Spot::InitNumber { init, .. } => e.number = Some(Wanted::Literal(init.ty())),
            Spot::Data => {
                e.string = Some(false);
                e.close = true;
            }
            Spot::ElemList => {
                e.targets = Some(Arc::new(self.functions()));
                e.close = true;
            }
            Spot::Use { given: false, .. }
            | Spot::ExportIndex(_)
            | Spot::InitGlobal { .. }
            | Spot::StartIndex
            | Spot::IndirectType
            | Spot::Operand(_)
            | Spot::Labels { arity: None } => e.targets = Some(Arc::new(self.targets())),
            Spot::Align { max } => e.number = Some(Wanted::Power(max)),
            Spot::Offset { .. } => e.number = Some(Wanted::Within(0, u64::from(u32::MAX))),
            Spot::Number(val) => e.number = Some(Wanted::Literal(val)),
            Spot::IndirectOpen => e.open = TABLE.keys(&[Key::Type]),
            Spot::Body | Spot::Block { .. } | Spot::Memarg { .. } | Spot::Labels { .. } => {
                self.body_next(e);
            }
            Spot::ExportClose
            | Spot::ExportIndexClose
            | Spot::ImportClose
            | Spot::IndirectClose
            | Spot::InitClose(_)
            | Spot::ItemClose(_)
            | Spot::StartClose
            | Spot::TypeClose
            | Spot::BlockResult { .. }
            | Spot::GlobalMut { .. }
            | Spot::InlineExport { .. }
            | Spot::Use { .. } => e.close = true,
        }
        expect
    }

    fn fields(&self, e: &mut Expect, named: bool) {
        let module = &self.module;
        let mut keys = vec![Key::Type, Key::Func, Key::Global, Key::Data];
        let mut when = |possible: bool, key| keys.extend(possible.then_some(key));
        when(!module.defined, Key::Import);
        when(!module.memory, Key::Memory);
        when(!module.table, Key::Table);
        when(module.table, Key::Elem);
        when(!self.exportable().is_empty(), Key::Export);
        when(!module.started && !self.starts().is_empty(), Key::Start);
        e.open = TABLE.keys(&keys);
        e.define = !named;
        e.close = module.settled();
    }

    fn importable(&self) -> Set {
        let mut keys = vec![Key::Func, Key::Global];
        keys.extend((!self.module.memory).then_some(Key::Memory));
        keys.extend((!self.module.table).then_some(Key::Table));
        TABLE.keys(&keys)
    }

    fn exportable(&self) -> Set {
        let module = &self.module;
        let mut keys = Vec::new();
        let mut when = |possible: bool, key| keys.extend(possible.then_some(key));
        when(
            self.options.forward > 0 || !module.funcs.is_empty(),
            Key::Func,
        );
        when(!module.globals.is_empty(), Key::Global);
        when(module.memory, Key::Memory);
        when(module.table, Key::Table);
        TABLE.keys(&keys)
    }

    fn header_next(&self, e: &mut Expect, owner: Owner, stage: Stage) {
        let mut keys = Vec::new();
        let mut when = |possible: bool, key| keys.extend(possible.then_some(key));
        let takes = |group| Val::ALL.iter().any(|val| self.group_takes(group, *val));
        let complete = self.complete();
        let early = stage <= Stage::Exports;
        when(early && owner == Owner::Func, Key::Export);
        when(
            early && owner != Owner::Type && !self.usable_types().is_empty(),
            Key::Type,
        );
        when(stage <= Stage::Params && takes(Group::Param), Key::Param);
        when(stage <= Stage::Results && takes(Group::Result), Key::Result);
        when(owner == Owner::Func && complete, Key::Local);
        e.open = TABLE.keys(&keys);
        e.define = stage == Stage::Name;
        e.close = complete;
        if owner == Owner::Func && complete {
            let mut body = self.clone();
            body.begin_body();
            e.words = body.instructions();
            e.close = body.body.may_close();
        } else if owner == Owner::Func {
            e.close = false;
        }
    }

    fn group_next(&self, e: &mut Expect, owner: Owner, group: Group, named: bool, count: u32) {
        if !(named && count > 0) {
            e.words = TABLE.vals(|val| self.group_takes(group, val));
        }
        e.define = owner == Owner::Func && group != Group::Result && count == 0 && !named;
        e.close = count > 0;
    }

    fn item_next(&self, e: &mut Expect, item: Item, named: bool) {
        e.define = !named;
        let mut keys = Vec::new();
        keys.extend((!self.imported).then_some(Key::Export));
        match item {
            Item::Global => {
                keys.push(Key::Mut);
                e.words = TABLE.vals(|_| true);
            }
            Item::Memory => e.number = Some(Wanted::Within(0, MAX_PAGES)),
            Item::Table | Item::Func => e.number = Some(Wanted::Within(0, MAX_ELEMENTS)),
        }
        e.open = TABLE.keys(&keys);
    }

    fn init_next(&self, e: &mut Expect, init: Init, named: bool) {
        e.define = !named;
        let mut ops = vec![Op::Const(init.ty())];
        ops.extend((!self.constants(init).is_empty()).then_some(Op::GlobalGet));
        let ops = TABLE.ops(&ops);
        match init {
            Init::Global(_) => (e.open, e.words) = (ops, ops),
            Init::Elem => e.open = ops,
            Init::Data => {
                e.string = Some(false);
                if self.module.memory {
                    e.open = ops;
                }
            }
        }
    }

    fn body_next(&self, e: &mut Expect) {
        let mut after = std::borrow::Cow::Borrowed(self);
        if let Spot::Labels { .. } = self.spot {
            e.targets = Some(Arc::new(self.targets()));
            after.to_mut().begin_body();
        }
        e.words = after.instructions();
        e.close = after.body.may_close();
        match self.spot {
            Spot::Memarg { offset, .. } => {
                let keys: &[Key] = if offset {
                    &[Key::Offset, Key::Align]
                } else {
                    &[Key::Align]
                };
                e.words.union(&TABLE.keys(keys));
            }
            Spot::Block { labelled } => {
                e.define = !labelled;
                e.open = TABLE.keys(&[Key::Result]);
            }
            _ => {}
        }
    }

    /// The instructions that fit the operands.
    fn instructions(&self) -> Set {
        let body = &self.body;
        let mut set = Set::default();
        for family in TABLE.families() {
            if (!family.memory || self.module.memory) && body.fits(&family.pops) {
                set.union(&family.words);
            }
        }
        let mut ops = vec![Op::Block, Op::Loop, Op::Unreachable];
        ops.extend(Val::ALL.map(Op::Const));
        let mut when = |possible: bool, op| ops.extend(possible.then_some(op));
        when(body.fits(&[Val::I32]), Op::If);
        when(body.may_else(), Op::Else);
        when(body.may_end(), Op::End);
        when(body.fits(&[Val::Any]), Op::Drop);
        when(body.selects(), Op::Select);
        when(body.fits(&body.results), Op::Return);
        for op in [Op::Br, Op::BrIf] {
            when(self.labels(op, None).next().is_some(), op);
        }
        when(self.labels(Op::BrIf, None).next().is_some(), Op::BrTable);
        when(self.callable(), Op::Call);
        when(
            self.module.table && !self.indirect().is_empty(),
            Op::CallIndirect,
        );
        let settable = Val::ALL
            .iter()
            .any(|val| body.locals.contains(val) && body.fits(&[*val]));
        when(!body.locals.is_empty(), Op::LocalGet);
        when(settable, Op::LocalSet);
        when(settable, Op::LocalTee);
        when(!self.module.globals.is_empty(), Op::GlobalGet);
        when(!self.settable().is_empty(), Op::GlobalSet);
        let data = self.module.datas > 0 || self.options.forward > 0;
        when(data, Op::DataDrop);
        when(
            data && self.module.memory && body.fits(&[Val::I32; 3]),
            Op::MemoryInit,
        );
        set.union(&TABLE.ops(&ops));
        set
    }

    /// What the reference under way may refer to.
    fn targets(&self) -> Targets {
        match self.spot {
            Spot::ExportIndex(Item::Func) => self.functions(),
            Spot::ExportIndex(item) => {
                self.known(item.space(), (0..self.module.count(item.space())).collect())
            }
            Spot::InitGlobal { init, .. } => self.known(Space::Global, self.constants(init)),
            Spot::StartIndex => self.starts(),
            Spot::IndirectType => self.known(Space::Type, self.indirect()),
            Spot::Labels { arity } => self.label_targets(Op::BrTable, arity),
            Spot::Operand(op @ (Op::Br | Op::BrIf)) => self.label_targets(op, None),
            Spot::Operand(Op::Call) => self.calls(),
            Spot::Operand(Op::GlobalGet) => self.known(
                Space::Global,
                (0..self.module.count(Space::Global)).collect(),
            ),
            Spot::Operand(Op::GlobalSet) => self.known(Space::Global, self.settable()),
            Spot::Operand(op @ (Op::LocalGet | Op::LocalSet | Op::LocalTee)) => self.locals(op),
            Spot::Operand(_) => self.segments(),
            _ => self.known(Space::Type, self.usable_types()),
        }
    }

    /// References to things that are there.
    fn known(&self, space: Space, indices: Vec<u32>) -> Targets {
        let names = self.module.names(space).iter();
        let possible = names.filter(|(_, index)| indices.binary_search(index).is_ok());
        let names = possible.map(|(name, _)| name.clone()).collect();
        Targets::new(indices, names)
    }

    fn usable_types(&self) -> Vec<u32> {
        let types = (0..).zip(&self.module.types);
        types
            .filter(|(_, sig)| self.usable(**sig))
            .map(|(index, _)| index)
            .collect()
    }

    /// The globals that a constant expression may read.
    fn constants(&self, init: Init) -> Vec<u32> {
        let globals = (0..).zip(&self.module.globals);
        let constant = globals
            .filter(|(_, global)| global.imported && !global.mutable && global.ty == init.ty());
        constant.map(|(index, _)| index).collect()
    }

    fn settable(&self) -> Vec<u32> {
        let globals = (0..).zip(&self.module.globals);
        let settable = globals.filter(|(_, global)| global.mutable && self.body.fits(&[global.ty]));
        settable.map(|(index, _)| index).collect()
    }

    fn locals(&self, op: Op) -> Targets {
        let fits = |val: Val| op == Op::LocalGet || self.body.fits(&[val]);
        let locals = (0..).zip(self.body.locals.iter());
        let indices: Vec<u32> = locals
            .filter(|(_, val)| fits(**val))
            .map(|(index, _)| index)
            .collect();
        let names = self.body.names.iter();
        let possible = names.filter(|(_, index)| indices.binary_search(index).is_ok());
        let names = possible.map(|(name, _)| name.clone()).collect();
        Targets::new(indices, names)
    }

    /// The types with which an indirect call is possible.
    fn indirect(&self) -> Vec<u32> {
        let fits = |sig: SigId| {
            self.body
                .fits(&[self.module.sig(sig).params.as_slice(), &[Val::I32]].concat())
        };
        let types = (0..).zip(&self.module.types);
        types
            .filter(|(_, sig)| fits(**sig))
            .map(|(index, _)| index)
            .collect()
    }

    /// The depths that can be branched to; before its condition was taken away, `br_if` needs one.
    fn labels(&self, op: Op, arity: Option<usize>) -> impl Iterator<Item = u32> {
        let taken = matches!(self.spot, Spot::Operand(_) | Spot::Labels { .. });
        let condition: &[Val] = if op == Op::Br || taken {
            &[]
        } else {
            &[Val::I32]
        };
        let depths = (0..).map_while(|depth| self.body.label(depth).map(|takes| (depth, takes)));
        depths
            .filter(move |(_, takes)| arity.is_none_or(|arity| takes.len() == arity))
            .filter(|(_, takes)| self.body.fits(&[*takes, condition].concat()))
            .map(|(depth, _)| depth)
    }

    fn label_targets(&self, op: Op, arity: Option<usize>) -> Targets {
        let depths: Vec<u32> = self.labels(op, arity).collect();
        let mut names: Vec<Arc<str>> = self
            .body
            .frames
            .iter()
            .filter_map(|frame| frame.label.clone())
            .collect();
        names.sort();
        names.dedup();
        names.retain(|name| {
            self.body
                .depth(name)
                .is_some_and(|depth| depths.binary_search(&depth).is_ok())
        });
        Targets::new(depths, names)
    }

    /// Data segments, which come after the functions as a rule.
    fn segments(&self) -> Targets {
        let count = self.module.count(Space::Data);
        let known = self.known(Space::Data, (0..count).collect());
        match self.options.forward {
            0 => known,
            forward => {
                known.with_forward(count..count.saturating_add(forward), Vec::new(), Vec::new())
            }
        }
    }

    /// Every function.
    fn functions(&self) -> Targets {
        self.function_targets(|_| true, |_| None, true)
    }

    /// Functions that can be the start function.
    fn starts(&self) -> Targets {
        let module = &self.module;
        let bare =
            |sig: SigId| module.sig(sig).params.is_empty() && module.sig(sig).results.is_empty();
        let known = |forward: &Forward| {
            let mut sigs = module
                .worlds
                .iter()
                .filter_map(|world| super::super::module::assigned(world, forward))
                .peekable();
            sigs.peek()?;
            Some(sigs.any(bare))
        };
        self.function_targets(bare, known, true)
    }

    fn callable(&self) -> bool {
        let fits: Vec<bool> = self
            .module
            .sigs
            .iter()
            .map(|sig| self.body.fits(&sig.params))
            .collect();
        self.module.funcs.iter().any(|sig| fits[*sig as usize])
            || (self.options.forward > 0 && (self.forks(&self.body) || !self.calls().is_empty()))
    }

    /// Whether a function that was not called before can be called.
    fn forks(&self, body: &Body) -> bool {
        (1..=MAX_WORLDS).contains(&body.forks(&self.module.sigs))
    }

    fn calls(&self) -> Targets {
        let module = &self.module;
        let fits: Vec<bool> = module
            .sigs
            .iter()
            .map(|sig| self.body.fits(&sig.params))
            .collect();
        let known = |forward: &Forward| self.body.calls(forward, &module.sigs);
        self.function_targets(|sig| fits[sig as usize], known, self.forks(&self.body))
    }

    /// Functions that are there and pass a test, functions whose type is `known` and may do, and all that are neither
    /// there nor known if `free`.
    fn function_targets(
        &self,
        test: impl Fn(SigId) -> bool,
        known: impl Fn(&Forward) -> Option<bool>,
        free: bool,
    ) -> Targets {
        let module = &self.module;
        let count = module.count(Space::Func);
        let there = (0..).zip(&module.funcs).filter(|(_, sig)| test(**sig));
        let mut indices: Vec<u32> = there.map(|(index, _)| index).collect();
        let (mut except, mut refused) = (Vec::new(), Vec::new());
        let mut names = Vec::new();
        for (name, index) in module.names(Space::Func) {
            let possible = indices.binary_search(index).is_ok();
            (if possible { &mut names } else { &mut refused }).push(name.clone());
        }
        if self.options.forward == 0 {
            return Targets::new(indices, names);
        }
        let worlds = self
            .body
            .worlds
            .first()
            .map(|world| &world.assigned)
            .or(module.worlds.first());
        for (forward, _) in worlds.into_iter().flat_map(|world| world.iter()) {
            let Some(possible) = known(forward) else {
                continue;
            };
            match forward {
                Forward::Index(index) => {
                    except.push(*index);
                    indices.extend(possible.then_some(*index));
                }
                Forward::Name(name) => {
                    (if possible { &mut names } else { &mut refused }).push(name.clone());
                }
            }
        }
        indices.sort_unstable();
        let targets = Targets::new(indices, names);
        if free {
            targets.with_forward(
                count..count.saturating_add(self.options.forward),
                except,
                refused,
            )
        } else {
            targets
        }
    }
}
