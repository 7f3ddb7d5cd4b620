//! Files below a prefix of an object store: S3 and what speaks like it, Google's, Azure's.
//!
//! What readers and writers of a registry in a bucket share. A request whose outcome is not known is made
//! again; what that means for conditional writes is for the caller to sort out.

use std::{
    fmt, io,
    sync::Arc,
    time::{Duration, Instant},
};

use object_store::path::Path as ObjectPath;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, RetryConfig, UpdateVersion,
};
use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

#[cfg(feature = "server")]
mod served;

/// Files on their way at once.
const PARALLEL: usize = 16;
/// How often a request is made whose outcome is not known: the connection broke, the answer was cut
/// off. The library repeats only requests that it knows to be harmless; ours all are, as a condition
/// holds or the content has one possible form.
const ATTEMPTS: u32 = 5;
/// The pause before the second attempt; each one after is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// No attempt is made after this time, and no answer is waited for by default.
const PATIENCE: Duration = Duration::from_mins(2);

/// A prefix of a bucket.
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: ObjectPath,
    url: String,
    runtime: Driver,
}

/// What was found, and in which version.
pub(crate) type Found = (Vec<u8>, UpdateVersion);

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

impl Objects {
    /// What lies at `s3://BUCKET/PREFIX`, `gs://…` or `az://…`. `options` are those of the store's own
    /// tools, as their environment variables name them. Nothing is asked yet.
    ///
    /// # Errors
    /// When the address or an option cannot be understood.
    pub(crate) fn open(
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
            runtime: Driver(runtime.map(Some).map_err(|error| fail(error.into()))?),
        })
    }

    /// The address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Reads a file of at most `max` bytes; none when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, or is longer (`FileTooLarge`).
    pub(crate) fn get(&self, path: &str, max: u64) -> io::Result<Option<Found>> {
        self.get_within(path, max, PATIENCE)
    }

    /// The same within this time, for callers for whom somebody waits.
    ///
    /// # Errors
    /// As [`Objects::get`], and when the time is over (`TimedOut`).
    pub(crate) fn get_within(
        &self,
        path: &str,
        max: u64,
        limit: Duration,
    ) -> io::Result<Option<Found>> {
        match self.get_unless(path, max, None, limit) {
            Ok(found) => Ok(found),
            Err(GetError::Store(error)) => Err(io::Error::other(error)),
            Err(error @ GetError::Slow(_)) => Err(io::Error::new(io::ErrorKind::TimedOut, error)),
            Err(error @ (GetError::Large(_) | GetError::NotModified)) => {
                Err(io::Error::new(io::ErrorKind::FileTooLarge, error))
            }
        }
    }

    /// The same, unless the file is still the one with this tag.
    pub(crate) fn get_unless(
        &self,
        path: &str,
        max: u64,
        tag: Option<&str>,
        limit: Duration,
    ) -> Result<Option<Found>, GetError> {
        let place = self.place(path);
        let place = &place;
        let get = persistently(|| async move {
            let options = object_store::GetOptions {
                if_none_match: tag.map(str::to_owned),
                ..object_store::GetOptions::default()
            };
            let result = self.store.get_opts(place, options).await?;
            let version = UpdateVersion {
                e_tag: result.meta.e_tag.clone(),
                version: result.meta.version.clone(),
            };
            if result.meta.size > max {
                return Ok(None);
            }
            Ok(Some((result.bytes().await?.to_vec(), version)))
        });
        let Some(found) = self.runtime.within(limit, get) else {
            return Err(GetError::Slow(limit));
        };
        match found {
            Ok(Some(found)) => Ok(Some(found)),
            Ok(None) => Err(GetError::Large(max)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(object_store::Error::NotModified { .. }) => Err(GetError::NotModified),
            Err(error) => Err(GetError::Store(error)),
        }
    }

    /// Writes under a condition; tells whether the condition held. After an attempt that had an unknown
    /// outcome, it may not hold because of that attempt.
    ///
    /// # Errors
    /// When the store does not say.
    pub(crate) fn write(&self, path: &str, bytes: &[u8], mode: PutMode) -> io::Result<bool> {
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes.to_vec());
        let place = self.place(path);
        let put = || {
            let (payload, options) = (payload.clone(), options.clone());
            self.store.put_opts(&place, payload, options)
        };
        match self.runtime.block_on(persistently(put)) {
            Ok(_) => Ok(true),
            // Not `NotFound`: that is a bucket that does not exist, and no condition.
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(false),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Writes files that have one possible content, several at a time.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub(crate) fn send(&self, files: Vec<(String, Vec<u8>)>) -> io::Result<()> {
        let sent = self.runtime.block_on(async {
            let mut sending = JoinSet::new();
            let mut outcome = Ok(());
            for (path, bytes) in files {
                if sending.len() >= PARALLEL {
                    outcome = outcome.and(joined(sending.join_next().await));
                }
                let (store, place) = (Arc::clone(&self.store), self.place(&path));
                let payload = PutPayload::from(bytes);
                sending.spawn(persistently(move || {
                    let (store, place) = (Arc::clone(&store), place.clone());
                    let payload = payload.clone();
                    async move { store.put(&place, payload).await.map(drop) }
                }));
            }
            while let Some(sent) = sending.join_next().await {
                outcome = outcome.and(joined(Some(sent)));
            }
            outcome
        });
        sent.map_err(io::Error::other)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When the store does not say that it did.
    pub(crate) fn remove(&self, path: &str) -> io::Result<()> {
        let removed = self.runtime.block_on(self.store.delete(&self.place(path)));
        removed.map_err(io::Error::other)
    }

    fn place(&self, path: &str) -> ObjectPath {
        self.prefix
            .parts()
            .chain(ObjectPath::from(path).parts())
            .collect()
    }
}

/// The store's settings hold credentials, which nobody is shown.
impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Objects").field(&self.url).finish()
    }
}

/// Why a file was not read.
#[derive(Debug, Error)]
pub(crate) enum GetError {
    #[error("it has more than {0} bytes")]
    Large(u64),
    #[error("it has not changed")]
    NotModified,
    #[error("no answer within {} s", .0.as_secs())]
    Slow(Duration),
    #[error(transparent)]
    Store(object_store::Error),
}

/// Threads that drive requests. Wherever it is dropped, nobody waits for them.
struct Driver(Option<Runtime>);

impl Driver {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0
            .as_ref()
            .expect("it is there until it is dropped")
            .block_on(future)
    }

    /// The outcome, if there is one in time.
    fn within<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        self.block_on(async { tokio::time::timeout(limit, future).await.ok() })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Makes a request again as long as nobody has said what became of it.
async fn persistently<T, F>(request: impl Fn() -> F) -> object_store::Result<T>
where
    F: Future<Output = object_store::Result<T>>,
{
    let started = Instant::now();
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match request().await {
            Err(object_store::Error::Generic { .. }) if started.elapsed() < PATIENCE => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            outcome => return outcome,
        }
    }
    request().await
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
