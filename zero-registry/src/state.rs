//! The state of a package: a pure fold over its signed events (spec/registry.md, "Package chain").
//!
//! [`PackageState::apply`] consumes the state and returns the next one, so a chain with a single bad
//! event has no state at all.

mod release;

pub use release::{Release, Standing};

use std::collections::BTreeSet;

use thiserror::Error;
use zero_format::{Digest, PackageName, PublicKey, Version, Widening};

use crate::event::{Action, Distrust, EventBody, EventError, ReleaseInfo, SignedEvent};
use crate::limits::{MAX_EVENTS, MAX_LEAF_BYTES, SEGMENT_LINES};
use crate::map::{PackageEntry, Segment};
use crate::origin::Origin;
use crate::role::{Role, signers};
use crate::root::{ClaimPolicy, Root, Roots};
use crate::time::Timestamp;

/// What a chain is judged against: the registry's identity, and the roots whose claim policy and
/// keys count. A reader passes every root that it knows, a writer only the one in force.
#[derive(Clone, Debug)]
pub struct ChainContext<'a> {
    origin: &'a Origin,
    roots: Vec<&'a Root>,
}

impl<'a> ChainContext<'a> {
    /// For readers, who cannot tell under which root an old event was made.
    pub fn reader(roots: &'a Roots) -> Self {
        Self {
            origin: roots.current().origin(),
            roots: roots.iter().collect(),
        }
    }

    /// For writers, who add events under the root in force.
    pub fn writer(root: &'a Root) -> Self {
        Self {
            origin: root.origin(),
            roots: vec![root],
        }
    }
}

/// A package after some of its events.
#[derive(Clone, Debug)]
pub struct PackageState {
    name: PackageName,
    events: u64,
    last: Option<Digest>,
    release: Option<Role>,
    admin: Option<Role>,
    releases: Vec<Release>,
}

/// Why an event cannot follow the events before it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The name is already claimed.
    #[error("apply the event: {0} is already claimed")]
    Claimed(PackageName),
    /// The chain is not the one that the map lists.
    #[error("read the chain of {0}: it is not the one that the map lists")]
    Chain(PackageName),
    /// The version exists, perhaps with other build metadata.
    #[error("apply the event: version {0} exists")]
    Duplicate(Version),
    /// A line of the chain is not an event.
    #[error("read line {line} of the chain")]
    Event {
        /// Number of the line, from 0.
        line: u64,
        /// What is wrong with it.
        source: EventError,
    },
    /// The chain is as long as a chain may be.
    #[error("apply the event: the chain has {MAX_EVENTS} events")]
    Full,
    /// It is meant for another package.
    #[error("apply the event: it is of {found}, not of {expected}")]
    Name {
        /// Package of the chain.
        expected: PackageName,
        /// Package of the event.
        found: PackageName,
    },
    /// There is no such release.
    #[error("apply the event: there is no version {0}")]
    NoRelease(Version),
    /// It is meant for another registry.
    #[error("apply the event: it is of {found}, not of {expected}")]
    Origin {
        /// The registry.
        expected: Origin,
        /// Registry of the event.
        found: Origin,
    },
    /// The claim lacks the signatures that the registry's claim policy demands.
    #[error("apply the event: the registry's claim policy does not allow this claim of {0}")]
    Policy(PackageName),
    /// A new key did not sign the event that introduces it.
    #[error("apply the event: the new key {0} did not sign it")]
    Possession(String),
    /// It names another line as the one before it.
    #[error("apply the event: it does not follow the last event of {0}")]
    Prev(PackageName),
    /// It stands at the wrong place.
    #[error("apply the event: it is number {found}, expected is {expected}")]
    Seq {
        /// The next place.
        expected: u64,
        /// Place of the event.
        found: u64,
    },
    /// Too few of the keys in force signed.
    #[error("apply the event: {have} of {need} signatures by the {role} keys in force")]
    Signatures {
        /// Which keys: `release`, `admin` or `root`.
        role: &'static str,
        /// Distinct keys that signed.
        have: u32,
        /// Keys that must sign.
        need: u32,
    },
    /// It changes nothing, or undoes what cannot be undone.
    #[error("apply the event: version {version} is {standing}")]
    Standing {
        /// The version.
        version: Version,
        /// What it is already.
        standing: Standing,
    },
    /// A signature is by a key that has no say here, or is wrong, or repeats another.
    #[error("apply the event: it carries a signature that none of the keys in force made")]
    Surplus,
    /// The name is not claimed.
    #[error("apply the event: {0} is not claimed")]
    Unclaimed(PackageName),
    /// It asks for more than the release before it, within one compatibility line.
    #[error(
        "apply the event: version {version} asks for capabilities that {previous} did not ask for"
    )]
    Widened {
        /// The new version.
        version: Version,
        /// The version before it in the same line.
        previous: Version,
        /// What is new.
        widenings: Vec<Widening>,
    },
}

