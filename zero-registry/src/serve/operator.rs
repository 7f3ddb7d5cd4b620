//! Metrics and health, on an address of their own.

use std::{convert::Infallible, net::TcpListener, sync::Arc, time::Duration};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;

use super::{body::Content, metrics::Metrics, place::ServedPlace};
use crate::head::Head;

/// Answers until the server is stopped.
pub(super) async fn answer(
    listener: TcpListener,
    place: Arc<ServedPlace>,
    metrics: Arc<Metrics>,
    mut stopped: watch::Receiver<bool>,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (place, metrics) = (Arc::clone(&place), Arc::clone(&metrics));
        let service = service_fn(move |request: Request<Incoming>| {
            let (place, metrics) = (Arc::clone(&place), Arc::clone(&metrics));
            async move { Ok::<_, Infallible>(tell(&request, place, &metrics).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(5))
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(Duration::from_secs(10), connection).await;
        });
    }
}

async fn tell(
    request: &Request<Incoming>,
    place: Arc<ServedPlace>,
    metrics: &Metrics,
) -> Response<Content> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, metrics.text()),
        (&Method::GET, "/health") if is_healthy(place).await => (StatusCode::OK, "ok\n".to_owned()),
        (&Method::GET, "/health") => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the head cannot be read\n".to_owned(),
        ),
        _ => (
            StatusCode::NOT_FOUND,
            "GET /metrics or /health\n".to_owned(),
        ),
    };
    let mut response = Response::new(Content::bytes(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A server without a readable head has nothing to serve.
async fn is_healthy(place: Arc<ServedPlace>) -> bool {
    let read = tokio::task::spawn_blocking(move || place.head()).await;
    let head = read.ok().and_then(Result::ok).flatten();
    head.is_some_and(|bytes| Head::decode(&bytes).is_ok())
}
