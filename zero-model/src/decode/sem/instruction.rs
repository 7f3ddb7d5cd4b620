//! The effect of instructions.

use super::super::body::FrameKind;
use super::super::module::{Ref, Space};
use super::super::spot::Spot;
use super::super::word::{Op, Plain, Val};
use super::Sem;

impl Sem {
    pub(super) fn plain(&mut self, plain: &Plain) -> bool {
        self.body.apply(&plain.pops, plain.push.as_slice());
        self.spot = plain
            .align
            .map_or(Spot::Body, |max| Spot::Memarg { max, offset: true });
        true
    }

    pub(super) fn operation(&mut self, op: Op) -> bool {
        self.spot = Spot::Body;
        match op {
            Op::Block => self.enter(FrameKind::Block),
            Op::Loop => self.enter(FrameKind::Loop),
            Op::If => {
                self.body.apply(&[Val::I32], &[]);
                self.enter(FrameKind::If);
            }
            Op::Else => self.body.start_else(),
            Op::End => self.body.end(),
            Op::Drop => self.body.apply(&[Val::Any], &[]),
            Op::Select => self.body.select(),
            Op::Unreachable => self.body.die(),
            Op::Return => {
                let results = self.body.results.clone();
                self.body.apply(&results, &[]);
                self.body.die();
            }
            Op::Const(val) => self.spot = Spot::Number(val),
            Op::CallIndirect => self.spot = Spot::IndirectOpen,
            Op::BrTable => {
                self.body.apply(&[Val::I32], &[]);
                self.spot = Spot::Labels { arity: None };
            }
            Op::BrIf => {
                self.body.apply(&[Val::I32], &[]);
                self.spot = Spot::Operand(op);
            }
            Op::MemoryInit => {
                self.body.apply(&[Val::I32; 3], &[]);
                self.spot = Spot::Operand(op);
            }
            _ => self.spot = Spot::Operand(op),
        }
        true
    }

    fn enter(&mut self, kind: FrameKind) {
        self.body.enter(kind);
        self.spot = Spot::Block { labelled: false };
    }

    pub(super) fn label(&mut self, name: &str) -> bool {
        if let Some(frame) = self.body.frames.last_mut() {
            frame.label = Some(name.into());
        }
        self.spot = Spot::Block { labelled: true };
        true
    }

    pub(super) fn block_result(&mut self, val: Val) {
        if let Some(frame) = self.body.frames.last_mut() {
            frame.result = Some(val);
        }
    }

    /// A number that belongs to an instruction.
    pub(super) fn immediate(&mut self) -> bool {
        self.spot = match self.spot {
            Spot::Offset { max } => Spot::Memarg { max, offset: false },
            Spot::Number(val) => {
                self.body.apply(&[], &[val]);
                Spot::Body
            }
            _ => Spot::Body,
        };
        true
    }

    /// A reference that belongs to an instruction; the targets made sure that it is a possible one.
    pub(super) fn operand(&mut self, to: Ref) -> bool {
        let spot = std::mem::replace(&mut self.spot, Spot::Body);
        match spot {
            Spot::IndirectType => {
                self.spot = Spot::IndirectClose;
                self.call_indirect(&to)
            }
            Spot::Labels { .. } => self.branch(Op::BrTable, &to),
            Spot::Operand(op @ (Op::Br | Op::BrIf)) => self.branch(op, &to),
            Spot::Operand(Op::Call) => self.call(to),
            Spot::Operand(op @ (Op::GlobalGet | Op::GlobalSet)) => self.global(op, &to),
            Spot::Operand(op @ (Op::LocalGet | Op::LocalSet | Op::LocalTee)) => self.local(op, &to),
            _ => {
                self.module_mut().owe(Space::Data, &to);
                true
            }
        }
    }

    fn call_indirect(&mut self, to: &Ref) -> bool {
        let Some(index) = self.module.resolve(Space::Type, to) else {
            return false;
        };
        let sig = self.module.sig(self.module.types[index as usize]);
        let pops = [sig.params.as_slice(), &[Val::I32]].concat();
        self.body.apply(&pops, &sig.results);
        true
    }

    fn call(&mut self, to: Ref) -> bool {
        if let Some(index) = self.module.resolve(Space::Func, &to) {
            let sig = self.module.sig(self.module.funcs[index as usize]);
            self.body.apply(&sig.params, &sig.results);
        } else {
            self.module_mut().owe(Space::Func, &to);
            self.body.call_forward(&to.forward(), &self.module.sigs);
        }
        true
    }

    fn global(&mut self, op: Op, to: &Ref) -> bool {
        let Some(index) = self.module.resolve(Space::Global, to) else {
            return false;
        };
        let ty = self.module.globals[index as usize].ty;
        if op == Op::GlobalGet {
            self.body.apply(&[], &[ty]);
        } else {
            self.body.apply(&[ty], &[]);
        }
        true
    }

    fn local(&mut self, op: Op, to: &Ref) -> bool {
        let index = match to {
            Ref::Index(index) => Some(*index),
            Ref::Name(name) => self.body.names.get(name).copied(),
        };
        let Some(ty) = index.and_then(|index| self.body.locals.get(index as usize).copied()) else {
            return false;
        };
        match op {
            Op::LocalGet => self.body.apply(&[], &[ty]),
            Op::LocalSet => self.body.apply(&[ty], &[]),
            _ => self.body.apply(&[ty], &[ty]),
        }
        true
    }

    fn branch(&mut self, op: Op, to: &Ref) -> bool {
        let depth = match to {
            Ref::Index(depth) => Some(*depth),
            Ref::Name(label) => self.body.depth(label),
        };
        let Some(takes) = depth
            .and_then(|depth| self.body.label(depth))
            .map(<[Val]>::to_vec)
        else {
            return false;
        };
        match op {
            Op::BrTable => {
                self.body.require(&takes);
                self.spot = Spot::Labels {
                    arity: Some(takes.len()),
                };
            }
            Op::BrIf => self.body.apply(&takes, &takes),
            _ => {
                self.body.require(&takes);
                self.body.die();
            }
        }
        true
    }
}