impl StateError {
    /// What the publisher can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Duplicate(_) => Some("a version is published once; choose a higher one".into()),
            Self::Seq { .. } | Self::Prev(_) => {
                Some("somebody else published in between; sign the event again".into())
            }
            Self::Widened { version, .. } => Some(format!(
                "new capabilities need a new major version, such as {}",
                next_line(version)
            )),
            Self::Signatures { role, .. } => {
                Some(format!("sign with the {role} keys of the package"))
            }
            Self::Policy(_) => Some("ask the registry's operator to sign the claim too".into()),
            _ => None,
        }
    }
}

impl PackageState {
    /// A package of which nothing is known yet.
    pub fn empty(name: &PackageName) -> Self {
        Self {
            name: name.clone(),
            events: 0,
            last: None,
            release: None,
            admin: None,
            releases: Vec::new(),
        }
    }

    /// The state after all events of a chain, whose files are those that the map lists.
    ///
    /// # Errors
    /// When the files are not those of the map, or an event cannot follow the events before it.
    pub fn replay<B: AsRef<[u8]>>(
        entry: &PackageEntry,
        files: &[B],
        context: &ChainContext<'_>,
    ) -> Result<Self, StateError> {
        let name = &entry.name;
        let chain = || StateError::Chain(name.clone());
        if files.len() != entry.segments.len() {
            return Err(chain());
        }
        let mut state = Self::empty(name);
        for (file, segment) in files.iter().zip(&entry.segments) {
            if Segment::of(file.as_ref()) != *segment {
                return Err(chain());
            }
            for line in file.as_ref().split_inclusive(|byte| *byte == b'\n') {
                if line.len() > MAX_LEAF_BYTES || state.events == entry.events {
                    return Err(chain());
                }
                state = state.apply_line(line, context)?;
            }
            if state.events < entry.events && !state.events.is_multiple_of(SEGMENT_LINES) {
                return Err(chain());
            }
        }
        if state.events == entry.events {
            Ok(state)
        } else {
            Err(chain())
        }
    }

    /// The state after one more line of a chain.
    pub(crate) fn apply_line(
        self,
        line: &[u8],
        context: &ChainContext<'_>,
    ) -> Result<Self, StateError> {
        let number = self.events;
        let event = SignedEvent::parse(line).map_err(|source| StateError::Event {
            line: number,
            source,
        })?;
        self.apply(&event, context)
    }

    /// The state after one more event.
    ///
    /// # Errors
    /// When the event cannot follow.
    pub fn apply(
        mut self,
        event: &SignedEvent,
        context: &ChainContext<'_>,
    ) -> Result<Self, StateError> {
        let body = event.body();
        self.check_place(body, context)?;
        let signed = self.signed_by(event, context)?;
        match &body.action {
            Action::Claim { release, admin } => {
                if self.release.is_some() {
                    return Err(StateError::Claimed(self.name));
                }
                self.check_policy(&signed, context)?;
                self.replace_keys(release, admin, &signed)?;
            }
            Action::Keys {
                release,
                admin,
                distrust,
            } => {
                check_met("admin", self.admin()?, &signed)?;
                self.replace_keys(release, admin, &signed)?;
                self.distrust(distrust);
            }
            Action::Recover {
                release,
                admin,
                distrust,
            } => {
                self.admin()?;
                check_root(&signed, context)?;
                self.replace_keys(release, admin, &signed)?;
                self.distrust(distrust);
            }
            Action::Release(info) => {
                let role = self.speaking_role(&signed)?;
                self.check_release(info)?;
                let signers = role.keys().iter().filter(|key| signed.contains(key));
                let release = Release::new(
                    info,
                    body.seq,
                    body.time,
                    signers.copied().collect(),
                    role.threshold(),
                );
                self.releases.push(release);
            }
            Action::Yank { version, .. } => {
                self.speaking_role(&signed)?;
                self.change(version, &[Standing::Good], Standing::Yanked)?;
            }
            Action::Unyank { version } => {
                self.speaking_role(&signed)?;
                self.change(version, &[Standing::Yanked], Standing::Good)?;
            }
            Action::Revoke { version, .. } => {
                self.speaking_role(&signed)?;
                let before = [Standing::Good, Standing::Yanked];
                self.change(version, &before, Standing::Revoked)?;
            }
            Action::Attest { version, .. } => {
                self.speaking_role(&signed)?;
                self.find(version)?;
            }
        }
        self.events += 1;
        self.last = Some(event.digest());
        Ok(self)
    }

