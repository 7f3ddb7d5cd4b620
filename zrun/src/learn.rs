//! What a program really used and tried to use, and the smallest declaration that covers it (spec/capabilities.md,
//! "Learning").
//!
//! A learning run grants no more than any other run. A use that was denied is needed as well: it is in the proposal,
//! and what the program would have done next is learned once the use is granted.

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use zero_format::{
    Capabilities, Clock, ClockRule, EnvRule, HostPattern, HttpRule, NetRule, RandomRule,
};

use crate::audit::{Event, Listener, Reason, Use, What};

/// Remembers the uses of one run or of several. Clones share what they remember.
#[derive(Clone, Debug, Default)]
pub struct Learned(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    used: BTreeSet<Use>,
    denied: BTreeSet<Use>,
}

/// What a program needs, as far as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The smallest declaration of what was used and of what was denied.
    pub needed: Capabilities,
    /// What of it was denied: granting it may show more.
    pub denied: Capabilities,
    /// What could not be turned into a rule, in words for the developer.
    pub notes: Vec<String>,
}

impl Listener for Learned {
    fn hear(&mut self, event: &Event<'_>) -> io::Result<()> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event.what {
            What::Used(one) => {
                seen.used.insert(one.clone());
            }
            // What leads out of a folder or changes the package's own files is no rule's business, and a refusal is
            // the user's own.
            What::Denied(one, Reason::NotGranted | Reason::Undeclared) => {
                seen.denied.insert(one.clone());
            }
            _ => {}
        }
        Ok(())
    }
}

impl Learned {
    /// The smallest declaration that covers what was seen. Scopes and reasons of `declared`, with which the program
    /// ran, are kept where they cover a use.
    pub fn proposal(&self, declared: &Capabilities) -> Proposal {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut notes = Vec::new();
        let denied = rules(&seen, &seen.denied, declared, &mut notes);
        let all: BTreeSet<Use> = seen.used.union(&seen.denied).cloned().collect();
        Proposal {
            needed: rules(&seen, &all, declared, &mut Vec::new()),
            denied,
            notes,
        }
    }
}

fn rules(
    seen: &Seen,
    uses: &BTreeSet<Use>,
    declared: &Capabilities,
    notes: &mut Vec<String>,
) -> Capabilities {
    let mut needed = Capabilities {
        fs: files::rules(&seen.used, uses, declared, notes),
        net: net(uses, declared, notes),
        http: http(uses, declared, notes),
        ..Capabilities::default()
    };
    for one in uses {
        match one {
            Use::Clock(clock) => needed.clock.push(clock_rule(*clock, declared)),
            Use::Env { names } => needed.env.extend(env(names, declared)),
            Use::Random => {
                needed.random = Some(
                    declared
                        .random
                        .clone()
                        .unwrap_or(RandomRule { reason: None }),
                );
            }
            _ => {}
        }
    }
    needed
}

fn clock_rule(clock: Clock, declared: &Capabilities) -> ClockRule {
    let known = declared.clock.iter().find(|rule| rule.clock == clock);
    known.cloned().unwrap_or(ClockRule {
        clock,
        reason: None,
    })
}

fn env(names: &[String], declared: &Capabilities) -> Vec<EnvRule> {
    let of = |name: &String| {
        let known = declared
            .env
            .iter()
            .find(|rule| rule.name.as_str() == name.as_str());
        known.cloned().or_else(|| {
            Some(EnvRule {
                name: name.parse().ok()?,
                reason: None,
            })
        })
    };
    names.iter().filter_map(of).collect()
}

/// One rule for each host, with the ports that were used.
fn net(uses: &BTreeSet<Use>, declared: &Capabilities, notes: &mut Vec<String>) -> Vec<NetRule> {
    let mut hosts: BTreeMap<String, (HostPattern, BTreeSet<u16>)> = BTreeMap::new();
    for one in uses {
        if let Use::Connect { address, names } = one {
            let host = host(address.ip(), names, declared);
            let entry = hosts
                .entry(host.to_string())
                .or_insert((host, BTreeSet::new()));
            entry.1.insert(address.port());
        }
    }
    for one in uses {
        match one {
            Use::Lookup { name } if !hosts.contains_key(name) => notes.push(format!(
                "it looks up {name}: run it again with --allow-net {name} to learn the port"
            )),
            Use::Network => notes.push(
                "it opens a socket: run it again with --allow-net HOST to learn where it connects to"
                    .to_owned(),
            ),
            _ => {}
        }
    }
    let rule = |(host, ports): (HostPattern, BTreeSet<u16>)| {
        let known = declared.net.iter().find(|rule| rule.host == host);
        NetRule {
            ports: ports.into_iter().collect(),
            reason: known.and_then(|rule| rule.reason.clone()),
            host,
        }
    };
    hosts.into_values().map(rule).collect()
}

/// The declared host that covers an address, else the name that led to it, else the address itself.
fn host(ip: IpAddr, names: &[String], declared: &Capabilities) -> HostPattern {
    let covers = |host: &HostPattern| {
        host.matches_ip(ip) || names.iter().any(|name| host.matches_name(name))
    };
    let known = declared
        .net
        .iter()
        .map(|rule| &rule.host)
        .find(|host| covers(host));
    let by_name = || names.iter().find_map(|name| name.parse().ok());
    known
        .cloned()
        .or_else(by_name)
        .unwrap_or(HostPattern::Ip(ip.to_canonical()))
}

/// One rule for each URL, with the methods that were used.
fn http(uses: &BTreeSet<Use>, declared: &Capabilities, notes: &mut Vec<String>) -> Vec<HttpRule> {
    let mut rules: Vec<HttpRule> = Vec::new();
    for one in uses {
        let Use::Http { method, url } = one else {
            continue;
        };
        let Ok(exact) = url.parse::<zero_format::UrlPattern>() else {
            notes.push(format!(
                "it sends {method} to {url}, which no rule can name"
            ));
            continue;
        };
        let single = Capabilities::from(HttpRule {
            url: exact.clone(),
            methods: vec![method.clone()],
            reason: None,
        });
        let known = declared.http.iter().find(|rule| {
            Capabilities::from((*rule).clone())
                .widened_by(&single)
                .is_empty()
        });
        let (url, reason) = known.map_or((exact, None), |rule| {
            (rule.url.clone(), rule.reason.clone())
        });
        match rules.iter_mut().find(|rule| rule.url == url) {
            Some(rule) if rule.methods.contains(method) => {}
            Some(rule) => rule.methods.push(method.clone()),
            None => rules.push(HttpRule {
                url,
                methods: vec![method.clone()],
                reason,
            }),
        }
    }
    rules
}

#[cfg(test)]
mod tests;
