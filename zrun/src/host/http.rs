//! Outgoing HTTP: every request passes the run's one policy of the network before it is looked up, and again before it
//! is connected.

mod send;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use http::Request;
use http::uri::Scheme as UriScheme;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};
use zero_format::Scheme;

use super::denial::Denied;
use super::net::Net;
use crate::audit::Use;
use crate::http::HttpTarget;
use send::{Answer, Dialer};

/// What wasmtime-wasi-http asks when a program sends a request.
pub(crate) struct Hooks {
    net: Net,
    dialer: Dialer,
}

impl Hooks {
    pub(crate) fn new(net: Net, most: Duration) -> Self {
        Self {
            net,
            dialer: Dialer {
                most,
                ..Dialer::default()
            },
        }
    }
}

type Sending = Box<dyn Future<Output = Result<Answer, Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sending {
        let target = match target(&request) {
            Ok(target) => target,
            Err(error) => return Box::new(std::future::ready(Err(error))),
        };
        if !self.net.allows_request(&target) {
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        let (net, dialer) = (self.net.clone(), self.dialer.clone());
        let options = options.unwrap_or_default();
        Box::new(async move { send::send(&net, &dialer, &target, request, options).await })
    }
}

/// Where a request goes. What two programs could read differently is no URL.
fn target(request: &Request<WasiBody>) -> Result<HttpTarget, Error> {
    let uri = request.uri();
    let scheme = match uri.scheme() {
        Some(scheme) if *scheme == UriScheme::HTTP => Scheme::Http,
        Some(scheme) if *scheme == UriScheme::HTTPS => Scheme::Https,
        _ => return Err(Error::HttpRequestUriInvalid),
    };
    let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
    let (host, port) = (authority.host(), authority.port_u16());
    let plain = match port {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    // A user, or a port that is no number.
    if host.is_empty() || authority.as_str() != plain {
        return Err(Error::HttpRequestUriInvalid);
    }
    // It would ask the server to connect somewhere else.
    if request.method() == http::Method::CONNECT {
        return Err(Error::HttpRequestMethodInvalid);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(HttpTarget {
        method: request.method().as_str().to_owned(),
        scheme,
        host: host.to_owned(),
        port: port.unwrap_or(scheme.port()),
        path: path.to_owned(),
    })
}

impl Net {
    /// Judges the text of a request.
    fn allows_request(&self, target: &HttpTarget) -> bool {
        let allowed = self.http.allows(target);
        if allowed {
            // Whether the run may go on is asked when the call returns.
            let _ = self.denials.recorder().used(|| Use::Http {
                method: target.method.clone(),
                url: target.url(),
            });
        } else {
            self.denials.note(Denied::Request {
                method: target.method.clone(),
                url: target.url(),
                pattern: target.pattern(),
                declared: self.denials.declares_request(target),
                refused: self.http.refuses(target),
            });
        }
        allowed
    }

    /// Those of a host's addresses that a request may go to.
    fn reachable(&self, target: &HttpTarget, addresses: &[SocketAddr]) -> Vec<SocketAddr> {
        let allowed = |address: &&SocketAddr| self.http.allows_address(target, address.ip());
        let reachable: Vec<_> = addresses.iter().filter(allowed).copied().collect();
        if let (true, Some(address)) = (reachable.is_empty(), addresses.first()) {
            self.denials.note(Denied::Address {
                host: target.host.clone(),
                address: *address,
                refused: self.http.refuses_address(target, address.ip()),
            });
        }
        reachable
    }
}
