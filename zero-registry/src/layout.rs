//! Every path a registry can have: hexadecimal, decimal or a fixed word (`spec/registry.md`, "Layout").
//!
//! No name chosen by a user ever becomes a path, so traversal, case folding, quoting and
//! reserved names cannot happen. Client and server accept no path that is not one of these.

use std::fmt;

use zero_format::Digest;

/// A path relative to the registry's directory, known to belong to the layout.
///
/// ```
/// use zero_registry::RegistryPath;
///
/// assert!(RegistryPath::parse("head").is_some());
/// assert!(RegistryPath::parse("root/1.json").is_some());
/// assert!(RegistryPath::parse("../head").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryPath {
    text: String,
    kind: PathKind,
}

/// What a path holds, which decides how it may be cached and how it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathKind {
    /// A package file.
    Blob,
    /// A detached signature of a package file.
    BlobSignature,
    /// The bare signed checkpoint, for other tools.
    Checkpoint,
    /// A bundle of log leaves.
    Entries,
    /// The mutable head.
    Head,
    /// A page of the Merkle map.
    MapPage,
    /// A segment of a package's event chain.
    Package,
    /// A file of the catalogue for people, which clients have no use for.
    Page(Media),
    /// A version of the root document.
    Root,
    /// A signature of a version of the root document.
    RootSignature,
    /// A tile of log hashes.
    Tile,
}

/// What a file of the catalogue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Media {
    /// A page.
    Html,
    /// A record or a list.
    Json,
    /// The script.
    Script,
    /// The style sheet.
    Style,
    /// The icon.
    Svg,
    /// Plain text.
    Text,
}

impl PathKind {
    /// Whether the file behind the path can ever change or newly appear under the same name.
    ///
    /// A root version never changes, but its absence does: a cached "not found" would hide a rotation.
    pub fn is_immutable(self) -> bool {
        !matches!(
            self,
            Self::Checkpoint | Self::Head | Self::Page(_) | Self::Root | Self::RootSignature
        )
    }

    /// The media type a server declares.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Blob => "application/wasm",
            Self::Entries | Self::Tile => "application/octet-stream",
            Self::Package => "application/jsonl",
            Self::Page(Media::Html) => "text/html; charset=utf-8",
            Self::Page(Media::Json) | Self::Root => "application/json",
            Self::Page(Media::Script) => "text/javascript; charset=utf-8",
            Self::Page(Media::Style) => "text/css; charset=utf-8",
            Self::Page(Media::Svg) => "image/svg+xml",
            Self::BlobSignature
            | Self::Checkpoint
            | Self::Head
            | Self::MapPage
            | Self::Page(Media::Text)
            | Self::RootSignature => "text/plain; charset=utf-8",
        }
    }

    /// Whether gzip is worth its time: text compresses, hashes and signatures of them do not.
    pub fn is_compressible(self) -> bool {
        matches!(
            self,
            Self::Blob
                | Self::Entries
                | Self::Head
                | Self::MapPage
                | Self::Package
                | Self::Page(_)
                | Self::Root
        )
    }
}

impl RegistryPath {
    /// `head`.
    pub fn head() -> Self {
        Self::known("head".to_owned(), PathKind::Head)
    }

    /// `root/<version>.json`.
    pub fn root(version: u64) -> Self {
        Self::known(format!("root/{version}.json"), PathKind::Root)
    }

    /// `root/<version>.json.<key id>.minisig`; the key id as minisign prints it.
    pub fn root_signature(version: u64, key_id_hex: &str) -> Option<Self> {
        Self::parse(&format!("root/{version}.json.{key_id_hex}.minisig"))
    }

    /// `map/<aa>/<sha256>`.
    pub fn map_page(digest: &Digest) -> Self {
        Self::addressed("map", digest, "", PathKind::MapPage)
    }

    /// `pkg/<aa>/<sha256>.jsonl`.
    pub fn package(digest: &Digest) -> Self {
        Self::addressed("pkg", digest, ".jsonl", PathKind::Package)
    }

    /// `blob/<aa>/<sha256>.zero`.
    pub fn blob(digest: &Digest) -> Self {
        Self::addressed("blob", digest, ".zero", PathKind::Blob)
    }

    /// `blob/<aa>/<sha256>.zero.minisig`.
    pub fn blob_signature(digest: &Digest) -> Self {
        Self::addressed("blob", digest, ".zero.minisig", PathKind::BlobSignature)
    }

    /// Recognises a path of the layout; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let kind = classify(text)?;
        Some(Self::known(text.to_owned(), kind))
    }

    /// The path, with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the path holds.
    pub fn kind(&self) -> PathKind {
        self.kind
    }

    fn known(text: String, kind: PathKind) -> Self {
        Self { text, kind }
    }

    fn addressed(area: &str, digest: &Digest, suffix: &str, kind: PathKind) -> Self {
        let hex = digest.to_hex();
        let (fan, _) = hex.split_at(2);
        Self::known(format!("{area}/{fan}/{hex}{suffix}"), kind)
    }
}

impl fmt::Display for RegistryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn classify(text: &str) -> Option<PathKind> {
    match text {
        "head" => return Some(PathKind::Head),
        "checkpoint" => return Some(PathKind::Checkpoint),
        "index.html" => return Some(PathKind::Page(Media::Html)),
        "llms.txt" => return Some(PathKind::Page(Media::Text)),
        "catalogue.json" => return Some(PathKind::Page(Media::Json)),
        _ => {}
    }
    let (area, rest) = text.split_once('/')?;
    match area {
        "blob" => rest
            .strip_suffix(".zero")
            .filter(|rest| is_addressed(rest))
            .map(|_| PathKind::Blob)
            .or_else(|| {
                rest.strip_suffix(".zero.minisig")
                    .filter(|rest| is_addressed(rest))
                    .map(|_| PathKind::BlobSignature)
            }),
        "map" => is_addressed(rest).then_some(PathKind::MapPage),
        "pkg" => is_addressed(rest.strip_suffix(".jsonl")?).then_some(PathKind::Package),
        "root" => root_kind(rest),
        "site" => site_kind(rest),
        "tile" => tile_kind(rest),
        _ => None,
    }
}

