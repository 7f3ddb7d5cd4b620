//! Effective rights = declared ∩ granted (spec/capabilities.md, "Effective rights").
//!
//! Pure: the package's declaration, what the user asked for and a look into the environment go in, [`Grants`] come
//! out. Whatever is not in the grants does not exist for the program.

mod file;

pub use file::PolicyError;
pub(crate) use file::load;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zero_format::{
    Access, Capabilities, CapabilityKind, Clock, ClockRule, EnvRule, FsRule, FsScope, GuestPath,
    HostPattern, HttpRule, NetRule, RandomRule, UrlPattern,
};

use crate::http::{HttpPolicy, HttpScope};
use crate::net::{NetPolicy, NetScope};

/// What the user asked for, by flags and by stored consent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Everything that the package declares.
    pub declared: bool,
    /// What was answered to a consent screen.
    pub answers: Answers,
    /// Single grants.
    pub allow: Vec<Rule>,
    /// What is refused; wins over every grant.
    pub deny: Vec<Refusal>,
}

/// Answers to a consent screen: parts of a declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Yes.
    #[serde(default)]
    pub allowed: Capabilities,
    /// No.
    #[serde(default)]
    pub refused: Capabilities,
}

impl Answers {
    /// Whether all of a rule was allowed.
    fn allows(&self, rule: impl Into<Capabilities>) -> bool {
        self.allowed.widened_by(&rule.into()).is_empty()
    }

    /// Whether all of a rule was refused.
    fn refuses(&self, rule: impl Into<Capabilities>) -> bool {
        self.refused.widened_by(&rule.into()).is_empty()
    }
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// Both clocks.
    Clock,
    /// An environment variable: the user's own value, or the one given here.
    Env {
        /// Its name.
        name: String,
        /// Its value.
        value: Option<String>,
    },
    /// A file or directory.
    Fs {
        /// Where it is on this machine.
        host: PathBuf,
        /// Where the program sees it.
        guest: Option<GuestPath>,
        /// Read, or read and write.
        access: Access,
    },
    /// HTTP requests.
    Http {
        /// Which URLs.
        url: UrlPattern,
        /// Which methods; any if there are none.
        methods: Vec<String>,
    },
    /// A host.
    Net {
        /// Name, address or network.
        host: HostPattern,
        /// Any port when absent.
        port: Option<u16>,
    },
    /// Random numbers.
    Random,
}

/// One refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Files named as arguments.
    Args,
    /// Both clocks.
    Clock,
    /// All environment variables.
    Env,
    /// One environment variable.
    EnvNamed(String),
    /// All files.
    Fs,
    /// All HTTP requests.
    Http,
    /// Requests to some URLs.
    HttpTo {
        /// Which URLs.
        url: UrlPattern,
    },
    /// The whole network, HTTP included.
    Net,
    /// One host.
    NetTo {
        /// Name, address or network.
        host: HostPattern,
        /// Any port when absent.
        port: Option<u16>,
    },
    /// Random numbers.
    Random,
}

/// A directory or file of this machine inside the program's file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsGrant {
    /// Where it is on this machine.
    pub host: PathBuf,
    /// Where the program sees it.
    pub guest: GuestPath,
    /// Read, or read and write.
    pub access: Access,
}

/// Exactly what one run may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Directories and files.
    pub fs: Vec<FsGrant>,
    /// Files named as arguments.
    pub args: Option<Access>,
    /// The network.
    pub net: NetPolicy,
    /// HTTP requests.
    pub http: HttpPolicy,
    /// Environment variables with their values.
    pub env: Vec<(String, String)>,
    /// The wall clock.
    pub wall_clock: bool,
    /// The monotonic clock.
    pub monotonic_clock: bool,
    /// Random numbers.
    pub random: bool,
    /// What the user refused. It gives nothing; it explains a denied use.
    pub refused: Vec<Refusal>,
}

/// The outcome of a policy decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What the run may use.
    pub grants: Grants,
    /// What is declared and neither granted nor refused: what a consent screen would ask about.
    pub outstanding: Capabilities,
    /// Grants that do nothing, since the package does not declare them; each fits "the package does not declare …".
    pub beyond: Vec<String>,
}

