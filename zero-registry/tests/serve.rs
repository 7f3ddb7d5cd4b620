//! The static server, over real connections.
#![cfg(feature = "server")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use flate2::read::GzDecoder;
use support::registry::{Registry, T0, User};
use zero_registry::{RunningServer, ServeError, ServeOptions, Server};

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn serve(registry: &Registry) -> RunningServer {
    let options = ServeOptions::new(registry.path(), ([127, 0, 0, 1], 0).into());
    Server::bind(options).expect("a free port").start()
}

fn example() -> Registry {
    let registry = Registry::new();
    registry.claim("tool", T0);
    registry.release("tool", "1.0.0", T0);
    registry
}

/// One request on one connection; `extra` are further header lines, each with its CRLF.
fn ask(server: &RunningServer, method: &str, path: &str, extra: &str) -> Answer {
    let text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{extra}\r\n");
    raw(server, text.as_bytes())
}

fn get(server: &RunningServer, path: &str, extra: &str) -> Answer {
    ask(server, "GET", path, extra)
}

fn raw(server: &RunningServer, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(server.address()).expect("a connection");
    stream.write_all(request).expect("it listens");
    let mut bytes = Vec::new();
    // A server that resets a bad connection has answered before.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no head: {}", String::from_utf8_lossy(&bytes)));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    Answer {
        status: status.and_then(|s| s.parse().ok()).expect("a status"),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: bytes[end + 4..].to_vec(),
    }
}

fn path(registry: &Registry, folder: &str) -> String {
    let file = registry.files(folder).pop().expect("a file");
    let relative = file.strip_prefix(registry.path()).expect("below it");
    format!("/{}", relative.display())
}

#[test]
fn a_client_reads_through_it() {
    let registry = example();
    let server = serve(&registry);
    let place = support::registry::Place {
        location: server.url().parse().unwrap(),
        server: None,
    };
    let user = User::of(&[&place]);
    let client = user.client();
    let resolved = client.resolve(&"tool".parse().unwrap(), T0).unwrap();
    client.fetch(&resolved).unwrap();
    let before = client.traffic();
    client.refresh(T0).unwrap();
    let after = client.traffic();
    assert_eq!(after.requests, before.requests + 1);
    assert_eq!(after.bytes, before.bytes);
    server.stop().unwrap();
}

#[test]
fn what_can_change_is_asked_for_again_and_the_rest_is_kept() {
    let registry = example();
    let server = serve(&registry);
    for path in ["/head", "/checkpoint", "/root/1.json"] {
        let answer = get(&server, path, "");
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["cache-control"], "no-cache", "{path}");
    }
    for (folder, kind) in [
        ("blob", "text/plain; charset=utf-8"),
        ("map", "text/plain; charset=utf-8"),
        ("pkg", "application/jsonl"),
        ("tile", "application/octet-stream"),
    ] {
        let answer = get(&server, &path(&registry, folder), "");
        assert_eq!(answer.status, 200, "{folder}");
        assert!(answer.headers["cache-control"].contains("immutable"));
        assert_eq!(answer.headers["content-type"], kind);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

#[test]
fn the_same_version_is_not_sent_twice() {
    let registry = example();
    let server = serve(&registry);
    for path in ["/head".to_owned(), path(&registry, "pkg")] {
        for encoding in ["", "Accept-Encoding: gzip\r\n"] {
            let first = get(&server, &path, encoding);
            let etag = &first.headers["etag"];
            let again = get(
                &server,
                &path,
                &format!("{encoding}If-None-Match: {etag}\r\n"),
            );
            assert_eq!(again.status, 304, "{path}");
            assert!(again.body.is_empty());
            assert_eq!(&again.headers["etag"], etag);
        }
    }
    let etag = get(&server, "/head", "").headers["etag"].clone();
    registry.refresh(T0.plus(1));
    let answer = get(&server, "/head", &format!("If-None-Match: {etag}\r\n"));
    assert_eq!(answer.status, 200);
}

#[test]
fn text_is_compressed_for_those_who_accept_it() {
    let registry = example();
    let server = serve(&registry);
    let path = path(&registry, "pkg");
    let plain = get(&server, &path, "");
    let packed = get(&server, &path, "Accept-Encoding: gzip\r\n");
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert!(packed.body.len() < plain.body.len());
    assert_ne!(packed.headers["etag"], plain.headers["etag"]);
    assert_eq!(packed.headers["vary"], "accept-encoding");
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed.body[..])
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);

    // A file packed beforehand is preferred, and never listed by itself.
    let beside = format!("{}{path}.gz", registry.path().display());
    fs::write(&beside, b"packed beforehand").unwrap();
    let packed = get(&server, &path, "Accept-Encoding: gzip\r\n");
    assert_eq!(packed.body, b"packed beforehand");
    assert_eq!(get(&server, &format!("{path}.gz"), "").status, 404);
}