    /// The body of the next event of this package.
    pub fn next(&self, origin: &Origin, time: Timestamp, action: Action) -> EventBody {
        EventBody {
            origin: origin.clone(),
            name: self.name.clone(),
            seq: self.events,
            prev: self.last,
            time,
            action,
        }
    }

    /// Full name of the package.
    pub fn name(&self) -> &PackageName {
        &self.name
    }

    /// How many events it has.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Keys that publish; none before the claim.
    pub fn release_role(&self) -> Option<&Role> {
        self.release.as_ref()
    }

    /// Keys that change keys; none before the claim.
    pub fn admin_role(&self) -> Option<&Role> {
        self.admin.as_ref()
    }

    /// All releases in the order in which they were published.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The release of exactly this version.
    pub fn release(&self, version: &Version) -> Option<&Release> {
        self.releases.iter().find(|r| r.version() == version)
    }

    fn check_place(&self, body: &EventBody, context: &ChainContext<'_>) -> Result<(), StateError> {
        if body.origin != *context.origin {
            return Err(StateError::Origin {
                expected: context.origin.clone(),
                found: body.origin.clone(),
            });
        }
        if body.name != self.name {
            return Err(StateError::Name {
                expected: self.name.clone(),
                found: body.name.clone(),
            });
        }
        let claims = matches!(body.action, Action::Claim { .. });
        if claims && self.release.is_some() {
            return Err(StateError::Claimed(self.name.clone()));
        }
        if !claims && self.release.is_none() {
            return Err(StateError::Unclaimed(self.name.clone()));
        }
        if self.events >= MAX_EVENTS {
            return Err(StateError::Full);
        }
        if body.seq != self.events {
            return Err(StateError::Seq {
                expected: self.events,
                found: body.seq,
            });
        }
        if body.prev != self.last {
            return Err(StateError::Prev(self.name.clone()));
        }
        Ok(())
    }

    /// Who signed. Every signature must be by a key that has a say: a key in force, a key that the
    /// event introduces, or a key that the registry's root gives a say in such an event.
    fn signed_by(
        &self,
        event: &SignedEvent,
        context: &ChainContext<'_>,
    ) -> Result<Vec<PublicKey>, StateError> {
        let mut roles: Vec<&Role> = self.release.iter().chain(&self.admin).collect();
        match &event.body().action {
            Action::Claim { release, admin } => {
                roles.extend([release, admin]);
                for root in &context.roots {
                    roles.extend(policy_role(root));
                }
            }
            Action::Keys { release, admin, .. } => roles.extend([release, admin]),
            Action::Recover { release, admin, .. } => {
                roles.extend([release, admin]);
                roles.extend(context.roots.iter().map(|root| root.role()));
            }
            _ => {}
        }
        let keys: BTreeSet<PublicKey> = roles.iter().flat_map(|r| r.keys()).copied().collect();
        // A set would merge keys that differ in their ids alone, so look the ids up as listed.
        let listed = roles.iter().flat_map(|role| role.keys());
        let found = signers(&event.message(), event.signatures(), &listed);
        if found.surplus || !found.keys.iter().all(|key| keys.contains(key)) {
            return Err(StateError::Surplus);
        }
        Ok(found.keys)
    }

    fn check_policy(
        &self,
        signed: &[PublicKey],
        context: &ChainContext<'_>,
    ) -> Result<(), StateError> {
        let allowed = context
            .roots
            .iter()
            .any(|root| policy_role(root).is_none_or(|role| role.is_met_by(signed)));
        if allowed {
            Ok(())
        } else {
            Err(StateError::Policy(self.name.clone()))
        }
    }

    /// Puts keys in force. Those that are new must have signed: nobody lists a key that nobody has.
    fn replace_keys(
        &mut self,
        release: &Role,
        admin: &Role,
        signed: &[PublicKey],
    ) -> Result<(), StateError> {
        let in_force = |key: &PublicKey| {
            let roles = self.release.iter().chain(&self.admin);
            roles.into_iter().any(|role| role.contains(key))
        };
        let mut keys = release.keys().iter().chain(admin.keys());
        if let Some(absent) = keys.find(|key| !in_force(key) && !signed.contains(key)) {
            return Err(StateError::Possession(absent.key_id_hex()));
        }
        self.release = Some(release.clone());
        self.admin = Some(admin.clone());
        Ok(())
    }

