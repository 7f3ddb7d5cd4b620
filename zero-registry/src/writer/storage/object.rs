//! A registry in an object store: S3 and what speaks like it, Google's, Azure's.
//!
//! There are no locks here. The commit point is a conditional write (`If-None-Match: *`), and `head`
//! is replaced only if nobody else has replaced it since it was read (`If-Match`). A store that
//! takes such conditions and ignores them would lose commits: [`ObjectStorage::probe`] finds out, before
//! the first file of a registry or of a copy is written.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::path::Path as ObjectPath;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig, UpdateVersion,
};
use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::{Guard, Scope, Storage};
use crate::path;

/// Bytes that wait for a barrier.
const MAX_WAITING: usize = 32 << 20;
/// Files on their way at once.
const PARALLEL: usize = 16;

/// A registry below a prefix of a bucket.
#[derive(Debug)]
pub struct ObjectStorage {
    store: Arc<dyn ObjectStore>,
    prefix: ObjectPath,
    url: String,
    runtime: Runtime,
    /// Files that were put since the last barrier; they are sent together.
    pending: Mutex<Vec<(String, Vec<u8>)>>,
    /// The versions in which mutable files were last read.
    seen: Mutex<BTreeMap<String, Option<UpdateVersion>>>,
}

/// Why an object store cannot hold a registry.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ObjectStoreError {
    /// The address is not one of a bucket, or what it needs is not configured.
    #[error("open the object store at {url}")]
    Open {
        /// The address.
        url: String,
        /// What is missing.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store takes a condition and does not honour it.
    #[error("use the object store at {url}: {what}")]
    Unconditional {
        /// The address.
        url: String,
        /// What went wrong.
        what: &'static str,
    },
    /// The store failed.
    #[error("try the object store at {url}")]
    Probe {
        /// The address.
        url: String,
        /// What it said.
        source: io::Error,
    },
}

impl ObjectStoreError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open { .. } | Self::Probe { .. } => Some(
                "check the address and the store's own variables, such as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT",
            ),
            Self::Unconditional { .. } => Some(
                "two writers could lose commits there: use a store with conditional writes (If-None-Match, If-Match), or a directory",
            ),
        }
    }
}

/// Whether a text is the address of a bucket rather than of a directory or a web server.
pub fn is_object_store(place: &str) -> bool {
    ["s3://", "gs://", "az://"]
        .iter()
        .any(|scheme| place.starts_with(scheme))
}

