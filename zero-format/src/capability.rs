//! What a program may touch: the declaration that a user consents to (spec/artifact.md, "Capabilities").
//!
//! A [`Capabilities`] value names *scopes*: this folder, that host. It is the same value in `Zero.toml`, in the
//! signed metadata, in the registry's events and on the consent screen.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

mod atom;
mod describe;
mod host;
mod path;
mod url;

pub use describe::Need;
pub use host::{Cidr, HostError, HostName, HostPattern};
pub use path::{EnvName, EnvNameError, GuestPath, GuestPathError};
pub use url::{Scheme, UrlHost, UrlPattern, UrlPatternError};

use atom::Atom;

/// Domain separation for [`Capabilities::digest`]; the line ends the prefix, so no scope can extend it.
const DIGEST_DOMAIN: &[u8] = b"zero-capabilities/1\n";

/// Everything that a program declares it needs. Standard streams and arguments are always there and never declared.
///
/// ```
/// use zero_format::{Access, Capabilities, FsRule, FsScope};
/// let old = Capabilities {
///     fs: vec![FsRule { scope: FsScope::Guest("/data".parse()?), access: Access::Read, reason: None }],
///     ..Capabilities::default()
/// };
/// let mut new = old.clone();
/// new.fs[0].access = Access::ReadWrite;
/// let widenings = old.widened_by(&new);
/// assert_eq!(widenings[0].to_string(), "read and write files under /data");
/// # Ok::<(), zero_format::GuestPathError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Files and folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fs: Vec<FsRule>,
    /// TCP and UDP, name look-ups for the hosts named included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub net: Vec<NetRule>,
    /// Outgoing HTTP requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpRule>,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvRule>,
    /// Clocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clock: Vec<ClockRule>,
    /// Random numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<RandomRule>,
}

/// Files below a guest path, or those named on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawFsRule", into = "RawFsRule")]
pub struct FsRule {
    /// Which files.
    pub scope: FsScope,
    /// What is done with them.
    pub access: Access,
    /// Why, for the person who is asked.
    pub reason: Option<String>,
}

/// Which files a [`FsRule`] is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FsScope {
    /// Those that the user names as arguments.
    Args,
    /// Those at and below a path that the program sees.
    Guest(GuestPath),
}

/// What is done with files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Looking only.
    Read,
    /// Looking, changing, creating and deleting.
    ReadWrite,
}

/// Connections to a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetRule {
    /// A name, an address or a block of addresses.
    pub host: HostPattern,
    /// Which ports; none listed means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<u16>,
    /// Why, for the person who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Outgoing HTTP requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRule {
    /// Which URLs.
    pub url: UrlPattern,
    /// Which methods, in capitals; none listed means any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Why, for the person who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvRule {
    /// Its name.
    pub name: EnvName,
    /// Why, for the person who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockRule {
    /// Which.
    pub clock: Clock,
    /// Why, for the person who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The clocks that a program can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Time that has passed.
    Monotonic,
    /// Date and time of day.
    Wall,
}

/// Random numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomRule {
    /// Why, for the person who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The kinds of capability, named as in `Zero.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapabilityKind {
    /// Clocks.
    Clock,
    /// Environment variables.
    Env,
    /// Files and folders.
    Fs,
    /// Outgoing HTTP requests.
    Http,
    /// TCP and UDP.
    Net,
    /// Random numbers.
    Random,
}

/// Something that a newer declaration asks for and an older one did not. Displays in words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Widening {
    atom: Atom,
}

