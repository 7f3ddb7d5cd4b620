use proptest::prelude::*;
use zero_format::Digest;

use super::*;
use crate::snapshot::MapRoot;
use crate::testing::name;

fn entry(text: &str) -> PackageEntry {
    PackageEntry {
        name: name(text),
        events: 2,
        segments: vec![Segment {
            sha256: Digest::of(text.as_bytes()),
            size: 700,
        }],
    }
}

fn bucket(names: &[&str]) -> Bucket {
    let mut bucket = Bucket::new(&[]);
    for text in names {
        bucket.insert(entry(text));
    }
    bucket
}

fn map(bytes: &[u8], depth: u8) -> MapRoot {
    MapRoot {
        packages: 3,
        depth,
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
    }
}

#[test]
fn the_map_grows_with_the_registry() {
    for (packages, levels) in [
        (0, 0),
        (64, 0),
        (65, 1),
        (16_384, 1),
        (16_385, 2),
        (u64::MAX, 2),
    ] {
        assert_eq!(depth(packages), levels);
    }
}

#[test]
fn pages_are_written_in_one_form() {
    let bucket = bucket(&["csvstat", "tools/hamming"]);
    let text = String::from_utf8(bucket.encode()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("zero-map/1 bucket -"));
    let sha256 = Digest::of(b"csvstat");
    assert!(text.contains(&format!("\ncsvstat 2 {sha256} 700\n")));
    assert_eq!(Bucket::decode(&[], text.as_bytes()), Ok(bucket));

    let mut node = MapNode::new(&[0xab]);
    let page = PageRef::of(text.as_bytes());
    node.insert(0, page);
    node.insert(255, page);
    let text = String::from_utf8(node.encode()).unwrap();
    let (sha256, size) = (page.sha256, page.size);
    assert_eq!(
        text,
        format!("zero-map/1 node ab\n00 {sha256} {size}\nff {sha256} {size}\n")
    );
    assert_eq!(MapNode::decode(&[0xab], text.as_bytes()), Ok(node));
}

#[test]
fn a_lookup_finds_what_is_there_and_proves_what_is_not() {
    let present = name("csvstat");
    let prefix = &key(&present)[..1];
    let mut bucket = Bucket::new(prefix);
    bucket.insert(entry("csvstat"));
    let bucket = bucket.encode();
    let mut node = MapNode::new(&[]);
    node.insert(prefix[0], PageRef::of(&bucket));
    let node = node.encode();

    let step = MapWalk::new(&map(&node, 1), &present).step(&node).unwrap();
    let MapStep::Fetch(walk) = step else {
        panic!("the node lists the bucket");
    };
    assert_eq!(walk.page(), PageRef::of(&bucket));
    assert!(matches!(walk.step(&bucket), Ok(MapStep::Found(found)) if found == entry("csvstat")));

    let absent = name("absent");
    let step = MapWalk::new(&map(&node, 1), &absent).step(&node).unwrap();
    assert!(matches!(step, MapStep::Absent));
}

#[test]
fn absence_cannot_be_forged() {
    let full = bucket(&["csvstat", "hamming", "shout"]).encode();
    let less = bucket(&["csvstat", "shout"]).encode();
    let walk = || MapWalk::new(&map(&full, 0), &name("hamming"));
    assert!(matches!(walk().step(&full), Ok(MapStep::Found(_))));
    assert!(matches!(walk().step(&less), Err(MapError::Length(_))));
    let mut other = full.clone();
    *other.last_mut().unwrap() = b' ';
    assert!(matches!(walk().step(&other), Err(MapError::Digest { .. })));
    // A page of another place, or a node where a bucket belongs, does not answer either.
    let lie = MapWalk::new(&map(&full, 1), &name("hamming"));
    assert!(matches!(lie.step(&full), Err(MapError::Place)));
}

#[test]
fn every_flipped_byte_of_a_page_is_refused() {
    let page = bucket(&["csvstat", "hamming"]).encode();
    for at in 0..page.len() {
        for bit in 0..8 {
            let mut flipped = page.clone();
            flipped[at] ^= 1 << bit;
            let walk = MapWalk::new(&map(&page, 0), &name("csvstat"));
            assert!(walk.step(&flipped).is_err(), "byte {at}");
        }
    }
}

#[test]
fn misplaced_lines_are_refused() {
    let sha256 = Digest::of(b"");
    let node = |lines: &str| MapNode::decode(&[], format!("zero-map/1 node -\n{lines}").as_bytes());
    assert!(node("").is_ok());
    assert!(node(&format!("00 {sha256} 1\n")).is_ok());
    for lines in [
        format!("00 {sha256} 1"),
        format!("00 {sha256} 1\n\n"),
        format!("00 {sha256} 01\n"),
        format!("00 {sha256} 0\n"),
        format!("00  {sha256} 1\n"),
        format!("0 {sha256} 1\n"),
        format!("+1 {sha256} 1\n"),
        format!("FF {sha256} 1\n"),
        format!("00 {sha256} 1 1\n"),
        format!("01 {sha256} 1\n00 {sha256} 1\n"),
        format!("00 {sha256} 1\n00 {sha256} 1\n"),
        format!("00 {sha256} 99999999999999999999\n"),
    ] {
        assert!(node(&lines).is_err(), "{lines}");
    }
    let page = |prefix: &[u8], lines: &str| {
        let text = format!("zero-map/1 bucket {}\n{lines}", hex::encode(prefix));
        Bucket::decode(prefix, text.as_bytes())
    };
    let right = key(&name("csvstat"))[0];
    let line = format!("csvstat 2 {sha256} 9\n");
    assert!(page(&[right], &line).is_ok());
    assert_eq!(page(&[right ^ 1], &line), Err(MapError::Order { line: 2 }));
    for line in [
        format!("csvstat 0 {sha256} 9\n"),
        format!("csvstat 129 {sha256} 9\n"),
        format!("csvstat 2 {sha256} 9 {sha256} 9\n"),
        format!("csvstat 2 {sha256}\n"),
        "csvstat 2\n".to_owned(),
        format!("Csvstat 2 {sha256} 9\n"),
        format!("csvstat 2 {sha256} 9\ncsvstat 2 {sha256} 9\n"),
    ] {
        assert!(page(&[right], &line).is_err(), "{line}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(lines in "[0-9a-f\\n -]{0,200}", bytes: Vec<u8>) {
        let text = format!("zero-map/1 bucket -\n{lines}");
        if let Ok(bucket) = Bucket::decode(&[], text.as_bytes()) {
            prop_assert_eq!(bucket.encode(), text.into_bytes());
        }
        let text = format!("zero-map/1 node -\n{lines}");
        if let Ok(node) = MapNode::decode(&[], text.as_bytes()) {
            prop_assert_eq!(node.encode(), text.into_bytes());
        }
        let _ = Bucket::decode(&[], &bytes);
    }
}