/// Decides what a run may use.
///
/// `env` looks a variable up in the user's environment; it is asked only for granted names.
pub fn decide(
    declared: &Capabilities,
    asked: &Asked,
    env: &dyn Fn(&str) -> Option<String>,
) -> Decision {
    let mut decision = Decision::default();
    decision.grants.refused.clone_from(&asked.deny);
    fs(declared, asked, &mut decision);
    net(declared, asked, &mut decision);
    http(declared, asked, &mut decision);
    environment(declared, asked, env, &mut decision);
    clock(declared, asked, &mut decision);
    random(declared, asked, &mut decision);
    decision
}

fn fs(declared: &Capabilities, asked: &Asked, decision: &mut Decision) {
    let refused = |one: &Refusal| asked.deny.contains(one);
    for rule in &asked.allow {
        let Rule::Fs {
            host,
            guest,
            access,
        } = rule
        else {
            continue;
        };
        match place(declared, host, guest.as_ref()) {
            Ok((guest, most)) => {
                let access = (*access).min(most);
                if !refused(&Refusal::Fs) {
                    decision.grants.fs.push(FsGrant {
                        host: host.clone(),
                        guest,
                        access,
                    });
                }
            }
            Err(what) => decision.beyond.push(what),
        }
    }
    for rule in &declared.fs {
        match &rule.scope {
            FsScope::Args => {
                // Designation is authorisation: naming a file as an argument grants it, unless the user says no.
                if !refused(&Refusal::Fs) && !refused(&Refusal::Args) {
                    decision.grants.args = decision.grants.args.max(Some(rule.access));
                }
            }
            FsScope::Guest(path) => {
                let granted = decision
                    .grants
                    .fs
                    .iter()
                    .any(|grant| related(path, &grant.guest));
                if !granted && !refused(&Refusal::Fs) && !asked.answers.refuses(rule.clone()) {
                    decision.outstanding.fs.push(rule.clone());
                }
            }
        }
    }
}

/// Where a granted path appears, and the widest access declared there.
fn place(
    declared: &Capabilities,
    host: &Path,
    guest: Option<&GuestPath>,
) -> Result<(GuestPath, Access), String> {
    let same = guest_of(host);
    if let Some(guest) = guest.or(same.as_ref())
        && let Some(access) = declared_access(declared, guest)
    {
        return Ok((guest.clone(), access));
    }
    let mut scopes = declared.fs.iter().filter_map(|rule| match &rule.scope {
        FsScope::Guest(path) => Some((path, rule.access)),
        FsScope::Args => None,
    });
    // A single declared directory is where a path without `=GUEST` goes.
    if let (Some((path, access)), None, None) = (scopes.next(), scopes.next(), guest) {
        return Ok((path.clone(), access));
    }
    let name = guest.map_or_else(|| host.display().to_string(), ToString::to_string);
    let paths: Vec<String> = declared
        .fs
        .iter()
        .filter_map(guest_path)
        .map(ToString::to_string)
        .collect();
    Err(match paths.as_slice() {
        [] => format!("the directory {name}"),
        paths => format!(
            "the directory {name}, only {}: add =GUEST to the flag",
            paths.join(" and ")
        ),
    })
}

fn guest_path(rule: &FsRule) -> Option<&GuestPath> {
    match &rule.scope {
        FsScope::Guest(path) => Some(path),
        FsScope::Args => None,
    }
}

/// The guest path that a host path has when nobody says otherwise: itself, from the root.
fn guest_of(host: &Path) -> Option<GuestPath> {
    let text = host.to_str()?;
    let text = text
        .strip_prefix("./")
        .unwrap_or(text)
        .trim_end_matches('/');
    if text.starts_with('/') {
        text.parse().ok()
    } else {
        format!("/{text}").parse().ok()
    }
}

fn declared_access(declared: &Capabilities, guest: &GuestPath) -> Option<Access> {
    let covering = declared
        .fs
        .iter()
        .filter(|rule| guest_path(rule).is_some_and(|path| path.contains(guest)));
    covering.map(|rule| rule.access).max()
}

fn related(a: &GuestPath, b: &GuestPath) -> bool {
    a.contains(b) || b.contains(a)
}