impl Capabilities {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.kinds().is_empty()
    }

    /// The kinds of which something is asked for.
    pub fn kinds(&self) -> BTreeSet<CapabilityKind> {
        self.atoms().iter().map(Atom::kind).collect()
    }

    /// A digest of the scopes. Reasons, order and repetition do not matter, so consent survives a reworded reason.
    ///
    /// It is SHA-256 over `zero-capabilities/1` and one line for each scope, sorted: spec/artifact.md, "Digest of capabilities".
    pub fn digest(&self) -> Digest {
        let lines: BTreeSet<String> = self.atoms().iter().map(ToString::to_string).collect();
        let mut text = DIGEST_DOMAIN.to_vec();
        for line in lines {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        Digest::of(&text)
    }

    /// What `newer` asks for beyond this declaration, sorted; empty if `newer` asks for no more.
    ///
    /// Each scope of `newer` must lie inside a single scope of `self`. Two old scopes that only together contain a
    /// new one count as widened: the user never saw the union.
    pub fn widened_by(&self, newer: &Self) -> Vec<Widening> {
        let old = self.atoms();
        let new = newer.atoms();
        new.into_iter()
            .filter(|atom| !old.iter().any(|old| old.covers(atom)))
            .map(|atom| Widening { atom })
            .collect()
    }

    /// One declaration for each rule, in the order of [`Capabilities::needs`].
    pub fn rules(&self) -> Vec<Self> {
        let mut rules = Vec::new();
        rules.extend(self.fs.iter().cloned().map(Self::from));
        rules.extend(self.net.iter().cloned().map(Self::from));
        rules.extend(self.http.iter().cloned().map(Self::from));
        rules.extend(self.env.iter().cloned().map(Self::from));
        rules.extend(self.clock.iter().cloned().map(Self::from));
        rules.extend(self.random.iter().cloned().map(Self::from));
        rules
    }

    /// Adds the rules of another declaration, as they are.
    pub fn extend(&mut self, other: Self) {
        self.fs.extend(other.fs);
        self.net.extend(other.net);
        self.http.extend(other.http);
        self.env.extend(other.env);
        self.clock.extend(other.clock);
        self.random = self.random.take().or(other.random);
    }

    fn atoms(&self) -> BTreeSet<Atom> {
        atom::atoms(self)
    }
}

impl Widening {
    /// The kind of capability.
    pub fn kind(&self) -> CapabilityKind {
        self.atom.kind()
    }
}

impl fmt::Display for Widening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&describe::atom(&self.atom))
    }
}

impl CapabilityKind {
    /// The name in `Zero.toml` and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Env => "env",
            Self::Fs => "fs",
            Self::Http => "http",
            Self::Net => "net",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for CapabilityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The JSON shape of [`FsRule`]: `{"guest":"/data",…}` or `{"from":"args",…}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFsRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    guest: Option<GuestPath>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<FilesFrom>,
    access: Access,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FilesFrom {
    Args,
}

impl TryFrom<RawFsRule> for FsRule {
    type Error = &'static str;

    fn try_from(raw: RawFsRule) -> Result<Self, Self::Error> {
        let scope = match (raw.guest, raw.from) {
            (Some(path), None) => FsScope::Guest(path),
            (None, Some(FilesFrom::Args)) => FsScope::Args,
            _ => return Err("a file rule has exactly one of `guest` and `from`"),
        };
        Ok(Self {
            scope,
            access: raw.access,
            reason: raw.reason,
        })
    }
}

impl From<FsRule> for RawFsRule {
    fn from(rule: FsRule) -> Self {
        let (guest, from) = match rule.scope {
            FsScope::Guest(path) => (Some(path), None),
            FsScope::Args => (None, Some(FilesFrom::Args)),
        };
        Self {
            guest,
            from,
            access: rule.access,
            reason: rule.reason,
        }
    }
}

/// A declaration of a single rule.
macro_rules! single {
    ($($rule:ty: $field:ident = $value:expr;)*) => {
        $(impl From<$rule> for Capabilities {
            fn from(rule: $rule) -> Self {
                Self { $field: $value(rule), ..Self::default() }
            }
        })*
    };
}

single! {
    ClockRule: clock = |rule| vec![rule];
    EnvRule: env = |rule| vec![rule];
    FsRule: fs = |rule| vec![rule];
    HttpRule: http = |rule| vec![rule];
    NetRule: net = |rule| vec![rule];
    RandomRule: random = Some;
}

#[cfg(test)]
mod tests;
