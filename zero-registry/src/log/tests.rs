use std::collections::BTreeMap;

use proptest::prelude::*;

use super::append::{EdgeError, LogFile};
use super::proof::{consistency_nodes, inclusion_nodes};
use super::*;
use crate::testing::{key, log_key, origin};

/// RFC 6962, 2.1, word for word.
fn naive_root(leaves: &[Vec<u8>]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [leaf] => leaf_hash(leaf),
        _ => {
            let (left, right) = leaves.split_at(naive_split(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

fn naive_split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// RFC 6962, 2.1.1.
fn naive_path(m: usize, leaves: &[Vec<u8>]) -> Vec<Digest> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m < k {
        [naive_path(m, left), vec![naive_root(right)]].concat()
    } else {
        [naive_path(m - k, right), vec![naive_root(left)]].concat()
    }
}

/// RFC 6962, 2.1.2.
fn naive_subproof(m: usize, leaves: &[Vec<u8>], whole: bool) -> Vec<Digest> {
    if m == leaves.len() {
        return if whole {
            Vec::new()
        } else {
            vec![naive_root(leaves)]
        };
    }
    let k = naive_split(leaves.len());
    let (left, right) = leaves.split_at(k);
    if m <= k {
        [naive_subproof(m, left, whole), vec![naive_root(right)]].concat()
    } else {
        [naive_subproof(m - k, right, false), vec![naive_root(left)]].concat()
    }
}

fn leaves(n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|i| format!("leaf {i}\n").into_bytes()).collect()
}

fn tree(leaves: &[Vec<u8>]) -> Tree {
    Tree {
        size: leaves.len() as u64,
        hash: naive_root(leaves),
    }
}

fn node_of(leaves: &[Vec<u8>], node: Node) -> Digest {
    let width = 1_usize << node.height;
    let start = usize::try_from(node.index).unwrap() * width;
    naive_root(&leaves[start..start + width])
}

type Disk = BTreeMap<String, Vec<u8>>;

fn keep(disk: &mut Disk, files: Vec<LogFile>) {
    disk.extend(files.into_iter().map(|file| (file.path, file.bytes)));
}

fn load(tree: Tree, disk: &Disk) -> Result<Edge, EdgeError> {
    Edge::load(tree, |path| Ok(disk.get(path).cloned()))
}

fn tiles(question: &Consistency, disk: &Disk) -> BTreeMap<TileId, Vec<u8>> {
    let ids = question.tiles().into_iter();
    ids.map(|id| (id, disk[&id.path()].clone())).collect()
}

#[test]
fn hashes_are_those_of_rfc_6962() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let inputs: Vec<_> = inputs.iter().map(|leaf| leaf.to_vec()).collect();
    let root = Edge::empty().append(&inputs).tree.hash;
    assert_eq!(
        root.to_hex(),
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    );
    assert_eq!(
        leaf_hash(b"").to_hex(),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    );
    assert_eq!(Edge::empty().tree(), Tree::empty());
}

#[test]
fn proofs_equal_those_of_the_recursive_definition() {
    for n in 1..40 {
        let leaves = leaves(n);
        let whole = tree(&leaves);
        for m in 0..n {
            let nodes = inclusion_nodes(m as u64, n as u64);
            let proof = resolve_nodes(&nodes, |node| Some(node_of(&leaves, node))).unwrap();
            assert_eq!(proof, naive_path(m, &leaves));
            let leaf = leaf_hash(&leaves[m]);
            verify_inclusion(leaf, m as u64, whole, &proof).unwrap();
            for other in (0..n).filter(|other| *other != m) {
                let moved = verify_inclusion(leaf, other as u64, whole, &proof);
                assert!(moved.is_err(), "leaf {m} of {n} at {other}");
            }
        }
        for m in 1..n {
            let nodes = consistency_nodes(m as u64, n as u64);
            let proof = resolve_nodes(&nodes, |node| Some(node_of(&leaves, node))).unwrap();
            assert_eq!(proof, naive_subproof(m, &leaves, true), "{m} {n}");
            let old = tree(&leaves[..m]);
            verify_consistency(old, whole, &proof).unwrap();
            for changed in 0..proof.len() {
                let mut proof = proof.clone();
                proof[changed] = leaf_hash(b"other");
                assert!(verify_consistency(old, whole, &proof).is_err());
            }
            let longer = [proof.clone(), vec![whole.hash]].concat();
            assert!(verify_consistency(old, whole, &longer).is_err());
            if let Some((_, shorter)) = proof.split_last() {
                assert!(verify_consistency(old, whole, shorter).is_err());
            }
            let forked = Tree {
                hash: leaf_hash(b"fork"),
                ..old
            };
            assert!(verify_consistency(forked, whole, &proof).is_err());
        }
    }
}

#[test]
fn a_large_log_is_consistent_from_its_tiles_alone() {
    let all = leaves(66_000);
    let mut edge = Edge::empty();
    let mut disk = Disk::new();
    let mut trees = vec![Tree::empty()];
    let sizes = [
        1, 2, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_792, 66_000,
    ];
    let mut from = 0;
    for to in sizes {
        let appended = edge.append(&all[from..to]);
        let last = leaf_hash(&all[to - 1]);
        verify_inclusion(last, to as u64 - 1, appended.tree, &appended.proof).unwrap();
        trees.push(appended.tree);
        keep(&mut disk, appended.files);
        let loaded = load(appended.tree, &disk).unwrap();
        assert_eq!(loaded.tree(), appended.tree);
        edge = loaded;
        from = to;
    }
    assert_eq!(edge.tree().hash, naive_root(&all));
    for (i, old) in trees.iter().enumerate() {
        for new in &trees[i..] {
            let question = Consistency::between(*old, *new).unwrap();
            assert!(question.tiles().len() <= 8);
            question.check(&tiles(&question, &disk)).unwrap();
            assert!(old.size == new.size || Consistency::between(*new, *old).is_err());
        }
    }
}

#[test]
fn a_fork_is_found_whatever_the_tiles_say() {
    let mut one = Edge::empty();
    let mut other = Edge::empty();
    let mut disk = Disk::new();
    let old = one.append(&leaves(300)).tree;
    let rewritten = [leaves(299), vec![b"another\n".to_vec()]].concat();
    other.append(&rewritten);
    let appended = other.append(&leaves(400));
    keep(&mut disk, appended.files);
    keep(
        &mut disk,
        Edge::empty()
            .append(&[rewritten, leaves(400)].concat())
            .files,
    );
    let question = Consistency::between(old, appended.tree).unwrap();
    let honest = tiles(&question, &disk);
    assert_eq!(question.check(&honest), Err(ProofError::Hash));
    for (id, tile) in &honest {
        let mut missing = honest.clone();
        missing.remove(id);
        assert!(question.check(&missing).is_err());
        let mut short = honest.clone();
        short.insert(*id, tile[..tile.len() - 1].to_vec());
        assert!(question.check(&short).is_err());
    }
    assert_eq!(
        Consistency::between(
            old,
            Tree {
                hash: appended.tree.hash,
                ..old
            }
        )
        .map(|_| ()),
        Err(ProofError::Hash)
    );
}

#[test]
fn an_edge_that_is_not_of_the_tree_is_refused() {
    let appended = Edge::empty().append(&leaves(300));
    let mut disk = Disk::new();
    keep(&mut disk, appended.files);
    for path in ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"] {
        let mut damaged = disk.clone();
        damaged.get_mut(path).unwrap()[5] ^= 1;
        assert!(load(appended.tree, &damaged).is_err(), "{path}");
        damaged.remove(path);
        let missing = load(appended.tree, &damaged).map(|_| ());
        assert_eq!(missing, Err(EdgeError::Missing(path.to_owned())));
    }
}

