//! A registry in an object store: a real S3 server (moto's), its conditions, and its faults
//! (spec/registry.md, "Writers").
#![cfg(all(feature = "object", unix))]

mod support;

use support::registry::{LOG, T0, artifact, key, publish, test_root};
use support::s3::{Between, Proxy, S3, storage, storage_at};
use zero_registry::{ObjectStoreError, VerifyOptions, Writer, verify_registry};

#[test]
fn what_is_published_in_a_bucket_is_read_over_plain_http() {
    let Some(s3) = S3::start() else { return };
    storage(s3.port).probe("a").unwrap();
    s3.make(test_root(), T0);
    let writer = Writer::with_storage(storage(s3.port), key(LOG)).unwrap();
    publish(&writer, "tool").unwrap();
    let client = s3.reader().client();
    let resolved = client.resolve(&"tool@1".parse().unwrap(), T0).unwrap();
    assert_eq!(
        client.fetch(&resolved).unwrap().bytes(),
        artifact("tool", "1.0.0")
    );
    let report = verify_registry(&storage(s3.port), VerifyOptions::default()).unwrap();
    assert_eq!((report.packages, report.commits), (1, 2));
}

#[test]
fn a_store_that_ignores_conditions_is_refused() {
    let Some(s3) = S3::start() else { return };
    let proxy = Proxy::start(s3.port, Between::NoConditions);
    let refused = storage(proxy.port).probe("b");
    assert!(
        matches!(refused, Err(ObjectStoreError::Unconditional { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_bucket_that_is_not_there_is_no_fault_of_its_conditions() {
    let Some(s3) = S3::start() else { return };
    let refused = storage_at("s3://absent/team", s3.port).probe("c");
    assert!(
        matches!(refused, Err(ObjectStoreError::Probe { .. })),
        "{refused:?}"
    );
}

#[test]
fn writers_at_once_and_a_store_that_fails_lose_and_tear_nothing() {
    let Some(s3) = S3::start() else { return };
    s3.make(test_root(), T0);
    let proxy = Proxy::start(s3.port, Between::Faults);
    std::thread::scope(|scope| {
        for number in 0..3 {
            let storage = storage(proxy.port);
            scope.spawn(move || {
                let writer = Writer::with_storage(storage, key(LOG)).unwrap();
                for round in 0..3 {
                    publish(&writer, &format!("tool-{number}-{round}")).unwrap();
                }
            });
        }
    });
    assert!(proxy.faults() > 60, "{} faults", proxy.faults());
    let report = verify_registry(&storage(s3.port), VerifyOptions::default()).unwrap();
    assert_eq!((report.packages, report.releases), (9, 9));
    let client = s3.reader().client();
    for number in 0..3 {
        let request = format!("tool-{number}-2").parse().unwrap();
        client.resolve(&request, T0).unwrap();
    }
}
