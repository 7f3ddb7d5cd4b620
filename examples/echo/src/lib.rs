//! Answers every request with what it said.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{OutputStream, StreamError};

struct Echo;

wasip2::http::proxy::export!(Echo);

impl Guest for Echo {
    fn handle(request: IncomingRequest, outparam: ResponseOutparam) {
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().expect("it is taken once");
        ResponseOutparam::set(outparam, Ok(response));
        let out = body.write().expect("it is taken once");
        let path = request.path_with_query().unwrap_or_default();
        let line = format!("{} {path}\n", method(&request.method()));
        // Who no longer listens needs no answer.
        let _ = write(&out, line.as_bytes()).and_then(|()| copy(&request, &out));
        drop(out);
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Passes the body on as it comes: bodies larger than the memory are no trouble.
fn copy(request: &IncomingRequest, out: &OutputStream) -> Result<(), StreamError> {
    let Ok(body) = request.consume() else {
        return Ok(());
    };
    let Ok(stream) = body.stream() else {
        return Ok(());
    };
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(bytes) => write(out, &bytes)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn write(out: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    for chunk in bytes.chunks(4096) {
        out.blocking_write_and_flush(chunk)?;
    }
    Ok(())
}

fn method(method: &Method) -> String {
    match method {
        Method::Get => "GET".to_owned(),
        Method::Head => "HEAD".to_owned(),
        Method::Post => "POST".to_owned(),
        Method::Put => "PUT".to_owned(),
        Method::Delete => "DELETE".to_owned(),
        Method::Connect => "CONNECT".to_owned(),
        Method::Options => "OPTIONS".to_owned(),
        Method::Trace => "TRACE".to_owned(),
        Method::Patch => "PATCH".to_owned(),
        Method::Other(name) => name.clone(),
    }
}
