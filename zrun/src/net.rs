//! One policy object for sockets and name look-ups (spec/capabilities.md, "Network").
//!
//! Addresses are judged when a socket is used, after resolution: a name that resolves to a private address grants
//! nothing unless the user named that address, its network, or `localhost`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zero_format::{HostPattern, NetRule};

/// A host and its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetScope {
    host: HostPattern,
    ports: Vec<u16>,
}

/// What a program may reach. The default reaches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetPolicy {
    /// What the package declares.
    pub declared: Vec<NetScope>,
    /// What the user grants.
    pub granted: Vec<NetScope>,
    /// What the user denies; wins.
    pub denied: Vec<NetScope>,
}

impl NetScope {
    /// A host with one port, or with any.
    pub fn new(host: HostPattern, port: Option<u16>) -> Self {
        Self {
            host,
            ports: port.into_iter().collect(),
        }
    }

    /// The scope of a declared rule.
    pub fn of(rule: &NetRule) -> Self {
        Self {
            host: rule.host.clone(),
            ports: rule.ports.clone(),
        }
    }

    /// Whether some connection may match both. A name and an address may always meet: only resolution tells.
    pub fn overlaps(&self, other: &Self) -> bool {
        let ports = self.ports.is_empty()
            || other.ports.is_empty()
            || self.ports.iter().any(|port| other.ports.contains(port));
        let hosts = match (&self.host, &other.host) {
            (HostPattern::Name(a), b @ HostPattern::Name(_)) => b.matches_name(a.as_str()),
            (HostPattern::Name(_), _) | (_, HostPattern::Name(_)) => true,
            (HostPattern::Ip(ip), b) => b.matches_ip(*ip),
            (a, HostPattern::Ip(ip)) => a.matches_ip(*ip),
            (HostPattern::Cidr(a), HostPattern::Cidr(b)) => {
                a.contains(b.address()) || b.contains(a.address())
            }
            // A kind of host that this version does not know matches nothing.
            _ => false,
        };
        ports && hosts
    }

    /// Whether this names addresses, not a name.
    pub(crate) fn is_address(&self) -> bool {
        !matches!(self.host, HostPattern::Name(_))
    }

    fn allows_port(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.contains(&port)
    }

    pub(crate) fn matches(&self, ip: IpAddr, port: u16, names: &[String]) -> bool {
        let host =
            self.host.matches_ip(ip) || names.iter().any(|name| self.host.matches_name(name));
        host && self.allows_port(port)
    }

    /// Whether this scope says on purpose that a private address is meant.
    pub(crate) fn names_private(&self, ip: IpAddr) -> bool {
        match &self.host {
            HostPattern::Name(name) => ip.is_loopback() && name.as_str() == "localhost",
            HostPattern::Ip(_) => self.host.matches_ip(ip),
            // `0.0.0.0/0` means the internet, not the machine next door.
            HostPattern::Cidr(block) => !block.is_everything() && block.contains(ip),
            _ => false,
        }
    }
}

impl fmt::Display for NetScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, self.ports.as_slice()) {
            (HostPattern::Ip(IpAddr::V6(ip)), [port]) => write!(f, "[{ip}]:{port}"),
            (host, [port]) => write!(f, "{host}:{port}"),
            (host, _) => write!(f, "{host}"),
        }
    }
}

impl NetPolicy {
    /// Whether nothing at all can be reached.
    pub fn is_empty(&self) -> bool {
        self.granted.is_empty() || self.declared.is_empty()
    }

    /// Whether a name may be looked up. An answer to a foreign name would tell its owner that the program runs.
    pub fn allows_name(&self, name: &str) -> bool {
        let named = |scopes: &[NetScope]| scopes.iter().any(|scope| scope.host.matches_name(name));
        // A whole denied name is not even looked up; a denied port of it is found out when connecting.
        let denied = self
            .denied
            .iter()
            .any(|scope| scope.ports.is_empty() && scope.host.matches_name(name));
        named(&self.granted)
            && self
                .declared
                .iter()
                .any(|scope| scope.host.matches_name(name))
            && !denied
    }

    /// Whether the package declares such a connection.
    pub(crate) fn declares(&self, ip: IpAddr, port: u16, names: &[String]) -> bool {
        self.declared
            .iter()
            .any(|scope| scope.matches(ip.to_canonical(), port, names))
    }

    /// Whether the user refused such a connection.
    pub(crate) fn refuses(&self, ip: IpAddr, port: u16, names: &[String]) -> bool {
        self.denied
            .iter()
            .any(|scope| scope.matches(ip.to_canonical(), port, names))
    }

