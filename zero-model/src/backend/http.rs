//! A model behind an address: any server with OpenAI's interface (llama.cpp, vLLM, Ollama, hosted ones).
//!
//! The server is a stranger: its answers are bounded in size and time, nothing in them is followed. The key goes to the
//! address that was named and nowhere else: redirects are refused, and so is a key without TLS to another machine.

use std::fmt;
use std::io::Read as _;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, Response};
use reqwest::{StatusCode, Url, header, redirect};
use serde_json::Value as Json;

use super::request::{self, Answer, Api};
use super::sse::Events;
use crate::judge::MAX_TEXT;
use crate::model::{Completion, Message, Model, ModelError, Sampling};

/// Bytes of an answer with everything around its text.
const MAX_BODY: usize = 32 << 20;
/// Bytes of an answer that only says what is wrong.
const MAX_MESSAGE: u64 = 64 << 10;

/// Where a model is and how patiently it is asked.
#[derive(Clone)]
pub struct EndpointOptions {
    /// The address of the interface, such as `http://127.0.0.1:8080/v1`.
    pub url: String,
    /// Which of the server's models; its default without it.
    pub model: Option<String>,
    /// What proves that we may ask.
    pub key: Option<String>,
    /// Which interface.
    pub api: Api,
    /// Time to make a connection.
    pub connect: Duration,
    /// Time for a whole answer, and for each pause within it.
    pub timeout: Duration,
    /// How often what failed in passing is tried again.
    pub retries: u32,
    /// Pause before the first repetition; each further one is twice as long. A server that names a pause is heeded.
    pub backoff: Duration,
    /// The longest pause that a server may name; beyond it is an error.
    pub longest_pause: Duration,
    /// What pausing means; a test notes the pause and returns.
    pub pause: fn(Duration),
}

impl EndpointOptions {
    /// A model at this address, with the patience that large models need.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            model: None,
            key: None,
            api: Api::default(),
            connect: Duration::from_secs(10),
            timeout: Duration::from_mins(5),
            retries: 3,
            backoff: Duration::from_millis(500),
            longest_pause: Duration::from_mins(1),
            pause: std::thread::sleep,
        }
    }
}

/// The key stays out of whatever is printed.
impl fmt::Debug for EndpointOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointOptions")
            .field("url", &shown(&self.url))
            .field("model", &self.model)
            .field("key", &self.key.as_ref().map(|_| "…"))
            .finish_non_exhaustive()
    }
}

/// A model behind an address.
#[derive(Debug)]
pub struct Endpoint {
    options: EndpointOptions,
    url: Url,
    name: String,
    client: Client,
}

impl Endpoint {
    /// Prepares to ask; nothing is connected yet.
    ///
    /// # Errors
    /// When the address is none, or the key would travel unprotected.
    pub fn open(options: EndpointOptions) -> Result<Self, ModelError> {
        let refuse = |reason: &str| ModelError::Address {
            url: shown(&options.url),
            reason: reason.to_owned(),
        };
        let url = address(&options).map_err(|reason| refuse(&reason))?;
        if options.key.is_some() && url.scheme() == "http" && !is_local(&url) {
            return Err(refuse("a key is not sent to another machine without TLS"));
        }
        let client = client(&options).map_err(|error| refuse(&error.without_url().to_string()))?;
        let name = options.model.clone().unwrap_or_else(|| shown(&options.url));
        Ok(Self {
            options,
            url,
            name,
            client,
        })
    }

    fn shown(&self) -> String {
        shown(self.url.as_str())
    }

    fn attempt(&self, body: &str) -> Result<Completion, ModelError> {
        let begun = Instant::now();
        let mut request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream, application/json")
            .body(body.to_owned());
        if let Some(key) = &self.options.key {
            request = request.bearer_auth(key);
        }
        let response = request.send().map_err(|error| self.unreached(error))?;
        if response.status() != StatusCode::OK {
            return Err(self.refused(response));
        }
        self.read(response, begun)
    }

