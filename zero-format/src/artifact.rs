//! The `.zero` container: a WebAssembly binary that carries its signature and metadata in front
//! (spec/artifact.md, "Container").
//!
//! [`Artifact::decode`] checks the framing and reads the metadata; it trusts nobody. [`verify`](crate::verify) turns
//! the result into something that may run.

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::digest::{Digest, Digests};
use crate::metadata::{Kind, Metadata, MetadataError};

mod cursor;
mod files;
mod path;
mod read;
mod signature;
mod write;

pub use files::{Entries, FileEntry, FileHeaderFault, FileSet, FileSetError, Files, FilesError};
pub use path::{FilePath, FilePathError};
pub use signature::{Signature, SignatureFault};
pub use write::{AssembleError, SignError, assemble, sign};

pub(crate) use signature::{SignatureSection, message};

use read::Layout;

/// The name of the section that holds signatures.
pub(crate) const SIGNATURE_SECTION: &str = "signature";
/// The name of the section that holds metadata.
pub(crate) const METADATA_SECTION: &str = "zero";
/// The name of the section that holds bundled files.
pub(crate) const FILES_SECTION: &str = "zero-files";
/// The name of the section that would split a partial signature, which Zero does not have.
const DELIMITER_SECTION: &str = "signature_delimiter";
/// Sections of a later version start like this; a program's own sections must not.
const RESERVED_PREFIX: &str = "zero-";

/// A well-formed artifact. It may be unsigned, and its signatures are not checked yet.
///
/// Cloning is cheap where the bytes are concerned: all clones share one buffer.
///
/// ```
/// use zero_format::{Artifact, Kind, Metadata, Package, SecretKey, Version, assemble, sign, verify};
///
/// let wasm = b"\0asm\x01\0\0\0";
/// let metadata = Metadata::new(Kind::Module, Package::new("acme/tiny".parse()?, Version::new(1, 0, 0)));
/// let key = SecretKey::generate([7; 40]);
///
/// let unsigned = assemble(wasm, &metadata, None)?;
/// let signed = sign(&unsigned, &[&key])?;
///
/// let artifact = Artifact::decode(signed)?;
/// assert_eq!(artifact.metadata(), &metadata);
/// let verified = verify(artifact, &[key.public_key()])?;
/// assert_eq!(verified.signers(), [key.public_key()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Artifact {
    bytes: Bytes,
    layout: Layout,
    metadata: Metadata,
    signature: Option<SignatureSection>,
    digests: OnceLock<Digests>,
}

/// Why bytes are not a well-formed artifact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// An integer of the framing that is not in its shortest form, or has more than 32 bits.
    #[error(
        "decode the artifact: the integer at byte {offset} is too long or not in its shortest form"
    )]
    Integer {
        /// Where.
        offset: usize,
    },
    /// Metadata that speaks of another kind than the preamble.
    #[error("decode the artifact: the metadata says {declared}, the preamble says {found}")]
    Kind {
        /// What the metadata says.
        declared: Kind,
        /// What the preamble says.
        found: Kind,
    },
    /// Metadata that is refused.
    #[error("decode the artifact: its metadata is refused")]
    Metadata {
        /// Where the metadata starts.
        offset: usize,
        /// Why.
        source: MetadataError,
    },
    /// No `zero` section where it must be.
    #[error("decode the artifact: byte {offset} starts no `zero` section, this is no .zero file")]
    MissingMetadata {
        /// Where it should start.
        offset: usize,
    },
    /// Neither a core module nor a component.
    #[error("decode the artifact: it does not start like a WebAssembly module or component")]
    Preamble,
    /// One of Zero's sections at a place where it must not be, for example a second time.
    #[error("decode the artifact: a section named `{name}` must not stand at byte {offset}")]
    ReservedSection {
        /// Its name.
        name: String,
        /// Where it starts.
        offset: usize,
    },
    /// A custom section whose name is longer than the section, too long, or not UTF-8.
    #[error("decode the artifact: the custom section at byte {offset} has no readable name")]
    SectionName {
        /// Where the section starts.
        offset: usize,
    },
    /// A signature section that does not have the one shape.
    #[error("decode the artifact: the signature section is malformed at byte {offset}")]
    Signature {
        /// Where.
        offset: usize,
        /// What is wrong.
        source: SignatureFault,
    },
    /// More bytes than an artifact may have.
    #[error("decode the artifact: it has {size} bytes, more than the {max} that are allowed", max = crate::limits::MAX_ARTIFACT)]
    Size {
        /// How many it has.
        size: usize,
    },
    /// More sections than an artifact may have.
    #[error("decode the artifact: it has more than {max} sections", max = crate::limits::MAX_SECTIONS)]
    TooManySections {
        /// Where the first one too many starts.
        offset: usize,
    },
    /// The bytes end inside a section, or a section reaches beyond them.
    #[error(
        "decode the artifact: it is cut short, the section at byte {offset} does not end within it"
    )]
    Truncated {
        /// Where the section starts.
        offset: usize,
    },
}

