//! What a client of a large registry fetches: requests and bytes, without the program itself.
//!
//! Generates a registry of N packages (each claimed and released once), serves it over HTTP on loopback, and counts what
//! a client does in the situations that users are in. One JSON line for each, for `benches/table.py`.

#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::path::Path;
use std::time::{Duration, Instant};

use zero_registry::{
    Client, DirStorage, Location, Network, NetworkOptions, PackageState, RegistryConfig,
    ServeOptions, Server, Store, Timestamp, VerifyOptions, verify_registry,
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
    let client = |store: &str| -> Outcome<Client> {
        let config = RegistryConfig {
            name: "large".parse()?,
            origin: ORIGIN.parse()?,
            pinned: role(&key(1).public_key())?,
            mirrors: vec![Location::Url(server.url())],
            fresh: Duration::from_hours(1),
        };
        Ok(Client::new(
            config,
            Store::new(work.path().join(store)),
            Some(&network),
        )?)
    };
    let report = |step: &str, client: &Client| {
        let traffic = client.traffic();
        println!(
            r#"{{"packages":{packages},"step":"{step}","requests":{},"bytes":{}}}"#,
            traffic.requests, traffic.bytes
        );
    };

    let first = client("store")?;
    look_up(&first, packages / 2, NOW, false)?;
    report("first contact, one package", &first);
    let second = client("store")?;
    look_up(&second, packages / 3, NOW, false)?;
    report("another package, state still fresh", &second);
    let again = client("store")?;
    look_up(&again, packages / 2, NOW, false)?;
    report("the same package, state still fresh", &again);
    let stale = client("store")?;
    look_up(&stale, packages / 2, NOW, true)?;
    report("the same package, asked for news, none there", &stale);
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
    let moved = client("store")?;
    look_up(&moved, packages / 2, NOW, true)?;
    report("the same package, after somebody else published", &moved);
    server.stop()?;
    check(&registry, packages)
}

/// Rebuilds the registry from its log, and tells what that took.
fn check(registry: &Path, packages: usize) -> Outcome<()> {
    // From here on the peak is that of the verification.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let begun = Instant::now();
    verify_registry(&DirStorage::new(registry), VerifyOptions { blobs: false })?;
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

fn look_up(client: &Client, number: usize, now: Timestamp, news: bool) -> Outcome<PackageState> {
    let trusted = if news {
        client.refresh(now)?
    } else {
        client.update(now)?
    };
    Ok(client.package(&trusted, &name(number).parse()?)?)
}
