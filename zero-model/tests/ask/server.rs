//! A model's server on loopback that says what a test wants, and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::{Value as Json, json};

/// An answer of the server.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A streamed answer, a few bytes an event.
    Says(String),
    /// These bytes, then the end of the connection.
    Raw(String),
    /// This, again and again, as long as somebody reads.
    Endless(String),
}

/// What the server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Json,
}

/// A server with its replies, one for each connection; it ends with the last.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let thread = std::thread::spawn(move || {
            for reply in replies {
                let Ok((stream, _)) = listener.accept() else {
                    return;
                };
                // A client that went away is what some tests are about.
                let _ = answer(stream, &reply, &heard);
            }
        });
        Self {
            url,
            asked,
            thread: Some(thread),
        }
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for the last reply.
    pub(crate) fn end(mut self) -> Vec<Asked> {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic");
        }
        self.asked()
    }
}

impl Asked {
    /// All that was said to the model, in one text.
    pub(crate) fn said(&self) -> String {
        let messages = self.body["messages"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let texts: Vec<&str> = messages
            .iter()
            .filter_map(|message| message["content"].as_str())
            .collect();
        texts.join("\n")
    }
}

fn answer(stream: TcpStream, reply: &Reply, heard: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let length = lines.iter().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length:")?
            .trim()
            .parse()
            .ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let path = lines
        .first()
        .and_then(|line| line.split(' ').nth(1))
        .unwrap_or_default()
        .to_owned();
    heard
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Asked {
            path,
            headers: lines,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        });
    let mut stream = reader.into_inner();
    match reply {
        Reply::Says(text) => stream.write_all(streamed(text).as_bytes()),
        Reply::Raw(bytes) => stream.write_all(bytes.as_bytes()),
        Reply::Endless(bytes) => {
            stream.write_all(HEAD.as_bytes())?;
            loop {
                stream.write_all(bytes.as_bytes())?;
            }
        }
    }
}

/// The beginning of every streamed answer.
pub(crate) const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

/// A whole streamed answer.
pub(crate) fn streamed(text: &str) -> String {
    let mut stream = HEAD.to_owned();
    let chars: Vec<char> = text.chars().collect();
    for piece in chars.chunks(7) {
        stream += &event(&piece.iter().collect::<String>());
    }
    stream += "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    stream += "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":50,\"completion_tokens\":9}}\n\n";
    stream + "data: [DONE]\n\n"
}

/// One event with a piece of text.
pub(crate) fn event(text: &str) -> String {
    format!(
        "data: {}\n\n",
        json!({"choices":[{"delta":{"content":text}}]})
    )
}

/// A refusal with a status line, more headers and a body.
pub(crate) fn refusal(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Raw(format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}
