//! Runs verified `.zero` artifacts with exactly what was declared and granted.
//!
//! The way of a run, each step a function of its own:
//!
//! 1. [`zero_format::verify`] makes a `Verified<Artifact>` — or [`Cache::receipt`] finds that an earlier run did.
//! 2. [`Program::load`] compiles it, or takes machine code from the [`Cache`] after checking every byte.
//! 3. [`decide`] intersects what the package declares with what the user grants.
//! 4. [`Runner`] runs it under [`Limits`]; what was not granted does not exist for the program.
//!
//! Unverified code cannot be run: no function here takes anything but a [`zero_format::Verified`] value.
//! The normative text is spec/capabilities.md.

/// Whether this build can send HTTP requests and serve: the feature `http`.
pub const HTTP: bool = cfg!(feature = "http");

mod audit;
mod cache;
mod cli;
mod consent;
mod deterministic;
mod disk;
mod engine;
pub mod exit;
pub mod exports;
mod functions;
mod home;
mod host;
mod http;
mod installed;
mod learn;
mod limits;
mod lock_file;
mod net;
mod policy;
mod program;
mod resolution;
mod runner;
mod sealed;
#[cfg(feature = "http")]
mod server;
mod timekeeper;
mod trust;
mod value;
mod watch;
mod wave;
mod wit_value;

pub use audit::{
    Audit, AuditError, AuditRun, Ended, Event, Listener, MAX_RECORDED, Reason, Started, Unrecorded,
    Use, What,
};
pub use cache::{Cache, CacheInfo, UnpackError};
pub use cli::{
    DenyHttpFlag, DenyNetFlag, FsFlag, GrantArgs, GrantError, HttpFlag, LearnMode, NetFlag,
    RunArgs, parse_age, parse_size,
};
pub use consent::{Answer, Consent, ConsentError, FILE, Folder, PROMPT, Question};
pub use deterministic::{DETERMINISTIC_FUEL, EPOCH, TICK};
pub use engine::EngineOptions;
#[doc(hidden)]
pub use functions::Place;
pub use functions::{Functions, Guest, HostFunction};
pub use home::{Home, HomeError, Secret};
pub use host::denial::DeniedTrap;
pub use host::fs::{BUNDLED, OutputError, ViewError};
pub use host::stdio::{Capture, Input, Io, Output};
pub use http::{HttpPolicy, HttpScope, HttpTarget};
pub use installed::{Installed, called_as, is_launcher, is_launcher_name};
pub use learn::{Learned, Proposal};
pub use limits::{
    Ceiling, DEFAULT_HANDLES, DEFAULT_MEMORY, DEFAULT_OUTPUT, DEFAULT_TIME, DEFAULT_WRITE,
    LimitReached, Limits, MAX_INSTANCES, MAX_STACK, MAX_TABLE_ELEMENTS,
};
pub use lock_file::{LockError, LockFile, Locked};
pub use net::{NetPolicy, NetScope};
pub use policy::{Answers, Asked, Decision, FsGrant, Grants, PolicyError, Refusal, Rule, decide};
pub use program::{Program, ProgramError};
pub use resolution::Resolution;
pub use runner::{Called, Outcome, RunError, Runner};
#[cfg(feature = "http")]
pub use server::{DEFAULT_AT_ONCE, DEFAULT_BODY, DEFAULT_REQUEST_TIME, ServeError, Server};
pub use timekeeper::Cancel;
pub use trust::{Trust, TrustError, TrustedKey};
pub use value::{Value, ValueError};
