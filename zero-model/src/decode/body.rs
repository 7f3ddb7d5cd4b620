//! A function's body so far: its labels, its locals and its operand stack.
//!
//! The typing is the validation algorithm of the WebAssembly specification. A function that is called before it is
//! defined may have any of the types that were seen before the call; each of them is followed in a *world* of its own,
//! with its own operand stack, until the text decides.

use std::sync::Arc;

use super::module::{Assigned, Forward, Names, Sig, SigId, assigned};
use super::word::Val;

/// Worlds that are followed at most; a call that would need more is refused.
pub(crate) const MAX_WORLDS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Block,
    Else,
    Func,
    If,
    Loop,
}

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) result: Option<Val>,
    pub(crate) label: Option<Arc<str>>,
    /// The rest of the block cannot be reached: operands of every type are there.
    pub(crate) dead: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) locals: Arc<Vec<Val>>,
    pub(crate) names: Arc<Names>,
    pub(crate) results: Arc<Vec<Val>>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) worlds: Vec<World>,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) assigned: Assigned,
    stack: Vec<Val>,
    /// Where the operands of each frame begin.
    heights: Vec<u32>,
}

impl Body {
    pub(crate) fn new(
        locals: Vec<Val>,
        names: Names,
        results: &[Val],
        worlds: &[Assigned],
    ) -> Self {
        let world = |assigned: &Assigned| World {
            assigned: assigned.clone(),
            stack: Vec::new(),
            heights: vec![0],
        };
        Self {
            locals: Arc::new(locals),
            names: Arc::new(names),
            results: Arc::new(results.to_vec()),
            frames: vec![Frame::new(FrameKind::Func, None)],
            worlds: worlds.iter().map(world).collect(),
        }
    }

