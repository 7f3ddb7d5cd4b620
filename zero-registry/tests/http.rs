//! The HTTP transport against servers that are slow, endless, truncated or lying.
#![cfg(feature = "http")]

mod support;

use std::{io::Write, sync::Mutex, time::Duration};

use flate2::{Compression, write::GzEncoder};
use support::hostile::{Answer, Server, ok, status};
use zero_registry::{
    Fetched, GetOptions, HttpTransport, Network, NetworkOptions, RegistryPath, Request, Traffic,
    Transport, TransportError,
};

const LIMIT: u64 = 1000;

/// No test waits: a pause is noted instead.
static PAUSES: Mutex<Vec<Duration>> = Mutex::new(Vec::new());

fn options() -> NetworkOptions {
    NetworkOptions {
        retries: 2,
        pause: |pause| PAUSES.lock().expect("no panic").push(pause),
        ..NetworkOptions::default()
    }
}

/// Gives up soon, for servers that never finish.
fn impatient() -> NetworkOptions {
    NetworkOptions {
        idle: Duration::from_millis(200),
        retries: 0,
        ..options()
    }
}

fn transport(server: &Server, options: NetworkOptions) -> HttpTransport {
    HttpTransport::new(&server.url(), Network::new(options)).expect("an address")
}

fn get(server: &Server, options: NetworkOptions) -> Result<Fetched, TransportError> {
    transport(server, options).get(&RegistryPath::head(), &GetOptions::up_to(LIMIT))
}

