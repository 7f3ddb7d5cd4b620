//! Every decoder, as a function of bytes alone: none may panic, whatever the bytes.
//!
//! `fuzz/` runs the same list for hours; here each decoder meets arbitrary bytes and mutated vectors in every run.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use zero_format::{
    Artifact, Capabilities, Manifest, Metadata, Minisig, PackageName, PackageRef, PublicKey,
    Receipt, SecretKey, VersionReq, required_imports,
};
use zero_registry::{
    Bucket, Bundle, Checkpoint, Head, Location, MapNode, Origin, RegistryPath, Root, SignedEvent,
    Snapshot, Timestamp,
};

use crate::index::{files, read};

/// A name, the areas whose files are its seeds, and the decoder.
type Decoder = (&'static str, &'static [&'static str], fn(&[u8]));

const DECODERS: [Decoder; 17] = [
    ("artifact", &["artifact"], artifact),
    ("bundle", &["log"], |bytes| drop(Bundle::decode(bytes))),
    ("checkpoint", &["head", "registry"], |bytes| {
        drop(Checkpoint::decode(bytes));
    }),
    ("event", &["chain"], event),
    ("head", &["head"], head),
    ("imports", &["import", "artifact"], |bytes| {
        drop(required_imports(bytes));
    }),
    ("key", &["key"], key),
    ("manifest", &["manifest"], manifest),
    ("map page", &["map"], map_page),
    ("metadata", &["metadata"], metadata),
    ("minisig", &["minisig"], minisig),
    ("names", &["manifest"], names),
    ("paths", &["chain"], paths),
    ("receipt", &["metadata"], |bytes| {
        drop(Receipt::open(bytes, &[7; 32]));
    }),
    ("root", &["root"], root),
    ("snapshot", &["head", "registry"], |bytes| {
        drop(Snapshot::decode(bytes));
    }),
    ("capabilities", &["metadata"], |bytes| {
        drop(serde_json::from_slice::<Capabilities>(bytes));
    }),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn artifact(bytes: &[u8]) {
    if let Ok(artifact) = Artifact::decode(bytes.to_vec()) {
        let _ = artifact
            .files()
            .map(|files| files.entries().take(100).count());
    }
}

fn event(bytes: &[u8]) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Ok(event) = SignedEvent::parse(line) {
            assert_eq!(event.line(), line);
        }
    }
}

fn head(bytes: &[u8]) {
    if let Ok(head) = Head::decode(bytes) {
        assert_eq!(head.encode(), bytes);
    }
}

fn key(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(key) = PublicKey::parse(&text) {
        assert_eq!(PublicKey::parse(&key.to_base64()), Ok(key));
    }
    // Without a password no key is derived, which a hostile cost could make slow.
    let _ = SecretKey::parse(&text, None);
}

fn manifest(bytes: &[u8]) {
    if let Err(error) = Manifest::parse(&text(bytes)) {
        assert!(!error.render("Zero.toml").contains('\u{1b}'));
    }
}

fn map_page(bytes: &[u8]) {
    if let Ok(node) = MapNode::decode(&[], bytes) {
        assert_eq!(node.encode(), bytes);
    }
    if let Ok(bucket) = Bucket::decode(&[], bytes) {
        assert_eq!(bucket.encode(), bytes);
    }
}

fn metadata(bytes: &[u8]) {
    if let Ok(metadata) = Metadata::decode(bytes) {
        assert_eq!(Metadata::decode(&metadata.encode()), Ok(metadata));
    }
}

fn minisig(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(minisig) = Minisig::parse(&text) {
        assert_eq!(minisig.to_string(), text);
    }
}

fn names(bytes: &[u8]) {
    let text = text(bytes);
    for word in text.split_whitespace().take(100) {
        let _ = (
            word.parse::<PackageName>(),
            word.parse::<Origin>(),
            word.parse::<Timestamp>(),
        );
        if let Ok(asked) = word.parse::<PackageRef>() {
            assert_eq!(asked.to_string().parse(), Ok(asked));
        }
        if let Ok(req) = word.parse::<VersionReq>() {
            assert_eq!(req.to_string().parse(), Ok(req));
        }
    }
}

fn paths(bytes: &[u8]) {
    let text = text(bytes);
    for word in text.split_whitespace().take(100) {
        let _ = word.parse::<Location>();
        if let Some(path) = RegistryPath::parse(word) {
            assert!(!path.as_str().contains("..") && !path.as_str().starts_with('/'));
        }
    }
}

fn root(bytes: &[u8]) {
    if let Ok(root) = Root::decode(bytes) {
        assert_eq!(Root::decode(&root.encode()).ok(), Some(root));
    }
}

/// The files of the areas, and a few bytes for areas that have none.
fn seeds(areas: &[&str]) -> Vec<Vec<u8>> {
    let seeds = areas.iter().flat_map(|area| {
        let names = files(area).into_iter().filter(|name| name != "index.json");
        names
            .map(|name| read(area, &name))
            .filter(|bytes| bytes.len() < 4_000)
    });
    seeds.collect()
}

#[test]
fn no_decoder_panics_on_the_seeds_of_any_other() {
    let areas = [
        "artifact", "chain", "head", "import", "key", "manifest", "map", "metadata", "minisig",
        "root",
    ];
    let seeds = seeds(&areas);
    for (_, _, decode) in DECODERS {
        for seed in &seeds {
            decode(seed);
        }
    }
}

/// One change of a seed.
#[derive(Clone, Debug)]
enum Change {
    Cut(Index),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Repeat(Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    // Bytes that mean something in one of the formats are likelier than chance would have it.
    let byte = prop_oneof![
        any::<u8>(),
        select(b"\0\x01\x7f\x80\xff \n\r\t\"\\{}[]:,0129-+.eE=/@*".as_slice())
    ];
    prop_oneof![
        any::<Index>().prop_map(Change::Cut),
        (any::<Index>(), 1..=u8::MAX).prop_map(|(at, bits)| Change::Flip(at, bits)),
        (any::<Index>(), vec(byte, 1..6)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, count)| Change::Remove(at, count)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, count)| Change::Repeat(at, count)),
    ]
}

fn apply(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let at = |index: &Index| index.index(bytes.len() + 1);
        let span =
            |index: &Index, count: u8| at(index)..(at(index) + usize::from(count)).min(bytes.len());
        match change {
            Change::Cut(index) => bytes.truncate(at(index)),
            Change::Flip(index, bits) => {
                let at = at(index);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Change::Insert(index, new) => {
                drop(bytes.splice(at(index)..at(index), new.iter().copied()));
            }
            Change::Remove(index, count) => drop(bytes.drain(span(index, *count))),
            Change::Repeat(index, count) => {
                let span = span(index, *count);
                let end = span.end;
                let copy = bytes.get(span).unwrap_or_default().to_vec();
                bytes.splice(end..end, copy);
            }
        }
    }
    bytes
}

#[test]
fn no_decoder_panics_on_mutated_vectors() {
    for (name, areas, decode) in DECODERS {
        let seeds = seeds(areas);
        assert!(!seeds.is_empty(), "{name}");
        proptest!(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() },
            |(seed in select(seeds), changes in vec(change(), 1..6))| decode(&apply(seed, &changes)));
    }
}

#[test]
fn no_decoder_panics_on_arbitrary_bytes() {
    for (_, _, decode) in DECODERS {
        proptest!(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() },
            |(bytes in vec(any::<u8>(), 0..300))| decode(&bytes));
    }
}
