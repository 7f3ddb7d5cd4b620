//! Registries in buckets, and copies that other people's tools make, while somebody publishes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::{Run, World};
use crate::packages::prints;

/// What the order of spec/registry.md, "Mirrors", leaves for later.
const LATER: [&str; 3] = ["head", "checkpoint", "root/*.json"];

/// A real S3 server (moto's) with an empty bucket `packages`; it ends with the value.
struct S3 {
    process: Child,
    port: u16,
}

impl S3 {
    fn start(world: &World) -> Option<Self> {
        // A port that was free a moment ago; the server cannot tell which one it took.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("loopback has free ports").port();
        let process = world
            .peer("moto_server")?
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let server = Self { process, port };
        let mut stream = server.connect();
        stream
            .write_all(b"PUT /packages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: AWS a:b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Some(server)
    }

    fn connect(&self) -> TcpStream {
        for _ in 0..600 {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                return stream;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the S3 server does not answer");
    }

    /// The command, with what the store's own tools take from the environment.
    fn with<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let address = format!("http://127.0.0.1:{}", self.port);
        command
            .env("AWS_ENDPOINT", &address)
            .env("AWS_ENDPOINT_URL", address)
            .env("AWS_ACCESS_KEY_ID", "a")
            .env("AWS_SECRET_ACCESS_KEY", "b")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ALLOW_HTTP", "true")
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A registry in the folder `registry` with `tool` 1.0.0, and the root key to pin.
fn registry(world: &World) -> String {
    world.make_key("home");
    let root_key = world.init_registry("registry").root_key;
    publish(world, "1.0.0");
    root_key
}

fn publish(world: &World, version: &str) {
    world.package(
        "tool",
        version,
        &prints(&format!("this is {version}\n")),
        "",
    );
    world
        .publish("home", &format!("tool-{version}"), "demo")
        .code(0);
}

#[test]
fn a_team_keeps_its_registry_in_a_bucket() {
    let world = World::new();
    let Some(s3) = S3::start(&world) else { return };
    let run = |home: &str, program: &str, args: &[&str]| {
        Run::of(s3.with(&mut world.command_as(home, program)).args(args))
    };
    let place = "s3://packages/team";
    world.make_key("home");
    let init = [
        "init",
        place,
        "--origin",
        "registry.example/team",
        "--no-password",
    ];
    run("home", "zero-registry", &init).code(0);
    let add = ["registry", "add", "team", place, "--root-key", "root.pub"];
    run("home", "cargo-zero", &add).code(0);
    world.package("tool", "1.0.0", &prints("from a bucket\n"), "");
    let manifest = world.path("tool-1.0.0/Zero.toml");
    let manifest = manifest.to_str().expect("a path");
    let publish = ["publish", "--registry", "team", "--manifest-path", manifest];
    // Who does not hold the log key has to ask somebody who does.
    run("home", "cargo-zero", &publish)
        .code(126)
        .says("you do not hold this registry's log key");
    let with_key = [&publish[..], &["--log-key", "log.key"]].concat();
    run("home", "cargo-zero", &with_key)
        .code(0)
        .says("published tool 1.0.0");
    run("home", "zero-registry", &["verify", place]).code(0);

    run("reader", "cargo-zero", &add).code(0);
    run("reader", "cargo-zero", &["run", "tool"])
        .code(0)
        .says("from a bucket");
    run("reader", "zrun", &["tool"])
        .code(0)
        .says("from a bucket");
    run("reader", "cargo-zero", &["--offline", "info", "tool"]).code(0);
    drop(s3);
    let away = world.zero_as("reader", ["run", "--update", "tool"]);
    away.code(69).says("AWS_ACCESS_KEY_ID");
}

#[test]
fn a_copy_by_rsync_is_whole_though_the_registry_moves() {
    let world = World::new();
    let Some(rsync) = world.peer("rsync") else {
        return;
    };
    drop(rsync);
    let root_key = registry(&world);
    let copy = |options: &[&str], from: &str, to: &str| {
        let mut command = world.peer("rsync").expect("it was there");
        command.current_dir(world.path("")).arg("--archive");
        Run::of(command.args(options).args([from, to])).code(0);
    };
    let later: Vec<String> = LATER
        .iter()
        .map(|path| format!("--exclude=/{path}"))
        .collect();
    let later: Vec<&str> = later.iter().map(String::as_str).collect();
    // Twice: into an empty folder, and onto an older copy that is served meanwhile.
    for (number, [during, after]) in [["1.0.1", "1.0.2"], ["1.0.3", "1.0.4"]].iter().enumerate() {
        let whole = || {
            if number > 0 {
                world.registry(["verify", "copy"]).code(0);
            }
        };
        copy(
            &["--include=/checkpoint", "--include=/head", "--exclude=*"],
            "registry/",
            "aside/",
        );
        publish(&world, during);
        copy(&later, "registry/", "copy/");
        whole();
        publish(&world, after);
        copy(&later[..2], "registry/", "copy/");
        whole();
        copy(&[], "aside/checkpoint", "copy/");
        copy(&[], "aside/head", "copy/");
        world.registry(["verify", "copy"]).code(0);
    }
    world.reader("reader", &["copy"], &root_key);
    // What came after `head` was taken is not there yet.
    world
        .zero_as("reader", ["run", "tool"])
        .code(0)
        .says("this is 1.0.2");
}

#[test]
fn a_copy_by_amazons_client_is_whole_though_the_registry_moves() {
    let world = World::new();
    let (Some(s3), Some(_)) = (S3::start(&world), world.peer("aws")) else {
        return;
    };
    let root_key = registry(&world);
    let aws = |args: &[&str]| {
        let mut command = world.peer("aws").expect("it was there");
        command
            .current_dir(world.path(""))
            .args(["--only-show-errors", "s3"]);
        Run::of(s3.with(command.args(args))).code(0);
    };
    let sync = |from: &str, to: &str, later: &[&str]| {
        let mut args = vec!["sync", from, to];
        for path in later {
            args.extend(["--exclude", path]);
        }
        aws(&args);
    };
    let bucket = "s3://packages/copy";
    for file in ["checkpoint", "head"] {
        std::fs::copy(world.path("registry").join(file), world.path(file)).expect("both are there");
    }
    publish(&world, "1.0.1");
    sync("registry", bucket, &LATER);
    publish(&world, "1.0.2");
    sync("registry", bucket, &LATER[..2]);
    for file in ["checkpoint", "head"] {
        aws(&["cp", file, &format!("{bucket}/{file}")]);
    }
    let run = |program: &str, args: &[&str]| {
        Run::of(s3.with(&mut world.command_as("reader", program)).args(args))
    };
    run("zero-registry", &["verify", bucket]).code(0);
    run(
        "cargo-zero",
        &["registry", "add", "demo", bucket, "--root-key", &root_key],
    )
    .code(0);
    run("cargo-zero", &["run", "tool"])
        .code(0)
        .says("this is 1.0.0");
    // And back into a folder.
    sync(bucket, "back", &[]);
    world.registry(["verify", "back"]).code(0);
}