    pub(crate) fn dead(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.dead)
    }

    pub(crate) fn top(&self) -> Option<&Frame> {
        self.frames.last()
    }

    /// Whether some world has these operands on top.
    pub(crate) fn fits(&self, pops: &[Val]) -> bool {
        let dead = self.dead();
        self.worlds.iter().any(|world| world.fits(pops, dead))
    }

    /// Whether some world has exactly these operands in the innermost block.
    pub(crate) fn ends_with(&self, results: &[Val]) -> bool {
        let dead = self.dead();
        self.worlds
            .iter()
            .any(|world| world.ends_with(results, dead))
    }

    /// Pops and pushes; worlds in which that is impossible are gone.
    pub(crate) fn apply(&mut self, pops: &[Val], push: &[Val]) {
        let dead = self.dead();
        self.worlds.retain_mut(|world| {
            let fits = world.fits(pops, dead);
            if fits {
                world.pop(pops.len());
                world.stack.extend_from_slice(push);
            }
            fits
        });
    }

    /// Worlds without these operands on top are gone.
    pub(crate) fn require(&mut self, operands: &[Val]) {
        let dead = self.dead();
        self.worlds.retain(|world| world.fits(operands, dead));
    }

    /// The rest of the block cannot be reached.
    pub(crate) fn die(&mut self) {
        for world in &mut self.worlds {
            let height = world.height();
            world.stack.truncate(height);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.dead = true;
        }
    }

    /// Whether two operands of the same type lie below a condition.
    pub(crate) fn selects(&self) -> bool {
        let dead = self.dead();
        self.worlds
            .iter()
            .any(|world| world.selected(dead).is_some())
    }

    pub(crate) fn select(&mut self) {
        let dead = self.dead();
        self.worlds.retain_mut(|world| {
            let selected = world.selected(dead);
            if let Some(ty) = selected {
                world.pop(3);
                world.stack.push(ty);
            }
            selected.is_some()
        });
    }

    pub(crate) fn enter(&mut self, kind: FrameKind) {
        for world in &mut self.worlds {
            let height = u32::try_from(world.stack.len()).unwrap_or(u32::MAX);
            world.heights.push(height);
        }
        self.frames.push(Frame::new(kind, None));
    }

    /// The results of the innermost block.
    pub(crate) fn block_results(&self) -> &[Val] {
        match self.frames.last() {
            Some(frame) if frame.kind != FrameKind::Func => frame.result.as_slice(),
            _ => &self.results,
        }
    }

    /// Whether `end` may stand here.
    pub(crate) fn may_end(&self) -> bool {
        self.top().is_some_and(|frame| match frame.kind {
            FrameKind::Func => false,
            // Without `else`, nothing would make the result.
            FrameKind::If => frame.result.is_none() && self.ends_with(&[]),
            _ => self.ends_with(self.block_results()),
        })
    }

    pub(crate) fn may_else(&self) -> bool {
        let is_if = self.top().is_some_and(|frame| frame.kind == FrameKind::If);
        is_if && self.ends_with(self.block_results())
    }

    /// Whether the function may end here.
    pub(crate) fn may_close(&self) -> bool {
        self.frames.len() == 1 && self.ends_with(&self.results)
    }

    pub(crate) fn end(&mut self) {
        self.leave();
        if let Some(frame) = self.frames.pop() {
            for world in &mut self.worlds {
                world.heights.pop();
                world.stack.extend(frame.result);
            }
        }
    }

    pub(crate) fn start_else(&mut self) {
        self.leave();
        if let Some(frame) = self.frames.last_mut() {
            frame.kind = FrameKind::Else;
            frame.dead = false;
        }
    }

    /// The function ends: the ways that are left to give types to functions that are not there yet.
    pub(crate) fn close(mut self) -> Vec<Assigned> {
        self.leave();
        self.worlds
            .into_iter()
            .map(|world| world.assigned)
            .collect()
    }

    /// Takes the results of the innermost block away; worlds without them are gone.
    fn leave(&mut self) {
        let dead = self.dead();
        let results = self.block_results().to_vec();
        self.worlds.retain_mut(|world| {
            let ends = world.ends_with(&results, dead);
            let height = world.height();
            world.stack.truncate(height);
            ends
        });
    }

    /// The operands that a branch to a label takes along.
    pub(crate) fn label(&self, depth: u32) -> Option<&[Val]> {
        let at = self.frames.len().checked_sub(1 + depth as usize)?;
        let frame = self.frames.get(at)?;
        Some(match frame.kind {
            FrameKind::Func => &self.results,
            FrameKind::Loop => &[],
            _ => frame.result.as_slice(),
        })
    }

    /// The depth of a label: inner labels hide outer ones of the same name.
    pub(crate) fn depth(&self, label: &str) -> Option<u32> {
        let named = |frame: &Frame| frame.label.as_deref() == Some(label);
        let depth = self.frames.iter().rev().position(named)?;
        u32::try_from(depth).ok()
    }

    /// How many worlds a first call of a function would make that may have one of some types.
    pub(crate) fn forks(&self, sigs: &[Sig]) -> usize {
        let dead = self.dead();
        let in_world = |world: &World| {
            sigs.iter()
                .filter(|sig| world.fits(&sig.params, dead))
                .count()
        };
        self.worlds.iter().map(in_world).sum()
    }

    /// Whether a call of a function that is not there yet is possible, if some world knows its type.
    pub(crate) fn calls(&self, forward: &Forward, sigs: &[Sig]) -> Option<bool> {
        let dead = self.dead();
        let mut known = false;
        let mut possible = false;
        for world in &self.worlds {
            if let Some(sig) = assigned(&world.assigned, forward) {
                known = true;
                possible |= world.fits(&sigs[sig as usize].params, dead);
            }
        }
        known.then_some(possible)
    }

    /// Calls a function that is not there yet.
    pub(crate) fn call_forward(&mut self, forward: &Forward, sigs: &[Sig]) {
        let dead = self.dead();
        let mut worlds = Vec::new();
        for world in std::mem::take(&mut self.worlds) {
            let known = assigned(&world.assigned, forward);
            for (id, sig) in sigs.iter().enumerate() {
                let id = u32::try_from(id).unwrap_or(SigId::MAX);
                if known.is_some_and(|known| known != id) || !world.fits(&sig.params, dead) {
                    continue;
                }
                let mut world = world.clone();
                if known.is_none() {
                    Arc::make_mut(&mut world.assigned).push((forward.clone(), id));
                }
                world.pop(sig.params.len());
                world.stack.extend_from_slice(&sig.results);
                worlds.push(world);
            }
        }
        self.worlds = worlds;
    }

    /// The operands of the innermost block, for people.
    pub(crate) fn stack(&self) -> String {
        let Some(world) = self.worlds.first() else {
            return String::new();
        };
        let types = world.stack[world.height()..].iter().map(|val| val.name());
        let dots = self.dead().then_some("…");
        dots.into_iter().chain(types).collect::<Vec<_>>().join(" ")
    }
}

impl Frame {
    fn new(kind: FrameKind, result: Option<Val>) -> Self {
        Self {
            kind,
            result,
            label: None,
            dead: false,
        }
    }
}

impl World {
    fn height(&self) -> usize {
        self.heights.last().map_or(0, |height| *height as usize)
    }

    fn fits(&self, pops: &[Val], dead: bool) -> bool {
        let operands = &self.stack[self.height()..];
        let matches =
            |(want, have): (&Val, &Val)| *want == *have || *want == Val::Any || *have == Val::Any;
        let there = pops.iter().rev().zip(operands.iter().rev()).all(matches);
        there && (dead || operands.len() >= pops.len())
    }

    fn ends_with(&self, results: &[Val], dead: bool) -> bool {
        self.fits(results, dead) && self.stack.len() - self.height() <= results.len()
    }

    fn pop(&mut self, count: usize) {
        let left = self.stack.len().saturating_sub(count).max(self.height());
        self.stack.truncate(left);
    }

    fn selected(&self, dead: bool) -> Option<Val> {
        if !self.fits(&[Val::Any, Val::Any, Val::I32], dead) {
            return None;
        }
        let operands = &self.stack[self.height()..];
        let below = |n: usize| {
            operands
                .len()
                .checked_sub(n)
                .map_or(Val::Any, |at| operands[at])
        };
        match (below(2), below(3)) {
            (Val::Any, ty) | (ty, Val::Any) => Some(ty),
            (one, other) => (one == other).then_some(one),
        }
    }
}
