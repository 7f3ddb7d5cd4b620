//! A small web server for one registry, in a directory or a bucket (spec/registry.md, "Layout").
//!
//! It serves the files of the layout and nothing else; what nginx or a bucket serves from the same
//! directory is as good. Everything is bounded: headers, connections, the time of each.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, watch},
};

use crate::writer::{Place, Writer};

mod answer;
mod body;
mod error;
mod file;
mod log;
mod metrics;
mod operator;
mod place;
mod publish;
mod rate;
mod service;
mod signal;
mod tls;
mod witness;

pub use error::ServeError;
pub use log::Log;
pub use place::ServedPlace;
pub use publish::PublishOptions;
pub use tls::TlsFiles;
pub use witness::WitnessServer;

use publish::{Committer, Publishing};
use service::{Answers, Service};
use signal::{on_hangup, until_asked};

/// How a registry is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where the registry lies.
    pub place: ServedPlace,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Connections at once; further ones wait.
    pub connections: usize,
    /// Time for a client to send a request, and to come back with the next one.
    pub patience: Duration,
    /// Time for a connection, whatever happens on it.
    pub lifetime: Duration,
    /// Where metrics and health are told, away from the public: none are told elsewhere.
    pub operator: Option<SocketAddr>,
    /// What TLS needs; without it, plain HTTP is spoken.
    pub tls: Option<TlsFiles>,
    /// Events are taken and committed too.
    pub publish: Option<PublishOptions>,
    /// Where the server tells what it does.
    pub log: Log,
}

impl ServeOptions {
    /// Serves this directory or bucket at this address, with bounds for an ordinary machine.
    pub fn new(place: impl Into<ServedPlace>, listen: SocketAddr) -> Self {
        Self {
            place: place.into(),
            listen,
            connections: 1024,
            patience: Duration::from_secs(15),
            lifetime: Duration::from_mins(30),
            operator: None,
            tls: None,
            publish: None,
            log: Log::default(),
        }
    }
}

/// A server that listens but does not answer yet.
pub struct Server {
    options: ServeOptions,
    listener: TcpListener,
    address: SocketAddr,
    operator: Option<TcpListener>,
    tls: Option<tls::Acceptor>,
    writer: Option<Writer<Place>>,
}

/// A server that answers, on threads of its own. Dropping it ends the server.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    operator: Option<SocketAddr>,
    scheme: &'static str,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("options", &self.options)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Takes the address. From here on clients can connect; they are answered once it runs.
    ///
    /// # Errors
    /// When the place holds no registry, an address cannot be had, or what publishing or TLS
    /// need is not sound.
    pub fn bind(options: ServeOptions) -> Result<Self, ServeError> {
        options.place.check()?;
        let tls = options.tls.as_ref().map(tls::Acceptor::load).transpose()?;
        let writer = options.publish.as_ref().map(|publish| {
            let storage = options.place.storage();
            let writer = Writer::with_storage(storage, publish.log_key.clone());
            let writer = writer.map(|writer| match &publish.witnesses {
                Some(witnesses) => writer.with_witnesses(Arc::clone(witnesses)),
                None => writer,
            });
            writer.map_err(|source| ServeError::Publish {
                place: options.place.to_string(),
                source: Box::new(source),
            })
        });
        let writer = writer.transpose()?;
        let (listener, address) = listen(options.listen)?;
        let operator = options.operator.map(listen).transpose()?;
        Ok(Self {
            options,
            listener,
            address,
            operator: operator.map(|(listener, _)| listener),
            tls,
            writer,
        })
    }

    /// The address, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find the registry.
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme(), self.address)
    }

    /// Where metrics and health are, with the port that was taken.
    pub fn operator_address(&self) -> Option<SocketAddr> {
        let listener = self.operator.as_ref()?;
        listener.local_addr().ok()
    }

    /// Answers until the process is asked to end (ctrl-c, SIGTERM); open answers are finished, and
    /// what was accepted is committed. On SIGHUP certificate and key are read again.
    ///
    /// # Errors
    /// When the system refuses threads or signals.
    pub fn run(self) -> Result<(), ServeError> {
        until_asked(|stopped| async move {
            if let Some(tls) = self.tls.clone() {
                let log = self.options.log.clone();
                on_hangup(move || renew(&tls, &log)).map_err(ServeError::Start)?;
            }
            self.answer(stopped).await
        })
    }

    /// Answers on a thread of its own.
    pub fn start(self) -> RunningServer {
        let (stop, stopped) = watch::channel(false);
        let (address, operator, scheme) = (self.address, self.operator_address(), self.scheme());
        let thread = std::thread::spawn(move || runtime()?.block_on(self.answer(stopped)));
        RunningServer {
            address,
            operator,
            scheme,
            stop,
            thread: Some(thread),
        }
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Starts what the options ask for, and ends it in order: first no new connections, then the
    /// open answers, then the commits that they wait for.
    async fn answer(self, stopped: watch::Receiver<bool>) -> Result<(), ServeError> {
        let metrics = Arc::new(metrics::Metrics::default());
        let log = self.options.log.clone();
        let committer = self.writer.zip(self.options.publish.as_ref());
        let committer = committer.map(|(writer, options)| {
            let place = self.options.place.clone();
            Committer::start(place, writer, options, Arc::clone(&metrics), log.clone())
        });
        let committer = committer.transpose()?;
        let publishing = committer.as_ref().zip(self.options.publish.as_ref());
        let publishing = publishing.map(|(committer, options)| {
            Publishing::new(
                committer,
                options.per_minute,
                Arc::clone(&metrics),
                log.clone(),
                self.options.patience,
            )
        });
        let place = Arc::new(self.options.place.clone());
        let service = Arc::new(Service {
            place: Arc::clone(&place),
            publishing,
            metrics: Arc::clone(&metrics),
            log,
        });
        let operator = self.operator.map(|listener| {
            tokio::spawn(operator::answer(listener, place, metrics, stopped.clone()))
        });
        let listening = Listening {
            connections: self.options.connections,
            patience: self.options.patience,
            lifetime: self.options.lifetime,
            tls: self.tls,
            service,
        };
        let result = listening.accept(self.listener, stopped).await;
        if let Some(operator) = operator {
            operator.abort();
        }
        if let Some(committer) = committer {
            let finished = tokio::task::spawn_blocking(move || committer.finish());
            finished
                .await
                .map_err(|panic| ServeError::Start(io::Error::other(panic)))?;
        }
        result
    }
}