impl ObjectStorage {
    /// The registry at `s3://BUCKET/PREFIX`, `gs://…` or `az://…`. `options` are those of the store's
    /// own tools, as their environment variables name them: `AWS_ACCESS_KEY_ID` and so on.
    ///
    /// # Errors
    /// When the address or an option cannot be understood.
    pub fn open(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ObjectStoreError> {
        let fail = |source: Box<dyn std::error::Error + Send + Sync>| ObjectStoreError::Open {
            url: url.to_owned(),
            source,
        };
        // Fails only where the process has chosen a provider already; then that choice stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let parsed = reqwest::Url::parse(url).map_err(|error| fail(error.into()))?;
        let prefix = ObjectPath::from(parsed.path());
        let store = build(&parsed, options).map_err(|error| fail(error.into()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        Ok(Self {
            store,
            prefix,
            url: url.to_owned(),
            runtime: runtime.map_err(|error| fail(error.into()))?,
            pending: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// Tries whether the store honours the conditions that a registry's safety rests on. `mark` makes
    /// the trial's name; it should be random.
    ///
    /// # Errors
    /// When it does not, or cannot be written to.
    pub fn probe(&self, mark: &str) -> Result<(), ObjectStoreError> {
        let path = format!("{}/probe-{mark}", path::TEMPORARY);
        let outcome = self.try_conditions(&path);
        // A trial that stays behind is in nobody's way.
        let _ = self.runtime.block_on(self.store.delete(&self.place(&path)));
        match outcome {
            Ok(None) => Ok(()),
            Ok(Some(what)) => Err(ObjectStoreError::Unconditional {
                url: self.url.clone(),
                what,
            }),
            Err(source) => Err(ObjectStoreError::Probe {
                url: self.url.clone(),
                source,
            }),
        }
    }

    fn try_conditions(&self, path: &str) -> io::Result<Option<&'static str>> {
        if !self.write(path, b"one", PutMode::Create)? {
            return Ok(Some("it refuses to create a new file"));
        }
        if self.write(path, b"two", PutMode::Create)? {
            return Ok(Some("it replaces a file that may only be created"));
        }
        let Some((_, first)) = self.get(path, 16)? else {
            return Ok(Some("it does not have what was just written"));
        };
        if !self.write(path, b"three", PutMode::Update(first.clone()))? {
            return Ok(Some(
                "it refuses to replace a file in the version that was read",
            ));
        }
        if self.write(path, b"four", PutMode::Update(first))? {
            return Ok(Some(
                "it replaces a file that was replaced by another writer",
            ));
        }
        match self.get(path, 16)? {
            Some((bytes, _)) if bytes == b"three" => Ok(None),
            _ => Ok(Some("it does not have what was just written")),
        }
    }

    fn place(&self, path: &str) -> ObjectPath {
        self.prefix
            .parts()
            .chain(ObjectPath::from(path).parts())
            .collect()
    }

    fn get(&self, path: &str, max: u64) -> io::Result<Option<(Vec<u8>, UpdateVersion)>> {
        let found = self.runtime.block_on(async {
            let result = self.store.get(&self.place(path)).await?;
            let version = UpdateVersion {
                e_tag: result.meta.e_tag.clone(),
                version: result.meta.version.clone(),
            };
            if result.meta.size > max {
                return Ok(None);
            }
            Ok(Some((result.bytes().await?.to_vec(), version)))
        });
        match found {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) => {
                let message = format!("it has more than {max} bytes");
                Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Writes under a condition; tells whether the condition held.
    fn write(&self, path: &str, bytes: &[u8], mode: PutMode) -> io::Result<bool> {
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes.to_vec());
        let place = self.place(path);
        let put = self.store.put_opts(&place, payload, options);
        match self.runtime.block_on(put) {
            Ok(_) => Ok(true),
            // Not `NotFound`: that is a bucket that does not exist, and no condition.
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(false),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    async fn send(&self, files: Vec<(String, Vec<u8>)>) -> object_store::Result<()> {
        let mut sending = JoinSet::new();
        let mut outcome = Ok(());
        for (path, bytes) in files {
            if sending.len() >= PARALLEL {
                outcome = outcome.and(joined(sending.join_next().await));
            }
            let (store, place) = (Arc::clone(&self.store), self.place(&path));
            sending.spawn(async move { store.put(&place, bytes.into()).await.map(drop) });
        }
        while let Some(sent) = sending.join_next().await {
            outcome = outcome.and(joined(Some(sent)));
        }
        outcome
    }
}

fn joined(
    sent: Option<Result<object_store::Result<()>, tokio::task::JoinError>>,
) -> object_store::Result<()> {
    match sent {
        None => Ok(()),
        Some(Ok(sent)) => sent,
        Some(Err(source)) => Err(object_store::Error::JoinError { source }),
    }
}

fn build(
    url: &reqwest::Url,
    options: impl IntoIterator<Item = (String, String)>,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig {
        retry_timeout: Duration::from_mins(1),
        ..RetryConfig::default()
    };
    let address = url.as_str();
    // Each store has its own set of options; those of other tools that use the same names are left.
    macro_rules! store {
        ($builder:ty) => {{
            let mut builder = <$builder>::new().with_url(address).with_retry(retry);
            for (name, value) in options {
                if let Ok(key) = name.to_ascii_lowercase().parse() {
                    builder = builder.with_config(key, value);
                }
            }
            Arc::new(builder.build()?) as Arc<dyn ObjectStore>
        }};
    }
    Ok(match url.scheme() {
        "gs" => store!(object_store::gcp::GoogleCloudStorageBuilder),
        "az" => store!(object_store::azure::MicrosoftAzureBuilder),
        _ => store!(object_store::aws::AmazonS3Builder),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct NoLock;

impl Guard for NoLock {}

impl Storage for ObjectStorage {
    fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let found = self.get(path, max)?;
        if path == "head" || path == path::CHECKPOINT {
            let version = found.as_ref().map(|(_, version)| version.clone());
            lock(&self.seen).insert(path.to_owned(), version);
        }
        Ok(found.map(|(bytes, _)| bytes))
    }

    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        if self.write(path, bytes, PutMode::Create)? {
            return Ok(true);
        }
        // The answer to a write that succeeded may have been lost, and the write repeated: then what
        // is there is ours. That of another writer of the same bytes is as good.
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self.get(path, length) {
            Ok(found) => Ok(found.is_some_and(|(found, _)| found == bytes)),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn put(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let waiting = {
            let mut pending = lock(&self.pending);
            pending.push((path.to_owned(), bytes.to_vec()));
            pending.iter().map(|(_, bytes)| bytes.len()).sum::<usize>()
        };
        if waiting < MAX_WAITING {
            Ok(())
        } else {
            self.barrier()
        }
    }

    fn barrier(&self) -> io::Result<()> {
        let files = std::mem::take(&mut *lock(&self.pending));
        let sent = self.runtime.block_on(self.send(files));
        sent.map_err(io::Error::other)
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let seen = lock(&self.seen).remove(path);
        let version = match seen {
            Some(version) => version,
            None => self.get(path, u64::MAX)?.map(|(_, version)| version),
        };
        let mode = version.map_or(PutMode::Create, PutMode::Update);
        if self.write(path, bytes, mode)? {
            Ok(())
        } else {
            Err(io::ErrorKind::ResourceBusy.into())
        }
    }

    fn remove_folder(&self, _: &str) -> io::Result<()> {
        // Partial tiles are small, and listing costs more than they do.
        Ok(())
    }

    fn lock(&self, scope: Scope) -> io::Result<Box<dyn Guard + '_>> {
        // Slots and conditions do what locks do elsewhere.
        if scope == Scope::Commit {
            lock(&self.pending).clear();
        }
        Ok(Box::new(NoLock))
    }
}
