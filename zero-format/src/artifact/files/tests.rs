//! Archives packed, unpacked and attacked.

use proptest::prelude::*;

use super::*;

/// A header that may lie; `fix` recomputes the checksum.
fn header(path: &str, size: u64, change: impl FnOnce(&mut [u8; BLOCK])) -> Vec<u8> {
    let mut header = header::encode(&"placeholder".parse().unwrap(), 0, false).unwrap();
    header.set_size(size);
    let block = header.as_mut_bytes();
    block[..100].fill(0);
    block[..path.len()].copy_from_slice(path.as_bytes());
    change(block);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn file(path: &str, content: &[u8]) -> Vec<u8> {
    let mut entry = header(path, u64::try_from(content.len()).unwrap(), |_| {});
    entry.extend_from_slice(content);
    entry.resize(entry.len().next_multiple_of(BLOCK), 0);
    entry
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Unpacks entries that are followed by a regular end.
fn unpack(entries: &[Vec<u8>]) -> Result<Vec<FileEntry>, FilesError> {
    Files::new(&gzip(&[entries.concat(), vec![0; 2 * BLOCK]].concat())).unpack()
}

fn fault(change: impl FnOnce(&mut [u8; BLOCK])) -> FileHeaderFault {
    match unpack(&[header("a", 0, change)]).unwrap_err() {
        FilesError::Header { index: 0, source } => source,
        other => panic!("{other:?}"),
    }
}

#[test]
fn unpacks_files_and_folders() {
    let folder = header("d/", 0, |block| {
        block[156] = b'5';
        block[100..107].copy_from_slice(b"0000755");
    });
    let entries = unpack(&[folder, file("d/a", b"x")]).unwrap();
    assert_eq!(
        entries,
        [
            FileEntry::Folder {
                path: "d".parse().unwrap()
            },
            FileEntry::File {
                path: "d/a".parse().unwrap(),
                bytes: b"x".to_vec(),
                executable: false
            },
        ]
    );
    assert_eq!(unpack(&[]).unwrap(), []);
}

#[test]
fn unpacks_long_paths() {
    let path: FilePath = format!("{}/{}/f", "d".repeat(90), "e".repeat(60))
        .parse()
        .unwrap();
    let mut files = FileSet::new();
    files.insert(path.clone(), vec![1, 2, 3], true).unwrap();
    let archive = files.archive().unwrap();
    let entries = Files::new(&archive).unpack().unwrap();
    assert_eq!(
        entries,
        [FileEntry::File {
            path,
            bytes: vec![1, 2, 3],
            executable: true
        }]
    );
}

#[test]
fn refuses_paths_that_lead_elsewhere() {
    for path in [
        "../a", "/a", "a/../b", "a\\b", "C:a", "nul", "a//b", "", "a/", ".",
    ] {
        assert!(
            matches!(
                unpack(&[file(path, b"")]),
                Err(FilesError::Path { index: 0, .. })
            ),
            "{path}"
        );
    }
}

#[test]
fn refuses_places_that_are_taken() {
    for (one, other) in [
        ("a", "a"),
        ("a", "A"),
        ("a", "a/b"),
        ("a/b", "a"),
        ("d/x", "D/y"),
    ] {
        let result = unpack(&[file(one, b""), file(other, b"")]);
        assert!(
            matches!(result, Err(FilesError::Collision { .. })),
            "{one} {other}"
        );
    }
}

#[test]
fn refuses_anything_but_plain_ustar() {
    for kind in [
        b'1', b'2', b'3', b'4', b'6', b'7', b'L', b'K', b'x', b'g', b'S', 0,
    ] {
        assert_eq!(
            fault(|block| block[156] = kind),
            FileHeaderFault::Kind,
            "{kind}"
        );
    }
    assert_eq!(fault(|block| block[157] = b'x'), FileHeaderFault::Kind);
    assert_eq!(
        fault(|block| block[257..265].copy_from_slice(b"ustar  \0")),
        FileHeaderFault::Format
    );
    assert_eq!(
        fault(|block| block[257..265].fill(0)),
        FileHeaderFault::Format
    );
    assert_eq!(
        fault(|block| block[50] = b'x'),
        FileHeaderFault::Format,
        "a second name behind a NUL"
    );
    assert_eq!(fault(|block| block[0] = 0xff), FileHeaderFault::Format);
    assert_eq!(fault(|block| block[511] = 1), FileHeaderFault::Format);
    assert_eq!(
        fault(|block| block[100..107].copy_from_slice(b"0004755")),
        FileHeaderFault::Mode
    );
    assert_eq!(
        fault(|block| block[124] = 0x80),
        FileHeaderFault::Number,
        "a size in base 256"
    );
    assert_eq!(
        fault(|block| block[124..127].copy_from_slice(b"-01")),
        FileHeaderFault::Number
    );
    let mut wrong = header("a", 0, |_| {});
    wrong[0] = b'b';
    assert!(matches!(
        unpack(&[wrong]),
        Err(FilesError::Header {
            source: FileHeaderFault::Checksum,
            ..
        })
    ));
}

#[test]
fn refuses_cut_and_trailing_data() {
    let whole = [file("a", b"abc"), vec![0; 2 * BLOCK]].concat();
    let unpack = |bytes: &[u8]| Files::new(bytes).unpack().map(|entries| entries.len());
    assert_eq!(unpack(&gzip(&whole)), Ok(1));
    assert_eq!(
        unpack(&gzip(&[whole.as_slice(), &[0; 9000]].concat())),
        Ok(1),
        "padded as tar programs do"
    );
    assert_eq!(
        unpack(&gzip(&[whole.as_slice(), &vec![0; 100_000]].concat())),
        Err(FilesError::Trailing)
    );
    assert_eq!(
        unpack(&gzip(&[whole.as_slice(), &file("b", b"")].concat())),
        Err(FilesError::Trailing)
    );
    assert_eq!(
        unpack(&[gzip(&whole), vec![0]].concat()),
        Err(FilesError::Trailing)
    );
    assert_eq!(
        unpack(&[gzip(&whole), gzip(&whole)].concat()),
        Err(FilesError::Trailing)
    );
    let mut dirty = whole.clone();
    dirty[BLOCK + 100] = 1;
    assert_eq!(
        unpack(&gzip(&dirty)),
        Err(FilesError::Trailing),
        "behind a file's content"
    );
    for end in [0, 100, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK] {
        assert_eq!(unpack(&gzip(&whole[..end])), Err(FilesError::Gzip), "{end}");
    }
    let compressed = gzip(&whole);
    assert!((0..compressed.len()).all(|end| unpack(&compressed[..end]).is_err()));
}

#[test]
fn a_bomb_stops_at_the_limits() {
    let liar = header("a", MAX_FILES_TOTAL + 1, |_| {});
    assert_eq!(unpack(&[liar]), Err(FilesError::Total));
    let short = header("a", MAX_FILES_TOTAL, |_| {});
    assert_eq!(
        unpack(&[short, vec![0; 1 << 20]]),
        Err(FilesError::Gzip),
        "no gigabyte is waited for"
    );
    let many: Vec<Vec<u8>> = (0..=MAX_FILES)
        .map(|at| file(&at.to_string(), b""))
        .collect();
    assert_eq!(unpack(&many), Err(FilesError::Count));
}

#[test]
fn a_set_refuses_what_a_reader_would() {
    let mut files = FileSet::new();
    files.insert("a/b".parse().unwrap(), vec![], false).unwrap();
    for path in ["a", "A/c", "a/B", "a/b"] {
        let path: FilePath = path.parse().unwrap();
        assert_eq!(
            files.insert(path.clone(), vec![], false),
            Err(FileSetError::Collision { path })
        );
    }
    assert_eq!(files.len(), 1);
}

proptest! {
    #[test]
    fn unpacking_never_panics(bytes: Vec<u8>, tar in prop::collection::vec(any::<u8>(), 0..2048)) {
        let _ = Files::new(&bytes).unpack();
        let _ = Files::new(&gzip(&tar)).unpack();
    }

    #[test]
    fn round_trips(contents in prop::collection::btree_map("[a-z]{1,8}(/[a-z]{1,8}){0,3}", (any::<Vec<u8>>(), any::<bool>()), 0..12)) {
        let mut files = FileSet::new();
        let mut expected = Vec::new();
        for (path, (bytes, executable)) in contents {
            let path: FilePath = path.parse().unwrap_or_else(|_| "other".parse().unwrap());
            if files.insert(path.clone(), bytes.clone(), executable).is_ok() {
                expected.push(FileEntry::File { path, bytes, executable });
            }
        }
        expected.sort_by_key(|entry| match entry {
            FileEntry::File { path, .. } | FileEntry::Folder { path } => path.clone(),
        });
        let archive = files.archive().unwrap();
        prop_assert_eq!(&archive, &files.archive().unwrap());
        prop_assert_eq!(Files::new(&archive).unpack().unwrap(), expected);
    }
}
