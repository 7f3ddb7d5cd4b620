//! HTTP with real components: requests that a program sends, and requests that one answers.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::harness::{Run, World};
use crate::peers::example;

/// A web server of the test's own: `/page` is a page, `/moved` leads there, `/away` leads elsewhere.
fn web_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut first = String::new();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                if first.is_empty() {
                    first.clone_from(&line);
                }
                line.clear();
            }
            let to = |path: &str| {
                format!("302 Found\r\nlocation: http://localhost:{port}{path}\r\ncontent-length: 0")
            };
            let head = match first.split(' ').nth(1) {
                Some("/page") => "200 OK\r\ncontent-length: 5\r\n\r\nhello".to_owned(),
                Some("/moved") => to("/page") + "\r\n\r\n",
                Some("/away") => to("/secret") + "\r\n\r\n",
                _ => "200 OK\r\ncontent-length: 6\r\n\r\nsecret".to_owned(),
            };
            let answer = format!("HTTP/1.1 {head}");
            // A client that was refused may be gone.
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    port
}

/// The example that sends requests, declared for a server on this port.
fn fetch(world: &World, port: u16) -> PathBuf {
    let source = world.host().root().join("examples/fetch");
    for file in ["Cargo.toml", "Cargo.lock", "README.md", "src/main.rs"] {
        let content = fs::read(source.join(file)).expect("the example is there");
        world.write(&format!("fetch/{file}"), content);
    }
    let manifest = fs::read_to_string(source.join("Zero.toml")).expect("the example is there");
    // Only this server: a second scope would be outstanding, and nobody is there to be asked.
    let lines = manifest
        .lines()
        .filter(|line| !line.contains("https://*/*"));
    let manifest = lines.collect::<Vec<_>>().join("\n");
    let manifest = world.write(
        "fetch/Zero.toml",
        manifest.replace(":8080/", &format!(":{port}/")),
    );
    let artifact = world.path("fetch.zero");
    world.build(&manifest, &artifact).code(0);
    artifact
}

#[test]
fn a_program_sends_the_requests_that_were_granted_and_no_others() {
    let world = World::new();
    world.make_key("home");
    let port = web_server();
    let artifact = fetch(&world, port);
    let url = |host: &str, path: &str| format!("http://{host}:{port}{path}");
    let run = |flags: &[&str], url: &str| {
        let mut command = world.command_as("home", "zrun");
        Run::of(command.args(flags).arg(&artifact).arg(url))
    };
    let pages = format!("GET http://localhost:{port}/page");
    let moved = format!("GET http://localhost:{port}/moved");
    let away = format!("GET http://localhost:{port}/away");
    let page = run(&["--allow-http", &pages], &url("localhost", "/page")).code(0);
    assert_eq!(page.stdout, "hello");
    // A redirect is a request of its own.
    let both = ["--allow-http", &pages, "--allow-http", &moved];
    run(&both, &url("localhost", "/moved"))
        .code(0)
        .says("hello");
    let secret = format!("--allow-http \"GET http://localhost:{port}/secret\"");
    run(&["--allow-http", &away], &url("localhost", "/away"))
        .code(1)
        .says("the request was denied")
        .says(&secret);
    // What is not granted, what is not declared, what is refused.
    run(&["--allow-http", &pages], &url("localhost", "/secret"))
        .code(1)
        .says(&secret)
        .never_says("secretsecret");
    run(&["--allow-declared"], &url("127.0.0.1", "/page"))
        .code(1)
        .says("the package does not declare it");
    for refused in ["--deny-http", "--deny-net"] {
        run(&["--allow-declared", refused], &url("localhost", "/page"))
            .code(1)
            .says(&format!("it is refused with {refused}"));
    }
    let host = format!("--deny-net=localhost:{port}");
    run(&["--allow-declared", &host], &url("localhost", "/page"))
        .code(1)
        .says("its address is private");
}

/// A server that is being tested; it is killed if the test fails before its end.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn start(world: &World, flags: &[&str], artifact: &PathBuf) -> Self {
        let mut command: Command = world.command_as("home", "zrun");
        let mut child = command
            .arg("serve")
            .args(flags)
            .arg(artifact)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it listens");
        let url = line.trim().rsplit_once("http://").map(|(_, rest)| rest);
        let address = url
            .and_then(|rest| rest.trim_end_matches('/').parse().ok())
            .unwrap_or_else(|| panic!("no address in {line:?}"));
        Self { child, address }
    }

    fn send(&self, head: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        let head = format!(
            "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        // A server that refuses a body need not read it.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[cfg(unix)]
    fn end(mut self) -> i32 {
        let pid = self.child.id().to_string();
        let told = Command::new("kill")
            .arg(pid)
            .status()
            .expect("kill is there");
        assert!(told.success());
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // After `end` there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn a_component_answers_each_request_by_an_instance_of_its_own() {
    let world = World::new();
    world.make_key("home");
    let artifact = example(&world, "echo");
    let served = Served::start(&world, &["--limit-body", "2MiB"], &artifact);
    let answer = served.send("POST /some/path?q", b"hello");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("POST /some/path?q\n"), "{answer}");
    let large = vec![b'x'; 1 << 20];
    let echoed = served.send("PUT /", &large).matches('x').count();
    assert!(echoed >= large.len(), "{echoed}");
    let refused = served.send("PUT /", &vec![b'x'; 3 << 20]);
    assert!(
        refused.is_empty() || refused.starts_with("HTTP/1.1 413 "),
        "{refused}"
    );
    // More at once than are answered at once.
    let shared = &served;
    thread::scope(|scope| {
        let sent: Vec<_> = (0..100)
            .map(|at| scope.spawn(move || (at, shared.send(&format!("GET /{at}"), b""))))
            .collect();
        for one in sent {
            let (at, answer) = one.join().expect("the client ends");
            assert!(answer.contains(&format!("GET /{at}\n")), "{answer}");
        }
    });
    if let Some(mut curl) = world.peer("curl") {
        let url = format!("http://{}/curl", served.address);
        Run::of(curl.args(["-sS", "-d", "said", &url]))
            .code(0)
            .says("POST /curl\nsaid");
    }
    assert_eq!(served.end(), 0);
}

#[test]
fn a_program_that_answers_no_requests_is_not_served() {
    let world = World::new();
    world.make_key("home");
    let artifact = world.built("hi", "1.0.0", &crate::packages::prints("hi\n"), "");
    world
        .zero(["serve".as_ref(), artifact.as_os_str()])
        .code(1)
        .says("it is a module, and requests are answered by components")
        .says("hint: ");
}
