//! The body of an event: common members, and those of its kind.

use serde::{Deserialize, Serialize};
use zero_format::{Capabilities, Digest, PackageName, PublicKey, Version};

use super::EventError;
use crate::json;
use crate::limits::{MAX_BLOB_BYTES, MAX_KEYS, MAX_TEXT_CHARS};
use crate::origin::Origin;
use crate::role::Role;
use crate::schema::{Body, EVENT_TAG, EventKind};
use crate::time::Timestamp;

/// What an event says, and where in which chain.
#[derive(Clone, Debug, PartialEq)]
pub struct EventBody {
    /// The registry that it is meant for.
    pub origin: Origin,
    /// Full name of the package.
    pub name: PackageName,
    /// Its place in the package's chain, from 0.
    pub seq: u64,
    /// SHA-256 of the line before; none at place 0.
    pub prev: Option<Digest>,
    /// When it was signed, as the signer says. A registry takes it only near its own time.
    pub time: Timestamp,
    /// What it says.
    pub action: Action,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// A statement about a release, kept elsewhere.
    Attest {
        /// The release.
        version: Version,
        /// What sort of statement: a URI.
        predicate: String,
        /// SHA-256 of the statement.
        sha256: Digest,
        /// Bytes of the statement.
        size: u64,
    },
    /// The first event: who may speak for the name.
    Claim {
        /// Keys that publish.
        release: Role,
        /// Keys that change keys.
        admin: Role,
    },
    /// New keys, signed by the admin keys.
    Keys {
        /// Keys that publish from now on.
        release: Role,
        /// Keys that change keys from now on.
        admin: Role,
        /// Keys whose releases no longer count.
        distrust: Vec<Distrust>,
    },
    /// New keys, signed by the registry's root keys.
    Recover {
        /// Keys that publish from now on.
        release: Role,
        /// Keys that change keys from now on.
        admin: Role,
        /// Keys whose releases no longer count.
        distrust: Vec<Distrust>,
    },
    /// A version. Boxed, as it is by far the largest.
    Release(Box<ReleaseInfo>),
    /// A version that must never run again.
    Revoke {
        /// The release.
        version: Version,
        /// Why.
        reason: Option<String>,
    },
    /// Takes a yank back.
    Unyank {
        /// The release.
        version: Version,
    },
    /// A version that must not be newly chosen.
    Yank {
        /// The release.
        version: Version,
        /// Why.
        reason: Option<String>,
    },
}

/// A version as its publisher announces it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseInfo {
    /// The version.
    pub version: Version,
    /// SHA-256 of the `.zero` file.
    pub sha256: Digest,
    /// Bytes of the `.zero` file.
    pub size: u64,
    /// The oldest version of Zero that runs it.
    pub runtime: Version,
    /// What it wants to be allowed, as in the file's metadata.
    pub capabilities: Capabilities,
}

/// A key whose signatures no longer count from some place of the chain on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distrust {
    /// The key.
    pub key: PublicKey,
    /// The first place whose signature by this key does not count.
    pub from: u64,
}

impl EventBody {
    /// The kind of the event.
    pub fn kind(&self) -> EventKind {
        match &self.action {
            Action::Attest { .. } => EventKind::Attest,
            Action::Claim { .. } => EventKind::Claim,
            Action::Keys { .. } => EventKind::Keys,
            Action::Recover { .. } => EventKind::Recover,
            Action::Release(_) => EventKind::Release,
            Action::Revoke { .. } => EventKind::Revoke,
            Action::Unyank { .. } => EventKind::Unyank,
            Action::Yank { .. } => EventKind::Yank,
        }
    }

    /// The body as one line of JSON, without a line feed.
    pub(super) fn encode(&self) -> String {
        let mut body = self.common();
        match self.action.clone() {
            Action::Attest {
                version,
                predicate,
                sha256,
                size,
            } => {
                body.version = Some(version);
                body.predicate = Some(predicate);
                body.sha256 = Some(sha256);
                body.size = Some(size);
            }
            Action::Claim { release, admin } => {
                body.release = Some(release);
                body.admin = Some(admin);
            }
            Action::Keys {
                release,
                admin,
                distrust,
            }
            | Action::Recover {
                release,
                admin,
                distrust,
            } => {
                body.release = Some(release);
                body.admin = Some(admin);
                body.distrust = Some(distrust).filter(|list| !list.is_empty());
            }
            Action::Release(info) => {
                body.capabilities_sha256 = Some(info.capabilities.digest());
                body.version = Some(info.version);
                body.sha256 = Some(info.sha256);
                body.size = Some(info.size);
                body.runtime = Some(info.runtime);
                body.capabilities = Some(info.capabilities);
            }
            Action::Revoke { version, reason } | Action::Yank { version, reason } => {
                body.version = Some(version);
                body.reason = reason;
            }
            Action::Unyank { version } => body.version = Some(version),
        }
        serde_json::to_string(&body).expect("a body has only members that JSON can hold")
    }

    fn common(&self) -> Body {
        Body {
            r#type: EVENT_TAG.to_owned(),
            kind: self.kind(),
            origin: self.origin.clone(),
            name: self.name.clone(),
            seq: self.seq,
            prev: self.prev,
            time: self.time,
            release: None,
            admin: None,
            distrust: None,
            version: None,
            sha256: None,
            size: None,
            runtime: None,
            capabilities_sha256: None,
            capabilities: None,
            predicate: None,
            reason: None,
        }
    }

