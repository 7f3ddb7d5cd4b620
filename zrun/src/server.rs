//! `serve`: a component of WASI's `http/proxy` world behind a web address (spec/capabilities.md, "Serving").
//!
//! Every request meets an instance of its own, with its own memory, file system and limits, so that nothing of one
//! request is left for the next. The instance runs on a thread of a bounded pool; connections are handled beside it.

mod answer;
mod listen;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime_wasi_http::p2::bindings::sync::ProxyPre;

use crate::audit::Audit;
use crate::host::denial::Said;
use crate::host::p2;
use crate::limits::Limits;
use crate::policy::Grants;
use crate::program::{Code, Program};

/// Bytes of a request's body, unless the user says otherwise.
pub const DEFAULT_BODY: u64 = 16 << 20;
/// Requests that are answered at the same time, unless the user says otherwise.
pub const DEFAULT_AT_ONCE: usize = 64;
/// How long a request may take of a package that says nothing about time.
pub const DEFAULT_REQUEST_TIME: Duration = Duration::from_secs(30);

/// A program that is about to be served.
pub struct Server {
    service: Service,
}

/// What all requests share.
struct Service {
    program: Program,
    proxy: ProxyPre<p2::Host>,
    grants: Grants,
    limits: Limits,
    strict: bool,
    quiet: bool,
    max_body: usize,
    at_once: usize,
    slots: Arc<Semaphore>,
    said: Said,
    audit: Option<(Audit, String)>,
}

/// Why a program cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be used.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// It exports nothing that could answer a request.
    #[error("serve the program: {reason}")]
    NotAProxy {
        /// What is missing.
        reason: String,
    },
    /// The system does not give what a server needs.
    #[error("start the server")]
    System(#[from] io::Error),
    /// A request that takes too long could not be ended.
    #[error("serve the program: it was not compiled to be interrupted")]
    Uninterruptible,
}

impl ServeError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => Some(
                "another program listens there; `--addr 127.0.0.1:0` takes a free port".to_owned(),
            ),
            Self::NotAProxy { .. } => Some(
                "programs that are served are components that export wasi:http/incoming-handler; \
                 others are run: cargo zero run"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

impl Server {
    /// Prepares to serve a program with these rights and limits, which hold for each request.
    ///
    /// # Errors
    /// When the program cannot answer requests or cannot be interrupted.
    pub fn new(program: Program, grants: Grants, limits: Limits) -> Result<Self, ServeError> {
        if !program.options().interruptible {
            return Err(ServeError::Uninterruptible);
        }
        let Code::Component(component) = program.code() else {
            let reason = "it is a module, and requests are answered by components".to_owned();
            return Err(ServeError::NotAProxy { reason });
        };
        let proxy = p2::linker(program.engine(), component)
            .and_then(|linker| linker.instantiate_pre(component))
            .and_then(ProxyPre::new)
            .map_err(|error| ServeError::NotAProxy {
                reason: format!("{error:#}"),
            })?;
        let at_once = DEFAULT_AT_ONCE;
        let service = Service {
            program,
            proxy,
            grants,
            limits,
            strict: false,
            quiet: false,
            max_body: usize::try_from(DEFAULT_BODY).unwrap_or(usize::MAX),
            at_once,
            slots: Arc::new(Semaphore::new(at_once)),
            said: Said::default(),
            audit: None,
        };
        Ok(Self { service })
    }

    /// Bytes that the body of a request may have.
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.service.max_body = usize::try_from(bytes).unwrap_or(usize::MAX);
        self
    }

    /// How many requests are answered at the same time; others wait.
    #[must_use]
    pub fn at_once(mut self, requests: usize) -> Self {
        self.service.at_once = requests.clamp(1, Semaphore::MAX_PERMITS);
        self.service.slots = Arc::new(Semaphore::new(self.service.at_once));
        self
    }

    /// Ends a request at the first denied use.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.service.strict = strict;
        self
    }

    /// Says nothing about denied uses and failed requests.
    #[must_use]
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.service.quiet = quiet;
        self
    }

    /// Records every request as a run of its own, of a package from this registry.
    #[must_use]
    pub fn audit(mut self, audit: Audit, registry: impl Into<String>) -> Self {
        self.service.audit = Some((audit, registry.into()));
        self
    }

    /// Serves until the process is told to end (SIGINT or SIGTERM). Then no new connection is taken, and requests that
    /// were begun are finished, for ten seconds or until the process is told again.
    ///
    /// `started` hears the address, which has a port also where port 0 was asked for.
    ///
    /// # Errors
    /// When the address cannot be used, or the system does not give what a server needs.
    pub fn run(
        self,
        address: SocketAddr,
        started: impl FnOnce(SocketAddr),
    ) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("zrun-serve")
            // One for each request at a time, and some that look names up.
            .max_blocking_threads(self.service.at_once.saturating_add(16))
            .build()?;
        let served = runtime.block_on(listen::listen(Arc::new(self.service), address, started));
        // What still runs now was given its time.
        runtime.shutdown_background();
        served
    }
}
