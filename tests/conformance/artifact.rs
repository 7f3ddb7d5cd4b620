//! `spec/vectors/artifact`: whole `.zero` files.

use std::collections::BTreeSet;

use zero_format::{Artifact, FileEntry, FilesError, PublicKey, Verified, verify};

use crate::index::{Vector, check, files, read, read_text, vectors};

const AREA: &str = "artifact";

fn key(name: &str) -> PublicKey {
    PublicKey::parse(&read_text(AREA, &format!("keys/{name}.pub"))).expect("a key of the vectors")
}

fn keys(vector: &Vector, member: &str) -> Vec<PublicKey> {
    let names: Vec<String> = vector.get(member);
    names.iter().map(|name| key(name)).collect()
}

fn bytes(vector: &Vector) -> Vec<u8> {
    read(AREA, vector.file.as_deref().expect("a file"))
}

fn accept(bytes: Vec<u8>, trusted: &[PublicKey]) -> Result<Verified<Artifact>, String> {
    let artifact = Artifact::decode(bytes).map_err(|error| error.code().to_owned())?;
    verify(artifact, trusted).map_err(|error| error.code().to_owned())
}

/// What the bundled files are, each in one word.
fn unpack(artifact: &Artifact) -> Result<Vec<String>, String> {
    let Some(files) = artifact.files() else {
        return Ok(Vec::new());
    };
    let entries = files.unpack().map_err(|error| files_class(&error))?;
    let word = |entry: &FileEntry| match entry {
        FileEntry::File {
            path, executable, ..
        } => format!("{path}{}", if *executable { "*" } else { "" }),
        FileEntry::Folder { path } => format!("{path}/"),
        _ => "?".to_owned(),
    };
    Ok(entries.iter().map(word).collect())
}

fn files_class(error: &FilesError) -> String {
    let class = match error {
        FilesError::Collision { .. } => "files-collision",
        FilesError::Count | FilesError::Total => "files-limit",
        FilesError::Gzip => "files-gzip",
        FilesError::Header { .. } => "files-header",
        FilesError::Path { .. } => "files-path",
        FilesError::Trailing => "files-trailing",
        _ => "files-unknown",
    };
    class.to_owned()
}

#[test]
fn every_vector_has_its_outcome() {
    check(&vectors(AREA), |vector| {
        let artifact = accept(bytes(vector), &keys(vector, "trust"))?;
        let unpacked = unpack(&artifact)?;
        if vector.find::<Vec<String>>("signers").is_some() {
            let set = |keys: &[PublicKey]| keys.iter().copied().collect::<BTreeSet<_>>();
            let expected = keys(vector, "signers");
            assert_eq!(set(artifact.signers()), set(&expected), "{}", vector.name());
        }
        if let Some(files) = vector.find::<Vec<String>>("files") {
            assert_eq!(unpacked, files, "{}", vector.name());
        }
        Ok(())
    });
}

#[test]
fn every_file_is_a_vector_or_a_key() {
    let listed: BTreeSet<String> = vectors(AREA).into_iter().filter_map(|v| v.file).collect();
    for file in files(AREA) {
        assert!(
            listed.contains(&file) || file.starts_with("keys/") || file == "index.json",
            "{file}"
        );
    }
}

#[test]
fn no_cut_of_a_good_artifact_is_accepted() {
    for vector in vectors(AREA).iter().filter(|vector| vector.is_good()) {
        let (whole, trusted) = (bytes(vector), keys(vector, "trust"));
        for length in 0..whole.len() {
            let cut = whole.get(..length).unwrap_or_default().to_vec();
            assert!(
                accept(cut, &trusted).is_err(),
                "{} cut to {length}",
                vector.name()
            );
        }
    }
}

/// Harmless changes: the number or the bytes of a signature that nobody trusts may change, and the number of one of
/// several signatures may turn into one that nobody trusts. Then fewer signers are named, and nothing else changes.
#[test]
fn no_change_of_one_bit_passes_for_the_same_signers() {
    for vector in vectors(AREA).iter().filter(|vector| vector.is_good()) {
        let (whole, trusted) = (bytes(vector), keys(vector, "trust"));
        let good = accept(whole.clone(), &trusted).expect("a good vector");
        let ignorable = good.signatures().len() > 1;
        // Large archives repeat the same few cases.
        let bits = if whole.len() > 1_000 { 0..1 } else { 0..8 };
        for (at, bit) in (0..whole.len()).flat_map(|at| bits.clone().map(move |bit| (at, bit))) {
            let mut changed = whole.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 1 << bit;
            }
            let Ok(accepted) = accept(changed, &trusted) else {
                continue;
            };
            let place = format!("{}: bit {bit} of byte {at}", vector.name());
            assert!(ignorable && at < 300, "{place}");
            assert_eq!(accepted.metadata(), good.metadata(), "{place}");
            assert!(
                accepted
                    .signers()
                    .iter()
                    .all(|signer| good.signers().contains(signer)),
                "{place}"
            );
        }
    }
}
