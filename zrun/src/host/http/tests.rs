//! Where requests really go, with the test as the system's resolver and as the server.
//!
//! `tests/` holds a certificate for `tls.example` and the authority that signed it; both were made with openssl for these
//! tests and last a hundred years.

use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use http::Request;
use http_body_util::{BodyExt as _, Empty};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpHooks as _};
use zero_format::Capabilities;

use super::send::{Dialer, Names, configure};
use super::{Hooks, target};
use crate::audit::Recorder;
use crate::host::denial::Denials;
use crate::host::net::Net;
use crate::host::stdio::{Capture, Io, Streams};
use crate::http::HttpScope;
use crate::net::NetScope;
use crate::policy::Grants;

/// One program's requests, and the lines that its user reads.
struct Sender {
    hooks: Hooks,
    said: Capture,
    answers: Arc<Mutex<Vec<Vec<SocketAddr>>>>,
}

impl Sender {
    /// Declares and grants the same URLs, with these addresses named, and answers look-ups from a list.
    fn new(urls: &[&str], addresses: &[&str], answers: &[&[SocketAddr]]) -> Self {
        let scopes: Vec<_> = urls
            .iter()
            .map(|url| HttpScope::new(url.parse().unwrap(), Vec::new()))
            .collect();
        let mut grants = Grants::default();
        grants.http.declared.clone_from(&scopes);
        grants.http.granted = scopes;
        grants.http.addresses = addresses
            .iter()
            .map(|block| NetScope::new(block.parse().unwrap(), None))
            .collect();
        let said = Capture::default();
        let io = Io {
            stderr: said.output(),
            ..Io::default()
        };
        let stderr = Streams::new(io, 0).stderr();
        let denials = Denials::new(
            Capabilities::default(),
            Vec::new(),
            stderr,
            false,
            false,
            Recorder::default(),
        );
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        let answers = Arc::new(Mutex::new(answers));
        let dialer = Dialer {
            names: Names::Script(Arc::clone(&answers)),
            ..Dialer::default()
        };
        let net = Net::new(&grants, denials);
        Self {
            hooks: Hooks { net, dialer },
            said,
            answers,
        }
    }

    fn get(&mut self, url: &str) -> Result<String, Error> {
        let sending = self.hooks.send_request(
            request("GET", url),
            None,
            Box::new(std::future::ready(Ok(()))),
        );
        wasmtime_wasi::runtime::in_tokio(async {
            let (response, _driver) = Pin::from(sending).await?;
            let body = response.into_body().collect().await?;
            Ok(String::from_utf8(body.to_bytes().to_vec()).unwrap())
        })
    }

    fn said(&self) -> String {
        String::from_utf8(self.said.take()).unwrap()
    }
}

fn request(method: &str, url: &str) -> Request<WasiBody> {
    let empty = Empty::new().map_err(Error::from).boxed_unsync();
    let request = Request::builder().method(method).uri(url);
    request.body(empty).unwrap()
}

/// A server that answers one request and returns its first line.
fn serve(tls: Option<ServerConfig>) -> (SocketAddr, JoinHandle<String>) {
    fn answer(mut stream: impl std::io::Read + std::io::Write) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return String::new();
            }
            head.extend(byte);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
            .unwrap();
        let head = String::from_utf8(head).unwrap();
        head.lines().next().unwrap().to_owned()
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        match tls {
            None => answer(stream),
            Some(config) => {
                let connection = ServerConnection::new(Arc::new(config)).unwrap();
                answer(StreamOwned::new(connection, stream))
            }
        }
    });
    (address, thread)
}

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

