//! `cargo zero oci` against Debian's container registry, and against one that lies.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Run, World};
use crate::packages::prints;

/// The registry's server; it ends with the test.
struct Server(Child, String);

impl Server {
    fn start(world: &World) -> Option<Self> {
        let config = format!(
            "version: 0.1\nlog: {{ level: info, formatter: text }}\nstorage:\n  filesystem: {{ rootdirectory: {} }}\nhttp: {{ addr: \"127.0.0.1:0\" }}\n",
            world.path("store").display()
        );
        let config = world.write("registry.yml", config);
        let mut child = world
            .peer("docker-registry")?
            .arg("serve")
            .arg(config)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, rest) = line.split_once("listening on ")?;
            Some(rest.split(['"', ' ', ',']).next()?.to_owned())
        });
        // It must never wait for somebody to read what it says.
        thread::spawn(move || lines.for_each(drop));
        Some(Self(child, address.expect("it says where it listens")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

fn hello(world: &World) -> std::path::PathBuf {
    world.make_key("home");
    world.package("hi", "1.0.0", &prints("hi\n"), "");
    let file = world.path("hi.zero");
    world
        .build(&world.path("hi-1.0.0/Zero.toml"), &file)
        .code(0);
    file
}

#[test]
fn an_artifact_travels_through_a_container_registry_byte_for_byte() {
    let world = World::new();
    let file = hello(&world);
    let Some(server) = Server::start(&world) else {
        return;
    };
    let place = format!("{}/acme/hi", server.1);
    let file = file.to_str().expect("a path");
    world
        .zero(["oci", "push", file, &place])
        .code(0)
        .says("pushed hi 1.0.0")
        .says(&format!("{place}:1.0.0"));
    // Any tool finds a layer of WebAssembly there.
    let curl = |path: &str, more: &[&str]| {
        let url = format!("http://{}/v2/acme/hi/{path}", server.1);
        let mut command = Command::new("curl");
        let accept = "accept: application/vnd.oci.image.manifest.v1+json";
        let output = command
            .args(["-sSf", "-H", accept, &url])
            .args(more)
            .output();
        output.expect("curl runs").stdout
    };
    let manifest: Value = serde_json::from_slice(&curl("manifests/1.0.0", &[])).expect("JSON");
    assert_eq!(
        manifest["config"]["mediaType"],
        "application/vnd.wasm.config.v0+json"
    );
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(
        manifest["annotations"]["org.opencontainers.image.version"],
        "1.0.0"
    );
    let layer = manifest["layers"][0]["digest"].as_str().expect("a text");
    let bytes = curl(&format!("blobs/{layer}"), &[]);
    assert_eq!(bytes, fs::read(file).expect("it is ours"));
    let config = manifest["config"]["digest"].as_str().expect("a text");
    let config: Value =
        serde_json::from_slice(&curl(&format!("blobs/{config}"), &[])).expect("JSON");
    assert_eq!(config["architecture"], "wasm");
    assert_eq!(config["layerDigests"], json!([layer]));

    let pulled = ["oci", "pull", &format!("{place}:1.0.0"), "--json"];
    let told = json(&world.zero(pulled).code(0));
    assert_eq!(told["file"], "hi-1.0.0.zero");
    assert_eq!(
        fs::read(world.path("hi-1.0.0.zero")).expect("it was pulled"),
        bytes
    );
    world.zero(["run", "hi-1.0.0.zero"]).code(0).says("hi");
    // Where it came from proves nothing to somebody who does not know the key.
    let headers = curl("manifests/1.0.0", &["-D", "-", "-o", "/dev/null"]);
    let headers = String::from_utf8_lossy(&headers).to_lowercase();
    let digest = headers
        .lines()
        .find_map(|line| line.strip_prefix("docker-content-digest: "))
        .expect("a header");
    let by_digest = format!("{place}@{digest}");
    world
        .zero_as("stranger", ["oci", "pull", &by_digest, "-o", "theirs.zero"])
        .code(0)
        .says("nobody whom you trust");
    world.zero_as("stranger", ["run", "theirs.zero"]).code(125);
    world
        .zero(["oci", "pull", &format!("{place}:2.0.0")])
        .code(127)
        .says("look at the name and the tag");
}

#[test]
fn what_is_unsigned_is_not_pushed_and_what_is_no_place_not_asked() {
    let world = World::new();
    let file = hello(&world);
    let bare = world.write("bare.wasm", b"\0asm\x01\0\0\0");
    let bare = bare.to_str().expect("a path");
    world.zero(["oci", "push", bare, "localhost:1/a"]).code(125);
    let file = file.to_str().expect("a path");
    world
        .zero(["oci", "push", file, "https://ghcr.io/a/b"])
        .code(2)
        .says("ghcr.io/acme/csvstat:1.2.3");
    world
        .zero(["oci", "push", file, "127.0.0.1:1/a"])
        .code(69)
        .says("can be reached");
    world
        .zero(["oci", "pull", "127.0.0.1:1/a:1", "--offline"])
        .code(69);
}

/// Answers every request for a manifest with this layer, and every one for a blob with these bytes again and again.
fn liar(layer: Value, body: Vec<u8>, times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let address = listener.local_addr().expect("it is bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that has had enough goes away.
            let _ = lie(&stream, &layer, &body, times);
        }
    });
    address
}

fn lie(mut stream: &TcpStream, layer: &Value, body: &[u8], times: usize) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte)? == 1 {
        head.push(byte[0]);
    }
    if head.windows(10).any(|window| window == b"/manifests") {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.wasm.config.v0+json", "digest": format!("sha256:{}", "0".repeat(64)), "size": 2},
            "layers": [layer],
        })
        .to_string();
        return write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{manifest}",
            manifest.len()
        );
    }
    if !head.windows(6).any(|window| window == b"/blobs") {
        return write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    for _ in 0..times {
        stream.write_all(body)?;
    }
    Ok(())
}

#[test]
fn a_registry_that_lies_leaves_no_file() {
    let world = World::new();
    let good = fs::read(hello(&world)).expect("it was built");
    let told = json(&world.zero(["inspect", "hi.zero", "--json"]).code(0));
    let digest = told["digest"].as_str().expect("a text").to_owned();
    let layer = |size: usize| json!({"mediaType": "application/wasm", "digest": format!("sha256:{digest}"), "size": size});
    let mut other = good.clone();
    other[20] ^= 1;
    for (what, layer, body, times) in [
        ("other bytes", layer(good.len()), other, 1),
        (
            "half of it",
            layer(good.len()),
            good[..good.len() / 2].to_vec(),
            1,
        ),
        ("no end", layer(good.len()), vec![0; 1 << 20], usize::MAX),
        ("a size that no artifact has", layer(1 << 40), good, 1),
    ] {
        let address = liar(layer, body, times);
        world
            .zero(["oci", "pull", &format!("{address}/a/b:1"), "-o", "out.zero"])
            .code(125);
        assert!(!world.path("out.zero").exists(), "{what}");
    }
}