    /// Reads a body.
    pub(super) fn decode(text: &str) -> Result<Self, EventError> {
        let mut members = Members(json::decode(EVENT_TAG, text.as_bytes())?);
        let action = members.action()?;
        let body = members.finish()?;
        Ok(Self {
            origin: body.origin,
            name: body.name,
            seq: body.seq,
            prev: body.prev,
            time: body.time,
            action,
        })
    }
}

/// A body of which the members of its kind are taken one by one; what is left over is refused.
struct Members(Body);

impl Members {
    fn action(&mut self) -> Result<Action, EventError> {
        Ok(match self.0.kind {
            EventKind::Attest => Action::Attest {
                version: self.version()?,
                predicate: self.predicate()?,
                sha256: take(&mut self.0.sha256, self.0.kind)?,
                size: take(&mut self.0.size, self.0.kind)?,
            },
            EventKind::Claim => Action::Claim {
                release: take(&mut self.0.release, self.0.kind)?,
                admin: take(&mut self.0.admin, self.0.kind)?,
            },
            EventKind::Keys => Action::Keys {
                release: take(&mut self.0.release, self.0.kind)?,
                admin: take(&mut self.0.admin, self.0.kind)?,
                distrust: self.distrust()?,
            },
            EventKind::Recover => Action::Recover {
                release: take(&mut self.0.release, self.0.kind)?,
                admin: take(&mut self.0.admin, self.0.kind)?,
                distrust: self.distrust()?,
            },
            EventKind::Release => Action::Release(Box::new(self.release()?)),
            EventKind::Revoke => Action::Revoke {
                version: self.version()?,
                reason: self.reason()?,
            },
            EventKind::Unyank => Action::Unyank {
                version: self.version()?,
            },
            EventKind::Yank => Action::Yank {
                version: self.version()?,
                reason: self.reason()?,
            },
        })
    }

    fn release(&mut self) -> Result<ReleaseInfo, EventError> {
        let info = ReleaseInfo {
            version: self.version()?,
            sha256: take(&mut self.0.sha256, self.0.kind)?,
            size: take(&mut self.0.size, self.0.kind)?,
            runtime: take(&mut self.0.runtime, self.0.kind)?,
            capabilities: take(&mut self.0.capabilities, self.0.kind)?,
        };
        let digest = take(&mut self.0.capabilities_sha256, self.0.kind)?;
        if digest != info.capabilities.digest() {
            return Err(self.refuse("has capabilities that are not those of its digest"));
        }
        if !(1..=MAX_BLOB_BYTES).contains(&info.size) {
            return Err(self.refuse("has a size that is out of range"));
        }
        Ok(info)
    }

    fn version(&mut self) -> Result<Version, EventError> {
        take(&mut self.0.version, self.0.kind)
    }

    fn reason(&mut self) -> Result<Option<String>, EventError> {
        let reason = self.0.reason.take();
        match &reason {
            Some(text) if !fits(text) => Err(self.refuse("has an empty or too long reason")),
            _ => Ok(reason),
        }
    }

    fn predicate(&mut self) -> Result<String, EventError> {
        let predicate = take(&mut self.0.predicate, self.0.kind)?;
        if fits(&predicate) {
            Ok(predicate)
        } else {
            Err(self.refuse("has an empty or too long predicate"))
        }
    }

    fn distrust(&mut self) -> Result<Vec<Distrust>, EventError> {
        let list = self.0.distrust.take().unwrap_or_default();
        if list.len() > MAX_KEYS {
            return Err(self.refuse("distrusts too many keys at once"));
        }
        Ok(list)
    }

    /// The common members, when no other are left.
    fn finish(self) -> Result<Body, EventError> {
        let body = &self.0;
        let rest = body.release.is_some()
            || body.admin.is_some()
            || body.distrust.is_some()
            || body.version.is_some()
            || body.sha256.is_some()
            || body.size.is_some()
            || body.runtime.is_some()
            || body.capabilities_sha256.is_some()
            || body.capabilities.is_some()
            || body.predicate.is_some()
            || body.reason.is_some();
        if rest {
            return Err(self.refuse("has a member of another kind"));
        }
        if (body.seq == 0) != body.prev.is_none() {
            return Err(self.refuse("has `prev` at place 0, or lacks it elsewhere"));
        }
        Ok(self.0)
    }

    fn refuse(&self, problem: &'static str) -> EventError {
        EventError::Body {
            kind: kind_name(self.0.kind),
            problem,
        }
    }
}

fn fits(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_TEXT_CHARS
}

/// Takes a member that the kind needs.
fn take<T>(member: &mut Option<T>, kind: EventKind) -> Result<T, EventError> {
    member.take().ok_or(EventError::Body {
        kind: kind_name(kind),
        problem: "lacks a member",
    })
}

fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Attest => "attest",
        EventKind::Claim => "claim",
        EventKind::Keys => "keys",
        EventKind::Recover => "recover",
        EventKind::Release => "release",
        EventKind::Revoke => "revoke",
        EventKind::Unyank => "unyank",
        EventKind::Yank => "yank",
    }
}
