//! The `.zero` container, manifest, capabilities, keys and signatures: bytes in, values out.
//!
//! Nothing here reads a file, a clock, the environment or a random source: whoever calls passes them in.
//! The normative text is in `spec/artifact.md`, `spec/manifest.md` and `spec/capabilities.md`.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::as_conversions))]

mod artifact;
mod capability;
mod digest;
mod imports;
mod json;
mod key;
pub mod limits;
mod manifest;
mod metadata;
mod minisig;
mod package;
mod receipt;
mod text;
mod verify;
mod version;

pub use artifact::{
    Artifact, AssembleError, DecodeError, Entries, FileEntry, FileHeaderFault, FilePath,
    FilePathError, FileSet, FileSetError, Files, FilesError, SignError, Signature, SignatureFault,
    assemble, sign,
};
pub use capability::{
    Access, Capabilities, CapabilityKind, Cidr, Clock, ClockRule, EnvName, EnvNameError, EnvRule,
    FsRule, FsScope, GuestPath, GuestPathError, HostError, HostName, HostPattern, HttpRule, Need,
    NetRule, RandomRule, Scheme, UrlHost, UrlPattern, UrlPatternError, Widening,
};
pub use digest::{Digest, DigestError, Hasher};
pub use imports::{
    Import, ImportClass, ImportReport, ImportsError, Undeclared, check_imports, required_imports,
};
pub use json::JsonError;
pub use key::{BadSignature, KeyError, PublicKey, SecretKey, key_id_hex};
pub use manifest::{
    Build, BuildKind, CargoPackage, ExportSpec, Incomplete, InheritError, Manifest, ManifestError,
    ManifestPackage, ParamSpec, Problem, ResultSpec, Target, TypeMismatch,
};
pub use metadata::{
    BuildInfo, Compile, Example, Export, FormatVersion, Hints, Kind, Limits, METADATA_VERSION,
    Metadata, MetadataError, OptLevel, Package, Param, Resources, Returned,
};
pub use minisig::{Minisig, MinisigError};
pub use package::{NameError, PackageName, PackageRef, PackageRefError, RegistryName};
pub use receipt::{Receipt, ReceiptError};
pub use text::{printable, printable_lines};
pub use verify::{Verified, VerifyError, verify};
pub use version::{VersionReq, VersionReqError};

pub use semver::Version;
