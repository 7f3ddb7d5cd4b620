//! One request: an instance that answers it, and what the client is told when it does not.

use std::error::Error as _;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::{Error, WasiHttpView as _};

use super::Service;
use crate::host::stdio::{Input, Io, Output};
use crate::limits::LimitReached;
use crate::program::Code;
use crate::runner::{RunError, Runner};

/// What the program answers with.
type Answer = Response<HyperOutgoingBody>;
type Sender = oneshot::Sender<Result<Answer, ErrorCode>>;

impl Service {
    /// Answers a request, whatever happens.
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Answer {
        if request.body().size_hint().lower() > self.max_body as u64 {
            return plain(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let line = format!("{} {}", request.method(), request.uri().path());
        let patience = self.limits.time;
        let slot = timeout(patience, Arc::clone(&self.slots).acquire_owned()).await;
        let Ok(Ok(slot)) = slot else {
            return plain(StatusCode::SERVICE_UNAVAILABLE);
        };
        let (sender, receiver) = oneshot::channel();
        let service = Arc::clone(&self);
        let ran = tokio::task::spawn_blocking(move || {
            let ended = service.run(request, sender);
            if let Err(error) = &ended {
                service.tell(&line, error);
            }
            drop(slot);
            ended
        });
        match timeout(patience, receiver).await {
            Ok(Ok(Ok(answer))) => answer,
            Ok(Ok(Err(_))) => plain(StatusCode::INTERNAL_SERVER_ERROR),
            // The program ended without an answer; why says the run.
            Ok(Err(_)) => plain(status(ran.await.ok().and_then(Result::err).as_ref())),
            Err(_) => plain(StatusCode::GATEWAY_TIMEOUT),
        }
    }

    /// Runs an instance for one request, on a thread that may wait.
    fn run(&self, request: Request<Incoming>, sender: Sender) -> Result<(), RunError> {
        let Code::Component(component) = self.program.code() else {
            return Err(RunError::Engine {
                reason: "a module answers no requests".to_owned(),
            });
        };
        let mut runner = Runner::new(&self.program)
            .grants(self.grants.clone())
            .limits(self.limits)
            .strict(self.strict)
            .quiet(self.quiet)
            .said(self.said.clone())
            .io(streams());
        if let Some((audit, registry)) = &self.audit {
            let run = audit.run(now()).map_err(|error| RunError::Engine {
                reason: error.to_string(),
            })?;
            runner = runner.registry(registry).listen(run);
        }
        let most = self.max_body;
        let request = request.map(|body| {
            let too_large =
                move |error: Box<dyn std::error::Error + Send + Sync>| match error
                    .downcast::<hyper::Error>()
                {
                    Ok(error) => Error::Hyper(*error),
                    Err(_) => Error::HttpRequestBodySize(Some(most as u64)),
                };
            Limited::new(body, most).map_err(too_large)
        });
        runner.handle(component, |store| {
            let proxy = self.proxy.instantiate(&mut *store)?;
            let mut http = store.data_mut().http();
            let request = http.new_incoming_request(Scheme::Http, request)?;
            let out = http.new_response_outparam(sender)?;
            proxy
                .wasi_http_incoming_handler()
                .call_handle(store, request, out)
        })
    }

    /// A line about a request that failed. The path is the client's word: it must not move the cursor.
    fn tell(&self, line: &str, error: &RunError) {
        if self.quiet {
            return;
        }
        let mut text = format!("zrun: {line}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        let mut text: String = text.chars().map(clean).collect();
        text.push('\n');
        // A closed stderr is no reason to stop serving.
        let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
    }
}

/// Nothing to read, and both outputs where the server itself complains.
fn streams() -> Io {
    Io {
        stdin: Input::Empty,
        stdout: Output::Writer(Box::new(io::stderr())),
        stderr: Output::Writer(Box::new(io::stderr())),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "each request is a run that begins now, and nobody outside sees it begin"
)]
fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

fn status(error: Option<&RunError>) -> StatusCode {
    match error {
        Some(RunError::Limit(LimitReached::Time { .. })) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An answer of the server itself.
fn plain(status: StatusCode) -> Answer {
    let text = format!("{status}\n");
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
    let mut answer = Response::new(body.boxed_unsync());
    *answer.status_mut() = status;
    answer
}
