//! A registry in a bucket, read with the reader's own credentials for it: a team's private registry.

use std::time::Duration;

use super::{Fetched, GetOptions, Meter, Request, Traffic, Transport, TransportError};
use crate::RegistryPath;
use crate::objects::{GetError, ObjectStoreError, Objects};

/// Time for one file, repetitions included.
const PATIENCE: Duration = Duration::from_mins(1);
/// Reads at once; further ones wait.
const MAX_PARALLEL: usize = 8;

/// Reads files below one prefix of a bucket.
#[derive(Debug)]
pub struct ObjectTransport {
    objects: Objects,
    meter: Meter,
}

impl ObjectTransport {
    /// Reads below `url`, such as `s3://BUCKET/PREFIX`; nothing is connected yet. `options` are those of
    /// the store's own tools, as their environment variables name them.
    ///
    /// # Errors
    /// When the address or an option cannot be understood.
    pub fn new(
        url: &str,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, TransportError> {
        let objects = Objects::open(url, options).map_err(|error| match error {
            ObjectStoreError::Open { url, source } => TransportError::Store { url, source },
            error => TransportError::Store {
                url: url.to_owned(),
                source: Box::new(error),
            },
        })?;
        Ok(Self {
            objects,
            meter: Meter::default(),
        })
    }

    fn place(&self, path: &RegistryPath) -> String {
        format!("{}/{path}", self.objects.url().trim_end_matches('/'))
    }
}

impl Transport for ObjectTransport {
    fn get(&self, path: &RegistryPath, options: &GetOptions) -> Result<Fetched, TransportError> {
        self.meter.request();
        let tag = options.etag.as_deref();
        match self
            .objects
            .get_unless(path.as_str(), options.max_bytes, tag, PATIENCE)
        {
            Ok(Some((bytes, version))) => {
                self.meter
                    .bytes(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                Ok(Fetched::Bytes {
                    bytes,
                    etag: version.e_tag,
                })
            }
            Ok(None) => Ok(Fetched::NotFound),
            Err(GetError::NotModified) => Ok(Fetched::NotModified),
            Err(GetError::Large(limit)) => Err(TransportError::TooLarge {
                place: self.place(path),
                limit,
            }),
            Err(GetError::Slow(limit)) => Err(TransportError::Timeout {
                url: self.place(path),
                limit,
            }),
            Err(GetError::Store(source)) => Err(TransportError::Store {
                url: self.place(path),
                source: Box::new(source),
            }),
        }
    }

    fn get_all(&self, requests: &[Request]) -> Vec<Result<Fetched, TransportError>> {
        let batches = requests.chunks(MAX_PARALLEL).map(|batch| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = batch
                    .iter()
                    .map(|request| scope.spawn(|| self.get(&request.path, &request.options)))
                    .collect();
                let answers = threads.into_iter().map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                });
                answers.collect::<Vec<_>>()
            })
        });
        batches.flatten().collect()
    }

    fn location(&self) -> String {
        self.objects.url().to_owned()
    }

    fn traffic(&self) -> Traffic {
        self.meter.read()
    }
}