#[test]
fn a_request_goes_to_the_address_that_was_judged_and_nobody_asks_again() {
    let (server, thread) = serve(None);
    let url = format!("http://rebind.example:{}/x", server.port());
    // The second answer would lead to the machine next door.
    let answers: [&[SocketAddr]; 2] = [&[server], &[at("10.0.0.1:80")]];
    let mut sender = Sender::new(&[&url], &["127.0.0.1"], &answers);
    assert_eq!(sender.get(&format!("{url}?q")).unwrap(), "hello");
    assert_eq!(thread.join().unwrap(), "GET /x?q HTTP/1.1");
    assert_eq!(sender.answers.lock().unwrap().len(), 1);
}

#[test]
fn a_name_that_resolves_to_a_private_address_is_not_connected() {
    let (server, _thread) = serve(None);
    let url = format!("http://evil.example:{}/", server.port());
    let mut sender = Sender::new(&[&url], &[], &[&[server]]);
    let error = sender.get(&url).unwrap_err();
    assert!(matches!(error, Error::DestinationIpProhibited), "{error:?}");
    let line = format!(
        "zrun: denied: send a request for evil.example to {server} — \
         a private address is reached only when it is named: --allow-net {server}\n"
    );
    assert_eq!(sender.said(), line);
}

#[test]
fn of_several_addresses_only_allowed_ones_are_tried() {
    let (server, thread) = serve(None);
    let url = format!("http://mixed.example:{}/", server.port());
    let private = SocketAddr::new("127.0.0.2".parse().unwrap(), server.port());
    let answers: [&[SocketAddr]; 1] = [&[private, server]];
    let mut sender = Sender::new(&[&url], &["127.0.0.1"], &answers);
    assert_eq!(sender.get(&url).unwrap(), "hello");
    assert_eq!(
        (thread.join().unwrap().is_empty(), sender.said()),
        (false, String::new())
    );
}

#[test]
fn what_is_not_allowed_is_not_even_looked_up() {
    let mut sender = Sender::new(&["http://a.example/v1/*"], &[], &[]);
    for url in [
        "http://b.example/v1/",
        "http://a.example/v2/",
        "https://a.example/v1/",
    ] {
        let error = sender.get(url).unwrap_err();
        assert!(
            matches!(error, Error::HttpRequestDenied),
            "{url}: {error:?}"
        );
    }
    let said = sender.said();
    assert!(
        said.starts_with("zrun: denied: send GET http://b.example/v1/ — "),
        "{said}"
    );
    assert!(
        said.contains(r#"http = [{ url = "http://b.example/v1/", methods = ["GET"] }]"#),
        "{said}"
    );
}

#[test]
fn what_two_programs_could_read_differently_is_no_url() {
    for url in [
        "http://user@a.example/",
        "http://a.example:99999/",
        "http://a.example:080/",
        "http://a.example:/",
        "ftp://a.example/",
        "/relative",
    ] {
        let error = target(&request("GET", url)).unwrap_err();
        assert!(
            matches!(error, Error::HttpRequestUriInvalid),
            "{url}: {error:?}"
        );
    }
    let connect = target(&request("CONNECT", "http://a.example/")).unwrap_err();
    assert!(matches!(connect, Error::HttpRequestMethodInvalid));
}

fn tls() -> ServerConfig {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tests/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tests/server.key")).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

#[test]
fn tls_believes_its_roots_and_only_for_the_name_in_the_url() {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(include_bytes!("tests/ca.pem")).unwrap();
    roots.add(authority).unwrap();
    let trusting = Arc::new(configure(roots));
    for (host, tls_roots, works) in [
        ("tls.example", Some(trusting.clone()), true),
        ("other.example", Some(trusting), false),
        ("tls.example", None, false),
    ] {
        let (server, _thread) = serve(Some(tls()));
        let url = format!("https://{host}:{}/", server.port());
        let mut sender = Sender::new(&[&url], &["127.0.0.1"], &[&[server]]);
        sender.hooks.dialer.tls = tls_roots;
        match sender.get(&url) {
            Ok(body) => assert!(works && body == "hello", "{host}"),
            Err(error) => assert!(
                !works && matches!(error, Error::Tls(_)),
                "{host}: {error:?}"
            ),
        }
    }
}
