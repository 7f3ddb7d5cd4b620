//! The last step: the package file against its signed release.

use zero_format::{Artifact, Verified};

use super::{Client, Resolved, error::FetchError, mirrors::Wanted};
use crate::{ArtifactMismatch, RegistryPath, check_artifact};

pub(super) fn fetch(
    client: &Client,
    resolved: &Resolved,
) -> Result<Verified<Artifact>, FetchError> {
    let release = &resolved.release;
    let digest = release.sha256();
    let check = |bytes| check_artifact(bytes, &resolved.name, release);
    let refuse = |source| FetchError::Artifact {
        name: resolved.name.clone(),
        version: resolved.version.clone(),
        source: Box::new(source),
    };
    if let Some(bytes) = client.store.unchecked_blob(&digest, release.size())? {
        match check(bytes) {
            Ok(verified) => return Ok(verified),
            // A changed byte in the store: as good as a missing file, and replaced below.
            Err(ArtifactMismatch::Digest { .. } | ArtifactMismatch::Size { .. }) => {}
            Err(error) => return Err(refuse(error)),
        }
    }
    let wanted = Wanted {
        path: RegistryPath::blob(&digest),
        digest,
        size: release.size(),
    };
    let name = &client.config.name;
    let files = client.mirrors.content(name, resolved.mirror, &[wanted])?;
    let bytes = files.into_iter().next().unwrap_or_default();
    let verified = check(bytes).map_err(refuse)?;
    // Only a file that was verified is kept, and it is this one, not a second copy of it.
    client.store.keep_blob(&digest, verified.bytes())?;
    Ok(verified)
}
