//! The same in a bucket: writers without locks, a store that refuses and fails, a network that drops
//! connections, and kills at random.

use std::{collections::BTreeMap, thread, time::Duration};

use zero_registry::{
    Client, ObjectStorage, RegistryConfig, ResolveOptions, Store, VerifyOptions, Writer,
    verify_registry,
};

use super::{
    actor::{Part, Role},
    lives::{Lives, Soak},
    releases::{self, Confirmed, now, registry_root},
    support::registry::{LOG, ORIGIN, ROOT, key, package, role},
    support::s3::{self, Between, Proxy, S3},
};

const WRITERS: usize = 3;
/// Milliseconds: a commit takes tens of requests.
const LONGEST: u64 = 9000;
/// A life here takes so many times longer than one in a directory.
const SHARE: usize = 5;

pub(super) fn storage(port: u16) -> ObjectStorage {
    s3::storage(port)
}

#[test]
fn writers_of_a_bucket_killed_at_random_lose_and_tear_nothing() {
    let Some(s3) = S3::start() else { return };
    s3.make(registry_root(), now());
    let proxy = Proxy::start(s3.port, Between::Faults);
    let soak = Soak::from_environment().share(SHARE);
    let world = tempfile::tempdir().unwrap();
    let confirmed = Confirmed::default();
    thread::scope(|scope| {
        for number in 0..WRITERS {
            let name = format!("writer-{number}");
            let part = Part::new(world.path(), &name);
            let (lives, confirmed, store) = (soak.lives("writers"), &confirmed, proxy.port);
            scope.spawn(move || writer(&lives, &part, number, &name, store, confirmed));
        }
        let lives = soak.lives("writers");
        let store = Store::new(world.path().join("store"));
        let (s3, confirmed) = (&s3, &confirmed);
        scope.spawn(move || read(&lives, s3, store, confirmed));
    });
    let writer = Writer::with_storage(storage(s3.port), key(LOG)).unwrap();
    // Finishes what the last one left.
    writer.refresh(now()).unwrap();
    let report = verify_registry(&storage(s3.port), VerifyOptions::default()).unwrap();
    let found: BTreeMap<_, _> = confirmed
        .names()
        .into_iter()
        .map(|name| (writer.package(&package(&name)).unwrap(), name))
        .map(|(state, name)| (name, releases::of(&state)))
        .collect();
    confirmed.assert_in(&found);
    let count: usize = found.values().map(BTreeMap::len).sum();
    assert!(usize::try_from(report.releases).unwrap() - count <= WRITERS);
    soak.report(&confirmed);
    assert!(
        proxy.faults() > confirmed.count(),
        "{} faults",
        proxy.faults()
    );
}

fn writer(
    lives: &Lives<'_>,
    part: &Part,
    number: usize,
    name: &str,
    store: u16,
    confirmed: &Confirmed,
) {
    let mut dice = lives.dice(number);
    while lives.go_on() {
        let role = Role::BucketWriter {
            port: store,
            name: name.to_owned(),
        };
        let life = lives.live(&mut part.command(&role), dice.moment(LONGEST));
        life.lines_of("wrote")
            .for_each(|line| confirmed.add_line(line));
    }
}

/// Somebody who reads the bucket as a web server all the while: every state is whole, none is older
/// than the one before, and what was confirmed is in it.
fn read(lives: &Lives<'_>, s3: &S3, store: Store, confirmed: &Confirmed) {
    let config = RegistryConfig {
        name: "soak".parse().unwrap(),
        origin: ORIGIN.parse().unwrap(),
        pinned: role(&[ROOT], 1),
        mirrors: vec![s3.location()],
        fresh: Duration::ZERO,
    };
    let client = Client::new(config, store, Some(&zero_registry::Network::default())).unwrap();
    let options = ResolveOptions {
        refresh: true,
        ..ResolveOptions::default()
    };
    let mut dice = lives.dice(WRITERS);
    let mut size = 0;
    while lives.go_on() {
        let known: Vec<_> = confirmed.newest().into_iter().collect();
        if known.is_empty() {
            let trusted = client.refresh(now()).unwrap();
            size = trusted.head().tree().size;
            thread::yield_now();
            continue;
        }
        let choice = dice.below(u64::try_from(known.len()).unwrap());
        let (name, least) = &known[usize::try_from(choice).unwrap()];
        let resolved = client
            .resolve_with(&name.parse().unwrap(), &options, now())
            .unwrap();
        assert!(resolved.log >= size, "{} leaves after {size}", resolved.log);
        size = resolved.log;
        assert!(
            releases::patch(&resolved.version.to_string()) >= *least,
            "{name} 1.0.{least} is lost"
        );
        client.fetch(&resolved).unwrap();
    }
}
