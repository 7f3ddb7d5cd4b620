//! Whether a claim may stand beside the names that there are.

use zero_format::PackageName;

use crate::event::{Action, SignedEvent};
use crate::role::Role;
use crate::similar::Names;
use crate::writer::{CommitError, Storage, Writer};

/// The names of the registry, as far as this server has seen them.
#[derive(Default)]
pub(super) struct KnownNames {
    names: Names,
}

impl KnownNames {
    /// The name that one of these claims could be taken for. Who holds a key of that name may
    /// claim one like it.
    pub(super) fn objection<S: Storage>(
        &mut self,
        writer: &Writer<S>,
        events: &[SignedEvent],
    ) -> Result<Option<(PackageName, String)>, CommitError> {
        let claims = events.iter().filter(|event| {
            matches!(event.body().action, Action::Claim { .. })
                && !self.names.contains(&event.body().name)
        });
        for claim in claims.collect::<Vec<_>>() {
            self.catch_up(writer)?;
            let name = &claim.body().name;
            let Some(alike) = self.names.similar(name) else {
                continue;
            };
            let alike = alike.to_owned();
            if !is_by_a_holder(writer, claim, &alike)? {
                return Ok(Some((name.clone(), alike)));
            }
        }
        Ok(None)
    }

    /// Notes names whose claims are about to be committed.
    pub(super) fn note(&mut self, events: &[SignedEvent]) {
        for event in events {
            self.names.insert(&event.body().name);
        }
    }

    /// Other writers may have added names.
    fn catch_up<S: Storage>(&mut self, writer: &Writer<S>) -> Result<(), CommitError> {
        let packages = writer.package_count()?;
        if packages > self.names.len() {
            for name in writer.names()? {
                self.names.insert(&name);
            }
        }
        Ok(())
    }
}

fn is_by_a_holder<S: Storage>(
    writer: &Writer<S>,
    claim: &SignedEvent,
    alike: &str,
) -> Result<bool, CommitError> {
    let Ok(alike) = alike.parse::<PackageName>() else {
        return Ok(false);
    };
    let state = writer.package(&alike)?;
    let roles = state.release_role().into_iter().chain(state.admin_role());
    let keys: Vec<_> = roles.flat_map(Role::keys).collect();
    let message = claim.message();
    Ok(claim.signatures().iter().any(|signature| {
        keys.iter()
            .any(|key| signature.verify(key, &message).is_ok())
    }))
}
