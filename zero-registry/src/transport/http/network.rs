//! The right to use the network, and how patiently it is used.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{blocking::Client, redirect};

use super::TransportError;

/// The right to use the network, shared by all transports: connections are reused.
///
/// Nothing is started, and no certificate read, before the first request.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    options: NetworkOptions,
    client: Mutex<Option<Client>>,
    /// When the line is free again, where the rate is bounded.
    free: Mutex<Option<Instant>>,
}

/// How long to wait, how often to repeat.
#[derive(Clone)]
pub struct NetworkOptions {
    /// Time to make a connection.
    pub connect: Duration,
    /// Longest pause of a server, before its answer and within it.
    pub idle: Duration,
    /// Time for a whole answer, besides what its size takes at `min_rate`.
    pub overall: Duration,
    /// Bytes per second below which a server is too slow for a large file.
    pub min_rate: u64,
    /// Bytes per second that all answers together may take; as many as the line gives without it.
    pub max_rate: Option<u64>,
    /// How often a transient failure is tried again.
    pub retries: u32,
    /// Pause before the first repetition; each further one is twice as long.
    pub backoff: Duration,
    /// A proxy for all requests, such as `http://proxy.example.org:3128`.
    pub proxy: Option<String>,
    /// Certificates (PEM) of the authorities to trust in place of the system's: for a registry with its own authority.
    pub authorities: Option<Vec<u8>>,
    /// What object stores need, as their own tools' variables name it: `AWS_ACCESS_KEY_ID` and so on.
    pub stores: Vec<(String, String)>,
    /// What pausing means; a test notes the pause and returns.
    pub pause: fn(Duration),
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(20),
            overall: Duration::from_mins(1),
            min_rate: 16 * 1024,
            max_rate: None,
            retries: 2,
            backoff: Duration::from_millis(250),
            proxy: None,
            authorities: None,
            stores: Vec::new(),
            pause: std::thread::sleep,
        }
    }
}

impl NetworkOptions {
    /// Time for a whole answer of at most `bytes`.
    pub(crate) fn overall(&self, bytes: u64) -> Duration {
        let transfer = Duration::from_secs(bytes / self.min_rate.max(1));
        self.overall.saturating_add(transfer)
    }

    /// The pauses between repetitions. The same each time: with two clients there is no herd.
    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let backoff = self.backoff;
        (0..self.retries).map(move |step| backoff.saturating_mul(1 << step.min(6)))
    }

    pub(crate) fn wait(&self, pause: Duration) {
        (self.pause)(pause);
    }
}

impl Network {
    /// The network, used with these limits.
    pub fn new(options: NetworkOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                options,
                client: Mutex::new(None),
                free: Mutex::new(None),
            }),
        }
    }

    pub(crate) fn options(&self) -> &NetworkOptions {
        &self.inner.options
    }

    /// Waits until the line is free for as many bytes, where the rate is bounded.
    pub(super) fn pace(&self, bytes: usize) {
        let Some(rate) = self.options().max_rate.filter(|rate| *rate > 0) else {
            return;
        };
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let takes = Duration::from_micros(bytes.saturating_mul(1_000_000) / rate);
        let pause = {
            let mut free = self
                .inner
                .free
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let start = free.map_or(now, |free| free.max(now));
            *free = Some(start + takes);
            start - now
        };
        if !pause.is_zero() {
            self.options().wait(pause);
        }
    }

    /// The client, built at the first use: reading the system's certificates takes milliseconds.
    pub(crate) fn client(&self) -> Result<Client, TransportError> {
        let mut slot = self
            .inner
            .client
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*slot {
            return Ok(client.clone());
        }
        let client = build(&self.inner.options).map_err(|error| TransportError::Client {
            source: Box::new(error),
        })?;
        Ok(slot.insert(client).clone())
    }
}

fn build(options: &NetworkOptions) -> reqwest::Result<Client> {
    // Fails only where the process has chosen a provider already; then that choice stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Redirects and gzip are done in this crate, where their bounds can be told apart. The
    // environment's proxy variables are not read: nothing ambient decides where packages come from.
    let builder = Client::builder()
        .user_agent(concat!("zero/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .no_proxy()
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect)
        .timeout(options.idle)
        .pool_max_idle_per_host(8)
        .http1_max_headers(64)
        .http2_max_header_list_size(32 * 1024)
        .tcp_nodelay(true);
    let builder = match &options.proxy {
        Some(proxy) => builder.proxy(reqwest::Proxy::all(proxy)?),
        None => builder,
    };
    let builder = match &options.authorities {
        Some(pem) => builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?),
        None => builder,
    };
    builder.build()
}

impl Default for Network {
    fn default() -> Self {
        Self::new(NetworkOptions::default())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(self.options()).finish()
    }
}

impl fmt::Debug for NetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkOptions")
            .field("connect", &self.connect)
            .field("idle", &self.idle)
            .field("overall", &self.overall)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static PAUSES: std::cell::RefCell<Vec<Duration>> = const { std::cell::RefCell::new(Vec::new()) };
    }

    #[test]
    fn all_answers_together_stay_below_the_rate() {
        let network = Network::new(NetworkOptions {
            max_rate: Some(1000),
            pause: |pause| PAUSES.with_borrow_mut(|pauses| pauses.push(pause)),
            ..NetworkOptions::default()
        });
        // Half a second each. Nobody really waits here, so the debt grows; a clone has the same line.
        for network in [&network, &network.clone(), &network] {
            network.pace(500);
        }
        let pauses = PAUSES.with_borrow(Clone::clone);
        let shown: Vec<u128> = pauses.iter().map(Duration::as_millis).collect();
        assert_eq!(pauses.len(), 2, "the first finds the line free: {shown:?}");
        assert!(
            (1..=500).contains(&shown[0]) && (501..=1000).contains(&shown[1]),
            "{shown:?}"
        );
        Network::default().pace(usize::MAX);
        assert_eq!(
            PAUSES.with_borrow(Vec::len),
            2,
            "without a bound nobody waits"
        );
    }

    #[test]
    fn pauses_double_and_end() {
        let options = NetworkOptions {
            retries: 3,
            ..NetworkOptions::default()
        };
        let pauses: Vec<_> = options.pauses().map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000]);
    }

    #[test]
    fn a_large_file_has_more_time() {
        let options = NetworkOptions::default();
        assert_eq!(options.overall(0), Duration::from_mins(1));
        assert_eq!(options.overall(16 * 1024 * 30), Duration::from_secs(90));
    }
}
