//! The publishing service, as publishers and hostile clients meet it (spec/publishing.md).
#![cfg(all(feature = "server", feature = "http"))]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    thread,
};

use support::registry::{
    DAY, LOG, ORIGIN, PUBLISHER, Registry, T0, User, artifact, key, package, role,
};
use zero_format::{Capabilities, Digest, Minisig, SecretKey};
use zero_registry::{
    Action, Blob, ChainContext, DirStorage, Location, Network, NetworkOptions, PackageState,
    PublishError, PublishOptions, PublishService, Published, ReleaseInfo, Role, Roots,
    RunningServer, ServeOptions, Server, SignedEvent, Submission, Timestamp, VerifyOptions,
    verify_registry,
};

const OTHER: u8 = 30;
const STRANGER: u8 = 31;

fn t0() -> Timestamp {
    T0
}

/// A service over a registry, on a free port.
fn serve(registry: &Registry, change: impl FnOnce(&mut ServeOptions)) -> RunningServer {
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut options = ServeOptions::new(registry.path(), listen);
    options.publish = Some(PublishOptions::new(key(LOG), t0));
    options.operator = Some(listen);
    change(&mut options);
    Server::bind(options).unwrap().start()
}

fn publish_options(options: &mut ServeOptions) -> &mut PublishOptions {
    options.publish.as_mut().unwrap()
}

fn client(server: &RunningServer) -> PublishService {
    let network = Network::new(NetworkOptions {
        backoff: std::time::Duration::from_millis(1),
        pause: |_| {},
        ..NetworkOptions::default()
    });
    PublishService::new(&server.url(), network).unwrap()
}

/// A package in the making: what its publisher knows of it.
struct Draft {
    state: PackageState,
    key: SecretKey,
    submissions: Vec<Submission>,
}

impl Draft {
    fn new(name: &str, publisher: u8) -> Self {
        Self::of(PackageState::empty(&package(name)), publisher)
    }

    fn of(state: PackageState, publisher: u8) -> Self {
        Self {
            state,
            key: key(publisher),
            submissions: Vec::new(),
        }
    }

    fn act(mut self, roots: &Roots, action: Action, blob: Option<Blob>) -> Self {
        let body = self.state.next(&ORIGIN.parse().unwrap(), T0, action);
        let event = SignedEvent::sign(&body, &[&self.key]).unwrap();
        let context = ChainContext::writer(roots.current());
        self.state = self.state.apply(&event, &context).unwrap();
        self.submissions.push(Submission { event, blob });
        self
    }

    fn claim(self, roots: &Roots) -> Self {
        let keys = Role::new(vec![self.key.public_key()], 1).unwrap();
        let action = Action::Claim {
            release: keys.clone(),
            admin: keys,
        };
        self.act(roots, action, None)
    }

    fn release(self, roots: &Roots, version: &str) -> Self {
        let unsigned = artifact(self.state.name().as_str(), version);
        let bytes = zero_format::sign(&unsigned, &[&self.key]).unwrap();
        let minisig = Minisig::sign(&self.key, &bytes, "zero");
        let action = announce(version, &bytes);
        self.act(roots, action, Some(Blob { bytes, minisig }))
    }
}

fn announce(version: &str, bytes: &[u8]) -> Action {
    Action::Release(Box::new(ReleaseInfo {
        version: version.parse().unwrap(),
        sha256: Digest::of(bytes),
        size: bytes.len() as u64,
        runtime: "0.1.0".parse().unwrap(),
        capabilities: Capabilities::default(),
    }))
}

fn debut(registry: &Registry, name: &str, publisher: u8) -> Vec<Submission> {
    let roots = registry.writer().roots().unwrap();
    let draft = Draft::new(name, publisher).claim(&roots);
    draft.release(&roots, "1.0.0").submissions
}

fn refused(result: Result<Published, PublishError>, expected: &str) {
    match result {
        Err(PublishError::Refused { code, .. }) => assert_eq!(code, expected),
        other => panic!("{expected}: {other:?}"),
    }
}

fn releases(path: &Path) -> u64 {
    let storage = DirStorage::new(path);
    verify_registry(&storage, VerifyOptions::default())
        .unwrap()
        .releases
}

/// Sends a request as bytes and returns the answer: status line, headers, body.
fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A server that refuses early may close before everything was sent.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn get(address: SocketAddr, path: &str) -> String {
    raw(address, &request("GET", path, "", b""))
}