fn bytes(bytes: &[u8]) -> Fetched {
    Fetched::Bytes {
        bytes: bytes.to_vec(),
        etag: None,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn reads_plain_and_compressed_files() {
    let server = Server::start(|seen, _| {
        assert_eq!(seen.path, "head");
        ok("", b"registry")
    });
    assert_eq!(get(&server, options()).unwrap(), bytes(b"registry"));

    let server = Server::start(|seen, _| {
        assert_eq!(seen.headers["accept-encoding"], "gzip");
        ok("Content-Encoding: gzip\r\n", &gzip(&[b'z'; 1000]))
    });
    let transport = transport(&server, options());
    let found = transport.get(&RegistryPath::head(), &GetOptions::up_to(LIMIT));
    assert_eq!(found.unwrap(), bytes(&[b'z'; 1000]));
    let Traffic { requests, bytes } = transport.traffic();
    assert_eq!(requests, 1);
    assert!(bytes < 100, "{bytes} bytes were transferred");
}

#[test]
fn asks_again_only_by_tag() {
    let server = Server::start(|seen, before| {
        if before == 0 {
            return ok("ETag: \"v1\"\r\n", b"one");
        }
        assert_eq!(seen.headers["if-none-match"], "\"v1\"");
        status("304 Not Modified", "", b"")
    });
    let transport = transport(&server, options());
    let mut options = GetOptions::up_to(LIMIT);
    let Ok(Fetched::Bytes { etag, .. }) = transport.get(&RegistryPath::head(), &options) else {
        panic!("a file");
    };
    options.etag = etag;
    assert_eq!(
        transport.get(&RegistryPath::head(), &options).unwrap(),
        Fetched::NotModified
    );
}

#[test]
fn a_missing_file_is_an_answer() {
    for line in ["404 Not Found", "410 Gone"] {
        let server = Server::start(move |_, _| status(line, "", b"gone"));
        assert_eq!(get(&server, options()).unwrap(), Fetched::NotFound);
    }
}

#[test]
fn reuses_connections_and_reads_independent_files_at_once() {
    let server = Server::start(|seen, _| ok("", seen.path.as_bytes()));
    let transport = transport(&server, options());
    let requests: Vec<_> = (1..=5)
        .map(|version| Request {
            path: RegistryPath::root(version),
            options: GetOptions::up_to(LIMIT),
        })
        .collect();
    let answers = transport.get_all(&requests);
    for (request, answer) in requests.iter().zip(answers) {
        assert_eq!(answer.unwrap(), bytes(request.path.as_str().as_bytes()));
    }
    assert!(transport.get_all(&[]).is_empty());
}

#[test]
fn a_server_error_is_tried_again() {
    let server = Server::start(|_, before| match before {
        0 | 1 => status("503 Service Unavailable", "", b""),
        _ => ok("", b"registry"),
    });
    assert_eq!(get(&server, options()).unwrap(), bytes(b"registry"));
    assert_eq!(server.seen().len(), 3);
    let pauses = PAUSES.lock().unwrap();
    assert!(pauses.contains(&Duration::from_millis(500)));
}

#[test]
fn repetition_ends() {
    let server = Server::start(|_, _| status("500 Internal Server Error", "", b""));
    let error = get(&server, options()).unwrap_err();
    assert!(matches!(error, TransportError::Status { status: 500, .. }));
    assert!(!error.is_hostile());
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_refusal_is_not_tried_again() {
    let server = Server::start(|_, _| status("403 Forbidden", "", b""));
    let error = get(&server, options()).unwrap_err();
    assert!(matches!(error, TransportError::Status { status: 403, .. }));
    assert!(error.hint().unwrap().contains("registry add"));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_silent_server_is_left() {
    for sent in ["", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nreg"] {
        let server = Server::start(|_, _| Answer::Stall(sent.into()));
        let error = get(&server, impatient()).unwrap_err();
        assert!(matches!(error, TransportError::Timeout { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("--offline"));
    }
}

#[test]
fn a_slow_server_is_left_though_it_never_pauses() {
    let server = Server::start(|_, _| {
        Answer::Endless(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            b"1\r\nx\r\n".to_vec(),
        )
    });
    let hurried = NetworkOptions {
        overall: Duration::ZERO,
        min_rate: u64::MAX,
        ..impatient()
    };
    let error = transport(&server, hurried)
        .get(&RegistryPath::head(), &GetOptions::up_to(u64::MAX / 2))
        .unwrap_err();
    assert!(matches!(error, TransportError::Timeout { .. }), "{error:?}");
}

#[test]
fn an_endless_body_ends_at_the_limit() {
    let server = Server::start(|_, _| {
        Answer::Endless(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            b"400\r\n"
                .iter()
                .copied()
                .chain([b'x'; 0x400])
                .chain(*b"\r\n")
                .collect(),
        )
    });
    let error = get(&server, options()).unwrap_err();
    assert!(matches!(
        error,
        TransportError::TooLarge { limit: LIMIT, .. }
    ));
    assert!(error.is_hostile());
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_declared_excess_is_refused_before_it_is_read() {
    let server = Server::start(|_, _| {
        Answer::Stall(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".to_vec())
    });
    let error = get(&server, options()).unwrap_err();
    assert!(matches!(error, TransportError::TooLarge { .. }));
}

#[test]
fn a_gzip_bomb_is_refused() {
    let bomb = gzip(&vec![0; 1 << 20]);
    let server = Server::start(move |_, _| ok("Content-Encoding: gzip\r\n", &bomb));
    let error = get(&server, options()).unwrap_err();
    assert!(matches!(
        error,
        TransportError::TooLarge { limit: LIMIT, .. }
    ));
    assert!(error.is_hostile());
}

#[test]
fn encodings_that_nobody_asked_for_are_refused() {
    for encoding in ["br", "gzip, gzip", "deflate"] {
        let header = format!("Content-Encoding: {encoding}\r\n");
        let server = Server::start(move |_, _| ok(&header, b"x"));
        let error = get(&server, options()).unwrap_err();
        assert!(
            matches!(error, TransportError::Encoding { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn a_truncated_body_is_refused() {
    let server = Server::start(|_, _| {
        Answer::Close(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nregistry".to_vec())
    });
    let error = get(&server, options()).unwrap_err();
    assert!(
        matches!(error, TransportError::Truncated { .. }),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn parts_that_nobody_asked_for_are_refused() {
    for (line, headers) in [
        ("206 Partial Content", "Content-Range: bytes 0-7/9\r\n"),
        ("200 OK", "Content-Range: bytes 0-7/9\r\n"),
        ("304 Not Modified", ""),
        ("204 No Content", ""),
    ] {
        let server = Server::start(move |_, _| status(line, headers, b""));
        let error = get(&server, options()).unwrap_err();
        assert!(matches!(error, TransportError::Unasked { .. }), "{error:?}");
        assert!(error.is_hostile());
    }
}

#[test]
fn follows_a_redirect_within_its_scheme() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "head" => status("302 Found", "Location: /moved\r\n", b""),
        "moved" => ok("", b"registry"),
        path => panic!("{path} was asked for"),
    });
    assert_eq!(get(&server, options()).unwrap(), bytes(b"registry"));
}

#[test]
fn refuses_redirects_to_other_schemes() {
    for target in ["file:///etc/passwd", "ftp://127.0.0.1/head", "data:,x"] {
        let server = Server::start(move |_, _| {
            status(
                "301 Moved Permanently",
                &format!("Location: {target}\r\n"),
                b"",
            )
        });
        let error = get(&server, options()).unwrap_err();
        assert!(
            matches!(error, TransportError::Redirect { .. }),
            "{error:?}"
        );
        assert!(error.is_hostile());
        assert!(error.to_string().contains(target), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn refuses_redirects_without_end_or_target() {
    let server = Server::start(|_, before| {
        status(
            "307 Temporary Redirect",
            &format!("Location: /{before}\r\n"),
            b"",
        )
    });
    let error = get(&server, options()).unwrap_err();
    assert!(
        matches!(error, TransportError::Redirect { .. }),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 4);

    let server = Server::start(|_, _| status("302 Found", "", b""));
    let error = get(&server, options()).unwrap_err();
    assert!(
        matches!(error, TransportError::Redirect { .. }),
        "{error:?}"
    );
}

#[test]
fn an_absent_server_is_unreachable() {
    let url = Server::start(|_, _| ok("", b"")).url();
    let network = Network::new(NetworkOptions {
        retries: 0,
        ..options()
    });
    let transport = HttpTransport::new(&url, network).unwrap();
    let error = transport
        .get(&RegistryPath::head(), &GetOptions::up_to(LIMIT))
        .unwrap_err();
    assert!(matches!(error, TransportError::Connect { .. }), "{error:?}");
    assert!(!error.is_hostile());
    assert!(error.hint().is_some());
}

#[test]
fn no_password_reaches_a_message() {
    let server = Server::start(|_, _| status("403 Forbidden", "", b""));
    let url = server.url().replace("http://", "http://user:secret@");
    let transport = HttpTransport::new(&url, Network::new(options())).unwrap();
    let error = transport
        .get(&RegistryPath::head(), &GetOptions::up_to(LIMIT))
        .unwrap_err();
    assert!(!format!("{error} {error:?} {}", transport.location()).contains("secret"));
    assert!(server.seen()[0].headers.contains_key("authorization"));
}
