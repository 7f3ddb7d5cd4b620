//! The smallest scopes that declarations are made of: what is compared, digested and put in words.
//!
//! A rule with three ports is three atoms, so two ways to write the same thing are the same thing. `Display` is the
//! line that the digest covers (spec/artifact.md, "Digest of capabilities").

use std::collections::BTreeSet;
use std::fmt;

use super::{
    Access, Capabilities, CapabilityKind, Clock, EnvName, FsScope, HostPattern, UrlPattern,
};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Atom {
    Clock(Clock),
    Env(EnvName),
    Fs(FsScope, Access),
    Http(UrlPattern, Option<String>),
    Net(HostPattern, Option<u16>),
    Random,
}

/// Takes a declaration apart.
pub(super) fn atoms(capabilities: &Capabilities) -> BTreeSet<Atom> {
    let mut atoms = BTreeSet::new();
    atoms.extend(
        capabilities
            .fs
            .iter()
            .map(|rule| Atom::Fs(rule.scope.clone(), rule.access)),
    );
    for rule in &capabilities.net {
        atoms.extend(each(&rule.ports).map(|port| Atom::Net(rule.host.clone(), port)));
    }
    for rule in &capabilities.http {
        atoms.extend(each(&rule.methods).map(|method| Atom::Http(rule.url.clone(), method)));
    }
    atoms.extend(
        capabilities
            .env
            .iter()
            .map(|rule| Atom::Env(rule.name.clone())),
    );
    atoms.extend(
        capabilities
            .clock
            .iter()
            .map(|rule| Atom::Clock(rule.clock)),
    );
    atoms.extend(capabilities.random.iter().map(|_| Atom::Random));
    atoms
}

/// Every item of a list in which nothing listed means all.
fn each<T: Clone>(items: &[T]) -> impl Iterator<Item = Option<T>> {
    let all = items.is_empty().then_some(None);
    items.iter().cloned().map(Some).chain(all)
}

impl Atom {
    pub(super) fn kind(&self) -> CapabilityKind {
        match self {
            Self::Clock(_) => CapabilityKind::Clock,
            Self::Env(_) => CapabilityKind::Env,
            Self::Fs(..) => CapabilityKind::Fs,
            Self::Http(..) => CapabilityKind::Http,
            Self::Net(..) => CapabilityKind::Net,
            Self::Random => CapabilityKind::Random,
        }
    }

    /// Whether whoever granted `self` has granted `other` too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fs(FsScope::Args, access), Self::Fs(FsScope::Args, wanted)) => access >= wanted,
            (Self::Fs(FsScope::Guest(path), access), Self::Fs(FsScope::Guest(inner), wanted)) => {
                access >= wanted && path.contains(inner)
            }
            (Self::Net(host, port), Self::Net(inner, wanted)) => {
                host.covers(inner) && includes(port.as_ref(), wanted.as_ref())
            }
            (Self::Http(url, method), Self::Http(inner, wanted)) => {
                url.covers(inner) && includes(method.as_ref(), wanted.as_ref())
            }
            _ => self == other,
        }
    }
}

/// Whether "these, or any" includes "that, or any".
fn includes<T: PartialEq>(granted: Option<&T>, wanted: Option<&T>) -> bool {
    granted.is_none_or(|granted| wanted == Some(granted))
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock(Clock::Monotonic) => f.write_str("clock monotonic"),
            Self::Clock(Clock::Wall) => f.write_str("clock wall"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Fs(scope, access) => {
                let access = match access {
                    Access::Read => "read",
                    Access::ReadWrite => "read-write",
                };
                match scope {
                    FsScope::Args => write!(f, "fs {access} args"),
                    FsScope::Guest(path) => write!(f, "fs {access} guest {path}"),
                }
            }
            Self::Http(url, method) => write!(f, "http {} {url}", method.as_deref().unwrap_or("*")),
            Self::Net(host, None) => write!(f, "net {host} *"),
            Self::Net(host, Some(port)) => write!(f, "net {host} {port}"),
            Self::Random => f.write_str("random"),
        }
    }
}