#[test]
fn full_files_serve_where_partial_ones_were_removed() {
    let mut disk = Disk::new();
    let mut edge = Edge::empty();
    let small = edge.append(&leaves(200));
    let large = edge.append(&leaves(200));
    assert_eq!(
        large.superseded,
        ["tile/entries/000.p", "tile/0/000.p"].map(str::to_owned)
    );
    keep(&mut disk, large.files);
    assert_eq!(load(small.tree, &disk).unwrap().tree(), small.tree);
    let question = Consistency::between(small.tree, large.tree).unwrap();
    question.check(&tiles(&question, &disk)).unwrap();
}

#[test]
fn a_checkpoint_survives_its_text() {
    let tree = tree(&leaves(3));
    let note = Checkpoint::sign(&origin(), tree, &log_key());
    let read = Checkpoint::decode(&note.encode()).unwrap();
    assert_eq!(read, note);
    let public = log_key().public_key();
    assert_eq!(read.verify(&origin(), &public), Ok(tree));
    let other = key(1).public_key();
    assert_eq!(
        read.verify(&origin(), &other),
        Err(CheckpointError::Signature)
    );
    let elsewhere = "elsewhere.example".parse().unwrap();
    assert!(read.verify(&elsewhere, &public).is_err());
}

#[test]
fn unknown_signature_lines_are_left_alone() {
    let note = Checkpoint::sign(&origin(), tree(&leaves(3)), &log_key());
    let mut text = String::from_utf8(note.encode()).unwrap();
    text += "\u{2014} witness.example AAAAAAAA\n";
    let read = Checkpoint::decode(text.as_bytes()).unwrap();
    assert_eq!(read.encode(), text.as_bytes());
    read.verify(&origin(), &log_key().public_key()).unwrap();
    text += &"\u{2014} witness.example AAAAAAAA\n".repeat(15);
    assert!(Checkpoint::decode(text.as_bytes()).is_err());
}

