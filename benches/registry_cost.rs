//! What a client of a large registry fetches: requests and bytes, without the program itself.
//!
//! Generates a registry of N packages (each claimed and released once), serves it over HTTP on loopback, and counts what
//! a client does in the situations that users are in. One JSON line for each, for `benches/table.py`.

#![expect(clippy::print_stdout, reason = "it prints its result")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use zero_format::{Digest, PublicKey, SecretKey};
use zero_registry::{
    Action, ChainContext, ClaimPolicy, Client, DirWriter, Init, Location, Network, NetworkOptions,
    Origin, PackageState, RegistryConfig, ReleaseInfo, Role, Root, RootFields, ServeOptions,
    Server, SignedEvent, Store, Submission, Timestamp, init,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Packages in one commit: each brings two events.
const BATCH: usize = 2048;
const NOW: Timestamp = Timestamp::from_seconds(1_750_000_000);
const ORIGIN: &str = "registry.example/large";

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

/// Keys of a generated registry: not secret, and the same in every run.
fn key(number: u8) -> SecretKey {
    SecretKey::generate([number; 40])
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
    commit(&registry, packages..packages + 1)?;
    let moved = client("store")?;
    look_up(&moved, packages / 2, NOW, true)?;
    report("the same package, after somebody else published", &moved);
    server.stop()?;
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

fn name(number: usize) -> String {
    format!("package-{number}")
}

fn role(key: &PublicKey) -> Outcome<Role> {
    Ok(Role::new(vec![*key], 1)?)
}

fn generate(folder: &Path, packages: usize) -> Outcome<()> {
    let fields = RootFields {
        origin: ORIGIN.parse()?,
        version: 1,
        prev: None,
        expires: NOW.plus(365 * 86_400),
        role: role(&key(1).public_key())?,
        log: key(2).public_key(),
        head_lifetime: 7 * 86_400,
        claims: ClaimPolicy::Open,
        mirrors: Vec::new(),
        witness: None,
        anchor: None,
    };
    init(
        folder,
        &Init::signed(Root::new(fields)?, &[&key(1)])?,
        key(2),
        NOW,
    )?;
    for start in (0..packages).step_by(BATCH) {
        commit(folder, start..packages.min(start + BATCH))?;
    }
    Ok(())
}

/// Claims and releases these packages in one commit.
fn commit(folder: &Path, numbers: std::ops::Range<usize>) -> Outcome<()> {
    let writer = DirWriter::open(folder, key(2))?.without_blobs();
    let publisher = key(3);
    let origin: Origin = ORIGIN.parse()?;
    let roots = writer.roots()?;
    let context = ChainContext::writer(roots.current());
    let mut submissions = Vec::new();
    for number in numbers {
        let own = role(&publisher.public_key())?;
        let mut state = PackageState::empty(&name(number).parse()?);
        let release = ReleaseInfo {
            version: "1.0.0".parse()?,
            sha256: Digest::of(name(number).as_bytes()),
            size: 100_000,
            runtime: "0.1.0".parse()?,
            capabilities: zero_format::Capabilities::default(),
        };
        let actions = [
            Action::Claim {
                release: own.clone(),
                admin: own,
            },
            Action::Release(Box::new(release)),
        ];
        for action in actions {
            let event = SignedEvent::sign(&state.next(&origin, NOW, action), &[&publisher])?;
            state = state.apply(&event, &context)?;
            submissions.push(Submission { event, blob: None });
        }
    }
    writer.commit(&submissions, NOW)?;
    Ok(())
}