/// Reads the certificate again, and tells what came of it.
fn renew(tls: &tls::Acceptor, log: &Log) {
    let error = tls.reload().err().map(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", cause.unwrap_or_default())
    });
    let kept = if error.is_some() { "old" } else { "new" };
    log.write(
        "certificate",
        json!({ "certificate": kept, "error": error }),
    );
}

/// What a connection needs.
struct Listening<S> {
    connections: usize,
    patience: Duration,
    lifetime: Duration,
    tls: Option<tls::Acceptor>,
    service: Arc<S>,
}

impl<S: Answers> Listening<S> {
    async fn accept(
        self,
        listener: TcpListener,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), ServeError> {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(ServeError::Start)?;
        let slots = Arc::new(Semaphore::new(self.connections));
        let graceful = GracefulShutdown::new();
        loop {
            let slot = slots
                .clone()
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let (stream, peer) = tokio::select! {
                accepted = listener.accept() => if let Ok(accepted) = accepted {
                    accepted
                } else {
                    // The client left, or descriptors ran out; others may come through.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                },
                _ = stopped.wait_for(|stop| *stop) => break,
            };
            let _ = stream.set_nodelay(true);
            let (watcher, service) = (graceful.watcher(), Arc::clone(&self.service));
            let (patience, lifetime) = (self.patience, self.lifetime);
            let tls = self.tls.clone();
            tokio::spawn(async move {
                let _slot = slot;
                let open = service.opened();
                // A client that breaks off is no fault of the server.
                let _ = tokio::time::timeout(lifetime, async {
                    match tls {
                        None => talk(stream, peer, &service, patience, watcher).await,
                        Some(tls) => {
                            let shaken = tokio::time::timeout(patience, tls.accept(stream)).await;
                            if let Ok(Ok(stream)) = shaken {
                                talk(stream, peer, &service, patience, watcher).await;
                            }
                        }
                    }
                })
                .await;
                drop(open);
            });
        }
        drop(self.service);
        let _ = tokio::time::timeout(Duration::from_secs(10), graceful.shutdown()).await;
        Ok(())
    }
}

/// Answers the requests of one connection.
async fn talk<S: Answers>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    service: &Arc<S>,
    patience: Duration,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let service = Arc::clone(service);
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, body::Never>(service.answer(peer.ip(), request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(64)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), answer);
    let _ = watcher.watch(connection).await;
}

fn listen(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let fail = |source| ServeError::Listen {
        address: wanted,
        source,
    };
    let listener = TcpListener::bind(wanted).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    let address = listener.local_addr().map_err(fail)?;
    Ok((listener, address))
}

impl RunningServer {
    fn new(
        address: SocketAddr,
        stop: watch::Sender<bool>,
        thread: JoinHandle<Result<(), ServeError>>,
    ) -> Self {
        Self {
            address,
            operator: None,
            scheme: "http",
            stop,
            thread: Some(thread),
        }
    }

    /// The address, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find the registry.
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.address)
    }

    /// Where metrics and health are.
    pub fn operator_address(&self) -> Option<SocketAddr> {
        self.operator
    }

    /// Ends the server; open answers are finished.
    ///
    /// # Errors
    /// When it had failed before.
    pub fn stop(mut self) -> Result<(), ServeError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), ServeError> {
        let _ = self.stop.send(true);
        match self.thread.take() {
            None => Ok(()),
            Some(thread) => thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread was printed there; dropping must not panic again.
            let _ = thread.join();
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, ServeError> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(ServeError::Start)
}