    /// Whether a connection may be made. `names` are those that resolved to `ip` during this run.
    pub fn allows(&self, ip: IpAddr, port: u16, names: &[String]) -> bool {
        let ip = ip.to_canonical();
        let any = |scopes: &[NetScope]| scopes.iter().any(|scope| scope.matches(ip, port, names));
        let meant = || {
            let mut granted = self.granted.iter();
            granted.any(|scope| scope.matches(ip, port, names) && scope.names_private(ip))
        };
        any(&self.granted)
            && any(&self.declared)
            && !any(&self.denied)
            && (!is_private(ip) || meant())
    }
}

/// Addresses that do not belong to the public internet: loopback, private, link-local, shared, multicast, reserved.
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => is_private_v6(ip),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && ip.octets()[2] == 0)
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    let [first, second, third, ..] = ip.segments();
    // Addresses that carry an IPv4 address lead to that one: NAT64 and 6to4.
    if first == 0x64 && second == 0xff9b {
        let [.., a, b] = ip.segments();
        return third != 0 || is_private_v4(embedded(a, b));
    }
    if first == 0x2002 {
        return is_private_v4(embedded(second, third));
    }
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || (first & 0xffc0) == 0xfec0
        || first == 0
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(host: &str, port: Option<u16>) -> NetScope {
        NetScope::new(host.parse().unwrap(), port)
    }

    fn same(scopes: Vec<NetScope>) -> NetPolicy {
        NetPolicy {
            declared: scopes.clone(),
            granted: scopes,
            denied: Vec::new(),
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_default_reaches_nothing() {
        let policy = NetPolicy::default();
        assert!(policy.is_empty() && !policy.allows_name("example.org"));
        assert!(!policy.allows(ip("93.184.216.34"), 443, &[]));
    }

    #[test]
    fn a_name_grants_what_it_resolved_to_on_its_port() {
        let policy = same(vec![scope("api.example.org", Some(443))]);
        let names = ["api.example.org".to_owned()];
        assert!(policy.allows_name("api.example.org") && !policy.allows_name("example.org"));
        assert!(policy.allows(ip("93.184.216.34"), 443, &names));
        assert!(!policy.allows(ip("93.184.216.34"), 80, &names));
        assert!(!policy.allows(ip("93.184.216.34"), 443, &[]));
    }

    #[test]
    fn a_name_that_resolves_to_a_private_address_grants_nothing() {
        let policy = same(vec![scope("evil.example.org", None)]);
        let names = ["evil.example.org".to_owned()];
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "0.0.0.0",
        ] {
            assert!(!policy.allows(ip(private), 80, &names), "{private}");
        }
    }

    #[test]
    fn private_addresses_are_reached_when_named() {
        assert!(same(vec![scope("10.0.0.0/8", None)]).allows(ip("10.1.2.3"), 80, &[]));
        assert!(same(vec![scope("127.0.0.1", Some(80))]).allows(ip("127.0.0.1"), 80, &[]));
        let local = same(vec![scope("localhost", None)]);
        assert!(local.allows(ip("127.0.0.1"), 80, &["localhost".to_owned()]));
        assert!(!local.allows(ip("10.0.0.1"), 80, &["localhost".to_owned()]));
        assert!(!same(vec![scope("0.0.0.0/0", None)]).allows(ip("10.1.2.3"), 80, &[]));
    }

    #[test]
    fn denial_wins_and_both_lists_must_agree() {
        let mut policy = same(vec![scope("0.0.0.0/0", None)]);
        policy.denied.push(scope("93.184.0.0/16", None));
        assert!(!policy.allows(ip("93.184.216.34"), 443, &[]));
        assert!(policy.allows(ip("93.185.216.34"), 443, &[]));
        policy.declared = vec![scope("1.1.1.1", Some(53))];
        assert!(!policy.allows(ip("93.185.216.34"), 443, &[]));
        assert!(policy.allows(ip("1.1.1.1"), 53, &[]));
    }

    #[test]
    fn overlap_is_symmetric() {
        for (a, b, expected) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("a.example", "b.example", false),
            ("a.example", "1.2.3.4", true),
        ] {
            let (a, b) = (scope(a, None), scope(b, Some(1)));
            assert_eq!(
                (a.overlaps(&b), b.overlaps(&a)),
                (expected, expected),
                "{a} {b}"
            );
        }
    }
}
