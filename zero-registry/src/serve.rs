//! A small web server for one registry directory (spec/registry.md, "Layout").
//!
//! It serves the files of the layout and nothing else; what nginx or a bucket serves from the same
//! directory is as good. Everything is bounded: headers, connections, the time of each.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::sync::{Semaphore, watch};

mod answer;
mod body;
mod file;

/// How a registry is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The registry's directory.
    pub directory: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Connections at once; further ones wait.
    pub connections: usize,
    /// Time for a client to send a request, and to come back with the next one.
    pub patience: Duration,
    /// Time for a connection, whatever happens on it.
    pub lifetime: Duration,
}

impl ServeOptions {
    /// Serves this directory at this address, with bounds for an ordinary machine.
    pub fn new(directory: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            directory: directory.into(),
            listen,
            connections: 1024,
            patience: Duration::from_secs(15),
            lifetime: Duration::from_mins(30),
        }
    }
}

/// Why a registry cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no registry in the directory.
    #[error("serve {}: there is no registry in it", .directory.display())]
    NoRegistry {
        /// The directory.
        directory: PathBuf,
    },
    /// The system refused threads or signals.
    #[error("start the server")]
    Start(#[source] io::Error),
}

impl ServeError {
    /// What the operator can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { address, source } => Some(match source.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "another program uses port {}; choose a free one: --listen {}:0",
                    address.port(),
                    address.ip()
                ),
                io::ErrorKind::PermissionDenied => format!(
                    "ports below 1024 need rights; choose another: --listen {}:8080",
                    address.ip()
                ),
                io::ErrorKind::AddrNotAvailable => {
                    "use an address of this machine: --listen 127.0.0.1:8080".to_owned()
                }
                _ => return None,
            }),
            Self::NoRegistry { directory } => Some(format!(
                "make one: zero-registry init {} --origin NAME",
                directory.display()
            )),
            Self::Start(_) => None,
        }
    }
}

/// A server that listens but does not answer yet.
#[derive(Debug)]
pub struct Server {
    options: ServeOptions,
    listener: TcpListener,
    address: SocketAddr,
}

/// A server that answers, on threads of its own. Dropping it ends the server.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Server {
    /// Takes the address. From here on clients can connect; they are answered once it runs.
    ///
    /// # Errors
    /// When the directory holds no registry or the address cannot be had.
    pub fn bind(options: ServeOptions) -> Result<Self, ServeError> {
        if !is_registry(&options.directory) {
            return Err(ServeError::NoRegistry {
                directory: options.directory,
            });
        }
        let fail = |source| ServeError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok(Self {
            options,
            listener,
            address,
        })
    }

    /// The address, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the process is asked to end (ctrl-c, SIGTERM); open answers are finished.
    ///
    /// # Errors
    /// When the system refuses threads or signals.
    pub fn run(self) -> Result<(), ServeError> {
        runtime()?.block_on(async {
            let (_stop, stopped) = watch::channel(false);
            let signal = signal().map_err(ServeError::Start)?;
            tokio::select! {
                result = self.accept(stopped.clone()) => result,
                () = signal => Ok(()),
            }
        })
    }

    /// Answers on a thread of its own.
    pub fn start(self) -> RunningServer {
        let (stop, stopped) = watch::channel(false);
        let address = self.address;
        let thread = std::thread::spawn(move || runtime()?.block_on(self.accept(stopped)));
        RunningServer {
            address,
            stop,
            thread: Some(thread),
        }
    }

    async fn accept(self, mut stopped: watch::Receiver<bool>) -> Result<(), ServeError> {
        let listener =
            tokio::net::TcpListener::from_std(self.listener).map_err(ServeError::Start)?;
        let directory: Arc<Path> = self.options.directory.into();
        let slots = Arc::new(Semaphore::new(self.options.connections));
        let graceful = GracefulShutdown::new();
        loop {
            let slot = slots
                .clone()
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let stream = tokio::select! {
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    stream
                } else {
                    // The client left, or descriptors ran out; others may come through.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                },
                _ = stopped.wait_for(|stop| *stop) => break,
            };
            let _ = stream.set_nodelay(true);
            let directory = directory.clone();
            let service = service_fn(move |request| {
                let directory = directory.clone();
                async move { answer::answer(&directory, &request).await }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.options.patience)
                .max_headers(64)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service);
            let connection = graceful.watch(connection);
            let lifetime = self.options.lifetime;
            tokio::spawn(async move {
                let _slot = slot;
                // A client that breaks off is no fault of the server.
                let _ = tokio::time::timeout(lifetime, connection).await;
            });
        }
        let _ = tokio::time::timeout(Duration::from_secs(10), graceful.shutdown()).await;
        Ok(())
    }
}

impl RunningServer {
    /// The address, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients find the registry.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
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

fn is_registry(directory: &Path) -> bool {
    directory.join("root").join("1.json").is_file()
}

fn runtime() -> Result<tokio::runtime::Runtime, ServeError> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(ServeError::Start)
}

/// Resolves when the process is asked to end.
#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a signal to wait for, the server runs until the process ends.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
