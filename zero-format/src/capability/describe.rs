//! Capabilities in words, for consent screens and `inspect`. Every word comes from here or from a checked newtype.

use super::atom::Atom;
use super::{Access, Capabilities, CapabilityKind, Clock, FsScope, HostPattern};

/// One declared rule in words, with the reason that the publisher gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need<'a> {
    /// The kind of capability.
    pub kind: CapabilityKind,
    /// A phrase that fits "it wants to …".
    pub words: String,
    /// The publisher's reason.
    pub reason: Option<&'a str>,
}

impl Capabilities {
    /// Every rule in words, in the order of the declaration: phrases that fit "it wants to …".
    pub fn describe(&self) -> Vec<String> {
        self.needs().into_iter().map(|need| need.words).collect()
    }

    /// Every rule in words with its reason, in the order of the declaration.
    pub fn needs(&self) -> Vec<Need<'_>> {
        let mut needs = Vec::new();
        for rule in &self.fs {
            needs.push(need(
                CapabilityKind::Fs,
                files(&rule.scope, rule.access),
                rule.reason.as_ref(),
            ));
        }
        for rule in &self.net {
            let ports = list(
                "port",
                &rule
                    .ports
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
            );
            needs.push(need(
                CapabilityKind::Net,
                connect(&rule.host, &ports),
                rule.reason.as_ref(),
            ));
        }
        for rule in &self.http {
            let words = format!("send {} to {}", requests(&rule.methods), rule.url);
            needs.push(need(CapabilityKind::Http, words, rule.reason.as_ref()));
        }
        for rule in &self.env {
            needs.push(need(
                CapabilityKind::Env,
                variable(&rule.name),
                rule.reason.as_ref(),
            ));
        }
        for rule in &self.clock {
            needs.push(need(
                CapabilityKind::Clock,
                clock(rule.clock).to_owned(),
                rule.reason.as_ref(),
            ));
        }
        if let Some(rule) = &self.random {
            needs.push(need(
                CapabilityKind::Random,
                RANDOM.to_owned(),
                rule.reason.as_ref(),
            ));
        }
        needs
    }
}

/// One atom in words.
pub(super) fn atom(atom: &Atom) -> String {
    match atom {
        Atom::Clock(which) => clock(*which).to_owned(),
        Atom::Env(name) => variable(name),
        Atom::Fs(scope, access) => files(scope, *access),
        Atom::Http(url, method) => format!("send {} to {url}", requests(method.as_slice())),
        Atom::Net(host, port) => connect(
            host,
            &list("port", port.map(|port| port.to_string()).as_slice()),
        ),
        Atom::Random => RANDOM.to_owned(),
    }
}

const RANDOM: &str = "use random numbers";

fn need(kind: CapabilityKind, words: String, reason: Option<&String>) -> Need<'_> {
    Need {
        kind,
        words,
        reason: reason.map(String::as_str),
    }
}

fn files(scope: &FsScope, access: Access) -> String {
    let verb = match access {
        Access::Read => "read",
        Access::ReadWrite => "read and write",
    };
    match scope {
        FsScope::Args => format!("{verb} the files named on the command line"),
        FsScope::Guest(path) => format!("{verb} files under {path}"),
    }
}

fn connect(host: &HostPattern, ports: &str) -> String {
    let host = match host {
        HostPattern::Cidr(block) if block.is_everything() && block.is_ipv4() => {
            "any IPv4 address".to_owned()
        }
        HostPattern::Cidr(block) if block.is_everything() => "any IPv6 address".to_owned(),
        HostPattern::Cidr(block) => format!("any address in {block}"),
        HostPattern::Ip(_) | HostPattern::Name(_) => host.to_string(),
    };
    format!("connect to {host} on {ports}")
}

fn requests(methods: &[String]) -> String {
    if methods.is_empty() {
        "HTTP requests of any method".to_owned()
    } else {
        format!("HTTP {}", join(methods))
    }
}

fn variable(name: &super::EnvName) -> String {
    format!("read the environment variable {name}")
}

fn clock(clock: Clock) -> &'static str {
    match clock {
        Clock::Monotonic => "measure elapsed time",
        Clock::Wall => "read the date and time",
    }
}

/// "any port", "port 1" or "ports 1, 2 and 3".
fn list(noun: &str, items: &[String]) -> String {
    match items {
        [] => format!("any {noun}"),
        [one] => format!("{noun} {one}"),
        many => format!("{noun}s {}", join(many)),
    }
}

/// "1, 2 and 3".
fn join(items: &[String]) -> String {
    match items {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => items.concat(),
    }
}