impl DecodeError {
    /// The byte at which the fault was found, where one byte is to blame.
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::Integer { offset }
            | Self::Metadata { offset, .. }
            | Self::MissingMetadata { offset }
            | Self::ReservedSection { offset, .. }
            | Self::SectionName { offset }
            | Self::Signature { offset, .. }
            | Self::TooManySections { offset }
            | Self::Truncated { offset } => Some(*offset),
            Self::Preamble => Some(0),
            Self::Kind { .. } | Self::Size { .. } => None,
        }
    }

    /// The class of the error as spec/artifact.md names it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Integer { .. } => "integer",
            Self::Kind { .. } => "kind",
            Self::Metadata { source, .. } => source.code(),
            Self::MissingMetadata { .. } => "missing-metadata",
            Self::Preamble => "preamble",
            Self::ReservedSection { .. } => "reserved-section",
            Self::SectionName { .. } => "section-name",
            Self::Signature { .. } => "signature-section",
            Self::Size { .. } => "size",
            Self::TooManySections { .. } => "section-count",
            Self::Truncated { .. } => "truncated",
        }
    }

    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::MissingMetadata { .. } | Self::Preamble => {
                Some("build a .zero file with `cargo zero build`")
            }
            Self::Metadata { source, .. } => source.hint(),
            Self::Truncated { .. } => Some("fetch the file again, it may be incomplete"),
            _ => None,
        }
    }
}

impl Artifact {
    /// Reads an artifact and keeps the buffer.
    ///
    /// A `Vec<u8>` is taken over without copying; `Bytes::from_owner` does the same for a memory map.
    ///
    /// # Errors
    /// Anything that is not exactly the container of spec/artifact.md. Missing signatures are no error here.
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, DecodeError> {
        let bytes = bytes.into();
        let layout = Layout::read(&bytes)?;
        let metadata = layout.metadata(&bytes)?;
        let signature = layout.signature(&bytes)?;
        Ok(Self {
            bytes,
            layout,
            metadata,
            signature,
            digests: OnceLock::new(),
        })
    }

    /// The whole file, which is also the program: a runtime skips sections that it does not know.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The whole file as a shared buffer.
    pub fn buffer(&self) -> Bytes {
        self.bytes.clone()
    }

    /// SHA-256 of the whole file: the artifact's name in registries and caches.
    ///
    /// The file is hashed once, here or by [`verify`](crate::verify), which needs a second hash of nearly the same bytes.
    pub fn digest(&self) -> Digest {
        self.digests().whole
    }

    /// How many bytes the file has.
    pub fn size(&self) -> u64 {
        // A buffer's length always fits: MAX_ARTIFACT was checked.
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    /// What sort of WebAssembly it is; preamble and metadata agree.
    pub fn kind(&self) -> Kind {
        self.metadata.kind
    }

    /// What the artifact says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The signatures that it carries, unchecked; none if it is unsigned.
    pub fn signatures(&self) -> &[Signature] {
        self.signature
            .as_ref()
            .map_or(&[], |section| &section.signatures)
    }

    /// The files that it bundles, if it has any.
    pub fn files(&self) -> Option<Files<'_>> {
        self.layout.files(&self.bytes).map(Files::new)
    }

    /// What the signature says it covers, and what it must cover: the hash of all that follows.
    pub(crate) fn signed(&self) -> Option<(&SignatureSection, Digest)> {
        self.signature
            .as_ref()
            .map(|section| (section, self.digests().tail))
    }

    fn digests(&self) -> Digests {
        *self
            .digests
            .get_or_init(|| Digests::of(&self.bytes, self.layout.body_start()))
    }
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact")
            .field("size", &self.bytes.len())
            .field("kind", &self.kind())
            .field("package", &self.metadata.package.name)
            .field("version", &self.metadata.package.version)
            .field("signatures", &self.signatures().len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
