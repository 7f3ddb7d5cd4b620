//! Changes `[capabilities]` of a Zero.toml and nothing else: comments, order and layout stay as they are.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};
use zero_format::{
    Access, Capabilities, Clock, ClockRule, EnvRule, FsRule, FsScope, HostPattern, HttpRule,
    Manifest, NetRule, RandomRule,
};

use crate::report::Failure;

/// The text with exactly these capabilities declared. Rules that stay keep their place and their comments.
pub(crate) fn declare(text: &str, wanted: &Capabilities) -> Result<String, Failure> {
    let malformed = || Failure::failed("cannot change Zero.toml: it is malformed");
    let current = Manifest::parse(text).map_err(|error| malformed().because(&error))?;
    let current = &current.capabilities;
    let mut document: DocumentMut = text.parse().map_err(|error| malformed().because(&error))?;
    if current == wanted {
        return Ok(text.to_owned());
    }
    let section = document
        .entry("capabilities")
        .or_insert(Item::Table(Table::new()));
    let section = section.as_table_like_mut().ok_or_else(malformed)?;
    list(section, "fs", &current.fs, &wanted.fs, fs);
    list(section, "net", &current.net, &wanted.net, net);
    list(section, "http", &current.http, &wanted.http, http);
    list(section, "env", &current.env, &wanted.env, env);
    list(section, "clock", &current.clock, &wanted.clock, clock);
    match (&current.random, &wanted.random) {
        (Some(_), None) => {
            section.remove("random");
        }
        (None, Some(rule)) => {
            section.insert("random", Item::Value(random(rule)));
        }
        _ => {}
    }
    if section.is_empty() {
        document.remove("capabilities");
    }
    Ok(document.to_string())
}

/// Rewrites the list of one kind. `current` are the rules that its entries stand for, in their order.
fn list<T: PartialEq>(
    section: &mut dyn TableLike,
    key: &str,
    current: &[T],
    wanted: &[T],
    write: impl Fn(&T) -> Value,
) {
    if current == wanted {
        return;
    }
    if wanted.is_empty() {
        section.remove(key);
        return;
    }
    // Changed in place: a key that is removed and added again loses its remarks and its place.
    let item = section
        .entry(key)
        .or_insert(Item::Value(Array::new().into()));
    if item.as_array().is_none() {
        *item = Item::Value(listed(item));
    }
    let Some(array) = item.as_array_mut() else {
        return;
    };
    for (at, rule) in current.iter().enumerate().rev() {
        if !wanted.contains(rule) {
            remove(array, at);
        }
    }
    for rule in wanted.iter().filter(|rule| !current.contains(rule)) {
        push(array, write(rule));
    }
}

/// A single rule may stand without a list around it.
fn listed(item: &Item) -> Value {
    let Some(value) = item.as_value() else {
        return Array::new().into();
    };
    let mut inner = value.clone();
    inner.decor_mut().clear();
    let mut list = Value::Array(Array::from_iter([inner]));
    *list.decor_mut() = value.decor().clone();
    list
}

/// Removes an entry. The remark behind the entry before it stands in front of this one, after the comma: it stays.
fn remove(array: &mut Array, at: usize) {
    if at >= array.len() {
        return;
    }
    let removed = array.remove(at);
    let remark = remark(prefix(&removed)).to_owned();
    if remark.is_empty() {
        return;
    }
    if let Some(next) = array.get_mut(at) {
        let prefix = format!("{remark}{}", prefix(next));
        next.decor_mut().set_prefix(prefix);
    } else {
        let trailing = format!("{remark}{}", array.trailing().as_str().unwrap_or_default());
        array.set_trailing(trailing);
    }
}

/// Adds an entry where the others stand: on its own line if they do, and after the remark behind the last one.
fn push(array: &mut Array, value: Value) {
    let last = array.iter().last().map(prefix).unwrap_or_default();
    let Some((_, indent)) = last.rsplit_once('\n') else {
        array.push(value);
        return;
    };
    let indent = indent.to_owned();
    let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
    let remark = remark(&trailing);
    array.push_formatted(value.decorated(format!("{remark}\n{indent}"), ""));
    let rest = trailing.get(remark.len()..).unwrap_or_default();
    array.set_trailing(rest);
}

fn prefix(value: &Value) -> &str {
    let prefix = value.decor().prefix().and_then(|prefix| prefix.as_str());
    prefix.unwrap_or_default()
}

/// What of the space between two entries are remarks: all before its last line.
fn remark(space: &str) -> &str {
    match space.rfind('\n') {
        Some(end) if space.contains('#') => space.get(..end).unwrap_or_default(),
        _ => "",
    }
}

fn fs(rule: &FsRule) -> Value {
    let mut table = InlineTable::new();
    match &rule.scope {
        FsScope::Args => table.insert("from", "args".into()),
        FsScope::Guest(path) => table.insert("guest", path.as_str().into()),
    };
    let access = match rule.access {
        Access::Read => "read",
        Access::ReadWrite => "read-write",
    };
    table.insert("access", access.into());
    with_reason(table, rule.reason.as_deref())
}

