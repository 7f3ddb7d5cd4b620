//! A registry in an object store: a real S3 server (moto's), its conditions, and its faults
//! (spec/registry.md, "Writers").
#![cfg(all(feature = "object", unix))]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use support::peer::peer;
use support::registry::{LOG, ORIGIN, ROOT, T0, User, artifact, key, publish, role};
use zero_registry::{
    ClaimPolicy, Init, Location, ObjectStorage, ObjectStoreError, Root, RootFields, VerifyOptions,
    Writer, init_at, verify_registry,
};

/// moto's server, with a bucket that everybody may read.
struct S3 {
    process: Child,
    port: u16,
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The bucket, through the server or a proxy at this port.
fn storage(port: u16) -> ObjectStorage {
    storage_at("s3://packages/team", port)
}

fn storage_at(url: &str, port: u16) -> ObjectStorage {
    let options = [
        ("AWS_ENDPOINT", format!("http://127.0.0.1:{port}")),
        ("AWS_ACCESS_KEY_ID", "a".into()),
        ("AWS_SECRET_ACCESS_KEY", "b".into()),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_ALLOW_HTTP", "true".into()),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value));
    ObjectStorage::open(url, options).unwrap()
}

impl S3 {
    /// Nothing where the server is not installed; xtask and CI install it and demand it.
    fn start() -> Option<Self> {
        // A port that was free a moment ago; the server cannot tell which one it took.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = peer("moto_server")?
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .spawn();
        let process = process.unwrap();
        let server = Self { process, port };
        server.wait();
        let made = server.raw("PUT /packages HTTP/1.1", "");
        assert!(made.starts_with("HTTP/1.1 200"), "{made}");
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::packages/*"}]}"#;
        let made = server.raw("PUT /packages?policy HTTP/1.1", policy);
        assert!(made.starts_with("HTTP/1.1 20"), "{made}");
        Some(server)
    }

    fn wait(&self) {
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the S3 server does not answer");
    }

    fn raw(&self, request: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{request}\r\nHost: 127.0.0.1\r\nAuthorization: AWS a:b\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn made(&self) {
        let root = Root::new(RootFields {
            origin: ORIGIN.parse().unwrap(),
            version: 1,
            prev: None,
            expires: T0.plus(365 * 24 * 3600),
            role: role(&[ROOT], 1),
            log: key(LOG).public_key(),
            head_lifetime: 7 * 24 * 3600,
            claims: ClaimPolicy::Open,
            mirrors: Vec::new(),
            witness: None,
            anchor: None,
        });
        let start = Init::signed(root.unwrap(), &[&key(ROOT)]).unwrap();
        init_at(storage(self.port), &start, key(LOG), T0).unwrap();
    }

    fn reader(&self) -> User {
        let mut user = User::of(&[]);
        let url = format!("http://127.0.0.1:{}/packages/team/", self.port);
        user.places = vec![url.parse::<Location>().unwrap()];
        user
    }
}

/// What stands between a writer and the store.
#[derive(Clone, Copy)]
enum Between {
    /// Conditions are lost on the way, as with a store that does not know them.
    NoConditions,
    /// Every third write fails in one way or another.
    Faults,
}

/// Hands requests on, one at a time, and answers of its own where a test wants them.
struct Proxy {
    port: u16,
}

impl Proxy {
    fn start(target: u16, between: Between) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let writes = Arc::new(AtomicUsize::new(0));
        // moto compares and writes in two steps; a real store does it in one.
        let turn = Arc::new(Mutex::new(()));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (writes, turn) = (Arc::clone(&writes), Arc::clone(&turn));
                std::thread::spawn(move || {
                    let _ = hand_on(stream, target, between, &writes, &turn);
                });
            }
        });
        Self { port }
    }
}

fn hand_on(
    mut client: TcpStream,
    target: u16,
    between: Between,
    writes: &AtomicUsize,
    turn: &Mutex<()>,
) -> std::io::Result<()> {
    let (mut head, body) = request(&mut client)?;
    if matches!(between, Between::NoConditions) {
        head.retain(|line| !line.to_lowercase().starts_with("if-"));
    }
    let count = if head[0].starts_with("PUT") {
        writes.fetch_add(1, Ordering::SeqCst)
    } else {
        1
    };
    let conditional = head
        .iter()
        .any(|line| line.to_lowercase().starts_with("if-"));
    let fault = matches!(between, Between::Faults) && count % 3 == 2;
    let answer = match (fault, count / 3 % 4) {
        (true, 0) => refusal("503 Slow Down", "SlowDown"),
        (true, 1) if conditional => refusal("409 Conflict", "ConditionalRequestConflict"),
        (true, 2) if conditional => refusal("412 Precondition Failed", "PreconditionFailed"),
        // The write is made, and the answer lost.
        (true, _) => {
            forward(&head, &body, target, turn)?;
            refusal("500 Internal Server Error", "InternalError")
        }
        (false, _) => forward(&head, &body, target, turn)?,
    };
    client.write_all(&answer)
}

fn request(client: &mut TcpStream) -> std::io::Result<(Vec<String>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0; 8192];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match client.read(&mut part)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&part[..read]),
        }
    };
    let head: Vec<String> = String::from_utf8_lossy(&bytes[..end])
        .split("\r\n")
        .filter(|line| !line.to_lowercase().starts_with("connection:"))
        .map(str::to_owned)
        .collect();
    let length = head.iter().find_map(|line| {
        let line = line.to_lowercase();
        line.strip_prefix("content-length:")
            .and_then(|n| n.trim().parse().ok())
    });
    let mut body = bytes.split_off(end + 4);
    while body.len() < length.unwrap_or(0) {
        match client.read(&mut part)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => body.extend_from_slice(&part[..read]),
        }
    }
    Ok((head, body))
}

fn forward(
    head: &[String],
    body: &[u8],
    target: u16,
    turn: &Mutex<()>,
) -> std::io::Result<Vec<u8>> {
    let _turn = turn.lock().unwrap();
    let mut server = TcpStream::connect(("127.0.0.1", target))?;
    let head = format!("{}\r\nConnection: close\r\n\r\n", head.join("\r\n"));
    server.write_all(head.as_bytes())?;
    server.write_all(body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

fn refusal(status: &str, code: &str) -> Vec<u8> {
    let body = format!("<Error><Code>{code}</Code></Error>");
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn what_is_published_in_a_bucket_is_read_over_plain_http() {
    let Some(s3) = S3::start() else { return };
    storage(s3.port).probe("a").unwrap();
    s3.made();
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
    s3.made();
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
    let report = verify_registry(&storage(s3.port), VerifyOptions::default()).unwrap();
    assert_eq!((report.packages, report.releases), (9, 9));
    let client = s3.reader().client();
    for number in 0..3 {
        let request = format!("tool-{number}-2").parse().unwrap();
        client.resolve(&request, T0).unwrap();
    }
}
