//! The values of the flags: paths, hosts, sizes and durations as people type them.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use zero_format::{Access, GuestPath, HostPattern, UrlPattern};

/// The value of `--allow-fs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsFlag {
    /// The path on this machine.
    pub host: PathBuf,
    /// Where the program sees it.
    pub guest: Option<GuestPath>,
    /// Read, or read and write.
    pub access: Access,
}

impl FromStr for FsFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A path may hold `=`: only what follows it and starts with `/` is a guest path.
        let (rest, guest) = match text.rsplit_once('=') {
            Some((rest, guest)) if guest.starts_with('/') => {
                let guest = guest.parse().map_err(|error| format!("{guest}: {error}"))?;
                (rest, Some(guest))
            }
            _ => (text, None),
        };
        let (path, access) = if let Some(path) = rest.strip_suffix(":rw") {
            (path, Access::ReadWrite)
        } else {
            (rest.strip_suffix(":ro").unwrap_or(rest), Access::Read)
        };
        if path.is_empty() {
            return Err("the path is empty".to_owned());
        }
        Ok(Self {
            host: PathBuf::from(path),
            guest,
            access,
        })
    }
}

/// The value of `--allow-net`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetFlag {
    /// A name, an address or a network.
    pub host: HostPattern,
    /// Any port when absent.
    pub port: Option<u16>,
}

impl FromStr for NetFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |host: &str| host.parse().map_err(|error| format!("{host}: {error}"));
        // An IPv6 address holds colons itself: with a port it stands in brackets.
        if let Some(rest) = text.strip_prefix('[') {
            let (host, port) = rest.split_once(']').ok_or("`]` is missing")?;
            let port = match port.strip_prefix(':') {
                Some(port) => Some(parse_port(port)?),
                None if port.is_empty() => None,
                None => return Err("only `:PORT` may follow `]`".to_owned()),
            };
            return Ok(Self {
                host: parse(host)?,
                port,
            });
        }
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => Ok(Self {
                host: parse(host)?,
                port: Some(parse_port(port)?),
            }),
            _ => Ok(Self {
                host: parse(text)?,
                port: None,
            }),
        }
    }
}

/// The value of `--deny-net`: nothing means the whole network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyNetFlag(pub Option<NetFlag>);

impl FromStr for DenyNetFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        text.parse().map(|flag| Self(Some(flag)))
    }
}

/// The value of `--allow-http`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFlag {
    /// Which URLs.
    pub url: UrlPattern,
    /// Which methods; any if there are none.
    pub methods: Vec<String>,
}

impl FromStr for HttpFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (methods, url) = text.trim().rsplit_once(' ').unwrap_or(("", text.trim()));
        let methods: Vec<String> = methods
            .split([',', ' '])
            .filter(|word| !word.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        let is_method = |word: &String| word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
        if let Some(word) = methods.iter().find(|word| !is_method(word)) {
            return Err(format!("`{word}` is not a method: methods are in capitals"));
        }
        let url = url.parse().map_err(|error| format!("{url}: {error}"))?;
        Ok(Self { url, methods })
    }
}

/// The value of `--deny-http`: nothing means all requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyHttpFlag(pub Option<UrlPattern>);

impl FromStr for DenyHttpFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let url = text.parse().map_err(|error| format!("{text}: {error}"))?;
        Ok(Self(Some(url)))
    }
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("`{text}` is not a port")),
    }
}

pub(crate) fn parse_count(text: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    digits
        .parse()
        .map_err(|_| format!("`{text}` is not a number"))
}

/// `512`, `64KiB`, `256 MiB`, `1 GiB`; `K`, `M` and `G` alone mean the same.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split_unit(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        _ => return Err(format!("`{unit}` is not a size: use KiB, MiB or GiB")),
    };
    parse_count(number)?
        .checked_mul(1 << shift)
        .ok_or_else(|| format!("`{text}` is too large"))
}

/// `500ms`, `30s`, `5 min`, `2h`; a bare number is seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split_unit(text);
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{unit}` is not a duration: use ms, s, min or h")),
    };
    match parse_count(number)?.checked_mul(millis) {
        None => Err(format!("`{text}` is too long")),
        Some(0) => Err("a time limit of zero lets nothing run".to_owned()),
        Some(millis) => Ok(Duration::from_millis(millis)),
    }
}

/// How long a release must have been published: `0`, `12h`, `3d`, `2w`; a bare number is seconds.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_age(text: &str) -> Result<Duration, String> {
    let (number, unit) = split_unit(text);
    let seconds = match unit {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "w" => 7 * 24 * 3600,
        _ => return Err(format!("`{unit}` is not an age: use s, min, h, d or w")),
    };
    parse_count(number)?
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is too long"))
}

fn split_unit(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fs_flags_name_host_access_and_guest() {
        let flag: FsFlag = "./d a=t:rw=/data".parse().unwrap();
        assert_eq!(flag.host, PathBuf::from("./d a=t"));
        assert_eq!(flag.access, Access::ReadWrite);
        assert_eq!(flag.guest.unwrap().as_str(), "/data");
        let plain: FsFlag = "a=b".parse().unwrap();
        assert_eq!(
            (plain.host, plain.access),
            (PathBuf::from("a=b"), Access::Read)
        );
        assert!(":rw".parse::<FsFlag>().is_err());
        assert!("d=/a/../b".parse::<FsFlag>().is_err());
    }

    #[test]
    fn net_flags_take_names_addresses_and_networks() {
        for (text, port) in [
            ("api.example.org:443", Some(443)),
            ("10.0.0.0/8", None),
            ("[::1]:80", Some(80)),
            ("::1", None),
        ] {
            assert_eq!(text.parse::<NetFlag>().unwrap().port, port, "{text}");
        }
        for text in ["host:0", "host:70000", "[::1", "[::1]x", ""] {
            assert!(text.parse::<NetFlag>().is_err(), "{text}");
        }
    }

    #[test]
    fn http_flags_take_methods_and_a_pattern() {
        let flag: HttpFlag = "GET,HEAD https://a.org/*".parse().unwrap();
        assert_eq!(flag.methods, ["GET", "HEAD"]);
        assert_eq!(flag.url.to_string(), "https://a.org/*");
        let any: HttpFlag = "https://a.org/x".parse().unwrap();
        assert!(any.methods.is_empty());
        for text in [
            "get https://a.org/*",
            "a.org",
            "GET",
            "https://a.org/a*",
            "",
        ] {
            assert!(text.parse::<HttpFlag>().is_err(), "{text}");
        }
        assert_eq!("".parse(), Ok(DenyHttpFlag(None)));
        assert_eq!("https://a.org/x".parse(), Ok(DenyHttpFlag(Some(any.url))));
    }

    #[test]
    fn sizes_and_durations_have_units() {
        assert_eq!(parse_size("256 MiB"), Ok(256 << 20));
        assert_eq!(parse_size("1_000"), Ok(1000));
        assert!(parse_size("5 MB").is_err());
        assert!(parse_size("99999999999 GiB").is_err());
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("2 h"), Ok(Duration::from_hours(2)));
        assert!(parse_duration("0s").is_err());
        assert_eq!(parse_age("0"), Ok(Duration::ZERO));
        assert_eq!(parse_age("3 d"), Ok(Duration::from_hours(72)));
        assert_eq!(parse_age("2w"), Ok(Duration::from_hours(336)));
        assert!(parse_age("1 month").is_err() && parse_age("99999999999999999999w").is_err());
    }
}