    fn admin(&self) -> Result<&Role, StateError> {
        let role = self.admin.as_ref();
        role.ok_or_else(|| StateError::Unclaimed(self.name.clone()))
    }

    /// The role that speaks for the package here: the release keys, or the admin keys, which may do
    /// all that the release keys may.
    fn speaking_role(&self, signed: &[PublicKey]) -> Result<&Role, StateError> {
        let release = self.release.as_ref();
        let release = release.ok_or_else(|| StateError::Unclaimed(self.name.clone()))?;
        let admin = self.admin()?;
        if release.is_met_by(signed) {
            Ok(release)
        } else if admin.is_met_by(signed) {
            Ok(admin)
        } else {
            check_met("release", release, signed).map(|()| release)
        }
    }

    fn check_release(&self, info: &ReleaseInfo) -> Result<(), StateError> {
        let new = &info.version;
        let exists = |r: &Release| r.version().cmp_precedence(new).is_eq();
        if self.releases.iter().any(exists) {
            return Err(StateError::Duplicate(new.clone()));
        }
        let line = self.releases.iter().filter(|release| {
            same_line(release.version(), new) && release.version().cmp_precedence(new).is_lt()
        });
        let Some(previous) = line.max_by(|a, b| a.version().cmp_precedence(b.version())) else {
            return Ok(());
        };
        let widenings = previous.capabilities().widened_by(&info.capabilities);
        if widenings.is_empty() {
            return Ok(());
        }
        Err(StateError::Widened {
            version: new.clone(),
            previous: previous.version().clone(),
            widenings,
        })
    }

    fn change(
        &mut self,
        version: &Version,
        from: &[Standing],
        to: Standing,
    ) -> Result<(), StateError> {
        let release = self.releases.iter_mut().find(|r| r.version() == version);
        let release = release.ok_or_else(|| StateError::NoRelease(version.clone()))?;
        if !from.contains(&release.standing()) {
            return Err(StateError::Standing {
                version: version.clone(),
                standing: release.standing(),
            });
        }
        release.set_standing(to);
        Ok(())
    }

    fn find(&self, version: &Version) -> Result<&Release, StateError> {
        self.release(version)
            .ok_or_else(|| StateError::NoRelease(version.clone()))
    }

    /// Revokes the releases that a distrusted key is needed for.
    fn distrust(&mut self, list: &[Distrust]) {
        for release in &mut self.releases {
            for distrust in list {
                release.distrust(&distrust.key, distrust.from);
            }
        }
    }
}

/// The role that must sign a claim too under this root.
fn policy_role(root: &Root) -> Option<&Role> {
    match root.claims() {
        ClaimPolicy::Keys(role) => Some(role),
        ClaimPolicy::Open => None,
        ClaimPolicy::Root => Some(root.role()),
    }
}

fn check_met(name: &'static str, role: &Role, signed: &[PublicKey]) -> Result<(), StateError> {
    if role.is_met_by(signed) {
        return Ok(());
    }
    Err(StateError::Signatures {
        role: name,
        have: role.count(signed),
        need: role.threshold(),
    })
}

fn check_root(signed: &[PublicKey], context: &ChainContext<'_>) -> Result<(), StateError> {
    if context
        .roots
        .iter()
        .any(|root| root.role().is_met_by(signed))
    {
        return Ok(());
    }
    let newest = context.roots.last();
    Err(StateError::Signatures {
        role: "root",
        have: newest.map_or(0, |root| root.role().count(signed)),
        need: newest.map_or(1, |root| root.role().threshold()),
    })
}

/// Whether two versions promise compatibility with each other, as Cargo reads semantic versions.
fn same_line(a: &Version, b: &Version) -> bool {
    match (a.major, a.minor) {
        (0, 0) => (b.major, b.minor, b.patch) == (0, 0, a.patch),
        (0, minor) => (b.major, b.minor) == (0, minor),
        (major, _) => b.major == major,
    }
}

/// The first version that makes no promise to the users of this one.
fn next_line(version: &Version) -> Version {
    match (version.major, version.minor) {
        (0, 0) => Version::new(0, 0, version.patch.saturating_add(1)),
        (0, minor) => Version::new(0, minor.saturating_add(1), 0),
        (major, _) => Version::new(major.saturating_add(1), 0, 0),
    }
}

#[cfg(test)]
mod tests;
