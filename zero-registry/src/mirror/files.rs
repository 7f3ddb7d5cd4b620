//! Package files and the signatures beside them.

use zero_format::{Digest, Minisig};

use super::MirrorOptions;
use super::error::{MirroringError, io};
use crate::RegistryPath;
use crate::artifact::check_artifact;
use crate::client::MirrorError;
use crate::limits::MAX_SIGNATURE_BYTES;
use crate::state::{PackageState, Release};
use crate::transport::{self, GetOptions, Request, Transport};
use crate::writer::Storage;

/// Bytes of files that are asked for together, unless one file has more.
const BATCH_BYTES: u64 = 32 << 20;
/// Files that are asked for together.
const BATCH_FILES: usize = 16;

/// Fetches what the copy lacks.
pub(super) struct Fetched<'a, S> {
    upstream: &'a dyn Transport,
    storage: &'a S,
    options: &'a MirrorOptions<'a>,
    files: u64,
    bytes: u64,
}

impl<'a, S: Storage> Fetched<'a, S> {
    pub(super) fn new(
        upstream: &'a dyn Transport,
        storage: &'a S,
        options: &'a MirrorOptions<'a>,
    ) -> Self {
        Self {
            upstream,
            storage,
            options,
            files: 0,
            bytes: 0,
        }
    }

    /// How many files were fetched, and their bytes.
    pub(super) fn finish(self) -> (u64, u64) {
        (self.files, self.bytes)
    }

    /// The files of the releases at place `first` of the chain and later.
    pub(super) fn releases(
        &mut self,
        state: &PackageState,
        first: u64,
    ) -> Result<(), MirroringError> {
        let packages = self.options.packages.as_ref();
        if packages.is_some_and(|packages| !packages.contains(state.name())) {
            return Ok(());
        }
        let new = state
            .releases()
            .iter()
            .filter(|release| release.seq() >= first);
        let mut wanted = Vec::new();
        for release in new {
            if !self.is_here(release)? {
                wanted.push(release);
            }
        }
        let mut rest = wanted.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take(BATCH_FILES).take_while(|release| {
                bytes += release.size();
                bytes <= BATCH_BYTES
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            self.fetch(state, now)?;
            rest = later;
        }
        Ok(())
    }

    /// Whether a mirror that was interrupted has copied the file already.
    fn is_here(&self, release: &Release) -> Result<bool, MirroringError> {
        let signature = RegistryPath::blob_signature(&release.sha256());
        let max = u64::try_from(MAX_SIGNATURE_BYTES).unwrap_or(u64::MAX);
        let read = self.storage.read(signature.as_str(), max);
        if read
            .map_err(|source| io("read", signature.as_str(), source))?
            .is_none()
        {
            return Ok(false);
        }
        let path = RegistryPath::blob(&release.sha256());
        let bytes = self
            .storage
            .read(path.as_str(), release.size())
            .ok()
            .flatten();
        Ok(bytes.is_some_and(|bytes| Digest::of(&bytes) == release.sha256()))
    }

    fn fetch(&mut self, state: &PackageState, releases: &[&Release]) -> Result<(), MirroringError> {
        let max = u64::try_from(MAX_SIGNATURE_BYTES).unwrap_or(u64::MAX);
        let requests: Vec<_> = releases
            .iter()
            .flat_map(|release| {
                let request = |path, max| Request {
                    path,
                    options: GetOptions::up_to(max),
                };
                let digest = release.sha256();
                [
                    request(RegistryPath::blob(&digest), release.size()),
                    request(RegistryPath::blob_signature(&digest), max),
                ]
            })
            .collect();
        let mut answers = requests.iter().zip(self.upstream.get_all(&requests));
        for release in releases {
            let file = whole(answers.next())?;
            let signature = whole(answers.next())?;
            self.keep(state, release, file, &signature)?;
        }
        Ok(())
    }

    fn keep(
        &mut self,
        state: &PackageState,
        release: &Release,
        file: Vec<u8>,
        signature: &[u8],
    ) -> Result<(), MirroringError> {
        let (path, digest) = (RegistryPath::blob(&release.sha256()), release.sha256());
        if Digest::of(&file) != digest {
            return Err(MirrorError::Content { path }.into());
        }
        // Of a revoked release the signers may be distrusted, and nobody runs it.
        let file = if release.is_revoked() {
            file
        } else {
            let parsed = Minisig::parse(&String::from_utf8_lossy(signature)).ok();
            let by_signer = |s: &Minisig| {
                let signers = release.signers().iter();
                signers.into_iter().any(|key| s.verify(key, &file).is_ok())
            };
            if !parsed.as_ref().is_some_and(by_signer) {
                return Err(MirroringError::Sidecar(state.name().clone()));
            }
            let checked = check_artifact(file, state.name(), release);
            let artifact = checked.map_err(|source| MirroringError::Artifact {
                name: state.name().clone(),
                source: Box::new(source),
            })?;
            artifact.bytes().to_vec()
        };
        self.files += 1;
        self.bytes += release.size();
        let beside = RegistryPath::blob_signature(&digest);
        for (path, bytes) in [(&path, file.as_slice()), (&beside, signature)] {
            let put = self.storage.put(path.as_str(), bytes);
            put.map_err(|source| io("write", path.as_str(), source))?;
        }
        Ok(())
    }
}

type Answer<'a> = (
    &'a Request,
    Result<transport::Fetched, crate::TransportError>,
);

fn whole(answer: Option<Answer<'_>>) -> Result<Vec<u8>, MirroringError> {
    let Some((request, answer)) = answer else {
        return Ok(Vec::new());
    };
    match answer.map_err(MirrorError::from)? {
        transport::Fetched::Bytes { bytes, .. } => Ok(bytes),
        _ => Err(MirrorError::Missing {
            path: request.path.clone(),
        }
        .into()),
    }
}
