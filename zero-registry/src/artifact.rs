//! Whether a package file is the one that a release announces (spec/registry.md, "Package files").
//!
//! Writers ask before they publish it, readers before they run it; the answer is the same.

use thiserror::Error;
use zero_format::{
    Artifact, DecodeError, Digest, PackageName, Verified, VerifyError, Version, verify,
};

use crate::state::Release;

/// How a package file differs from its release.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArtifactMismatch {
    /// It asks for other capabilities.
    #[error("check the file: its capabilities are not those of the release")]
    Capabilities,
    /// It is not a `.zero` file.
    #[error("check the file")]
    Decode(#[from] DecodeError),
    /// It has other bytes.
    #[error("check the file: its sha256 is {found}, the release has {expected}")]
    Digest {
        /// Digest that the release states.
        expected: Digest,
        /// Digest of the file.
        found: Digest,
    },
    /// It is another package.
    #[error("check the file: it is {found}, not {expected}")]
    Name {
        /// Package of the release.
        expected: PackageName,
        /// Package that the file states.
        found: PackageName,
    },
    /// None of the keys that signed the release signed it, or a signature is wrong.
    #[error("check the file")]
    Signature(#[from] VerifyError),
    /// It has another length.
    #[error("check the file: it has {found} bytes, the release has {expected}")]
    Size {
        /// Bytes that the release states.
        expected: u64,
        /// Bytes of the file.
        found: u64,
    },
    /// It is another version.
    #[error("check the file: it is version {found}, not {expected}")]
    Version {
        /// Version of the release.
        expected: Version,
        /// Version that the file states.
        found: Version,
    },
}

/// Checks a package file against its release: length, digest, form, signature by a key that signed
/// the release, and embedded name, version and capabilities.
///
/// # Errors
/// The first difference.
pub fn check_artifact(
    bytes: Vec<u8>,
    name: &PackageName,
    release: &Release,
) -> Result<Verified<Artifact>, ArtifactMismatch> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size != release.size() {
        return Err(ArtifactMismatch::Size {
            expected: release.size(),
            found: size,
        });
    }
    let found = Digest::of(&bytes);
    if found != release.sha256() {
        return Err(ArtifactMismatch::Digest {
            expected: release.sha256(),
            found,
        });
    }
    let artifact = verify(Artifact::decode(bytes)?, release.signers())?;
    let metadata = artifact.metadata();
    if metadata.package.name != *name {
        return Err(ArtifactMismatch::Name {
            expected: name.clone(),
            found: metadata.package.name.clone(),
        });
    }
    if metadata.package.version != *release.version() {
        return Err(ArtifactMismatch::Version {
            expected: release.version().clone(),
            found: metadata.package.version.clone(),
        });
    }
    if metadata.capabilities != *release.capabilities() {
        return Err(ArtifactMismatch::Capabilities);
    }
    Ok(artifact)
}
