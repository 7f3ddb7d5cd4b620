//! Putting artifacts together (spec/artifact.md, "Encoding"). The same inputs give the same bytes.

use std::borrow::Cow;
use std::collections::BTreeSet;

use wasm_encoder::{CustomSection, Section as _};

use super::files::{FileSet, FileSetError};
use super::read::{Layout, PREAMBLE_LEN, Sections, kind};
use super::signature::{Signature, SignatureSection, message};
use super::{DecodeError, FILES_SECTION, METADATA_SECTION, SIGNATURE_SECTION};
use crate::digest::Digest;
use crate::key::SecretKey;
use crate::limits::{MAX_ARTIFACT, MAX_SIGNATURES};
use crate::metadata::{Kind, Metadata, MetadataError};

/// Why no artifact can be made of a program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// Files that cannot be bundled.
    #[error("assemble the artifact: its files cannot be bundled")]
    Files(#[from] FileSetError),
    /// Metadata that speaks of another kind than the program is.
    #[error("assemble the artifact: the metadata says {declared}, the program is a {found}")]
    Kind {
        /// What the metadata says.
        declared: Kind,
        /// What the program is.
        found: Kind,
    },
    /// Metadata that a reader would refuse.
    #[error("assemble the artifact: its metadata would be refused")]
    Metadata(#[from] MetadataError),
    /// A program that is not WebAssembly.
    #[error("assemble the artifact: the program is not a WebAssembly binary")]
    Program {
        /// Why.
        source: DecodeError,
    },
    /// A program that already carries a section that only an artifact may carry.
    #[error(
        "assemble the artifact: the program already has a custom section `{name}` at byte {offset}"
    )]
    Reserved {
        /// Its name.
        name: String,
        /// Where it starts.
        offset: usize,
    },
    /// More bytes than an artifact may have.
    #[error(
        "assemble the artifact: it would have {size} bytes, more than the {MAX_ARTIFACT} that are allowed"
    )]
    Size {
        /// How many it would have.
        size: usize,
    },
}

/// Why an artifact was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// What should be signed is no artifact.
    #[error("sign the artifact: it is malformed")]
    Decode(#[from] DecodeError),
    /// The same key twice.
    #[error("sign the artifact: the same key is given twice")]
    DuplicateKey,
    /// No key, or more than an artifact has room for.
    #[error("sign the artifact: 1 to {MAX_SIGNATURES} keys can sign it, {count} are given")]
    Keys {
        /// How many are given.
        count: usize,
    },
    /// More bytes than an artifact may have.
    #[error(
        "sign the artifact: it would have {size} bytes, more than the {MAX_ARTIFACT} that are allowed"
    )]
    Size {
        /// How many it would have.
        size: usize,
    },
}

impl AssembleError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Reserved { name, .. } if name == SIGNATURE_SECTION => Some(
                "someone else signed this binary: remove that signature, for example with `wasm-tools strip --all`",
            ),
            Self::Reserved { .. } => {
                Some("this is a .zero file already: give the program that it was made of")
            }
            Self::Kind { .. } => {
                Some("set `component` in the [build] table of Zero.toml to what the build produces")
            }
            Self::Program { .. } => Some("name a .wasm file that a compiler wrote"),
            Self::Metadata(source) => source.hint(),
            Self::Files(_) | Self::Size { .. } => None,
        }
    }
}

/// Makes an unsigned artifact of a program. Its own sections stay as they are, byte for byte.
///
/// # Errors
/// A program that is no WebAssembly binary or has one of Zero's sections already, metadata that
/// [`Metadata::check`] refuses, or too many bytes.
pub fn assemble(
    wasm: &[u8],
    metadata: &Metadata,
    files: Option<&FileSet>,
) -> Result<Vec<u8>, AssembleError> {
    let found = check_program(wasm)?;
    if metadata.kind != found {
        return Err(AssembleError::Kind {
            declared: metadata.kind,
            found,
        });
    }
    metadata.check()?;
    let archive = files.map(FileSet::archive).transpose()?;
    let (preamble, program) = wasm.split_at_checked(PREAMBLE_LEN).unwrap_or_default();
    // Before a section is written: its size is a 32-bit number.
    let payload = archive.as_ref().map_or(0, Vec::len);
    let size = wasm.len().saturating_add(payload);
    if size > MAX_ARTIFACT {
        return Err(AssembleError::Size { size });
    }
    let mut artifact = preamble.to_vec();
    section(&mut artifact, METADATA_SECTION, &metadata.encode());
    if let Some(archive) = archive {
        section(&mut artifact, FILES_SECTION, &archive);
    }
    artifact.extend_from_slice(program);
    if artifact.len() > MAX_ARTIFACT {
        return Err(AssembleError::Size {
            size: artifact.len(),
        });
    }
    Ok(artifact)
}

/// Signs an artifact with each of the keys. Signatures that it already has are replaced.
///
/// # Errors
/// Bytes that are no artifact, no key, too many keys or one key twice.
pub fn sign(artifact: &[u8], keys: &[&SecretKey]) -> Result<Vec<u8>, SignError> {
    let layout = Layout::read(artifact)?;
    layout.metadata(artifact)?;
    let public: BTreeSet<[u8; 32]> = keys.iter().map(|key| key.public_key().as_bytes()).collect();
    if keys.is_empty() || keys.len() > MAX_SIGNATURES {
        return Err(SignError::Keys { count: keys.len() });
    }
    if public.len() != keys.len() {
        return Err(SignError::DuplicateKey);
    }
    let body = layout.body(artifact);
    let hash = Digest::of(body);
    let message = message(&hash);
    let mut signatures: Vec<Signature> = keys
        .iter()
        .map(|key| Signature {
            key_id: key.key_id(),
            bytes: key.sign_raw(&message),
        })
        .collect();
    signatures.sort_unstable();
    let mut signed = artifact.get(..PREAMBLE_LEN).unwrap_or_default().to_vec();
    section(
        &mut signed,
        SIGNATURE_SECTION,
        &SignatureSection { hash, signatures }.encode(),
    );
    let size = signed.len().saturating_add(body.len());
    if size > MAX_ARTIFACT {
        return Err(SignError::Size { size });
    }
    signed.extend_from_slice(body);
    Ok(signed)
}

/// Whether a program is framed like WebAssembly and leaves Zero's names alone.
fn check_program(wasm: &[u8]) -> Result<Kind, AssembleError> {
    let framed = kind(wasm).and_then(|kind| {
        let mut sections = Sections::new(wasm);
        let first = sections.next()?;
        sections.refuse_reserved(first)?;
        Ok(kind)
    });
    framed.map_err(|error| match error {
        DecodeError::ReservedSection { name, offset } => AssembleError::Reserved { name, offset },
        source => AssembleError::Program { source },
    })
}

fn section(out: &mut Vec<u8>, name: &str, payload: &[u8]) {
    CustomSection {
        name: Cow::Borrowed(name),
        data: Cow::Borrowed(payload),
    }
    .append_to(out);
}
