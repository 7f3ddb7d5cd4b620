//! One request, one answer: RFC 9110 as far as files need it.

use std::{io, ops::Range, sync::Arc};

use hyper::{
    Method, Request, Response, StatusCode,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};

use super::{body::Content, file::Found, place::ServedPlace};
use crate::{PathKind, RegistryPath};

pub(super) async fn answer<B>(place: &Arc<ServedPlace>, request: &Request<B>) -> Response<Content> {
    let head = match *request.method() {
        Method::GET => false,
        Method::HEAD => true,
        _ => {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            fixed(&mut response, header::ALLOW, "GET, HEAD");
            return response;
        }
    };
    let path = match request.uri().path() {
        "/" => Some("index.html"),
        path => path.strip_prefix('/'),
    };
    let Some(path) = path.and_then(RegistryPath::parse) else {
        return without_body(text(StatusCode::NOT_FOUND, "not found\n"), head);
    };
    let gzip = accepts_gzip(request.headers()) && !request.headers().contains_key(header::RANGE);
    let response = match open(place, &path, gzip).await {
        Ok(Some(found)) => serve(found, &path, request.headers()),
        Ok(None) => Ok(text(StatusCode::NOT_FOUND, "not found\n")),
        Err(error) => Err(error),
    };
    let response = response.unwrap_or_else(|_| {
        text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the file cannot be read\n",
        )
    });
    without_body(response, head)
}

