//! URL patterns of HTTP rules (spec/artifact.md, "Capabilities").
//!
//! A pattern is `scheme://host[:port]/path`; a path that ends in `/*` stands for everything below it, and the host
//! `*` for every host. Nothing else is special: no query, no user, no percent-encoding.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::host::HostName;
use crate::limits::MAX_URL;
use crate::text;

/// Which URLs a program may request.
///
/// ```
/// use zero_format::{Scheme, UrlPattern};
/// let pattern: UrlPattern = "https://api.example.org/v1/*".parse()?;
/// assert!(pattern.matches(Scheme::Https, "api.example.org", None, "/v1/things?page=2"));
/// assert!(!pattern.matches(Scheme::Https, "api.example.org", None, "/v1/../admin"));
/// # Ok::<(), zero_format::UrlPatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlPattern {
    scheme: Scheme,
    host: UrlHost,
    port: u16,
    /// The exact path, or with `below` the folder that ends in `/`.
    path: String,
    below: bool,
}

/// How the request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// The host of a URL pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UrlHost {
    /// `*`
    Any,
    /// An address; IPv6 stands in brackets.
    Ip(IpAddr),
    /// A name.
    Name(HostName),
}

/// Why a text is not a URL pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlPatternError {
    /// The host.
    #[error("the host of a URL pattern is a name in lower-case ASCII, an address, or `*`")]
    Host,
    /// More bytes than a pattern may have.
    #[error("a URL pattern has at most {MAX_URL} bytes, this has {length}")]
    Length {
        /// How many bytes the pattern has.
        length: usize,
    },
    /// The path.
    #[error(
        "the path of a URL pattern starts with `/`, has no `.`, `..`, `//`, `%`, `?` or `#`, and a `*` only as its last part"
    )]
    Path,
    /// The port.
    #[error("the port of a URL pattern is a number from 1 to 65535")]
    Port,
    /// Neither `http` nor `https`.
    #[error("a URL pattern starts with `https://` or `http://`")]
    Scheme,
}

impl UrlPattern {
    /// Whether a request is meant. `port` is the one in the URL, if it has one; `path` may carry a query, which is
    /// not looked at. A path with `.` or `..` parts, plain or encoded, matches only where every path does.
    pub fn matches(&self, scheme: Scheme, host: &str, port: Option<u16>, path: &str) -> bool {
        scheme == self.scheme
            && port.unwrap_or(scheme.port()) == self.port
            && self.host.matches(host)
            && self.matches_path(path)
    }

    /// How the request travels.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Which host.
    pub fn host(&self) -> &UrlHost {
        &self.host
    }

    /// Which port.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn matches_path(&self, path: &str) -> bool {
        let path = path.split(['?', '#']).next().unwrap_or(path);
        let path = if path.is_empty() { "/" } else { path };
        if !self.below {
            return path == self.path;
        }
        self.path == "/" || (path.starts_with(&self.path) && !climbs(path))
    }

    /// Whether some request is meant by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let hosts =
            self.host == UrlHost::Any || other.host == UrlHost::Any || self.host == other.host;
        let path = |outer: &Self, inner: &Self| outer.below && inner.path.starts_with(&outer.path);
        let paths = self.path == other.path || path(self, other) || path(other, self);
        self.scheme == other.scheme && self.port == other.port && hosts && paths
    }

    /// Whether everything that `inner` means is meant by `self` too.
    pub(super) fn covers(&self, inner: &Self) -> bool {
        let path = if self.below {
            inner.path.starts_with(&self.path)
        } else {
            !inner.below && inner.path == self.path
        };
        let host = self.host == UrlHost::Any || self.host == inner.host;
        self.scheme == inner.scheme && self.port == inner.port && host && path
    }
}

/// Whether a server could read a `.` or `..` part, or a separator of its own, in the path.
fn climbs(path: &str) -> bool {
    let path = path
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "\\");
    path.split(['/', '\\']).any(|part| {
        // Some servers cut parameters off before they resolve dots.
        matches!(part.split(';').next(), Some("." | ".."))
    }) || path.contains('\\')
        || path.contains("%25")
}

impl UrlHost {
    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Ip(own) => {
                let bare = host
                    .strip_prefix('[')
                    .and_then(|host| host.strip_suffix(']'))
                    .unwrap_or(host);
                bare.parse::<IpAddr>()
                    .is_ok_and(|address| address.to_canonical() == *own)
            }
            Self::Name(own) => host
                .strip_suffix('.')
                .unwrap_or(host)
                .eq_ignore_ascii_case(own.as_str()),
        }
    }
}

