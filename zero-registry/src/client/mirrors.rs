//! The places that hold copies of one registry, in the order in which they are asked.

use std::sync::Arc;

use zero_format::{Digest, RegistryName};

use super::error::{FetchError, MirrorError, MirrorFailure, MirrorFailures};
use crate::{
    DirTransport, Fetched, GetOptions, Location, Network, RegistryPath, Request, Traffic,
    Transport, TransportError,
};

/// A file of which the trusted state names the content.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) path: RegistryPath,
    pub(super) digest: Digest,
    /// Bytes that it may have at most; the digest decides.
    pub(super) size: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Mirrors {
    list: Vec<Arc<dyn Transport>>,
}

impl Mirrors {
    pub(super) fn new(list: Vec<Arc<dyn Transport>>) -> Self {
        Self { list }
    }

    /// The mirrors that can be asked: without the network only directories.
    pub(super) fn connect(
        locations: &[Location],
        network: Option<&Network>,
    ) -> Result<Self, TransportError> {
        let mut list: Vec<Arc<dyn Transport>> = Vec::new();
        for location in locations {
            match (location, network) {
                (Location::Dir(path), _) => list.push(Arc::new(DirTransport::new(path))),
                #[cfg(feature = "object")]
                (Location::Bucket(url), Some(network)) => {
                    let options = network.options().stores.iter().cloned();
                    list.push(Arc::new(crate::ObjectTransport::new(url, options)?));
                }
                #[cfg(feature = "object")]
                (Location::Bucket(_), None) => {}
                (Location::Url(_), None) => {}
                (Location::Url(url), Some(network)) => list.push(over_network(url, network)?),
            }
        }
        Ok(Self { list })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn traffic(&self) -> Traffic {
        let each = self.list.iter().map(|mirror| mirror.traffic());
        each.fold(Traffic::default(), std::ops::Add::add)
    }

    /// All mirrors with their places in the list, `first` before the others.
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = (usize, &dyn Transport)> {
        let all = self.list.iter().map(|mirror| &**mirror).enumerate();
        let preferred = all.clone().filter(move |(place, _)| *place == first);
        preferred.chain(all.filter(move |(place, _)| *place != first))
    }

    /// Files by their digests, each from the first mirror that has the right bytes. The files are
    /// independent of each other and are asked for together.
    pub(super) fn content(
        &self,
        registry: &RegistryName,
        first: usize,
        wanted: &[Wanted],
    ) -> Result<Vec<Vec<u8>>, FetchError> {
        let mut found: Vec<Option<Vec<u8>>> = vec![None; wanted.len()];
        let mut failures = Vec::new();
        for (_, mirror) in self.from(first) {
            let missing: Vec<_> = wanted
                .iter()
                .zip(&mut found)
                .filter(|(_, slot)| slot.is_none())
                .collect();
            if missing.is_empty() {
                break;
            }
            let requests: Vec<_> = missing.iter().map(|(wanted, _)| request(wanted)).collect();
            for ((wanted, slot), answer) in missing.into_iter().zip(mirror.get_all(&requests)) {
                match judge(wanted, answer) {
                    Ok(bytes) => *slot = Some(bytes),
                    Err(error) => failures.push(MirrorFailure {
                        location: mirror.location(),
                        error,
                    }),
                }
            }
        }
        let missing = wanted.iter().zip(&found).find(|(_, slot)| slot.is_none());
        match missing {
            None => Ok(found.into_iter().flatten().collect()),
            Some((wanted, _)) if self.is_empty() => Err(FetchError::Offline {
                registry: registry.clone(),
                what: wanted.path.to_string(),
            }),
            Some((wanted, _)) => Err(FetchError::Mirrors {
                registry: registry.clone(),
                what: wanted.path.to_string(),
                failures: MirrorFailures(failures),
            }),
        }
    }
}

#[cfg(feature = "http")]
fn over_network(url: &str, network: &Network) -> Result<Arc<dyn Transport>, TransportError> {
    let transport = crate::HttpTransport::new(url, network.clone())?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "http"))]
fn over_network(_: &str, network: &Network) -> Result<Arc<dyn Transport>, TransportError> {
    match *network {}
}

fn request(wanted: &Wanted) -> Request {
    Request {
        path: wanted.path.clone(),
        options: GetOptions::up_to(wanted.size),
    }
}

fn judge(wanted: &Wanted, answer: Result<Fetched, TransportError>) -> Result<Vec<u8>, MirrorError> {
    let path = || wanted.path.clone();
    match answer {
        Ok(Fetched::Bytes { bytes, .. }) => {
            if Digest::of(&bytes) == wanted.digest {
                Ok(bytes)
            } else {
                Err(MirrorError::Content { path: path() })
            }
        }
        Ok(Fetched::NotFound | Fetched::NotModified) => Err(MirrorError::Missing { path: path() }),
        Err(error) => Err(MirrorError::Transport(error)),
    }
}
