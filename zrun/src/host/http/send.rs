//! One request, one connection: look up, judge, connect, send.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};
use zero_format::Scheme;

use super::super::net::Net;
use crate::http::HttpTarget;

/// How long each step may take if neither the program nor the time limit says so.
const PATIENCE: Duration = Duration::from_mins(10);

/// What came back, and what drives the connection while the body is read.
pub(super) type Answer = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

/// How names become addresses, and whom TLS believes.
#[derive(Clone)]
pub(super) struct Dialer {
    pub(super) names: Names,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// How long each step may take at the most.
    pub(super) most: Duration,
}

impl Default for Dialer {
    fn default() -> Self {
        Self {
            names: Names::default(),
            tls: None,
            most: PATIENCE,
        }
    }
}

impl Dialer {
    /// What the program asks for, below what the run is given.
    fn patience(&self, asked: Option<Duration>) -> Duration {
        asked.unwrap_or(PATIENCE).min(self.most)
    }
}

/// Where addresses come from.
#[derive(Clone, Default)]
pub(super) enum Names {
    #[default]
    System,
    /// One answer for each question, in this order.
    #[cfg(test)]
    Script(Arc<std::sync::Mutex<Vec<Vec<SocketAddr>>>>),
}

impl Names {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some(ip) = literal(host) {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        match self {
            Self::System => Ok(tokio::net::lookup_host((host, port)).await?.collect()),
            #[cfg(test)]
            Self::Script(answers) => Ok(answers.lock().unwrap().remove(0)),
        }
    }
}

/// An address in the place of a name; IPv6 stands in brackets.
fn literal(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    bare.unwrap_or(host).parse().ok()
}

/// Sends an allowed request to an allowed address of its host.
pub(super) async fn send(
    net: &Net,
    dialer: &Dialer,
    target: &HttpTarget,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Answer, Error> {
    let connecting = connect(net, dialer, target);
    let stream = timeout(dialer.patience(options.connect_timeout), connecting)
        .await
        .map_err(|_| Error::ConnectionTimeout)??;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = wasmtime_wasi::runtime::spawn(connection);
    // Scheme and host are for proxies; a server is told the path.
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    let patience = dialer.patience(options.first_byte_timeout);
    let response = timeout(patience, sender.send_request(request))
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
    let patience = dialer.patience(options.between_bytes_timeout);
    let response = response.map(|body| Timed::new(body, patience).boxed_unsync());
    let finish = async move { driver.await.map_err(Error::from) };
    Ok((response, Box::new(finish)))
}

async fn connect(
    net: &Net,
    dialer: &Dialer,
    target: &HttpTarget,
) -> Result<Box<dyn Stream>, Error> {
    let addresses = dialer
        .names
        .resolve(&target.host, target.port)
        .await
        .map_err(|_| unresolved())?;
    if addresses.is_empty() {
        return Err(unresolved());
    }
    let reachable = net.reachable(target, &addresses);
    if reachable.is_empty() {
        return Err(Error::DestinationIpProhibited);
    }
    // To the very addresses that were judged: nobody is asked for the name again.
    let stream = TcpStream::connect(reachable.as_slice())
        .await
        .map_err(Error::Connect)?;
    let _ = stream.set_nodelay(true);
    match target.scheme {
        Scheme::Http => Ok(Box::new(stream)),
        Scheme::Https => {
            let config = dialer.tls.clone().unwrap_or_else(public_roots);
            let name = server_name(&target.host)?;
            let stream = TlsConnector::from(config)
                .connect(name, stream)
                .await
                .map_err(Error::Tls)?;
            Ok(Box::new(stream))
        }
    }
}

fn unresolved() -> Error {
    Error::DnsError {
        rcode: None,
        info_code: None,
    }
}

fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    match literal(host) {
        Some(ip) => Ok(ip.into()),
        None => ServerName::try_from(host.to_owned()).map_err(|_| Error::HttpRequestUriInvalid),
    }
}

/// The roots that browsers trust, made ready when the first request needs them.
fn public_roots() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let make = || {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        Arc::new(configure(roots))
    };
    Arc::clone(CONFIG.get_or_init(make))
}

pub(super) fn configure(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has all suites of both versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A connection, with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A body whose parts may not let themselves be waited for too long.
struct Timed {
    body: Incoming,
    patience: Duration,
    end: Pin<Box<Sleep>>,
}

impl Timed {
    fn new(body: Incoming, patience: Duration) -> Self {
        Self {
            body,
            patience,
            end: Box::pin(sleep(patience)),
        }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            let next = Instant::now() + self.patience;
            self.end.as_mut().reset(next);
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Error::ConnectionReadTimeout))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
