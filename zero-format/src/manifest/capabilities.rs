//! `[capabilities]`: tables with reasons, or short strings.

use toml::de::DeTable;

use super::reader::{Item, Reader, integer, list};
use crate::capability::{
    Access, Capabilities, Clock, ClockRule, EnvRule, FsRule, FsScope, GuestPath, GuestPathError,
    HostError, HostPattern, HttpRule, NetRule, RandomRule, UrlPatternError,
};
use crate::limits::{MAX_RULE_ITEMS, MAX_RULES};

const KEYS: [&str; 6] = ["fs", "net", "http", "env", "clock", "random"];
const ACCESS: [(&str, Access); 2] = [("read", Access::Read), ("read-write", Access::ReadWrite)];
const CLOCKS: [(&str, Clock); 2] = [("monotonic", Clock::Monotonic), ("wall", Clock::Wall)];

pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Capabilities {
    reader.known_keys(table, "[capabilities]", &KEYS);
    Capabilities {
        fs: rules(reader, table, "fs", fs),
        net: rules(reader, table, "net", net),
        http: rules(reader, table, "http", http),
        env: rules(reader, table, "env", env),
        clock: rules(reader, table, "clock", clock),
        random: table.get("random").and_then(|item| random(reader, item)),
    }
}

fn rules<T>(
    reader: &mut Reader<'_>,
    table: &DeTable<'_>,
    what: &str,
    read: impl Fn(&mut Reader<'_>, &Item<'_>) -> Option<T>,
) -> Vec<T> {
    let Some(item) = table.get(what) else {
        return Vec::new();
    };
    let items = list(item);
    if items.len() > MAX_RULES {
        reader.fault(
            item.span(),
            format!(
                "`{what}` has {} rules, {MAX_RULES} are allowed",
                items.len()
            ),
            None,
        );
        return Vec::new();
    }
    items
        .into_iter()
        .filter_map(|item| read(reader, item))
        .collect()
}

