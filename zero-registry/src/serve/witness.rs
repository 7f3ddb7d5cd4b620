//! A witness as a server: `POST /add-checkpoint` of C2SP tlog-witness, and what it knows.

use std::{
    net::{IpAddr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use http_body_util::{BodyExt as _, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
};
use serde_json::json;
use tokio::sync::watch;

use super::{
    Listening, RunningServer, ServeError, body::Content, listen, log::Log, runtime,
    service::Answers, until_asked,
};
use crate::time::Timestamp;
use crate::witness::{Witness, WitnessAnswer};

/// 63 hashes and a checkpoint with 16 signatures are far below.
const MAX_REQUEST: usize = 16 * 1024;
/// Logs ask seldom, and each request takes a disk write.
const CONNECTIONS: usize = 128;
const PATIENCE: Duration = Duration::from_secs(15);
const LIFETIME: Duration = Duration::from_mins(5);

/// A witness that listens.
pub struct WitnessServer {
    listener: TcpListener,
    address: SocketAddr,
    service: Service,
}

struct Service {
    witness: Arc<Witness>,
    clock: fn() -> Timestamp,
    log: Log,
}

impl WitnessServer {
    /// Takes the address.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn bind(
        witness: Witness,
        address: SocketAddr,
        clock: fn() -> Timestamp,
        log: Log,
    ) -> Result<Self, ServeError> {
        let (listener, address) = listen(address)?;
        let service = Service {
            witness: Arc::new(witness),
            clock,
            log,
        };
        Ok(Self {
            listener,
            address,
            service,
        })
    }

    /// Where logs ask.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers until the process is asked to end.
    ///
    /// # Errors
    /// When the system refuses threads or signals.
    pub fn run(self) -> Result<(), ServeError> {
        until_asked(|stopped| self.answer(stopped))
    }

    /// Answers on a thread of its own.
    pub fn start(self) -> RunningServer {
        let (stop, stopped) = watch::channel(false);
        let address = self.address;
        let thread = std::thread::spawn(move || runtime()?.block_on(self.answer(stopped)));
        RunningServer::new(address, stop, thread)
    }

    async fn answer(self, stopped: watch::Receiver<bool>) -> Result<(), ServeError> {
        let listening = Listening {
            connections: CONNECTIONS,
            patience: PATIENCE,
            lifetime: LIFETIME,
            tls: None,
            service: Arc::new(self.service),
        };
        listening.accept(self.listener, stopped).await
    }
}

impl Answers for Service {
    type Open = ();

    fn opened(&self) {}

    async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Response<Content> {
        let (status, kind, text) = match (request.method(), request.uri().path()) {
            (&Method::POST, "/add-checkpoint") => self.add_checkpoint(request).await,
            (&Method::GET, "/") => {
                let key = self.witness.verifier();
                let text = format!("witness {} {key}\n", key.name());
                (StatusCode::OK, PLAIN, text)
            }
            _ => (
                StatusCode::NOT_FOUND,
                PLAIN,
                "POST /add-checkpoint\n".to_owned(),
            ),
        };
        let told = json!({ "peer": peer.to_string(), "status": status.as_u16() });
        self.log.write("request", told);
        let mut response = Response::new(Content::bytes(text));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

impl Service {
    async fn add_checkpoint(
        &self,
        request: Request<Incoming>,
    ) -> (StatusCode, &'static str, String) {
        let body = Limited::new(request.into_body(), MAX_REQUEST).collect();
        let Ok(Ok(body)) = tokio::time::timeout(PATIENCE, body).await else {
            let text = "the request is too long or too slow\n".to_owned();
            return (StatusCode::BAD_REQUEST, PLAIN, text);
        };
        let (witness, now) = (Arc::clone(&self.witness), (self.clock)());
        let judged =
            tokio::task::spawn_blocking(move || witness.add_checkpoint(&body.to_bytes(), now));
        match judged.await {
            Ok(Ok(answer)) => told(answer),
            Ok(Err(error)) => {
                let told = json!({ "message": super::publish::with_causes(&error) });
                self.log.write("failure", told);
                failed()
            }
            Err(_) => failed(),
        }
    }
}

fn failed() -> (StatusCode, &'static str, String) {
    let text = "the witness cannot keep its memory now\n".to_owned();
    (StatusCode::SERVICE_UNAVAILABLE, PLAIN, text)
}

fn told(answer: WitnessAnswer) -> (StatusCode, &'static str, String) {
    match answer {
        WitnessAnswer::Cosigned(line) => (StatusCode::OK, PLAIN, line),
        WitnessAnswer::Malformed(why) => (StatusCode::BAD_REQUEST, PLAIN, format!("{why}\n")),
        WitnessAnswer::Unsigned => {
            let text = "no signature by the log's key\n".to_owned();
            (StatusCode::FORBIDDEN, PLAIN, text)
        }
        WitnessAnswer::UnknownLog => (
            StatusCode::NOT_FOUND,
            PLAIN,
            "the log is not known here\n".to_owned(),
        ),
        WitnessAnswer::Conflict(size) => (
            StatusCode::CONFLICT,
            "text/x.tlog.size",
            format!("{size}\n"),
        ),
        WitnessAnswer::Inconsistent => {
            let text = "this does not continue the log as it was seen before\n".to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, PLAIN, text)
        }
    }
}
