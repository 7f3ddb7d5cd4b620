//! A registry behind TLS: nginx with certificates of an authority that only this test knows.

use std::fs;
use std::path::PathBuf;

use xtask::{Nginx, Tls};

use crate::harness::{Run, World};
use crate::packages::prints;

/// When a certificate of the test holds.
enum Valid {
    Now,
    LongAgo,
}

/// Makes an authority: its certificate is `NAME.pem`, its key `NAME.key`.
fn authority(world: &World, name: &str) -> Option<PathBuf> {
    let mut openssl = world.peer("openssl")?;
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt"]);
    openssl.args(["ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj"]);
    openssl.arg(format!("/CN={name}"));
    openssl.args(["-addext", "keyUsage=critical,keyCertSign"]);
    openssl.args(["-keyout", &format!("{name}.key")]);
    Run::of(openssl.args(["-out", &format!("{name}.pem")])).code(0);
    Some(world.path(format!("{name}.pem")))
}

/// Has an authority certify a server: `host` is such as `IP:127.0.0.1` or `DNS:example.org`.
fn certified(world: &World, authority: &str, name: &str, host: &str, valid: &Valid) -> Tls {
    let openssl = || world.peer("openssl").expect("it made the authority");
    let (key, request, certificate) = (
        format!("{name}.key"),
        format!("{name}.csr"),
        format!("{name}.pem"),
    );
    Run::of(
        openssl()
            .args(["req", "-newkey", "ec", "-pkeyopt"])
            .args(["ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server"])
            .args(["-addext", &format!("subjectAltName={host}")])
            .args(["-keyout", &key, "-out", &request]),
    )
    .code(0);
    world.write("ca.index", "");
    world.write("ca.index.attr", "unique_subject = no\n");
    world.write(
        "ca.cnf",
        "[ca]\ndefault_ca = test\n[test]\ndatabase = ca.index\nnew_certs_dir = .\nrand_serial = yes\ndefault_md = sha256\n\
         policy = any\ncopy_extensions = copy\n[any]\ncommonName = supplied\n",
    );
    let times = match valid {
        Valid::Now => ["-days", "2"].as_slice(),
        Valid::LongAgo => &[
            "-startdate",
            "20200101000000Z",
            "-enddate",
            "20210101000000Z",
        ],
    };
    Run::of(
        openssl()
            .args(["ca", "-batch", "-config", "ca.cnf"])
            .args(["-notext", "-cert", &format!("{authority}.pem")])
            .args(["-keyfile", &format!("{authority}.key"), "-in", &request])
            .args(["-out", &certificate])
            .args(times),
    )
    .code(0);
    Tls {
        certificate: world.path(certificate),
        key: world.path(key),
    }
}

/// A registry with one package, and its root key.
fn published() -> (World, String) {
    let world = World::new();
    world.make_key("home");
    let registry = world.init_registry("registry");
    world.package("hi", "1.0.0", &prints("hi 1.0.0\n"), "");
    world.publish("home", "hi-1.0.0", "demo").code(0);
    (world, registry.root_key)
}

fn serve(world: &World, work: &str, tls: &Tls) -> Nginx {
    Nginx::start_tls(
        world.host(),
        &world.path("registry"),
        &world.path(work),
        tls,
    )
    .expect("nginx starts")
}

fn add(world: &World, home: &str, url: &str, root: &str, ca: &[&str]) -> Run {
    let words = ["registry", "add", "demo", url, "--root-key", root];
    world.zero_as(home, words.iter().chain(ca))
}

#[test]
fn a_registry_behind_a_private_authority_is_read_over_http_2() {
    let (world, root) = published();
    let (Some(_), Some(ca)) = (world.peer("nginx"), authority(&world, "authority")) else {
        return;
    };
    let tls = certified(&world, "authority", "good", "IP:127.0.0.1", &Valid::Now);
    let nginx = serve(&world, "nginx", &tls);
    add(
        &world,
        "reader",
        &nginx.url(),
        &root,
        &["--ca", "authority.pem"],
    )
    .code(0);
    // The place of the file was remembered from the root: the next command may stand elsewhere.
    fs::create_dir(world.path("elsewhere")).expect("it is ours");
    let mut run = world.command_as("reader", "cargo-zero");
    Run::of(run.args(["run", "hi"]).current_dir(world.path("elsewhere")))
        .code(0)
        .says("hi 1.0.0");
    let log = fs::read_to_string(world.path("nginx/access.log")).expect("nginx keeps a log");
    assert!(log.lines().count() > 4, "{log}");
    assert!(
        log.lines().all(|line| line.contains("HTTP/2.0")),
        "requests by another protocol:\n{log}"
    );
    fs::remove_file(ca).expect("it is ours");
    world
        .zero_as("reader", ["run", "--update", "hi"])
        .code(1)
        .says("authority.pem");
}

#[test]
fn an_unproven_server_is_not_asked_for_a_registry() {
    let (world, root) = published();
    let (Some(_), Some(_), Some(_)) = (
        world.peer("nginx"),
        authority(&world, "authority"),
        authority(&world, "impostor"),
    ) else {
        return;
    };
    let here = "IP:127.0.0.1";
    let known: &[&str] = &["--ca", "authority.pem"];
    for (name, by, host, valid, ca, says) in [
        (
            "stranger",
            "impostor",
            here,
            Valid::Now,
            known,
            "UnknownIssuer",
        ),
        (
            "unasked",
            "authority",
            here,
            Valid::Now,
            &[][..],
            "UnknownIssuer",
        ),
        (
            "elsewhere",
            "authority",
            "DNS:example.org",
            Valid::Now,
            known,
            "not valid for name",
        ),
        ("old", "authority", here, Valid::LongAgo, known, "expired"),
    ] {
        let tls = certified(&world, by, name, host, &valid);
        let nginx = serve(&world, name, &tls);
        let home = format!("home-{name}");
        add(&world, &home, &nginx.url(), &root, ca)
            .code(69)
            .says(says)
            .says("--ca");
        let log =
            fs::read_to_string(world.path(name).join("access.log")).expect("nginx keeps a log");
        assert_eq!(log, "", "{name}: something was asked");
        assert!(!world.path(&home).join("config.toml").exists(), "{name}");
    }
}

#[test]
fn a_file_without_certificates_is_said_to_be_one() {
    let (world, root) = published();
    world.write("empty.pem", "");
    let url = "https://127.0.0.1:1/";
    add(&world, "reader", url, &root, &["--ca", "empty.pem"])
        .code(1)
        .says("no certificate")
        .says("hint:");
    add(&world, "reader", url, &root, &["--ca", "missing.pem"])
        .code(1)
        .says("missing.pem");
}
