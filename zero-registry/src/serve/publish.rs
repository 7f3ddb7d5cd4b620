//! The publishing service: requests in, events in the log out (spec/publishing.md).
//!
//! Requests wait in a bounded queue for one thread that commits them in batches. When the queue is
//! full the answer is "later", at once: nothing piles up.

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use http_body_util::{BodyExt as _, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes},
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use zero_format::{Digest, SecretKey};

use super::{body::Content, log::Log, metrics::Metrics, rate::Rates};
use crate::limits::MAX_PUBLISH_BYTES;
use crate::publish::{PublishAnswer, PublishRequest, Refusal, UPLOAD_OFFSET};
use crate::time::Timestamp;
use crate::witness::AskWitness;

mod committer;
mod names;
mod upload;

pub(super) use committer::Committer;
use committer::{Job, Queue};
use upload::Uploads;

/// How a publishing service behaves.
#[derive(Clone)]
pub struct PublishOptions {
    /// The key that signs the log.
    pub log_key: SecretKey,
    /// The clock.
    pub clock: fn() -> Timestamp,
    /// Requests that may wait for a commit; more are told to come later.
    pub queue: usize,
    /// Requests to publish or upload that one address may make in a minute.
    pub per_minute: u32,
    /// Bytes of package files that may be on their way at once.
    pub upload_bytes: u64,
    /// Where files wait that are on their way. Without, that is the registry's own folder, or for a
    /// bucket a temporary one.
    pub uploads: Option<PathBuf>,
    /// Whether claims of names that look like others are refused.
    pub check_similar: bool,
    /// Whether the catalogue is made after each commit.
    pub site: bool,
    /// How the witnesses are asked that the root demands.
    pub witnesses: Option<Arc<dyn AskWitness>>,
}

impl PublishOptions {
    /// Bounds for an ordinary machine.
    pub fn new(log_key: SecretKey, clock: fn() -> Timestamp) -> Self {
        Self {
            log_key,
            clock,
            queue: 256,
            per_minute: 600,
            upload_bytes: 2 << 30,
            uploads: None,
            witnesses: None,
            site: false,
            check_similar: true,
        }
    }
}

impl std::fmt::Debug for PublishOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublishOptions")
            .field("queue", &self.queue)
            .field("per_minute", &self.per_minute)
            .field("upload_bytes", &self.upload_bytes)
            .field("check_similar", &self.check_similar)
            .finish_non_exhaustive()
    }
}

/// The service as its requests see it.
pub(super) struct Publishing {
    queue: Queue,
    uploads: Arc<Uploads>,
    rates: Rates,
    metrics: Arc<Metrics>,
    log: Log,
    patience: Duration,
}

/// An answer in the making.
pub(super) struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: Value,
    result: &'static str,
}