fn net(rule: &NetRule) -> Value {
    let short = match (&rule.host, rule.ports.as_slice(), &rule.reason) {
        (host, [], None) => Some(host.to_string()),
        (HostPattern::Name(name), [port], None) => Some(format!("{name}:{port}")),
        _ => None,
    };
    if let Some(short) = short {
        return short.into();
    }
    let mut table = InlineTable::new();
    table.insert("host", rule.host.to_string().into());
    if !rule.ports.is_empty() {
        let ports: Array = rule.ports.iter().map(|port| i64::from(*port)).collect();
        table.insert("ports", ports.into());
    }
    with_reason(table, rule.reason.as_deref())
}

fn http(rule: &HttpRule) -> Value {
    let mut table = InlineTable::new();
    table.insert("url", rule.url.to_string().into());
    if !rule.methods.is_empty() {
        let methods: Array = rule.methods.iter().map(String::as_str).collect();
        table.insert("methods", methods.into());
    }
    with_reason(table, rule.reason.as_deref())
}

fn env(rule: &EnvRule) -> Value {
    match &rule.reason {
        None => rule.name.as_str().into(),
        reason => {
            let mut table = InlineTable::new();
            table.insert("name", rule.name.as_str().into());
            with_reason(table, reason.as_deref())
        }
    }
}

fn clock(rule: &ClockRule) -> Value {
    let word = match rule.clock {
        Clock::Monotonic => "monotonic",
        Clock::Wall => "wall",
    };
    match &rule.reason {
        None => word.into(),
        reason => {
            let mut table = InlineTable::new();
            table.insert("clock", word.into());
            with_reason(table, reason.as_deref())
        }
    }
}

fn random(rule: &RandomRule) -> Value {
    match &rule.reason {
        None => true.into(),
        reason => with_reason(InlineTable::new(), reason.as_deref()),
    }
}

fn with_reason(mut table: InlineTable, reason: Option<&str>) -> Value {
    if let Some(reason) = reason {
        table.insert("reason", reason.into());
    }
    Value::InlineTable(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"# The package.
[package]
name = "x"        # a name
version = "1.0.0"

[capabilities]
# What it reads.
fs = [
  { guest = "/data", access = "read", reason = "tables" }, # the tables
  { guest = "/old", access = "read" },
  # the end
]
net = "api.example.org:443" # why

[limits]
time = "1 s"
"#;

    fn wanted(text: &str) -> Capabilities {
        Manifest::parse(text).unwrap().capabilities
    }

    /// What is written says what was wanted.
    fn declared(before: &str, section: &str) -> String {
        let wanted = wanted(section);
        let after = declare(before, &wanted).unwrap();
        assert_eq!(self::wanted(&after), wanted, "{after}");
        after
    }

    #[test]
    fn nothing_changes_where_nothing_is_wanted() {
        assert_eq!(declare(BEFORE, &wanted(BEFORE)).unwrap(), BEFORE);
    }

    #[test]
    fn comments_and_layout_stay_and_rules_come_and_go() {
        let after = declared(
            BEFORE,
            r#"[capabilities]
fs = [{ guest = "/data", access = "read", reason = "tables" }, { guest = "/out", access = "read-write" }]
net = ["api.example.org:443", { host = "b.example", ports = [80, 81] }]
clock = ["wall"]
random = true
"#,
        );
        let expected = r#"# The package.
[package]
name = "x"        # a name
version = "1.0.0"

[capabilities]
# What it reads.
fs = [
  { guest = "/data", access = "read", reason = "tables" }, # the tables
  # the end
  { guest = "/out", access = "read-write" },
]
net = ["api.example.org:443", { host = "b.example", ports = [80, 81] }] # why
clock = ["wall"]
random = true

[limits]
time = "1 s"
"#;
        assert_eq!(after, expected);
    }

    #[test]
    fn a_section_is_made_and_removed() {
        let bare = "[package]\nname = \"x\"\nversion = \"1.0.0\"\n";
        let with = declared(bare, "[capabilities]\nenv = [\"LANG\"]\n");
        assert_eq!(with, format!("{bare}\n[capabilities]\nenv = [\"LANG\"]\n"));
        let without = declared(&with, "");
        assert!(!without.contains("capabilities"), "{without}");
    }

    #[test]
    fn inline_sections_and_single_values_are_understood() {
        let after = declared(
            "capabilities = { clock = \"wall\" }\n[package]\nname = \"x\"\nversion = \"1.0.0\"\n",
            "[capabilities]\nclock = [\"wall\", \"monotonic\"]\nhttp = [{ url = \"https://a.example/x\", methods = [\"GET\"] }]\n",
        );
        assert!(after.starts_with("capabilities = {"), "{after}");
    }

    #[test]
    fn a_malformed_manifest_is_left_alone() {
        assert!(declare("[package\n", &Capabilities::default()).is_err());
    }
}
