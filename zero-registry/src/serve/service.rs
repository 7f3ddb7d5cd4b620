//! What one request is about: a file, or publishing.

use std::{
    net::IpAddr,
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use hyper::{
    Request, Response,
    body::{Body, Bytes},
};
use serde_json::json;

use super::{answer, body::Content, log::Log, metrics::Metrics, publish::Publishing};

/// What all connections share.
pub(super) struct Service {
    pub(super) directory: Arc<Path>,
    pub(super) publishing: Option<Publishing>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) log: Log,
}

impl Service {
    pub(super) async fn answer<B>(&self, peer: IpAddr, request: Request<B>) -> Response<Content>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let started = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = match &self.publishing {
            Some(publishing) if Publishing::is_ours(&path) => {
                publishing.answer(peer, request).await
            }
            _ => answer::answer(&self.directory, &request).await,
        };
        let status = response.status().as_u16();
        self.metrics.answered(status);
        self.log.write(
            "request",
            json!({
                "peer": peer.to_string(),
                "method": method.as_str(),
                "path": path,
                "status": status,
                "bytes": response.body().length(),
                "ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            }),
        );
        response
    }

    /// Counts a connection as long as the value lives.
    pub(super) fn opened(&self) -> OpenConnection {
        self.metrics.connections.fetch_add(1, Relaxed);
        OpenConnection(Arc::clone(&self.metrics))
    }
}

/// A connection that is open.
pub(super) struct OpenConnection(Arc<Metrics>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}
