//! A real S3 server (moto's), and a proxy in front of it that fails as stores and networks do.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Child, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use zero_registry::{Init, Location, ObjectStorage, Root, Timestamp, init_at};

use super::peer::peer;
use super::registry::{LOG, ROOT, User, key};

/// moto's server, with a bucket that everybody may read.
pub struct S3 {
    process: Child,
    pub port: u16,
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the store's own tools take from the environment, for the server or a proxy at this port.
pub fn variables(port: u16) -> [(&'static str, String); 5] {
    [
        ("AWS_ENDPOINT", format!("http://127.0.0.1:{port}")),
        ("AWS_ACCESS_KEY_ID", "a".into()),
        ("AWS_SECRET_ACCESS_KEY", "b".into()),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_ALLOW_HTTP", "true".into()),
    ]
}

/// The bucket, through the server or a proxy at this port.
pub fn storage(port: u16) -> ObjectStorage {
    storage_at("s3://packages/team", port)
}

pub fn storage_at(url: &str, port: u16) -> ObjectStorage {
    let options = variables(port).map(|(name, value)| (name.to_owned(), value));
    ObjectStorage::open(url, options).expect("an address")
}

impl S3 {
    /// Nothing where the server is not installed; xtask and CI install it and demand it.
    pub fn start() -> Option<Self> {
        // A port that was free a moment ago; the server cannot tell which one it took.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("loopback has free ports").port();
        let process = peer("moto_server")?
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
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
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let length = body.len();
        write!(
            stream,
            "{request}\r\nHost: 127.0.0.1\r\nAuthorization: AWS a:b\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}",
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    /// Makes a registry in the bucket.
    pub fn make(&self, root: Root, now: Timestamp) {
        let start = Init::signed(root, &[&key(ROOT)]).expect("a root");
        init_at(storage(self.port), &start, key(LOG), now).expect("a registry");
    }

    /// The bucket as every web browser sees it.
    pub fn location(&self) -> Location {
        let url = format!("http://127.0.0.1:{}/packages/team/", self.port);
        url.parse().expect("an address")
    }

    pub fn reader(&self) -> User {
        let mut user = User::of(&[]);
        user.places = vec![self.location()];
        user
    }
}

/// What stands between a writer and the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// Nothing but the turns that real stores keep by themselves.
    Turns,
    /// Conditions are lost on the way, as with a store that does not know them.
    NoConditions,
    /// Every third write fails in one way or another, and every eleventh read.
    Faults,
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    SlowDown,
    Conflict,
    Precondition,
    /// The request is done, and the answer is another one.
    DoneAndFailed,
    /// The connection ends before the request arrives.
    Dropped,
    /// The request is done, and the connection ends before the answer.
    DoneAndDropped,
    /// The request is done, and the connection ends within the answer.
    DoneAndTorn,
}

const WRITE_FAULTS: [Fault; 7] = [
    Fault::SlowDown,
    Fault::Conflict,
    Fault::Dropped,
    Fault::Precondition,
    Fault::DoneAndDropped,
    Fault::DoneAndFailed,
    Fault::DoneAndTorn,
];
const READ_FAULTS: [Fault; 3] = [Fault::SlowDown, Fault::Dropped, Fault::DoneAndTorn];

/// Hands requests on, one at a time, and answers of its own where a test wants them.
pub struct Proxy {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    target: u16,
    between: Between,
    writes: AtomicUsize,
    reads: AtomicUsize,
    faults: AtomicUsize,
    /// moto compares and writes in two steps; a real store does it in one.
    turn: Mutex<()>,
}

impl Proxy {
    pub fn start(target: u16, between: Between) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(State {
            target,
            between,
            writes: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            faults: AtomicUsize::new(0),
            turn: Mutex::new(()),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || {
                    // A client that goes away is no fault of the proxy.
                    let _ = state.hand_on(stream);
                });
            }
        });
        Self { port, state }
    }

    /// How many requests failed so far because this proxy wanted it.
    pub fn faults(&self) -> usize {
        self.state.faults.load(Ordering::SeqCst)
    }
}

impl State {
    fn hand_on(&self, mut client: TcpStream) -> io::Result<()> {
        let (mut head, body) = request(&mut client)?;
        let is_condition = |line: &String| line.to_lowercase().starts_with("if-");
        if self.between == Between::NoConditions {
            head.retain(|line| !is_condition(line));
        }
        let fault = self.fault(&head[0], head.iter().any(is_condition));
        self.faults
            .fetch_add(usize::from(fault.is_some()), Ordering::SeqCst);
        let answer = match fault {
            None => self.forward(&head, &body)?,
            Some(Fault::SlowDown) => refusal("503 Slow Down", "SlowDown"),
            Some(Fault::Conflict) => refusal("409 Conflict", "ConditionalRequestConflict"),
            Some(Fault::Precondition) => refusal("412 Precondition Failed", "PreconditionFailed"),
            Some(Fault::Dropped) => Vec::new(),
            Some(Fault::DoneAndFailed) => {
                self.forward(&head, &body)?;
                refusal("500 Internal Server Error", "InternalError")
            }
            Some(Fault::DoneAndDropped) => {
                self.forward(&head, &body)?;
                Vec::new()
            }
            Some(Fault::DoneAndTorn) => {
                let mut answer = self.forward(&head, &body)?;
                answer.truncate(answer.len() / 2);
                answer
            }
        };
        client.write_all(&answer)
    }

    fn fault(&self, request: &str, conditional: bool) -> Option<Fault> {
        if self.between != Between::Faults {
            return None;
        }
        let chosen = |count: &AtomicUsize, every: usize, faults: &[Fault]| {
            let count = count.fetch_add(1, Ordering::SeqCst);
            (count % every == every - 1).then(|| faults[count / every % faults.len()])
        };
        if request.starts_with("PUT") {
            let fault = chosen(&self.writes, 3, &WRITE_FAULTS)?;
            // A store says these only of requests with a condition.
            let unasked = matches!(fault, Fault::Conflict | Fault::Precondition) && !conditional;
            Some(if unasked { Fault::DoneAndFailed } else { fault })
        } else {
            chosen(&self.reads, 11, &READ_FAULTS)
        }
    }

    fn forward(&self, head: &[String], body: &[u8]) -> io::Result<Vec<u8>> {
        let _turn = self.turn.lock().expect("nobody panics in his turn");
        let mut server = TcpStream::connect(("127.0.0.1", self.target))?;
        let head = format!("{}\r\nConnection: close\r\n\r\n", head.join("\r\n"));
        server.write_all(head.as_bytes())?;
        server.write_all(body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn request(client: &mut TcpStream) -> io::Result<(Vec<String>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0; 8192];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        match client.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
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
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => body.extend_from_slice(&part[..read]),
        }
    }
    Ok((head, body))
}

fn refusal(status: &str, code: &str) -> Vec<u8> {
    let body = format!("<Error><Code>{code}</Code></Error>");
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
