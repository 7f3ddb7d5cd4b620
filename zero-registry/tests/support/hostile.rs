//! A web server made of `std` alone, that answers as a test tells it to: well, badly, or never.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The path, without its leading slash.
    pub path: String,
    /// Headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
}

/// What the server does with one request.
pub enum Answer {
    /// These bytes, head and body, and the connection stays open.
    Raw(Vec<u8>),
    /// These bytes, then silence until the client gives up.
    Stall(Vec<u8>),
    /// These bytes, then the same part again and again until the client gives up.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, then the connection is closed.
    Close(Vec<u8>),
}

/// `200` with this body and these further headers.
pub fn ok(headers: &str, body: &[u8]) -> Answer {
    status("200 OK", headers, body)
}

/// An answer with this status, these further headers (each with its CRLF) and this body.
pub fn status(status: &str, headers: &str, body: &[u8]) -> Answer {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    Answer::Raw(bytes)
}

/// A server on a free port of the loopback interface; it ends when dropped.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves with this function, which gets the request and how many came before it.
    pub fn start(answer: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (seen, stop, answer) = (seen.clone(), stop.clone(), Arc::new(answer));
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let (seen, answer) = (seen.clone(), answer.clone());
                    std::thread::spawn(move || {
                        // A client that gives up is what many tests are about.
                        let _ = serve(&stream.expect("a connection"), &seen, &*answer);
                    });
                }
            }
        });
        Self {
            address,
            seen,
            stop,
            thread: Some(thread),
        }
    }

    /// `http://127.0.0.1:PORT/`
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    stream: &TcpStream,
    seen: &Mutex<Vec<Seen>>,
    answer: &(impl Fn(&Seen, usize) -> Answer + ?Sized),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Some(request) = read_request(&mut reader)? {
        let before = {
            let mut seen = seen.lock().expect("no panic");
            seen.push(request.clone());
            seen.len() - 1
        };
        match answer(&request, before) {
            Answer::Raw(bytes) => writer.write_all(&bytes)?,
            Answer::Stall(bytes) => {
                writer.write_all(&bytes)?;
                let mut rest = Vec::new();
                reader.read_to_end(&mut rest)?;
                return Ok(());
            }
            Answer::Endless(bytes, part) => {
                writer.write_all(&bytes)?;
                loop {
                    writer.write_all(&part)?;
                }
            }
            Answer::Close(bytes) => return writer.write_all(&bytes),
        }
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Seen>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default();
    let path = path.trim_start_matches('/').to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => return Ok(Some(Seen { path, headers })),
        };
    }
}