impl Scheme {
    /// The port where a URL names none.
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl FromStr for UrlPattern {
    type Err = UrlPatternError;

    fn from_str(text: &str) -> Result<Self, UrlPatternError> {
        if text.len() > MAX_URL {
            return Err(UrlPatternError::Length { length: text.len() });
        }
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else {
            return Err(UrlPatternError::Scheme);
        };
        let slash = rest.find('/').ok_or(UrlPatternError::Path)?;
        let (authority, path) = rest.split_at(slash);
        let (host, port) = parse_authority(authority)?;
        let (path, below) = match path.strip_suffix('*') {
            Some(folder) => (folder, true),
            None => (path, false),
        };
        if !is_plain_path(path) || (below && !path.ends_with('/')) {
            return Err(UrlPatternError::Path);
        }
        Ok(Self {
            scheme,
            host,
            port: port.unwrap_or(scheme.port()),
            path: path.to_owned(),
            below,
        })
    }
}

fn parse_authority(text: &str) -> Result<(UrlHost, Option<u16>), UrlPatternError> {
    // The colons of an IPv6 address stand inside its brackets.
    let split = text.rfind(']').map_or(0, |end| end.saturating_add(1));
    let (host, port) = match text.get(split..).and_then(|rest| rest.find(':')) {
        Some(colon) => (
            text.get(..split.saturating_add(colon)),
            text.get(split.saturating_add(colon).saturating_add(1)..),
        ),
        None => (Some(text), None),
    };
    let host = match host.ok_or(UrlPatternError::Host)? {
        "*" => UrlHost::Any,
        bracketed if bracketed.starts_with('[') => {
            let inner = bracketed
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let address: std::net::Ipv6Addr = inner
                .and_then(|inner| inner.parse().ok())
                .ok_or(UrlPatternError::Host)?;
            UrlHost::Ip(canonical(address.into())?)
        }
        name => match name.parse::<std::net::Ipv4Addr>() {
            Ok(address) => UrlHost::Ip(address.into()),
            Err(_) => UrlHost::Name(name.parse().map_err(|_| UrlPatternError::Host)?),
        },
    };
    let port = port.map(parse_port).transpose()?;
    Ok((host, port))
}

fn canonical(address: IpAddr) -> Result<IpAddr, UrlPatternError> {
    if address.to_canonical() == address {
        Ok(address)
    } else {
        Err(UrlPatternError::Host)
    }
}

fn parse_port(text: &str) -> Result<u16, UrlPatternError> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|_| plain)
        .ok_or(UrlPatternError::Port)
}

/// A literal path: no encoding and no part that a server would resolve.
fn is_plain_path(path: &str) -> bool {
    let character = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@/".contains(&b);
    path.starts_with('/')
        && path.bytes().all(character)
        && !path.contains("//")
        && !path.split('/').any(|part| matches!(part, "." | ".."))
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != self.scheme.port() {
            write!(f, ":{}", self.port)?;
        }
        write!(f, "{}{}", self.path, if self.below { "*" } else { "" })
    }
}

impl fmt::Display for UrlHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Name(name) => name.fmt(f),
        }
    }
}

text::newtype!(UrlPattern, UrlPatternError);

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> UrlPattern {
        text.parse().unwrap()
    }

    #[test]
    fn keeps_one_spelling() {
        for text in [
            "https://a.org/",
            "https://a.org/*",
            "http://a.org:8080/v1/*",
            "https://[::1]/x",
            "https://*/*",
        ] {
            assert_eq!(url(text).to_string(), text);
        }
        assert_eq!(url("https://a.org:443/").to_string(), "https://a.org/");
    }

    #[test]
    fn refuses_what_two_programs_read_differently() {
        for text in [
            "a.org/",
            "ftp://a.org/",
            "https://a.org",
            "https:///x",
            "https://A.org/",
            "https://u@a.org/",
            "https://a.org:0/",
            "https://a.org:+80/",
            "https://a.org:99999/",
            "https://a.org:/",
            "https://a.org/a*",
            "https://a.org/*/b",
            "https://a.org/../b",
            "https://a.org//",
            "https://a.org/%2e",
            "https://a.org/a?b",
            "https://a.org/a#b",
            "https://*.org/",
            "https://::1/",
            "https://[::1/",
            "https://a.org/\u{202e}",
        ] {
            assert!(text.parse::<UrlPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn matches_requests_below_the_folder() {
        let pattern = url("https://a.org/v1/*");
        let matches = |path: &str| pattern.matches(Scheme::Https, "a.org", None, path);
        assert!(matches("/v1/") && matches("/v1/x/y?q=../..") && matches("/v1/a.b..c"));
        for path in [
            "/v1",
            "/v10/",
            "/",
            "/v1/..",
            "/v1/../admin",
            "/v1/%2e%2E/admin",
            "/v1/..%2fadmin",
            "/v1/..\\admin",
            "/v1/..;x/admin",
            "/v1/%252e%252e/admin",
            "",
        ] {
            assert!(!matches(path), "{path}");
        }
    }

    #[test]
    fn matches_scheme_host_and_port_together() {
        let pattern = url("https://a.org:8443/*");
        assert!(pattern.matches(Scheme::Https, "A.ORG.", Some(8443), "/"));
        assert!(!pattern.matches(Scheme::Https, "a.org", None, "/"));
        assert!(!pattern.matches(Scheme::Http, "a.org", Some(8443), "/"));
        assert!(!pattern.matches(Scheme::Https, "b.org", Some(8443), "/"));
        assert!(url("http://[::1]/").matches(Scheme::Http, "[0:0::1]", Some(80), ""));
    }

    #[test]
    fn overlap_is_symmetric() {
        for (a, b, expected) in [
            ("https://a.org/*", "https://a.org/v1/*", true),
            ("https://*/*", "https://a.org/x", true),
            ("https://a.org/x", "https://a.org/x", true),
            ("https://a.org/v1/*", "https://a.org/v2/*", false),
            ("https://a.org/x", "https://a.org/x/y", false),
            ("https://a.org/*", "http://a.org/*", false),
            ("https://a.org/*", "https://b.org/*", false),
            ("https://a.org/*", "https://a.org:8443/*", false),
        ] {
            let both = (url(a).overlaps(&url(b)), url(b).overlaps(&url(a)));
            assert_eq!(both, (expected, expected), "{a} {b}");
        }
    }

    #[test]
    fn covering_follows_folders() {
        assert!(url("https://a.org/*").covers(&url("https://a.org/v1/*")));
        assert!(url("https://*/*").covers(&url("https://a.org/x")));
        assert!(!url("https://a.org/v1/*").covers(&url("https://a.org/*")));
        assert!(!url("https://a.org/x").covers(&url("https://a.org/x/*")));
        assert!(!url("https://a.org/*").covers(&url("http://a.org/")));
        assert!(!url("https://a.org/*").covers(&url("https://a.org:8443/")));
    }
}