fn net(declared: &Capabilities, asked: &Asked, decision: &mut Decision) {
    if asked.deny.contains(&Refusal::Net) {
        return;
    }
    let mut policy = NetPolicy {
        declared: declared.net.iter().map(NetScope::of).collect(),
        ..NetPolicy::default()
    };
    for rule in &asked.allow {
        let Rule::Net { host, port } = rule else {
            continue;
        };
        let scope = NetScope::new(host.clone(), *port);
        if policy
            .declared
            .iter()
            .any(|declared| declared.overlaps(&scope))
        {
            policy.granted.push(scope);
        } else if declared.http.is_empty() || !scope.is_address() {
            // An address says which private addresses HTTP requests may go to.
            decision.beyond.push(format!("the network host {scope}"));
        }
    }
    for rule in &declared.net {
        if asked.declared || asked.answers.allows(rule.clone()) {
            policy.granted.push(NetScope::of(rule));
        }
    }
    for one in &asked.deny {
        if let Refusal::NetTo { host, port } = one {
            policy.denied.push(NetScope::new(host.clone(), *port));
        }
    }
    let outstanding = |rule: &&NetRule| {
        let scope = NetScope::of(rule);
        !policy
            .granted
            .iter()
            .chain(&policy.denied)
            .any(|other| other.overlaps(&scope))
            && !asked.answers.refuses((*rule).clone())
    };
    decision.outstanding.net = declared.net.iter().filter(outstanding).cloned().collect();
    if !policy.granted.is_empty() {
        decision.grants.net = policy;
    }
}

fn http(declared: &Capabilities, asked: &Asked, decision: &mut Decision) {
    // Whoever refuses the network means all of it.
    if asked.deny.contains(&Refusal::Http) || asked.deny.contains(&Refusal::Net) {
        return;
    }
    let mut policy = HttpPolicy {
        declared: declared.http.iter().map(HttpScope::of).collect(),
        ..HttpPolicy::default()
    };
    for rule in &asked.allow {
        match rule {
            Rule::Http { url, methods } => {
                let scope = HttpScope::new(url.clone(), methods.clone());
                if policy.declared.iter().any(|one| one.overlaps(&scope)) {
                    policy.granted.push(scope);
                } else {
                    decision.beyond.push(format!("HTTP requests to {scope}"));
                }
            }
            Rule::Net { host, port } => {
                let scope = NetScope::new(host.clone(), *port);
                policy.addresses.extend(scope.is_address().then_some(scope));
            }
            _ => {}
        }
    }
    for rule in &declared.http {
        if asked.declared || asked.answers.allows(rule.clone()) {
            policy.granted.push(HttpScope::of(rule));
        }
    }
    for one in &asked.deny {
        match one {
            Refusal::HttpTo { url } => {
                policy.denied.push(HttpScope::new(url.clone(), Vec::new()));
            }
            Refusal::NetTo { host, port } => {
                policy.denied_hosts.push(NetScope::new(host.clone(), *port));
            }
            _ => {}
        }
    }
    let outstanding = |rule: &&HttpRule| {
        let scope = HttpScope::of(rule);
        let mut decided = policy.granted.iter().chain(&policy.denied);
        !decided.any(|other| other.overlaps(&scope)) && !asked.answers.refuses((*rule).clone())
    };
    decision.outstanding.http = declared.http.iter().filter(outstanding).cloned().collect();
    if !policy.granted.is_empty() {
        decision.grants.http = policy;
    }
}

fn environment(
    declared: &Capabilities,
    asked: &Asked,
    env: &dyn Fn(&str) -> Option<String>,
    decision: &mut Decision,
) {
    let is_declared = |name: &str| declared.env.iter().any(|rule| rule.name.as_str() == name);
    let refused = |name: &str| {
        asked.deny.iter().any(|one| match one {
            Refusal::Env => true,
            Refusal::EnvNamed(other) => other == name,
            _ => false,
        })
    };
    let mut given: Vec<(&str, Option<String>)> = Vec::new();
    for rule in &asked.allow {
        let Rule::Env { name, value } = rule else {
            continue;
        };
        if is_declared(name) {
            given.push((name, value.clone().or_else(|| env(name))));
        } else {
            decision
                .beyond
                .push(format!("the environment variable {name}"));
        }
    }
    for rule in &declared.env {
        let name = rule.name.as_str();
        let allowed = asked.declared || asked.answers.allows(rule.clone());
        if allowed && !given.iter().any(|(other, _)| *other == name) {
            given.push((name, env(name)));
        }
    }
    let outstanding = |rule: &&EnvRule| {
        let name = rule.name.as_str();
        !refused(name)
            && !given.iter().any(|(other, _)| *other == name)
            && !asked.answers.refuses((*rule).clone())
    };
    decision.outstanding.env = declared.env.iter().filter(outstanding).cloned().collect();
    let granted = given.into_iter().filter(|(name, _)| !refused(name));
    decision.grants.env = granted
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
}