#[test]
fn a_package_is_published_and_found_by_a_reader() {
    let registry = Registry::new();
    let server = serve(&registry, |_| {});
    let submissions = debut(&registry, "tool", PUBLISHER);
    let published = client(&server).publish(&submissions).unwrap();
    // The registry's own snapshot, two events and theirs.
    assert_eq!(published, Published::Committed { size: 4 });
    // Again, as after a connection that broke: nothing is published twice.
    assert_eq!(
        client(&server).publish(&submissions).unwrap(),
        Published::Present
    );
    let mut user = User::of(&[]);
    user.places = vec![server.url().parse::<Location>().unwrap()];
    let reader = user.client();
    let resolved = reader.resolve(&"tool@1".parse().unwrap(), T0).unwrap();
    reader.fetch(&resolved).unwrap();
    server.stop().unwrap();
    assert_eq!(releases(registry.path()), 1);
    // Nothing of the upload is left.
    let left = registry.files("tmp");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn an_upload_goes_on_where_it_broke_off_even_across_a_restart() {
    let registry = Registry::new();
    let server = serve(&registry, |_| {});
    let submissions = debut(&registry, "tool", PUBLISHER);
    let blob = submissions[1].blob.clone().unwrap();
    let digest = Digest::of(&blob.bytes);
    // Announced, half sent, and then the server dies.
    let body = serde_json::json!({
        "type": "zero-publish/1",
        "events": submissions.iter().map(|s| {
            String::from_utf8(s.event.line().to_vec()).unwrap().trim_end().to_owned()
        }).collect::<Vec<_>>(),
        "signatures": { digest.to_hex(): blob.minisig },
    });
    let announce = request("POST", "/publish", "", body.to_string().as_bytes());
    let answer = raw(server.address(), &announce);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(answer.contains("\"offset\":0"), "{answer}");
    let half = &blob.bytes[..blob.bytes.len() / 2];
    let path = format!("/upload/{digest}");
    let sent = raw(
        server.address(),
        &request("PATCH", &path, "Upload-Offset: 0\r\n", half),
    );
    assert!(sent.starts_with("HTTP/1.1 204"), "{sent}");
    server.stop().unwrap();

    let server = serve(&registry, |_| {});
    let forgotten = raw(
        server.address(),
        &request("PATCH", &path, "Upload-Offset: 0\r\n", b"x"),
    );
    assert!(forgotten.starts_with("HTTP/1.1 404"), "{forgotten}");
    client(&server).publish(&submissions).unwrap();
    let metrics = get(server.operator_address().unwrap(), "/metrics");
    let rest = blob.bytes.len() - half.len();
    assert!(
        metrics.contains(&format!("zero_upload_bytes_total {rest}\n")),
        "{metrics}"
    );
    server.stop().unwrap();
    assert_eq!(releases(registry.path()), 1);
}

#[test]
fn only_what_an_acceptable_event_announced_can_be_uploaded() {
    let registry = Registry::new();
    let server = serve(&registry, |_| {});
    let submissions = debut(&registry, "tool", PUBLISHER);
    let size = submissions[1].blob.as_ref().unwrap().bytes.len();
    let digest = Digest::of(&submissions[1].blob.as_ref().unwrap().bytes);
    let patch = |offset: &str, body: &[u8]| {
        let headers = format!("Upload-Offset: {offset}\r\n");
        raw(
            server.address(),
            &request("PATCH", &format!("/upload/{digest}"), &headers, body),
        )
    };
    assert!(patch("0", b"x").starts_with("HTTP/1.1 404"));
    // An event that cannot be added announces nothing: a release by a stranger.
    let mut stranger = submissions.clone();
    stranger.remove(0);
    refused(client(&server).publish(&stranger), "refused");
    assert!(patch("0", b"x").starts_with("HTTP/1.1 404"));
    // The right file arrives after a wrong one of the same length, which is thrown away.
    let mut wrong = submissions.clone();
    wrong[1].blob.as_mut().unwrap().bytes = vec![0; size];
    refused(client(&server).publish(&wrong), "file");
    assert!(matches!(
        client(&server).publish(&submissions),
        Ok(Published::Committed { .. })
    ));
    server.stop().unwrap();
    assert_eq!(releases(registry.path()), 1);
}

#[test]
fn more_than_was_announced_is_refused() {
    let registry = Registry::new();
    let server = serve(&registry, |_| {});
    let submissions = debut(&registry, "tool", PUBLISHER);
    let blob = submissions[1].blob.clone().unwrap();
    let digest = Digest::of(&blob.bytes);
    let mut long = submissions.clone();
    long[1].blob.as_mut().unwrap().bytes.push(0);
    // The client sends by the file that it has; the service holds it to the release.
    assert!(client(&server).publish(&long).is_err());
    let headers = format!("Upload-Offset: {}\r\n", blob.bytes.len() + 1);
    let beyond = raw(
        server.address(),
        &request("PATCH", &format!("/upload/{digest}"), &headers, b"x"),
    );
    assert!(beyond.starts_with("HTTP/1.1 409"), "{beyond}");
    server.stop().unwrap();
    assert_eq!(releases(registry.path()), 0);
}

#[test]
fn the_rules_of_the_chain_are_told_by_name() {
    let registry = Registry::new();
    let roots = registry.writer().roots().unwrap();
    let server = serve(&registry, |_| {});
    let service = client(&server);
    let draft = Draft::new("tool", PUBLISHER)
        .claim(&roots)
        .release(&roots, "1.0.0");
    service.publish(&draft.submissions).unwrap();
    let state = draft.state;
    // Somebody else, with the same place in the chain.
    let first = Draft::of(state.clone(), PUBLISHER).release(&roots, "1.0.1");
    let second = Draft::of(state.clone(), PUBLISHER).release(&roots, "1.0.2");
    service.publish(&first.submissions).unwrap();
    let lost = service.publish(&second.submissions).unwrap_err();
    assert!(lost.is_conflict(), "{lost}");
    let claimed = debut(&registry, "tool", STRANGER);
    assert!(service.publish(&claimed).unwrap_err().is_conflict());
    // A stranger signs the next event.
    let state = first.state;
    let body = state.next(
        &ORIGIN.parse().unwrap(),
        T0,
        Action::Yank {
            version: "1.0.0".parse().unwrap(),
            reason: None,
        },
    );
    let event = SignedEvent::sign(&body, &[&key(STRANGER)]).unwrap();
    refused(
        service.publish(&[Submission { event, blob: None }]),
        "signatures",
    );
    let again = state.next(&ORIGIN.parse().unwrap(), T0, announce("1.0.0", b"x"));
    let event = SignedEvent::sign(&again, &[&key(PUBLISHER)]).unwrap();
    refused(
        service.publish(&[Submission { event, blob: None }]),
        "duplicate",
    );
    let old = state.next(
        &ORIGIN.parse().unwrap(),
        T0.minus(40 * DAY),
        announce("2.0.0", b"x"),
    );
    let event = SignedEvent::sign(&old, &[&key(PUBLISHER)]).unwrap();
    refused(service.publish(&[Submission { event, blob: None }]), "time");
    server.stop().unwrap();
    assert_eq!(releases(registry.path()), 2);
}

#[test]
fn names_that_could_be_taken_for_others_are_refused_to_strangers() {
    let registry = Registry::new();
    let server = serve(&registry, |_| {});
    let service = client(&server);
    service
        .publish(&debut(&registry, "csvstat", PUBLISHER))
        .unwrap();
    for name in ["csv-stat", "csvstats", "cvsstat"] {
        let result = service.publish(&debut(&registry, name, OTHER));
        refused(result, "similar");
    }
    service
        .publish(&debut(&registry, "jsonstat", OTHER))
        .unwrap();
    // Whoever holds the name may have one like it.
    service
        .publish(&debut(&registry, "csvstats", PUBLISHER))
        .unwrap();
    server.stop().unwrap();
    let lax = serve(&registry, |options| {
        publish_options(options).check_similar = false;
    });
    client(&lax)
        .publish(&debut(&registry, "cvsstat", OTHER))
        .unwrap();
    // Names that others wrote to the directory count too.
    registry.claim("hamming", T0);
    let strict = serve(&registry, |_| {});
    refused(
        client(&strict).publish(&debut(&registry, "haming", OTHER)),
        "similar",
    );
}

/// What another writer left behind is finished here, and its pages are made without a commit of ours.
#[test]
fn pages_follow_the_log_whoever_made_it_grow() {
    let registry = Registry::new();
    let server = serve(&registry, |options| publish_options(options).site = true);
    let service = client(&server);
    service
        .publish(&debut(&registry, "csvstat", PUBLISHER))
        .unwrap();
    // A writer that died after it took its slot.
    let files = ["head", "checkpoint"].map(|file| registry.path().join(file));
    let before = files.clone().map(|file| std::fs::read(file).unwrap());
    registry.claim("hamming", T0);
    for (file, bytes) in files.iter().zip(before) {
        std::fs::write(file, bytes).unwrap();
    }
    refused(
        service.publish(&debut(&registry, "csvstats", OTHER)),
        "similar",
    );
    server.stop().unwrap();
    let digest = Digest::of(b"hamming").to_hex();
    let page = format!("site/p/{}/{digest}.html", &digest[..2]);
    assert!(registry.path().join(page).exists());
}

#[test]
fn hostile_requests_are_refused_and_bounded() {
    let registry = Registry::new();
    let server = serve(&registry, |options| {
        options.patience = std::time::Duration::from_millis(300);
    });
    let address = server.address();
    for (bytes, status) in [
        (request("POST", "/publish", "", b"{}"), "400"),
        (request("POST", "/publish", "", &[b'x'; 100]), "400"),
        (request("GET", "/publish", "", b""), "405"),
        (request("PUT", "/publish", "", b"x"), "405"),
        (request("PATCH", "/upload/../head", "", b"x"), "404"),
        (request("PATCH", "/upload/00", "", b"x"), "404"),
        (request("POST", "/head", "", b"x"), "405"),
        (request("POST", "/publish", "", &vec![b' '; 3 << 20]), "413"),
    ] {
        let answer = raw(address, &bytes);
        let seen = answer.get(9..12).unwrap_or_default();
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert_eq!(seen, status, "{start}");
    }
    // A body that never comes.
    let mut stalled = request("POST", "/publish", "", &[b' '; 50]);
    stalled.truncate(stalled.len() - 20);
    assert!(raw(address, &stalled).starts_with("HTTP/1.1 408"));
    server.stop().unwrap();
    assert_eq!(releases(registry.path()), 0);
}

#[test]
fn one_address_is_slowed_down() {
    let registry = Registry::new();
    let server = serve(&registry, |options| publish_options(options).per_minute = 3);
    let post = request("POST", "/publish", "", b"{}");
    for _ in 0..3 {
        assert!(raw(server.address(), &post).starts_with("HTTP/1.1 400"));
    }
    let answer = raw(server.address(), &post);
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: "), "{answer}");
    // Files are served all the same.
    assert!(get(server.address(), "/head").starts_with("HTTP/1.1 200"));
}

#[test]
fn publishers_at_once_are_committed_together_and_none_is_lost() {
    let registry = Registry::new();
    let server = serve(&registry, |options| {
        let publish = publish_options(options);
        publish.queue = 4;
        publish.per_minute = 100_000;
        publish.check_similar = false;
    });
    let roots = Arc::new(registry.writer().roots().unwrap());
    thread::scope(|scope| {
        for publisher in 0..8_u8 {
            let (service, roots) = (client(&server), Arc::clone(&roots));
            scope.spawn(move || {
                let mut draft = Draft::new(&format!("p{publisher}"), 40 + publisher).claim(&roots);
                for patch in 0..5 {
                    draft = draft.release(&roots, &format!("1.0.{patch}"));
                    loop {
                        match service.publish(&draft.submissions) {
                            Ok(_) => break,
                            Err(PublishError::Busy { .. }) => thread::yield_now(),
                            Err(error) => panic!("{error}"),
                        }
                    }
                    draft.submissions.clear();
                }
            });
        }
    });
    server.stop().unwrap();
    let storage = DirStorage::new(registry.path());
    let report = verify_registry(&storage, VerifyOptions::default()).unwrap();
    assert_eq!((report.packages, report.releases), (8, 40));
}

#[test]
fn metrics_and_health_are_told_to_the_operator_alone() {
    let registry = Registry::new();
    let server = serve(&registry, |_| {});
    client(&server)
        .publish(&debut(&registry, "tool", PUBLISHER))
        .unwrap();
    let operator = server.operator_address().unwrap();
    let metrics = get(operator, "/metrics");
    for line in [
        "zero_events_total 2",
        "zero_publish_total{result=\"committed\"} 1",
        "zero_log_size 4",
        "zero_commit_seconds_count 2",
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{line}: {metrics}");
    }
    assert!(get(operator, "/health").starts_with("HTTP/1.1 200"));
    assert!(get(operator, "/head").starts_with("HTTP/1.1 404"));
    for path in ["/metrics", "/health"] {
        assert!(get(server.address(), path).starts_with("HTTP/1.1 404"));
    }
    std::fs::write(registry.path().join("head"), b"torn").unwrap();
    assert!(get(operator, "/health").starts_with("HTTP/1.1 503"));
}

#[test]
fn a_head_that_is_half_way_to_its_end_is_signed_again() {
    let registry = Registry::new();
    let server = serve(&registry, |options| {
        publish_options(options).clock = || T0.plus(4 * DAY);
    });
    server.stop().unwrap();
    let base = registry.writer().base().unwrap();
    assert_eq!(base.tree().size, 2);
    assert_eq!(base.snapshot().unwrap().expires, T0.plus(11 * DAY));
}

#[test]
fn a_service_needs_the_log_key() {
    let registry = Registry::new();
    let mut options = ServeOptions::new(registry.path(), "127.0.0.1:0".parse().unwrap());
    options.publish = Some(PublishOptions::new(key(PUBLISHER), t0));
    let refused = Server::bind(options).unwrap_err();
    assert!(refused.to_string().contains("publish in"), "{refused}");
    assert_eq!(role(&[LOG], 1).keys().len(), 1);
}
