//! `[build]`.

use toml::de::DeTable;

use super::reader::{Item, Reader, list};

const KEYS: [&str; 10] = [
    "kind",
    "target",
    "sources",
    "flags",
    "module",
    "command",
    "files",
    "wit",
    "world",
    "component",
];
const KINDS: [(&str, BuildKind); 4] = [
    ("cargo", BuildKind::Cargo),
    ("clang", BuildKind::Clang),
    ("module", BuildKind::Module),
    ("command", BuildKind::Command),
];
const TARGETS: [(&str, Target); 2] = [
    ("wasm32-wasip1", Target::Wasip1),
    ("wasm32-wasip2", Target::Wasip2),
];
/// Most entries in a list of this section.
const MAX_ENTRIES: usize = 1024;

/// What makes the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuildKind {
    /// `cargo build`.
    #[default]
    Cargo,
    /// clang, from C sources.
    Clang,
    /// A command of the author's.
    Command,
    /// Nothing: a `.wasm` or `.wat` file is there.
    Module,
}

impl BuildKind {
    /// The word in `Zero.toml`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Clang => "clang",
            Self::Command => "command",
            Self::Module => "module",
        }
    }
}

/// What the program is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// `wasm32-wasip1`: a core module.
    Wasip1,
    /// `wasm32-wasip2`: a component.
    Wasip2,
}

impl Target {
    /// The target triple.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wasip1 => "wasm32-wasip1",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }
}

/// `[build]`. Paths are relative to `Zero.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// What makes the program. Without `kind`, the other keys tell: `sources` clang, `command` a command, `module` a
    /// module, and nothing cargo.
    pub kind: BuildKind,
    /// Whether the file says `kind`.
    pub kind_is_explicit: bool,
    /// What to compile for.
    pub target: Option<Target>,
    /// C sources, for clang; what the result depends on, for a command.
    pub sources: Vec<String>,
    /// More arguments for cargo or clang.
    pub flags: Vec<String>,
    /// The program, for `module`; what the command leaves, for `command`.
    pub module: Option<String>,
    /// The command and its arguments; no shell.
    pub command: Vec<String>,
    /// Files and folders to put into the artifact.
    pub files: Vec<String>,
    /// The folder of the WIT packages.
    pub wit: Option<String>,
    /// The world among them.
    pub world: Option<String>,
    /// Whether a preview 1 module is wrapped into a component.
    pub component: Option<bool>,
}

pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Build {
    reader.known_keys(table, "[build]", &KEYS);
    let mut build = Build::default();
    let mut kind = None;
    for key in KEYS {
        let Some(item) = table.get(key) else { continue };
        match key {
            "kind" => kind = reader.one_of(item, key, &KINDS),
            "target" => build.target = reader.one_of(item, key, &TARGETS),
            "sources" => build.sources = paths(reader, item, key),
            "flags" => build.flags = words(reader, item, key),
            "module" => build.module = reader.relative_path(item, key),
            "command" => build.command = command(reader, item),
            "files" => build.files = paths(reader, item, key),
            "wit" => build.wit = reader.relative_path(item, key),
            "world" => build.world = reader.line(item, key),
            _ => build.component = reader.boolean(item, key),
        }
    }
    build.kind_is_explicit = table.contains_key("kind");
    build.kind = kind.unwrap_or_else(|| guess(table));
    if kind.is_some() || !build.kind_is_explicit {
        check(reader, table, build.kind);
    }
    build
}

fn guess(table: &DeTable<'_>) -> BuildKind {
    let has = |key: &str| table.contains_key(key);
    match () {
        () if has("command") => BuildKind::Command,
        () if has("sources") => BuildKind::Clang,
        () if has("module") => BuildKind::Module,
        () => BuildKind::Cargo,
    }
}