fn clock(declared: &Capabilities, asked: &Asked, decision: &mut Decision) {
    let flag = asked.allow.contains(&Rule::Clock);
    if flag && declared.clock.is_empty() {
        decision.beyond.push("the clock".to_owned());
    }
    if asked.deny.contains(&Refusal::Clock) {
        return;
    }
    for rule in &declared.clock {
        if asked.declared || flag || asked.answers.allows(rule.clone()) {
            match rule.clock {
                Clock::Monotonic => decision.grants.monotonic_clock = true,
                Clock::Wall => decision.grants.wall_clock = true,
            }
        } else if !asked.answers.refuses(rule.clone()) {
            decision.outstanding.clock.push(rule.clone());
        }
    }
}

fn random(declared: &Capabilities, asked: &Asked, decision: &mut Decision) {
    let flag = asked.allow.contains(&Rule::Random);
    if flag && declared.random.is_none() {
        decision.beyond.push("random numbers".to_owned());
    }
    let Some(rule) = &declared.random else {
        return;
    };
    if asked.deny.contains(&Refusal::Random) {
        return;
    }
    if asked.declared || flag || asked.answers.allows(rule.clone()) {
        decision.grants.random = true;
    } else if !asked.answers.refuses(rule.clone()) {
        decision.outstanding.random = Some(rule.clone());
    }
}

impl Asked {
    /// The declaration that would make every single grant count.
    pub fn declaration(&self) -> Capabilities {
        let mut all = Capabilities::default();
        for rule in &self.allow {
            match rule {
                Rule::Clock => {
                    for clock in [Clock::Wall, Clock::Monotonic] {
                        all.clock.push(ClockRule {
                            clock,
                            reason: None,
                        });
                    }
                }
                Rule::Env { name, .. } => all
                    .env
                    .extend(name.parse().ok().map(|name| EnvRule { name, reason: None })),
                Rule::Fs {
                    host,
                    guest,
                    access,
                } => all
                    .fs
                    .extend(guest.clone().or_else(|| guest_of(host)).map(|path| FsRule {
                        scope: FsScope::Guest(path),
                        access: *access,
                        reason: None,
                    })),
                Rule::Http { url, methods } => all.http.push(HttpRule {
                    url: url.clone(),
                    methods: methods.clone(),
                    reason: None,
                }),
                Rule::Net { host, port } => all.net.push(NetRule {
                    host: host.clone(),
                    ports: port.iter().copied().collect(),
                    reason: None,
                }),
                Rule::Random => all.random = Some(RandomRule::default()),
            }
        }
        all
    }

    /// The flags that grant what is outstanding, as words of a command line. `folder` names the user's folder for a
    /// guest path.
    pub fn flags_for(
        outstanding: &Capabilities,
        folder: &dyn Fn(&GuestPath) -> String,
    ) -> Vec<String> {
        let mut flags = Vec::new();
        if outstanding
            .kinds()
            .iter()
            .any(|kind| *kind != CapabilityKind::Fs)
        {
            flags.push("--allow-declared".to_owned());
        }
        for rule in &outstanding.fs {
            if let FsScope::Guest(path) = &rule.scope {
                let mode = match rule.access {
                    Access::Read => "ro",
                    Access::ReadWrite => "rw",
                };
                flags.push("--allow-fs".to_owned());
                flags.push(format!("{}:{mode}={path}", folder(path)));
            }
        }
        flags
    }
}

#[cfg(test)]
mod tests;
