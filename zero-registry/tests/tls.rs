//! The server over TLS: a certificate from files, and one that is renewed while it serves.
#![cfg(all(feature = "server", feature = "http"))]
#![expect(clippy::unwrap_used, reason = "scenarios are plain functions")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use support::registry::Registry;
use zero_registry::{ServeOptions, Server, TlsFiles};

const REQUEST: &[u8] = b"GET /head HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/tls")
        .join(name)
}

fn options(registry: &Registry, certificate: &str, key: &str) -> ServeOptions {
    let mut options = ServeOptions::new(registry.path(), "127.0.0.1:0".parse().unwrap());
    options.tls = Some(TlsFiles {
        certificate: data(certificate),
        key: data(key),
    });
    options
}

/// Whether a client that trusts this authority alone gets `head`.
fn gets(address: SocketAddr, authority: &Path) -> bool {
    let mut trusted = rustls::RootCertStore::empty();
    trusted
        .add(CertificateDer::from_pem_file(authority).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    let mut answer = Vec::new();
    stream.write_all(REQUEST).is_ok() && {
        let _ = stream.read_to_end(&mut answer);
        answer.starts_with(b"HTTP/1.1 200")
    }
}

#[test]
fn tls_is_spoken_with_a_certificate_from_files() {
    let registry = Registry::new();
    let server = Server::bind(options(&registry, "certificate.pem", "key.pem"))
        .unwrap()
        .start();
    assert!(server.url().starts_with("https://"));
    assert!(gets(server.address(), &data("authority.pem")));
    // Plain HTTP is not understood there, and does no harm.
    let mut plain = TcpStream::connect(server.address()).unwrap();
    plain.write_all(REQUEST).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert!(gets(server.address(), &data("authority.pem")));
    server.stop().unwrap();
    for (certificate, key) in [("key.pem", "key.pem"), ("certificate.pem", "authority.pem")] {
        let refused = Server::bind(options(&registry, certificate, key)).unwrap_err();
        assert!(refused.hint().unwrap().contains("--tls-cert"), "{refused}");
    }
}

#[cfg(unix)]
#[test]
fn a_renewed_certificate_is_taken_without_a_restart_and_a_broken_one_is_not() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::process::{Command, Stdio};

    let registry = Registry::new();
    let Some(mut openssl) = support::peer::peer("openssl") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // It vouches for itself, so it is its own authority.
    let own = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout own-key.pem -out own.pem";
    let made = openssl.current_dir(folder.path()).args(own.split(' '));
    assert!(made.status().unwrap().success());
    let put = |certificate: &Path, key: &Path| {
        fs::copy(certificate, at("certificate.pem")).unwrap();
        fs::copy(key, at("key.pem")).unwrap();
    };
    put(&data("certificate.pem"), &data("key.pem"));

    let mut child = Command::new(env!("CARGO_BIN_EXE_zero-registry"))
        .arg("serve")
        .arg(registry.path())
        .args(["--listen", "127.0.0.1:0", "--json", "--log", "--tls-cert"])
        .arg(at("certificate.pem"))
        .arg("--tls-key")
        .arg(at("key.pem"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let url = said["url"].as_str().unwrap();
    let address = url.trim_start_matches("https://").trim_end_matches('/');
    let address: SocketAddr = address.parse().unwrap();
    let process = Pid::from_child(&child);
    let mut log = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap)
        .filter(|line| line.contains("\"certificate\""));
    let mut renewed = || {
        kill_process(process, Signal::HUP).unwrap();
        log.next().expect("it says what came of it")
    };

    assert!(gets(address, &data("authority.pem")));
    put(&at("own.pem"), &at("own-key.pem"));
    assert!(!gets(address, &at("own.pem")));
    assert!(renewed().contains("\"new\""));
    assert!(gets(address, &at("own.pem")));
    assert!(!gets(address, &data("authority.pem")));
    fs::write(at("key.pem"), "torn").unwrap();
    let refused = renewed();
    assert!(
        refused.contains("\"old\"") && refused.contains("key.pem"),
        "{refused}"
    );
    assert!(gets(address, &at("own.pem")));
    kill_process(process, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
