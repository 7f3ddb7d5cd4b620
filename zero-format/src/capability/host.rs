//! Hosts that a network rule names: a DNS name, an address or a block of addresses (spec/artifact.md, "Capabilities").

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_HOST;
use crate::text;

/// A DNS name in lower-case ASCII, an IP address, or a CIDR block.
///
/// ```
/// use zero_format::HostPattern;
/// let block: HostPattern = "10.0.0.0/8".parse()?;
/// assert!(block.matches_ip("10.1.2.3".parse().unwrap()));
/// assert!(!block.matches_name("example.org"));
/// # Ok::<(), zero_format::HostError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum HostPattern {
    /// A block of addresses.
    Cidr(Cidr),
    /// One address.
    Ip(IpAddr),
    /// A name: lower-case, without a dot at the end. Build it with [`str::parse`].
    Name(HostName),
}

/// A DNS name in lower-case ASCII.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// A block of addresses: a network address without host bits, and how many leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

/// Why a text names no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// An address with bits beyond the prefix, or a prefix that is too long.
    #[error("a block is written as its first address and a prefix length, such as `10.0.0.0/8`")]
    Block,
    /// Neither a name nor an address.
    #[error("a host is a name in lower-case ASCII, such as `api.example.org`, or an IP address")]
    Name,
}

impl HostPattern {
    /// Whether a connection by this name is meant; the letters' case and one dot at the end are no difference.
    pub fn matches_name(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => name
                .strip_suffix('.')
                .unwrap_or(name)
                .eq_ignore_ascii_case(&own.0),
            Self::Cidr(_) | Self::Ip(_) => false,
        }
    }

    /// Whether a connection to this address is meant. An IPv4 address inside IPv6 counts as the IPv4 address.
    pub fn matches_ip(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Cidr(block) => block.contains(address),
            Self::Ip(own) => *own == address,
            Self::Name(_) => false,
        }
    }

    /// Whether everything that `inner` means is meant by `self` too.
    pub(super) fn covers(&self, inner: &Self) -> bool {
        match (self, inner) {
            (Self::Cidr(block), Self::Ip(address)) => block.contains(*address),
            (Self::Cidr(block), Self::Cidr(inner)) => {
                block.prefix <= inner.prefix && block.contains(inner.address)
            }
            _ => self == inner,
        }
    }
}

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Cidr {
    /// The first address of the block.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits count.
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether the block has every address of its family.
    pub fn is_everything(&self) -> bool {
        self.prefix == 0
    }

    /// Whether the block is one of IPv4.
    pub fn is_ipv4(&self) -> bool {
        self.address.is_ipv4()
    }

    /// Whether `address` lies in the block.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && masked(address, self.prefix) == Some(bits(self.address))
    }
}

/// An address as a number, in the upper bits, so that one mask serves both families.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The leading `prefix` bits of an address; `None` if it has fewer.
fn masked(address: IpAddr, prefix: u8) -> Option<u128> {
    let width = if address.is_ipv4() { 32 } else { 128 };
    let dropped = 128 - u32::from(prefix);
    (prefix <= width).then(|| u128::MAX.checked_shl(dropped).unwrap_or(0) & bits(address))
}

impl FromStr for Cidr {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let (address, prefix) = text.split_once('/').ok_or(HostError::Block)?;
        let address: IpAddr = address.parse().map_err(|_| HostError::Block)?;
        let plain = prefix == "0" || !prefix.starts_with(['0', '+']);
        let prefix: u8 = prefix.parse().map_err(|_| HostError::Block)?;
        let is_first = masked(address, prefix) == Some(bits(address));
        // An IPv4-mapped block would never match: addresses are compared in canonical form.
        if plain && is_first && address.to_canonical() == address {
            Ok(Self { address, prefix })
        } else {
            Err(HostError::Block)
        }
    }
}

impl FromStr for HostName {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // Resolvers read `127.1` and `0x7f.1` as addresses, so a name may not end in a number.
        let last = text.rsplit('.').next().unwrap_or(text);
        let numeric = last.starts_with(|c: char| c.is_ascii_digit());
        if text.len() <= MAX_HOST && text.split('.').all(label) && !numeric {
            Ok(Self(text.to_owned()))
        } else {
            Err(HostError::Name)
        }
    }
}

impl FromStr for HostPattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.contains('/') {
            return text.parse().map(Self::Cidr);
        }
        match text.parse::<IpAddr>() {
            Ok(address) if address.to_canonical() == address => Ok(Self::Ip(address)),
            Ok(_) => Err(HostError::Name),
            Err(_) => text.parse().map(Self::Name),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(block) => block.fmt(f),
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

text::newtype!(HostPattern, HostError);

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn reads_names_addresses_and_blocks() {
        for text in [
            "localhost",
            "api.example.org",
            "192.0.2.1",
            "2001:db8::1",
            "10.0.0.0/8",
            "::/0",
            "2001:db8::/32",
        ] {
            assert_eq!(host(text).to_string(), text);
        }
        assert_eq!(host("2001:DB8:0::1").to_string(), "2001:db8::1");
    }

    #[test]
    fn refuses_hosts_with_two_readings() {
        for text in [
            "",
            "Example.org",
            "example.org.",
            "exämple.org",
            "a_b.org",
            "-a.org",
            "a..b",
            "127.1",
            "0x7f.0.0.1",
            "1.2.3.4.5",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "*.example.org",
            "::ffff:192.0.2.1",
            "::ffff:0:0/96",
            "[::1]",
            "a.org:80",
            "user@a.org",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn blocks_contain_their_addresses_only() {
        let block = host("192.0.2.128/25");
        assert!(block.matches_ip("192.0.2.200".parse().unwrap()));
        assert!(block.matches_ip("::ffff:192.0.2.200".parse().unwrap()));
        assert!(!block.matches_ip("192.0.2.1".parse().unwrap()));
        assert!(!host("0.0.0.0/0").matches_ip("::1".parse().unwrap()));
        assert!(host("0.0.0.0/0").matches_ip("255.0.0.1".parse().unwrap()));
        assert!(host("2001:db8::/32").matches_ip("2001:db8:ffff::1".parse().unwrap()));
    }

    #[test]
    fn names_match_without_regard_to_case_and_root_dot() {
        assert!(host("api.example.org").matches_name("API.example.org."));
        assert!(!host("api.example.org").matches_name("xapi.example.org"));
        assert!(!host("192.0.2.1").matches_name("192.0.2.1"));
    }

    #[test]
    fn covering_follows_prefixes_within_a_family() {
        assert!(
            host("10.0.0.0/8").covers(&host("10.1.0.0/16"))
                && host("10.0.0.0/8").covers(&host("10.1.2.3"))
        );
        assert!(
            !host("10.1.0.0/16").covers(&host("10.0.0.0/8"))
                && !host("0.0.0.0/0").covers(&host("::/0"))
        );
        assert!(
            !host("0.0.0.0/0").covers(&host("example.org")) && host("a.org").covers(&host("a.org"))
        );
    }
}
