//! What a lookup costs: requests that depend on each other, requests in all, bytes.

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use support::registry::{Backend, Registry, T0, User, package};
use zero_registry::{
    DirTransport, Fetched, GetOptions, RegistryPath, Request, Traffic, Transport, TransportError,
};

/// Counts how often the client had to wait for an answer before it could ask further.
#[derive(Debug)]
struct Rounds {
    inner: DirTransport,
    rounds: AtomicU64,
}

impl Transport for Rounds {
    fn get(&self, path: &RegistryPath, options: &GetOptions) -> Result<Fetched, TransportError> {
        self.rounds.fetch_add(1, Ordering::SeqCst);
        self.inner.get(path, options)
    }

    fn get_all(&self, requests: &[Request]) -> Vec<Result<Fetched, TransportError>> {
        if !requests.is_empty() {
            self.rounds.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.get_all(requests)
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }
}

fn transport(registry: &Registry) -> Arc<Rounds> {
    Arc::new(Rounds {
        inner: DirTransport::new(registry.path()),
        rounds: AtomicU64::new(0),
    })
}

#[test]
fn first_contact_with_a_small_registry_takes_three_rounds_and_the_file_one() {
    let registry = Registry::new();
    registry.claim("tool", T0);
    registry.release("tool", "1.0.0", T0);
    let transport = transport(&registry);
    let place = Backend::Dir.place(&registry);
    let user = User::of(&[&place]);
    let client = user.with(vec![transport.clone()]);
    let request = "tool@1".parse().unwrap();
    let resolved = client.resolve(&request, T0).unwrap();
    // Root, signature and head together; the map, which is one page; the chain.
    assert_eq!(transport.rounds.load(Ordering::SeqCst), 3);
    assert_eq!(client.traffic().requests, 5);
    assert!(client.traffic().bytes < 8 * 1024, "{:?}", client.traffic());
    client.fetch(&resolved).unwrap();
    assert_eq!(transport.rounds.load(Ordering::SeqCst), 4);
}

#[test]
fn another_package_of_a_fresh_state_takes_its_own_pages_only() {
    let registry = Registry::new();
    for name in ["one", "two"] {
        registry.claim(name, T0);
    }
    let transport = transport(&registry);
    let place = Backend::Dir.place(&registry);
    let client = User::of(&[&place]).with(vec![transport.clone()]);
    let trusted = client.update(T0).unwrap();
    client.package(&trusted, &package("one")).unwrap();
    let before = client.traffic().requests;
    // The one map page is known by now.
    client.package(&trusted, &package("two")).unwrap();
    assert_eq!(client.traffic().requests, before + 1);
}

#[test]
fn growth_costs_the_tiles_that_prove_it_in_one_round() {
    let registry = Registry::new();
    registry.claim("tool", T0);
    registry.release("tool", "1.0.0", T0);
    let transport = transport(&registry);
    let place = Backend::Dir.place(&registry);
    let client = User::of(&[&place]).with(vec![transport.clone()]);
    client.update(T0).unwrap();
    registry.toggle(600, "1.0.0", T0);
    let before = client.traffic();
    transport.rounds.store(0, Ordering::SeqCst);
    client.refresh(T0).unwrap();
    assert_eq!(transport.rounds.load(Ordering::SeqCst), 2);
    let after = client.traffic();
    assert!(after.requests - before.requests <= 5);
    assert!(after.bytes - before.bytes < 32 * 1024);
}