/// Keys that another kind reads would silently do nothing, and some kinds need theirs.
fn check(reader: &mut Reader<'_>, table: &DeTable<'_>, kind: BuildKind) {
    let word = kind.as_str();
    for (key, kinds) in [
        ("sources", [BuildKind::Clang, BuildKind::Command]),
        ("flags", [BuildKind::Cargo, BuildKind::Clang]),
        ("module", [BuildKind::Command, BuildKind::Module]),
        ("command", [BuildKind::Command, BuildKind::Command]),
    ] {
        if let Some((at, _)) = table.get_key_value(key).filter(|_| !kinds.contains(&kind)) {
            let hint = format!("it belongs to `kind = \"{}\"`", kinds[0].as_str());
            reader.fault(
                at.span(),
                format!("`{key}` means nothing to `kind = \"{word}\"`"),
                Some(hint),
            );
        }
    }
    let required: &[(&str, &str)] = match kind {
        BuildKind::Cargo => &[],
        BuildKind::Clang => &[("sources", r#"add `sources = ["src/main.c"]`"#)],
        BuildKind::Command => &[
            ("command", r#"add `command = ["make", "program.wasm"]`"#),
            (
                "module",
                r#"add `module = "program.wasm"`, the file that the command leaves"#,
            ),
        ],
        BuildKind::Module => &[("module", r#"add `module = "program.wat"`"#)],
    };
    for (key, hint) in required.iter().filter(|(key, _)| !table.contains_key(*key)) {
        let place = table.get_key_value("kind").or_else(|| table.iter().next());
        let span = place.map_or(0..0, |(key, _)| key.span());
        reader.fault(
            span,
            format!("`kind = \"{word}\"` needs `{key}`"),
            Some((*hint).to_owned()),
        );
    }
}

fn entries<'v, 'i>(reader: &mut Reader<'_>, item: &'v Item<'i>, what: &str) -> Vec<&'v Item<'i>> {
    let items = list(item);
    if items.len() > MAX_ENTRIES {
        reader.fault(
            item.span(),
            format!("`{what}` has more than {MAX_ENTRIES} entries"),
            None,
        );
        return Vec::new();
    }
    items
}

fn paths(reader: &mut Reader<'_>, item: &Item<'_>, what: &str) -> Vec<String> {
    entries(reader, item, what)
        .into_iter()
        .filter_map(|item| reader.relative_path(item, what))
        .collect()
}

fn words(reader: &mut Reader<'_>, item: &Item<'_>, what: &str) -> Vec<String> {
    entries(reader, item, what)
        .into_iter()
        .filter_map(|item| reader.line(item, what))
        .collect()
}

fn command(reader: &mut Reader<'_>, item: &Item<'_>) -> Vec<String> {
    if let Some(line) = item
        .get_ref()
        .as_str()
        .filter(|line| line.contains(char::is_whitespace))
    {
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| format!("{word:?}"))
            .collect();
        let hint = format!(
            "no shell reads it: write `command = [{}]`",
            words.join(", ")
        );
        reader.fault(item.span(), "`command` must be a list of words", Some(hint));
        return Vec::new();
    }
    let command = words(reader, item, "command");
    if command.is_empty()
        && item
            .get_ref()
            .as_array()
            .is_some_and(|array| array.is_empty())
    {
        reader.fault(item.span(), "`command` is empty", None);
    }
    command
}

impl Reader<'_> {
    /// The value as a path below the folder of `Zero.toml`, with `/` between its parts.
    pub(super) fn relative_path(&mut self, item: &Item<'_>, what: &str) -> Option<String> {
        let path = self.line(item, what)?;
        let problem = if path.starts_with('/') || path.get(1..2) == Some(":") {
            "is absolute"
        } else if path.contains('\\') {
            "has a backslash"
        } else if path.split('/').any(|part| part == "..") {
            "leaves the folder of Zero.toml"
        } else if path.split('/').any(str::is_empty) {
            "has an empty part"
        } else {
            return Some(path);
        };
        let hint = "write a path relative to Zero.toml, with `/` between its parts".to_owned();
        self.fault(
            item.span(),
            format!("the path in `{what}` {problem}"),
            Some(hint),
        );
        None
    }
}
