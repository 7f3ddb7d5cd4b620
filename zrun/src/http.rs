//! Which HTTP requests a program may send (spec/capabilities.md, "HTTP").
//!
//! A request is judged twice: its text before anything is looked up, and each address of its host before anything is
//! connected. The connection then goes to an address that was judged, so a second answer to the same question changes
//! nothing.

use std::fmt;
use std::net::IpAddr;

use zero_format::{HttpRule, Scheme, UrlHost, UrlPattern};

use crate::net::{NetScope, is_private};

/// URLs, and the methods that may be used with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpScope {
    url: UrlPattern,
    methods: Vec<String>,
}

/// What a program may request. The default allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpPolicy {
    /// What the package declares.
    pub declared: Vec<HttpScope>,
    /// What the user grants.
    pub granted: Vec<HttpScope>,
    /// What the user denies; wins.
    pub denied: Vec<HttpScope>,
    /// Addresses and blocks that the user means although they are private.
    pub addresses: Vec<NetScope>,
    /// Hosts that the user denies to all of the network; wins.
    pub denied_hosts: Vec<NetScope>,
}

/// Where a request goes, in the form in which it is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTarget {
    /// The method, as it is sent.
    pub method: String,
    /// How it travels.
    pub scheme: Scheme,
    /// Name or address; IPv6 stands in brackets.
    pub host: String,
    /// The port, also where the URL names none.
    pub port: u16,
    /// The path; it may carry a query, which is not looked at.
    pub path: String,
}

impl HttpScope {
    /// URLs with these methods, or with any if there are none.
    pub fn new(url: UrlPattern, methods: Vec<String>) -> Self {
        Self { url, methods }
    }

    /// The scope of a declared rule.
    pub fn of(rule: &HttpRule) -> Self {
        Self::new(rule.url.clone(), rule.methods.clone())
    }

    /// Whether some request is meant by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let methods = self.methods.is_empty()
            || other.methods.is_empty()
            || self
                .methods
                .iter()
                .any(|method| other.methods.contains(method));
        methods && self.url.overlaps(&other.url)
    }

    pub(crate) fn matches(&self, target: &HttpTarget) -> bool {
        let method = self.methods.is_empty() || self.methods.contains(&target.method);
        let port = Some(target.port);
        method
            && self
                .url
                .matches(target.scheme, &target.host, port, &target.path)
    }

    /// Whether this scope says on purpose that a private address is meant.
    fn names_private(&self, ip: IpAddr) -> bool {
        match self.url.host() {
            UrlHost::Ip(own) => *own == ip,
            UrlHost::Name(name) => ip.is_loopback() && name.as_str() == "localhost",
            _ => false,
        }
    }
}

impl fmt::Display for HttpScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.methods.is_empty() {
            write!(f, "{} ", self.methods.join(","))?;
        }
        self.url.fmt(f)
    }
}

impl HttpPolicy {
    /// Whether nothing at all can be requested.
    pub fn is_empty(&self) -> bool {
        self.granted.is_empty() || self.declared.is_empty()
    }

    /// Whether a request may be sent, as far as its text tells.
    pub fn allows(&self, target: &HttpTarget) -> bool {
        let any = |scopes: &[HttpScope]| scopes.iter().any(|scope| scope.matches(target));
        any(&self.granted) && any(&self.declared) && !any(&self.denied)
    }

    /// Whether the package declares such a request.
    pub fn declares(&self, target: &HttpTarget) -> bool {
        self.declared.iter().any(|scope| scope.matches(target))
    }

    /// Whether the user denied such a request.
    pub fn refuses(&self, target: &HttpTarget) -> bool {
        self.denied.iter().any(|scope| scope.matches(target))
    }

    /// Whether an allowed request may go to this address, which its host resolved to.
    pub fn allows_address(&self, target: &HttpTarget, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        !self.refuses_address(target, ip) && (!is_private(ip) || self.means_private(target, ip))
    }

    /// Whether the user denied the host or the address to the whole of the network.
    pub(crate) fn refuses_address(&self, target: &HttpTarget, ip: IpAddr) -> bool {
        let name = target.host.trim_end_matches('.').to_ascii_lowercase();
        let names = [name];
        let mut denied = self.denied_hosts.iter();
        denied.any(|scope| scope.matches(ip.to_canonical(), target.port, &names))
    }

    fn means_private(&self, target: &HttpTarget, ip: IpAddr) -> bool {
        let mut granted = self.granted.iter();
        let mut addresses = self.addresses.iter();
        granted.any(|scope| scope.matches(target) && scope.names_private(ip))
            || addresses.any(|scope| scope.matches(ip, target.port, &[]) && scope.names_private(ip))
    }
}

impl HttpTarget {
    /// The URL without its query, for people.
    pub fn url(&self) -> String {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        format!(
            "{}{}",
            self.origin(),
            if path.is_empty() { "/" } else { path }
        )
    }

