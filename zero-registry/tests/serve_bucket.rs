//! A bucket behind our server: read by anybody, written by publishers, though only the server has the
//! bucket's credentials (spec/publishing.md, "Operating").
#![cfg(all(feature = "server", unix))]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::sync::Arc;

use support::registry::{LOG, T0, User, artifact, first_release, key, package, publish, test_root};
use support::s3::{Between, Proxy, S3, storage, storage_at};
use zero_format::Digest;
use zero_registry::{
    Location, Network, PackageState, PublishOptions, PublishService, Published, RunningServer,
    ServeError, ServeOptions, ServedPlace, Server, Storage as _, VerifyOptions, Writer,
    verify_registry,
};

fn options(port: u16) -> ServeOptions {
    let bucket = ServedPlace::Bucket(Arc::new(storage(port)));
    let mut options = ServeOptions::new(bucket, ([127, 0, 0, 1], 0).into());
    options.operator = Some(options.listen);
    options
}

fn publishing(port: u16) -> ServeOptions {
    let mut options = options(port);
    let mut publish = PublishOptions::new(key(LOG), || T0);
    publish.site = true;
    options.publish = Some(publish);
    options
}

fn start(options: ServeOptions) -> RunningServer {
    Server::bind(options).unwrap().start()
}

fn user(server: &RunningServer) -> User {
    let mut user = User::of(&[]);
    user.places = vec![server.url().parse::<Location>().unwrap()];
    user
}

/// A file as the server answers: status, tag, body.
fn get(url: &str, headers: &[(&str, &str)]) -> (u16, String, Vec<u8>) {
    let client = reqwest::blocking::Client::new();
    let request = headers
        .iter()
        .fold(client.get(url), |request, (name, value)| {
            request.header(*name, *value)
        });
    let answer = request.send().unwrap();
    let tag = answer
        .headers()
        .get("etag")
        .map(|tag| tag.to_str().unwrap().to_owned());
    (
        answer.status().as_u16(),
        tag.unwrap_or_default(),
        answer.bytes().unwrap().to_vec(),
    )
}

#[test]
fn a_bucket_is_read_through_the_server() {
    let Some(s3) = S3::start() else { return };
    s3.make(test_root(), T0);
    publish(
        &Writer::with_storage(storage(s3.port), key(LOG)).unwrap(),
        "tool",
    )
    .unwrap();
    let server = start(options(s3.port));
    let client = user(&server).client();
    let resolved = client.resolve(&"tool@1".parse().unwrap(), T0).unwrap();
    let bytes = artifact("tool", "1.0.0");
    assert_eq!(client.fetch(&resolved).unwrap().bytes(), bytes);

    let blob = Digest::of(&bytes).to_hex();
    let blob = format!("{}blob/{}/{blob}.zero", server.url(), &blob[..2]);
    let (status, tag, whole) = get(&blob, &[]);
    assert_eq!((status, &whole), (200, &bytes));
    let (status, _, part) = get(&blob, &[("range", "bytes=4-7")]);
    assert_eq!((status, &part[..]), (206, &bytes[4..8]));
    assert_eq!(get(&blob, &[("if-none-match", &tag)]).0, 304);
    let head = format!("{}head", server.url());
    let (status, tag, _) = get(&head, &[]);
    assert_eq!(
        (status, get(&head, &[("if-none-match", &tag)]).0),
        (200, 304)
    );
    for absent in ["map/00/nothing", "journal/0.json", "root/2.json"] {
        assert_eq!(
            get(&format!("{}{absent}", server.url()), &[]).0,
            404,
            "{absent}"
        );
    }
    let health = format!("http://{}/health", server.operator_address().unwrap());
    assert_eq!(get(&health, &[]).0, 200);
    drop(s3);
    assert_eq!(get(&health, &[]).0, 503);
}

#[test]
fn events_are_committed_into_a_bucket_that_only_the_server_may_write() {
    let Some(s3) = S3::start() else { return };
    s3.make(test_root(), T0);
    let proxy = Proxy::start(s3.port, Between::Faults);
    let server = start(publishing(proxy.port));
    let service = PublishService::new(&server.url(), Network::default()).unwrap();
    let submissions = first_release(PackageState::empty(&package("tool")), &test_root());
    let published = service.publish(&submissions).unwrap();
    assert!(
        matches!(published, Published::Committed { size: 4 }),
        "{published:?}"
    );
    // What was sent twice is there once.
    assert_eq!(service.publish(&submissions).unwrap(), Published::Present);
    let client = user(&server).client();
    let resolved = client.resolve(&"tool".parse().unwrap(), T0).unwrap();
    client.fetch(&resolved).unwrap();
    server.stop().unwrap();
    assert!(proxy.faults() > 0);

    let bucket = storage(s3.port);
    let report = verify_registry(&bucket, VerifyOptions::default()).unwrap();
    assert_eq!((report.releases, report.commits), (1, 2));
    // The catalogue lies in the bucket as well.
    let page = bucket.read("index.html", 1 << 20).unwrap().unwrap();
    assert!(String::from_utf8(page).unwrap().contains("tool"));
}

#[test]
fn a_bucket_without_a_registry_and_one_that_is_away_are_told_apart() {
    let Some(s3) = S3::start() else { return };
    let refused = Server::bind(options(s3.port)).unwrap_err();
    assert!(
        matches!(refused, ServeError::NoRegistry { .. }),
        "{refused:?}"
    );
    assert!(refused.hint().unwrap().contains("init s3://packages/team"));
    let mut denied = options(s3.port);
    // moto does not judge credentials; an address that is no store does not answer as one.
    let nothing = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = nothing.local_addr().unwrap().port();
    std::thread::spawn(move || nothing.incoming().for_each(drop));
    denied.place = ServedPlace::Bucket(Arc::new(storage_at("s3://packages/team", port)));
    let refused = Server::bind(denied).unwrap_err();
    assert!(matches!(refused, ServeError::Read { .. }), "{refused:?}");
}
