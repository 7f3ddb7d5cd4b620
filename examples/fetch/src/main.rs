//! Prints what a URL leads to, redirects followed.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, IncomingResponse, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

/// Redirects that are followed at most.
const REDIRECTS: usize = 5;

fn main() -> ExitCode {
    let mut failed = false;
    for url in std::env::args().skip(1) {
        if let Err(error) = print(&url) {
            eprintln!("fetch: {error}");
            failed = true;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn print(url: &str) -> Result<(), String> {
    let mut url = url.to_owned();
    for _ in 0..=REDIRECTS {
        let response = get(&url)?;
        match response.status() {
            200..=299 => return copy(&response).map_err(|error| at(&url, error)),
            300..=399 => url = location(&response).ok_or_else(|| at(&url, "a redirect to nowhere"))?,
            status => return Err(at(&url, format!("status {status}"))),
        }
    }
    Err(at(&url, "too many redirects"))
}

fn at(url: &str, what: impl Display) -> String {
    format!("{url}: {what}")
}

fn location(response: &IncomingResponse) -> Option<String> {
    let value = response.headers().get("location").into_iter().next()?;
    String::from_utf8(value).ok()
}

fn get(url: &str) -> Result<IncomingResponse, String> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        _ => return Err(at(url, "not a web address")),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_scheme(Some(&scheme)).is_ok()
        && request.set_authority(Some(authority)).is_ok()
        && request.set_path_with_query(Some(if path.is_empty() { "/" } else { path })).is_ok();
    if !set {
        return Err(at(url, "not a web address"));
    }
    let coming = outgoing_handler::handle(request, None).map_err(|code| at(url, words(&code)))?;
    coming.subscribe().block();
    match coming.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(at(url, words(&code))),
        _ => Err(at(url, "no answer")),
    }
}

fn words(code: &ErrorCode) -> String {
    match code {
        ErrorCode::HttpRequestDenied => "the request was denied".to_owned(),
        ErrorCode::DestinationIpProhibited => "its address is private".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Copies the body as it comes.
fn copy(response: &IncomingResponse) -> Result<(), String> {
    let body = response.consume().map_err(|()| "no body")?;
    let stream = body.stream().map_err(|()| "no body")?;
    let mut stdout = std::io::stdout().lock();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => stdout.write_all(&bytes).map_err(|error| error.to_string())?,
            Err(StreamError::Closed) => return stdout.flush().map_err(|error| error.to_string()),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
}
