//! Where the operator said that the registry lies: a directory, or a bucket.

use std::path::Path;

use zero_format::SecretKey;
use zero_registry::{
    DirStorage, ErrorClass, ObjectStorage, ObjectStoreError, Place, Storage as _, Writer,
    is_object_store, limits::MAX_HEAD_BYTES,
};

use crate::{commands, host, report::Failure, witness};

/// The place, which need not have a registry yet.
pub(crate) fn open(place: &Path) -> Result<Place, Failure> {
    match bucket(place)? {
        Some(storage) => Ok(Place::Object(Box::new(storage))),
        None => Ok(Place::Dir(DirStorage::new(place))),
    }
}

/// The place for a new registry: a bucket must first show that it honours conditions.
pub(crate) fn open_new(place: &Path) -> Result<Place, Failure> {
    let place = open(place)?;
    if let Place::Object(storage) = &place {
        probe(storage)?;
    }
    Ok(place)
}

/// The place for a copy, new or not.
pub(crate) fn open_copy(place: &Path) -> Result<Place, Failure> {
    let place = open(place)?;
    if let Place::Object(storage) = &place
        && matches!(storage.read("head", MAX_HEAD_BYTES), Ok(None))
    {
        probe(storage)?;
    }
    Ok(place)
}

fn probe(storage: &ObjectStorage) -> Result<(), Failure> {
    let mark = host::random::<8>().map_err(|error| {
        Failure::plain(ErrorClass::Failed, "cannot get random bytes".into(), None).because(&error)
    })?;
    let mark = u64::from_be_bytes(mark);
    let probed = storage.probe(&format!("{mark:016x}"));
    probed.map_err(|error| failure(&error))
}

/// A writer of the registry at a place.
pub(crate) fn writer(place: &Path, key: SecretKey) -> Result<Writer<Place>, Failure> {
    let writer = Writer::with_storage(open(place)?, key);
    let writer = writer.map_err(|error| commands::commit_failure(&error, place))?;
    Ok(writer.with_witnesses(witness::network()))
}

fn bucket(place: &Path) -> Result<Option<ObjectStorage>, Failure> {
    let Some(url) = place.to_str().filter(|text| is_object_store(text)) else {
        return Ok(None);
    };
    let storage = ObjectStorage::open(url, host::store_variables());
    storage.map(Some).map_err(|error| failure(&error))
}

fn failure(error: &ObjectStoreError) -> Failure {
    let class = match error {
        ObjectStoreError::Probe { .. } => ErrorClass::Unreachable,
        _ => ErrorClass::Failed,
    };
    Failure::of(class, error, error.hint().map(str::to_owned))
}