/// `site/…`: three fixed files, pages and records of packages, and lists under a hexadecimal key.
fn site_kind(rest: &str) -> Option<PathKind> {
    let media = match rest {
        "style.css" => Media::Style,
        "zero.js" => Media::Script,
        "icon.svg" => Media::Svg,
        _ => {
            let (stem, media) = match rest.rsplit_once('.')? {
                (stem, "html") => (stem, Media::Html),
                (stem, "json") => (stem, Media::Json),
                _ => return None,
            };
            let known = match (stem.split_once('/')?, media) {
                (("p", name), _) => is_addressed(name),
                (("s", key), Media::Json) | (("b", key), _) => is_key(key),
                _ => false,
            };
            known.then_some(media)?
        }
    };
    Some(PathKind::Page(media))
}

/// Digits of the longest key of a list: 24 letters of four bytes, and 20 bytes for the order within a word.
const MAX_KEY: usize = 2 * (24 * 4 + 20);

/// Letters, in hexadecimal.
fn is_key(text: &str) -> bool {
    (2..=MAX_KEY).contains(&text.len())
        && text.len().is_multiple_of(2)
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn root_kind(rest: &str) -> Option<PathKind> {
    if let Some(version) = rest.strip_suffix(".json") {
        return is_decimal(version).then_some(PathKind::Root);
    }
    let (version, key) = rest.strip_suffix(".minisig")?.split_once(".json.")?;
    let key_ok = (1..=16).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    (is_decimal(version) && key_ok).then_some(PathKind::RootSignature)
}

/// C2SP tlog-tiles: `<L>/<N>[.p/<W>]`, where N is groups of three digits, all but the last with an `x`.
fn tile_kind(rest: &str) -> Option<PathKind> {
    let (level, index) = rest.split_once('/')?;
    let kind = if level == "entries" {
        PathKind::Entries
    } else {
        (is_decimal_or_zero(level) && level.len() <= 2).then_some(PathKind::Tile)?
    };
    let index = match index.split_once(".p/") {
        None => index,
        Some((index, width)) => (is_decimal(width)
            && width.parse::<u16>().is_ok_and(|width| width < 256))
        .then_some(index)?,
    };
    let mut groups = index.rsplit('/');
    let last_ok = groups.next().is_some_and(is_three_digits);
    let rest_ok = groups.all(|group| group.strip_prefix('x').is_some_and(is_three_digits));
    (last_ok && rest_ok && index.len() <= 64).then_some(kind)
}

fn is_addressed(text: &str) -> bool {
    text.split_once('/').is_some_and(|(fan, hex)| {
        fan.len() == 2
            && hex.len() == 64
            && hex.starts_with(fan)
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

fn is_three_digits(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_decimal(text: &str) -> bool {
    !text.starts_with('0') && is_decimal_or_zero(text)
}

fn is_decimal_or_zero(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructed_paths_parse_to_themselves() {
        let digest = Digest::of(b"x");
        let signature = RegistryPath::root_signature(3, "E7620F1842B4E81F").unwrap();
        for path in [
            RegistryPath::head(),
            RegistryPath::root(12),
            signature,
            RegistryPath::map_page(&digest),
            RegistryPath::package(&digest),
            RegistryPath::blob(&digest),
            RegistryPath::blob_signature(&digest),
        ] {
            assert_eq!(RegistryPath::parse(path.as_str()), Some(path));
        }
    }

    #[test]
    fn accepts_tiles_of_the_c2sp_layout() {
        for (path, kind) in [
            ("tile/0/000", PathKind::Tile),
            ("tile/0/x001/x234/067", PathKind::Tile),
            ("tile/1/000.p/12", PathKind::Tile),
            ("tile/entries/x001/000.p/255", PathKind::Entries),
            ("index.html", PathKind::Page(Media::Html)),
            ("site/zero.js", PathKind::Page(Media::Script)),
            ("site/s/6373.json", PathKind::Page(Media::Json)),
            ("site/b/6373.html", PathKind::Page(Media::Html)),
            ("site/b/6373.json", PathKind::Page(Media::Json)),
        ] {
            assert_eq!(
                RegistryPath::parse(path).map(|path| path.kind()),
                Some(kind)
            );
        }
    }

    #[test]
    fn refuses_everything_outside_the_layout() {
        let hex = Digest::of(b"x").to_hex();
        for path in [
            "",
            "/head",
            "head/",
            "./head",
            "Head",
            "root/0.json",
            "root/01.json",
            "root/1.json.GG.minisig",
            "root/1.json..minisig",
            "root/../head",
            "blob/00/../../head",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/0",
            "tile/100/000",
            "tile/0/001/000",
            "tile/0/x001/../000",
            "journal/1.json",
            ".lock",
            "map/ab",
            "pkg/con",
            "site/state.json",
            "site/p/tool.html",
            "site/b/a.html",
            "site/s/6161.html",
            "site/b/../../head.html",
            "site/zero.js/",
        ] {
            assert_eq!(RegistryPath::parse(path), None, "{path}");
        }
        assert_eq!(RegistryPath::parse(&format!("map/zz/{hex}")), None);
        assert_eq!(
            RegistryPath::parse(&format!("map/{}/{}", &hex[..2], hex.to_uppercase())),
            None
        );
    }
}