#[test]
fn parts_are_served() {
    let registry = example();
    let server = serve(&registry);
    let file = registry
        .files("blob")
        .into_iter()
        .find(|p| p.extension().unwrap() == "zero");
    let file = file.unwrap();
    let bytes = fs::read(&file).unwrap();
    let path = format!("/{}", file.strip_prefix(registry.path()).unwrap().display());
    let whole = get(&server, &path, "");
    assert_eq!(whole.body, bytes);
    assert_eq!(whole.headers["content-type"], "application/wasm");
    assert_eq!(whole.headers["accept-ranges"], "bytes");
    let part = get(&server, &path, "Range: bytes=4-7\r\n");
    assert_eq!(part.status, 206);
    assert_eq!(part.body, &bytes[4..8]);
    assert_eq!(
        part.headers["content-range"],
        format!("bytes 4-7/{}", bytes.len())
    );
    let tail = get(&server, &path, "Range: bytes=-3\r\n");
    assert_eq!(tail.body, &bytes[bytes.len() - 3..]);
    let beyond = get(&server, &path, "Range: bytes=99999-\r\n");
    assert_eq!(beyond.status, 416);
    let other = get(&server, &path, "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n");
    assert_eq!(other.status, 200);
}

#[test]
fn head_says_what_get_would() {
    let registry = example();
    let server = serve(&registry);
    let body = get(&server, "/head", "");
    let head = ask(&server, "HEAD", "/head", "");
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty());
    for name in ["content-length", "etag", "content-type", "cache-control"] {
        assert_eq!(head.headers[name], body.headers[name], "{name}");
    }
}

#[test]
fn nothing_outside_the_layout_is_served() {
    let registry = example();
    fs::write(registry.path().join("secret.txt"), b"secret").unwrap();
    fs::write(registry.path().join("root").join("log.key"), b"secret").unwrap();
    let server = serve(&registry);
    for path in [
        "/",
        "/secret.txt",
        "/root/",
        "/root/log.key",
        "/journal/0.json",
        "/../secret.txt",
        "/root/../secret.txt",
        "/%2e%2e/secret.txt",
        "/root/%2e%2e/head",
        "//head",
        "/head/",
        "/HEAD",
        "/root/2.json",
        "/map/00/nothing",
    ] {
        let answer = get(&server, path, "");
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.body, b"not found\n", "{path}");
    }
    assert_eq!(get(&server, "/head?x=1", "").status, 200);
}

#[test]
fn other_methods_are_refused() {
    let registry = example();
    let server = serve(&registry);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "WHAT"] {
        let answer = ask(&server, method, "/head", "Content-Length: 0\r\n");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.headers["allow"], "GET, HEAD");
    }
}

#[test]
fn malformed_and_oversized_requests_are_refused() {
    let registry = example();
    let server = serve(&registry);
    assert_eq!(raw(&server, b"GET\r\n\r\n").status, 400);
    assert_eq!(raw(&server, b"\0\0\0\0\0\0\0\0\r\n\r\n").status, 400);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(64 * 1024));
    assert!(matches!(raw(&server, long.as_bytes()).status, 414 | 431));
    let many = "X: y\r\n".repeat(100);
    assert_eq!(get(&server, "/head", &many).status, 431);
    // The server is as well as before.
    assert_eq!(get(&server, "/head", "").status, 200);
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    let registry = example();
    let server = serve(&registry);
    let options = ServeOptions::new(registry.path(), server.address());
    let error = Server::bind(options).unwrap_err();
    assert!(error.to_string().contains(&server.address().to_string()));
    assert!(error.hint().unwrap().contains("--listen"));
}

#[test]
fn a_directory_without_a_registry_is_not_served() {
    let dir = tempfile::tempdir().unwrap();
    let options = ServeOptions::new(dir.path(), ([127, 0, 0, 1], 0).into());
    let error = Server::bind(options).unwrap_err();
    assert!(matches!(error, ServeError::NoRegistry { .. }));
    assert!(error.hint().unwrap().contains("zero-registry init"));
}

#[test]
fn an_open_connection_does_not_keep_a_stopped_server() {
    let registry = example();
    let server = serve(&registry);
    let mut idle = TcpStream::connect(server.address()).unwrap();
    let mut used = TcpStream::connect(server.address()).unwrap();
    used.write_all(b"GET /head HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut first = [0; 12];
    used.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    server.stop().unwrap();
    let mut rest = Vec::new();
    assert_eq!(idle.read_to_end(&mut rest).unwrap_or(0), 0);
}
