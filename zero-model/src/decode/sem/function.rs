//! Function headers and their signatures, and where bodies begin and end.

use std::sync::Arc;

use super::super::body::Body;
use super::super::module::{Ref, Sig, SigId, Space};
use super::super::spot::{Group, Owner, Spot, Stage};
use super::super::word::Val;
use super::{Header, Sem};

/// Parameters, and results, of one function.
const MAX_VALUES: usize = 1000;
/// Locals that one function declares.
const MAX_LOCALS: usize = 50_000;

impl Sem {
    pub(super) fn begin_header(&mut self, owner: Owner, stage: Stage) -> Spot {
        self.header = Header::default();
        if owner != Owner::Type {
            self.header.expected = self.module.expected(None);
        }
        Spot::Signature { owner, stage }
    }

    pub(super) fn function_name(&mut self, name: &str) -> bool {
        let expected = self.module.expected(Some(name));
        let possible = expected.as_ref().is_none_or(|sigs| !sigs.is_empty());
        self.header.expected = expected;
        self.header.name = Some(name.into());
        if let Spot::Signature { owner, .. } = self.spot {
            self.spot = Spot::Signature {
                owner,
                stage: Stage::Exports,
            };
        }
        possible && !self.module.names(Space::Func).contains_key(name)
    }

    pub(super) fn local_name(&mut self, name: &str) -> bool {
        let Spot::Group {
            owner,
            group,
            count,
            ..
        } = self.spot
        else {
            return false;
        };
        self.spot = Spot::Group {
            owner,
            group,
            named: true,
            count,
        };
        let params =
            if self.header.used.is_some() && self.header.params.is_empty() && group == Group::Local
            {
                self.signature().params.len()
            } else {
                self.header.params.len()
            };
        let index = u32::try_from(params + self.header.locals.len()).unwrap_or(u32::MAX);
        self.header.names.insert(name.into(), index).is_none()
    }

    pub(super) fn group_value(&mut self, group: Group, val: Val) {
        match group {
            Group::Local => self.header.locals.push(val),
            Group::Param => self.header.params.push(val),
            Group::Result => self.header.results.push(val),
        }
    }

    pub(super) fn use_type(&mut self, to: &Ref) -> bool {
        let Some(index) = self.module.resolve(Space::Type, to) else {
            return false;
        };
        self.header.used = self.module.types.get(index as usize).copied();
        if let Spot::Use { owner, .. } = self.spot {
            self.spot = Spot::Use { owner, given: true };
        }
        true
    }

    /// Whether the type with a number can be the function's.
    pub(super) fn usable(&self, sig: SigId) -> bool {
        self.header
            .expected
            .as_ref()
            .is_none_or(|sigs| sigs.contains(&sig))
    }

    /// Whether one more value type can come in a group.
    pub(super) fn group_takes(&self, group: Group, val: Val) -> bool {
        let header = &self.header;
        let next = |all: &[Val], have: &[Val]| {
            all.strip_prefix(have)
                .is_some_and(|rest| rest.first() == Some(&val))
        };
        match group {
            Group::Local => header.locals.len() < MAX_LOCALS,
            Group::Param => {
                header.params.len() < MAX_VALUES
                    && self.some(|sig| next(&sig.params, &header.params))
            }
            Group::Result => {
                header.results.len() < MAX_VALUES
                    && self.some(|sig| {
                        sig.params == header.params && next(&sig.results, &header.results)
                    })
            }
        }
    }

    /// Whether the header can end here.
    pub(super) fn complete(&self) -> bool {
        let header = &self.header;
        let bare = header.params.is_empty() && header.results.is_empty();
        (header.used.is_some() && bare)
            || self.some(|sig| sig.params == header.params && sig.results == header.results)
    }

    /// Whether some type that the function can have passes a test; all do if it can have any.
    fn some(&self, test: impl Fn(&Sig) -> bool) -> bool {
        match (self.header.used, &self.header.expected) {
            (Some(used), _) => test(self.module.sig(used)),
            (None, Some(expected)) => expected.iter().any(|sig| test(self.module.sig(*sig))),
            (None, None) => true,
        }
    }

    fn signature(&self) -> Sig {
        match self.header.used {
            Some(used) => self.module.sig(used).clone(),
            None => Sig {
                params: self.header.params.clone(),
                results: self.header.results.clone(),
            },
        }
    }

    pub(super) fn close_header(&mut self) -> bool {
        match self.spot {
            Spot::Group { owner, group, .. } => {
                let stage = match group {
                    Group::Local => Stage::Locals,
                    Group::Param => Stage::Params,
                    Group::Result => Stage::Results,
                };
                self.spot = Spot::Signature { owner, stage };
            }
            Spot::Use { owner, .. } => {
                self.spot = Spot::Signature {
                    owner,
                    stage: Stage::Params,
                }
            }
            Spot::Signature {
                owner: Owner::Func, ..
            } => return self.begin_body() && self.end_function(),
            Spot::Signature {
                owner: Owner::Import,
                ..
            } => {
                self.declare();
                self.spot = Spot::ImportClose;
            }
            _ => {
                let sig = self.signature();
                let module = self.module_mut();
                let id = module.intern(sig);
                module.types.push(id);
                self.spot = Spot::TypeClose;
            }
        }
        true
    }

    /// The function is there from now on.
    fn declare(&mut self) -> Header {
        let sig = self.signature();
        let header = std::mem::take(&mut self.header);
        let module = self.module_mut();
        let id = module.intern(sig);
        if let Some(name) = &header.name {
            module.name(Space::Func, name);
        }
        module.define(header.name.as_deref(), id);
        header
    }

    /// Ends the header of a function, if that is where the text stands.
    pub(super) fn begin_body(&mut self) -> bool {
        match self.spot {
            Spot::Signature {
                owner: Owner::Func, ..
            } => {}
            Spot::Labels { .. } => {
                self.body.die();
                self.spot = Spot::Body;
                return true;
            }
            _ => return true,
        }
        let sig = self.signature();
        let header = self.declare();
        let mut locals = sig.params;
        locals.extend(&header.locals);
        self.body = Body::new(locals, header.names, &sig.results, &self.module.worlds);
        self.spot = Spot::Body;
        true
    }

    pub(super) fn end_function(&mut self) -> bool {
        self.begin_body();
        let worlds = std::mem::take(&mut self.body).close();
        let module = Arc::make_mut(&mut self.module);
        module.worlds = worlds;
        module.merge();
        self.spot = Spot::Fields { named: true };
        true
    }
}
