//! A package registry that is one static directory of files (spec/registry.md).
//!
//! Publishers sign events. Events are the leaves of a transparency log, a Merkle map points from
//! each name to its events, and one small mutable file, `head`, proves the newest state of both.
//! Whoever serves the files needs no trust.
//!
//! The reading side is pure: bytes, keys and `now` go in, values come out. In order:
//! [`Roots`] → [`Head`] → [`MapWalk`] → [`PackageState`] → [`resolve`].

#![forbid(unsafe_code)]
#![allow(
    clippy::result_large_err,
    reason = "errors carry their data, and none is made in a hot loop"
)]

mod artifact;
mod client;
mod event;
mod head;
mod json;
mod layout;
pub mod limits;
mod log;
mod map;
mod mirror;
#[cfg(feature = "object")]
mod objects;
mod origin;
mod path;
#[cfg(any(feature = "http", feature = "server"))]
mod publish;
mod resolve;
mod role;
mod root;
mod schema;
mod search;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "server")]
mod similar;
#[cfg(feature = "server")]
mod site;
mod snapshot;
mod state;
mod store;
#[cfg(test)]
mod testing;
mod time;
mod transport;
mod verify;
mod watch;
mod witness;
mod writer;

pub use artifact::{ArtifactMismatch, check_artifact};
pub use client::{
    Client, ErrorClass, FetchError, Listed, MirrorError, MirrorFailure, MirrorFailures,
    RegistryConfig, ResolveOptions, Resolved, Trusted,
};
pub use event::{Action, Distrust, EventBody, EventError, ReleaseInfo, SignedEvent};
pub use head::{Head, HeadCheck, HeadError, PendingHead, VerifiedHead};
pub use json::JsonError;
pub use layout::{Media, PathKind, RegistryPath};
pub use log::{
    Bundle, BundleError, Checkpoint, CheckpointError, Consistency, EdgeError, ProofError, TileId,
    Tree, leaf_hash, verify_consistency, verify_inclusion,
};
pub use map::{
    Bucket, MapError, MapNode, MapStep, MapWalk, PackageEntry, PageRef, Segment, depth as map_depth,
};
pub use mirror::{MirrorOptions, Mirrored, MirroringError, mirror};
#[cfg(feature = "object")]
pub use objects::{ObjectStoreError, is_object_store};
pub use origin::{Origin, OriginError};
#[cfg(feature = "http")]
pub use publish::{PublishError, PublishService, Published};
pub use resolve::{ResolveError, Young, resolve};
pub use role::{Role, RoleError};
pub use root::{
    Anchor, ClaimPolicy, Progress, Proposal, ProposalError, Root, RootError, RootFields, Roots,
};
pub use schema::{EventKind, EventLine};
pub use search::rank as search_rank;
#[cfg(feature = "server")]
pub use serve::{
    Log, PublishOptions, RunningServer, ServeError, ServeOptions, ServedPlace, Server, TlsFiles,
    WitnessServer,
};
#[cfg(feature = "server")]
pub use site::{SiteError, SiteReport, site};
pub use snapshot::{MapRoot, Snapshot, SnapshotError};
pub use state::{ChainContext, PackageState, Release, Standing, StateError};
pub use store::{Store, StoreError};
pub use time::{Timestamp, TimestampError};
#[cfg(feature = "object")]
pub use transport::ObjectTransport;
pub use transport::{
    DirTransport, Fetched, GetOptions, Location, LocationError, Network, Request, Traffic,
    Transport, TransportError,
};
#[cfg(feature = "http")]
pub use transport::{HttpTransport, NetworkOptions};
pub use verify::{Difference, Report, VerifyOptions, verify_registry};
pub use watch::{Unwatched, Watch};
#[cfg(feature = "http")]
pub use witness::HttpWitnesses;
pub use witness::{
    AddCheckpoint, AddCheckpointError, AskWitness, PolicyError, VerifierKey, VerifierKeyError,
    Witness, WitnessAnswer, WitnessError, WitnessPolicy,
};
pub use writer::{
    Base, Blob, BlobError, Commit, CommitError, CosignError, DirStorage, DirWriter, Guard, Init,
    InitError, Outcome, RootFile, RotateError, Scope, SlotError, Step, Storage, Submission,
    WitnessFailure, Writer, anchor, current_root, init, init_at, init_with, rotate,
};
#[cfg(feature = "object")]
pub use writer::{ObjectStorage, Place};