#[test]
fn malformed_checkpoints_are_refused() {
    let note = Checkpoint::sign(&origin(), tree(&leaves(3)), &log_key());
    let text = String::from_utf8(note.encode()).unwrap();
    for (from, to) in [
        ("\n3\n", "\n03\n"),
        ("\n3\n", "\n+3\n"),
        ("\n3\n", "\n18446744073709551615\n"),
        ("\n\n", "\nextension\n\n"),
        ("\u{2014} ", "- "),
        ("\n3\n", "\r\n3\n"),
        ("=\n\n", "\n\n"),
    ] {
        assert!(text.contains(from));
        let text = text.replacen(from, to, 1);
        assert!(Checkpoint::decode(text.as_bytes()).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn appending_in_any_portions_yields_the_same_log(
        portions in prop::collection::vec(1_usize..300, 1..6),
    ) {
        let all = leaves(portions.iter().sum());
        let whole = Edge::empty().append(&all);
        let mut edge = Edge::empty();
        let (mut from, mut disk) = (0, Disk::new());
        let mut last = None;
        for portion in portions {
            let appended = edge.append(&all[from..from + portion]);
            from += portion;
            keep(&mut disk, appended.files.clone());
            last = Some(appended);
        }
        let last = last.unwrap();
        prop_assert_eq!(last.tree, tree(&all));
        prop_assert_eq!(last.tree, whole.tree);
        prop_assert_eq!(&last.proof, &whole.proof);
        for file in whole.files {
            prop_assert_eq!(disk.get(&file.path), Some(&file.bytes));
        }
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(bundle) = Bundle::decode(&bytes) {
            prop_assert_eq!(bundle.encode(), bytes.clone());
        }
        let _ = Checkpoint::decode(&bytes);
    }

    #[test]
    fn no_proof_makes_a_check_panic(
        index: u64,
        old: u64,
        new: u64,
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let hashes: Vec<_> = hashes.into_iter().map(Digest::from_bytes).collect();
        let tree = |size| Tree { size, hash: Digest::of(b"") };
        let _ = verify_inclusion(Digest::of(b""), index, tree(new), &hashes);
        let _ = verify_consistency(tree(old), tree(new), &hashes);
        if let Ok(question) = Consistency::between(tree(old), tree(new)) {
            let _ = question.check(&BTreeMap::new());
        }
    }
}
