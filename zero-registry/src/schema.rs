//! The JSON of an event body as it stands on the wire (spec/registry.md, "Events").
//!
//! One flat object for every kind. [`crate::event`] turns it into a body of which each kind has
//! exactly its own members, and back.

use serde::{Deserialize, Serialize};
use zero_format::{Capabilities, Digest, PackageName, Version};

use crate::event::Distrust;
use crate::origin::Origin;
use crate::role::Role;
use crate::time::Timestamp;

pub(crate) const EVENT_TAG: &str = "zero-event/1";

/// A line of a package chain: the body as a string, and the signatures over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventLine {
    /// The body. What is signed is these bytes and a line feed, as `jq -r .e` prints them.
    pub e: String,
    /// Texts of minisign signatures.
    pub s: Vec<String>,
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EventKind {
    /// A statement about a release by its publisher.
    Attest,
    /// The first event: who may speak for the name.
    Claim,
    /// New keys, signed by the admin keys.
    Keys,
    /// New keys, signed by the registry's root keys.
    Recover,
    /// A version.
    Release,
    /// A version that must never run again.
    Revoke,
    /// Takes a yank back.
    Unyank,
    /// A version that must not be newly chosen.
    Yank,
}

/// All members of all kinds, in the order in which they are written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    pub(crate) r#type: String,
    pub(crate) kind: EventKind,
    pub(crate) origin: Origin,
    pub(crate) name: PackageName,
    pub(crate) seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prev: Option<Digest>,
    pub(crate) time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) admin: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) distrust: Option<Vec<Distrust>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) runtime: Option<Version>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) capabilities_sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) capabilities: Option<Capabilities>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) predicate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}