    fn origin(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let port = match self.port {
            port if port == self.scheme.port() => String::new(),
            port => format!(":{port}"),
        };
        format!("{scheme}://{}{port}", self.host.to_ascii_lowercase())
    }

    /// The narrowest pattern that means this request, if one can be written.
    pub fn pattern(&self) -> Option<String> {
        let whole = self.url();
        let folder = format!("{}/*", self.origin());
        [whole, folder]
            .into_iter()
            .find(|text| text.parse::<UrlPattern>().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> HttpScope {
        let (methods, url) = text.split_once(' ').unwrap_or(("", text));
        let methods = methods.split(',').filter(|word| !word.is_empty());
        HttpScope::new(
            url.parse().unwrap(),
            methods.map(ToOwned::to_owned).collect(),
        )
    }

    fn same(texts: &[&str]) -> HttpPolicy {
        let scopes: Vec<_> = texts.iter().map(|text| scope(text)).collect();
        HttpPolicy {
            declared: scopes.clone(),
            granted: scopes,
            ..HttpPolicy::default()
        }
    }

    fn get(host: &str, path: &str) -> HttpTarget {
        HttpTarget {
            method: "GET".to_owned(),
            scheme: Scheme::Https,
            host: host.to_owned(),
            port: 443,
            path: path.to_owned(),
        }
    }

    #[test]
    fn the_default_allows_nothing() {
        let policy = HttpPolicy::default();
        assert!(policy.is_empty() && !policy.allows(&get("a.org", "/")));
    }

    #[test]
    fn method_and_url_are_both_judged() {
        let policy = same(&["GET,HEAD https://a.org/v1/*"]);
        assert!(policy.allows(&get("A.org", "/v1/x?q=1")));
        for (method, host, path) in [
            ("POST", "a.org", "/v1/x"),
            ("get", "a.org", "/v1/x"),
            ("GET", "b.org", "/v1/x"),
            ("GET", "a.org", "/v2/x"),
            ("GET", "a.org", "/v1/%2e%2e/x"),
        ] {
            let mut target = get(host, path);
            method.clone_into(&mut target.method);
            assert!(!policy.allows(&target), "{method} {host} {path}");
        }
    }

    #[test]
    fn denial_wins_and_both_lists_must_agree() {
        let mut policy = same(&["https://*/*"]);
        policy.denied.push(scope("https://a.org/private/*"));
        assert!(policy.allows(&get("a.org", "/x")));
        assert!(!policy.allows(&get("a.org", "/private/x")));
        policy.declared = vec![scope("https://b.org/*")];
        assert!(!policy.allows(&get("a.org", "/x")));
        assert!(policy.allows(&get("b.org", "/x")));
    }

    #[test]
    fn private_addresses_are_reached_when_named_and_not_through_names() {
        let private: IpAddr = "10.1.2.3".parse().unwrap();
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let mut policy = same(&["https://*/*", "https://corp.example/*"]);
        let corp = get("corp.example", "/");
        assert!(policy.allows_address(&corp, "93.184.216.34".parse().unwrap()));
        for ip in ["10.1.2.3", "::ffff:10.1.2.3", "169.254.169.254", "::1"] {
            assert!(!policy.allows_address(&corp, ip.parse().unwrap()), "{ip}");
        }
        let block = |text: &str| NetScope::new(text.parse().unwrap(), Some(443));
        policy.addresses = vec![block("0.0.0.0/0")];
        assert!(!policy.allows_address(&corp, private));
        policy.addresses = vec![block("10.0.0.0/8")];
        assert!(policy.allows_address(&corp, private));
        assert!(!policy.allows_address(&corp, loopback));
        let named = same(&["https://10.1.2.3/*", "https://localhost/*"]);
        assert!(named.allows_address(&get("10.1.2.3", "/"), private));
        assert!(named.allows_address(&get("localhost", "/"), loopback));
        assert!(!named.allows_address(&get("localhost", "/"), private));
    }

    #[test]
    fn a_host_that_is_denied_to_the_network_is_denied_here() {
        let mut policy = same(&["https://*/*"]);
        policy.denied_hosts = vec![
            NetScope::new("a.org".parse().unwrap(), None),
            NetScope::new("93.184.0.0/16".parse().unwrap(), Some(443)),
        ];
        let (public, other) = ("1.1.1.1".parse().unwrap(), "93.184.216.34".parse().unwrap());
        assert!(!policy.allows_address(&get("A.org.", "/"), public));
        assert!(policy.allows_address(&get("b.org", "/"), public));
        assert!(!policy.allows_address(&get("b.org", "/"), other));
    }

    #[test]
    fn the_advised_pattern_means_the_request() {
        for (host, path, expected) in [
            ("a.org", "/v1/x?q=1", Some("https://a.org/v1/x")),
            ("a.org", "/%20", Some("https://a.org/*")),
            ("A.org", "", Some("https://a.org/")),
            ("a_b", "/", None),
        ] {
            assert_eq!(
                get(host, path).pattern().as_deref(),
                expected,
                "{host}{path}"
            );
        }
    }
}
