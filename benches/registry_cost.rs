//! What a client of a large registry fetches: requests and bytes, without the program itself.
//!
//! Generates a registry of N packages (each claimed and released once), serves it over HTTP on loopback, and counts what
//! a client does in the situations that users are in. One JSON line for each, for `benches/table.py`.

#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use zero_registry::{
    Client, DirStorage, Fetched, GetOptions, HttpTransport, Network, NetworkOptions, PackageState,
    RegistryConfig, RegistryPath, Request, ServeOptions, Server, Store, Traffic, Transport,
    TransportError, VerifyOptions, verify_registry,
};

use large::{NOW, ORIGIN, Outcome, commit, generate, key, name, role};

mod large;

/// Commits of one package; the fastest counts.
const COMMITS: usize = 5;

fn main() -> Outcome<()> {
    // cargo adds `--bench`; every number is a size.
    let sizes: Vec<usize> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    for size in sizes {
        measure(size)?;
    }
    Ok(())
}

fn measure(packages: usize) -> Outcome<()> {
    let work = tempfile::tempdir()?;
    let registry = work.path().join("registry");
    generate(&registry, packages)?;
    let server = Server::bind(ServeOptions::new(&registry, ([127, 0, 0, 1], 0).into()))?.start();
    let network = Network::new(NetworkOptions::default());
    let count = |step: &str, number: usize, news: bool| -> Outcome<()> {
        let config = RegistryConfig {
            name: "large".parse()?,
            origin: ORIGIN.parse()?,
            pinned: role(&key(1).public_key())?,
            mirrors: Vec::new(),
            fresh: Duration::from_hours(1),
        };
        let mirror = Arc::new(Waits {
            inner: HttpTransport::new(&server.url(), network.clone())?,
            waits: AtomicU64::new(0),
        });
        let store = Store::new(work.path().join("store"));
        let client = Client::with_transports(config, store, vec![mirror.clone()]);
        look_up(&client, number, news)?;
        let traffic = mirror.traffic();
        println!(
            r#"{{"packages":{packages},"step":"{step}","requests":{},"waits":{},"bytes":{}}}"#,
            traffic.requests,
            mirror.waits.load(Ordering::Relaxed),
            traffic.bytes
        );
        Ok(())
    };

    count("first contact, one package", packages / 2, false)?;
    count("another package, state still fresh", packages / 3, false)?;
    count("the same package, state still fresh", packages / 2, false)?;
    count(
        "the same package, asked for news, none there",
        packages / 2,
        true,
    )?;
    let mut best = f64::INFINITY;
    for number in packages..packages + COMMITS {
        let begun = Instant::now();
        commit(&registry, number..number + 1)?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    println!(
        r#"{{"packages":{packages},"commit_ms":{:.2}}}"#,
        best * 1000.0
    );
    count(
        "the same package, after somebody else published",
        packages / 2,
        true,
    )?;
    server.stop()?;
    check(&registry, packages)
}

/// Rebuilds the registry from its log, and tells what that took.
fn check(registry: &Path, packages: usize) -> Outcome<()> {
    // From here on the peak is that of the verification.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let begun = Instant::now();
    let without_files = VerifyOptions {
        blobs: false,
        ..VerifyOptions::default()
    };
    verify_registry(&DirStorage::new(registry), without_files)?;
    let seconds = begun.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| {
        let words = line.strip_prefix("VmHWM:")?.split_whitespace();
        words.into_iter().next()?.parse::<u64>().ok()
    });
    println!(
        r#"{{"packages":{packages},"verify_s":{seconds:.1},"peak_mib":{}}}"#,
        peak.unwrap_or(0) / 1024
    );
    Ok(())
}

/// Counts how often a client has to wait for answers before it can ask further: what can be asked for together counts once.
#[derive(Debug)]
struct Waits {
    inner: HttpTransport,
    waits: AtomicU64,
}

impl Transport for Waits {
    fn get(&self, path: &RegistryPath, options: &GetOptions) -> Result<Fetched, TransportError> {
        self.waits.fetch_add(1, Ordering::Relaxed);
        self.inner.get(path, options)
    }

    fn get_all(&self, requests: &[Request]) -> Vec<Result<Fetched, TransportError>> {
        let waits = u64::from(!requests.is_empty());
        self.waits.fetch_add(waits, Ordering::Relaxed);
        self.inner.get_all(requests)
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}

fn look_up(client: &Client, number: usize, news: bool) -> Outcome<PackageState> {
    let trusted = if news {
        client.refresh(NOW)?
    } else {
        client.update(NOW)?
    };
    Ok(client.package(&trusted, &name(number).parse()?)?)
}
