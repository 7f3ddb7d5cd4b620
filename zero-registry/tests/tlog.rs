//! Somebody else's implementation of C2SP's logs reads ours: Cloudflare's, in a program of its own (`tlog/`).

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{fs, iter};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use support::registry::{HOUR, LOG, ORIGIN, Registry, T0, key};

/// The program, which cargo builds.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("programs");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tlog");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--target-dir"])
            .arg(&target)
            .current_dir(folder)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .status();
        assert!(built.expect("cargo starts").success());
        target
            .join("debug")
            .join(format!("tlog{}", std::env::consts::EXE_SUFFIX))
    })
}

/// The log's key as C2SP writes it: name, key id, and the type of signature with the key.
fn verifier_key(origin: &str) -> String {
    let public = [&[1][..], &key(LOG).public_key().as_bytes()].concat();
    let id = Sha256::digest([origin.as_bytes(), b"\n", &public].concat());
    format!(
        "{origin}+{}+{}",
        hex::encode(&id[..4]),
        BASE64_STANDARD.encode(public)
    )
}

fn read(folder: &Path, key: &str, older: Option<&Path>) -> Output {
    let mut command = Command::new(program());
    command.arg(folder).arg(key).args(older);
    command.output().expect("it starts")
}

/// A registry whose log has a full tile and more, and its checkpoint of before.
fn grown() -> (Registry, PathBuf) {
    let registry = Registry::new();
    registry.claim("tool", T0);
    registry.release("tool", "1.0.0", T0);
    let older = registry.path().join("older");
    fs::copy(registry.path().join("checkpoint"), &older).expect("a copy");
    for hour in 1..=4 {
        registry.toggle(80, "1.0.0", T0.plus(hour * HOUR));
    }
    (registry, older)
}

#[test]
fn another_implementation_reads_every_leaf_and_follows_the_log() {
    let (registry, older) = grown();
    let output = read(registry.path(), &verifier_key(ORIGIN), Some(&older));
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("leaves are text");
    let (size, leaves) = text.split_once('\n').expect("a size, then leaves");
    let size: usize = size.parse().expect("a number");
    assert!(size > 256, "{size}");
    assert_eq!(leaves.lines().count(), size);
    let chain = iter::successors(Some(registry.path().join("pkg")), |folder| {
        fs::read_dir(folder)
            .ok()?
            .next()?
            .ok()
            .map(|entry| entry.path())
    });
    let chain = chain.last().expect("a chain");
    for event in fs::read_to_string(chain).expect("a file").lines() {
        assert!(leaves.contains(event), "{event}");
    }
}

#[test]
fn another_implementation_refuses_what_is_not_the_log() {
    let (registry, older) = grown();
    let fails = |folder: &Path, key: &str, older: &Path, why: &str| {
        let output = read(folder, key, Some(older));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{output:?}");
    };
    let ours = verifier_key(ORIGIN);
    let stranger = verifier_key("registry.example/other");
    fails(registry.path(), &stranger, &older, "UnverifiedNote");
    // The history of another registry of the same name and key.
    let other = Registry::new();
    other.claim("other", T0);
    let foreign = other.path().join("checkpoint");
    fails(registry.path(), &ours, &foreign, "InvalidProof");
    for tile in ["tile/0/000", "tile/entries/000"] {
        let copy = registry.copy();
        let path = copy.path().join(tile);
        let mut bytes = fs::read(&path).expect("a tile");
        bytes[40] ^= 1;
        fs::write(&path, bytes).expect("a file");
        fails(copy.path(), &ours, &older, "InvalidProof");
    }
}
