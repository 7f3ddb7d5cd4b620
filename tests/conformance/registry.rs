//! `spec/vectors/registry`: whole registries, judged by a verifier of everything and by a client.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use zero_format::PackageRef;
use zero_registry::{
    Client, DirStorage, FetchError, Location, RegistryConfig, Store, Timestamp, VerifyOptions,
    verify_registry,
};

use crate::class::class;
use crate::index::{Vector, area, check, vectors};
use crate::root::Keys;

const AREA: &str = "registry";

/// The registry of a vector: the good one, with some files replaced and some removed.
fn registry(vector: &Vector) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&area(AREA).join("base"), folder.path());
    let own = area(AREA).join(vector.get::<String>("folder"));
    if own.exists() {
        copy(&own, folder.path());
    }
    for file in vector.get::<Vec<String>>("removed") {
        fs::remove_file(folder.path().join(file)).expect("a file of the good registry");
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).expect("a file");
        }
    }
}

#[test]
fn a_verifier_of_everything_finds_each_fault() {
    check(&vectors(AREA), |vector| {
        let folder = registry(vector);
        let storage = DirStorage::new(folder.path());
        verify_registry(&storage, VerifyOptions::default()).map_err(|error| class(&error))?;
        Ok(())
    });
}

/// The version that a client would run.
fn fetch(vector: &Vector, place: &Path) -> Result<String, FetchError> {
    let store = tempfile::tempdir().expect("a folder");
    let config = RegistryConfig {
        name: "vectors".parse().expect("a name"),
        origin: vector.get::<String>("origin").parse().expect("an origin"),
        pinned: vector.get::<Keys>("pinned").role(),
        mirrors: vec![Location::Dir(place.to_owned())],
        fresh: std::time::Duration::from_hours(1),
    };
    let now: Timestamp = vector.get::<String>("now").parse().expect("a time");
    let client = Client::new(config, Store::new(store.path()), None).expect("a client");
    let (package, request): (String, Option<String>) =
        (vector.get("package"), vector.find("request"));
    let request: PackageRef = format!("{package}@{}", request.unwrap_or_default())
        .parse()
        .expect("a request");
    let resolved = client.resolve(&request, now)?;
    let artifact = client.fetch(&resolved)?;
    Ok(artifact.metadata().package.version.to_string())
}

#[test]
fn a_client_runs_nothing_that_it_must_not() {
    let mut wrong = Vec::new();
    for vector in &vectors(AREA) {
        let folder = registry(vector);
        let found = fetch(vector, folder.path());
        let outcome = found
            .as_ref()
            .map_or_else(|error| error.class().code(), |_| "ok");
        let expected: String = vector.get("client");
        if outcome != expected {
            wrong.push(format!(
                "{}: {outcome} ({found:?}), expected {expected}",
                vector.name()
            ));
        }
        if let Ok(version) = &found {
            assert_eq!(
                Some(version),
                vector.find("resolved").as_ref(),
                "{}",
                vector.name()
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