    fn read(&self, mut response: Response, begun: Instant) -> Result<Completion, ModelError> {
        let kind = response.headers().get(header::CONTENT_TYPE);
        let whole = kind
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json"));
        let mut reading = Reading {
            endpoint: self,
            answer: Answer::default(),
            events: Events::default(),
            done: false,
        };
        let mut body = Vec::new();
        let mut read = 0;
        let mut chunk = [0; 8192];
        while !reading.done {
            if begun.elapsed() > self.options.timeout {
                return Err(self.late());
            }
            let count = match response.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error)
                    if error.kind() == std::io::ErrorKind::TimedOut || is_timeout(&error) =>
                {
                    return Err(self.late());
                }
                Err(_) => return Err(ModelError::Cut { url: self.shown() }),
            };
            read += count;
            if read > MAX_BODY {
                return Err(self.too_long(MAX_BODY));
            }
            let bytes = chunk.get(..count).unwrap_or_default();
            if whole {
                body.extend_from_slice(bytes);
            } else {
                reading.push(bytes)?;
            }
        }
        if whole {
            reading.take(&String::from_utf8_lossy(&body))?;
        }
        reading.end()
    }

    fn unreached(&self, error: reqwest::Error) -> ModelError {
        if error.is_timeout() && !error.is_connect() {
            return self.late();
        }
        ModelError::Connect {
            url: self.shown(),
            // The library's message repeats the address, password included.
            source: Box::new(error.without_url()),
        }
    }

    fn refused(&self, response: Response) -> ModelError {
        let url = self.shown();
        let status = response.status().as_u16();
        match status {
            401 | 403 => ModelError::Unauthorized {
                url,
                status,
                with_key: self.options.key.is_some(),
            },
            429 => ModelError::Limited {
                url,
                wait: pause(&response),
            },
            _ => ModelError::Status {
                url,
                status,
                wait: pause(&response),
                message: Self::message(response),
            },
        }
    }

    /// What a refusal says, if it says it in a way that can be shown.
    fn message(response: Response) -> String {
        let mut body = String::new();
        let _ = response.take(MAX_MESSAGE).read_to_string(&mut body);
        let json: Json = serde_json::from_str(&body).unwrap_or_default();
        json.get("error").map(request::message).unwrap_or_default()
    }

    fn late(&self) -> ModelError {
        ModelError::Timeout {
            url: self.shown(),
            limit: self.options.timeout,
        }
    }

    fn too_long(&self, limit: usize) -> ModelError {
        ModelError::TooLong {
            url: self.shown(),
            limit,
        }
    }
}

impl Model for Endpoint {
    fn name(&self) -> &str {
        &self.name
    }

    fn complete(
        &self,
        conversation: &[Message],
        sampling: &Sampling,
    ) -> Result<Completion, ModelError> {
        let options = &self.options;
        let body = request::body(
            options.api,
            options.model.as_deref(),
            conversation,
            sampling,
        )
        .to_string();
        let mut step = 0;
        loop {
            let error = match self.attempt(&body) {
                Ok(completion) => return Ok(completion),
                Err(error) if step < options.retries && error.is_transient() => error,
                Err(error) => return Err(error),
            };
            let pause = match error.wait() {
                Some(wait) if wait > options.longest_pause => return Err(error),
                Some(wait) => wait,
                None => options.backoff.saturating_mul(1 << step.min(6)),
            };
            (options.pause)(pause);
            step += 1;
        }
    }
}

/// An answer under way.
struct Reading<'a> {
    endpoint: &'a Endpoint,
    answer: Answer,
    events: Events,
    done: bool,
}

impl Reading<'_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        let events = self.events.push(bytes);
        let events = events.map_err(|_| self.endpoint.too_long(super::sse::MAX_EVENT))?;
        for event in events {
            self.take(&event)?;
        }
        Ok(())
    }

    fn take(&mut self, event: &str) -> Result<(), ModelError> {
        if event == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let malformed = |reason: String| ModelError::Malformed {
            url: self.endpoint.shown(),
            reason,
        };
        let part: Json = serde_json::from_str(event)
            .map_err(|error| malformed(format!("it is no JSON: {error}")))?;
        self.answer.take(&part).map_err(malformed)?;
        if self.answer.len() > MAX_TEXT {
            return Err(self.endpoint.too_long(MAX_TEXT));
        }
        Ok(())
    }

    fn end(mut self) -> Result<Completion, ModelError> {
        if let Some(rest) = std::mem::take(&mut self.events).end() {
            // The beginning of an event that was cut is no JSON, and no fault of the server's.
            let _ = self.take(&rest);
        }
        if self.done || self.answer.finished {
            Ok(self.answer.completion())
        } else if self.answer.len() == 0 {
            Err(ModelError::Malformed {
                url: self.endpoint.shown(),
                reason: "there is no answer in it".to_owned(),
            })
        } else {
            Err(ModelError::Cut {
                url: self.endpoint.shown(),
            })
        }
    }
}

fn address(options: &EndpointOptions) -> Result<Url, String> {
    let mut url = Url::parse(&options.url).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("it begins neither with http:// nor with https://".to_owned());
    }
    let path = url.path().trim_end_matches('/');
    if !path.ends_with(options.api.path()) {
        let path = format!("{path}/{}", options.api.path());
        url.set_path(&path);
    }
    Ok(url)
}

fn is_local(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

fn client(options: &EndpointOptions) -> reqwest::Result<Client> {
    // Fails only where the process has chosen a provider already; then that choice stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("zero/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        // Nothing ambient decides who reads what is asked.
        .no_proxy()
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect)
        .timeout(options.timeout)
        .build()
}

/// The pause that a server asks for, in seconds; a date is not one that can be trusted.
fn pause(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?;
    value
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

fn is_timeout(error: &std::io::Error) -> bool {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    inner.is_some_and(reqwest::Error::is_timeout)
}

/// An address without user and password, nor anything that moves a cursor.
fn shown(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return url.chars().filter(|c| !c.is_control()).take(200).collect();
    };
    let _ = parsed.set_username("");
    let _ = parsed.set_password(None);
    parsed.set_query(None);
    parsed.to_string()
}