fn reason(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Option<String> {
    table
        .get("reason")
        .and_then(|item| reader.line(item, "reason"))
}

fn required<'v, 'i>(
    reader: &mut Reader<'_>,
    item: &Item<'_>,
    table: &'v DeTable<'i>,
    key: &str,
    hint: &str,
) -> Option<&'v Item<'i>> {
    let value = table.get(key);
    if value.is_none() {
        reader.fault(
            item.span(),
            format!("the rule has no `{key}`"),
            Some(hint.to_owned()),
        );
    }
    value
}

const FS_HINT: &str =
    r#"write `{ from = "args", access = "read", reason = "…" }` or `{ guest = "/data", … }`"#;

fn fs(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<FsRule> {
    if let Some(text) = item.get_ref().as_str() {
        let (place, access) = match text.rsplit_once(':') {
            Some((place, "rw")) => (place, Access::ReadWrite),
            Some((place, "ro")) => (place, Access::Read),
            _ => (text, Access::Read),
        };
        // `/data:wr` is a slip far more often than the name of a folder.
        if place.contains(':') {
            let hint = "write `:ro` or `:rw`; a path with a colon needs the long form, `{ guest = \"…\", access = \"read\" }`";
            let message = "`fs`: after a `:` only `ro` or `rw` can stand".to_owned();
            reader.fault(item.span(), message, Some(hint.to_owned()));
            return None;
        }
        let scope = if place == "args" {
            FsScope::Args
        } else {
            match place.parse::<GuestPath>() {
                Ok(path) => FsScope::Guest(path),
                Err(error) => {
                    let hint = "write `\"args\"`, `\"/data\"` or `\"/data:rw\"`".to_owned();
                    reader.fault(item.span(), format!("`fs`: {error}"), Some(hint));
                    return None;
                }
            }
        };
        return Some(FsRule {
            scope,
            access,
            reason: None,
        });
    }
    let table = reader.table(item, "fs", Some(FS_HINT.to_owned()))?;
    reader.known_keys(table, "a file rule", &["guest", "from", "access", "reason"]);
    let scope = match (table.get("guest"), table.get("from")) {
        (Some(guest), None) => {
            FsScope::Guest(
                reader.parsed(guest, "guest", |error: &GuestPathError| match error {
                    GuestPathError::Relative => {
                        Some("start it with `/`: it is a path that the program sees".to_owned())
                    }
                    _ => None,
                })?,
            )
        }
        (None, Some(from)) => reader
            .one_of(from, "from", &[("args", ())])
            .map(|()| FsScope::Args)?,
        _ => {
            reader.fault(
                item.span(),
                "a file rule has exactly one of `guest` and `from`",
                Some(FS_HINT.to_owned()),
            );
            return None;
        }
    };
    let access = required(
        reader,
        item,
        table,
        "access",
        "add `access = \"read\"` or `access = \"read-write\"`",
    )?;
    let access = reader.one_of(access, "access", &ACCESS);
    let reason = reason(reader, table);
    Some(FsRule {
        scope,
        access: access?,
        reason,
    })
}

const NET_HINT: &str = r#"write `{ host = "api.example.org", ports = [443], reason = "…" }`"#;

fn net(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<NetRule> {
    if let Some(text) = item.get_ref().as_str() {
        let (host, port) = split_port(text);
        let host = match host.parse::<HostPattern>() {
            Ok(host) => host,
            Err(error) => {
                reader.fault(
                    item.span(),
                    format!("`net`: {error}"),
                    Some(NET_HINT.to_owned()),
                );
                return None;
            }
        };
        let ports = match port.map(str::parse::<u16>) {
            None => Vec::new(),
            Some(Ok(port)) if port > 0 => vec![port],
            Some(_) => {
                reader.fault(
                    item.span(),
                    "a port is a number from 1 to 65535",
                    Some(NET_HINT.to_owned()),
                );
                return None;
            }
        };
        return Some(NetRule {
            host,
            ports,
            reason: None,
        });
    }
    let table = reader.table(item, "net", Some(NET_HINT.to_owned()))?;
    reader.known_keys(table, "a network rule", &["host", "ports", "reason"]);
    let host = required(reader, item, table, "host", NET_HINT)?;
    let host = reader.parsed(host, "host", |_: &HostError| None);
    let ports = table
        .get("ports")
        .map(|item| ports(reader, item))
        .unwrap_or_default();
    let reason = reason(reader, table);
    Some(NetRule {
        host: host?,
        ports,
        reason,
    })
}

/// `host:443`, `10.0.0.0/8:53`, `[::1]:80`, or no port; a bare IPv6 address is all colons and no port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn ports(reader: &mut Reader<'_>, item: &Item<'_>) -> Vec<u16> {
    let items = list(item);
    if items.len() > MAX_RULE_ITEMS {
        reader.fault(
            item.span(),
            format!(
                "`ports` has {} entries, {MAX_RULE_ITEMS} are allowed",
                items.len()
            ),
            None,
        );
        return Vec::new();
    }
    let mut ports = Vec::new();
    for item in items {
        match integer(item).filter(|port: &u16| *port > 0) {
            Some(port) => ports.push(port),
            None => reader.fault(
                item.span(),
                "a port is a number from 1 to 65535",
                Some("write `ports = [443]`".to_owned()),
            ),
        }
    }
    ports
}

const HTTP_HINT: &str =
    r#"write `"https://api.example.org/*"` or `{ url = "…", methods = ["GET"], reason = "…" }`"#;

fn http(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<HttpRule> {
    if let Some(text) = item.get_ref().as_str() {
        let (methods, url) = text.split_once(' ').unwrap_or(("", text));
        let methods: Vec<String> = methods
            .split(',')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        if !methods.iter().all(|word| is_method(word)) || methods.len() > MAX_RULE_ITEMS {
            reader.fault(
                item.span(),
                "the methods are not words in capitals",
                Some("write `\"GET,HEAD https://…\"`".to_owned()),
            );
            return None;
        }
        return match url.parse() {
            Ok(url) => Some(HttpRule {
                url,
                methods,
                reason: None,
            }),
            Err(error) => {
                reader.fault(
                    item.span(),
                    format!("`http`: {error}"),
                    Some(HTTP_HINT.to_owned()),
                );
                None
            }
        };
    }
    let table = reader.table(item, "http", Some(HTTP_HINT.to_owned()))?;
    reader.known_keys(table, "an HTTP rule", &["url", "methods", "reason"]);
    let url = required(reader, item, table, "url", HTTP_HINT)?;
    let url = reader.parsed(url, "url", |_: &UrlPatternError| {
        Some("write `\"https://api.example.org/*\"`".to_owned())
    });
    let methods = table
        .get("methods")
        .map(|item| methods(reader, item))
        .unwrap_or_default();
    let reason = reason(reader, table);
    Some(HttpRule {
        url: url?,
        methods,
        reason,
    })
}

fn methods(reader: &mut Reader<'_>, item: &Item<'_>) -> Vec<String> {
    let items = list(item);
    if items.len() > MAX_RULE_ITEMS {
        reader.fault(
            item.span(),
            format!("`methods` has more than {MAX_RULE_ITEMS} entries"),
            None,
        );
        return Vec::new();
    }
    let mut methods = Vec::new();
    for item in items {
        let Some(method) = reader.raw_string(item, "methods", None) else {
            continue;
        };
        if is_method(method) {
            methods.push(method.to_owned());
        } else {
            let upper = method.to_ascii_uppercase();
            let hint = is_method(&upper).then(|| format!("write `\"{upper}\"`"));
            reader.fault(item.span(), "a method is a word in capitals", hint);
        }
    }
    methods
}

fn is_method(word: &str) -> bool {
    (1..=32).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
        && !word.starts_with('-')
}

fn env(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<EnvRule> {
    let hint = r#"write `"LANG"` or `{ name = "LANG", reason = "…" }`"#;
    if item.get_ref().is_str() {
        return Some(EnvRule {
            name: reader.parsed(item, "env", |_| None)?,
            reason: None,
        });
    }
    let table = reader.table(item, "env", Some(hint.to_owned()))?;
    reader.known_keys(table, "an environment rule", &["name", "reason"]);
    let name = required(reader, item, table, "name", hint)?;
    let name = reader.parsed(name, "name", |_| None);
    let reason = reason(reader, table);
    Some(EnvRule {
        name: name?,
        reason,
    })
}

fn clock(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<ClockRule> {
    let hint = r#"write `clock = ["monotonic", "wall"]`"#;
    if item.get_ref().is_str() {
        return Some(ClockRule {
            clock: reader.one_of(item, "clock", &CLOCKS)?,
            reason: None,
        });
    }
    let table = reader.table(item, "clock", Some(hint.to_owned()))?;
    reader.known_keys(table, "a clock rule", &["clock", "reason"]);
    let clock = required(reader, item, table, "clock", hint)?;
    let clock = reader.one_of(clock, "clock", &CLOCKS);
    let reason = reason(reader, table);
    Some(ClockRule {
        clock: clock?,
        reason,
    })
}

fn random(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<RandomRule> {
    if let Some(table) = item.get_ref().as_table() {
        reader.known_keys(table, "the random rule", &["reason"]);
        return Some(RandomRule {
            reason: reason(reader, table),
        });
    }
    reader.boolean(item, "random")?.then(RandomRule::default)
}