async fn open(
    place: &Arc<ServedPlace>,
    path: &RegistryPath,
    gzip: bool,
) -> io::Result<Option<Found>> {
    if place.opens_at_once(path, gzip) {
        return place.open(path, gzip);
    }
    let (place, path) = (Arc::clone(place), path.clone());
    tokio::task::spawn_blocking(move || place.open(&path, gzip))
        .await
        .unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

fn serve(found: Found, path: &RegistryPath, headers: &HeaderMap) -> io::Result<Response<Content>> {
    let cache = if path.kind().is_immutable() {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = Response::new(Content::empty());
    fixed(&mut response, header::CACHE_CONTROL, cache);
    set(&mut response, header::ETAG, &found.etag);
    fixed(&mut response, header::VARY, "accept-encoding");
    fixed(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Package files are strangers' bytes: should a browser show one as a page, it may do nothing.
    let policy = match path.kind() {
        PathKind::Page(_) => "frame-ancestors 'none'",
        _ => "default-src 'none'; sandbox; frame-ancestors 'none'",
    };
    fixed(&mut response, header::CONTENT_SECURITY_POLICY, policy);
    if is_known(headers, &found.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    fixed(
        &mut response,
        header::CONTENT_TYPE,
        path.kind().media_type(),
    );
    fixed(&mut response, header::ACCEPT_RANGES, "bytes");
    if found.gzip {
        fixed(&mut response, header::CONTENT_ENCODING, "gzip");
    }
    let length = found.content.length();
    match range(headers, &found.etag, length) {
        Part::Whole => *response.body_mut() = found.content,
        Part::Some(range) => {
            let value = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            set(&mut response, header::CONTENT_RANGE, &value);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            *response.body_mut() = found.content.slice(range)?;
        }
        Part::Outside => {
            let mut response = text(StatusCode::RANGE_NOT_SATISFIABLE, "no such range\n");
            set(
                &mut response,
                header::CONTENT_RANGE,
                &format!("bytes */{length}"),
            );
            return Ok(response);
        }
    }
    Ok(response)
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// All of it: no range, one that cannot be read, several, or one of another version.
    Whole,
    /// One range that lies within it.
    Some(Range<u64>),
    /// A range beyond its end.
    Outside,
}

fn range(headers: &HeaderMap, etag: &str, length: u64) -> Part {
    let Some(range) = headers.get(header::RANGE).and_then(|v| v.to_str().ok()) else {
        return Part::Whole;
    };
    let same = headers.get(header::IF_RANGE).is_none_or(|tag| tag == etag);
    let Some((from, to)) = range.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Part::Whole;
    };
    if !same {
        return Part::Whole;
    }
    let range = match (from.parse::<u64>(), to.parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(length),
        (Ok(from), Err(_)) if to.is_empty() => from..length,
        (Err(_), Ok(last)) if from.is_empty() => length.saturating_sub(last)..length,
        _ => return Part::Whole,
    };
    if range.start < range.end {
        Part::Some(range)
    } else {
        Part::Outside
    }
}

/// Whether the client has this version already. Tags are compared weakly, as the RFC wants here.
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|entry| {
            let (coding, weight) = entry.split_once(';').unwrap_or((entry, ""));
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
            matches!(coding.trim(), "gzip" | "x-gzip") && !refused
        })
}

fn text(status: StatusCode, text: &'static str) -> Response<Content> {
    let mut response = Response::new(Content::bytes(text));
    *response.status_mut() = status;
    fixed(
        &mut response,
        header::CONTENT_TYPE,
        "text/plain; charset=utf-8",
    );
    // What is missing now may be there in a moment: a mirror in the middle of an update.
    fixed(&mut response, header::CACHE_CONTROL, "no-cache");
    response
}

/// The answer to HEAD: all headers, the length included, and no body.
fn without_body(mut response: Response<Content>, head: bool) -> Response<Content> {
    if head {
        let length = response.body().length();
        let has_body = response.status() != StatusCode::NOT_MODIFIED;
        if has_body {
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        *response.body_mut() = Content::empty();
    }
    response
}

fn fixed(response: &mut Response<Content>, name: HeaderName, value: &'static str) {
    let value = HeaderValue::from_static(value);
    response.headers_mut().insert(name, value);
}

fn set(response: &mut Response<Content>, name: HeaderName, value: &str) {
    // Every value is made of digits, fixed words and hexadecimal.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    fn ranged(value: &'static str) -> Part {
        range(&headers(header::RANGE, value), "\"v\"", 10)
    }

    #[test]
    fn one_range_within_the_file_is_served() {
        assert_eq!(ranged("bytes=0-0"), Part::Some(0..1));
        assert_eq!(ranged("bytes=3-"), Part::Some(3..10));
        assert_eq!(ranged("bytes=-4"), Part::Some(6..10));
        assert_eq!(ranged("bytes=-40"), Part::Some(0..10));
        assert_eq!(ranged("bytes=8-99"), Part::Some(8..10));
        assert_eq!(ranged("bytes=0-18446744073709551615"), Part::Some(0..10));
    }

    #[test]
    fn a_range_beyond_the_end_is_an_error() {
        for value in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(ranged(value), Part::Outside, "{value}");
        }
    }

    #[test]
    fn anything_else_is_the_whole_file() {
        for value in [
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=4-3",
            "bytes=a-b",
            "bytes=-",
        ] {
            assert_eq!(ranged(value), Part::Whole, "{value}");
        }
        let mut other = headers(header::RANGE, "bytes=0-1");
        other.insert(header::IF_RANGE, HeaderValue::from_static("\"w\""));
        assert_eq!(range(&other, "\"v\"", 10), Part::Whole);
    }

    #[test]
    fn tags_are_found_in_lists() {
        for value in ["\"v\"", "W/\"v\"", "\"u\", \"v\"", "*"] {
            assert!(is_known(&headers(header::IF_NONE_MATCH, value), "\"v\""));
        }
        for value in ["\"V\"", "v", "", "\"vv\""] {
            assert!(!is_known(&headers(header::IF_NONE_MATCH, value), "\"v\""));
        }
    }

    #[test]
    fn gzip_is_sent_only_where_it_is_welcome() {
        for value in ["gzip", "br, gzip;q=0.5", "x-gzip"] {
            assert!(accepts_gzip(&headers(header::ACCEPT_ENCODING, value)));
        }
        for value in ["identity", "gzip;q=0", "gzip;q=0.0", "gzipped", ""] {
            assert!(!accepts_gzip(&headers(header::ACCEPT_ENCODING, value)));
        }
    }
}