impl Reply {
    fn json(status: StatusCode, result: &'static str, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            result,
        }
    }

    fn refusal(status: StatusCode, code: &str, message: String, hint: Option<&str>) -> Self {
        let refusal = Refusal {
            code: code.to_owned(),
            message,
            hint: hint.map(str::to_owned),
        };
        Self::json(status, "refused", json!({ "error": refusal }))
    }

    /// The client comes back after a while.
    fn later(status: StatusCode, result: &'static str, code: &str, wait: Duration) -> Self {
        let mut reply = Self::refusal(
            status,
            code,
            "publish now: there are too many requests".to_owned(),
            Some("try again in a moment"),
        );
        reply.result = result;
        let seconds = wait.as_secs().max(1).to_string();
        reply.headers.push((header::RETRY_AFTER, seconds));
        reply
    }

    fn offset(mut self, offset: u64) -> Self {
        let name = HeaderName::from_static(UPLOAD_OFFSET);
        self.headers.push((name, offset.to_string()));
        self
    }

    fn into_response(self) -> Response<Content> {
        let body = match self.body {
            Value::Null => Bytes::new(),
            body => Bytes::from(format!("{body}\n")),
        };
        let mut response = Response::new(Content::bytes(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

impl Publishing {
    pub(super) fn new(
        committer: &Committer,
        per_minute: u32,
        metrics: Arc<Metrics>,
        log: Log,
        patience: Duration,
    ) -> Self {
        Self {
            queue: committer.queue(),
            uploads: committer.uploads(),
            rates: Rates::new(per_minute),
            metrics,
            log,
            patience,
        }
    }

    /// Whether a path is the service's business.
    pub(super) fn is_ours(path: &str) -> bool {
        path == "/publish" || path.starts_with("/upload/")
    }

    pub(super) async fn answer<B>(&self, peer: IpAddr, request: Request<B>) -> Response<Content>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let reply = match self.rates.take(peer, Instant::now()) {
            Err(wait) => Reply::later(StatusCode::TOO_MANY_REQUESTS, "limited", "limited", wait),
            Ok(()) => self.route(request).await,
        };
        self.metrics.result(reply.result);
        reply.into_response()
    }

    async fn route<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let path = request.uri().path().to_owned();
        let file = path
            .strip_prefix("/upload/")
            .and_then(|hex| Digest::from_hex(hex).ok());
        match (request.method(), file) {
            (&Method::POST, None) if path == "/publish" => self.publish(request).await,
            (&Method::PATCH, Some(file)) => self.upload(&file, request).await,
            (&Method::HEAD, Some(file)) => match self.uploads.offset(&file) {
                Some(offset) => Reply::json(StatusCode::OK, "upload", Value::Null).offset(offset),
                None => unknown_upload(),
            },
            (_, None) if path != "/publish" => {
                Reply::refusal(StatusCode::NOT_FOUND, "not-found", "not found".into(), None)
            }
            _ => Reply::refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "POST /publish, PATCH or HEAD /upload/SHA256".into(),
                None,
            ),
        }
    }

    async fn publish<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let body = Limited::new(request.into_body(), MAX_PUBLISH_BYTES).collect();
        let bytes = match tokio::time::timeout(self.patience, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => {
                let message =
                    format!("the request is broken, or has more than {MAX_PUBLISH_BYTES} bytes");
                return Reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message, None);
            }
            Err(_) => return timed_out(),
        };
        let request = match PublishRequest::decode(&bytes) {
            Ok(request) => request,
            Err(error) => {
                let message = with_causes(&error);
                return Reply::refusal(StatusCode::BAD_REQUEST, "malformed", message, None);
            }
        };
        let (reply, answer) = oneshot::channel();
        let names: Vec<_> = request
            .events
            .iter()
            .map(|e| e.body().name.to_string())
            .collect();
        if !self.queue.push(Job { request, reply }) {
            let wait = Duration::from_secs(2);
            return Reply::later(StatusCode::SERVICE_UNAVAILABLE, "busy", "busy", wait);
        }
        self.metrics.queued.fetch_add(1, Relaxed);
        let answer = answer.await;
        self.metrics.queued.fetch_sub(1, Relaxed);
        let reply = match answer {
            Ok(Ok(answer)) => accepted(&answer),
            Ok(Err((status, refusal))) => {
                Reply::json(status, "refused", json!({ "error": refusal }))
            }
            // The thread has ended: the server is being stopped.
            Err(_) => Reply::later(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "stopping",
                Duration::from_secs(5),
            ),
        };
        self.log.write(
            "publish",
            json!({
                "packages": names,
                "result": reply.result,
                "status": reply.status.as_u16(),
                "message": reply.body["error"]["message"],
            }),
        );
        reply
    }

    async fn upload<B>(&self, file: &Digest, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(from) = offset(request.headers()) else {
            let message = format!("the header {UPLOAD_OFFSET} is missing");
            return Reply::refusal(StatusCode::BAD_REQUEST, "malformed", message, None);
        };
        let Some(open) = self.uploads.open(file, from) else {
            return match self.uploads.offset(file) {
                None => unknown_upload(),
                Some(offset) => Reply::refusal(
                    StatusCode::CONFLICT,
                    "offset",
                    format!("send the file from byte {offset} on, not from {from}"),
                    None,
                )
                .offset(offset),
            };
        };
        let mut open = open;
        let mut body = request.into_body();
        loop {
            let frame = match tokio::time::timeout(self.patience, body.frame()).await {
                Ok(None) => break,
                Ok(Some(Ok(frame))) => frame,
                // What arrived is kept, and the client goes on from there.
                Ok(Some(Err(_))) | Err(_) => return timed_out().offset(open.offset()),
            };
            let Some(part) = frame.data_ref() else {
                continue;
            };
            // A local write of one part takes microseconds: no thread is worth a detour.
            if let Err(error) = open.write(part) {
                return too_much(&error, open.offset());
            }
            let length = u64::try_from(part.len()).unwrap_or(0);
            self.metrics.uploaded.fetch_add(length, Relaxed);
        }
        Reply::json(StatusCode::NO_CONTENT, "upload", Value::Null).offset(open.offset())
    }
}

fn accepted(answer: &PublishAnswer) -> Reply {
    let (status, result) = match answer {
        PublishAnswer::Committed { .. } => (StatusCode::OK, "committed"),
        PublishAnswer::Present => (StatusCode::OK, "present"),
        PublishAnswer::Upload { .. } => (StatusCode::ACCEPTED, "upload"),
    };
    Reply::json(status, result, json!(answer))
}

fn unknown_upload() -> Reply {
    Reply::refusal(
        StatusCode::NOT_FOUND,
        "no-upload",
        "no event that was accepted here releases this file".into(),
        Some("send the signed events to /publish first"),
    )
}

fn timed_out() -> Reply {
    Reply::refusal(
        StatusCode::REQUEST_TIMEOUT,
        "timeout",
        "the request did not arrive in time".into(),
        Some("send the rest again"),
    )
}

fn too_much(error: &std::io::Error, offset: u64) -> Reply {
    if error.kind() == std::io::ErrorKind::FileTooLarge {
        let message = "the file has more bytes than its release says".to_owned();
        return Reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message, None);
    }
    let message = "the file cannot be stored now".to_owned();
    Reply::refusal(StatusCode::INSUFFICIENT_STORAGE, "storage", message, None).offset(offset)
}

fn offset(headers: &HeaderMap) -> Option<u64> {
    headers.get(UPLOAD_OFFSET)?.to_str().ok()?.parse().ok()
}

/// An error with all its causes on one line.
pub(in crate::serve) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
