//! What one request is about: a file, or publishing.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use hyper::{Method, Request, Response, body::Incoming};
use serde_json::{Value, json};

use super::{
    answer, body::Content, log::Log, metrics::Metrics, place::ServedPlace, publish::Publishing,
};

/// What all connections share.
pub(super) struct Service {
    pub(super) place: Arc<ServedPlace>,
    pub(super) publishing: Option<Publishing>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) log: Log,
}

/// What a server does with a request. The accept loop, its bounds and its end are the same for all.
pub(super) trait Answers: Send + Sync + 'static {
    /// Held as long as a connection is open.
    type Open: Send;

    /// A connection was opened.
    fn opened(&self) -> Self::Open;

    /// Answers one request.
    fn answer(
        &self,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Content>> + Send;
}

impl Answers for Service {
    type Open = OpenConnection;

    async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Response<Content> {
        let asked = self.log.is_read().then(|| Asked::new(&request));
        let response = match &self.publishing {
            Some(publishing) if Publishing::is_ours(request.uri().path()) => {
                publishing.answer(peer, request).await
            }
            _ => answer::answer(&self.place, &request).await,
        };
        let status = response.status().as_u16();
        self.metrics.answered(status);
        if let Some(asked) = asked {
            let bytes = response.body().length();
            self.log
                .write("request", asked.answered(peer, status, bytes));
        }
        response
    }

    fn opened(&self) -> OpenConnection {
        self.metrics.connections.fetch_add(1, Relaxed);
        OpenConnection(Arc::clone(&self.metrics))
    }
}

/// What the log says of a request.
struct Asked {
    started: Instant,
    method: Method,
    path: String,
}

impl Asked {
    fn new(request: &Request<Incoming>) -> Self {
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        }
    }

    fn answered(self, peer: IpAddr, status: u16, bytes: u64) -> Value {
        json!({
            "peer": peer.to_string(),
            "method": self.method.as_str(),
            "path": self.path,
            "status": status,
            "bytes": bytes,
            "ms": u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// A connection that is open.
pub(super) struct OpenConnection(Arc<Metrics>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}
